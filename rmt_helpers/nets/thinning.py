"""Networks whose hidden layers become thinner while they train: split at a rank, or cut little by little.

When to do so is not decided here; see the experiments "switching" and "mp_pruning".
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from .._checks import FloatArray
from ..thresholds import bema
from .architectures import MLP
from .layers import factorize, weight_matrices
from .lowrank import split

#: The layers that are made thinner; the last has ten rows and little to gain.
LAYERS = ("fc1", "fc2")


def product(layer: nn.Module) -> FloatArray:
    """The matrix that a layer, whole or split into two, multiplies with."""
    parts = list(layer) if isinstance(layer, nn.Sequential) else [layer]
    factors = [matrix for part in parts for matrix in weight_matrices(part).values()]
    whole = factors[0].astype(np.float64)
    for factor in factors[1:]:
        whole = factor.astype(np.float64) @ whole
    return whole


def thinned(net: MLP, ranks: Sequence[int]) -> nn.Sequential:
    """A copy whose hidden layers are split at these ranks; one that would not get smaller stays whole."""
    thin = copy.deepcopy(net)
    for name, rank in zip(LAYERS, ranks, strict=True):
        layer = thin.get_submodule(name)
        assert isinstance(layer, nn.Linear)
        rows, columns = layer.weight.shape
        if rank * (rows + columns) < rows * columns:
            setattr(thin, name, split(layer, rank))
    return thin


def weights(net: nn.Module) -> int:
    """Number of entries of all weight matrices: also the multiply-adds that one image costs."""
    return sum(values.numel() for values in net.parameters() if values.dim() == 2)


def cut(
    net: nn.Module, name: str, share: float, largest_ks: float, thresholds: dict[str, float]
) -> None:
    """Keep the values above one layer's threshold and a share of the others, in place.

    The first time, the threshold is BEMA's, or infinite where the bulk is farther than `largest_ks` from the
    law: then the layer is left alone, now and later.
    """
    layer = net.get_submodule(name)
    factors = factorize(product(layer))
    if name not in thresholds:
        fit = bema(factors.spectrum)
        thresholds[name] = fit.threshold if fit.ks <= largest_ks else np.inf
    if thresholds[name] == np.inf:
        return
    above = int(np.count_nonzero(factors.values > thresholds[name]))
    rank = max(above + int((factors.values.size - above) * share), 1)
    last = layer[-1] if isinstance(layer, nn.Sequential) else layer
    assert isinstance(last, nn.Linear)
    rows, columns = factors.u.shape[0], factors.vt.shape[1]
    whole = nn.utils.skip_init(nn.Linear, columns, rows)
    with torch.no_grad():
        whole.weight.copy_(torch.as_tensor(factors.matrix(rank)))
        whole.bias.copy_(last.bias)
    saves = rank * (rows + columns) < rows * columns
    setattr(net, name, split(whole, rank, factors=factors) if saves else whole)
