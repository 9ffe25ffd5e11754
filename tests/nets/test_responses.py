"""Splitting by responses gives back the responses better than any other matrix of the rank."""

import pytest
import torch
from torch import nn

from rmt_helpers.nets.architectures import MLP, LeNet5
from rmt_helpers.nets.data import Dataset
from rmt_helpers.nets.lowrank import split
from rmt_helpers.nets.responses import layer_inputs, split_by_responses


def error(pair: nn.Module, layer: nn.Module, x: torch.Tensor) -> float:
    with torch.no_grad():
        return float((pair(x) - layer(x)).double().square().sum())


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("rank", [1, 3, 5])
def test_the_error_is_what_the_covariance_leaves(bias: bool, rank: int) -> None:
    """The sum of the smallest eigenvalues; splitting the weights leaves more."""
    layer = nn.Linear(9, 6, bias=bias)
    x = torch.rand(700, 9) * torch.linspace(0.1, 4, 9)
    pair = split_by_responses(layer, rank, x)
    with torch.no_grad():
        y = layer(x).double()
    eigenvalues = torch.linalg.eigvalsh(torch.cov(y.T, correction=0))
    assert error(pair, layer, x) == pytest.approx(
        700 * float(eigenvalues[: 6 - rank].sum()), rel=1e-3
    )
    assert error(pair, layer, x) < error(split(layer, rank), layer, x)


def test_of_full_rank_it_is_the_layer() -> None:
    layer = nn.Conv2d(3, 5, (3, 2), stride=(1, 2), padding=1)
    x = torch.rand(20, 3, 8, 7)
    torch.testing.assert_close(split_by_responses(layer, 5, x)(x), layer(x), rtol=1e-4, atol=1e-5)
    pair = split_by_responses(layer, 2, x)
    assert pair(x).shape == layer(x).shape
    assert error(pair, layer, x) < error(split(layer, 2), layer, x)


def test_inputs_of_a_layer(model: MLP, data: Dataset) -> None:
    x = layer_inputs(model, "fc2", data.test)
    with torch.no_grad():
        expected = model.relu1(model.fc1(data.test.x.flatten(1)))
    torch.testing.assert_close(x, expected)
    assert not model.fc2._forward_pre_hooks
    assert layer_inputs(LeNet5(), "conv2", data_of_lenet()).shape == (4, 6, 14, 14)


def data_of_lenet():  # type: ignore[no-untyped-def]
    from rmt_helpers.nets.data import Images

    return Images(torch.rand(4, 1, 28, 28), torch.zeros(4, dtype=torch.int64))


def test_bad_input(model: MLP, data: Dataset) -> None:
    layer = nn.Linear(6, 4)
    for rank in (0, 5, 1.5):
        with pytest.raises(ValueError, match="rank must be an integer, from 1 to 4"):
            split_by_responses(layer, rank, torch.rand(3, 6))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="x must hold at least one input"):
        split_by_responses(layer, 1, torch.rand(0, 6))
    with pytest.raises(ValueError, match="layer must be"):
        split_by_responses(nn.ReLU(), 1, torch.rand(3, 6))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="name must be that of a module of the model, was 'fc9'"):
        layer_inputs(model, "fc9", data.test)
    with pytest.raises(ValueError, match="images must hold at least one"):
        layer_inputs(model, "fc1", data.test[:0])
