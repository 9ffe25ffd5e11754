"""The paper's score: how well the kept singular vectors of W point along those of the signal.

The cosines are plug-in values: each is read off a singular value and the fitted noise level. The
true vectors are never seen.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ._checks import FloatArray
from .spikes import cosines, signal_strength
from .thresholds.fit import NoiseFit

_POWERS = {"value": 1, "square": 2, "uniform": 0}


@dataclass(frozen=True, eq=False)
class Alignment:
    """Estimated cosines between the singular vectors of W and of its signal, one per value of W.

    Attributes
    ----------
    left, right : ndarray, shape (p,)
        φ̂ of the vectors that belong to the rows and to the columns of W; 0 where the singular value
        lies at or below the edge of the noise.
    mean : ndarray, shape (p,)
        Their average, the φ̂ that the score uses.
    """

    left: FloatArray
    right: FloatArray
    mean: FloatArray


def alignment(fit: NoiseFit) -> Alignment:
    """Estimate the cosines for every singular value, by the closed form for Gaussian noise.

    With y = ν/(σ̂√n) and θ̂ = `signal_strength` (y, c), the cosines are those of `cosines` (θ̂, c).

    Parameters
    ----------
    fit : NoiseFit
        Spectrum and noise level; the threshold is not used.

    Returns
    -------
    Alignment
        Arrays as long as ``fit.spectrum.values`` and in its order, without NaN.

    Examples
    --------
    >>> from rmt_helpers import bema, spiked_matrix
    >>> W, _, _ = spiked_matrix((200, 300), [4.0, 2.0], rng=0)
    >>> alignment(bema(W)).mean[:3].round(2)
    array([0.97, 0.89, 0.  ])
    """
    if not isinstance(fit, NoiseFit):
        raise ValueError(f"fit must be a NoiseFit, was of type {type(fit).__name__}")
    spectrum = fit.spectrum
    y = spectrum.values / fit.sigma / np.sqrt(spectrum.n)
    short, long = cosines(signal_strength(y, spectrum.c), spectrum.c)
    rows, columns = spectrum.shape
    left, right = (short, long) if rows <= columns else (long, short)
    return Alignment(left, right, (left + right) / 2)


def average_alignment(
    fit: NoiseFit,
    n_keep: int | None = None,
    weights: Literal["value", "square", "uniform"] = "value",
) -> float:
    """Weighted mean of the estimated cosines of the largest singular values, Ave_w(φ̂).

    Σ wᵢ φ̂ᵢ / Σ wᵢ over i = 1 … `n_keep`, where φ̂ᵢ is the mean of the left and right cosines.

    Parameters
    ----------
    fit : NoiseFit
        Spectrum and noise level.
    n_keep : int, optional
        How many singular values are kept, in 1 … p; by default ``fit.n_signal``.
    weights : {"value", "square", "uniform"}
        wᵢ = νᵢ, νᵢ² or 1.

    Returns
    -------
    float
        Between 0 and 1. NaN if `n_keep` is left to ``fit.n_signal`` and that is 0: the mean of
        nothing is not defined.

    Raises
    ------
    ValueError
        If `n_keep` is not a whole number in 1 … p, or `weights` is none of the three.

    Examples
    --------
    >>> from rmt_helpers import bema, spiked_matrix
    >>> W, _, _ = spiked_matrix((200, 300), [4.0, 2.0], rng=0)
    >>> fit = bema(W)
    >>> round(average_alignment(fit), 2), round(average_alignment(fit, 10), 2)
    (0.94, 0.31)
    """
    phi = alignment(fit).mean
    if weights not in _POWERS:
        raise ValueError(f"weights must be one of {', '.join(_POWERS)}, was {weights!r}")
    if n_keep is None:
        if fit.n_signal == 0:
            return float("nan")
        n_keep = fit.n_signal
    try:
        keep = operator.index(n_keep)
    except TypeError:
        raise ValueError(f"n_keep must be a whole number, was {n_keep!r}") from None
    if not 1 <= keep <= phi.size:
        raise ValueError(f"n_keep must lie in 1 … {phi.size}, was {keep}")
    # Weights in units of the largest, so that squares neither overflow nor vanish.
    w = (fit.spectrum.values[:keep] / fit.spectrum.values[0]) ** _POWERS[weights]
    return float(w @ phi[:keep] / w.sum())
