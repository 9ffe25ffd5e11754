"""What the experiment "batches" asks, and of which configurations; the work is `experiments.batches`."""

from __future__ import annotations

from ..measures import TOLERANCES
from ..runner import Experiment

_EPOCHS, _IMAGES, _SIZES = 5, 4000, (16, 64, 256, 1024)
# What batch size 256 takes in five epochs.
_STEPS = _EPOCHS * -(-_IMAGES // 256)

_CONFIGURATIONS = [
    {
        "network": "mlp",
        "data": "mnist",
        "hidden": [256, 256],
        "init": "glorot",
        "lr": 0.02,
        "momentum": 0.9,
        "images": _IMAGES,
        "fixed": fixed,
        "batch_size": size,
        "seed": seed,
        **({"epochs": _EPOCHS} if fixed == "epochs" else {"steps": _STEPS}),
    }
    for fixed in ("epochs", "steps")
    for size in _SIZES
    for seed in range(5)
]

BATCHES = Experiment(
    name="batches",
    question="Is it the batch size that shapes a layer's spectrum, or the number of steps?",
    function="rmt_helpers.experiments.batches:batches",
    configurations=_CONFIGURATIONS,
    sample=[_CONFIGURATIONS[15]],
    tolerances={**TOLERANCES, "test_accuracy": 0.01},
)
