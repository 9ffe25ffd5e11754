"""Tasks of Part I: truncation, the density of the law, the threshold at its edge, the cosines of a spike."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._checks import FloatArray
from ..laws import MarchenkoPastur, TracyWidom
from ..spikes import cosines
from .task import Case, Function, Mistake, Task


def _matrix(rows: int, columns: int, seed: int) -> FloatArray:
    return np.random.default_rng(seed).standard_normal((rows, columns))


# Truncation ---------------------------------------------------------------------------------------


def _keep(W: FloatArray, part: slice) -> FloatArray:
    u, nu, vt = np.linalg.svd(W, full_matrices=False)
    return np.asarray((u[:, part] * nu[part]) @ vt[part])


def _truncated(W: FloatArray, s: int) -> FloatArray:
    return _keep(W, slice(0, s))


def _without_values(W: FloatArray, s: int) -> FloatArray:
    u, _, vt = np.linalg.svd(W, full_matrices=False)
    return np.asarray(u[:, :s] @ vt[:s])


def _vt_as_v(W: FloatArray, s: int) -> FloatArray:
    u, nu, vt = np.linalg.svd(W, full_matrices=False)
    return np.asarray((u[:, :s] * nu[:s]) @ vt[:, :s].T)


def _rows_of_u(W: FloatArray, s: int) -> FloatArray:
    u, nu, vt = np.linalg.svd(W)
    return np.asarray((u[:s].T * nu[:s]) @ vt[:s])


TRUNCATION = Task(
    "truncation",
    "best(W, s): the best approximation of rank s, of the shape of W",
    _truncated,
    [
        Case((_matrix(6, 9, 1), 2), "for a 6 × 9 matrix and s = 2"),
        Case((_matrix(9, 6, 2), 3), "for a 9 × 6 matrix and s = 3"),
        Case((_matrix(5, 5, 3), 1), "for a 5 × 5 matrix and s = 1"),
    ],
    [
        Mistake(
            lambda W, s: _keep(W, slice(W.shape[0] if s == 0 else -s, None)),
            "it keeps the s smallest singular values. They come in descending order: keep the first s.",
        ),
        Mistake(
            lambda W, s: W - _truncated(W, s),
            "it returns what truncation removes, not what it keeps.",
        ),
        Mistake(lambda W, s: _truncated(W, s + 1), "it keeps s + 1 singular values: one too many."),
        Mistake(lambda W, s: _truncated(W, s - 1), "it keeps s − 1 singular values: one too few."),
        Mistake(
            _without_values,
            "the singular values are missing: it multiplies u and v only, so that every direction counts as one.",
        ),
        Mistake(
            _rows_of_u,
            "the left singular vectors are the columns of u, `u[:, i]`; it takes rows.",
        ),
        Mistake(
            _vt_as_v,
            "numpy's svd returns the transpose of V: the right singular vectors are the rows of its third result, "
            "not the columns.",
        ),
        Mistake(
            lambda W, s: _truncated(W, s).T, "its result is transposed: u belongs to the rows of W."
        ),
    ],
)

# The density of the law ---------------------------------------------------------------------------


def _density(
    edges: Function, below: Function, root: float = 0.5, outside: float | None = 0.0
) -> Function:
    """A density √((λ₊ − λ)(λ − λ₋))/below, with what its author may have put for each part."""

    def density(lam: Any, c: float, sigma: float) -> FloatArray:
        lam = np.asarray(lam, dtype=np.float64)
        low, high = edges(c, sigma)
        product = (high - lam) * (lam - low)
        value = np.abs(product) ** root / below(lam, c, sigma)
        if outside is None:
            return np.asarray(value)
        return np.where(product > 0, value, outside)

    return density


def _edges(c: float, sigma: float) -> tuple[float, float]:
    return sigma**2 * (1 - np.sqrt(c)) ** 2, sigma**2 * (1 + np.sqrt(c)) ** 2


def _below(lam: FloatArray, c: float, sigma: float) -> FloatArray:
    return 2 * np.pi * c * sigma**2 * lam


def _right_density(lam: Any, c: float, sigma: float) -> Any:
    return MarchenkoPastur(c, sigma).pdf(lam)


def _points(c: float, sigma: float) -> FloatArray:
    """Inside the bulk and on both sides of it, away from the edges themselves."""
    low, high = _edges(c, sigma)
    return np.array(
        [0.3 * low + 0.001, *(low + (high - low) * np.array([0.1, 0.4, 0.9])), 1.3 * high]
    )


MP_DENSITY = Task(
    "mp-density",
    "density(lam, c, sigma): the Marchenko–Pastur density of the eigenvalues λ = ν²/n, 0 outside the bulk",
    _right_density,
    [
        Case((_points(c, sigma), c, sigma), f"for c = {c} and σ = {sigma}", points=0)
        for c, sigma in ((0.25, 1.0), (0.5, 1.5), (0.8, 0.4))
    ],
    [
        Mistake(
            _density(_edges, _below, root=1.0),
            "the square root over (λ₊ − λ)(λ − λ₋) is missing.",
        ),
        Mistake(
            _density(_edges, _below, outside=np.nan),
            "it is right inside the bulk and NaN outside, where the root has no value. The density is 0 there.",
        ),
        Mistake(
            _density(_edges, _below, outside=None),
            "it is right inside the bulk but not 0 outside, where there are no values at all.",
        ),
        Mistake(
            _density(_edges, lambda lam, c, sigma: 2 * np.pi * c * sigma**2),
            "the division by λ is missing.",
        ),
        Mistake(
            _density(_edges, lambda lam, c, sigma: 2 * np.pi * sigma**2 * lam),
            "wrong normalisation: its integral is c and not 1. This is the part of the law of the long side's n "
            "eigenvalues that is not at 0; for the p eigenvalues of the short side divide by c = p/n.",
        ),
        Mistake(
            _density(_edges, lambda lam, c, sigma: 2 * np.pi * c * lam),
            "wrong normalisation: its integral is σ² and not 1; the denominator lacks σ².",
        ),
        Mistake(
            _density(lambda c, s: _edges(1 / c, s), lambda lam, c, s: _below(lam, 1 / c, s)),
            "it uses n/p in place of c = p/n. The short side comes first: c is at most 1.",
        ),
        Mistake(
            _density(lambda c, s: (s**2 * (1 - c) ** 2, s**2 * (1 + c) ** 2), _below),
            "wrong edges: they are σ²(1 ± √c)², with the square root of c.",
        ),
        Mistake(
            _density(lambda c, s: (s * (1 - np.sqrt(c)) ** 2, s * (1 + np.sqrt(c)) ** 2), _below),
            "wrong edges: eigenvalues are in units of σ², so the edges are σ²(1 ± √c)² and not σ(1 ± √c)².",
        ),
        Mistake(
            _density(lambda c, s: _edges(c, 1.0), _below),
            "wrong edges: they do not depend on σ; the edges are σ²(1 ± √c)².",
        ),
        Mistake(
            lambda lam, c, sigma: _right_density(np.asarray(lam) / sigma, c, 1.0) / sigma,
            "it divides λ by σ. Eigenvalues are in units of σ²: divide by that, and the density too.",
        ),
        *(
            Mistake(
                _density(
                    _edges, lambda lam, c, sigma: 2 / (np.pi * c * sigma**2 * lam), outside=outside
                ),
                "`a / 2 * b` is a·b/2 in Python: put the whole denominator in brackets.",
            )
            for outside in (0.0, np.nan)
        ),
        Mistake(
            lambda lam, c, sigma: _right_density(lam, c, 1.0),
            "it does not depend on σ: this is the density for σ = 1.",
        ),
        Mistake(
            lambda lam, c, sigma: 2 * np.asarray(lam) * _right_density(np.square(lam), c, sigma),
            "this is the density of the singular values ν/√n. The task asks for the eigenvalues λ = ν²/n: no factor "
            "2ν, and λ itself under the root.",
        ),
        Mistake(
            lambda lam, c, sigma: MarchenkoPastur(c, sigma).cdf(lam),
            "this is the distribution function; the task asks for its derivative, the density.",
        ),
    ],
)

# The threshold at the edge ------------------------------------------------------------------------


def _parts(p: int, n: int) -> tuple[float, float]:
    edge = np.sqrt(n) + np.sqrt(p)
    return edge, edge ** (4 / 3) * (n * p) ** (-1 / 6)


def _tw_threshold(p: int, n: int, sigma: float, level: float) -> float:
    edge, unit = _parts(p, n)
    return float(sigma * np.sqrt(edge**2 + TracyWidom(1).ppf(1 - level) * unit))


def _tw_with(t_of: Function, unit_of: Function = lambda p, n: _parts(p, n)[1]) -> Function:
    return lambda p, n, sigma, level: (
        sigma * np.sqrt(_parts(p, n)[0] ** 2 + t_of(level) * unit_of(p, n))
    )


def _upper(level: float) -> float:
    return float(TracyWidom(1).ppf(1 - level))


TW_THRESHOLD = Task(
    "tw-threshold",
    "threshold(p, n, sigma, level): what the largest singular value of p × n noise exceeds with probability level",
    _tw_threshold,
    [
        Case((512, 784, 0.04, 0.1), "for 512 × 784 noise with σ = 0.04 at level 0.1"),
        Case((20, 300, 1.5, 0.01), "for 20 × 300 noise with σ = 1.5 at level 0.01"),
        Case((40, 50, 3.0, 0.4), "for 40 × 50 noise with σ = 3 at level 0.4"),
    ],
    [
        Mistake(
            lambda p, n, sigma, level: _tw_threshold(p, n, sigma, level) ** 2,
            "this is the threshold for ν²: the square root at the end is missing.",
        ),
        Mistake(
            lambda p, n, sigma, level: _tw_threshold(p, n, sigma, level) ** 2 / n,
            "this is the threshold for the eigenvalue λ = ν²/n: multiply by n and take the root.",
        ),
        Mistake(
            lambda p, n, sigma, level: sigma * _tw_threshold(p, n, sigma, level),
            "σ comes in squared: a singular value is in units of σ.",
        ),
        Mistake(
            lambda p, n, sigma, level: _tw_threshold(p, n, 1.0, level),
            "it does not depend on σ: this is the threshold for σ = 1.",
        ),
        Mistake(
            lambda p, n, sigma, level: _tw_threshold(p, n, sigma, level) / np.sqrt(n),
            "it is in units of √n: this is ν/√n and not ν.",
        ),
        Mistake(
            _tw_with(lambda level: float(TracyWidom(1).ppf(level))),
            "wrong tail: the level is the probability *above* the threshold, so the quantile is the one of 1 − level.",
        ),
        Mistake(
            _tw_with(lambda level: float(TracyWidom(1).ppf(1 - level / 2))),
            "it halves the level. The test is one-sided: only large values speak against noise.",
        ),
        Mistake(
            _tw_with(lambda level: float(TracyWidom(2).ppf(1 - level))),
            "this quantile is of F₂, the law for complex matrices. Weights are real: F₁.",
        ),
        Mistake(_tw_with(lambda level: 0.0), "this is the edge itself; the level does not enter."),
        Mistake(
            _tw_with(_upper, lambda p, n: _parts(p, n)[0] ** 4 / 3 * (n * p) ** (-1 / 6)),
            "`x ** 4 / 3` is x⁴/3 in Python: write `x ** (4 / 3)`.",
        ),
        Mistake(
            _tw_with(_upper, lambda p, n: _parts(p, n)[0] ** (4 / 3) * (n * p) ** (1 / 6)),
            "the sign of an exponent: the unit is (√n + √p)^{4/3} (np)^{−1/6}.",
        ),
        Mistake(
            _tw_with(_upper, lambda p, n: _parts(p, n)[0] * (1 / np.sqrt(n) + 1 / np.sqrt(p)) ** 3),
            "the exponent of (1/√n + 1/√p) is 1/3, not 3.",
        ),
        Mistake(
            lambda p, n, sigma, level: sigma * (_parts(p, n)[0] + _upper(level) * _parts(p, n)[1]),
            "it adds t·Δ to the edge of ν. The theorem is about ν²: add it to (√n + √p)² and take the root.",
        ),
    ],
)

# The cosines of a spike ---------------------------------------------------------------------------


def _squares(theta: Any, c: float) -> tuple[FloatArray, FloatArray]:
    """cos² of both sides without regard to the transition."""
    t2 = np.square(np.asarray(theta, dtype=np.float64))
    return (t2**2 - c) / (t2 * (t2 + c)), (t2**2 - c) / (t2 * (t2 + 1))


def _cosines_cut_at(cut: Function) -> Function:
    def function(theta: Any, c: float) -> FloatArray:
        inside = np.asarray(theta) > cut(c)
        return np.stack(
            [np.where(inside, np.sqrt(np.maximum(x, 0)), 0.0) for x in _squares(theta, c)]
        )

    return function


_STRENGTHS = np.array([0.3, 0.45, 0.6, 0.75, 0.85, 0.95, 1.2, 2.0, 5.0])

COSINES = Task(
    "cosines",
    "cosines(theta, c): the pair (short, long) of limits of |cos|, 0 at and below the transition",
    cosines,
    [
        Case((_STRENGTHS, c), f"for c = {c} and strengths on both sides of c^(1/4)", points=0)
        for c in (0.1, 0.5, 0.9)
    ],
    [
        Mistake(
            lambda theta, c: np.square(cosines(theta, c)),
            "these are the squares, cos²: the square root is missing.",
        ),
        Mistake(
            lambda theta, c: cosines(theta, c)[::-1],
            "short and long side are swapped. The short side, with fewer coordinates, has the larger one.",
        ),
        Mistake(
            lambda theta, c: np.stack([np.sqrt(np.abs(x)) for x in _squares(theta, c)]),
            "it is right above the transition θ = c^{1/4}; at and below it both cosines are 0.",
        ),
        Mistake(
            lambda theta, c: np.stack([np.sqrt(x) for x in _squares(theta, c)]),
            "it is right above the transition and NaN below it, where the root is of a negative number: both cosines "
            "are 0 there.",
        ),
        Mistake(
            lambda theta, c: np.stack(_squares(theta, c)),
            "these are the squares, cos², and below the transition they are negative: cut at 0 and take the root.",
        ),
        Mistake(
            _cosines_cut_at(lambda c: 1.0),
            "wrong transition: it is at θ = c^{1/4}, not at 1. Between the two a spike is seen already.",
        ),
        Mistake(
            lambda theta, c: np.mean(cosines(theta, c), axis=0),
            "this is the mean of the two cosines; the task asks for the pair (short, long).",
        ),
        Mistake(
            lambda theta, c: np.prod(cosines(theta, c), axis=0),
            "this is the product of the two cosines; the task asks for the pair (short, long).",
        ),
        Mistake(
            lambda theta, c: _cosines_cut_at(lambda c: c**0.25)(theta, 1 / c),
            "it uses n/p in place of c = p/n, which is at most 1.",
        ),
        Mistake(
            lambda theta, c: np.where(
                np.asarray(theta) > np.sqrt(c),
                [np.sqrt(np.abs(x)) for x in _squares(theta, c)],
                0.0,
            ),
            "wrong transition: it is at θ = c^{1/4}, not at √c.",
        ),
    ],
)

TASKS = (TRUNCATION, MP_DENSITY, TW_THRESHOLD, COSINES)
