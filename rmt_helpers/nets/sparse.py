"""Pruning by size: the small entries of a layer set to zero."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import nn

from .layers import weight_matrices

Model = TypeVar("Model", bound=nn.Module)


def keep_large_entries(model: Model, name: str, share: float) -> Model:
    """A copy of a network of which one layer keeps only its largest entries (after Han et al. 2015).

    Parameters
    ----------
    model : torch.nn.Module
        Left as it is.
    name : str
        Of a layer that `weight_matrices` lists.
    share : float
        Of the entries to keep, largest absolute values first, in (0, 1]; rounded to whole entries.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    ValueError
        If the layer is unknown or `share` is outside (0, 1].
    """
    if name not in (known := list(weight_matrices(model))):
        raise ValueError(f"name must be one of {known}, was {name!r}")
    if not 0 < share <= 1:
        raise ValueError(f"share must lie in (0, 1], was {share!r}")
    pruned = copy.deepcopy(model)
    with torch.no_grad():
        entries = pruned.get_parameter(f"{name}.weight").view(-1)
        small = entries.abs().argsort(descending=True)[round(share * entries.numel()) :]
        entries[small] = 0
    return pruned
