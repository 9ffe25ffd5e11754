"""The pages of the package hold every name that a reader may import, each once."""

import ast
import importlib
import inspect
import re

import jupytext
import pytest
from build import ROOT, pages
from dependencies import code_of

PAGES = ("book/api.md", "book/api-networks.md")

#: Rooms of which every public name is listed. What a module of `nets` offers is asked for by the chapters.
ROOMS = ("rmt_helpers", "rmt_helpers.statistics", "rmt_helpers.elsewhere")

#: The book's own machinery: judged results, runs and drawing are explained where they are used.
MACHINERY = ("rmt_helpers.verdicts", "rmt_helpers.experiments", "rmt_helpers.plotting")


def listed():
    """Module and name of every directive, in the order of the pages."""
    found = []
    for page in PAGES:
        module = None
        for line in (ROOT / page).read_text("utf8").splitlines():
            if hit := re.match(r"\.\. currentmodule:: (\S+)", line):
                module = hit[1]
            elif hit := re.match(r"\.\. auto(?:function|class):: (\S+)", line):
                found.append((module, hit[1]))
    return found


LISTED = listed()


def imported_by_chapters():
    """Module and name of everything that a code cell of a chapter imports from the package."""
    found = set()
    for path in pages():
        cells = jupytext.read(path).cells if "jupytext:" in path.read_text("utf8") else []
        code = code_of(cell.source for cell in cells if cell.cell_type == "code")
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rmt_helpers"):
                found |= {(node.module, alias.name) for alias in node.names}
    return found


def test_each_name_stands_once():
    objects = [getattr(importlib.import_module(module), name) for module, name in LISTED]
    assert len(objects) > 80
    assert len({id(item) for item in objects}) == len(objects)


@pytest.mark.parametrize(("module", "name"), LISTED)
def test_a_listed_name_is_documented(module, name):
    item = getattr(importlib.import_module(module), name)
    text = inspect.getdoc(item) or ""
    assert len(text.split()) >= 5
    if inspect.isfunction(item):
        unexplained = [p for p in inspect.signature(item).parameters if not re.search(rf"\b{p}\b", text)]
        assert unexplained == []


def test_every_public_name_is_listed():
    objects = {id(getattr(importlib.import_module(module), name)) for module, name in LISTED}
    for room in ROOMS:
        module = importlib.import_module(room)
        names = getattr(module, "__all__", None) or [
            name
            for name, item in vars(module).items()
            if not name.startswith("_") and inspect.isfunction(item) and item.__module__ == room
        ]
        missing = [n for n in names if callable(getattr(module, n)) and id(getattr(module, n)) not in objects]
        assert missing == []


def test_what_chapters_import_is_listed():
    objects = {id(getattr(importlib.import_module(module), name)) for module, name in LISTED}
    missing = []
    for module, name in sorted(imported_by_chapters()):
        item = getattr(importlib.import_module(module), name, None)
        if not module.startswith(MACHINERY) and callable(item) and id(item) not in objects:
            missing.append(f"{module}.{name}")
    assert missing == []
