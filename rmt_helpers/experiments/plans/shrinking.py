"""What the experiment "shrinking" asks, and of which configurations; the work is `experiments.shrinking`."""

from __future__ import annotations

from ..measures import TOLERANCES
from ..runner import Configuration, Experiment

_NETWORKS: list[Configuration] = [
    {"network": "mlp", "hidden": [256, 256]},
    {"network": "lenet"},
]

# L1 pulls at an entry of size 0.05 as L2 does; the entries begin with a standard deviation near that.
_PENALTIES: list[Configuration] = [
    {"penalty": "none", "weight_decay": 0.0, "lasso": 0.0},
    {"penalty": "L2", "weight_decay": 1e-3, "lasso": 0.0},
    {"penalty": "L1", "weight_decay": 0.0, "lasso": 5e-5},
]

_CONFIGURATIONS: list[Configuration] = [
    {
        **network,
        "data": "mnist",
        "images": 5_000,
        "init": "glorot",
        "lr": 0.05,
        "momentum": 0.9,
        "batch_size": 128,
        "epochs": 20,
        **penalty,
        "seed": seed,
    }
    for network in _NETWORKS
    for penalty in _PENALTIES
    for seed in range(5)
]

SHRINKING = Experiment(
    name="shrinking",
    question="How does the bulk's share shrink epoch by epoch with L2 and L1 penalties, in two networks?",
    function="rmt_helpers.experiments.shrinking:follow",
    configurations=_CONFIGURATIONS,
    sample=[_CONFIGURATIONS[0]],
    tolerances={
        **TOLERANCES,
        "bulk_energy": 0.02,
        "bulk_values": 0.02,
        "size": 0.1,
        "test_accuracy": 0.01,
    },
)
