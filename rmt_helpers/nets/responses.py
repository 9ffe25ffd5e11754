"""A layer split by what it says of data, and not by its weights alone (Zhang et al. 2016)."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ._checks import check_integer
from .data import Images
from .layers import Factors
from .lowrank import Splittable, layer_matrix, split
from .training import scores


def layer_inputs(model: nn.Module, name: str, images: Images) -> torch.Tensor:
    """What reaches one layer when images go through a model.

    Parameters
    ----------
    model : torch.nn.Module
        Left as it is; runs in evaluation mode.
    name : str
        Of the layer, as ``model.named_modules()`` gives it.
    images : Images

    Returns
    -------
    tensor
        The layer's inputs, on the CPU, an entry an image.

    Raises
    ------
    ValueError
        If there is no such layer, it is not used, or there are no images.
    """
    found: list[torch.Tensor] = []

    def keep(_: nn.Module, inputs: tuple[Any, ...]) -> None:
        found.append(inputs[0].detach().cpu())

    if name not in dict(model.named_modules()):
        raise ValueError(f"name must be that of a module of the model, was {name!r}")
    handle = model.get_submodule(name).register_forward_pre_hook(keep)
    try:
        scores(model, images)
    finally:
        handle.remove()
    if not found:
        raise ValueError(f"name must be that of a module that is used, was {name!r}")
    return torch.cat(found)


@torch.no_grad()
def split_by_responses(layer: Splittable, rank: int, x: torch.Tensor) -> nn.Sequential:
    """Two layers in turn that give back the layer's responses to `x` as well as a rank can.

    With y = W x + b, ȳ the mean of y over `x` and the columns of U the first eigenvectors of its
    covariance, the responses are replaced by ȳ + U Uᵀ(y − ȳ) (Zhang et al. 2016, section 3.1). So
    ``down`` holds Uᵀ W, and ``up`` holds U with the bias ȳ + U Uᵀ(b − ȳ).

    Parameters
    ----------
    layer : torch.nn.Linear or torch.nn.Conv2d
        Left as it is. A convolution is split by channel.
    rank : int
        From 1 to the number of outputs, or of the layer's inputs to one output if that is less.
    x : tensor
        Inputs of the layer, an entry an image; see `layer_inputs`.

    Returns
    -------
    torch.nn.Sequential
        As `lowrank.split` returns it, except that ``up`` always has a bias.

    Raises
    ------
    ValueError
        If the layer is of another kind, `rank` is out of range, or `x` is empty.

    Examples
    --------
    >>> layer = nn.Linear(9, 5)
    >>> pair = split_by_responses(layer, 5, torch.rand(20, 9))
    >>> torch.allclose(pair(torch.ones(1, 9)), layer(torch.ones(1, 9)), atol=1e-5)
    True
    """
    matrix = torch.as_tensor(layer_matrix(layer))
    rank = check_integer(rank, "rank", 1, min(matrix.shape))
    if len(x) == 0:
        raise ValueError("x must hold at least one input, was empty")
    total = torch.zeros(len(matrix), dtype=torch.float64)
    squares = torch.zeros(len(matrix), len(matrix), dtype=torch.float64)
    number = 0
    for part in x.split(500):
        y = layer(part.to(layer.weight)).double().cpu()
        if isinstance(layer, nn.Conv2d):
            y = y.movedim(1, -1)
        y = y.reshape(-1, len(matrix))
        total += y.sum(dim=0)
        squares += y.T @ y
        number += len(y)
    mean = total / number
    U = torch.linalg.eigh(squares / number - torch.outer(mean, mean)).eigenvectors
    U = U[:, -rank:].flip(1)
    bias = torch.zeros(len(matrix), dtype=torch.float64)
    if layer.bias is not None:
        bias = layer.bias.double().cpu()
    # `split` multiplies each side by a root; of ones that changes nothing.
    factors = Factors(U.numpy(), torch.ones(rank).double().numpy(), (U.T @ matrix).numpy())
    pair = split(layer, rank, factors=factors)
    up = pair.get_submodule("up")
    up.register_parameter("bias", nn.Parameter((mean + U @ (U.T @ (bias - mean))).to(layer.weight)))
    return pair
