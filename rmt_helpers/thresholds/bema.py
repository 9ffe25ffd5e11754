"""BEMA: the noise level from the middle of the spectrum, the threshold from Tracy–Widom.

Bulk Eigenvalue Matching Analysis, Algorithm 1 of Ke, Ma and Lin (2023, arXiv 2006.00436), for a
matrix of any orientation. Derived step by step in the chapter "BEMA step by step".
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from ..laws import MarchenkoPastur, TracyWidom
from ..spectrum import as_spectrum
from .fit import NoiseFit

# Where between (j − 1)/p and j/p the j-th smallest eigenvalue sits.
_POSITIONS = {"lower": 1.0, "midpoint": 0.5, "upper": 0.0}


def bema(
    W_or_spectrum: Any,
    alpha: float = 0.2,
    beta: float = 0.1,
    *,
    plotting_position: Literal["midpoint", "lower", "upper"] = "midpoint",
) -> NoiseFit:
    """Fit the noise level to the bulk of the spectrum and put the threshold at its edge.

    The eigenvalues λ = ν²/n of the ranks from αp to (1 − α)p, counted from below, are matched with
    the Marchenko–Pastur quantiles of their ranks by least squares through the origin; the slope is
    σ̂².
    The threshold is where pure noise of that level has its largest value with probability 1 − β
    below.

    Parameters
    ----------
    W_or_spectrum : array_like of shape (N, M), or Spectrum
        The matrix, in any orientation and on any scale, or its singular values.
    alpha : float
        Fraction of the eigenvalues left out at either end, in [0, 0.5). It should exceed the share
        of signal values.
    beta : float
        Probability, in (0, 1), that pure noise shows a value above the threshold.
    plotting_position : {"midpoint", "lower", "upper"}
        The j-th smallest of p eigenvalues is matched with the quantile of (j − ½)/p, (j − 1)/p or
        j/p. The midpoint is nearly unbiased; both published codes use the lower end, which makes
        σ̂² too large by O(1/p).

    Returns
    -------
    NoiseFit

    Raises
    ------
    ValueError
        If the input is not a valid matrix or spectrum, if `alpha`, `beta` or `plotting_position`
        is not as above, or if the matrix holds no noise (its middle singular values are zero up to
        rounding).

    References
    ----------
    Ke, Ma, Lin, "Estimation of the number of spiked eigenvalues in a covariance matrix by bulk
    eigenvalue matching analysis", JASA 2023, Algorithm 1.

    Examples
    --------
    >>> from rmt_helpers import spiked_matrix
    >>> W, _, _ = spiked_matrix((200, 300), [4.0, 3.0, 2.0], sigma=0.1, rng=0)
    >>> fit = bema(W)
    >>> fit.n_signal, round(fit.sigma, 3)
    (3, 0.101)
    """
    spectrum = as_spectrum(W_or_spectrum)
    if not 0 <= alpha < 0.5:
        raise ValueError(f"alpha must lie in [0, 0.5), was {alpha!r}")
    if not 0 < beta < 1:
        raise ValueError(f"beta must lie in (0, 1), was {beta!r}")
    if 1 - beta == 1:
        raise ValueError(f"beta must be at least 2e-16, the rounding of 1 − beta, was {beta!r}")
    if plotting_position not in _POSITIONS:
        raise ValueError(
            f"plotting_position must be one of {', '.join(_POSITIONS)}, was {plotting_position!r}"
        )
    p, n, c = spectrum.p, spectrum.n, spectrum.c

    # Step 1: eigenvalues, smallest first. In units of the largest ν their squares cannot overflow.
    unit = spectrum.values[0]
    lam = (spectrum.values[::-1] / unit) ** 2 / n
    # Step 2: the ranks j with αp ≤ j ≤ (1 − α)p; the small number absorbs the rounding of αp.
    first = max(int(np.ceil(alpha * p - 1e-9)), 1)
    last = int(np.floor((1 - alpha) * p + 1e-9))
    if first > last:
        raise ValueError(
            f"alpha = {alpha!r} leaves none of the {p} singular values; choose it smaller"
        )
    ranks = np.arange(first, last + 1)
    # Step 3: their quantiles under the Marchenko–Pastur law of unit variance.
    q = MarchenkoPastur(c).ppf((ranks - _POSITIONS[plotting_position]) / p)
    if q[-1] == 0:
        # A 2×2 matrix: one middle value, and the law's lower end is 0.
        raise ValueError(
            f"plotting_position = {plotting_position!r} matches the only middle value of a 2×2 "
            'matrix with 0; choose "midpoint"'
        )
    # Step 4: the slope of the least-squares line through the origin.
    sigma2 = (q @ lam[first - 1 : last]) / (q @ q)
    if sigma2 * n <= (n * np.finfo(np.float64).eps) ** 2:
        raise ValueError(
            "W must hold noise; the singular values that BEMA fits, "
            f"ν_{p - last + 1} to ν_{p - first + 1}, are zero up to rounding"
        )
    # Step 5: the edge, and how far above it noise comes with probability β.
    width = n ** (-2 / 3) * c ** (-1 / 6) * (1 + np.sqrt(c)) ** (4 / 3)
    height = (1 + np.sqrt(c)) ** 2 + TracyWidom(1).ppf(1 - beta) * width
    if height <= 0:
        rows, columns = spectrum.shape
        raise ValueError(
            f"beta = {beta!r} puts the threshold of a {rows}×{columns} matrix below zero; "
            "choose it smaller"
        )
    return NoiseFit("bema", spectrum, unit * np.sqrt(sigma2), unit * np.sqrt(sigma2 * n * height))
