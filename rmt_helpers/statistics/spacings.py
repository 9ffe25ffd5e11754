"""Distances between neighbouring eigenvalues or singular values: ratios, unfolding, Wigner's surmise.

Independent points come as close as they like; eigenvalues of a random symmetric matrix repel each
other. The same repulsion is found in almost every large matrix, so it is called universal.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import integrate, interpolate, linalg

from .._checks import FloatArray, as_float64, check_argument, check_finite

# The large-matrix mean ratio comes from this many draws of a matrix of this size, a tenth of its
# eigenvalues left out at either end; its standard error is about a thousandth of the value.
_DRAWS, _SIZE = 300, 500


def _levels(values: ArrayLike, least: int) -> FloatArray:
    x = as_float64(values, "values")
    if x.ndim != 1 or x.size < least:
        raise ValueError(
            f"values must be one-dimensional with {least} or more, had shape {x.shape}"
        )
    check_finite(x, "values")
    return np.sort(x)


def spacing_ratios(values: ArrayLike) -> FloatArray:
    """For each three neighbours the smaller of the two gaps over the larger, in [0, 1].

    No density has to be known: where it varies little over three values, it cancels (Oganesyan and
    Huse; Atas et al. 2013). Three equal values count as 0.

    Parameters
    ----------
    values : array_like of shape (p,)
        Three or more, in any order.

    Returns
    -------
    array of shape (p − 2,)

    Examples
    --------
    >>> spacing_ratios([0.0, 1.0, 3.0, 4.0]).tolist()
    [0.5, 0.5]
    """
    gaps = np.diff(_levels(values, 3))
    small, large = np.minimum(gaps[1:], gaps[:-1]), np.maximum(gaps[1:], gaps[:-1])
    return np.asarray(np.divide(small, large, out=np.zeros_like(small), where=large > 0))


def spacing_ratio(values: ArrayLike) -> float:
    """The mean of `spacing_ratios`; compare it with `reference_ratio`.

    Parameters
    ----------
    values : array_like of shape (p,)
        As for `spacing_ratios`.
    """
    return float(spacing_ratios(values).mean())


@lru_cache
def reference_ratio(kind: str) -> float:
    """The mean spacing ratio of points whose law is known.

    Parameters
    ----------
    kind : {"independent", "surmise", "noise"}
        Independent points (the ratio r has the density 2/(1 + r)²); the three eigenvalues of a 3 × 3
        Gaussian symmetric matrix (density (27/4)(r + r²)/(1 + r + r²)^(5/2), Atas et al. 2013); or the
        eigenvalues of a large one, from a simulation with a fixed seed, to about 0.001 (Atas et al.: 0.5307).

    Examples
    --------
    >>> [round(reference_ratio(kind), 2) for kind in ("independent", "surmise", "noise")]
    [0.39, 0.54, 0.53]
    """
    if kind == "independent":
        return float(integrate.quad(lambda r: r * 2 / (1 + r) ** 2, 0, 1)[0])
    if kind == "surmise":
        return float(
            integrate.quad(lambda r: r * 27 / 4 * (r + r * r) / (1 + r + r * r) ** 2.5, 0, 1)[0]
        )
    if kind != "noise":
        raise ValueError(f'kind must be "independent", "surmise" or "noise", was {kind!r}')
    rng = np.random.default_rng(20130)
    ratios = []
    for _ in range(_DRAWS):
        # The tridiagonal form of a Gaussian symmetric matrix (Dumitriu and Edelman 2002).
        diagonal = np.sqrt(2) * rng.standard_normal(_SIZE)
        beside = np.sqrt(rng.chisquare(np.arange(_SIZE - 1, 0, -1)))
        levels = linalg.eigvalsh_tridiagonal(diagonal, beside)
        ratios.append(spacing_ratio(levels[_SIZE // 10 : -_SIZE // 10]))
    return float(np.mean(ratios))


def unfold(values: ArrayLike, window: int = 15) -> FloatArray:
    """Stretch the axis so that the mean distance of neighbours is 1 everywhere.

    Every `window`-th value is sent to its rank, the others in between by a monotone cubic (Fritsch and
    Carlson). The gaps of what comes out can be compared with `wigner_pdf`.

    Parameters
    ----------
    values : array_like of shape (p,)
        Different from each other, in any order.
    window : int
        Over how many values the density may be averaged.

    Returns
    -------
    array of shape (p,)
        Ascending, from 0 to p − 1.

    Raises
    ------
    ValueError
        If two values are equal, or there are fewer than two windows of them.

    Examples
    --------
    >>> import numpy as np
    >>> gaps = np.diff(unfold(np.random.default_rng(0).random(1501) ** 3))
    >>> round(float(gaps.mean()), 6)
    1.0
    """
    if window < 2:
        raise ValueError(f"window must be 2 or more, was {window!r}")
    x = _levels(values, 2 * window)
    if (np.diff(x) == 0).any():
        raise ValueError("values must be different from each other, two were equal")
    ranks = np.arange(x.size, dtype=np.float64)
    # A last, shorter window would follow the noise of a few gaps: the one before it takes them in.
    knots = np.append(np.arange(0, x.size - window, window), x.size - 1)
    return np.asarray(interpolate.PchipInterpolator(x[knots], ranks[knots])(x))


def wigner_pdf(s: ArrayLike) -> FloatArray:
    """Wigner's surmise, the law of a gap in units of the mean gap: (π/2) s exp(−π s²/4).

    It is exact for a 2 × 2 Gaussian symmetric matrix and within two per cent for a large one.
    """
    s = check_argument(s)
    return np.where(s < 0, 0.0, np.pi / 2 * s * np.exp(-np.pi * s**2 / 4))


def wigner_cdf(s: ArrayLike) -> FloatArray:
    """Distribution function of Wigner's surmise: 1 − exp(−π s²/4)."""
    s = check_argument(s)
    return np.where(s < 0, 0.0, -np.expm1(-np.pi * s**2 / 4))
