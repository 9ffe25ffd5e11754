"""The summary of Lighthouse's reports says what they say, and a goal that is missed is seen."""

import re
import subprocess

import pytest
from lighthouse import commit, goals, kind_of, missed, sample, summary

ROW = {
    "kind": "text",
    "device": "phone",
    "performance": 95,
    "accessibility": 100,
    "best-practices": 100,
    "seo": 100,
    "largest_paint_s": 2.5,
}


def test_median():
    assert summary([{"a": 1.0}, {"a": 9.0}, {"a": 2.0}]) == {"a": 2.0}


def test_all_goals_met():
    assert missed(ROW) == []
    assert missed({**ROW, "kind": "mathematics", "performance": 90, "largest_paint_s": 3.0}) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("performance", 94),
        ("accessibility", 99),
        ("best-practices", 99),
        ("seo", 99),
        ("largest_paint_s", 2.6),
    ],
)
def test_a_missed_goal(name, value):
    assert missed({**ROW, name: value}) == [name]


def test_a_desktop_is_held_to_more():
    assert missed({**ROW, "device": "desktop"}) == ["performance"]
    assert "largest_paint_s" not in goals("text", "desktop")


def test_the_commit_that_was_measured(tmp_path):
    assert commit(tmp_path) == "unknown"
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.invalid"]
    (tmp_path / "page").write_text("old")
    for step in (["init", "-q"], ["add", "."], ["commit", "-qm", "a"]):
        subprocess.run([*git, *step], check=True)
    measured = commit(tmp_path)
    assert re.fullmatch(r"[0-9a-f]{10}", measured)
    (tmp_path / "page").write_text("new")
    assert commit(tmp_path) == f"{measured} and changes"


def test_pages(tmp_path):
    for name, text in {
        "chapters/a": "x" * 99,
        "chapters/b": "x",
        "book/c": '<input class="y" type="range">',
    }.items():
        path = tmp_path / f"{name}.html"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    chosen = sample(tmp_path)
    assert chosen["heaviest chapter"] == "chapters/a"
    assert chosen["explorer"] == "book/c"
    assert kind_of('<span class="katex">') == "mathematics"
    assert kind_of("") == "text"
