"""The rows that the verdicts on memorising and decay choose, and that each claim is judged from what is stored."""

import math

import pandas as pd
import pytest

from rmt_helpers.verdicts import VERDICTS
from rmt_helpers.verdicts.memorise import CLAIMS, best_held_out, when_learned

COURSE = pd.DataFrame(
    {
        "epoch": [1, 2, 4, 8],
        "train_accuracy": [0.5, 0.9991, 0.998, 1.0],
        "held_out_accuracy": [0.3, 0.6, 0.7, 0.4],
    }
)


def test_when_learned_is_the_first_epoch_at_the_level() -> None:
    assert when_learned(COURSE)["epoch"] == 2
    assert when_learned(COURSE, 1.0)["epoch"] == 8
    with pytest.raises(ValueError, match="level must have been reached, was 0.99 in no epoch"):
        when_learned(COURSE[:1], 0.99)


def test_the_best_epoch_is_chosen_by_held_out_images() -> None:
    assert best_held_out(COURSE)["epoch"] == 4


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.key)
def test_each_claim_is_judged(claim) -> None:
    found = claim.judge()
    assert found.verdict in VERDICTS
    assert found.verdict != "not tested"
    assert math.isfinite(found.low)
    assert math.isfinite(found.high)
    assert found.unit
