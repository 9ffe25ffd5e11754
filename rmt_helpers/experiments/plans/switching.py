"""What the experiment "mp_pruning" asks, and of which configurations; the work is `experiments.switching`."""

from __future__ import annotations

from ..runner import Experiment

_MLP = {"network": "mlp", "init": "glorot", "lr": 0.05, "momentum": 0.9, "batch_size": 128}

_PRUNING = [
    {
        **_MLP,
        "data": "fashion-mnist",
        "images": images,
        "random_labels": share,
        "hidden": [256, 256],
        "epochs": 24,
        "every": 4,
        "largest_ks": 0.08,
        "seed": seed,
    }
    for share, images, seeds in ((0.0, 6000, 8), (0.2, 6000, 8), (0.0, 2000, 1))
    for seed in range(seeds)
]

MP_PRUNING = Experiment(
    name="mp_pruning",
    question="Does cutting by the Marchenko–Pastur law during training make a network better?",
    function="rmt_helpers.experiments.switching:prune",
    configurations=_PRUNING,
    sample=[_PRUNING[-1]],
    tolerances={"test_accuracy": 0.03, "train_accuracy": 0.03, "share_of_weights": 0.1},
)
