"""Tasks at and beyond the edge of the bulk: the threshold there, the cosines of a spike."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._checks import FloatArray
from ..laws import TracyWidom
from ..spikes import cosines
from .task import Case, Function, Mistake, Task

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


def _centred(less_n: float, less_p: float) -> Function:
    """Another centre and unit with the same limit: smaller sides in their place."""
    return lambda p, n, sigma, level: _tw_threshold(p - less_p, n - less_n, sigma, level)


def _by_lambda(
    n_power: Function = lambda n: n ** (-2 / 3),
    c_power: Function = lambda c: c ** (-1 / 6),
    root_power: Function = lambda root: root ** (4 / 3),
    ratio: Function = lambda p, n: p / n,
) -> Function:
    """√(nT) with edge and unit of λ = ν²/n, as BEMA's authors write them; each power may be mistyped."""

    def threshold(p: int, n: int, sigma: float, level: float) -> float:
        c = ratio(p, n)
        unit = n_power(n) * c_power(c) * root_power(1 + np.sqrt(c))
        return float(sigma * np.sqrt(n * ((1 + np.sqrt(c)) ** 2 + _upper(level) * unit)))

    return threshold


def _first_order(p: int, n: int, sigma: float, level: float) -> float:
    edge, unit = _parts(p, n)
    return float(sigma * (edge + _upper(level) * unit / (2 * edge)))


_FOUR_THIRDS = "`x ** 4 / 3` is x⁴/3 in Python: write `x ** (4 / 3)`."
_MINUS_SIXTH = (
    "`x ** -1 / 6` is 1/(6x) in Python: write `x ** (-1 / 6)`. The unit all but vanishes, and what is left is nearly "
    "the edge itself."
)

TW_THRESHOLD = Task(
    "tw-threshold",
    "threshold(p, n, sigma, level): what the largest singular value of p × n noise exceeds with probability level",
    _tw_threshold,
    [
        Case((512, 784, 0.04, 0.1), "for 512 × 784 noise with σ = 0.04 at level 0.1"),
        Case((20, 300, 1.5, 0.01), "for 20 × 300 noise with σ = 1.5 at level 0.01"),
        Case((40, 50, 3.0, 0.4), "for 40 × 50 noise with σ = 3 at level 0.4"),
        # Small, so that even a unit that is far too short shows.
        Case((4, 6, 0.5, 0.02), "for 4 × 6 noise with σ = 0.5 at level 0.02"),
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
            lambda p, n, sigma, level: _tw_threshold(p, n, sigma, level) / np.sqrt(sigma),
            "√σ stands where σ belongs: ν² is in units of σ², so the factor under the root is σ².",
        ),
        Mistake(
            lambda p, n, sigma, level: _tw_threshold(p, n, 1.0, level),
            "it does not depend on σ: this is the threshold for σ = 1.",
        ),
        Mistake(
            lambda p, n, sigma, level: np.sqrt(
                _tw_threshold(p, n, 1.0, level) ** 2 + (sigma**2 - 1) * _parts(p, n)[0] ** 2
            ),
            "σ multiplies the edge only: the margin t·Δ is in units of σ² too.",
        ),
        Mistake(
            lambda p, n, sigma, level: _tw_threshold(p, n, sigma, level) / np.sqrt(n),
            "it is in units of √n: this is ν/√n and not ν.",
        ),
        Mistake(
            lambda p, n, sigma, level: _tw_threshold(p, n, sigma, level) * np.sqrt(p / n),
            "it is too small by √(p/n): λ was made with the long side n, and goes back to ν with √(nλ), not √(pλ).",
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
        Mistake(
            _tw_with(lambda level: float(TracyWidom(1).cdf(1 - level))),
            "`cdf` turns a value into a probability. A level is a probability and a quantile is asked for: `ppf`.",
        ),
        Mistake(
            _tw_with(lambda level: float(TracyWidom(1).sf(level))),
            "`sf(level)` is the probability above the value `level`. A quantile is asked for: `ppf(1 - level)`.",
        ),
        Mistake(_tw_with(lambda level: 0.0), "this is the edge itself; the level does not enter."),
        Mistake(
            _centred(0.5, 0.5),
            "this is Ma's version, with n − ½ and p − ½, and right as such; the task asks for the asymptotic one.",
        ),
        Mistake(
            _centred(1, 0),
            "this is Johnstone's version, with n − 1, and right as such; the task asks for the asymptotic one.",
        ),
        Mistake(
            _tw_with(_upper, lambda p, n: _parts(p, n)[0] ** 4 / 3 * (n * p) ** (-1 / 6)),
            _FOUR_THIRDS,
        ),
        Mistake(_by_lambda(root_power=lambda root: root**4 / 3), _FOUR_THIRDS),
        Mistake(
            _tw_with(_upper, lambda p, n: _parts(p, n)[0] ** (4 / 3) / (6 * n * p)),
            _MINUS_SIXTH,
        ),
        Mistake(
            _by_lambda(c_power=lambda c: 1 / (6 * c)),
            "`c ** -1 / 6` is 1/(6c) in Python: write `c ** (-1 / 6)`.",
        ),
        Mistake(
            _by_lambda(n_power=lambda n: 1 / (3 * n**2)),
            "`n ** -2 / 3` is 1/(3n²) in Python: write `n ** (-2 / 3)`.",
        ),
        Mistake(
            _by_lambda(ratio=lambda p, n: n / p),
            "it uses n/p in place of c = p/n, which is at most 1.",
        ),
        Mistake(
            _tw_with(_upper, lambda p, n: _parts(p, n)[1] / n),
            "the unit of λ = ν²/n is added to the edge of ν²: the unit of ν² is n times as long.",
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
        Mistake(
            _first_order,
            "this is the threshold to first order, √(x² + d) ≈ x + d/(2x). It serves for large matrices; take the root "
            "itself.",
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


_SINES = "these are sines, the part that is turned away; the task asks for the cosines."

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
        Mistake(lambda theta, c: np.sqrt(1 - np.square(cosines(theta, c))), _SINES),
        Mistake(
            lambda theta, c: np.where(
                np.asarray(theta) > c**0.25, np.sqrt(1 - np.square(cosines(theta, c))), 0.0
            ),
            _SINES,
        ),
        Mistake(
            lambda theta, c: np.degrees(np.arccos(cosines(theta, c))),
            "these are angles in degrees; the task asks for their cosines.",
        ),
        Mistake(
            lambda theta, c: np.arccos(cosines(theta, c)),
            "these are angles in radians; the task asks for their cosines.",
        ),
        Mistake(
            lambda theta, c: np.asarray(cosines(np.sqrt(c) / np.asarray(theta), c)),
            "these are the cosines of the ghost √c/θ, the other solution of y(θ) = y, not those of θ.",
        ),
        Mistake(
            lambda theta, c: np.asarray(cosines(np.square(theta), c)),
            "it squares θ once too often: θ² stands where θ is due.",
        ),
        Mistake(
            lambda theta, c: np.asarray(cosines(np.sqrt(theta), c)),
            "θ stands where θ² is due, and θ² where θ⁴ is due.",
        ),
    ],
    arrays=True,
)

TASKS = (TW_THRESHOLD, COSINES)
