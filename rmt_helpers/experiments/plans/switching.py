"""What the experiments "switching" and "mp_pruning" ask, and of which configurations.

The work is `experiments.switching`.
"""

from __future__ import annotations

from ..runner import Experiment

_MLP = {"network": "mlp", "init": "glorot", "lr": 0.05, "momentum": 0.9, "batch_size": 128}

_SWITCHING = [
    {
        **_MLP,
        "lr": 0.02,
        "data": data,
        "images": images,
        "held_out": held_out,
        "hidden": [256, 256],
        "epochs": epochs,
        "drop": 3 * epochs // 4,
        "fixed": epochs // 10,
        "seed": seed,
    }
    for data, images, held_out, epochs, seeds in (
        ("mnist", 6000, 1000, 40, 8),
        ("fashion-mnist", 6000, 1000, 40, 8),
        ("mnist", 2500, 500, 20, 1),
    )
    for seed in range(seeds)
]

SWITCHING = Experiment(
    name="switching",
    question="When should training go on with two thin layers in place of a wide one?",
    function="rmt_helpers.experiments.switching:switch",
    configurations=_SWITCHING,
    sample=[_SWITCHING[-1]],
    tolerances={
        "switch_epoch": 1,
        "rank_fc1": 4,
        "rank_fc2": 4,
        "share_of_weights": 0.02,
        "share_of_products": 0.06,
        "share_of_time": 0.25,
        "validation_accuracy": 0.012,
        "test_accuracy": 0.01,
    },
)

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
