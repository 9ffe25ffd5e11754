"""A network's weight matrices: list them, factor them, cut them to a rank, measure what that costs.

A matrix is decomposed once, by `factorize`; everything else takes the factors.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn
from torch.nn import functional as F

from .._checks import FloatArray, as_float64, check_finite
from ..spectrum import Spectrum
from ._checks import check_integer
from .data import Images
from .passes import passes
from .training import scores

# Images a block: small enough for the layer's output to stay in the processor's cache.
_BLOCK = 500
_BLOCK_OF_MAPS = 50  # … where each image is a map of many patches

RESHAPES = ("out", "kernel")

Model = TypeVar("Model", bound=nn.Module)

_WITH_MATRIX = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


@dataclass(frozen=True, eq=False)
class Factors:
    """The singular value decomposition W = u · diag(values) · vt of an N × M matrix.

    Attributes
    ----------
    u : array of shape (N, p)
        Left singular vectors, in columns; p = min(N, M).
    values : array of shape (p,)
        Singular values, largest first.
    vt : array of shape (p, M)
        Right singular vectors, in rows.
    """

    u: FloatArray
    values: FloatArray
    vt: FloatArray

    @property
    def spectrum(self) -> Spectrum:
        """The singular values with the shape that they came from."""
        return Spectrum(self.values, (self.u.shape[0], self.vt.shape[1]))

    def matrix(self, rank: int) -> FloatArray:
        """The best approximation of W of rank at most `rank`."""
        return (self.u[:, :rank] * self.values[:rank]) @ self.vt[:rank]


def factorize(W: ArrayLike) -> Factors:
    """Decompose a matrix, in float64.

    Raises
    ------
    ValueError
        If `W` is not a two-dimensional array of finite real numbers.
    """
    array = as_float64(W, "W")
    if array.ndim != 2 or array.size == 0:
        raise ValueError(
            f"W must be a two-dimensional, non-empty array, its shape was {array.shape}"
        )
    check_finite(array, "W")
    u, values, vt = np.linalg.svd(array, full_matrices=False)
    return Factors(u, values, vt)


def weight_matrices(model: nn.Module, reshape: str = "out") -> dict[str, NDArray[np.float32]]:
    """List the weight matrices of all fully connected and convolutional layers.

    Parameters
    ----------
    model : torch.nn.Module
    reshape : {"out", "kernel"}
        How a convolution's weight becomes a matrix. "out": (out, in, kernel …) becomes (out, in ·
        kernel size), one row a filter; the functions below that change a layer use this one.
        "kernel": (out, in, height, width) of a two-dimensional convolution becomes (out · height,
        in · width), a row for each row of each filter. Its rank is the number of maps between a
        1 × width and a height × 1 convolution that do the same in turn (Jaderberg et al. 2014;
        Tai et al. 2016). Other layers are listed alike under both.

    Returns
    -------
    dict of str to array of shape (out, in)
        By the layer's name in the model; copies, in the order of the model.

    Raises
    ------
    ValueError
        If `reshape` is unknown.
    """
    if reshape not in RESHAPES:
        raise ValueError(f"reshape must be one of {RESHAPES}, was {reshape!r}")
    return {
        name: _as_matrix(layer.weight, reshape).detach().cpu().numpy().copy()
        for name, layer in model.named_modules()
        if isinstance(layer, _WITH_MATRIX)
    }


def truncate(
    model: Model,
    name: str,
    rank: int,
    *,
    factors: Factors | None = None,
    inplace: bool = False,
) -> Model:
    """Keep the `rank` largest singular values of one layer and zero the others.

    Parameters
    ----------
    model : torch.nn.Module
    name : str
        Of the layer, as in `weight_matrices`. Its bias stays as it is.
    rank : int
        From 0 to p.
    factors : Factors, optional
        Of the layer's weight matrix, if they are known; else they are computed.
    inplace : bool
        Change `model` itself instead of a copy.

    Returns
    -------
    torch.nn.Module
        The changed model.

    Raises
    ------
    ValueError
        If there is no such layer, the factors are of another shape, or `rank` is out of range.
    """
    found = _factors_of(model, name, factors)
    rank = check_integer(rank, "rank", 0, found.values.size)
    changed = model if inplace else copy.deepcopy(model)
    weight = _weight(changed, name)
    with torch.no_grad():
        weight.copy_(torch.as_tensor(found.matrix(rank)).reshape(weight.shape))
    return changed


@torch.no_grad()
def accuracy_by_rank(
    model: nn.Sequential,
    name: str,
    images: Images,
    *,
    factors: Factors | None = None,
    ranks: Sequence[int] | NDArray[np.integer] | None = None,
) -> FloatArray:
    """Accuracy with the top s singular values of one layer kept, for many s.

    Going from rank s − 1 to s adds one rank-one matrix, so the layer's output changes by an outer
    product and only the layers behind it run again. Images go through in blocks that stay in cache.

    Parameters
    ----------
    model : torch.nn.Sequential
        The layer must be one of its direct children: an `nn.Linear`, or an `nn.Conv2d` without
        groups whose padding, if any, is zeros. A convolution is the product of its matrix
        (out, in · kernel size) with every patch of the image.
    name : str
        Of the layer.
    images : Images
    factors : Factors, optional
        Of the layer's weight matrix, if they are known; else they are computed.
    ranks : sequence of int, optional
        Increasing, from 0 to p; by default all of 0, 1, …, p.

    Returns
    -------
    array of float
        One accuracy a rank.

    Raises
    ------
    ValueError
        If the model or the layer is of another kind, the factors are of another shape, `ranks` is
        not increasing or out of range, or there are no images.
    """
    head, layer, tail = _around(model, name)
    found = _factors_of(model, name, factors)
    p = found.values.size
    wanted = np.arange(p + 1) if ranks is None else np.asarray(ranks)
    if wanted.ndim != 1 or wanted.size == 0 or wanted.dtype.kind not in "iu":
        raise ValueError(f"ranks must be a sequence of integers, was {ranks!r}")
    if wanted[0] < 0 or wanted[-1] > p or np.any(np.diff(wanted) <= 0):
        raise ValueError(f"ranks must increase from 0 at least to {p} at most, was {ranks!r}")
    if len(images) == 0:
        raise ValueError("images must hold at least one image, was empty")

    weight = layer.weight
    right = torch.as_tensor(found.vt).to(weight)
    left = torch.as_tensor(found.u * found.values).to(weight).T.contiguous()
    steps = list(zip([0, *wanted[:-1].tolist()], wanted.tolist(), strict=True))
    correct = torch.zeros(len(wanted), dtype=torch.int64, device=weight.device)
    block = _BLOCK if isinstance(layer, nn.Linear) else _BLOCK_OF_MAPS
    with passes(head) as before_it, passes(tail) as behind_it:
        for x, y in zip(images.x.split(block), images.y.split(block), strict=True):
            labels = y.to(weight.device)
            coordinates, restore = _coordinates(layer, before_it(x.to(weight.device)), right)
            output = weight.new_zeros(coordinates.shape[1], weight.shape[0])
            if layer.bias is not None:
                output += layer.bias
            for k, (last, rank) in enumerate(steps):
                if rank - last == 1:
                    output.addr_(coordinates[last], left[last])
                elif rank > last:
                    output.addmm_(coordinates[last:rank].T, left[last:rank])
                correct[k] += (behind_it(restore(output)).argmax(dim=1) == labels).sum()
    return correct.cpu().numpy() / len(images)


def agreement(
    model: nn.Module, other: nn.Module, images: Images, block: int = 1000
) -> tuple[float, float]:
    """How much two networks say the same, whatever is right.

    Parameters
    ----------
    model, other : torch.nn.Module
        Each on any device; compared in evaluation mode.
    images : Images
        Their labels are not looked at.
    block : int
        How many images go through at once.

    Returns
    -------
    share : float
        Of the images that both put into the same class.
    divergence : float
        Mean Kullback–Leibler divergence KL(model ‖ other) of the softmax outputs, in nats.

    Raises
    ------
    ValueError
        If there are no images, `block` is not positive, or `other` has another number of classes.

    Examples
    --------
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    >>> agreement(model, model, Images(torch.rand(5, 1, 2, 2), torch.zeros(5, dtype=torch.int64)))
    (1.0, 0.0)
    """
    return agreement_of_scores(scores(model, images, block), scores(other, images, block))


def agreement_of_scores(ours: torch.Tensor, theirs: torch.Tensor) -> tuple[float, float]:
    """`agreement` from what two networks said of the same images.

    Parameters
    ----------
    ours, theirs : tensor of shape (number, classes)
        As `training.scores` returns them.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if ours.shape != theirs.shape:
        raise ValueError(
            f"other must score {ours.shape[1]} classes like model, did {theirs.shape[1]}"
        )
    ours, theirs = ours.double(), theirs.double()
    same = float((ours.argmax(dim=1) == theirs.argmax(dim=1)).double().mean())
    divergence = F.kl_div(
        theirs.log_softmax(dim=1), ours.log_softmax(dim=1), reduction="batchmean", log_target=True
    )
    return same, float(divergence)


