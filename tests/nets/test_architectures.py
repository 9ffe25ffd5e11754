"""The networks: their layers, and the noise that they start from."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from rmt_helpers import SingularValueLaw, Spectrum, bema
from rmt_helpers.nets.architectures import MLP, LeNet5, SmallAlexNet, SmallVGG, initial_sigma
from rmt_helpers.nets.layers import weight_matrices


def test_layers_and_widths() -> None:
    model = MLP((12, 7, 5, 3))
    names = [name for name, _ in model.named_children()]
    assert names == ["flatten", "fc1", "relu1", "fc2", "relu2", "fc3"]
    shapes = {name: W.shape for name, W in weight_matrices(model).items()}
    assert shapes == {"fc1": (7, 12), "fc2": (5, 7), "fc3": (3, 5)}
    assert model(torch.zeros(2, 1, 3, 4)).shape == (2, 3)


def test_forward_is_the_formula() -> None:
    model = MLP((12, 7, 3), seed=5)
    x = torch.rand(4, 1, 3, 4)
    (W1, b1), (W2, b2) = ((layer.weight, layer.bias) for layer in (model.fc1, model.fc2))
    hidden = torch.clamp(x.reshape(4, 12) @ W1.T + b1, min=0)
    torch.testing.assert_close(model(x), hidden @ W2.T + b2)


NAMES = [
    *("conv1", "pool1", "relu1", "conv2", "pool2", "relu2", "flatten"),
    *("fc1", "relu3", "fc2", "relu4", "fc3"),
]


@pytest.mark.parametrize(
    ("network", "size", "parameters", "shapes"),
    [
        (LeNet5, (1, 28, 28), 61_706, [(6, 25), (16, 150), (120, 400), (84, 120), (10, 84)]),
        (
            SmallAlexNet,
            (3, 32, 32),
            1_756_426,
            [(64, 75), (64, 1600), (384, 4096), (192, 384), (10, 192)],
        ),
    ],
)
def test_convolutional_networks(
    network: type[LeNet5] | type[SmallAlexNet],
    size: tuple[int, ...],
    parameters: int,
    shapes: list[tuple[int, int]],
) -> None:
    model = network()
    assert [name for name, _ in model.named_children()] == NAMES
    assert sum(values.numel() for values in model.parameters()) == parameters
    assert [W.shape for W in weight_matrices(model).values()] == shapes
    x = torch.rand(2, *size)
    assert model(x).shape == (2, 10)
    # Pooling before ReLU gives what ReLU before pooling gives.
    swapped = list(model)
    for k in (1, 4):
        swapped[k], swapped[k + 1] = swapped[k + 1], swapped[k]
    assert torch.equal(nn.Sequential(*swapped)(x), model(x))
    other = network(channels=2, classes=7)
    assert other(torch.rand(2, 2, *size[1:])).shape == (2, 7)


def test_a_small_vgg() -> None:
    model = SmallVGG()
    names = [name for name, _ in model.named_children()]
    assert " ".join(names) == (
        "conv1 pool1 relu1 conv2 pool2 relu2 conv3 relu3 conv4 pool4 relu4 conv5 relu5 flatten fc"
    )
    shapes = [(32, 27), (32, 288), (64, 288), (64, 576), (64, 576), (10, 1024)]
    assert [W.shape for W in weight_matrices(model).values()] == shapes
    assert SmallVGG(channels=1, classes=4)(torch.rand(2, 1, 32, 32)).shape == (2, 4)


@pytest.mark.parametrize("init", ["pytorch", "glorot"])
@pytest.mark.parametrize(
    "make",
    [
        lambda init, seed: MLP((9, 5, 2), init, seed),
        lambda init, seed: LeNet5(init=init, seed=seed),
        lambda init, seed: SmallAlexNet(init=init, seed=seed),
        lambda init, seed: SmallVGG(init=init, seed=seed),
    ],
)
def test_a_seed_fixes_the_weights_and_leaves_the_global_generator_alone(
    make: Callable[[str, int], nn.Sequential], init: str
) -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    one, same, other = (make(init, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not any(torch.equal(one[name], other[name]) for name in one if "weight" in name)


@pytest.mark.parametrize(
    ("ours", "make_theirs", "fan_in"),
    [
        (MLP((400, 300, 10), seed=0).fc1, lambda: nn.Linear(400, 300), 400),
        (SmallAlexNet(seed=0).conv2, lambda: nn.Conv2d(64, 64, 5, padding=2), 1600),
    ],
)
def test_pytorch_initialisation_is_that_of_pytorch(
    ours: nn.Module, make_theirs: Callable[[], nn.Module], fan_in: int
) -> None:
    """Same bounds, for weights and biases, as `nn.Linear` and `nn.Conv2d` themselves.

    The largest of 64 biases lies below 0.9 of its bound with probability 0.9^64 = 0.1 %.
    """
    bound, theirs = 1 / np.sqrt(fan_in), make_theirs()
    for layer in (ours, theirs):
        layer.requires_grad_(False)
        for values in (layer.weight, layer.bias):
            assert 0.9 * bound < float(values.abs().max()) <= bound
    assert float(ours.weight.std()) == pytest.approx(float(theirs.weight.std()), rel=0.01)


@pytest.mark.parametrize("init", ["pytorch", "glorot"])
def test_initial_sigma_and_the_law_of_the_untrained_spectrum(init: str) -> None:
    """120,000 entries: the standard error of their deviation is below 0.3 %, here 5 of them."""
    W = weight_matrices(MLP((400, 300, 10), init=init, seed=0))["fc1"]
    sigma = initial_sigma(W.shape, init)
    assert W.std() == pytest.approx(sigma, rel=0.012)
    assert abs(W.mean()) < 5 * sigma / np.sqrt(W.size)
    law, spectrum = SingularValueLaw(W.shape, sigma), Spectrum.of(W)
    quantiles = law.ppf((np.arange(300)[::-1] + 0.5) / 300)
    assert np.max(np.abs(spectrum.values - quantiles)) < 0.02 * law.support()[1]
    # The estimator's false-alarm rate is 10 %; these two seeds are not among them.
    assert bema(spectrum).n_signal == 0


@pytest.mark.parametrize("init", ["pytorch", "glorot"])
def test_initial_sigma_of_a_convolution(init: str) -> None:
    """102,400 entries: the standard error of their deviation is below 0.3 %, here 5 of them."""
    weight = SmallAlexNet(init=init, seed=0).conv2.weight
    assert float(weight.detach().std()) == pytest.approx(
        initial_sigma(weight.shape, init), rel=0.012
    )
    # The fans by hand: 64 maps of 5 × 5 on either side.
    expected = {"pytorch": 1 / np.sqrt(3 * 1600), "glorot": np.sqrt(2 / (1600 + 1600))}[init]
    assert initial_sigma((64, 64, 5, 5), init) == pytest.approx(expected, rel=1e-12)
    assert initial_sigma((64, 64, 1, 1), init) == initial_sigma((64, 64), init)


def test_glorot_has_no_biases_and_normal_weights() -> None:
    layer = MLP((400, 300, 10), init="glorot", seed=0).fc1
    assert not layer.bias.any()
    within = float((layer.weight.abs() < layer.weight.std()).float().mean())
    assert within == pytest.approx(0.6827, abs=0.01)


@pytest.mark.parametrize("widths", [(), (5,), (5, 0), (5, 2.5), (5, -1, 2), (5, "3")])
def test_bad_widths(widths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="widths must be"):
        MLP(widths)


def test_other_bad_input() -> None:
    with pytest.raises(ValueError, match=r"init must be one of .*was 'he'"):
        MLP((3, 2), init="he")
    with pytest.raises(ValueError, match="init must be one of"):
        initial_sigma((3, 2), "he")
    with pytest.raises(ValueError, match="seed must be"):
        MLP((3, 2), seed=-1)
    for network in (LeNet5, SmallAlexNet, SmallVGG):
        with pytest.raises(ValueError, match="channels must be an integer, 1 or more, was 0"):
            network(channels=0)
        with pytest.raises(ValueError, match="classes must be an integer, 1 or more, was 2.5"):
            network(classes=2.5)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="init must be one of"):
            network(init="he")
        with pytest.raises(ValueError, match="seed must be"):
            network(seed=-1)
    for shape in ((3,), (3, 0), (3, 2, 1), (3, 2, 0, 5), (3, 2, 5, 2.5), (1, 2, 3, 4, 5), 7, "ab"):
        with pytest.raises(ValueError, match="shape must be"):
            initial_sigma(shape)  # type: ignore[arg-type]
