"""A split layer computes what the truncated one does, whatever its stride, padding and type."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from rmt_helpers import optimal_shrinkage
from rmt_helpers.nets.layers import factorize, truncate, weight_matrices
from rmt_helpers.nets.lowrank import largest_rank, layer_matrix, replace, split

CONVOLUTIONS: list[dict[str, Any]] = [
    {},
    {"bias": False},
    {"stride": (1, 2), "padding": (2, 1)},
    {"dilation": (1, 2), "padding": "same"},
    {"padding": (1, 2), "padding_mode": "reflect", "stride": 2},
    {"padding": (2, 1), "padding_mode": "circular"},
]


def number(module: nn.Module) -> int:
    return sum(values.numel() for values in module.parameters())


@pytest.mark.parametrize("shape", [(20, 12), (12, 20), (9, 9)])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("rank", [1, 4, 9])
def test_a_split_linear_layer_is_the_truncated_one(
    shape: tuple[int, int], bias: bool, rank: int
) -> None:
    layer = nn.Linear(*shape, bias=bias)
    before = copy.deepcopy(layer.state_dict())
    pair, x = split(layer, rank), torch.rand(7, shape[0])
    expected = truncate(nn.Sequential(layer), "0", rank)
    torch.testing.assert_close(pair(x), expected(x))
    assert number(pair) == rank * sum(shape) + bias * shape[1]
    assert all(torch.equal(before[key], value) for key, value in layer.state_dict().items())
    # Each of the two holds half of the size.
    torch.testing.assert_close(pair.down.weight.norm(), pair.up.weight.norm())


@pytest.mark.parametrize("options", CONVOLUTIONS)
@pytest.mark.parametrize("scheme", ["channel", "spatial"])
def test_a_split_convolution_of_full_rank_is_the_layer(
    options: dict[str, Any], scheme: str
) -> None:
    layer, x = nn.Conv2d(3, 8, (5, 3), **options), torch.rand(2, 3, 12, 11)
    full = min(layer_matrix(layer, scheme).shape)
    with torch.no_grad():
        torch.testing.assert_close(split(layer, full, scheme=scheme)(x), layer(x))
        # One direction less is another function, and the one that the truncated matrix computes.
        pair = split(layer, full - 1, scheme=scheme)
        assert not torch.allclose(pair(x), layer(x), atol=1e-4)
        cut = copy.deepcopy(layer)
        matrix = torch.as_tensor(factorize(layer_matrix(layer, scheme)).matrix(full - 1))
        if scheme == "spatial":
            cut.weight.copy_(matrix.reshape(8, 5, 3, 3).transpose(1, 2))
        else:
            cut.weight.copy_(matrix.reshape(8, 3, 5, 3))
        torch.testing.assert_close(pair(x), cut(x), rtol=1e-4, atol=1e-5)
    rows, columns = layer_matrix(layer, scheme).shape
    assert number(pair) == (full - 1) * (rows + columns) + (8 if layer.bias is not None else 0)


@pytest.mark.parametrize("scheme", ["channel", "spatial"])
@pytest.mark.parametrize("layer", [nn.Linear(9, 7), nn.Conv2d(2, 5, 3), nn.Linear(1, 9)])
def test_the_largest_rank_saves_and_the_next_does_not(
    layer: nn.Linear | nn.Conv2d, scheme: str
) -> None:
    rows, columns = layer_matrix(layer, scheme).shape
    best = largest_rank(layer, scheme)
    assert best * (rows + columns) < rows * columns <= (best + 1) * (rows + columns)
    if best:
        assert number(split(layer, best, scheme=scheme)) < number(layer)


@pytest.mark.parametrize(("scheme", "reshape"), [("channel", "out"), ("spatial", "kernel")])
def test_the_matrix_is_the_one_that_is_listed_elsewhere(scheme: str, reshape: str) -> None:
    for layer in (nn.Conv2d(3, 4, (5, 2)), nn.Linear(3, 2)):
        listed = weight_matrices(nn.Sequential(layer), reshape)["0"]
        found = layer_matrix(layer, scheme)
        np.testing.assert_array_equal(found, listed)
        found[:] = 0
        assert layer.weight.any()


def test_shrunk_values_take_the_place_of_the_singular_values() -> None:
    layer = nn.Linear(30, 40)
    with torch.no_grad():
        layer.weight += 5 * torch.outer(torch.randn(40), torch.randn(30)) / 35
    fit = optimal_shrinkage(layer.weight)
    factors = factorize(layer_matrix(layer))
    pair = split(layer, 1, values=fit.shrunk, factors=factors)
    found = (pair.up.weight @ pair.down.weight).detach().double().numpy()
    assert np.linalg.norm(found, 2) == pytest.approx(fit.shrunk[0], rel=1e-6)
    assert 0 < fit.shrunk[0] < factors.values[0]
    assert not split(layer, 2, values=[0.0, 0.0])[1].weight.any()


def test_type_mode_and_gradients_are_kept() -> None:
    layer = nn.Linear(6, 5).to(torch.bfloat16).eval()
    pair = split(layer, 2)
    assert {p.dtype for p in pair.parameters()} == {torch.bfloat16}
    assert not pair.training
    assert not any(module.training for module in pair)
    pair = split(nn.Linear(6, 5), 2)
    pair(torch.rand(3, 6)).sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in pair.parameters())


def test_replace() -> None:
    model = nn.Sequential(nn.Linear(4, 6), nn.Sequential(nn.ReLU(), nn.Linear(6, 2)))
    changed = replace(model, "1.1", split(model[1][1], 1))
    assert isinstance(model[1][1], nn.Linear)
    assert isinstance(changed.get_submodule("1.1"), nn.Sequential)
    assert changed[0].weight is not model[0].weight
    pair = split(model[0], 1)
    assert replace(model[0], "", pair) is pair
    for wrong in ("2", "1.2", "weight", None):
        with pytest.raises(ValueError, match="name must be that of a module"):
            replace(model, wrong, pair)  # type: ignore[arg-type]


def test_bad_input() -> None:
    layer = nn.Linear(6, 4)
    for rank in (0, 5, -1, 2.0, None):
        with pytest.raises(ValueError, match="rank must be an integer, from 1 to 4"):
            split(layer, rank)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="scheme must be one of channel, spatial, was 'kernel'"):
        split(layer, 1, scheme="kernel")
    for wrong in (nn.ReLU(), nn.Conv1d(2, 2, 3), nn.Sequential(layer), nn.Bilinear(2, 2, 2)):
        with pytest.raises(ValueError, match=r"layer must be a torch\.nn\.Linear or"):
            split(wrong, 1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="one group, had 2"):
        split(nn.Conv2d(2, 4, 3, groups=2), 1)
    for values, message in (
        ([1.0], "2 numbers or more"),
        ([[1.0, 2.0]], "2 numbers or more"),
        ([1.0, -1.0], "must not be negative, the least was -1"),
        ([1.0, np.nan], "finite"),
    ):
        with pytest.raises(ValueError, match=message):
            split(layer, 2, values=values)
    with pytest.raises(ValueError, match=r"factors must be of a \(4, 6\) matrix, were of \(6, 4\)"):
        split(layer, 1, factors=factorize(np.ones((6, 4))))
    with torch.no_grad():
        layer.weight[0, 0] = torch.nan
    with pytest.raises(ValueError, match="finite"):
        split(layer, 1)
