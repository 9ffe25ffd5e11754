"""What the experiment "decay" asks, and of which configurations; the work is `experiments.decay`."""

from __future__ import annotations

from ..measures import TOLERANCES
from ..runner import Experiment

_MLP = {
    "network": "mlp",
    "data": "mnist",
    "hidden": [512, 512],
    "images": 10_000,
    "init": "glorot",
    "batch_size": 128,
}

_SETTINGS = [
    *(
        {"case": "decay", "lr": 0.05, "momentum": 0.9, "weight_decay": wd, "epochs": 8}
        for wd in (0.0, 1e-4, 3e-4, 1e-3, 3e-3)
    ),
    # The same lr/(1 − momentum), hence the same κ as above, and two others.
    {"case": "momentum", "lr": 0.25, "momentum": 0.5, "weight_decay": 1e-3, "epochs": 8},
    {"case": "momentum", "lr": 0.5, "momentum": 0.0, "weight_decay": 1e-3, "epochs": 8},
    {"case": "rate", "lr": 0.02, "momentum": 0.9, "weight_decay": 1e-3, "epochs": 8},
    {"case": "length", "lr": 0.05, "momentum": 0.9, "weight_decay": 1e-3, "epochs": 16},
]

_SHORT = {
    **_MLP,
    "case": "short",
    "lr": 0.05,
    "momentum": 0.9,
    "weight_decay": 3e-3,
    "epochs": 1,
    "seed": 0,
}

_CONFIGURATIONS = [
    *({**_MLP, **setting, "seed": seed} for setting in _SETTINGS for seed in range(5)),
    _SHORT,
]

DECAY = Experiment(
    name="decay",
    question="Does weight decay move the bulk as κ says, and what does it do to count and pruning?",
    function="rmt_helpers.experiments.decay:decay",
    configurations=_CONFIGURATIONS,
    sample=[_SHORT],
    tolerances={
        **TOLERANCES,
        "test_accuracy": 0.01,
        "half_of_entries": 0.015,
        "half_by_rank": 0.015,
        "spikes_alone": 0.03,
        "share_of_spikes": 0.01,
        "sigma_broadening": 4e-4,
        "n_broadening": 3,
        "dead_share": 1e-4,
        "dead_spread": 1e-4,
        "sigma_live": 4e-4,
        "start_energy": 0.01,
    },
)
