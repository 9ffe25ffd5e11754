"""The judges of the estimators read what is stored, and change their verdict when the numbers do."""

from types import SimpleNamespace

import numpy as np
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
            results = load_results(name)
            table = results.table.copy()
            edit(table)
            return SimpleNamespace(table=table, arrays=results.arrays)

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


@pytest.mark.parametrize(
    ("key", "swap", "verdict"),
    [
        ("which-shadow", ("parallel_analysis, signs", "parallel_analysis, columns"), "fails"),
        ("which-stepwise", ("kritchman_nadler", "bema"), "fails"),
        ("which-stepwise", ("kritchman_nadler", "kritchman_nadler"), "undecided"),
    ],
)
def test_swapped_methods_swap_the_verdict(monkeypatch, key, swap, verdict):
    """Two methods in each other's places, or one in both places."""
    honest, names = which.per_draw, dict(zip(swap, reversed(swap), strict=True))
    if len(names) == 1:
        names = {"bema": swap[0]}
    monkeypatch.setattr(
        which, "per_draw", lambda method, signal: honest(names.get(method, method), signal)
    )
    assert JUDGES[key]().verdict == verdict


def test_the_interval_over_draws_by_hand():
    """Two cells of four draws, differences of 1 in one and two of the four."""
    first, second = [np.ones(4), np.ones(4)], [np.array([0, 1, 1, 1]), np.array([0, 0, 1, 1])]
    mean, low, high = which._paired(first, second)
    assert mean == pytest.approx(37.5)
    # Student's variances 3/4·1/3 = 1/4 and 1/3, each over four draws, and half of each mean.
    assert high - mean == pytest.approx(100 * 1.959964 * np.sqrt((1 / 4 + 1 / 3) / 4) / 2)
    assert mean - low == pytest.approx(high - mean)


def test_no_loss_of_accuracy_makes_the_cut_hold(changed):
    changed(lambda table: "test" in table and table.__setitem__("test", table["test_full"]))
    assert JUDGES["which-function"]().verdict == "holds"
    assert JUDGES["which-least-error-network"]().verdict == "undecided"
