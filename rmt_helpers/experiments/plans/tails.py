"""What the experiments "phases", "alpha" ask, and of which configurations; the work is `experiments.tails`."""

from __future__ import annotations

from ..measures import TOLERANCES
from ..runner import Configuration, Experiment

_MLP: Configuration = {
    "network": "mlp",
    "data": "mnist",
    "hidden": [256, 256],
    "images": 5_000,
    "init": "glorot",
    "lr": 0.05,
    "momentum": 0.9,
    "weight_decay": 0.0,
    "batch_size": 128,
    "random_labels": 0.0,
}

# Steps of 12 epochs at batch size 128 and at batch size 16.
_FEW, _MANY = 480, 3756
_LOW = 0.0125

_STATES: list[Configuration] = [
    {"state": "untrained"},
    {"state": "short", "epochs": 1},
    {"state": "long", "epochs": 12},
    {"state": "small batch", "batch_size": 16, "epochs": 12},
    {"state": "small batch, few steps", "batch_size": 16, "steps": _FEW},
    {"state": "many steps", "steps": _MANY},
    {"state": "memorising", "random_labels": 1.0, "epochs": 60},
    {"state": "low rate", "lr": _LOW, "steps": _FEW},
    {"state": "small batch, low rate", "lr": _LOW, "batch_size": 16, "steps": _FEW},
    {"state": "decayed", "weight_decay": 3e-3, "batch_size": 32, "epochs": 30},
]

_PHASES = [{**_MLP, **state, "seed": seed} for state in _STATES for seed in range(5)]

_TAIL_TOLERANCES = {
    "exponent": 0.4,
    "exponent_se": 0.1,
    "n_tail": 40,
    "tail_range": 1.0,
    "weighted": 0.5,
    "plateau_p": 0.3,
}

PHASES = Experiment(
    name="phases",
    question="Which phases do spectra of a small network reach, and what do tails and vectors say of each?",
    function="rmt_helpers.experiments.tails:walk",
    configurations=_PHASES,
    sample=[_PHASES[0], _PHASES[5]],
    tolerances={
        **TOLERANCES,
        **_TAIL_TOLERANCES,
        "first_over_threshold": 0.1,
        "last_over_median": 0.02,
        "power_law_p": 0.5,
        "ratio_bulk": 0.05,
        "ratio_all": 0.05,
        "rejected_bulk_left": 0.06,
        "rejected_bulk_right": 0.06,
        "rejected_spikes_left": 0.5,
        "rejected_spikes_right": 0.5,
        "constant_left": 0.1,
        "constant_right": 0.1,
        "test_accuracy": 0.02,
        "train_accuracy": 0.02,
    },
)

_ALPHA = [
    {**_MLP, "varied": "label noise", "random_labels": share, "epochs": 60, "seed": seed}
    for share in (0.0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0)
    for seed in range(5)
] + [
    {
        **_MLP,
        "varied": "width and learning rate",
        "hidden": [width, width],
        "lr": lr,
        "epochs": 60,
        "seed": seed,
    }
    for width in (128, 256, 512)
    for lr in (0.0125, 0.025, 0.05, 0.1)
    for seed in range(5)
]

_SHORTEST = next(c for c in _ALPHA if c["hidden"] == [128, 128] and c["lr"] == 0.0125)

ALPHA = Experiment(
    name="alpha",
    question="Does the tail exponent of the weights follow the test accuracy?",
    function="rmt_helpers.experiments.tails:follow",
    configurations=_ALPHA,
    sample=[_SHORTEST],
    tolerances={
        **TOLERANCES,
        **_TAIL_TOLERANCES,
        "test_accuracy": 0.02,
        "train_accuracy": 0.02,
    },
)
