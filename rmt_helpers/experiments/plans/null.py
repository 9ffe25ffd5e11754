"""What the experiment "null" asks, and of which configurations; the work is `experiments.null`."""

from __future__ import annotations

from ..runner import Experiment

# The layers of the book's networks, and squares, 1 : 2 and 1 : 8 from small to large.
_LAYERS = [
    (512, 784),
    (512, 3072),
    (120, 400),
    (84, 120),
    (16, 150),
    (64, 75),
    (64, 1600),
    (384, 4096),
    (192, 384),
    (384, 384),
    (384, 1536),
]
_LADDER = [(p, k * p) for p in (16, 32, 64, 128, 256, 512) for k in (1, 2, 8)]

NULL = Experiment(
    name="null",
    question="How far from the fitted law is the spectrum of pure noise?",
    function="rmt_helpers.experiments.null:simulate",
    configurations=[
        {"shape": list(shape), "draws": 2000 if shape[0] <= 128 else 500, "seed": 1}
        for shape in [*_LAYERS, *_LADDER]
    ],
    sample=[{"shape": list(shape), "draws": 2000, "seed": 1} for shape in [(16, 150), (84, 120)]],
)
