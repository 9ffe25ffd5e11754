"""How images go through a network on a processor: one thread, a layout, parts, and a product.

Nothing here changes what is computed, except in the last digits; it decides how long it takes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm
from torch.overrides import TorchFunctionMode

from .convolutions import CHANNELS, Convolution, can_be_one, convolve_and_pool, is_slow, is_watched

# Images of which the maps behind a convolution stay in the processor's cache, there and back; the
# maps of a wide convolution fill it sooner.
_PART = 128
_WIDE_PART = 64

# Multiply-adds below which the way through oneDNN costs more than it saves.
_WORTH_IT = 4_000_000


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread, and give it back its threads afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True, eq=False)
class Passes:
    """A model made ready for images by `passes`.

    Attributes
    ----------
    model : torch.nn.Module
    layout : torch.memory_format
        How the model wants its images laid out.
    part : int or None
        How many images at most should go through at once; None if that makes no difference.
    """

    model: nn.Module
    layout: torch.memory_format
    part: int | None

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """What the model says of a few images."""
        if x.dim() == 4:
            x = x.contiguous(memory_format=self.layout)
        with _OneDNN():
            return _through(self.model, x)

    def parts(self, *tensors: torch.Tensor) -> Iterator[tuple[torch.Tensor, ...]]:
        """Tensors with an entry an image, cut alike into parts."""
        size = self.part or max(len(tensors[0]), 1)
        return zip(*(tensor.split(size) for tensor in tensors), strict=True)


def _through(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Images through a model, and through two of its stages at once where that is faster."""
    output: torch.Tensor
    if (
        not isinstance(model, nn.Sequential)
        or type(model).forward is not nn.Sequential.forward
        or is_watched(model)
        or x.device.type != "cpu"
        or x.dtype != torch.float32
        or torch.is_autocast_enabled("cpu")
    ):
        output = model(x)
        return output
    output, stages = x, list(model)
    while stages:
        first, *stages = stages
        if stages and can_be_one(first, stages[0], output):
            output, stages = convolve_and_pool(first, output), stages[1:]
        else:
            output = first(output)
    return output


@contextlib.contextmanager
def passes(model: nn.Module) -> Iterator[Passes]:
    """Make a model ready for images, and give it back as it was.

    Images go through two-dimensional convolutions in parts whose maps stay in cache, and with the
    channels last in memory where there are enough of them. The layout goes back because what a
    model is stored with afterwards expects the usual one. A network that looks at a batch as a
    whole, through batch normalisation, gets it whole, and so does a GPU.
    """
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    wide = bool(layers) and all(layer.out_channels % CHANNELS == 0 for layer in layers)
    whole = (
        not layers
        or any(values.is_cuda for values in model.parameters())
        or any(isinstance(layer, _BatchNorm) for layer in model.modules())
    )
    layout = torch.channels_last if wide else torch.contiguous_format
    try:
        for layer in layers:
            layer.to(memory_format=layout)
        yield Passes(model, layout, None if whole else _WIDE_PART if wide else _PART)
    finally:
        for layer in layers:
            layer.to(memory_format=torch.contiguous_format)


# Where torch's own product of float32 matrices is made by MKL, it runs at half the speed of
# oneDNN's on processors that are not Intel's. The operator that calls the latter has no public
# name, so nothing may rely on it.
_ONE_DNN: Callable[..., torch.Tensor] | None = getattr(torch.ops.mkldnn, "_linear_pointwise", None)


class _Product(torch.autograd.Function):
    """x @ W.T + b and its gradients, by oneDNN."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, W: torch.Tensor, b: torch.Tensor | None) -> torch.Tensor:
        ctx.save_for_backward(x, W)
        return _product(x, W, b)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, g: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, W = ctx.saved_tensors
        for_x, for_W, for_b = ctx.needs_input_grad
        return (
            _product(g, W.T) if for_x else None,
            _product(g.T, x.T) if for_W else None,
            g.sum(dim=0) if for_b else None,
        )


def _product(x: torch.Tensor, W: torch.Tensor, b: torch.Tensor | None = None) -> torch.Tensor:
    assert _ONE_DNN is not None
    return _ONE_DNN(x, W, b, "none", [], "")


class _OneDNN(TorchFunctionMode):
    """While active, oneDNN does what torch does slowly: large products, and the maxima of few maps.

    torch takes the maxima of 16 maps at once where the channels come last, and else one by one.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        options = kwargs or {}
        if func is F.linear and not options and _is_slow_product(*args):
            return _Product.apply(*args)
        if func is F.conv2d and not options and is_slow(*args):
            x, W, b, _, padding, *_ = args
            return Convolution.apply(x, W, b, padding)
        if func is F.max_pool2d and _is_slow_pooling(*args, **options):
            return _pool(*args, **options)
        return func(*args, **options)


def _is_slow_product(x: torch.Tensor, W: torch.Tensor, b: torch.Tensor | None = None) -> bool:
    return (
        _ONE_DNN is not None
        and x.dim() == 2
        and len(x) * W.numel() >= _WORTH_IT
        and x.device.type == W.device.type == "cpu"
        and x.dtype == W.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
    )


def _is_slow_pooling(x: torch.Tensor, kernel_size: Any, **options: Any) -> bool:
    return (
        torch.backends.mkldnn.is_available()
        and x.dim() == 4
        and x.device.type == "cpu"
        and x.dtype == torch.float32
        and x.is_contiguous()
        and options.get("dilation", 1) == 1
        and not options.get("return_indices", False)
    )


def _pool(x: torch.Tensor, kernel_size: Any, stride: Any = None, **options: Any) -> torch.Tensor:
    # The gradient of this way needs the stride by name.
    by = kernel_size if stride is None else stride
    pooled: torch.Tensor = F.max_pool2d(x.to_mkldnn(), kernel_size, stride=by, **options)
    return pooled.to_dense()
