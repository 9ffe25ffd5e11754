"""Tasks on what numbers say: an interval, the seeds that a test needs, the exponent of a tail, a stable rank."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from .._checks import FloatArray
from .task import Case, Mistake, Task

# An interval --------------------------------------------------------------------------------------


def _interval(
    values: Any,
    level: float,
    *,
    quantile: Any = lambda level, k: stats.t.ppf((1 + level) / 2, k - 1),
    ddof: int = 1,
    over: Any = np.sqrt,
) -> FloatArray:
    values = np.asarray(values, dtype=np.float64)
    k = values.size
    half = quantile(level, k) * values.std(ddof=ddof) / over(k)
    return np.array([values.mean() - half, values.mean() + half])


def _interval_mistake(says: str, **wrong: Any) -> Mistake:
    return Mistake(lambda values, level: _interval(values, level, **wrong), says)


INTERVAL = Task(
    "interval",
    "interval(values, level): Student's interval for the mean of independent values, the pair (low, high)",
    _interval,
    [
        Case((np.array([1.2, 0.7, 3.1, 2.2, 1.9]), 0.95), "for five values at level 0.95"),
        Case((np.array([-2.0, 0.5, -1.1]), 0.99), "for three values at level 0.99"),
        Case((np.array([7.0, 9.0, 8.0, 8.5, 5.5, 9.5, 6.0, 7.2]), 0.8), "for eight values at 0.8"),
    ],
    [
        _interval_mistake(
            "the quantile is the normal one. With so few values s_d is uncertain, and Student's with k − 1 is longer.",
            quantile=lambda level, k: stats.norm.ppf((1 + level) / 2),
        ),
        _interval_mistake(
            "1.96 is the normal quantile for 95 %; Student's depends on k and on the level.",
            quantile=lambda level, k: 1.96,
        ),
        _interval_mistake(
            "it divides the sum of squares by k: NumPy's `std` does so unless `ddof=1` is given.",
            ddof=0,
        ),
        _interval_mistake(
            "√k is missing: this is the spread of the values, not of their mean.",
            over=lambda k: 1.0,
        ),
        _interval_mistake("it divides by k; the spread of a mean falls like √k.", over=lambda k: k),
        _interval_mistake(
            "it divides by √(k − 1) where √k belongs.", over=lambda k: np.sqrt(k - 1)
        ),
        _interval_mistake(
            "one-sided: the quantile is the one of the level. An interval leaves half of the rest out at either end.",
            quantile=lambda level, k: stats.t.ppf(level, k - 1),
        ),
        _interval_mistake(
            "the quantile belongs to k degrees of freedom: there are k − 1.",
            quantile=lambda level, k: stats.t.ppf((1 + level) / 2, k),
        ),
        _interval_mistake(
            "it has no quantile: this is one standard error to either side.",
            quantile=lambda level, k: 1.0,
        ),
        _interval_mistake(
            "the level does not enter: this is the interval of 95 %.",
            quantile=lambda level, k: stats.t.ppf(0.975, k - 1),
        ),
        _interval_mistake(
            "the quantile is the one of 1 − level/2: it takes the level for the probability to miss.",
            quantile=lambda level, k: stats.t.ppf(1 - level / 2, k - 1),
        ),
        Mistake(
            lambda values, level: [np.mean(values), _interval(values, level)[1] - np.mean(values)],
            "this is the pair (mean, half-width); the task asks for (low, high).",
        ),
        Mistake(
            lambda values, level: [np.mean(values), *_interval(values, level)],
            "it returns three numbers, the mean and both ends; the task asks for the pair (low, high).",
        ),
        Mistake(
            lambda values, level: np.quantile(values, [(1 - level) / 2, (1 + level) / 2]),
            "these are quantiles of the values: where one value lies, not where the mean does.",
        ),
        Mistake(
            lambda values, level: _interval(values, level) - np.mean(values),
            "it is centred at 0: the mean has to be added.",
        ),
    ],
)

# How many seeds a test needs ----------------------------------------------------------------------


def _needed(m: int, level: float) -> int:
    n = 1
    while m * 2.0 ** (1 - n) > level:
        n += 1
    return n


SEEDS_NEEDED = Task(
    "seeds-needed",
    "seeds_needed(m, level): the fewest pairs with which the smallest of m p-values can pass Holm's method",
    _needed,
    [
        Case((22, 0.05), "for 22 comparisons at level 0.05"),
        Case((100, 0.01), "for 100 comparisons at level 0.01"),
        # Just above a power of two, so that a correction that is a little weaker shows.
        Case((26, 0.05), "for 26 comparisons at level 0.05"),
        Case((1, 0.125), "for one comparison at level 1/8, where 2^{1−n} can equal the level"),
        Case((3, 0.3), "for three comparisons at level 0.3"),
    ],
    [
        Mistake(
            lambda m, level: _needed(m, 2 * level),
            "one too few: m·2^{1−n} ≤ level gives n ≥ 1 + log₂(m/level). The test is two-sided: two patterns of signs, "
            "all plus and all minus, are the most extreme.",
        ),
        Mistake(
            lambda m, level: _needed(m, level / 2),
            "it halves the level although the p-value is two-sided already.",
        ),
        Mistake(
            lambda m, level: int(np.floor(1 + np.log2(m / level))),
            "it rounds down: with so few pairs the smallest p-value is still above the level. Round up.",
        ),
        Mistake(
            lambda m, level: round(1 + np.log2(m / level)),
            "it rounds to the nearest number, which may be one pair too few. Round up.",
        ),
        Mistake(
            lambda m, level: int(np.floor(2 + np.log2(m / level))),
            "it asks for a p-value *below* the level; at most the level is enough (m = 1, level 1/8).",
        ),
        Mistake(
            lambda m, level: 1 + np.log2(m / level),
            "it is not rounded up: a number of seeds is a whole number.",
        ),
        Mistake(
            lambda m, level: _needed(1, level),
            "m does not enter: Holm multiplies the smallest of m p-values by m.",
        ),
        Mistake(
            lambda m, level: int(np.ceil(1 + np.log(m / level))),
            "`log` is the natural logarithm; 2^{1−n} wants the one to base 2, `log2`.",
        ),
        Mistake(
            lambda m, level: int(np.ceil(1 + np.log10(m / level))),
            "`log10` has base 10; 2^{1−n} wants the logarithm to base 2, `log2`.",
        ),
        Mistake(
            lambda m, level: _needed(1, 1 - (1 - level) ** (1 / m)),
            "this is Šidák's correction, which supposes independent tests; Holm multiplies the smallest p-value by m.",
        ),
        Mistake(
            lambda m, level: max(1, _needed(1, m * level)),
            "it multiplies the level by m; Holm makes the test stricter: the p-value is multiplied.",
        ),
    ],
)

# The exponent of a tail ---------------------------------------------------------------------------


def _tail(
    lam: Any,
    start: float,
    *,
    log: Any = np.log,
    unit: Any = None,
    less: int = 0,
    inclusive: bool = False,
    everything: bool = False,
    add: float = 1.0,
    error: Any = lambda rate, m, p: rate / np.sqrt(m),
) -> FloatArray:
    lam = np.asarray(lam, dtype=np.float64)
    tail = lam if everything else lam[lam >= start] if inclusive else lam[lam > start]
    m = tail.size
    total = np.sum(log(tail / (start if unit is None else unit(tail))))
    rate = (m - less) / total
    return np.array([add + rate, error(rate, m, lam.size)])


def _tail_mistake(says: str, **wrong: Any) -> Mistake:
    return Mistake(lambda lam, start: _tail(lam, start, **wrong), says)


def _pareto(size: int, exponent: float, seed: int) -> FloatArray:
    return np.asarray((1 - np.random.default_rng(seed).random(size)) ** (-1 / (exponent - 1)))


TAIL_EXPONENT = Task(
    "tail-exponent",
    "exponent(lam, start): (ξ̂, its standard error) by maximum likelihood, from the values above start",
    _tail,
    [
        Case((_pareto(60, 2.5, 31), 1.3), "for 60 values with the exponent 2.5 and a start of 1.3"),
        Case(
            (3 * _pareto(80, 4.0, 32), 3.5), "for 80 values with the exponent 4 and a start of 3.5"
        ),
        Case(
            (np.array([0.4, 0.5, 0.5, 0.8, 1.0, 1.7, 3.0, 6.5]), 0.5),
            "for eight values, two of which equal the start and do not lie above it",
        ),
    ],
    [
        _tail_mistake(
            "this is ξ̂ − 1, the exponent of the *probability* to lie above λ; that of the density is larger by one.",
            add=0.0,
        ),
        _tail_mistake("the sign of the 1: ξ̂ − 1 = m/Σz, so ξ̂ is larger than m/Σz.", add=-1.0),
        _tail_mistake("the logarithm has base 10; z is the natural one.", log=np.log10),
        _tail_mistake("the logarithm has base 2; z is the natural one.", log=np.log2),
        _tail_mistake(
            "the logarithms are those of λ itself: z = log(λ/λ₀) begins at the start.",
            unit=lambda tail: 1.0,
        ),
        _tail_mistake(
            "it measures from the smallest value above the start, not from the start.",
            unit=lambda tail: tail.min(),
        ),
        _tail_mistake(
            "it counts values that equal the start; the task asks for those above it.",
            inclusive=True,
        ),
        _tail_mistake(
            "it takes all values; only those above the start belong to the tail.", everything=True
        ),
        _tail_mistake(
            "m − 1 stands in the place of m. That removes the bias, and is right as such; maximum likelihood has m.",
            less=1,
        ),
        Mistake(
            lambda lam, start: [1 + 1 / (_tail(lam, start)[0] - 1), _tail(lam, start)[1]],
            "upside down: ξ̂ − 1 is one over the mean of the logarithms, not the mean.",
        ),
        Mistake(
            lambda lam, start: [2 * _tail(lam, start)[0] - 1, 2 * _tail(lam, start)[1]],
            "this is the exponent of the singular values, 2ξ − 1: the values that are given are eigenvalues already.",
        ),
        _tail_mistake(
            "ξ̂ is right; its standard error is (ξ̂ − 1)/√m, not ξ̂/√m.",
            error=lambda rate, m, p: (1 + rate) / np.sqrt(m),
        ),
        _tail_mistake(
            "ξ̂ is right; its standard error falls like √m, not like m.",
            error=lambda rate, m, p: rate / m,
        ),
        _tail_mistake(
            "ξ̂ is right; the standard error has √p with all values, should have √m with those above the start.",
            error=lambda rate, m, p: rate / np.sqrt(p),
        ),
        _tail_mistake(
            "ξ̂ is right; the second number is the variance, should be its root.",
            error=lambda rate, m, p: rate**2 / m,
        ),
        _tail_mistake(
            "ξ̂ is right; √m is missing in the standard error.", error=lambda rate, m, p: rate
        ),
        Mistake(
            lambda lam, start: _tail(lam, start)[0],
            "ξ̂ is right; the task asks for a pair, with the standard error (ξ̂ − 1)/√m.",
        ),
    ],
)

# The stable rank ----------------------------------------------------------------------------------


def _stable(A: Any) -> float:
    values = np.linalg.svd(np.asarray(A, dtype=np.float64), compute_uv=False)
    return float(np.sum(values**2) / values[0] ** 2)


def _of_values(says: str, measure: Any) -> Mistake:
    return Mistake(lambda A: measure(np.linalg.svd(A, compute_uv=False)), says)


def _entropy_rank(values: FloatArray, power: int) -> float:
    q = values**power / np.sum(values**power)
    return float(np.exp(-np.sum(q * np.log(q))))


def _matrix(rows: int, columns: int, seed: int) -> FloatArray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((rows, columns)) @ np.diag(np.geomspace(1, 0.2, columns))


STABLE_RANK = Task(
    "stable-rank",
    "stable_rank(A): the sum of the squared singular values over the largest of the squares",
    _stable,
    [
        Case((_matrix(6, 9, 41),), "for a wide 6 × 9 matrix"),
        Case((_matrix(8, 5, 42),), "for a tall 8 × 5 matrix"),
        Case((_matrix(4, 4, 43),), "for a square 4 × 4 matrix"),
    ],
    [
        _of_values(
            "it adds up the values and divides by the largest: all are to be *squared*.",
            lambda x: x.sum() / x[0],
        ),
        _of_values(
            "the largest value is not squared: ν₁² belongs below.", lambda x: np.sum(x**2) / x[0]
        ),
        _of_values(
            "this is its root, ‖A‖_F over ν₁: both are to be squared.",
            lambda x: np.sqrt(np.sum(x**2)) / x[0],
        ),
        _of_values(
            "it divides by the smallest square; the largest belongs there.",
            lambda x: np.sum(x**2) / x[-1] ** 2,
        ),
        _of_values(
            "this is the sum of squares: it is not divided by the largest.", lambda x: np.sum(x**2)
        ),
        _of_values("this is the rank, the number of values that are not 0.", np.count_nonzero),
        _of_values(
            "this is the participation ratio (Σν²)²/Σν⁴, another measure of how many count.",
            lambda x: np.sum(x**2) ** 2 / np.sum(x**4),
        ),
        _of_values(
            "this is the exponential of an entropy, another measure of how many count.",
            lambda x: _entropy_rank(x, 1),
        ),
        _of_values(
            "this is the exponential of the entropy of the squares, another measure of how many count.",
            lambda x: _entropy_rank(x, 2),
        ),
        _of_values(
            "squared once too often: eigenvalues of AAᵀ are squares already.",
            lambda x: np.sum(x**4) / x[0] ** 4,
        ),
        _of_values(
            "upside down: the largest square goes below.", lambda x: x[0] ** 2 / np.sum(x**2)
        ),
        _of_values(
            "the largest square is left out of the sum.", lambda x: np.sum(x[1:] ** 2) / x[0] ** 2
        ),
        Mistake(
            lambda A: np.linalg.norm(A) ** 2 / np.abs(A).max() ** 2,
            "it divides by the largest *entry*; the largest singular value belongs there.",
        ),
        Mistake(
            lambda A: np.linalg.norm(A) ** 2 / np.linalg.norm(A, 1) ** 2,
            "`norm(A, 1)` is the largest sum over a column; the largest singular value is `norm(A, 2)`.",
        ),
        Mistake(
            lambda A: 1.0,
            "always 1: `np.linalg.norm(A)` is ‖A‖_F, the root of the sum of squares; ν₁ is `np.linalg.norm(A, 2)`.",
        ),
    ],
)

TASKS = (INTERVAL, SEEDS_NEEDED, TAIL_EXPONENT, STABLE_RANK)
