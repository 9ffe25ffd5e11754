"""Gaussian broadening: the spectrum as a smooth density, the noise level from its shape.

Thamm, Staats and Rosenow (2022) put on every singular value a Gaussian as wide as the levels around
it are apart, and fit a noise law to the sum. Derived in "Gaussian broadening step by step".
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from .._checks import FloatArray, as_float64
from ..laws import SingularValueLaw
from ..spectrum import Spectrum, as_spectrum
from .fit import NoiseFit

Edges: TypeAlias = Literal["replicate", "drop"]

# A density of m values at k points needs k × m numbers; this bounds them in one piece.
_BLOCK = 1 << 18

# Kernels narrower than this share of the median belong to equal values: Gaussians without width.
_NO_WIDTH = 1e-6

# A fitted edge 1000 times as far out as the values it was fitted to is none.
_NO_EDGE = 1e-6


@dataclass(frozen=True, eq=False)
class BroadenedDensity:
    """A sum of Gaussians, one a singular value, as a function of ν.

    Attributes
    ----------
    centres, widths : ndarray
        Means and standard deviations of the Gaussians, smallest mean first.
    n_values : int
        What the sum is divided by. With ``edges="drop"`` it exceeds the number of Gaussians.
    """

    centres: FloatArray
    widths: FloatArray
    n_values: int

    @property
    def mass(self) -> float:
        """Integral of the density over the whole line: 1 unless kernels were dropped."""
        return self.centres.size / self.n_values

    def __call__(self, nu: ArrayLike) -> Any:
        """Density P(ν), in units of 1/ν. A little of it lies beyond the outermost values."""
        points = as_float64(nu, "nu")
        density = np.empty(points.size)
        for block, _, kernels in self._kernels(points.ravel()):
            density[block] = kernels @ (1 / self.widths)
        return density.reshape(points.shape)[()]

    def slopes(self, nu: FloatArray) -> tuple[FloatArray, FloatArray]:
        """First and second derivative of P at one-dimensional `nu`."""
        first, second = np.empty(nu.size), np.empty(nu.size)
        for block, z, kernels in self._kernels(nu):
            # P' = −Σ φ z/σ² and P'' = Σ φ (z² − 1)/σ³, in place: this is where the time goes.
            second[block] = -(kernels @ self.widths**-3)
            kernels *= z
            first[block] = -(kernels @ self.widths**-2)
            kernels *= z
            second[block] += kernels @ self.widths**-3
        return first, second

    def _kernels(self, nu: FloatArray) -> Iterator[tuple[slice, FloatArray, FloatArray]]:
        """Yield, block by block, z = (ν − ν_k)/σ_k and exp(−z²/2)/(√(2π) m): a row a point."""
        scale = 1 / (np.sqrt(2 * np.pi) * self.n_values)
        size = max(1, _BLOCK // self.centres.size)
        for start in range(0, nu.size, size):
            block = slice(start, start + size)
            z = nu[block, None] - self.centres
            z *= 1 / self.widths
            kernels = z * z
            kernels *= -0.5
            np.exp(kernels, out=kernels)
            kernels *= scale
            yield block, z, kernels


def broadened_density(
    W_or_spectrum: Any, window: int = 15, *, edges: Edges = "replicate"
) -> BroadenedDensity:
    """Turn singular values into a smooth density.

    P(ν) = (1/p) Σ_k exp(−(ν − ν_k)²/(2σ_k²)) / (√(2π) σ_k) with σ_k = (ν_{k+a} − ν_{k−a})/2 for
    values in ascending order: a kernel is half as wide as the 2a levels around it.

    Parameters
    ----------
    W_or_spectrum : array_like of shape (N, M), or Spectrum
        The matrix, in any orientation and on any scale, or its singular values.
    window : int
        The a above, from 1 to p/5: fewer values hold no density to speak of.
    edges : {"replicate", "drop"}
        What stands in for the neighbours that the a outermost values at either end lack: copies of
        the end values, or nothing: those kernels are left out, and the mass is 1 − 2a/p.

    Returns
    -------
    BroadenedDensity

    Raises
    ------
    ValueError
        If the input is not a valid matrix or spectrum, `window` or `edges` is not as above, more
        than half of the values are zero up to rounding, or so many are equal that a kernel has no
        width.

    References
    ----------
    Thamm, Staats, Rosenow, "Random matrix analysis of deep neural network weight matrices",
    Phys. Rev. E 106, 054124 (2022).

    Examples
    --------
    >>> density = broadened_density(Spectrum([4.0, 3.0, 2.0, 1.0, 0.0], (5, 5)), window=1)
    >>> density.widths
    array([0.5, 1. , 1. , 1. , 0.5])
    >>> round(float(density(2.0)), 4)
    0.1767
    """
    spectrum = as_spectrum(W_or_spectrum)
    window = _check(spectrum, window, edges)
    return _broaden(spectrum.values[::-1], window, edges)


def gaussian_broadening(
    W_or_spectrum: Any,
    window: int = 15,
    *,
    recipe: Literal["refitted", "authors"] = "refitted",
    edges: Edges = "replicate",
) -> NoiseFit:
    """Fit a noise law to the broadened density and put the threshold at its upper edge.

    There is no level to choose. At the edge itself pure noise exceeds an ideal fit with
    probability 1 − F₁(0) = 0.168, the mass of the Tracy–Widom law above 0.

    Parameters
    ----------
    W_or_spectrum : array_like of shape (N, M), or Spectrum
        The matrix, in any orientation and on any scale, or its singular values.
    window : int
        Neighbours on either side that set the width of a kernel; from 1 to p/5. The refitted σ
        hardly depends on it from 2 on; with 1 the density is more noise than shape, and so is σ.
    recipe : {"refitted", "authors"}
        ``"refitted"``: one parameter, σ. The law of pure noise, of given shape and unit mass, is
        broadened as the data are, and the two densities are matched by least squares. Values above
        the law's edge are then taken out, with their directions (noise beside s spikes is like an
        (N − s) × (M − s) matrix), and the fit is repeated until the same values stay out. Where
        that goes round in a circle, the fit of the circle with the highest edge is taken.

        ``"authors"``: the published recipe. (A/ν)√((ν_max² − ν²)(ν² − ν_min²)) is fitted to the
        density where ν lies below its peak or P > 0.7 max P; ν_min is the smallest value, A and
        ν_max, the threshold, are free. Ten points between neighbouring values make the sum of
        squares; σ = ν_max/(√n + √p).
    edges : {"replicate", "drop"}
        As in `broadened_density`.

    Returns
    -------
    NoiseFit

    Raises
    ------
    ValueError
        As `broadened_density`; also if `recipe` is not as above, if refitting leaves no more values
        than two windows, or if the authors' fit has no upper edge.

    References
    ----------
    Thamm, Staats, Rosenow, "Random matrix analysis of deep neural network weight matrices",
    Phys. Rev. E 106, 054124 (2022); Staats, Thamm, Rosenow, "Boundary between noise and information
    applied to filtering neural network weight matrices", Phys. Rev. E 108, L022302 (2023).

    Examples
    --------
    >>> from rmt_helpers import spiked_matrix
    >>> W, _, _ = spiked_matrix((200, 300), [4.0, 3.0, 2.0], sigma=0.1, rng=0)
    >>> fit = gaussian_broadening(W)
    >>> fit.n_signal, round(fit.sigma, 3)
    (3, 0.1)
    """
    spectrum = as_spectrum(W_or_spectrum)
    window = _check(spectrum, window, edges)
    # In units of the median, which no spike moves far, every matrix is of one scale.
    unit = float(np.median(spectrum.values))
    nu = spectrum.values[::-1] / unit
    if recipe == "refitted":
        sigma = _fit_refitted(nu, spectrum.n, window, edges)
    elif recipe == "authors":
        sigma = _fit_authors(nu, window, edges) / (np.sqrt(spectrum.n) + np.sqrt(spectrum.p))
    else:
        raise ValueError(f'recipe must be "refitted" or "authors", was {recipe!r}')
    threshold = sigma * (np.sqrt(spectrum.n) + np.sqrt(spectrum.p))
    return NoiseFit("gaussian broadening", spectrum, unit * sigma, unit * threshold)


def _check(spectrum: Spectrum, window: Any, edges: Any) -> int:
    """Return the window as an integer, or say what does not fit."""
    try:
        width = operator.index(window)
    except TypeError:
        raise ValueError(f"window must be an integer, was {window!r}") from None
    if width < 1:
        raise ValueError(f"window must be at least 1, was {width}")
    if spectrum.p < 5 * width:
        most = spectrum.p // 5
        advice = f"choose at most {most}" if most else "this matrix is too small"
        raise ValueError(
            f"window = {width} needs {5 * width} singular values, there are {spectrum.p}; {advice}"
        )
    if edges not in ("replicate", "drop"):
        raise ValueError(f'edges must be "replicate" or "drop", was {edges!r}')
    if np.median(spectrum.values) <= spectrum.n * np.finfo(np.float64).eps * spectrum.values[0]:
        raise ValueError("W must hold noise; half of its singular values are zero up to rounding")
    return width


def _broaden(nu: FloatArray, window: int, edges: Edges) -> BroadenedDensity:
    """Broaden ascending values."""
    padded = np.pad(nu, window, mode="edge")
    widths = (padded[2 * window :] - padded[: -2 * window]) / 2
    median = nu[nu.size // 2]
    if widths.min() <= _NO_WIDTH * median:
        raise ValueError(
            f"W must have no more than window = {window} equal singular values, had more at "
            f"{nu[widths.argmin()] / median:.1g} times the median: their kernels have no width; "
            "take out dead rows or columns, or choose a larger window"
        )
    kept = slice(window, -window) if edges == "drop" else slice(None)
    return BroadenedDensity(nu[kept], widths[kept], nu.size)


def _fit_refitted(nu: FloatArray, n: int, window: int, edges: Edges) -> float:
    """Return σ for ascending values of a matrix with long side `n`."""
    p, s = nu.size, 0
    sigmas: dict[int, float] = {}
    # The next s depends on this one alone: the walk ends when it comes back to an s.
    while s not in sigmas:
        if p - s <= 2 * window:
            raise ValueError(
                f"W must hold a bulk of noise; {s} of its {p} singular values lie above the edge "
                f"of the fitted law, which leaves too few for window = {window}"
            )
        sigmas[s] = _match(nu[: p - s], n - s, window, edges)
        s = int(np.count_nonzero(nu > sigmas[s] * (np.sqrt(n) + np.sqrt(p))))
    # Mostly s came twice in a row; in a circle the highest edge, hence the fewest, is taken.
    visited = list(sigmas)
    return max(sigmas[k] for k in visited[visited.index(s) :])


def _match(nu: FloatArray, n: int, window: int, edges: Edges) -> float:
    """Return the σ at which broadened noise of shape len(nu) × n is closest to the values.

    With P the density of the data, G that of the law for σ = 1 and K = ∫G², the distance
    ∫(P(ν) − G(ν/σ)/σ)² dν is ∫P² − Q(σ) with Q(σ) = 2 ∫P(σx) G(x) dx − K/σ, to be maximised.
    """
    data = _broaden(nu, window, edges)
    quantiles = SingularValueLaw((nu.size, n)).ppf((np.arange(nu.size) + 0.5) / nu.size)
    law = _broaden(quantiles, window, edges)
    # The trapezoidal rule converges exponentially for so smooth a product: σ is right to 1e−7.
    low = (law.centres - 5 * law.widths).min()
    high = (law.centres + 5 * law.widths).max()
    x = np.arange(low, high, 0.85 * law.widths.min())
    G = law(x)
    weight, K = G * (x[1] - x[0]), G @ G * (x[1] - x[0])

    # Newton's method from the median uphill, kept between where Q rises and where it falls.
    start = sigma = float(nu[nu.size // 2] / quantiles[nu.size // 2])
    rising, falling = start / 4, start * 4
    for _ in range(100):
        first, second = data.slopes(sigma * x)
        gradient = 2 * (x * first) @ weight + K / sigma**2
        curvature = 2 * (x**2 * second) @ weight - 2 * K / sigma**3
        if gradient > 0:
            rising = sigma
        else:
            falling = sigma
        # Where Q is not concave, Newton's step would lead downhill.
        step = -gradient / curvature if curvature < 0 else np.copysign(sigma, gradient)
        proposal = sigma + float(np.clip(step, -0.2 * sigma, 0.2 * sigma))
        if not rising < proposal < falling:
            proposal = (rising + falling) / 2
        # Each of Newton's steps is about the square of the one before: the next would be 1e−7.
        converged = abs(proposal - sigma) <= 1e-4 * sigma
        sigma = proposal
        if converged:
            break
    return sigma


def _fit_authors(nu: FloatArray, window: int, edges: Edges) -> float:
    """Return ν_max of the authors' fit to ascending values."""
    between = np.arange(10) / 10
    grid = (nu[:-1, None] + np.diff(nu)[:, None] * between).ravel()
    P = _broaden(nu, window, edges)(grid)
    peak = int(np.argmax(P))
    used = (grid <= grid[peak]) | (P / P[peak] > 0.7)
    x, P = grid[used], P[used]
    lower = np.sqrt(1 - np.divide(nu[0], x, out=np.ones_like(x), where=x > 0) ** 2)

    # With u = 1/ν_max² the curve is A ν_max √((1 − uν²)(1 − ν_min²/ν²)): linear in A, so that u
    # alone is left to search for, in a bounded interval that has ν_max = ∞ at its end.
    def explained(u: float) -> float:
        """Return by how much the best A ≥ 0 for this u lowers the sum of squares."""
        curve = lower * np.sqrt(np.maximum(1 - u * x**2, 0))
        return float((P @ curve) ** 2 / (curve @ curve))

    # Scan all of it, then look ever closer around the best.
    candidates = np.linspace(0, 1 / np.median(x) ** 2, 129)
    for _ in range(16):
        best = int(np.argmax([explained(u) for u in candidates]))
        u = float(candidates[best])
        around = candidates[max(best - 1, 0)], candidates[min(best + 1, candidates.size - 1)]
        candidates = np.linspace(*around, 9)
    if u * x.max() ** 2 < _NO_EDGE:
        raise ValueError(
            "W must have a spectrum that falls off towards an upper edge; the authors' curve fits "
            'best with ν_max = ∞; use recipe="refitted"'
        )
    return float(u**-0.5)
