"""What the experiment "bulk" asks, and of which configurations; the work is `experiments.bulk`."""

from __future__ import annotations

from ..measures import TOLERANCES
from ..runner import Experiment

_CONFIGURATIONS = [
    {
        "network": "mlp",
        "data": "mnist",
        "hidden": [512, 512],
        "images": 20_000,
        "input": form,
        "random_labels": share,
        "init": "glorot",
        "lr": 0.05,
        "momentum": 0.9,
        "weight_decay": decay,
        "batch_size": 128,
        "epochs": 12,
        "seed": seed,
    }
    for share in (0.0, 0.4)
    for form in ("raw", "lit", "standardised")
    for decay in (0.0, 1e-4, 1e-3)
    for seed in range(5)
]

BULK = Experiment(
    name="bulk",
    question="Does the bulk still follow the law after training, and what bends it?",
    function="rmt_helpers.experiments.bulk:fit_bulk",
    configurations=_CONFIGURATIONS,
    sample=[_CONFIGURATIONS[0]],
    tolerances={
        **TOLERANCES,
        "sigma_live": 4e-4,
        "sigma_dead": 4e-4,
        "first_over_threshold": 0.15,
        "accuracy": 0.01,
    },
)
