"""The Hessian of a small network's loss, entry by entry, and images with few enough pixels for it."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.func import functional_call, grad, vjp, vmap
from torch.nn import functional as F

from ._checks import check_integer
from .data import Dataset, Images

# A network with more parameters would need more than 200 MB for its Hessian.
_MOST = 5000


def principal_components(data: Dataset, count: int) -> Dataset:
    """Replace each image by its first coordinates along the principal axes of the training images.

    Parameters
    ----------
    data : Dataset
    count : int
        How many coordinates. All are divided by the standard deviation of the first, so that they
        are of a size that a network likes and keep their proportions.

    Returns
    -------
    Dataset
        Images of shape (1, 1, count).

    Raises
    ------
    ValueError
        If `count` is not between 1 and the number of pixels.
    """
    flat = data.train.x.flatten(1).double()
    count = check_integer(count, "count", 1, flat.shape[1])
    mean = flat.mean(dim=0)
    levels, axes = torch.linalg.eigh((flat - mean).T @ (flat - mean) / len(flat))
    axes = axes[:, -count:].flip(1)
    # An axis has no direction: let its largest entry be positive, on every machine.
    largest = axes.gather(0, axes.abs().argmax(dim=0, keepdim=True))
    axes = axes * largest.sign() / levels[-1].sqrt()

    def project(images: Images) -> Images:
        coordinates = (images.x.flatten(1).double() - mean) @ axes
        return Images(coordinates.float()[:, None, None, :], images.y)

    return Dataset(data.name, project(data.train), project(data.test))


def hessian(model: nn.Module, images: Images, block: int = 64) -> NDArray[np.float64]:
    """All second derivatives of the mean cross-entropy with respect to the parameters.

    Row i holds the derivatives of the i-th entry of the gradient, computed in float64 by going
    backwards through the backward pass: no finite differences.

    Parameters
    ----------
    model : torch.nn.Module
        With at most 5000 parameters, and twice differentiable where it matters.
    images : Images
    block : int
        Rows at a time; changes memory, not numbers.

    Returns
    -------
    array of shape (parameters, parameters)
        Symmetric; in the order of ``model.parameters()``.

    Raises
    ------
    ValueError
        If the model is too large or there are no images.
    """
    if len(images) == 0:
        raise ValueError("images must hold at least one image, was empty")
    block = check_integer(block, "block", 1)
    parts = {name: value.detach().double() for name, value in model.named_parameters()}
    sizes = [value.numel() for value in parts.values()]
    total = sum(sizes)
    if total > _MOST:
        raise ValueError(f"model must have {_MOST} parameters at most, had {total}")
    x = images.x.double()

    def loss(vector: torch.Tensor) -> torch.Tensor:
        pieces = vector.split(sizes)
        named = {
            name: piece.view(value.shape)
            for (name, value), piece in zip(parts.items(), pieces, strict=True)
        }
        return F.cross_entropy(functional_call(model, named, (x,)), images.y)

    here = torch.cat([value.flatten() for value in parts.values()])

    def gradient(vector: torch.Tensor) -> torch.Tensor:
        return grad(loss)(vector)  # type: ignore[no-any-return]

    # A row is the derivative of one entry of the gradient, found backwards like the gradient itself.
    back = vjp(gradient, here)[1]
    unit = torch.eye(total, dtype=torch.float64)
    rows = [vmap(back)(unit[k : k + block])[0] for k in range(0, total, block)]
    found = torch.cat(rows).numpy()
    if not math.isfinite(float(found.sum())):
        raise ValueError("model must have finite second derivatives, had others")
    return np.asarray((found + found.T) / 2)
