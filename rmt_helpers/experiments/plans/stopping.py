"""What the experiment "stopping" asks, and of which configurations; the work is `experiments.stopping`."""

from __future__ import annotations

from ..runner import Experiment

#: Case, data set, share of random labels, learning rate, epochs.
_CASES = [
    ("digits", "mnist", 0.0, 0.05, 30),
    ("digits, 40 % random", "mnist", 0.4, 0.05, 30),
    ("digits, 40 % random, slow", "mnist", 0.4, 0.01, 40),
    ("clothes", "fashion-mnist", 0.0, 0.05, 30),
    ("clothes, 40 % random", "fashion-mnist", 0.4, 0.05, 30),
]

_CONFIGURATIONS = [
    {
        "case": case,
        "network": "mlp",
        "data": data,
        "images": 6000,
        "validation": 1000,
        "random_labels": share,
        "hidden": [256, 256],
        "init": "glorot",
        "lr": lr,
        "momentum": 0.9,
        "batch_size": 128,
        "epochs": epochs,
        "seed": seed,
    }
    for case, data, share, lr, epochs in _CASES
    for seed in range(6)
]

STOPPING = Experiment(
    name="stopping",
    question="Does the spectrum say when to stop, as a validation set does?",
    function="rmt_helpers.experiments.stopping:watch",
    configurations=_CONFIGURATIONS,
    sample=[_CONFIGURATIONS[6]],
    tolerances={
        "test_accuracy": 0.02,
        "train_accuracy": 0.02,
        "validation_accuracy": 0.03,
        "loss": 0.05,
        "ks_fc1": 0.01,
        "ks_fc2": 0.01,
        "n_fc1": 3,
        "n_fc2": 3,
    },
)
