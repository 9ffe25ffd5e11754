"""What the experiment "largest" asks, and of which configurations; the work is `experiments.largest`."""

from __future__ import annotations

from ..runner import Experiment

_CONFIGURATIONS = [
    {"shape": list(shape), "draws": 400, "seed": seed}
    for shape in ((84, 120), (40, 320), (64, 64))
    for seed in range(5)
]

LARGEST = Experiment(
    name="largest",
    question="Does the largest eigenvalue of noise follow the Tracy–Widom law at the size of layers?",
    function="rmt_helpers.experiments.largest:exceed",
    configurations=_CONFIGURATIONS,
    sample=[_CONFIGURATIONS[0]],
)
