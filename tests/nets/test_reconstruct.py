"""Pairs fitted behind others against solutions found in other ways."""

import itertools

import pytest
import torch
from torch import nn

from rmt_helpers.nets.architectures import MLP, SmallVGG
from rmt_helpers.nets.data import Dataset, Images
from rmt_helpers.nets.lowrank import split
from rmt_helpers.nets.reconstruct import (
    _auxiliary,
    _behind_relu,
    _regression,
    compress_by_responses,
    split_after,
)
from rmt_helpers.nets.responses import layer_inputs, split_by_responses


def spoilt(number: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs as they were, and what a layer before might have made of them."""
    whole = torch.rand(number, width) * torch.linspace(0.2, 3, width)
    return (0.6 * whole + 0.3 * whole.flip(1) - 0.4).clamp(min=0), whole


@torch.no_grad()
def error(pair: nn.Module, layer: nn.Module, x: torch.Tensor, whole: torch.Tensor) -> float:
    return float((pair(x) - layer(whole)).double().square().sum())


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("rank", [1, 3, 5])
@torch.no_grad()
def test_the_asymmetric_fit_is_least_squares_cut(bias: bool, rank: int) -> None:
    """By orthogonal columns in place of covariances: t on y by lstsq, then the best matrix of its predictions."""
    layer = nn.Linear(9, 6, bias=bias)
    x, whole = spoilt(600, 9)
    y, t = (layer(side).double() for side in (x, whole))
    y, t = y - y.mean(dim=0), t - t.mean(dim=0)
    predicted = y @ torch.linalg.lstsq(y, t).solution
    u, s, vt = torch.linalg.svd(predicted, full_matrices=False)
    expected = (t - (u[:, :rank] * s[:rank]) @ vt[:rank]).square().sum()
    pair = split_after(layer, rank, x, whole)
    assert error(pair, layer, x, whole) == pytest.approx(float(expected), rel=1e-3)
    for rival in (split(layer, rank), split_by_responses(layer, rank, whole)):
        assert error(pair, layer, x, whole) < error(rival, layer, x, whole)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Linear(9, 6), (300, 9)),
        (nn.Conv2d(3, 5, (3, 2), stride=(1, 2), padding=1), (250, 3, 8, 7)),
    ],
)
def test_where_nothing_changed_it_is_symmetric(
    layer: nn.Linear | nn.Conv2d, shape: tuple[int, ...]
) -> None:
    x = torch.rand(shape)
    expected = split_by_responses(layer, 3, x)
    torch.testing.assert_close(split_after(layer, 3, x, x)(x), expected(x), rtol=1e-4, atol=1e-4)


def test_more_filters_than_pixels() -> None:
    """The responses then lie in a plane, and their covariance has no inverse."""
    layer = nn.Conv2d(1, 12, 2)
    x = torch.rand(60, 1, 5, 5)
    for pair in (split_after(layer, 4, x, x), split_after(layer, 4, x, x, relu=True)):
        torch.testing.assert_close(pair(x), layer(x), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("penalty", [0.01, 0.3, 1.0])
def test_auxiliary_responses_are_the_best_of_a_grid(penalty: float) -> None:
    wanted, predicted = torch.randn(200).double().clamp(min=0), 2 * torch.randn(200).double()

    def cost(z: torch.Tensor) -> torch.Tensor:
        return (wanted - z.clamp(min=0)).square() + penalty * (z - predicted).square()

    found = cost(_auxiliary(wanted, predicted, penalty))
    best = cost(torch.linspace(-8, 8, 40_001).double()[:, None]).min(dim=0).values
    assert torch.all(found <= best + 1e-12)
    torch.testing.assert_close(found, best, rtol=0, atol=1e-6)


def test_each_step_lowers_the_relaxed_cost() -> None:
    y = torch.randn(400, 7).double()
    t = y @ torch.randn(7, 7).double() + 0.3 * torch.randn(400, 7).double() - 0.5
    wanted, penalty = t.clamp(min=0), 0.2
    fit, costs = _regression([(y, t)], 2), []
    for _ in range(12):
        z = _auxiliary(wanted, fit(y), penalty)
        for at in (fit, fit := _regression([(y, z)], 2)):
            kept, moved = wanted - z.clamp(min=0), z - at(y)
            costs.append(float(kept.square().sum() + penalty * moved.square().sum()))
    assert all(after <= before * (1 + 1e-9) for before, after in itertools.pairwise(costs))
    assert costs[-1] < 0.9 * costs[0]


def test_the_nonlinear_fit_comes_near_what_descent_finds() -> None:
    """Gradient descent on the cost itself, from the linear fit and from elsewhere, finds little better."""
    y = torch.randn(500, 6).double()
    t = y @ torch.randn(6, 6).double() - 1.0
    wanted = t.clamp(min=0)

    def cost(out: torch.Tensor) -> torch.Tensor:
        return (wanted - out.clamp(min=0)).square().mean()

    linear, found = _regression([(y, t)], 2), _behind_relu(y, t, 2)
    reached = []
    for start in range(4):
        parts = [linear.U, linear.V, linear.shift]
        parts = [
            (p + 0.3 * start * torch.randn_like(p)).contiguous().requires_grad_() for p in parts
        ]
        descent = torch.optim.LBFGS(parts, max_iter=600, line_search_fn="strong_wolfe")

        def closure(
            parts: list[torch.Tensor] = parts, descent: torch.optim.LBFGS = descent
        ) -> torch.Tensor:
            descent.zero_grad()
            loss = cost(parts[2] + y @ parts[1].T @ parts[0].T)
            loss.backward()
            return loss

        descent.step(closure)
        reached.append(float(closure().detach()))
    ours, plain = float(cost(found(y))), float(cost(linear(y)))
    assert ours < plain
    assert plain - ours > 0.85 * (plain - min(reached))


def test_the_relu_counts() -> None:
    layer = nn.Conv2d(2, 8, 3)
    x, whole = torch.rand(80, 2, 9, 9), torch.rand(80, 2, 9, 9)
    whole = x + 0.2 * whole

    @torch.no_grad()
    def behind(pair: nn.Module) -> float:
        return float((pair(x).relu() - layer(whole).relu()).square().sum())

    linear, nonlinear = split_after(layer, 2, x, whole), split_after(layer, 2, x, whole, relu=True)
    assert behind(nonlinear) < behind(linear)
    assert error(linear, layer, x, whole) < error(nonlinear, layer, x, whole)


def test_a_network_layer_by_layer(model: MLP, data: Dataset) -> None:
    images = data.train[:200]
    fc1, fc2 = model.get_submodule("fc1"), model.get_submodule("fc2")
    assert isinstance(fc1, nn.Linear)
    assert isinstance(fc2, nn.Linear)
    small = compress_by_responses(model, {"fc2": 4, "fc1": 3}, images, "asymmetric")
    x = images.x.flatten(1)
    first = split_after(fc1, 3, x, x)
    torch.testing.assert_close(small.get_submodule("fc1")(x), first(x))
    now = layer_inputs(small, "fc2", images)
    second = split_after(fc2, 4, now, layer_inputs(model, "fc2", images))
    torch.testing.assert_close(small.get_submodule("fc2")(now), second(now))
    assert model.get_submodule("fc1") is fc1
    assert isinstance(small.get_submodule("fc3"), nn.Linear)

    @torch.no_grad()
    def apart(fit: str) -> float:
        small = compress_by_responses(model, {"fc1": 3, "fc2": 3}, images, fit)
        wanted, found = (layer_inputs(net, "fc3", images) for net in (model, small))
        return float((wanted - found).square().mean())

    assert apart("nonlinear") < apart("asymmetric") < apart("symmetric")


def test_bad_input(data: Dataset) -> None:
    layer, x = nn.Linear(6, 4), torch.rand(3, 6)
    with pytest.raises(ValueError, match="rank must be an integer, from 1 to 4"):
        split_after(layer, 5, x, x)
    with pytest.raises(ValueError, match="x must hold at least one input"):
        split_after(layer, 1, x[:0], x[:0])
    with pytest.raises(ValueError, match="whole must have the shape of x"):
        split_after(layer, 1, x, x[:2])
    images = Images(torch.rand(4, 3, 32, 32), torch.zeros(4, dtype=torch.int64))
    with pytest.raises(ValueError, match="fit must be one of"):
        compress_by_responses(SmallVGG(), {"conv1": 2}, images, "linear")
    with pytest.raises(ValueError, match="ranks must name layers of the model, had 'conv9'"):
        compress_by_responses(SmallVGG(), {"conv9": 2}, images)
