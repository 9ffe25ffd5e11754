"""What is done to images and their labels before and during training.

Each function returns something new and leaves what it is given as it was.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch.nn import functional as F

from .._checks import as_float64
from ._checks import check_integer
from .data import Images

#: One truth value an image.
Mask: TypeAlias = torch.Tensor


def crop_and_flip(x: torch.Tensor, generator: torch.Generator, padding: int = 4) -> torch.Tensor:
    """Shift each image at random and mirror every second or so: the usual augmentation.

    An image is surrounded by `padding` zeros on each side, a window of its own size is cut out at a
    place drawn uniformly, and with probability one half left and right change places (as in
    He et al. 2016, section 4.2).

    Parameters
    ----------
    x : tensor of shape (number, channels, height, width)
    generator : torch.Generator
        Where the places come from; it may live on another device than the images.
    padding : int
        Largest shift, in pixels; 0 flips only.

    Returns
    -------
    tensor of the shape of x

    Raises
    ------
    ValueError
        If `x` has another number of axes, or `padding` is not an integer, 0 or more.
    """
    if x.dim() != 4:
        raise ValueError(
            f"x must have shape (number, channels, height, width), was {tuple(x.shape)}"
        )
    padding = check_integer(padding, "padding", 0)
    number, channels, height, width = x.shape
    draws, at = generator.device, x.device
    top, left = torch.randint(
        2 * padding + 1, (2, number, 1), generator=generator, device=draws
    ).to(at)
    mirrored = torch.randint(2, (number, 1), generator=generator, device=draws).to(at) == 1
    rows, columns = torch.arange(height, device=at), torch.arange(width, device=at)
    columns = torch.where(mirrored, columns.flip(0), columns) + left
    # Where in the padded image each pixel comes from, the same in all channels: one gather.
    source = (rows + top)[:, :, None] * (width + 2 * padding) + columns[:, None, :]
    padded = F.pad(x, [padding] * 4).flatten(2)
    return padded.gather(2, source.flatten(1)[:, None].expand(-1, channels, -1)).view_as(x)


def corrupt_labels(
    images: Images, share: float, seed: int = 0, classes: int = 10
) -> tuple[Images, Mask]:
    """Redraw a share of the labels at random (as in Zhang et al. 2017, section 2).

    A new label is uniform over all classes, so that one in `classes` of them happens to be right.

    Parameters
    ----------
    images : Images
    share : float
        In [0, 1]: ``round(share * len(images))`` labels are redrawn, whichever the seed chooses.
    seed : int
    classes : int
        Number of classes; the labels go from 0 to ``classes - 1``.

    Returns
    -------
    images : Images
        The same pictures, not copied, with the new labels.
    redrawn : bool tensor of shape (number,)
        Which labels were redrawn, whether or not that changed them.

    Raises
    ------
    ValueError
        If `share` is outside [0, 1], `seed` or `classes` is out of range, or a label is not below
        `classes`.
    """
    share = _check_share(share)
    classes = check_integer(classes, "classes", 1)
    generator = torch.Generator().manual_seed(check_integer(seed, "seed", 0))
    if len(images) and int(images.y.max()) >= classes:
        raise ValueError(
            f"classes must exceed every label, was {classes} with a label {int(images.y.max())}"
        )
    chosen = torch.randperm(len(images), generator=generator)[: round(share * len(images))]
    y = images.y.clone()
    y[chosen] = torch.randint(classes, chosen.shape, generator=generator).to(y)
    redrawn = torch.zeros_like(y, dtype=torch.bool)
    redrawn[chosen] = True
    return Images(images.x, y), redrawn


def standardise(images: Images) -> Images:
    """Give each image mean 0 and standard deviation 1 over its pixels, all channels together.

    An image whose pixels are all equal becomes 0.

    Parameters
    ----------
    images : Images

    Returns
    -------
    Images
    """
    pixels = images.x.flatten(1)
    centred = pixels - pixels.mean(dim=1, keepdim=True)
    deviation = centred.square().mean(dim=1, keepdim=True).sqrt()
    # Asked of the pixels themselves: rounding in the mean leaves an equal image a tiny deviation.
    flat = (pixels == pixels[:, :1]).all(dim=1, keepdim=True)
    return Images(torch.where(flat, 0.0, centred / deviation).view_as(images.x), images.y)


def lit_pixels(images: Images, share: float = 0.01) -> NDArray[np.bool_]:
    """Which pixels are nonzero in more than a share of the images.

    Border pixels of MNIST are black in nearly every image: their weights hardly move in training,
    and the columns of the first weight matrix that belong to them stay as they were drawn.

    Parameters
    ----------
    images : Images
    share : float
        In [0, 1]; 0 asks for pixels that are lit at least once.

    Returns
    -------
    array of bool, of shape (channels · height · width,)
        In the order of ``images.x.flatten(1)``, which is that of the first layer's columns.

    Raises
    ------
    ValueError
        If `share` is outside [0, 1] or there are no images.
    """
    share = _check_share(share)
    if len(images) == 0:
        raise ValueError("images must hold at least one image, was empty")
    lit: NDArray[np.int64] = images.x.flatten(1).count_nonzero(dim=0).cpu().numpy()
    return lit / len(images) > share


def keep_pixels(images: Images, mask: ArrayLike) -> Images:
    """The images with some of their pixels alone, as one row each.

    Parameters
    ----------
    images : Images
    mask : array of bool, of shape (channels · height · width,)
        Which pixels to keep; see `lit_pixels`.

    Returns
    -------
    Images
        With ``x`` of shape (number, 1, 1, kept).

    Raises
    ------
    ValueError
        If `mask` does not hold one truth value a pixel, or none of them is true.
    """
    pixels = images.x.flatten(1)
    kept: NDArray[Any] = np.asarray(mask)
    if kept.dtype != np.bool_ or kept.shape != (pixels.shape[1],):
        raise ValueError(
            f"mask must hold {pixels.shape[1]} truth values, one a pixel, "
            f"was of dtype {kept.dtype} and shape {kept.shape}"
        )
    if not kept.any():
        raise ValueError("mask must keep at least one pixel, kept none")
    chosen = torch.from_numpy(np.flatnonzero(kept)).to(pixels.device)
    return Images(pixels[:, chosen][:, None, None], images.y)


def _check_share(share: Any) -> float:
    """Return a share as one float in [0, 1]."""
    value = as_float64(share, "share")
    if value.ndim or not 0 <= value <= 1:
        raise ValueError(f"share must lie in [0, 1], was {share!r}")
    return float(value)
