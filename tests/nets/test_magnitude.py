"""Pruning keeps the largest weights and, when held, trains the rest of them only."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from rmt_helpers.nets.architectures import MLP
from rmt_helpers.nets.data import Dataset
from rmt_helpers.nets.layers import weight_matrices
from rmt_helpers.nets.magnitude import prune
from rmt_helpers.nets.training import TrainConfig, accuracy, train


def test_what_is_left_is_the_largest_in_units_of_the_layer(model: MLP) -> None:
    before = weight_matrices(model)
    pruned = prune(model, 200, ["fc1", "fc2"])
    after = weight_matrices(pruned)
    relative = {name: np.abs(W) / np.sqrt(np.mean(W**2)) for name, W in before.items()}
    left = {name: after[name] != 0 for name in ("fc1", "fc2")}
    assert sum(int(mask.sum()) for mask in left.values()) == 200
    smallest = min(relative[name][mask].min() for name, mask in left.items())
    assert smallest >= max(relative[name][~mask].max() for name, mask in left.items())
    for name, mask in left.items():
        np.testing.assert_array_equal(after[name][mask], before[name][mask])
    # The last layer was not asked for, and the model is as it was.
    np.testing.assert_array_equal(after["fc3"], before["fc3"])
    assert all(np.array_equal(before[name], W) for name, W in weight_matrices(model).items())


def test_all_and_nothing(model: MLP) -> None:
    every = sum(W.size for W in weight_matrices(model).values())
    whole, nothing = weight_matrices(prune(model, every)), weight_matrices(prune(model, 0))
    assert all(np.array_equal(whole[name], W) for name, W in weight_matrices(model).items())
    assert not any(W.any() for W in nothing.values())


def test_zeros_stay_zeros_in_training_only_if_held(model: MLP, data: Dataset) -> None:
    train(model, data, TrainConfig(lr=0.05, batch_size=32, epochs=3))
    for hold in (False, True):
        pruned = prune(model, 150, hold=hold)
        start = weight_matrices(pruned)
        at_first = accuracy(pruned, data.test)
        train(pruned, data, TrainConfig(lr=0.05, batch_size=32, epochs=2, weight_decay=1e-3))
        end = weight_matrices(pruned)
        assert accuracy(pruned, data.test) > at_first
        left = sum(int(np.count_nonzero(W)) for W in end.values())
        assert (left <= 150) is hold
        if hold:
            assert all(not end[name][W == 0].any() for name, W in start.items())


def test_a_convolution_is_held_too() -> None:
    pruned = prune(nn.Sequential(nn.Conv2d(2, 4, 3)), 7, hold=True)
    weight = pruned.get_parameter("0.weight")
    pruned(torch.rand(1, 2, 5, 5)).square().sum().backward()
    assert weight.grad is not None
    assert torch.equal(weight.grad != 0, weight != 0)
    assert int(weight.count_nonzero()) == 7
    # A copy is a plain model.
    other = copy.deepcopy(pruned)
    other(torch.rand(1, 2, 5, 5)).square().sum().backward()
    assert other.get_parameter("0.weight").grad.all()


def test_bad_input(model: MLP) -> None:
    for wrong in (-1, 10**6, 2.5, None):
        with pytest.raises(ValueError, match="keep must be an integer, from 0 to"):
            prune(model, wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"layers must be among .*, one was 'fc9'"):
        prune(model, 1, ["fc9"])
    with pytest.raises(ValueError, match="layers must hold at least one"):
        prune(model, 0, [])
