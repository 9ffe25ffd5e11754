"""What the experiment "truth" asks, and of which configurations; the work is `experiments.truth`."""

from __future__ import annotations

from ..measures import TOLERANCES
from ..runner import Experiment

_MLP = {
    "network": "mlp",
    "data": "mnist",
    "hidden": [512, 512],
    "init": "glorot",
    "lr": 0.05,
    "momentum": 0.9,
    "batch_size": 128,
}

_SETTINGS = [
    {"case": "clean", "images": 10_000, "random_labels": 0.0, "epochs": 8, "weight_decay": 0.0},
    {
        "case": "clean, decay",
        "images": 10_000,
        "random_labels": 0.0,
        "epochs": 8,
        "weight_decay": 1e-3,
    },
    {
        "case": "half random",
        "images": 5_000,
        "random_labels": 0.5,
        "epochs": 60,
        "weight_decay": 0.0,
    },
    {"case": "random", "images": 5_000, "random_labels": 1.0, "epochs": 60, "weight_decay": 0.0},
]

_CONFIGURATIONS = [{**_MLP, **setting, "seed": seed} for setting in _SETTINGS for seed in range(10)]

TRUTH = Experiment(
    name="truth",
    question="Do the predicted cosines hold inside a trained layer whose noise and signal are known?",
    function="rmt_helpers.experiments.truth:inspect",
    configurations=_CONFIGURATIONS,
    sample=[_CONFIGURATIONS[0]],
    tolerances={
        **TOLERANCES,
        "detectable": 2,
        "energy_of_ten": 0.03,
        "energy_of_detectable": 0.03,
        "regression_on_start": 0.01,
        "test_accuracy": 0.01,
        "train_accuracy": 0.01,
    },
)
