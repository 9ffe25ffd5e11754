"""What the experiment "layers" asks, and of which configurations; the work is `experiments.layers`."""

from __future__ import annotations

from ..runner import Configuration, Experiment

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
    "init": "pytorch",
    "lr": 0.05,
    "momentum": 0.9,
    "weight_decay": 0.0,
    "schedule": "one-cycle",
    "batch_size": 128,
    "epochs": 8,
    "validation": 5_000,
}
_ALEXNET = {
    "network": "alexnet",
    "data": "cifar10",
    "input": "standardised",
    "init": "pytorch",
    "lr": 0.05,
    "momentum": 0.9,
    "nesterov": True,
    "weight_decay": 5e-4,
    "schedule": "one-cycle",
    "augment": True,
    "precision": "bfloat16",
    "batch_size": 128,
    "epochs": 10,
    "validation": 5_000,
}

_CONFIGURATIONS: list[Configuration] = [
    # The longest first, so that no process is left alone with one of them at the end.
    *({**_ALEXNET, "seed": seed} for seed in range(5)),
    *(
        {**_LENET, "data": data, "seed": seed}
        for data in ("mnist", "fashion-mnist")
        for seed in range(10)
    ),
    *(
        {**_MLP, "data": data, "seed": seed}
        for data in ("mnist", "fashion-mnist", "cifar10")
        for seed in range(10)
    ),
]

LAYERS = Experiment(
    name="layers",
    question="What do the two thresholds keep of every layer of every network, and what does it cost?",
    function="rmt_helpers.experiments.layers:survey",
    configurations=_CONFIGURATIONS,
    sample=[c for c in _CONFIGURATIONS if c["network"] == "mlp" and c["data"] == "mnist"][:1],
    # About three standard deviations over the seeds of that network, or more: another processor sums
    # in another order, and after some thousand steps that is like another seed.
    tolerances={
        "sigma": 3e-4,
        "threshold": 0.012,
        "n_signal": 3,
        "ks": 0.005,
        "ave_w": 0.04,
        "energy": 0.02,
        "validation_full": 0.006,
        "test_full": 0.006,
        "validation": 0.01,
        "test": 0.01,
        "agreement": 0.01,
        "kl": 0.01,
    },
)
