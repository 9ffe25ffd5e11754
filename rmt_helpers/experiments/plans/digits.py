"""What the experiment "digits" asks, and of which configurations; the work is `experiments.digits`."""

from __future__ import annotations

from ..runner import Configuration, Experiment

_CONFIGURATIONS: list[Configuration] = [
    {"images": 1000, "held_out": 500, "seed": seed} for seed in range(5)
]

DIGITS = Experiment(
    name="digits",
    question="Does a threshold count the parts of handwritten digits, and what does the count buy?",
    function="rmt_helpers.experiments.digits:compare",
    configurations=_CONFIGURATIONS,
    # Half a minute each: tests run none of it again, `make reproduce` does.
    sample=[],
    # The updates of a factorisation magnify rounding, and a part may then end elsewhere.
    tolerances={
        "missed": 0.003,
        "sparsity": 0.02,
        "coherence": 0.02,
        "halves": 0.03,
        "starts": 0.03,
    },
)
