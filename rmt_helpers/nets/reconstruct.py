"""A network split layer by layer, each pair fitted behind the pairs before it (Zhang et al. 2016).

One layer by its own responses is `responses`; here the errors of earlier layers count, and the ReLU.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from ._checks import check_integer
from .data import Images
from .layers import Factors
from .lowrank import Splittable, layer_matrix, replace, split
from .responses import layer_inputs, split_by_responses

FITS = ("symmetric", "asymmetric", "nonlinear")

# Images whose responses are held in memory at once.
_PART = 200

# Places of each image that the nonlinear fit looks at: it needs all its responses at once.
_SPOTS = 20

# The penalty of each step of the nonlinear fit. At the end it is no larger: the steps become too small.
_PENALTIES = torch.logspace(-2, 0, 30, dtype=torch.float64).tolist()

# Variance, as a share of the largest, below which a direction of single-precision responses is rounding.
_ROUNDING = 1e-10


@dataclass(frozen=True, eq=False)
class _Fit:
    """The map y ↦ shift + U V y of a low rank."""

    U: torch.Tensor
    V: torch.Tensor
    shift: torch.Tensor

    def __call__(self, y: torch.Tensor) -> torch.Tensor:
        return self.shift + y @ self.V.T @ self.U.T


def compress_by_responses(
    model: nn.Module, ranks: Mapping[str, int], images: Images, fit: str = "nonlinear"
) -> nn.Module:
    """Split several layers of a network so that it responds to images as the whole one does.

    Parameters
    ----------
    model : torch.nn.Module
        Left as it is. Its modules must be named in the order in which they are used, as in the networks
        of this book.
    ranks : dict of str to int
        Of each layer to be split, a `torch.nn.Linear` or a `torch.nn.Conv2d`.
    images : Images
        Their responses are looked at, their labels are not.
    fit : {"symmetric", "asymmetric", "nonlinear"}
        "symmetric": each layer by its responses in the whole network, `split_by_responses`.
        "asymmetric": each layer behind those already split, `split_after`. "nonlinear": the same with
        ``relu=True``; a ReLU must follow each of the layers, directly or behind a maximum over pixels.

    Returns
    -------
    torch.nn.Module
        A copy with a `torch.nn.Sequential` of ``down`` and ``up`` in place of each of the layers.

    Raises
    ------
    ValueError
        If `fit` is unknown, a layer is not there, is not used or cannot be split, a rank is out of
        range, or there are no images.

    Examples
    --------
    >>> from rmt_helpers.nets.architectures import SmallVGG
    >>> images = Images(torch.rand(20, 3, 32, 32), torch.zeros(20, dtype=torch.int64))
    >>> small = compress_by_responses(SmallVGG(), {"conv2": 4, "conv3": 8}, images, "asymmetric")
    >>> small.conv3
    Sequential(
      (down): Conv2d(32, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)
      (up): Conv2d(8, 64, kernel_size=(1, 1), stride=(1, 1))
    )
    """
    if fit not in FITS:
        raise ValueError(f"fit must be one of {', '.join(FITS)}, was {fit!r}")
    known = [name for name, _ in model.named_modules()]
    for name in ranks:
        if name not in known:
            raise ValueError(f"ranks must name layers of the model, had {name!r}")
    small = model
    for name in (name for name in known if name in ranks):
        layer, whole = model.get_submodule(name), layer_inputs(model, name, images)
        assert isinstance(layer, Splittable)
        if fit == "symmetric":
            pair = split_by_responses(layer, ranks[name], whole)
        else:
            x = layer_inputs(small, name, images)
            pair = split_after(layer, ranks[name], x, whole, relu=fit == "nonlinear")
        small = replace(small, name, pair)
    return small


@torch.no_grad()
def split_after(
    layer: Splittable,
    rank: int,
    x: torch.Tensor,
    whole: torch.Tensor,
    *,
    relu: bool = False,
    seed: int = 0,
) -> nn.Sequential:
    """Two layers in turn that make the whole network's responses of the inputs that reach them now.

    The network before the layer has changed: where it gave the inputs x* it now gives x. Let
    t = W x* + b be the responses of the whole network and y = W x + b those of the layer to what reaches
    it. Without `relu`, the pair has the smallest mean of ‖t − c − M y‖² over all M of the rank and all c:
    the regression of t on y, projected on the leading eigenvectors of the covariance of what it predicts
    (Zhang et al. 2016, section 3.3). Where x = x* that is `split_by_responses`.

    With `relu`, it is ‖r(t) − r(c + M y)‖² with r(z) = max(z, 0), relaxed as in section 3.2: auxiliary
    responses z are found for given M and c, one number at a time, then M and c for given z, as above, with
    ‖r(t) − r(z)‖² + λ‖z − c − M y‖² for a penalty λ that grows from 0.01 to 1 over thirty steps. Kept is
    whichever step came closest, or the linear fit.

    Parameters
    ----------
    layer : torch.nn.Linear or torch.nn.Conv2d
        Left as it is. A convolution is split by channel.
    rank : int
        From 1 to the smaller side of the layer's matrix.
    x : tensor
        What reaches the layer now, an entry an image; see `layer_inputs`.
    whole : tensor
        What reaches it in the whole network, of the same images in the same order.
    relu : bool
        Whether a ReLU comes behind the layer. Its fit looks at twenty places of each image.
    seed : int
        Of these places.

    Returns
    -------
    torch.nn.Sequential
        As `lowrank.split` returns it, except that ``up`` always has a bias.

    Raises
    ------
    ValueError
        If the layer is of another kind, `rank` is out of range, `x` is empty, or `whole` has another
        shape.

    Examples
    --------
    >>> layer, x = nn.Linear(9, 5), torch.rand(50, 9)
    >>> pair = split_after(layer, 5, 0.5 * x, x)
    >>> torch.allclose(pair(0.5 * x), layer(x), atol=1e-4)
    True
    """
    matrix = torch.as_tensor(layer_matrix(layer))
    rank = check_integer(rank, "rank", 1, min(matrix.shape))
    if len(x) == 0:
        raise ValueError("x must hold at least one input, was empty")
    if x.shape != whole.shape:
        raise ValueError(f"whole must have the shape of x, {tuple(x.shape)}, had {(*whole.shape,)}")
    if relu:
        generator = torch.Generator().manual_seed(check_integer(seed, "seed", 0))
        parts = list(_responses(layer, x, whole, generator))
        y, t = (torch.cat(side) for side in zip(*parts, strict=True))
        fit = _behind_relu(y, t, rank)
    else:
        fit = _regression(_responses(layer, x, whole), rank)
    bias = torch.zeros(len(matrix), dtype=torch.float64)
    if layer.bias is not None:
        bias = layer.bias.double().cpu()
    # `split` multiplies each side by a root; of ones that changes nothing.
    factors = Factors(fit.U.numpy(), torch.ones(rank).double().numpy(), (fit.V @ matrix).numpy())
    pair = split(layer, rank, factors=factors)
    up = pair.get_submodule("up")
    up.register_parameter("bias", nn.Parameter(fit(bias).to(layer.weight)))
    return pair


def _responses(
    layer: Splittable,
    x: torch.Tensor,
    whole: torch.Tensor,
    generator: torch.Generator | None = None,
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Responses to both inputs, a row a place of an image: of all places, or of a few drawn ones."""
    for inputs in zip(x.split(_PART), whole.split(_PART), strict=True):
        y, t = (layer(part.to(layer.weight)).double().cpu() for part in inputs)
        if isinstance(layer, nn.Conv2d):
            y, t = (side.flatten(2).transpose(1, 2) for side in (y, t))
            if generator is not None and y.shape[1] > _SPOTS:
                drawn = torch.randint(y.shape[1], (len(y), _SPOTS), generator=generator)
                y, t = (side[torch.arange(len(side))[:, None], drawn] for side in (y, t))
        yield y.reshape(-1, y.shape[-1]), t.reshape(-1, t.shape[-1])


