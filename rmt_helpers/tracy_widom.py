"""The Tracy–Widom laws of the largest value of noise, computed from Fredholm determinants.

Between −6.5 and 12 the determinants are evaluated once and interpolated; outside, where one tail is
too small for them, the known expansions take over. Derived in the chapter "The edge".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.polynomial import chebyshev
from numpy.polynomial.laguerre import laggauss
from numpy.polynomial.legendre import leggauss
from numpy.typing import ArrayLike
from scipy.special import airy, airye, expit, logit

from ._checks import FloatArray, check_argument, check_probability

# Pieces of the interpolation: from, to, Chebyshev nodes, Gauss–Legendre nodes of the determinant.
# Below −6.5 the determinant loses the relative accuracy that the expansion then has.
_PIECES = ((-6.5, -3.5, 20, 30), (-3.5, 0.5, 26, 26), (0.5, 12.0, 32, 20))

# Points that are interpolated in one go: bounds the memory of a long call.
_BLOCK = 16384

# Beyond these both tails are 0 or 1 in double precision; they stand for the infinities.
_FIRST, _LAST = -60.0, 250.0

# log F₂(−x) = log τ₂ − x³/12 − ⅛ log x + Σ a x^e, and what ½ log F₂ lacks to give log F₁.
# Integrated term by term from q(−x) = √(x/2) (1 − 1/(8x³) − 73/(128x⁶) − …), the solution of
# Hastings and McLeod; constants after Deift, Its and Krasovsky (2008) and Baik, Buckingham and
# DiFranco (2008).
_ZETA_PRIME = -0.16542114370045092  # ζ′(−1)
_LOG_TAU = {1: -11.0 / 48.0 * np.log(2.0) + _ZETA_PRIME / 2.0, 2: np.log(2.0) / 24.0 + _ZETA_PRIME}
_BOTH = (
    (-1 / 12, 3.0),
    (3 / 64, -3.0),
    (63 / 256, -6.0),
    (2407 / 512, -9.0),
    (1608657 / 8192, -12.0),
    (1180103913 / 81920, -15.0),
)
_ONLY_FIRST = tuple(
    (np.sqrt(2.0) * a, e)
    for a, e in (
        (-1 / 6, 1.5),
        (-1 / 48, -1.5),
        (-73 / 2304, -4.5),
        (-10657 / 30720, -7.5),
        (-13912277 / 1376256, -10.5),
        (-8045883943 / 14155776, -13.5),
    )
)


def _log_odds(s: FloatArray, nodes: int) -> FloatArray:
    """Return log F/(1 − F) at each `s` for β = 1 and 2, from Fredholm determinants.

    With the operator A of kernel Ai(x + y + s) on (0, ∞), F₁ = det(1 − A) (Ferrari and Spohn
    2005) and, since A² is the Airy kernel, F₂ = det(1 − A²). Both are products over the
    eigenvalues of one matrix (Bornemann 2010), and 1 − F comes without cancellation.
    """
    # Ai(9) is 2e-9 and what is cut off enters squared; far to the right it is relative to Ai(s).
    length = np.maximum(9.0 - s, 5.0)[:, None]
    x, w = leggauss(nodes)
    x, w = length * (x + 1.0) / 2.0, length * w / 2.0
    i, j = np.tril_indices(nodes)  # eigvalsh reads no more, and Ai is most of the cost
    kernel = np.zeros((s.size, nodes, nodes))
    kernel[:, i, j] = airy(x[:, i] + x[:, j] + s[:, None])[0] * np.sqrt(w[:, i] * w[:, j])
    eigenvalues = np.linalg.eigvalsh(kernel)
    log_cdf = np.stack([np.log1p(-(eigenvalues**beta)).sum(axis=1) for beta in (1, 2)])
    return np.asarray(log_cdf - np.log(-np.expm1(log_cdf)))


@lru_cache(maxsize=1)
def _tables() -> tuple[tuple[FloatArray, FloatArray], ...]:
    """Return for each piece the Chebyshev coefficients of log odds and of their derivative."""
    tables = []
    for low, high, count, nodes in _PIECES:
        points = chebyshev.chebpts1(count)
        values = _log_odds((low + high) / 2.0 + (high - low) / 2.0 * points, nodes)
        # At these points the Chebyshev polynomials are orthogonal: a product gives the fit.
        coefficients = chebyshev.chebvander(points, count - 1).T @ values.T * (2.0 / count)
        coefficients[0] /= 2.0
        derivative = np.zeros_like(coefficients)
        derivative[:-1] = chebyshev.chebder(coefficients, scl=2.0 / (high - low))
        tables.append((coefficients, derivative))
    return tuple(tables)


@lru_cache(maxsize=2)
def _quantile_start(beta: Literal[1, 2]) -> tuple[FloatArray, FloatArray]:
    """Return points and their log odds, rising through all that a probability can hold."""
    s = np.linspace(-30.0, 20.0, 1001)
    return s, TracyWidom(beta)._odds(s)[0]


def _left(s: FloatArray, beta: int) -> tuple[FloatArray, FloatArray]:
    """Return log odds and derivative where F is tiny, from its expansion at −∞."""
    x = -s
    terms = [(a * beta / 2.0, e) for a, e in _BOTH] + (list(_ONLY_FIRST) if beta == 1 else [])
    log_cdf = _LOG_TAU[beta] - beta / 16.0 * np.log(x) + sum(a * x**e for a, e in terms)
    slope = beta / 16.0 / x - sum(a * e * x ** (e - 1.0) for a, e in terms)
    tail = -np.expm1(log_cdf)
    return log_cdf - np.log(tail), slope / tail


def _right(s: FloatArray, beta: int) -> tuple[FloatArray, FloatArray]:
    """Return log odds and derivative where 1 − F is tiny: there it is the trace of the kernel.

    1 − F₁ = ½∫Ai(s + z)dz and 1 − F₂ = ∫z Ai(s + z)² dz over z > 0, by Gauss–Laguerre quadrature.
    """
    u, w = laggauss(12)
    root = np.sqrt(s)[:, None]
    z = u / (beta * root)
    x = s[:, None] + z
    # airye leaves out exp(−⅔x^{3/2}), which is taken relative to its value at s: no underflow.
    decay = beta * 2.0 / 3.0 * (root**3 - x**1.5)
    integrand = w / (beta * root) * airye(x)[0] ** beta * np.exp(decay + u)
    if beta == 1:
        tail, density = 0.5 * integrand.sum(axis=1), 0.5 * airye(s)[0]
    else:
        tail, density = (z * integrand).sum(axis=1), integrand.sum(axis=1)
    log_sf = np.log(tail) - beta * 2.0 / 3.0 * s**1.5
    cdf = -np.expm1(log_sf)
    return np.log(cdf) - log_sf, density / tail / cdf


@dataclass(frozen=True)
class TracyWidom:
    """Tracy–Widom law F_β: what the centred and scaled largest eigenvalue of noise tends to.

    Parameters
    ----------
    beta : {1, 2}
        1 for real entries, 2 for complex ones.

    Raises
    ------
    ValueError
        If `beta` is neither 1 nor 2, an argument of a method is not real or is NaN, or a
        probability is outside [0, 1].

    Notes
    -----
    Tracy and Widom (1994, 1996); computed after Bornemann (2010) with the kernel of Ferrari and
    Spohn (2005). cdf is right to about 1e-13, sf to a relative 1e-11 in the whole right
    tail and cdf to a relative 1e-8 in the whole left tail.

    Examples
    --------
    >>> law = TracyWidom(beta=1)
    >>> float(round(law.ppf(0.9), 6))
    0.450143
    >>> float(round(law.sf(0.0), 4))  # how often noise passes its own bulk edge
    0.1681
    """

    beta: Literal[1, 2] = 1

    def __post_init__(self) -> None:
        if not (np.ndim(self.beta) == 0 and self.beta in (1, 2)):
            raise ValueError(
                f"beta must be 1 (real entries) or 2 (complex entries), was {self.beta!r}"
            )
        object.__setattr__(self, "beta", int(self.beta))

    def _odds(self, s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return L = log F/(1 − F) and dL/ds, from which cdf, sf, pdf and ppf all follow."""
        s = np.clip(s, _FIRST, _LAST)
        flat = s.ravel()
        value, slope = np.empty_like(flat), np.empty_like(flat)
        left, right = flat < _PIECES[0][0], flat > _PIECES[-1][1]
        if left.any():
            value[left], slope[left] = _left(flat[left], self.beta)
        if right.any():
            value[right], slope[right] = _right(flat[right], self.beta)
        for (low, high, *_), (coefficients, derivative) in zip(_PIECES, _tables(), strict=True):
            here = np.flatnonzero((flat >= low) & (flat <= high))
            for block in np.split(here, range(_BLOCK, here.size, _BLOCK)):
                angle = np.arccos(
                    np.clip((2.0 * flat[block] - low - high) / (high - low), -1.0, 1.0)
                )
                chebyshev_values = np.cos(angle[:, None] * np.arange(len(coefficients)))
                value[block] = chebyshev_values @ coefficients[:, self.beta - 1]
                slope[block] = chebyshev_values @ derivative[:, self.beta - 1]
        return value.reshape(s.shape), slope.reshape(s.shape)

    def cdf(self, x: ArrayLike) -> Any:
        """Probability of a value ≤ x."""
        return expit(self._odds(check_argument(x))[0])[()]

    def sf(self, x: ArrayLike) -> Any:
        """Probability of a value > x, 1 − cdf, without cancellation in the right tail."""
        return expit(-self._odds(check_argument(x))[0])[()]

    def pdf(self, x: ArrayLike) -> Any:
        """Density."""
        value, slope = self._odds(check_argument(x))
        return (slope * expit(value) * expit(-value))[()]

    def ppf(self, q: ArrayLike) -> Any:
        """Quantile: the x with ``cdf(x) == q``; −∞ for q = 0 and ∞ for q = 1."""
        probability = check_probability(q)
        target = logit(probability)
        inside = np.isfinite(target)
        target = np.where(inside, target, 0.0)
        grid, odds = _quantile_start(self.beta)
        s = np.interp(target, odds, grid)
        # Newton's method on the nearly straight log odds; the table leaves it 1e-4 to mend, so
        # two steps reach the last digits.
        for _ in range(2):
            value, slope = self._odds(s)
            s = s - (value - target) / slope
        return np.where(inside, s, np.copysign(np.inf, probability - 0.5))[()]

    def rvs(
        self,
        size: int | tuple[int, ...] | None = None,
        rng: np.random.Generator | int | None = None,
    ) -> Any:
        """Independent draws from the law.

        Parameters
        ----------
        size : int, tuple of int or None
            Shape of the result; None gives one number.
        rng : numpy.random.Generator, int or None
            Source of randomness, or a seed for one.
        """
        return self.ppf(np.random.default_rng(rng).random(size))

    def mean(self) -> float:
        """Mean, from the integral of the two tails."""
        return self._moments()[0]

    def var(self) -> float:
        """Variance, from the integral of the two tails."""
        mean, square = self._moments()
        return square - mean**2

    def _moments(self) -> tuple[float, float]:
        # E X = ∫₀^∞ (1 − F) − ∫₋∞^0 F and E X² = 2∫₀^∞ s(1 − F) + 2∫₋∞^0 |s|F; both integrands are
        # below 1e−17 beyond ±16.
        x, w = leggauss(100)
        s, w = 8.0 * (x + 1.0), 8.0 * w
        above, below = self.sf(s), self.cdf(-s)
        return float(w @ (above - below)), float(2.0 * (w * s) @ (above + below))
