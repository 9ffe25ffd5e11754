"""Convolutions of few channels: what goes faster is the same, among equals and at borders too."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from rmt_helpers.nets.architectures import LeNet5
from rmt_helpers.nets.convolutions import (
    Convolution,
    can_be_one,
    convolve_and_pool,
    is_slow,
)
from rmt_helpers.nets.passes import passes


def gradients(output: torch.Tensor, inputs: list[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    downstream = torch.randn(output.shape, generator=torch.Generator().manual_seed(1))
    return torch.autograd.grad(output, inputs, downstream.to(output.dtype))


def whole_numbers(*shape: int) -> torch.Tensor:
    """-1, 0 and 1, of which sums are exact, so that equals are equal whatever the order of the sum."""
    return torch.randint(-1, 2, shape).float()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("kernel", "padding"), [(5, 2), (5, 0), (3, 1), ((3, 5), (1, 0))])
@pytest.mark.parametrize("with_bias", [True, False])
def test_convolve_and_pool_chooses_the_same_pixel_among_equals(
    channels: int, kernel: int, padding: int, with_bias: bool
) -> None:
    """Sums of whole numbers are exact: values and gradients must agree to the last digit."""
    layer = nn.Conv2d(channels, 6, kernel, padding=padding, bias=with_bias)
    x = whole_numbers(4, channels, 14, 16).requires_grad_()
    with torch.no_grad():
        layer.weight.copy_(whole_numbers(*layer.weight.shape))
        if layer.bias is not None:
            layer.bias.copy_(whole_numbers(6))
    assert can_be_one(layer, nn.MaxPool2d(2), x)
    ours, theirs = convolve_and_pool(layer, x), F.max_pool2d(layer(x), 2)
    assert torch.equal(ours, theirs)
    downstream = whole_numbers(*ours.shape)
    inputs = [x, *layer.parameters()]
    for one, other in zip(
        torch.autograd.grad(ours, inputs, downstream),
        torch.autograd.grad(theirs, inputs, downstream),
        strict=True,
    ):
        assert torch.equal(one, other)


@pytest.mark.parametrize("padding", [(0, 0), (2, 1)])
@pytest.mark.parametrize("with_bias", [True, False])
def test_the_convolution_and_its_gradients(padding: tuple[int, int], with_bias: bool) -> None:
    """Against float64; 1e-5 is about a hundred roundings of a float32."""
    x, W, b = torch.randn(7, 6, 14, 12), torch.randn(16, 6, 5, 5), torch.randn(16)
    inputs = [x, W, b][: 3 if with_bias else 2]
    exact = [values.double().requires_grad_() for values in inputs]
    single = [values.requires_grad_() for values in inputs]
    ours = Convolution.apply(*single, *[None][with_bias:], padding)
    theirs = F.conv2d(*exact, padding=padding)
    torch.testing.assert_close(ours.double(), theirs, rtol=1e-5, atol=1e-4)
    for one, other in zip(gradients(ours, single), gradients(theirs, exact), strict=True):
        assert one.is_contiguous()
        torch.testing.assert_close(one.double(), other, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("frozen", [(), ("conv1.weight",), ("conv2.weight", "conv2.bias")])
def test_a_step_of_lenet(frozen: tuple[str, ...]) -> None:
    """All gradients of a batch, some parameters frozen, against the plain model in float64."""
    model = LeNet5(seed=0)
    for name in frozen:
        model.get_parameter(name).requires_grad_(False)
    exact = LeNet5(seed=0).double()
    x, y = torch.rand(32, 1, 28, 28), torch.arange(32) % 10
    with passes(model) as forward:
        F.cross_entropy(forward(x), y).backward()
    F.cross_entropy(exact(x.double()), y).backward()
    for name, values in model.named_parameters():
        if name in frozen:
            assert values.grad is None
        else:
            torch.testing.assert_close(
                values.grad, exact.get_parameter(name).grad.float(), rtol=1e-4, atol=1e-6
            )


@pytest.mark.parametrize(
    ("first", "second", "side"),
    [
        (nn.Conv2d(1, 6, 5), nn.MaxPool2d(2), 15),  # an odd map
        (nn.Conv2d(1, 6, 5), nn.MaxPool2d(3, 2), 14),
        (nn.Conv2d(1, 6, 5), nn.MaxPool2d(2, 1), 14),
        (nn.Conv2d(1, 6, 5), nn.MaxPool2d(2, padding=1), 14),
        (nn.Conv2d(1, 6, 5), nn.MaxPool2d(2, return_indices=True), 14),
        (nn.Conv2d(1, 6, 5), nn.AvgPool2d(2), 14),
        (nn.Conv2d(1, 16, 5), nn.MaxPool2d(2), 14),  # many maps
        (nn.Conv2d(1, 6, 5, stride=2), nn.MaxPool2d(2), 15),
        (nn.Conv2d(1, 6, 3, dilation=2), nn.MaxPool2d(2), 14),
        (nn.Conv2d(1, 6, 5, padding="same"), nn.MaxPool2d(2), 14),
        (nn.Conv2d(1, 6, 3, padding=1, padding_mode="circular"), nn.MaxPool2d(2), 14),
        (nn.Conv2d(2, 6, 5, groups=2), nn.MaxPool2d(2), 14),
        (nn.Flatten(), nn.MaxPool2d(2), 14),
    ],
)
def test_what_cannot_be_one(first: nn.Module, second: nn.Module, side: int) -> None:
    channels = first.in_channels if isinstance(first, nn.Conv2d) else 1
    assert not can_be_one(first, second, torch.rand(2, channels, side, side))


def test_a_layer_that_is_watched_is_gone_through() -> None:
    """Hooks see what they would see, on a layer or on the whole; a `forward` of one's own is used."""
    x, seen = torch.rand(2, 1, 28, 28), []
    model = LeNet5(seed=0)

    def watch(layer: nn.Module, inputs: object, output: torch.Tensor) -> None:
        seen.append(tuple(output.shape))

    for layer in (model, model.get_submodule("conv1"), model.get_submodule("pool1")):
        hook = layer.register_forward_hook(watch)
        with passes(model) as forward:
            forward(x)
        hook.remove()
    assert seen == [(2, 10), (2, 6, 28, 28), (2, 6, 14, 14)]

    class Doubled(nn.Sequential):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * super().forward(x)

    doubled = Doubled(*model)
    with passes(doubled) as forward:
        torch.testing.assert_close(forward(x), 2 * model(x))


def test_where_the_usual_convolution_stays() -> None:
    x, W = torch.rand(2, 6, 14, 14), torch.rand(16, 6, 5, 5, requires_grad=True)
    settings = (None, (1, 1), (0, 0), (1, 1), 1)
    assert not is_slow(x, W, *settings)  # nothing to learn on the side of the images
    x.requires_grad_()
    assert is_slow(x, W, *settings)
    assert not is_slow(x, W.detach(), *settings)
    assert not is_slow(x, W, None, (2, 2), *settings[2:])
    assert not is_slow(x, W, None, (1, 1), "same", *settings[3:])
    assert not is_slow(x.double(), W.double(), *settings)
    assert not is_slow(x.contiguous(memory_format=torch.channels_last), W, *settings)
    assert not is_slow(
        torch.rand(2, 32, 14, 14, requires_grad=True),
        torch.rand(16, 32, 5, 5, requires_grad=True),
        *settings,
    )
    with torch.autocast("cpu", torch.bfloat16):
        assert not is_slow(x, W, *settings)
