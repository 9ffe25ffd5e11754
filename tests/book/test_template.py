"""The chapter template is a chapter: it keeps the rules, runs, and builds without a warning."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import book_rules as rules
import pytest
import yaml
from book_rules import Page
from check_site import figure_names, problems_on_page

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "tests" / "book" / "template.md"
PAGE = Page("chapters/part/template", TEMPLATE.read_text("utf8"))
URL = yaml.safe_load((ROOT / "_config.yml").read_text("utf8"))["repository"]["url"]

# What the template refers to besides itself.
INDEX = """(ch-mp)=
# Contents

A page that the template refers to.

(chapter-map-times)=
## Times

What the line below a chapter's table of needs refers to.

```{bibliography}
```
"""

BUILD = """
import sys
sys.path.insert(0, sys.argv[1])
import build
from pathlib import Path
build.ROOT = root = Path(sys.argv[2])
build.BUILD, build.CACHE = root / "_build", root / "_build" / ".jupyter_cache"
chapter = build.read_chapter(root / "chapters/part/template.md", root)
chapter.path.parent.mkdir(parents=True, exist_ok=True)
failures = build.execute([chapter], 1, build.CACHE)
settings = {"toc": root / "_toc.yml", "root": root, "cache": build.CACHE}
sys.exit(1 if failures or not build.write_pages(root / "_build", strict=True, **settings) else 0)
"""


@pytest.mark.parametrize(
    "rule",
    [
        rules.figures,
        rules.exercises,
        rules.grades,
        rules.glued,
        rules.typed_numbers,
        lambda page: rules.first_cell(page, URL),
    ],
)
def test_keeps_the_rule(rule):
    assert rule(PAGE) == []


def test_has_the_parts_of_a_chapter():
    for part in (
        "(ch-template)=\n# ",
        "\n| You need",
        "\n## Exercises\n",
        "\n## What to take away\n",
    ):
        assert part in PAGE.text


def test_contributing_names_it():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf8")
    assert f"({TEMPLATE.relative_to(ROOT).as_posix()})" in text


def test_builds_without_a_warning(tmp_path):
    """In a book of its own, with the book's settings and extensions; a cell that raises would fail it."""
    for name in ("_config.yml", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("book/_ext", "book/_static", "book/explorers", "rmt_helpers"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "book" / "references.bib", tmp_path / "book")
    (tmp_path / ".cache" / "site").mkdir(parents=True)
    (tmp_path / "book" / "index.md").write_text(INDEX, "utf8")
    (tmp_path / "chapters" / "part").mkdir(parents=True)
    shutil.copy(TEMPLATE, tmp_path / "chapters" / "part")
    contents = {
        "format": "jb-book",
        "root": "book/index",
        "parts": [
            {"caption": "Part", "numbered": 2, "chapters": [{"file": "chapters/part/template"}]}
        ],
    }
    (tmp_path / "_toc.yml").write_text(yaml.safe_dump(contents, sort_keys=False))
    run = subprocess.run(
        [sys.executable, "-c", BUILD, str(ROOT / "tools"), str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=300,
        env={**os.environ, "PATH": path_with_node()},
    )
    assert run.returncode == 0, run.stdout + run.stderr
    page = (tmp_path / "_build" / "html" / "chapters" / "part" / "template.html").read_text("utf8")
    assert problems_on_page(page, figure_names(PAGE.text)) == []
    assert (tmp_path / "_build" / "html" / "404.html").is_file()
    assert len(list((tmp_path / "_build" / "html" / "cards").iterdir())) == 2


def path_with_node():
    """The real Node first, as in the Makefile; the mathematics renderer needs it."""
    here = ROOT / ".venv"
    return os.pathsep.join([str(here / "node"), str(here / "bin"), os.environ["PATH"]])
