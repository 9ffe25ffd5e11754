"""What the experiment "encoder" asks, and of which configurations; the work is `experiments.encoder`."""

from __future__ import annotations

from ..runner import Configuration, Experiment

# Those of `experiments.encoder`.
_GROUPS = ("query and key", "value and output", "feed-forward in", "feed-forward out", "all")
_CHANGES = (
    "signal only",
    "bulk replaced",
    "signal removed",
    "quarter of the ranks",
    "half of the ranks",
)

_CONFIGURATIONS: list[Configuration] = [
    {"part": "spectra", "seed": 0},
    *(
        {"part": "function", "group": group, "change": change, "seed": seed}
        for group in _GROUPS
        for change in _CHANGES
        for seed in (range(5) if change == "bulk replaced" else [0])
    ),
]

ENCODER = Experiment(
    name="encoder",
    question="Which matrices of a real sentence encoder have a bulk of noise, and does it matter?",
    function="rmt_helpers.experiments.encoder:examine",
    configurations=_CONFIGURATIONS,
    # Its weights must be fetched: tests run none of it again.
    sample=[],
    tolerances={"cosine": 0.01, "same_neighbour": 0.03},
)
