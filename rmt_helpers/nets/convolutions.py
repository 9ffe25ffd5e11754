"""Convolutions of few channels on a processor, which torch does slowly.

Like `passes`, which calls it, this room changes what is computed in the last digits only.
"""

from __future__ import annotations

from typing import Any, TypeGuard

import torch
from torch import nn
from torch.nn import functional as F

# Channels that oneDNN takes at once; with fewer it works on zeros that fill them up.
CHANNELS = 16


def can_be_one(first: nn.Module, second: nn.Module, x: torch.Tensor) -> TypeGuard[nn.Conv2d]:
    """Whether `convolve_and_pool` can do two layers, one after the other, for images at once.

    True says that `first` is a convolution.
    """
    if type(first) is not nn.Conv2d or type(second) is not nn.MaxPool2d or x.dim() != 4:
        return False
    return (
        # Four times as many maps must still fit into few of oneDNN's.
        4 * first.out_channels <= 2 * CHANNELS
        and first.stride == first.dilation == (1, 1)
        and first.groups == 1
        and first.padding_mode == "zeros"
        and not isinstance(first.padding, str)
        # Of an odd side, pooling drops a line.
        and all(
            (side + 2 * border - kernel + 1) % 2 == 0
            for side, border, kernel in zip(
                x.shape[2:], first.padding, first.kernel_size, strict=True
            )
        )
        and second.kernel_size in (2, (2, 2))
        and second.stride in (2, (2, 2))
        and second.padding in (0, (0, 0))
        and second.dilation in (1, (1, 1))
        and not second.return_indices
        and not is_watched(first)
        and not is_watched(second)
    )


def is_watched(layer: nn.Module) -> bool:
    """Whether something wants to see what goes through a layer, so that it must go through it."""
    return bool(
        layer._forward_hooks
        or layer._forward_pre_hooks
        or layer._backward_hooks
        or layer._backward_pre_hooks
    )


def convolve_and_pool(layer: nn.Conv2d, x: torch.Tensor) -> torch.Tensor:
    """A convolution and the maxima of its 2 × 2 pixels, as one convolution and the maxima of four maps.

    Pixel (2r + i, 2s + j) of a map is pixel (r, s) of a convolution with stride 2 whose kernel is
    moved by (i, j). So the four pixels of a window become one pixel of four maps, which fill
    the channels that oneDNN takes at once, and whose maxima are taken along contiguous memory.
    """
    moved = [F.pad(layer.weight, (j, 1 - j, i, 1 - i)) for i in (0, 1) for j in (0, 1)]
    bias = None if layer.bias is None else layer.bias.repeat(4)
    maps = F.conv2d(x, torch.cat(moved), bias, stride=2, padding=layer.padding)
    pooled: torch.Tensor = _LargestOfFour.apply(maps.unflatten(1, (4, layer.out_channels)))
    return pooled


class _LargestOfFour(torch.autograd.Function):
    """Maxima along the second of the axes, of length 4; the gradient goes to the first among equals."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        a, b, c, d = x.unbind(1)
        of_first, of_last = torch.maximum(a, b), torch.maximum(c, d)
        ctx.save_for_backward(x, of_first, of_last)
        return torch.maximum(of_first, of_last)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
        x, of_first, of_last = ctx.saved_tensors
        for_x, between = torch.empty_like(x), torch.empty((2, *g.shape), dtype=g.dtype)
        _share(g, of_first, of_last, between[0], between[1])
        for k in (0, 1):
            a, b = x[:, 2 * k], x[:, 2 * k + 1]
            _share(between[k], a, b, for_x[:, 2 * k], for_x[:, 2 * k + 1])
        return for_x


def _share(
    g: torch.Tensor, a: torch.Tensor, b: torch.Tensor, for_a: torch.Tensor, for_b: torch.Tensor
) -> None:
    """The gradient of max(a, b), written where it is wanted; with equals, as torch does, to the first."""
    # A comparison that writes numbers; torch works slowly with truth values.
    torch.ge(a, b, out=for_a)
    for_a *= g
    torch.sub(g, for_a, out=for_b)


class Convolution(torch.autograd.Function):
    """A convolution of stride 1 whose weights' gradient is computed with the channels last."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, W: torch.Tensor, b: torch.Tensor | None, padding: tuple[int, int]
    ) -> torch.Tensor:
        ctx.save_for_backward(x, W)
        ctx.padding = padding
        return F.conv2d(x, W, b, padding=padding)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, g: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, W = ctx.saved_tensors
        for_x, for_W, for_b, _ = ctx.needs_input_grad
        gradient_x = _gradients(g, x, W, ctx.padding, for_x, False)[0]
        g_last, x_last, W_last = (
            t.contiguous(memory_format=torch.channels_last) for t in (g, x, W)
        )
        gradient_W = _gradients(g_last, x_last, W_last, ctx.padding, False, for_W)[1]
        return (
            gradient_x,
            None if gradient_W is None else gradient_W.contiguous(),
            g.sum(dim=(0, 2, 3)) if for_b else None,
            None,
        )


def _gradients(
    g: torch.Tensor,
    x: torch.Tensor,
    W: torch.Tensor,
    padding: tuple[int, int],
    for_x: bool,
    for_W: bool,
) -> tuple[torch.Tensor | None, ...]:
    found: tuple[torch.Tensor | None, ...] = torch.ops.aten.convolution_backward(
        g, x, W, None, (1, 1), padding, (1, 1), False, (0, 0), 1, (for_x, for_W, False)
    )
    return found


def is_slow(
    x: torch.Tensor,
    W: torch.Tensor,
    b: torch.Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> bool:
    """Whether `Convolution` gains: something to learn on both sides, few channels that come first."""
    return (
        x.requires_grad
        and W.requires_grad
        and x.dim() == 4
        and x.device.type == W.device.type == "cpu"
        and x.dtype == W.dtype == torch.float32
        and x.is_contiguous()
        and W.is_contiguous()
        and W.shape[1] < CHANNELS
        and stride in (1, (1, 1))
        and dilation in (1, (1, 1))
        and groups == 1
        and isinstance(padding, tuple)
        and not torch.is_autocast_enabled("cpu")
    )
