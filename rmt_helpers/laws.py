"""The laws of noise: Marchenko–Pastur for the bulk, Tracy–Widom for its largest value.

A law has pdf, cdf, sf, ppf, rvs, mean and var, vectorised, as those of scipy.stats have; importing
that package would cost more time than all of this one. Derived in "The Marchenko–Pastur law".
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import hyp2f1

from ._checks import (
    FloatArray,
    as_float64,
    check_argument,
    check_positive,
    check_probability,
    check_shape,
)
from .tracy_widom import TracyWidom

__all__ = ["MarchenkoPastur", "SingularValueLaw", "TracyWidom"]

# Gauss–Legendre rule on [0, 1] for `_mass`, with the factor ξ² of its integrand in the weights.
# The nearest singularity leaves an error of 3.4^(−2·16), below rounding.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_NODES = (_NODES + 1.0) / 2.0
_WEIGHTS = _WEIGHTS / 2.0 * _NODES**2 * (16.0 / np.pi)

# One block of `_mass` needs 16 times as many numbers; this bounds the memory of a long call.
_BLOCK = 16384


def _mass(v: FloatArray, r: float) -> FloatArray:
    """Return the mass between an edge of the bulk and the point `v`, divided by v³.

    In units σ = 1 the point is λ = (1 − r)² + 4rv², counted from the lower edge with r = √c, or
    λ = (1 + r)² − 4rv², counted from the upper edge with −√c in place of r. With v = sin(t/2),
    0 < v ≤ √½, the mass is (2/π)∫₀ᵗ sin²u / (1 + r² − 2r cos u) du. Its relative error is a few
    units of rounding at every v and r: no difference of nearly equal numbers is formed.
    """
    gap = (1.0 - r) ** 2
    v2 = v * v
    mass = np.empty_like(v)
    # The integrand in w = vξ has poles at w = ±i(1 − r)/(2√r): quadrature this side of them …
    near = 4.0 * r * v2 <= gap
    w2 = v2[near, None] * _NODES**2
    mass[near] = (np.sqrt(1.0 - w2) / (gap + 4.0 * r * w2)) @ _WEIGHTS
    # … and the antiderivative beyond them, where its terms do not cancel (here r > ¼).
    far = ~near
    if far.any():
        v, cos = v[far], np.sqrt(1.0 - v2[far])
        phi = np.arctan2((1.0 + r) * v, (1.0 - r) * cos)
        total = (1.0 + r * r) * np.arcsin(v) + 2.0 * r * v * cos - (1.0 - r * r) * phi
        mass[far] = total / (np.pi * r * r * v**3)
    return mass


def _tail(v2: FloatArray, r: float) -> FloatArray:
    """Return the mass between an edge and the points with v² = `v2`, 0 at v = 0."""
    out = np.zeros_like(v2)
    inside = v2 > 0
    v = np.sqrt(v2[inside])
    blocks = [v[i : i + _BLOCK] for i in range(0, v.size, _BLOCK)]
    if blocks:
        out[inside] = np.concatenate([_mass(block, r) * block**3 for block in blocks])
    return out


def _inverse_tail(mass: FloatArray, r: float) -> FloatArray:
    """Return v² such that ``_tail(v2, r) == mass``, for masses of points with v ≤ √½."""
    # Mass grows like v³ from the edge, so its cube root is nearly straight: Newton's method on it
    # starts from a table and needs two or three steps. At c → 1 the mass is linear in v, hence
    # the table's nodes crowd at the edge; the bracket keeps Newton safe in between.
    grid = np.sqrt(0.5) * np.linspace(0.0, 1.0, 49) ** 2
    roots = np.zeros_like(grid)
    roots[1:] = grid[1:] * np.cbrt(_mass(grid[1:], r))
    target = np.cbrt(mass)
    cell = np.clip(np.searchsorted(roots, target), 1, grid.size - 1)
    low, high = grid[cell - 1], grid[cell]
    # Away from zero, where the density in v may be infinite; mass 0 is put right at the end.
    v = np.maximum(np.interp(target, roots, grid), 1e-100)
    for _ in range(60):
        scale = np.cbrt(_mass(v, r))
        excess = v * scale - target
        high = np.where(excess > 0, v, high)
        low = np.where(excess > 0, low, v)
        slope = (16.0 / np.pi) * np.sqrt(1.0 - v * v) / ((1.0 - r) ** 2 + 4.0 * r * v * v)
        step = v - 3.0 * excess * scale**2 / slope
        step = np.where((step >= low) & (step <= high), step, 0.5 * (low + high))
        # Convergence is quadratic: after a step of relative size 1e−8 nothing is left to gain.
        done = np.all(np.abs(step - v) <= 1e-8 * v)
        v = np.maximum(step, 1e-100)
        if done:
            break
    return np.where(mass > 0, v * v, 0.0)


class _BulkLaw(ABC):
    """What the laws of λ and of ν share: both are functions of v² and of r = √c."""

    sigma: float

    @property
    @abstractmethod
    def _root(self) -> float:
        """√c."""

    @abstractmethod
    def support(self) -> tuple[float, float]: ...

    @abstractmethod
    def _distances(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return λ − λ₋ and λ₊ − λ in units of σ², exact to rounding at its own edge."""

    @abstractmethod
    def _point(self, squared: FloatArray) -> FloatArray:
        """Return the value whose λ/σ² is `squared`."""

    def _masses(self, x: ArrayLike) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Return for each x the smaller of its two tails, and whether that is the lower one."""
        values = check_argument(x)
        r = self._root
        flat = np.atleast_1d(values)
        below, above = self._distances(flat)
        lower = below <= above
        mass = np.empty_like(flat)
        mass[lower] = _tail(np.clip(below[lower] / (4.0 * r), 0.0, 0.5), r)
        mass[~lower] = _tail(np.clip(above[~lower] / (4.0 * r), 0.0, 0.5), -r)
        return mass.reshape(values.shape), lower.reshape(values.shape)

    def cdf(self, x: ArrayLike) -> Any:
        """Probability of a value ≤ x; 0 below the support and 1 above it."""
        mass, lower = self._masses(x)
        return np.where(lower, mass, 1.0 - mass)[()]

    def sf(self, x: ArrayLike) -> Any:
        """Probability of a value > x, 1 − cdf, without cancellation near the upper edge."""
        mass, lower = self._masses(x)
        return np.where(lower, 1.0 - mass, mass)[()]

    def ppf(self, q: ArrayLike) -> Any:
        """Quantile: the x with ``cdf(x) == q``; the edges of the support for q = 0 and 1.

        Raises
        ------
        ValueError
            If `q` is not in [0, 1].
        """
        probability = check_probability(q)
        r = self._root
        flat = np.atleast_1d(probability)
        half = np.array([0.5])
        left, right = float(_tail(half, r)[0]), float(_tail(half, -r)[0])
        lower = flat <= left
        squared = np.empty_like(flat)
        squared[lower] = (1.0 - r) ** 2 + 4.0 * r * _inverse_tail(flat[lower], r)
        rest = np.minimum(1.0 - flat[~lower], right)
        squared[~lower] = (1.0 + r) ** 2 - 4.0 * r * _inverse_tail(rest, -r)
        return self._point(squared).reshape(probability.shape)[()]

    def rvs(
        self,
        size: int | tuple[int, ...] | None = None,
        rng: np.random.Generator | int | None = None,
    ) -> Any:
        """Independent draws from the law.

        The singular values of one matrix are not independent: they repel each other.

        Parameters
        ----------
        size : int, tuple of int or None
            Shape of the result; None gives one number.
        rng : numpy.random.Generator, int or None
            Source of randomness, or a seed for one.
        """
        return self.ppf(np.random.default_rng(rng).random(size))


@dataclass(frozen=True)
class MarchenkoPastur(_BulkLaw):
    """Law of the eigenvalues λ = ν²/n of RRᵀ/n, for R with iid entries and large p and n.

    Density √((λ₊ − λ)(λ − λ₋)) / (2π c σ² λ) on [λ₋, λ₊], λ± = σ²(1 ± √c)². Only the p
    eigenvalues of the short side's Gram matrix count, so there is no atom at 0.

    Parameters
    ----------
    c : float
        Aspect ratio p/n in (0, 1].
    sigma : float
        Standard deviation of the entries of R; eigenvalues are in units of σ².

    Raises
    ------
    ValueError
        If `c` is outside (0, 1], `sigma` is not positive and finite, an argument of a method is
        not real or is NaN, or a probability is outside [0, 1].

    Notes
    -----
    Marchenko and Pastur (1967); the cdf is the closed form of "The Marchenko–Pastur law", and
    quadrature where the closed form would lose digits. cdf and ppf are right to about 1e-14.

    Examples
    --------
    >>> law = MarchenkoPastur(c=0.25, sigma=2.0)
    >>> law.support()
    (1.0, 9.0)
    >>> float(round(law.cdf(law.ppf(0.3)), 12))
    0.3
    >>> law.mean(), law.var()
    (4.0, 4.0)
    """

    c: float
    sigma: float = 1.0

    def __post_init__(self) -> None:
        c = as_float64(self.c, "c")
        if c.ndim or not 0.0 < c <= 1.0:
            raise ValueError(f"c must lie in (0, 1] (short side over long side), was {self.c!r}")
        object.__setattr__(self, "c", float(c))
        object.__setattr__(self, "sigma", check_positive(self.sigma, "sigma"))

    @property
    def _root(self) -> float:
        return float(np.sqrt(self.c))

    def support(self) -> tuple[float, float]:
        """The bulk edges λ₋ and λ₊."""
        r = self._root
        return self.sigma**2 * (1.0 - r) ** 2, self.sigma**2 * (1.0 + r) ** 2

    def _distances(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        low, high = self.support()
        return (x - low) / self.sigma**2, (high - x) / self.sigma**2

    def _point(self, squared: FloatArray) -> FloatArray:
        return self.sigma**2 * squared

    def pdf(self, x: ArrayLike) -> Any:
        """Density; 0 outside the support, infinite at 0 when c = 1."""
        values = check_argument(x)
        below, above = (np.maximum(distance, 0.0) for distance in self._distances(values))
        inside = (below > 0) & (above > 0)
        scaled = np.where(inside, values, 1.0) / self.sigma**2
        root = np.sqrt(np.where(inside, below, 0.0)) * np.sqrt(np.where(inside, above, 0.0))
        density = root / (2.0 * np.pi * self.c * scaled) / self.sigma**2
        return np.where((values == 0) & (self.support()[0] == 0), np.inf, density)[()]

    def mean(self) -> float:
        """σ²."""
        return self.sigma**2

    def var(self) -> float:
        """c σ⁴."""
        return self.c * self.sigma**4


@dataclass(frozen=True)
class SingularValueLaw(_BulkLaw):
    """Law of the singular values ν of R itself: the Marchenko–Pastur law under ν = √(nλ).

    Density √((ν₊² − ν²)(ν² − ν₋²)) / (π c σ² n ν) on [ν₋, ν₊], ν± = σ(√n ± √p).

    Parameters
    ----------
    shape : tuple of int
        ``(N, M)`` of the matrix; the law of its transpose is the same.
    sigma : float
        Standard deviation of the entries of R.

    Raises
    ------
    ValueError
        If the shape is not two positive integers, `sigma` is not positive and finite, an argument
        of a method is not real or is NaN, or a probability is outside [0, 1].

    Notes
    -----
    The density is finite everywhere, at 0 too when the matrix is square: there it is a quarter
    of a circle.

    Examples
    --------
    >>> law = SingularValueLaw((512, 2048), sigma=0.5)
    >>> round(law.support()[1], 3)  # 0.5 (√2048 + √512)
    33.941
    >>> law == SingularValueLaw((2048, 512), sigma=0.5)
    False
    >>> law.support() == SingularValueLaw((2048, 512), sigma=0.5).support()
    True
    """

    shape: tuple[int, int]
    sigma: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", check_shape(self.shape))
        object.__setattr__(self, "sigma", check_positive(self.sigma, "sigma"))

    @property
    def p(self) -> int:
        """The short side."""
        return min(self.shape)

    @property
    def n(self) -> int:
        """The long side."""
        return max(self.shape)

    @property
    def c(self) -> float:
        """The aspect ratio p/n."""
        return self.p / self.n

    @property
    def _root(self) -> float:
        return float(np.sqrt(self.c))

    @property
    def _unit(self) -> float:
        """σ√n: what a singular value is measured in."""
        return self.sigma * float(np.sqrt(self.n))

    def support(self) -> tuple[float, float]:
        """The bulk edges ν₋ and ν₊."""
        return self._unit * (1.0 - self._root), self._unit * (1.0 + self._root)

    def _distances(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        low, high = self.support()
        # λ is |ν|ν here, so that negative values count as below the bulk.
        below = (x - low) / self._unit * ((np.abs(x) + low) / self._unit)
        above = (high - x) / self._unit * ((high + np.abs(x)) / self._unit)
        return below, above

    def _point(self, squared: FloatArray) -> FloatArray:
        return self._unit * np.sqrt(squared)

    def pdf(self, x: ArrayLike) -> Any:
        """Density per unit of ν; 0 outside the support."""
        values = check_argument(x)
        low, high = self.support()
        inside = (values >= low) & (values <= high)
        y = np.where(inside, values, high) / self._unit
        below, above = self._distances(np.where(inside, values, high))
        # y₋ = 0 for a square matrix: there the fraction below is 1 for every y, at 0 too.
        square = np.ones_like(y) if low == 0 else np.sqrt(below) / y
        return np.where(inside, square * np.sqrt(above) / (np.pi * self.c * self._unit), 0.0)[()]

    def mean(self) -> float:
        """σ√n ₂F₁(½, −½; 2; c); for a square matrix 8σ√n/(3π)."""
        return self._unit * float(hyp2f1(0.5, -0.5, 2.0, self.c))

    def var(self) -> float:
        """nσ² less the square of the mean."""
        mean = float(hyp2f1(0.5, -0.5, 2.0, self.c))
        return self._unit**2 * (1.0 - mean) * (1.0 + mean)
