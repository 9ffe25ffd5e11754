"""What the experiment "grokking" asks, and of which configurations; the work is `experiments.grokking`."""

from __future__ import annotations

from ..runner import Experiment

_BASE = {
    "data": "mnist",
    "images": 1000,
    "hidden": [200, 200],
    "lr": 1e-3,
    "batch_size": 50,
    "marks": 45,
}

#: Case, initial scale, weight decay, steps. The networks without decay have as many steps as the slowest of the others.
_CASES = [
    ("decay 0.02", 8.0, 0.02, 40_000),
    ("decay 0.1", 8.0, 0.1, 15_000),
    ("decay 0.3", 8.0, 0.3, 7_000),
    ("no decay", 8.0, 0.0, 40_000),
    ("usual size", 1.0, 0.1, 4_000),
]

#: A seed fixes the initial network and the order of the images, so that cases can be compared in pairs.
_SEEDS = 5

_CONFIGURATIONS = [
    {
        "case": case,
        **_BASE,
        "scale": scale,
        "weight_decay": decay,
        "steps": steps,
        "seed": seed,
    }
    for case, scale, decay, steps in _CASES
    for seed in range(_SEEDS)
]

GROKKING = Experiment(
    name="grokking",
    question="What do spectra show while a network generalises long after it has fitted its data?",
    function="rmt_helpers.experiments.grokking:grok",
    configurations=_CONFIGURATIONS,
    sample=[next(c for c in _CONFIGURATIONS if c["case"] == "decay 0.3")],
    # About the spread over seeds: rounding grows over thousands of steps.
    tolerances={
        "train_accuracy": 0.02,
        "test_accuracy": 0.04,
        "sigma": 0.005,
        "n_signal": 4,
        "n_sure": 4,
        "ks": 0.02,
        "detectable": 6,
        "theta_first": 0.2,
        "energy_signal": 0.05,
        "energy_learned": 0.2,
        "traps": 4,
        "strong_entries": 5,
        "kurtosis": 5.0,
    },
)