def _as_matrix(weight: torch.Tensor, reshape: str = "out") -> torch.Tensor:
    """A weight as (out, in · kernel size) or, of a two-dimensional convolution, (out · kh, in · kw)."""
    if reshape == "kernel" and weight.dim() == 4:
        return weight.transpose(1, 2).flatten(2).flatten(0, 1)
    return weight.flatten(1)


def _weight(model: nn.Module, name: str) -> torch.Tensor:
    """The weight of a layer that `weight_matrices` lists."""
    for found, layer in model.named_modules():
        if found == name and isinstance(layer, _WITH_MATRIX):
            return layer.weight
    raise ValueError(f"name must be one of {list(weight_matrices(model))}, was {name!r}")


def _factors_of(model: nn.Module, name: str, factors: Factors | None) -> Factors:
    """The factors of a layer: those given, if they can be its own, else computed."""
    matrix = _as_matrix(_weight(model, name))
    if factors is None:
        return factorize(matrix)
    shape = (factors.u.shape[0], factors.vt.shape[1])
    if shape != tuple(matrix.shape):
        raise ValueError(f"factors must be of a {tuple(matrix.shape)} matrix, were of {shape}")
    return factors


def _coordinates(
    layer: nn.Linear | nn.Conv2d, x: torch.Tensor, right: torch.Tensor
) -> tuple[torch.Tensor, Callable[[torch.Tensor], torch.Tensor]]:
    """The layer's inputs along the right singular vectors, in columns, a row a direction.

    Also how a matrix with a row for each of those columns becomes the layer's output: a row is an
    image, or one place of an image where the layer is a convolution.
    """
    if isinstance(layer, nn.Linear):
        return (x @ right.T).T.contiguous(), lambda output: output
    kernels = right.reshape(-1, *layer.weight.shape[1:])
    maps = F.conv2d(x, kernels, None, layer.stride, layer.padding, layer.dilation)
    images, _, height, width = maps.shape

    def restore(output: torch.Tensor) -> torch.Tensor:
        return output.view(images, height, width, -1).permute(0, 3, 1, 2)

    return maps.transpose(0, 1).flatten(1).contiguous(), restore


