"""Everything that was to be judged has a claim with a criterion and a home, and every judge answers."""

import ast
import math
import re
from collections import Counter
from pathlib import Path

import book_rules as rules
import pytest
from book_rules import Page
from build import pages
from markdown_it import MarkdownIt

from rmt_helpers import plotting
from rmt_helpers.experiments import load_results
from rmt_helpers.experiments.catalogue import EXPERIMENTS
from rmt_helpers.verdicts import CLAIMS, Finding
from rmt_helpers.verdicts.planned import DEMANDS, WORKS, Planned, gaps

ROOT = Path(__file__).resolve().parents[2]
BIBLIOGRAPHY = rules.bibliography((ROOT / "book/references.bib").read_text("utf8"))
LABELS = {
    label
    for path in pages()
    if path.is_file()
    for label in rules.labels_defined(Page.read(path, ROOT))
}
#: The works that the paper cites.
CITED = {
    "zhang2021rethinking",
    "arpit2017",
    "krogh1991",
    "srivastava2014",
    "han2015",
    "lu2008",
    "aparicio2020",
    "plerou2002",
    "thamm2022",
    "martin2021implicit",
    "martin2021predicting",
    "meng2023",
    "baskerville2022",
    "prakash2025",
    "staats2023",
    "berlyand2024",
    "benaych2012",
    "ke2023",
    "glorot2010",
    "berlyand2025",
    "marchenko1967",
    "johnstone2001",
    "zhang2016",
    "lecun1998",
    "krizhevsky2017",
}
#: The paper's own claims, what follows from them, and what was asked of it.
KEYS = {
    *("core", "premise", "figure-1", "figure-2", "figure-3"),
    *("right-1", "right-2", "right-3", "right-4", "line-1", "line-2-parts", "line-3"),
    *(
        "settle-it",
        "major-1",
        "major-2",
        "minor-equation",
        "promise-i",
        "promise-ii",
        "promise-iii",
    ),
}


#: Numbers that tell on how much a finding rests; a judge computes them.
SAMPLE = re.compile(
    r"\b(\d+|two|three|four|five|six|seven|eight|nine|ten|twelve|sixteen|twenty) (\w+ )?"
    r"(seeds|pairs|draws|runs|networks|matrices|shapes|kinds|settings|problems|states|simulations)\b"
)


def typed_samples(source):
    """What functions of a module say about the size of a sample without computing it."""
    texts = (
        node.value
        for function in ast.walk(ast.parse(source))
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value != ast.get_docstring(function, clean=False)
    )
    return [found[0] for text in texts for found in SAMPLE.finditer(text)]


def cells(*texts):
    """How many cells of the last row a page shows that still hold their whole text."""
    table = plotting.table([dict(zip("abc", texts, strict=False))])
    tokens = MarkdownIt("commonmark").enable("table").parse(table._repr_markdown_())
    shown = [token.content for token in tokens if token.type == "inline"][len(texts) :]
    return sum(seen == text for seen, text in zip(shown, texts, strict=True))


def by_key(claim):
    return claim.key


def test_every_cited_work_has_a_row():
    assert len(CITED) == 25
    assert {claim.source for claim in CLAIMS} >= CITED


def test_every_demand_and_consequence_has_a_row():
    assert {claim.key for claim in CLAIMS} >= KEYS


@pytest.mark.parametrize(
    "path", sorted((ROOT / "rmt_helpers/verdicts").glob("*.py")), ids=lambda path: path.stem
)
def test_no_remark_types_the_size_of_its_sample(path):
    assert typed_samples(path.read_text("utf8")) == []


def test_a_typed_size_is_seen():
    typed = 'def judge():\n    """Of 5 seeds."""\n    return f"Lost {x:.1f} in five paired seeds of {n} networks."'
    assert typed_samples(typed) == ["five paired seeds"]


#: What each demand and consequence is called in the plan, where that is not the key of a claim.
WITH_PARTS = {"line-2": "line-2-parts"}


def test_every_row_of_the_plan_has_an_answer():
    known = {claim.key: claim for claim in CLAIMS}
    assert {row.key for row in WORKS} == CITED
    assert {WITH_PARTS.get(row.key, row.key) for row in DEMANDS} == KEYS
    assert len({row.key for row in (*WORKS, *DEMANDS)}) == len(WORKS) + len(DEMANDS)
    for row in (*WORKS, *DEMANDS):
        assert set(row.claims) <= set(known), row.key
    for row in WORKS:
        assert row.key in {known[key].source for key in row.claims}


def test_what_is_not_tested_is_named_among_what_was_not_run():
    untested = {claim.key for claim in CLAIMS if claim.judge().verdict == "not tested"}
    assert untested
    assert untested <= {key for row in gaps() for key in row.claims}


#: For rows that ran smaller: what of the stored results shows it. Whoever runs more has to strike the row.
STILL_SO = {
    "prakash2025": lambda: max(c["steps"] for c in EXPERIMENTS["grokking"].configurations) < 1e5,
    "staats2023": lambda: load_results("filtering").table["random_labels"].nunique() == 4,
    "glorot2010": lambda: {c["init"] for c in EXPERIMENTS["bulk"].configurations} == {"glorot"},
    "right-1": lambda: set(load_results("truth").table["method"]) == {"bema", "broadening"},
    "line-3": lambda: load_results("encoder").table["group"].nunique() == 5,
    "figure-3": lambda: len({c["lr"] for c in EXPERIMENTS["batches"].configurations}) == 1,
    "major-1": lambda: not any("rejected" in name for name in load_results("layers").table),
}


@pytest.mark.parametrize("key", STILL_SO)
def test_what_ran_smaller_still_does(key):
    assert key in {row.key for row in gaps()}
    assert STILL_SO[key]()


@pytest.mark.parametrize(
    ("claims", "missing", "instead"), [((), "", ""), (("a",), "x", ""), (("a",), "", "x")]
)
def test_half_a_row_is_refused(claims, missing, instead):
    with pytest.raises(ValueError, match="were|was empty"):
        Planned("a", claims, missing, instead)


@pytest.mark.parametrize("row", gaps(), ids=lambda row: row.key)
def test_a_gap_is_told_in_sentences(row):
    assert row.missing.endswith(".")
    assert row.instead.endswith(".")
    assert set(re.findall(r"\{ref\}`([^`]+)`", row.instead)) <= LABELS
    assert cells(row.key, row.missing, row.instead) == 3


def test_keys_are_unique():
    assert [key for key, n in Counter(map(by_key, CLAIMS)).items() if n > 1] == []


@pytest.mark.parametrize("claim", CLAIMS, ids=by_key)
def test_a_claim_has_source_chapter_and_criterion(claim):
    assert claim.source in {"review", "book"} | set(BIBLIOGRAPHY)
    assert claim.chapter in LABELS
    assert claim.statement.endswith(".")
    assert claim.criterion.endswith(".")


@pytest.mark.parametrize("claim", CLAIMS, ids=by_key)
def test_every_judge_answers(claim):
    finding = claim.judge()
    assert isinstance(finding, Finding)
    assert finding.remark.endswith(".")
    assert len(finding.remark.split()) > 3
    assert cells(f"{claim.statement} *Asked:* {claim.criterion}", finding.remark) == 2
    if not math.isnan(finding.effect):
        assert finding.unit
