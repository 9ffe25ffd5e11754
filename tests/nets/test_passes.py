"""What goes faster is the same: layout, parts, and what is left to oneDNN."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from rmt_helpers.nets import passes as room
from rmt_helpers.nets.architectures import MLP, LeNet5, SmallAlexNet
from rmt_helpers.nets.passes import one_thread, passes

has_one_dnn = pytest.mark.skipif(
    room._ONE_DNN is None, reason="this torch was built without oneDNN's product"
)


def gradients(output: torch.Tensor, inputs: list[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    downstream = torch.randn(output.shape, generator=torch.Generator().manual_seed(1))
    return torch.autograd.grad(output, inputs, downstream.to(output.dtype))


@has_one_dnn
@pytest.mark.parametrize("batch", [1, 3, 64])
@pytest.mark.parametrize("with_bias", [True, False])
def test_the_product_and_its_gradients(batch: int, with_bias: bool) -> None:
    """Against float64; 1e-5 is about a hundred roundings of a float32."""
    x, W, b = torch.randn(batch, 40), torch.randn(17, 40), torch.randn(17)
    inputs = [x, W, b][: 3 if with_bias else 2]
    exact = [values.double().requires_grad_() for values in inputs]
    single = [values.requires_grad_() for values in inputs]
    ours, expected = room._Product.apply(*single, *[None][with_bias:]), F.linear(*exact)
    torch.testing.assert_close(ours.double(), expected, rtol=1e-5, atol=1e-4)
    for one, other in zip(gradients(ours, single), gradients(expected, exact), strict=True):
        torch.testing.assert_close(one.double(), other, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(2, None, 0), (3, 2, 1), (2, 1, 0)])
def test_pooling_chooses_the_same_pixel_among_equals(
    kernel: int, stride: int | None, padding: int
) -> None:
    """Images of three grey levels, so that nearly every window has a tie."""
    x = torch.randint(3, (4, 6, 9, 8)).float().requires_grad_()
    ours = room._pool(x, kernel, stride, padding=padding)
    theirs = F.max_pool2d(x, kernel, stride, padding=padding)
    assert torch.equal(ours, theirs)
    for one, other in zip(gradients(ours, [x]), gradients(theirs, [x]), strict=True):
        torch.testing.assert_close(one, other)


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which of the ways through oneDNN were taken."""
    taken: list[str] = []

    def watch(name: str, way: Callable[..., Any]) -> None:
        def spy(*args: Any, **more: Any) -> Any:
            taken.append(name)
            return way(*args, **more)

        monkeypatch.setattr(room, name, spy)

    watch("_product", room._product)
    watch("_pool", room._pool)
    watch("convolve_and_pool", room.convolve_and_pool)
    return taken


@has_one_dnn
def test_what_is_left_to_one_dnn(used: list[str]) -> None:
    """Of the reference network the two large products, of LeNet-5 both poolings too."""
    images = torch.rand(128, 1, 28, 28)
    for model, expected in (
        (MLP(seed=0), ["_product"] * 2),
        (LeNet5(seed=0), ["convolve_and_pool", "_pool", "_product"]),
    ):
        used.clear()
        with passes(model) as forward, torch.no_grad():
            output = forward(images)
        assert used == expected
        torch.testing.assert_close(output, model(images), rtol=1e-4, atol=1e-5)
    used.clear()
    with passes(model) as forward, torch.autocast("cpu", torch.bfloat16):
        forward(images)
    assert "_product" not in used
    LeNet5(seed=0)(images)
    assert "_product" not in used


def test_it_does_without_one_dnn(monkeypatch: pytest.MonkeyPatch) -> None:
    model, images = LeNet5(seed=0), torch.rand(200, 1, 28, 28)
    with passes(model) as forward:
        expected = forward(images)
    monkeypatch.setattr(room, "_ONE_DNN", None)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    with passes(model) as forward:
        output = forward(images)
    torch.testing.assert_close(output, expected, rtol=1e-4, atol=1e-5)


def test_layout_and_parts() -> None:
    """Wide convolutions get the channels last while they are in use; their batches come in parts."""
    for model, layout, part in (
        (SmallAlexNet(seed=0), torch.channels_last, room._WIDE_PART),
        (LeNet5(seed=0), torch.contiguous_format, room._PART),
        (MLP(seed=0), torch.contiguous_format, None),
        (nn.Sequential(nn.Conv2d(1, 16, 3), nn.BatchNorm2d(16)), torch.channels_last, None),
        (nn.Sequential(nn.Flatten()), torch.contiguous_format, None),
    ):
        before = copy.deepcopy(model.state_dict())
        with passes(model) as forward:
            assert (forward.layout, forward.part) == (layout, part)
            for layer in model.modules():
                if isinstance(layer, nn.Conv2d):
                    assert layer.weight.is_contiguous(memory_format=layout)
        after = model.state_dict()
        assert all(torch.equal(before[name], after[name]) for name in before)
        assert all(values.is_contiguous() for values in after.values())


def test_parts_are_all_there_in_order() -> None:
    x, y = torch.rand(300, 1, 2, 2), torch.arange(300)
    with passes(LeNet5(seed=0)) as forward:
        parts = list(forward.parts(x, y))
    assert [len(labels) for _, labels in parts] == [128, 128, 44]
    assert torch.equal(torch.cat([images for images, _ in parts]), x)
    assert torch.equal(torch.cat([labels for _, labels in parts]), y)
    with passes(MLP(seed=0)) as forward:
        assert [len(labels) for _, labels in forward.parts(x, y)] == [300]
        assert [len(labels) for _, labels in forward.parts(x[:0], y[:0])] == [0]


def test_one_thread_and_back() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
