"""Gavish and Donoho's hard threshold: what to keep so that the rest of W is nearest to the signal.

It answers another question than BEMA. BEMA asks whether a value is more than noise; this asks whether
keeping its direction, noise included, brings the truncated matrix closer to the signal than dropping it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._checks import as_float64, check_positive
from ..laws import MarchenkoPastur
from ..spectrum import as_spectrum
from ._common import median_level
from .fit import NoiseFit


def hard_threshold(c: float) -> float:
    """λ*(c) = √(2(c + 1) + 8c/(c + 1 + √(c² + 14c + 1))), in units of σ√n.

    A spike at y is worth keeping when ``(θ − y cos_u cos_v)² + …`` = θ² + y² − 2θy cos_u cos_v is below
    θ², the price of leaving it out: when y < 2θ cos_u cos_v. With the closed forms of `cosines` this is
    y > λ*(c). Always above the bulk edge 1 + √c.

    Parameters
    ----------
    c : float
        Aspect ratio p/n in (0, 1].

    Raises
    ------
    ValueError
        If `c` is not one number in (0, 1].

    References
    ----------
    Gavish, Donoho, "The optimal hard threshold for singular values is 4/√3", IEEE Trans. Inf. Theory
    60 (2014), arXiv 1305.5870, where n is the long side as here.

    Examples
    --------
    >>> round(hard_threshold(1.0) * 3**0.5, 12)
    4.0
    """
    ratio = as_float64(c, "c")
    if ratio.ndim or not 0 < ratio <= 1:
        raise ValueError(f"c must lie in (0, 1] (short side over long side), was {c!r}")
    c = float(ratio)
    return float(np.sqrt(2 * (c + 1) + 8 * c / (c + 1 + np.sqrt(c * c + 14 * c + 1))))


def median_factor(c: float) -> float:
    """ω(c) = λ*(c)/√μ_c: the threshold in units of the median singular value.

    μ_c is the median of the Marchenko–Pastur law. The median of a spectrum that is mostly noise
    estimates σ√(nμ_c) without knowledge of σ.

    Raises
    ------
    ValueError
        If `c` is not one number in (0, 1].

    Examples
    --------
    >>> round(median_factor(1.0), 4)
    2.8584
    """
    return hard_threshold(c) / float(np.sqrt(MarchenkoPastur(c).ppf(0.5)))


def gavish_donoho(W_or_spectrum: Any, sigma: float | None = None) -> NoiseFit:
    """Keep what makes the truncated matrix nearest to the signal in Frobenius norm.

    The threshold is λ*(c) σ√n; with unknown noise σ is the level at which the median singular value is
    where the Marchenko–Pastur law has it, so that the threshold is ω(c) times the median.

    Parameters
    ----------
    W_or_spectrum : array_like of shape (N, M), or Spectrum
        The matrix, in any orientation and on any scale, or its singular values.
    sigma : float, optional
        The noise level, where it is known.

    Returns
    -------
    NoiseFit
        `sigma` is the given level or the one of the median.

    Raises
    ------
    ValueError
        If the input is not a valid matrix or spectrum, `sigma` is not positive and finite, or, with
        unknown noise, half of the singular values are zero up to rounding.

    Notes
    -----
    Not a detector: signal values between the edge of the bulk and the threshold exist and can be seen,
    but their noisy directions cost more than they bring. For a square matrix a spike is kept from
    θ = √3 on and visible from 1 on. The median is a poor gauge when much of the spectrum is signal: with
    s of p values it sits at the quantile ½ − s/(2p) of the noise, hence σ̂ too high. A threshold for truncation is
    beaten by `optimal_shrinkage`, which weighs each value instead.

    References
    ----------
    Gavish, Donoho, "The optimal hard threshold for singular values is 4/√3", IEEE Trans. Inf. Theory
    60 (2014), arXiv 1305.5870.

    Examples
    --------
    >>> from rmt_helpers import bema, spiked_matrix
    >>> W, _, _ = spiked_matrix((200, 300), [4.0, 3.0, 1.3], sigma=0.1, rng=0)
    >>> gavish_donoho(W).n_signal, bema(W).n_signal  # the third is there, but not worth keeping
    (2, 3)
    """
    spectrum = as_spectrum(W_or_spectrum)
    level = median_level(spectrum) if sigma is None else check_positive(sigma, "sigma")
    threshold = hard_threshold(spectrum.c) * level * np.sqrt(spectrum.n)
    return NoiseFit("gavish-donoho", spectrum, level, threshold)
