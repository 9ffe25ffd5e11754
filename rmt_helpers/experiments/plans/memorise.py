"""What the experiment "memorise" asks, and of which configurations; the work is `experiments.memorise`."""

from __future__ import annotations

from ..measures import TOLERANCES
from ..runner import Experiment

_MLP = {
    "network": "mlp",
    "data": "mnist",
    "hidden": [512, 512],
    "images": 5_000,
    "init": "glorot",
    "lr": 0.05,
    "momentum": 0.9,
    "batch_size": 128,
}

_CASES = [
    {"case": "true", "random_labels": 0.0, "dropout": 0.0},
    {"case": "half random", "random_labels": 0.5, "dropout": 0.0},
    {"case": "random", "random_labels": 1.0, "dropout": 0.0},
    {"case": "noisy", "random_labels": 0.4, "dropout": 0.0},
    {"case": "noisy, dropout", "random_labels": 0.4, "dropout": 0.5},
    {"case": "true, dropout", "random_labels": 0.0, "dropout": 0.5},
]

_SHORT = {
    **_MLP,
    "case": "short",
    "random_labels": 0.4,
    "dropout": 0.5,
    "epochs": 3,
    "seed": 0,
}

_CONFIGURATIONS = [
    *({**_MLP, **case, "epochs": 60, "seed": seed} for case in _CASES for seed in range(5)),
    _SHORT,
]

MEMORISE = Experiment(
    name="memorise",
    question="What do true, partly random and random labels leave in the spectrum, and when?",
    function="rmt_helpers.experiments.memorise:memorise",
    configurations=_CONFIGURATIONS,
    sample=[_SHORT],
    tolerances={
        **TOLERANCES,
        "n_broadening": 3,
        "detectable": 2,
        "update_norm": 0.1,
        "stable_rank": 0.3,
        "train_accuracy": 0.01,
        "right_part": 0.01,
        "wrong_part": 0.01,
        "wrong_part_truth": 0.01,
        "held_out_accuracy": 0.015,
        "test_accuracy": 0.01,
    },
)
