"""The judges of the estimators read what is stored, and change their verdict when the numbers do."""

from types import SimpleNamespace

import pytest

from rmt_helpers.experiments import load_results
from rmt_helpers.verdicts import which
from rmt_helpers.verdicts.which import CLAIMS

JUDGES = {claim.key: claim.judge for claim in CLAIMS}


@pytest.fixture
def changed(monkeypatch):
    """Let the judges read a changed copy of the stored tables."""

    def change(edit):
        def load(name):
            table = load_results(name).table.copy()
            edit(table)
            return SimpleNamespace(table=table)

        monkeypatch.setattr(which, "load_results", load)

    return change


@pytest.mark.parametrize("key", JUDGES)
def test_a_judge_finds_a_number_with_an_interval(key):
    found = JUDGES[key]()
    assert found.low <= found.effect <= found.high
    assert found.verdict != "not tested"
    assert found.unit


@pytest.mark.parametrize("key", ["which-bema-level", "which-auto-level"])
def test_a_level_that_is_not_kept_fails(key, changed):
    def double(table):
        table["too_many"] = (2 * table["too_many"]).clip(upper=1)

    assert JUDGES[key]().verdict != "fails"
    changed(double)
    assert JUDGES[key]().verdict == "fails"


def test_a_warning_of_every_broken_premise_makes_the_rule_hold(changed):
    changed(lambda table: table.__setitem__("trust_low", 1.0))
    assert JUDGES["which-auto-level"]().verdict == "holds"


def test_shrinkage_must_win_everywhere(changed):
    def spoil(table):
        worse = (table["method"] == "optimal_shrinkage") & (table["signal"] == "many")
        table.loc[worse, "loss"] *= 2

    changed(spoil)
    assert JUDGES["which-shrinkage"]().verdict != "holds"


def test_equal_errors_make_the_least_error_threshold_hold(changed):
    changed(lambda table: table.__setitem__("loss", 1.0))
    assert JUDGES["which-least-error"]().verdict == "holds"


def test_swapped_methods_swap_the_verdict_on_deflation(changed):
    names = {"parallel_analysis, signs": "parallel_analysis, columns"}
    names |= {new: old for old, new in names.items()}
    changed(lambda table: table.__setitem__("method", table["method"].replace(names)))
    assert JUDGES["which-shadow"]().verdict == "fails"


def test_no_loss_of_accuracy_makes_the_cut_hold(changed):
    changed(lambda table: "test" in table and table.__setitem__("test", table["test_full"]))
    assert JUDGES["which-function"]().verdict == "holds"
    assert JUDGES["which-least-error-network"]().verdict == "undecided"
