"""The page "How to use" names the chapters that run without PyTorch; here each imports what it does without it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from book_rules import Page
from build import pages
from dependencies import code_of, experiments_read

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = {
    re.search(r"^\((ch-[a-z0-9-]+)\)=", page.text, re.M)[1]: page
    for page in (Page.read(path, ROOT) for path in pages() if path.is_file())
    if page.is_chapter
}
#: What `pip install ".[nets]"` brings, but for pandas and safetensors, in which results are stored.
PROGRAM = """
import ast, json, sys

ABSENT = {"torch", "torchvision", "joblib", "threadpoolctl", "tokenizers", "tqdm"}

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"{name} is absent", name=name)

sys.meta_path.insert(0, Absent())
fails = []
for name, code in json.load(sys.stdin).items():
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            try:
                exec(compile(ast.Module([node], []), name, "exec"), {})
            except ModuleNotFoundError as error:
                assert error.name.partition(".")[0] in ABSENT, error
                fails.append(name)
                break
print(json.dumps(fails))
"""


def need_pytorch(codes: dict[str, str]) -> set[str]:
    """Those of some programs whose imports, in exercises too, fail where PyTorch is absent."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        check=False,
        capture_output=True,
        text=True,
        input=json.dumps(codes),
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def named() -> set[str]:
    text = (ROOT / "book/how-to-use.md").read_text("utf8")
    section = re.search(r"^\(without-pytorch\)=\n(.*?)^## When", text, re.M | re.S)[1]
    return set(re.findall(r"\{ref\}`(ch-[a-z0-9-]+)`", section))


def test_the_list_is_right(named):
    codes = {label: code_of([c.code for c in page.cells]) for label, page in CHAPTERS.items()}
    assert set(codes) - need_pytorch(codes) == named


def test_some_of_them_read_stored_results(named):
    assert any(experiments_read(code_of([c.code for c in CHAPTERS[x].cells])) for x in named)


@pytest.mark.parametrize(
    ("code", "needs"),
    [
        ("import numpy as np", False),
        ("from rmt_helpers.experiments import load_results", False),
        ("def f():\n    import torch", True),
        ("from rmt_helpers.nets.layers import factorize", True),
    ],
)
def test_it_sees_what_needs_it(code, needs):
    assert need_pytorch({"x": code}) == ({"x"} if needs else set())
