"""Matrices as the layers of a network, for tools that look at networks only."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from numpy.typing import ArrayLike
from torch import nn

from ..thresholds._common import as_matrix


def linear_layers(matrices: Iterable[ArrayLike]) -> nn.Sequential:
    """A network with one fully connected layer, without bias, for each matrix.

    The layers need not fit each other: nothing is meant to pass through.

    Examples
    --------
    >>> list(linear_layers([[[1, 2, 3], [4, 5, 6]]])[0].weight.shape)
    [2, 3]
    """
    layers = []
    for matrix in matrices:
        W = torch.as_tensor(as_matrix(matrix), dtype=torch.float32)
        layer = nn.Linear(W.shape[1], W.shape[0], bias=False)
        with torch.no_grad():
            layer.weight.copy_(W)
        layers.append(layer)
    return nn.Sequential(*layers)