def _regression(pairs: Iterable[tuple[torch.Tensor, torch.Tensor]], rank: int) -> _Fit:
    """The best map of a rank from y to t, in the mean square."""
    number = 0
    sums = products = torch.zeros((), dtype=torch.float64)
    for y, t in pairs:
        both = torch.cat([y, t], dim=1)
        sums, products = sums + both.sum(dim=0), products + both.T @ y
        number, width = number + len(y), y.shape[1]
    mean = sums / number
    covariance = products / number - torch.outer(mean, mean[:width])
    values, vectors = torch.linalg.eigh(covariance[:width])
    used = values > _ROUNDING * values[-1]
    # T = Σ_ty Σ_yy^(-1/2) has the regression's predictions as those of white inputs: of T the best
    # matrix of a rank is its truncation.
    white = vectors[:, used] / values[used].sqrt()
    U = torch.linalg.svd(covariance[width:] @ white).U[:, :rank]
    V = U.T @ covariance[width:] @ white @ white.T
    return _Fit(U, V, mean[width:] - U @ (V @ mean[:width]))


def _behind_relu(y: torch.Tensor, t: torch.Tensor, rank: int) -> _Fit:
    """The map of a rank whose positive part comes close to that of t."""
    wanted = t.clamp(min=0)

    def error(fit: _Fit) -> float:
        return float((wanted - fit(y).clamp(min=0)).square().sum())

    fit = closest = _regression([(y, t)], rank)
    least = error(fit)
    for penalty in _PENALTIES:
        fit = _regression([(y, _auxiliary(wanted, fit(y), penalty))], rank)
        if (reached := error(fit)) < least:
            closest, least = fit, reached
    return closest


def _auxiliary(wanted: torch.Tensor, predicted: torch.Tensor, penalty: float) -> torch.Tensor:
    """For each number the z with the least (wanted − r(z))² + penalty·(z − predicted)²."""

    def cost(z: torch.Tensor) -> torch.Tensor:
        return (wanted - z.clamp(min=0)).square() + penalty * (z - predicted).square()

    # The least on each side of zero, where the cost is a parabola.
    below = predicted.clamp(max=0)
    above = ((penalty * predicted + wanted) / (penalty + 1)).clamp(min=0)
    return torch.where(cost(below) <= cost(above), below, above)
