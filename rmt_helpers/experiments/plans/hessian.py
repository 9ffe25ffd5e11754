"""What the experiment "hessian" asks, and of which configurations; the work is `experiments.hessian`."""

from __future__ import annotations

from ..runner import Experiment

_CONFIGURATIONS = [
    {
        "data": "mnist",
        "components": 10,
        "hidden": [25, 25],
        "images": 5_000,
        "hessian_images": 2_000,
        "init": "glorot",
        "lr": 0.05,
        "momentum": 0.9,
        "batch_size": 64,
        "epochs": 10,
        "seed": seed,
    }
    for seed in range(10)
]

HESSIAN = Experiment(
    name="hessian",
    question="Do the eigenvalues of a small network's Hessian repel each other like those of noise?",
    function="rmt_helpers.experiments.hessian:curvature",
    configurations=_CONFIGURATIONS,
    sample=[_CONFIGURATIONS[0]],
    tolerances={
        "zeros": 60,
        "negative": 60,
        "largest": 0.5,
        "ratio": 0.03,
        "ratio_positive": 0.04,
        "ratio_negative": 0.05,
        "test_accuracy": 0.02,
    },
)
