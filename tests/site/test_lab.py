"""What a chapter did not do in JupyterLab is seen, and the record tells of no such chapter."""

import json

import notebooks
import pytest
from try_lab import LIMIT, RESULT, ROOT, missed

ROW = {"cells": 3, "ran": 3, "errors": [], "server_mb": 100, "kernel_mb": LIMIT - 101}
NAMES = {
    page.relative_to(ROOT / "chapters").with_suffix("").as_posix()
    for page in notebooks.chapters()
    if page.is_relative_to(ROOT / "chapters")
}


def test_all_is_well():
    assert missed(ROW) == []


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ran", 2, "1 cells did not run"),
        ("errors", ["ValueError: no"], "ValueError: no"),
        ("kernel_mb", LIMIT - 100, f"{LIMIT} MB"),
    ],
)
def test_what_is_missed(name, value, says):
    assert missed({**ROW, name: value}) == [says]


def test_the_record():
    if not RESULT.is_file():
        pytest.skip("no record here: make lab makes it")
    record = json.loads(RESULT.read_text("utf8"))
    assert [row["chapter"] for row in record["rows"] if missed(row)] == []
    assert {row["chapter"] for row in record["rows"]} <= NAMES
    assert record["provenance"]["limit_mb"] == LIMIT
