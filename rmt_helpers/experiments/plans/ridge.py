"""What the experiment "ridge" asks, and of which configurations; the work is `experiments.ridge`."""

from __future__ import annotations

from ..runner import Experiment

_SETTINGS = [
    {"inputs": 50, "examples": 100, "sigma": 0.5},
    {"inputs": 50, "examples": 60, "sigma": 0.3},
    {"inputs": 80, "examples": 40, "sigma": 0.3},
]

_CONFIGURATIONS = [
    {**setting, "repetitions": 400, "seed": seed} for setting in _SETTINGS for seed in range(5)
]

RIDGE = Experiment(
    name="ridge",
    question="Which weight decay serves a linear student of a noisy teacher best?",
    function="rmt_helpers.experiments.ridge:ridge",
    configurations=_CONFIGURATIONS,
    sample=_CONFIGURATIONS[:1],
)
