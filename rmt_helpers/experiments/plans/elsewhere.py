"""What the experiment "elsewhere" asks, and of which configurations; the work is `experiments.elsewhere`."""

from __future__ import annotations

from ..runner import Configuration, Experiment

_SEEDS = range(10)
_CONFIGURATIONS: list[Configuration] = [
    *({"field": "finance", "seed": seed} for seed in _SEEDS),
    *({"field": "speech", "level": level, "seed": s} for level in (0, 5, 10) for s in _SEEDS),
    *({"field": "silence", "seed": seed} for seed in range(100)),
    *(
        {"field": "cells", "types": types, "depth": depth, "rare": rare, "seed": seed}
        for depth, rare in ((2000, 0), (600, 0), (200, 0), (600, 1500))
        for types in (1, 4)
        for seed in _SEEDS
    ),
    *(
        {"field": "factors", "noise": noise, "level": level, "seed": seed}
        for noise, level in (
            ("gaussian", 0.1),
            ("gaussian", 1.0),
            ("gaussian", 2.0),
            ("clipped", 1.0),
            ("poisson", 1.0),
            ("poisson", 20.0),
        )
        for seed in _SEEDS
    ),
]

ELSEWHERE = Experiment(
    name="elsewhere",
    question="Does the same law tell signal from noise in finance, speech, cells and parts?",
    function="rmt_helpers.experiments.elsewhere:measure",
    configurations=_CONFIGURATIONS,
    sample=[
        {"field": "finance", "seed": 0},
        {"field": "speech", "level": 5, "seed": 0},
        {"field": "cells", "types": 4, "depth": 200, "rare": 0, "seed": 0},
        {"field": "factors", "noise": "poisson", "level": 1.0, "seed": 0},
    ],
    # The updates of a factorisation magnify rounding a little.
    tolerances={"value": 1e-3},
)
