"""What lies beside notebooks that are handed out, so that they run where nothing else of the book is.

The package and the stored results that the chapters read, the licences, and a page that says how to start. Releases and
editions differ in what they change in a chapter's text, and in that page.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import notebooks

ROOT = notebooks.ROOT

README = """# {title}: the notebooks{edition}

Every chapter as a Jupyter notebook, with the package and the stored results that they read. With Python 3.11 to 3.13,
in this folder:

    python -m venv .venv
    .venv/bin/pip install -e ".[nets]" jupyterlab jupyterlab-myst matplotlib myst-nb
    .venv/bin/jupyter lab chapters

(On Windows, `.venv\\Scripts\\` in place of `.venv/bin/`.) `requirements.txt` lists the versions that the book was built
with. The first chapter that trains a network fetches MNIST once.

{more}
"""


def chapter_notebooks(change: Callable[[str], str]) -> dict[str, bytes]:
    """Name -> notebook of each page with code, free of outputs, and not paired with a text that is elsewhere."""
    found = {}
    for page in notebooks.chapters():
        notebook = json.loads(notebooks.notebook_of(change(page.read_text("utf8"))))
        notebook["metadata"].pop("jupytext", None)
        name = page.relative_to(ROOT).with_suffix(".ipynb").as_posix()
        found[name] = (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()
    return found


def tracked(*folders: str) -> dict[str, bytes | Path]:
    """The files of these folders that belong to the book (what git ignores or a run left does not)."""
    names = subprocess.run(
        ["git", "ls-files", "-z", *folders], cwd=ROOT, capture_output=True, check=True
    ).stdout.decode()
    return {name: ROOT / name for name in names.split("\0") if name}


def notebook_files(
    change: Callable[[str], str], title: str, more: str, edition: str = ""
) -> dict[str, bytes | Path]:
    """All that is handed out, name -> content: notebooks of the changed texts and what they need."""
    beside = tracked("rmt_helpers", "results", "pyproject.toml", "requirements.txt")
    licences = {name: ROOT / name for name in ("LICENSE", "LICENSE-TEXT", "CITATION.cff")}
    readme = README.format(title=title, more=more, edition=edition and f" ({edition} edition)")
    return {**chapter_notebooks(change), **beside, **licences, "README.md": readme.encode()}
