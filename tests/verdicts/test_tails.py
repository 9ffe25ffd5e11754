"""The judges of the chapter on tails, on made-up tables whose verdict is known, and on the stored ones."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from rmt_helpers.verdicts import VERDICTS, tails


def alpha_table(slopes: dict[str, float], spread: float) -> SimpleNamespace:
    """Exponents that follow the accuracy with a slope, for each kind of variation."""
    rng = np.random.default_rng(0)
    rows = [
        {
            "varied": varied,
            "seed": seed,
            "random_labels": k / 10,
            "hidden": [256, 256],
            "lr": 0.05,
            "layer": layer,
            "test_accuracy": 1 - k / 10,
            **{
                name: slope * (1 - k / 10) + spread * rng.standard_normal()
                for name in ("exponent", "weighted", "n_signal", "ks")
            },
        }
        for varied, slope in slopes.items()
        for seed in range(5)
        for k in range(8)
        for layer in ("fc1", "fc2")
    ]
    return SimpleNamespace(table=pd.DataFrame(rows))


NOISE, WIDTH = "label noise", "width and learning rate"


@pytest.mark.parametrize(
    ("slopes", "spread", "verdicts"),
    [
        ({NOISE: -1.0, WIDTH: -1.0}, 0.01, ("holds", "fails", "holds")),
        ({NOISE: 1.0, WIDTH: -1.0}, 0.01, ("holds", "fails", "fails")),
        ({NOISE: 1.0, WIDTH: 1.0}, 0.01, ("holds", "fails", "fails")),
        ({NOISE: 0.0, WIDTH: 1.0}, 0.5, ("fails", "fails", "fails")),
    ],
)
def test_exponent_and_accuracy(monkeypatch, slopes, spread, verdicts):
    made = alpha_table(slopes, spread)
    if spread > 0.1:  # the second kind stays exact
        exact = made.table["varied"] == WIDTH
        made.table.loc[exact, "exponent"] = made.table.loc[exact, "test_accuracy"]
    monkeypatch.setattr(tails, "load_results", lambda name: made)
    judges = (tails.judge_label_noise, tails.judge_hyperparameters, tails.judge_direction)
    assert tuple(judge().verdict for judge in judges) == verdicts


@pytest.mark.parametrize(
    ("extra", "verdict"),
    [((9, 20, 5), "holds"), ((9, 20, 0), "holds with limits"), ((0, 0, 0), "fails")],
)
def test_batch_size(monkeypatch, extra, verdict):
    pairs = (
        ("small batch, few steps", "long"),
        ("small batch", "many steps"),
        ("small batch, low rate", "low rate"),
    )
    rows = [
        {
            "state": state,
            "seed": seed,
            "layer": "fc1",
            "steps": 480.0,
            "n_signal": 10 + (more + seed % 2) * first,
        }
        for (small, large), more in zip(pairs, extra, strict=True)
        for state, first in ((small, True), (large, False))
        for seed in range(5)
    ]
    made = SimpleNamespace(table=pd.DataFrame(rows))
    monkeypatch.setattr(tails, "load_results", lambda name: made)
    assert tails.judge_batch_size().verdict == verdict


@pytest.mark.parametrize(
    ("ratio", "verdict"), [(0.531, "holds"), (0.5395, "undecided"), (0.45, "fails")]
)
def test_hessian(monkeypatch, ratio, verdict):
    ratios = ratio + np.array([-0.002, -0.001, 0.0, 0.001, 0.002])
    made = SimpleNamespace(
        table=pd.DataFrame({"state": "trained", "ratio": ratios, "parameters": 1185})
    )
    monkeypatch.setattr(tails, "load_results", lambda name: made)
    assert tails.judge_hessian().verdict == verdict


def test_every_claim_is_judged_from_the_stored_results():
    keys = [claim.key for claim in tails.CLAIMS]
    assert len(set(keys)) == len(keys)
    for claim in tails.CLAIMS:
        assert claim.judge().verdict in VERDICTS[:-1]
