"""What the experiment "failures" asks, and of which configurations; the work is `experiments.failures`."""

from __future__ import annotations

from ..runner import Experiment

# Those of `experiments.failures`.
_NOISES = (
    "gaussian",
    "uniform",
    "student 5",
    "student 3",
    "mean 0.1",
    "dead columns",
    "unequal columns",
    "unequal rows",
    "correlated",
    "signal of full rank",
)

FAILURES = Experiment(
    name="failures",
    question="When does the score mislead, and does the distance of the bulk warn?",
    function="rmt_helpers.experiments.failures:plant",
    configurations=[
        {"noise": noise, "shape": list(shape), "draws": 50, "seed": 2}
        for noise in _NOISES
        for shape in [(512, 784), (120, 400)]
    ],
    sample=[
        {"noise": noise, "shape": [120, 400], "draws": 50, "seed": 2}
        for noise in ("gaussian", "student 3")
    ],
)
