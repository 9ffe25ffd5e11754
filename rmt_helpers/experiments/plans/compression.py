"""What the experiment "compression" asks, and of which configurations; the work is `experiments.compression`."""

from __future__ import annotations

from typing import Any

from ..runner import Configuration, Experiment

_COMMON = {
    "images": 12_000,
    "validation": 2_000,
    "init": "pytorch",
    "lr": 0.05,
    "momentum": 0.9,
    "weight_decay": 0.0,
    "schedule": "one-cycle",
    "batch_size": 128,
    "epochs": 8,
}

# The two that Han et al. prune first.
_NETWORKS: list[dict[str, Any]] = [
    {"network": "mlp", "hidden": [300, 100], "data": "mnist"},
    {"network": "mlp", "hidden": [300, 100], "data": "fashion-mnist"},
    {"network": "lenet", "data": "mnist"},
    {"network": "lenet", "data": "fashion-mnist"},
]

_CONFIGURATIONS: list[Configuration] = [
    {**network, **_COMMON, "seed": seed} for network in _NETWORKS for seed in range(5)
]

COMPRESSION = Experiment(
    name="compression",
    question="At the same number of weights, what is left of a network compressed by this and by that?",
    function="rmt_helpers.experiments.compression:inspect",
    configurations=_CONFIGURATIONS,
    sample=[_CONFIGURATIONS[0]],
    # The network is another after some thousand steps on another processor: like another seed. Ranks
    # move by one or two then, and at the lowest budgets much of the accuracy with them.
    tolerances={
        "time": 1e6,  # not to be reproduced
        "parameters": 6000,
        "multiply_adds": 6000,
        "validation": 0.12,
        "test": 0.12,
    },
)
