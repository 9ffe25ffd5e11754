"""Magnitude pruning: the small weights of a network set to zero, and held there while it trains on."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import torch
from torch import nn

from ._checks import check_integer
from .layers import weight_matrices


def prune(
    model: nn.Module, keep: int, layers: Sequence[str] | None = None, *, hold: bool = False
) -> nn.Module:
    """A copy of a model in which only the largest weights are left (Han et al. 2015).

    Han et al. remove what is smaller than one number times the standard deviation of its layer. Here
    that number follows from how many weights are to be left.

    Parameters
    ----------
    model : torch.nn.Module
        Left as it is.
    keep : int
        How many weights of the chosen layers stay, all layers together; biases are not counted.
    layers : sequence of str, optional
        As `weight_matrices` names them; by default all.
    hold : bool
        Whether zeros are to stay zeros while this model is trained: they then get no gradient. A copy of
        it, and what is loaded from a file, has the zeros but trains them again.

    Returns
    -------
    torch.nn.Module
        As large as before in memory and in time: the zeros are stored and multiplied.

    Raises
    ------
    ValueError
        If a layer is not there, or `keep` is not from 0 to the number of weights.

    Examples
    --------
    >>> pruned = prune(nn.Linear(6, 4), 5)
    >>> int(pruned.weight.count_nonzero())
    5
    """
    names = list(weight_matrices(model)) if layers is None else list(layers)
    known = weight_matrices(model)
    for name in names:
        if name not in known:
            raise ValueError(f"layers must be among {list(known)}, one was {name!r}")
    if not names:
        raise ValueError("layers must hold at least one layer, was empty")
    changed = copy.deepcopy(model)
    weights = [changed.get_submodule(name).get_parameter("weight") for name in dict.fromkeys(names)]
    sizes = torch.cat([_relative(weight) for weight in weights])
    keep = check_integer(keep, "keep", 0, sizes.numel())
    mask = torch.zeros_like(sizes)
    mask[sizes.topk(keep).indices] = 1
    parts = mask.split([weight.numel() for weight in weights])
    for weight, part in zip(weights, parts, strict=True):
        held = part.view_as(weight).to(weight)
        with torch.no_grad():
            weight.mul_(held)
        if hold:
            # Without a gradient neither momentum nor weight decay moves a zero.
            weight.register_hook(_masked_by(held))
    return changed


def _masked_by(mask: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda gradient: gradient * mask.to(gradient)


def _relative(weight: torch.Tensor) -> torch.Tensor:
    """Sizes of the weights in units of their layer's standard deviation."""
    flat = weight.detach().flatten().float()
    unit = flat.square().mean().sqrt()
    return flat.abs() / unit if unit > 0 else flat.abs()
