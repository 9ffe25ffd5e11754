"""The multilayer perceptron: its layers, and the noise that it starts from."""

import numpy as np
import pytest
import torch
from torch import nn

from rmt_helpers import SingularValueLaw, Spectrum, bema
from rmt_helpers.nets.architectures import MLP, initial_sigma
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


def test_a_seed_fixes_the_weights_and_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    one, same, other = MLP((9, 5, 2), seed=1), MLP((9, 5, 2), seed=1), MLP((9, 5, 2), seed=2)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(one.fc1.weight, same.fc1.weight)
    assert torch.equal(one.fc2.bias, same.fc2.bias)
    assert not torch.equal(one.fc1.weight, other.fc1.weight)


def test_pytorch_initialisation_is_that_of_pytorch() -> None:
    """Same bounds, for weights and biases, as `nn.Linear` itself."""
    ours, theirs = (
        layer.requires_grad_(False)
        for layer in (MLP((400, 300, 10), seed=0).fc1, nn.Linear(400, 300))
    )
    bound = 1 / 20
    for layer in (ours, theirs):
        for values in (layer.weight, layer.bias):
            assert 0.95 * bound < float(values.abs().max()) <= bound
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
    for shape in ((3,), (3, 0), (3, 2, 1), 7):
        with pytest.raises(ValueError, match="shape must be"):
            initial_sigma(shape)  # type: ignore[arg-type]
