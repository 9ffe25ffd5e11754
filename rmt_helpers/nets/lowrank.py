"""One layer split into two thinner ones: a product of matrices made of two layers in turn.

What rank to split at is not decided here; see `compress`.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from .._checks import FloatArray, as_float64, check_finite
from ._checks import check_integer
from .layers import Factors, factorize

Splittable: TypeAlias = nn.Linear | nn.Conv2d

SCHEMES = ("channel", "spatial")


def layer_matrix(layer: Splittable, scheme: str = "channel") -> FloatArray:
    """The matrix whose factors `split` makes into two layers.

    Parameters
    ----------
    layer : torch.nn.Linear or torch.nn.Conv2d
    scheme : {"channel", "spatial"}
        As for `split`: the matrices that `weight_matrices` lists under "out" and under "kernel". A
        fully connected layer has one matrix under both.

    Returns
    -------
    array of shape (out, in), (out, in · height · width) or (out · height, in · width)
        In float64, a copy.

    Raises
    ------
    ValueError
        If the layer is of another kind, or `scheme` is unknown.

    Examples
    --------
    >>> conv = nn.Conv2d(6, 16, (5, 3))
    >>> layer_matrix(conv).shape, layer_matrix(conv, "spatial").shape
    ((16, 90), (80, 18))
    """
    _check(layer, scheme)
    # The same matrix as `weight_matrices` lists, but of every type: numpy has no bfloat16.
    weight = layer.weight.detach().double().cpu().clone()
    if scheme == "spatial" and isinstance(layer, nn.Conv2d):
        weight = weight.transpose(1, 2).flatten(2).flatten(0, 1)
    return np.asarray(weight.flatten(1))


def largest_rank(layer: Splittable, scheme: str = "channel") -> int:
    """The largest rank at which the two layers of `split` have fewer weights than the one.

    Two factors of an N × M matrix hold rank · (N + M) numbers, the matrix N · M, so the rank must be
    below N · M/(N + M). Biases do not count: there is one before and after.

    Parameters
    ----------
    layer : torch.nn.Linear or torch.nn.Conv2d
    scheme : {"channel", "spatial"}
        As for `split`.

    Returns
    -------
    int
        0 if no rank saves anything.

    Raises
    ------
    ValueError
        If the layer is of another kind, or `scheme` is unknown.

    Examples
    --------
    >>> largest_rank(nn.Linear(784, 512)), largest_rank(nn.Linear(1, 512))
    (309, 0)
    """
    rows, columns = layer_matrix(layer, scheme).shape
    return int((rows * columns - 1) // (rows + columns))


def split(
    layer: Splittable,
    rank: int,
    *,
    scheme: str = "channel",
    values: ArrayLike | None = None,
    factors: Factors | None = None,
) -> nn.Sequential:
    """Two layers in turn, ``down`` and ``up``, that do what the best matrix of a rank would do.

    With W ≈ Σ νᵢ uᵢ vᵢᵀ over i = 1 … rank, ``down`` holds √νᵢ vᵢᵀ in its rows and has no bias, ``up``
    holds √νᵢ uᵢ in its columns and has the layer's bias. Both get half of the size, as in the usual
    start of low-rank training.

    Parameters
    ----------
    layer : torch.nn.Linear or torch.nn.Conv2d
        Left as it is. A convolution may have stride, padding and dilation but one group.
    rank : int
        From 1 to the smaller side of the matrix: how many units or maps lie between the two.
    scheme : {"channel", "spatial"}
        How a convolution is split. "channel": a convolution with the same kernel to `rank` maps, then
        one of 1 × 1 (Zhang et al. 2016). "spatial": a convolution of 1 × width to `rank` maps, then
        one of height × 1 (Jaderberg et al. 2014; Tai et al. 2016). A fully connected layer has one
        way only.
    values : array_like of shape (rank,) or longer, optional
        What to put in place of the largest singular values, for example those that
        `optimal_shrinkage` returns; not negative. Those beyond `rank` are ignored.
    factors : Factors, optional
        Of `layer_matrix` (layer, scheme), if they are known; else they are computed.

    Returns
    -------
    torch.nn.Sequential
        In the layer's type, on its device, in its mode.

    Raises
    ------
    ValueError
        If the layer is of another kind, `scheme` is unknown, `rank` is out of range, `values` are too
        few, negative or not finite, or the factors are of another shape.

    Examples
    --------
    >>> pair = split(nn.Linear(784, 512), rank=10)
    >>> pair
    Sequential(
      (down): Linear(in_features=784, out_features=10, bias=False)
      (up): Linear(in_features=10, out_features=512, bias=True)
    )
    """
    matrix = layer_matrix(layer, scheme)
    found = factorize(matrix) if factors is None else factors
    shape = (found.u.shape[0], found.vt.shape[1])
    if shape != matrix.shape:
        raise ValueError(f"factors must be of a {matrix.shape} matrix, were of {shape}")
    rank = check_integer(rank, "rank", 1, found.values.size)
    root = torch.as_tensor(np.sqrt(_kept(found.values if values is None else values, rank)))
    right = root[:, None] * torch.as_tensor(found.vt[:rank])
    left = torch.as_tensor(found.u[:, :rank]) * root
    down, up = _pair(layer, rank, scheme)
    with torch.no_grad():
        down.weight.copy_(_as_first(right, layer, scheme))
        up.weight.copy_(_as_second(left, layer, scheme))
        if layer.bias is not None:
            assert up.bias is not None
            up.bias.copy_(layer.bias)
    pair = nn.Sequential(OrderedDict(down=down, up=up))
    return pair.train(layer.training)


def replace(model: nn.Module, name: str, layer: nn.Module) -> nn.Module:
    """A copy of a model with one of its layers exchanged.

    Parameters
    ----------
    model : torch.nn.Module
        Left as it is.
    name : str
        Of the layer, as ``model.named_modules()`` gives it; the empty name is the model itself.
    layer : torch.nn.Module
        What to put there.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    ValueError
        If there is no layer of that name.
    """
    if name not in dict(model.named_modules()):
        raise ValueError(f"name must be that of a module of the model, was {name!r}")
    if not name:
        return layer
    changed = copy.deepcopy(model)
    parent, _, child = name.rpartition(".")
    setattr(changed.get_submodule(parent), child, layer)
    return changed


def _check(layer: Splittable, scheme: str) -> None:
    """Refuse what cannot be split, or not so."""
    if scheme not in SCHEMES:
        raise ValueError(f"scheme must be one of {', '.join(SCHEMES)}, was {scheme!r}")
    # A subclass may compute something else with the same weight.
    if type(layer) not in (nn.Linear, nn.Conv2d):
        raise ValueError(
            f"layer must be a torch.nn.Linear or a torch.nn.Conv2d, was a {type(layer).__name__}"
        )
    if isinstance(layer, nn.Conv2d) and layer.groups != 1:
        raise ValueError(f"layer must be a convolution of one group, had {layer.groups}")


def _kept(values: ArrayLike, rank: int) -> FloatArray:
    """The first `rank` of the values, checked."""
    kept = as_float64(values, "values")
    if kept.ndim != 1 or kept.size < rank:
        raise ValueError(f"values must be {rank} numbers or more, were of shape {kept.shape}")
    check_finite(kept, "values")
    if kept[:rank].min() < 0:
        raise ValueError(f"values must not be negative, the least was {kept[:rank].min():g}")
    return kept[:rank]


def _pair(layer: Splittable, rank: int, scheme: str) -> tuple[Splittable, Splittable]:
    """The two layers, with whatever weights."""
    bias = layer.bias is not None
    where = {"device": layer.weight.device, "dtype": layer.weight.dtype}
    if isinstance(layer, nn.Linear):
        return (
            nn.utils.skip_init(nn.Linear, layer.in_features, rank, bias=False, **where),
            nn.utils.skip_init(nn.Linear, rank, layer.out_features, bias=bias, **where),
        )
    n_in, n_out, padding = layer.in_channels, layer.out_channels, layer.padding
    mode = {"padding_mode": layer.padding_mode, **where}
    if scheme == "channel":
        how = {"stride": layer.stride, "padding": padding, "dilation": layer.dilation, **mode}
        return (
            nn.utils.skip_init(nn.Conv2d, n_in, rank, layer.kernel_size, bias=False, **how),
            nn.utils.skip_init(nn.Conv2d, rank, n_out, 1, bias=bias, **where),
        )
    # What lies outside the image is a matter of rows for the one and of columns for the other.
    flat, tall = (
        (padding, padding) if isinstance(padding, str) else ((0, padding[1]), (padding[0], 0))
    )
    return (
        nn.utils.skip_init(
            nn.Conv2d,
            n_in,
            rank,
            (1, layer.kernel_size[1]),
            stride=(1, layer.stride[1]),
            padding=flat,
            dilation=(1, layer.dilation[1]),
            bias=False,
            **mode,
        ),
        nn.utils.skip_init(
            nn.Conv2d,
            rank,
            n_out,
            (layer.kernel_size[0], 1),
            stride=(layer.stride[0], 1),
            padding=tall,
            dilation=(layer.dilation[0], 1),
            bias=bias,
            **mode,
        ),
    )


def _as_first(right: torch.Tensor, layer: Splittable, scheme: str) -> torch.Tensor:
    """The right factor (rank, …) in the shape of the first layer's weight."""
    if isinstance(layer, nn.Linear):
        return right
    kernel = layer.kernel_size if scheme == "channel" else (1, layer.kernel_size[1])
    return right.reshape(len(right), layer.in_channels, *kernel)


def _as_second(left: torch.Tensor, layer: Splittable, scheme: str) -> torch.Tensor:
    """The left factor (…, rank) in the shape of the second layer's weight."""
    if isinstance(layer, nn.Linear):
        return left
    if scheme == "channel":
        return left[:, :, None, None]
    # A row of the matrix is a row of a filter: (out, height, rank) becomes (out, rank, height, 1).
    height = layer.kernel_size[0]
    return left.reshape(layer.out_channels, height, -1).transpose(1, 2)[..., None]
