"""What the experiment "choice" asks, and of which configurations; the work is `experiments.choice`."""

from __future__ import annotations

from ..runner import Experiment

_MLP = {
    "network": "mlp",
    "hidden": [512, 512],
    "init": "pytorch",
    "lr": 0.02,
    "momentum": 0.9,
    "weight_decay": 0.0,
    "batch_size": 64,
    "epochs": 5,
    "validation": 5_000,
}
_LENET = {
    "network": "lenet",
    "data": "mnist",
    "init": "pytorch",
    "lr": 0.05,
    "momentum": 0.9,
    "weight_decay": 0.0,
    "schedule": "one-cycle",
    "batch_size": 128,
    "epochs": 5,
    "validation": 5_000,
}
# For the tests, which run it again; no chapter reads it.
_SMALL = {
    **_MLP,
    "data": "mnist",
    "hidden": [64, 48],
    "images": 4_000,
    "validation": 500,
    "seed": 0,
}

CHOICE = Experiment(
    name="choice",
    question="What rank does each method give a trained layer, and what does the network then know?",
    function="rmt_helpers.experiments.choice:choose",
    configurations=[
        *({**_LENET, "seed": seed} for seed in range(5)),
        *(
            {**_MLP, "data": data, "seed": seed}
            for data in ("mnist", "fashion-mnist")
            for seed in range(5)
        ),
        _SMALL,
    ],
    sample=[_SMALL],
    # Another processor sums in another order, and after some thousand steps that is like another seed.
    tolerances={
        "sigma": 2e-3,
        "threshold": 0.12,
        "n_signal": 4,
        "ks": 0.03,
        "ave_w": 0.1,
        "energy": 0.05,
        "test_full": 0.02,
        "test": 0.05,
    },
)
