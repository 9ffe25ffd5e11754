"""Write each chapter's notebook, `name.ipynb`, from its text, `name.md`.

The text is the source. The notebook has no outputs and the same bytes for the same text, so that a test can tell
whether the two agree: ``python tools/notebooks.py`` writes what has changed and names it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import jupytext
import nbformat

ROOT = Path(__file__).resolve().parents[1]


def chapters(root: Path = ROOT) -> list[Path]:
    """All pages that are notebooks: those whose header says so."""
    pages = [
        path for folder in ("book", "chapters") for path in sorted((root / folder).rglob("*.md"))
    ]
    return [path for path in pages if path.read_text("utf8").startswith("---\njupytext:")]


def notebook_text(chapter: Path) -> str:
    """The notebook that belongs to a chapter."""
    return notebook_of(chapter.read_text("utf8"))


def notebook_of(text: str) -> str:
    """The notebook that belongs to a text."""
    notebook = jupytext.reads(text, fmt="md:myst")
    # Which version of jupytext wrote it says nothing about the chapter.
    notebook.metadata["jupytext"]["text_representation"].pop("jupytext_version", None)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    return nbformat.writes(notebook, version=4) + "\n"


def main() -> int:
    for chapter in chapters():
        twin, text = chapter.with_suffix(".ipynb"), notebook_text(chapter)
        if not twin.is_file() or twin.read_text("utf8") != text:
            beside = twin.with_suffix(".ipynb.new")
            beside.write_text(text, "utf8")
            os.replace(beside, twin)
            print(twin.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
