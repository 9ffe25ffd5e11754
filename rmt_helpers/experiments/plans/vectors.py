"""What the experiment "vectors" asks, and of which configurations; the work is `experiments.vectors`."""

from __future__ import annotations

from ..runner import Experiment

VECTORS = Experiment(
    name="vectors",
    question="Which singular vectors of a real sentence encoder cannot be told from random ones?",
    function="rmt_helpers.experiments.vectors:examine",
    # Shuffled entries show the level of the test, evened rows and columns what unequal ones do.
    configurations=[{"order": order, "seed": 0} for order in ("as trained", "shuffled", "evened")],
    # Its weights must be fetched: tests run none of it again.
    sample=[],
)
