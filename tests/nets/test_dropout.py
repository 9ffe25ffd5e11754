"""Dropout drops as often as it says, keeps the mean, and draws from its own generator alone."""

import copy

import pytest
import torch
from torch import nn

from rmt_helpers.nets.architectures import MLP, LeNet5
from rmt_helpers.nets.data import Dataset, Images
from rmt_helpers.nets.dropout import SeededDropout, with_dropout
from rmt_helpers.nets.layers import weight_matrices
from rmt_helpers.nets.training import TrainConfig, train


def test_it_drops_as_often_as_it_says_and_keeps_the_mean() -> None:
    x = torch.ones(200, 500)
    found = SeededDropout(0.3, seed=1).train()(x)
    assert set(found.unique().tolist()) == {0.0, float(torch.tensor(1.0) / 0.7)}
    # A share of 10⁵ draws: five standard errors, a false alarm in a million.
    assert abs((found == 0).double().mean().item() - 0.3) < 5 * (0.3 * 0.7 / 1e5) ** 0.5


def test_it_does_nothing_in_evaluation_or_at_rate_0() -> None:
    x = torch.rand(4, 3)
    assert SeededDropout(0.5).eval()(x) is x
    assert SeededDropout(0.0).train()(x) is x


def test_it_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    layer, twin = SeededDropout(0.5, seed=2).train(), SeededDropout(0.5, seed=2).train()
    x = torch.ones(50, 20)
    first, second = layer(x), layer(x)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(first, twin(x))
    assert not torch.equal(first, second)
    assert not torch.equal(first, SeededDropout(0.5, seed=3).train()(x))


def test_a_network_keeps_its_layers_and_its_answers() -> None:
    model = MLP((16, 8, 8, 4))
    net = with_dropout(model, 0.5)
    names = [name for name, _ in net.named_children()]
    assert names == ["flatten", "fc1", "relu1", "dropout1", "fc2", "relu2", "dropout2", "fc3"]
    assert net.fc1 is model.fc1
    assert list(weight_matrices(net)) == list(weight_matrices(model))
    x = torch.rand(5, 1, 4, 4)
    assert torch.equal(net.eval()(x), model.eval()(x))
    assert not torch.equal(net.train()(x), model(x))


def test_training_with_it_repeats() -> None:
    data = Images(torch.rand(40, 1, 4, 4), torch.arange(40) % 4)
    config = TrainConfig(lr=0.1, batch_size=8, epochs=2)
    one = with_dropout(MLP((16, 8, 4)), 0.5, seed=3)
    two = with_dropout(MLP((16, 8, 4)), 0.5, seed=3)
    plain = MLP((16, 8, 4))
    for net in (one, two, plain):
        train(net, Dataset("made", data, data), config, device="cpu", progress=False)
    assert torch.equal(one.fc1.weight, two.fc1.weight)
    assert not torch.equal(one.fc1.weight, plain.fc1.weight)


def test_it_can_be_copied_and_placed_in_a_convolutional_network() -> None:
    net = with_dropout(LeNet5(), 0.1)
    assert sum(isinstance(layer, SeededDropout) for layer in net) == 4
    copy.deepcopy(net)


def test_bad_input() -> None:
    for rate in (-0.1, 1.0, [0.1, 0.2], float("nan")):
        with pytest.raises(ValueError, match="rate must"):
            SeededDropout(rate)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="seed must be an integer"):
        with_dropout(MLP((4, 3, 2)), 0.5, seed=-1)
    with pytest.raises(ValueError, match="model must have a ReLU"):
        with_dropout(nn.Sequential(nn.Linear(4, 2)), 0.5)
