"""What the experiment "filtering" asks, and of which configurations; the work is `experiments.filtering`."""

from __future__ import annotations

from ..runner import Configuration, Experiment

_MLP = {
    "network": "mlp",
    "hidden": [256, 256],
    "images": 6_000,
    "validation": 1_000,
    "init": "glorot",
    "lr": 0.05,
    "momentum": 0.9,
    "weight_decay": 0.0,
    "batch_size": 128,
    "epochs": 60,
}

_CONFIGURATIONS: list[Configuration] = [
    {**_MLP, "data": data, "random_labels": share, "seed": seed}
    for data, shares in (("mnist", (0.0, 0.2, 0.4, 0.6)), ("fashion-mnist", (0.4,)))
    for share in shares
    for seed in range(5)
]

FILTERING = Experiment(
    name="filtering",
    question="Does a network that learned wrong labels get better when its small singular values go?",
    function="rmt_helpers.experiments.filtering:inspect",
    configurations=_CONFIGURATIONS,
    sample=[_CONFIGURATIONS[0]],
    # Sixty epochs on another processor are like another seed; where the curve is flat, the rank and the
    # epoch that validation chooses are anywhere on it.
    tolerances={
        "rank": 512,
        "epoch": 60,
        "validation": 0.02,
        "test": 0.03,
        "train": 0.01,
        "sigma": 1e-3,
        "threshold": 0.08,
        "n_signal": 4,
        "ks": 0.01,
        "ave_w": 0.03,
        "energy": 0.03,
    },
)
