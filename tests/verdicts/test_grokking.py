"""The rules of the chapter on grokking, on tables made by hand: each can say yes, no, and neither."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from rmt_helpers.verdicts import grokking
from rmt_helpers.verdicts.grokking import announcement, delays, later, trapped

STEPS = np.array([1, 10, 100, 1000, 10_000])


def run(case, seed, test, sure, *, traps=0, steps=STEPS):
    """One network that fits at step 10: its accuracy, sure spikes in FC1 and traps at the end."""
    return [
        {
            "run": f"{case} {seed}",
            "case": case,
            "seed": seed,
            "lr": 1e-3,
            "weight_decay": 0.0,
            "layer": layer,
            "step": step,
            "train_accuracy": float(step >= 10),
            "test_accuracy": accuracy,
            "n_signal": count + 1,
            "n_sure": count if layer == "fc1" else 0,
            "traps": traps,
        }
        for step, accuracy, count in zip(steps, test, sure, strict=True)
        for layer in ("fc1", "fc2")
    ]


@pytest.fixture
def put(monkeypatch):
    """Let the judges read a table made of runs."""

    def put(*runs):
        made = SimpleNamespace(table=pd.DataFrame([row for rows in runs for row in rows]))
        monkeypatch.setattr(grokking, "load_results", lambda name: made)
        return made.table

    return put


GROKS = (0.1, 0.1, 0.2, 0.7, 0.9)


def test_a_spike_lies_between_two_looks():
    """Half-way from .1 to .9 is .5, three fifths of the way from 100 to 1000 in log steps."""
    table = pd.DataFrame(run("decay 0.02", 0, GROKS, (0, 0, 0, 2, 5)))
    (row,) = announcement(table).itertuples()
    half = np.log(100) + 0.6 * np.log(10)
    assert row.early == pytest.approx(np.log(100) - half)
    assert row.late == pytest.approx(np.log(1000) - half)
    assert (row.spikes_at_fit, row.spikes_at_end) == (2, 12)


@pytest.mark.parametrize(
    ("sure", "verdict"),
    [((0, 1, 1, 2, 5), "holds"), ((0, 0, 0, 0, 5), "fails"), ((0, 0, 0, 2, 5), "undecided")],
)
def test_spikes_announce_or_not(put, sure, verdict):
    """A spike by step 10 is early; one after step 1000 is late; one between 100 and 1000 is neither."""
    put(*(run("decay 0.02", seed, GROKS, sure) for seed in range(5)))
    assert grokking._spikes().verdict == verdict


def test_only_networks_that_generalise_are_healthy(put):
    falls = (0.1, 0.1, 0.9, 0.9, 0.87)
    table = put(
        run("decay 0.02", 0, GROKS, STEPS),
        run("no decay", 0, NEVER, STEPS),
        run("decay 0.3", 0, falls, STEPS),
    )
    assert trapped(table)["healthy"].tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("healthy", "sick", "verdict"), [(0, 1, "holds"), (1, 0, "fails"), (0.15, 0, "undecided")]
)
def test_traps_of_healthy_networks_alone_decide(put, healthy, sick, verdict):
    put(
        *(run("usual size", k, GROKS, STEPS, traps=int(k < 40 * healthy)) for k in range(40)),
        *(run("no decay", k, NEVER, STEPS, traps=sick) for k in range(40)),
    )
    assert grokking._traps().verdict == verdict


NEVER = (0.1, 0.1, 0.2, 0.3, 0.4)
CURVES = (NEVER, GROKS, (0.1, 0.1, 0.1, 0.9, 0.9), (0.1, 0.1, 0.9, 0.9, 0.9))


@pytest.mark.parametrize(
    ("curves", "verdict"),
    [
        (CURVES, "holds"),
        (CURVES[::-1], "fails"),
        ((GROKS, *CURVES[1:]), "undecided"),
        ((GROKS, GROKS, *CURVES[2:]), "undecided"),
    ],
)
def test_the_clock(put, curves, verdict):
    """Less decay is later, sooner, or as late; a network that never generalises counts with its last step."""
    cases = ("no decay", "decay 0.02", "decay 0.1", "decay 0.3")
    put(
        *(
            run(case, seed, np.array(curve) + 0.002 * ((seed * (k + 2)) % 5), STEPS)
            for k, (case, curve) in enumerate(zip(cases, curves, strict=True))
            for seed in range(5)
        )
    )
    assert grokking._clock().verdict == verdict


def test_never_is_after_the_last_step():
    table = pd.DataFrame(
        [
            row
            for case, curve in zip(
                ("no decay", "decay 0.02", "decay 0.1", "decay 0.3"), CURVES, strict=True
            )
            for row in run(case, 0, curve, STEPS)
        ]
    )
    at = delays(table).set_index("case")["generalises"]
    assert np.isnan(at["no decay"])
    assert later(table)["no decay, decay 0.02"][0] == pytest.approx(
        np.log(10_000 / at["decay 0.02"])
    )
