"""Pruning by size keeps the largest entries, as many as asked, and nothing else changes."""

import pytest
import torch

from rmt_helpers.nets.architectures import MLP
from rmt_helpers.nets.sparse import keep_large_entries


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_the_largest_entries_stay(share: float) -> None:
    model = MLP((16, 8, 4))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    pruned = keep_large_entries(model, "fc1", share)
    old, new = model.fc1.weight.detach(), pruned.fc1.weight.detach()
    kept = new != 0
    assert int(kept.sum()) == round(share * old.numel())
    assert torch.equal(new[kept], old[kept])
    if share < 1:
        assert old[~kept].abs().max() <= old[kept].abs().min()
    assert torch.equal(pruned.fc2.weight, model.fc2.weight)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_equal_entries_are_not_all_kept_or_all_lost() -> None:
    model = MLP((4, 2, 2))
    with torch.no_grad():
        model.fc1.weight.fill_(1.0)
    assert int(keep_large_entries(model, "fc1", 0.5).fc1.weight.count_nonzero()) == 4


def test_bad_input() -> None:
    model = MLP((4, 2, 2))
    with pytest.raises(ValueError, match=r"name must be one of \['fc1', 'fc2'\]"):
        keep_large_entries(model, "fc9", 0.5)
    for share in (0.0, 1.5, float("nan")):
        with pytest.raises(ValueError, match="share must lie in"):
            keep_large_entries(model, "fc1", share)
