"""What the experiment "responses" asks, and of which configurations; the work is `experiments.responses`."""

from __future__ import annotations

from ..runner import Experiment

_VGG = {
    "network": "vgg",
    "data": "cifar10",
    "input": "standardised",
    "init": "glorot",
    "lr": 0.03,
    "momentum": 0.9,
    "nesterov": True,
    "weight_decay": 5e-4,
    "schedule": "one-cycle",
    "batch_size": 128,
}
_LARGE = {**_VGG, "images": 11_000, "validation": 1_000, "epochs": 6, "seen": 500, "tested": 4_000}
# For the tests, which run it again; no chapter reads it.
_SMALL = {**_VGG, "images": 1_200, "validation": 200, "epochs": 1, "seen": 60, "tested": 500}

RESPONSES = Experiment(
    name="responses",
    question="Should the layers of a low-rank network approximate weights, their own responses, or the network's?",
    function="rmt_helpers.experiments.responses:compare",
    configurations=[*({**_LARGE, "seed": seed} for seed in range(5)), {**_SMALL, "seed": 0}],
    sample=[{**_SMALL, "seed": 0}],
    # The network is another after some hundred steps on another processor: like another seed. BEMA's
    # ranks move by a few then.
    tolerances={"weights": 4_000, "validation": 0.15, "test": 0.15},
)