def _sweepable(module: nn.Module) -> bool:
    if isinstance(module, nn.Conv2d):
        return module.groups == 1 and module.padding_mode == "zeros"
    return isinstance(module, nn.Linear)


def _around(
    model: nn.Module, name: str
) -> tuple[nn.Sequential, nn.Linear | nn.Conv2d, nn.Sequential]:
    """The layers before the named one, that one, and those behind, in evaluation mode."""
    if not isinstance(model, nn.Sequential):
        # Bad input is a ValueError throughout the package, this kind too.
        raise ValueError(f"model must be a torch.nn.Sequential, was a {type(model).__name__}")
    children = list(model.named_children())
    names = [child for child, _ in children]
    if name not in names or not _sweepable(model.get_submodule(name)):
        able = [child for child, module in children if _sweepable(module)]
        raise ValueError(
            f"name must be a fully connected layer or a plain convolution, one of {able}, "
            f"was {name!r}"
        )
    at = names.index(name)
    modules = [module for _, module in children]
    head = nn.Sequential(*modules[:at])
    # A copy: an activation that works in place would overwrite the running output.
    tail = copy.deepcopy(nn.Sequential(*modules[at + 1 :]))
    for module in tail.modules():
        if getattr(module, "inplace", False):
            setattr(module, "inplace", False)  # noqa: B010
    layer = modules[at]
    assert isinstance(layer, nn.Linear | nn.Conv2d)
    return copy.deepcopy(head).eval(), layer, tail.eval()
