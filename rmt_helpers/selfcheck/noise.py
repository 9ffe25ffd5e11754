"""Tasks on noise: truncation and the density of the law."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._checks import FloatArray
from ..laws import MarchenkoPastur
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
    """Inside the bulk and on both sides of it, 0 among them, away from the edges themselves."""
    low, high = _edges(c, sigma)
    below = [0.0, 0.3 * low + 0.001] if low > 0 else []
    return np.array([*below, *(low + (high - low) * np.array([0.1, 0.4, 0.9])), 1.3 * high])


def _not_at_zero(lam: Any, c: float, sigma: float) -> FloatArray:
    return np.where(np.asarray(lam) == 0, np.nan, _right_density(lam, c, sigma))


MP_DENSITY = Task(
    "mp-density",
    "density(lam, c, sigma): the Marchenko–Pastur density of the eigenvalues λ = ν²/n, 0 outside the bulk",
    _right_density,
    [
        Case((_points(c, sigma), c, sigma), f"for c = {c} and σ = {sigma}", points=0)
        for c, sigma in ((0.25, 1.0), (0.5, 1.5), (0.8, 0.4), (1.0, 2.0))
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
            _not_at_zero,
            "it is right except at λ = 0, which is outside the bulk for c < 1: 0/0 is NaN there and should be 0.",
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
            _density(_edges, lambda lam, c, sigma: 2 * np.pi * c * sigma * lam),
            "wrong normalisation: its integral is σ and not 1; the denominator has σ where σ² belongs.",
        ),
        Mistake(
            _density(lambda c, s: _edges(s, c), lambda lam, c, s: _below(lam, s, c)),
            "c and σ are swapped: the arguments come in the order (lam, c, sigma).",
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
            _density(lambda c, s: (s**2 * (1 - np.sqrt(c)), s**2 * (1 + np.sqrt(c))), _below),
            "wrong edges: the bracket is not squared; they are σ²(1 ± √c)².",
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
            lambda lam, c, sigma: _right_density(np.sqrt(lam), c, sigma),
            "this is the density at √λ: the law is one of λ itself, and no root of it is taken first.",
        ),
        Mistake(
            lambda lam, c, sigma: MarchenkoPastur(c, sigma).cdf(lam),
            "this is the distribution function; the task asks for its derivative, the density.",
        ),
    ],
)

TASKS = (TRUNCATION, MP_DENSITY)
