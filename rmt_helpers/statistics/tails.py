"""Power-law tails: the exponent by maximum likelihood, Hill's estimates, and a test of the fit.

A power law has the density ∝ x^(−ξ) above its start x₀. The literature on weights writes α for ξ; in
this book α belongs to BEMA.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from .._checks import FloatArray, as_float64, check_finite, check_positive


@dataclass(frozen=True)
class PowerLawFit:
    """A power law fitted to the largest of some values.

    Attributes
    ----------
    exponent : float
        ξ of the density x^(−ξ).
    start : float
        x₀: the smallest of the values that were fitted.
    n_tail : int
        How many they were.
    ks : float
        Kolmogorov–Smirnov distance of these values from the fitted law.
    """

    exponent: float
    start: float
    n_tail: int
    ks: float

    @property
    def standard_error(self) -> float:
        """Asymptotic standard error of the exponent for a *given* start: (ξ − 1)/√m."""
        return (self.exponent - 1) / math.sqrt(self.n_tail)


def _sorted_positive(x: ArrayLike) -> FloatArray:
    values = as_float64(x, "x")
    if values.ndim != 1:
        raise ValueError(f"x must be one-dimensional, had shape {values.shape}")
    check_finite(values, "x")
    if values.size == 0 or values.min() <= 0:
        raise ValueError("x must hold positive numbers, was empty or held one that is not")
    return np.sort(values)


def power_law_fit(x: ArrayLike, *, start: float | None = None, least: int = 11) -> PowerLawFit:
    """Fit a power law to the tail of `x`, after Clauset, Shalizi and Newman (2009).

    The exponent is ξ = 1 + m/Σ log(xᵢ/x₀), the maximum of the likelihood of the m values from x₀ on
    (their equation 3.1). Where no start is given, every value is tried as x₀, and the one with
    the smallest Kolmogorov–Smirnov distance is taken (their section 3.3).

    Parameters
    ----------
    x : array_like of shape (k,)
        Positive, in any order: eigenvalues, for example.
    start : float, optional
        x₀, if it is known.
    least : int
        The fewest values that count as a tail.

    Raises
    ------
    ValueError
        If `x` does not hold positive finite numbers, `least` is below 2, or no tail has `least`
        values that are not all equal.

    Examples
    --------
    >>> import numpy as np
    >>> x = (1 - np.random.default_rng(0).random(2000)) ** (-1 / 1.5)  # ξ = 2.5 from 1 on
    >>> abs(power_law_fit(x).exponent - 2.5) < 0.2
    True
    """
    values = _sorted_positive(x)
    if least < 2:
        raise ValueError(f"least must be 2 or more, was {least!r}")
    if start is not None:
        check_positive(start, "start")
        values = values[values >= start]
    logs = np.log(values)
    last = logs.size - least + 1
    best: tuple[float, float, int] | None = None
    for k in range(last) if start is None else range(min(last, 1)):
        excess = logs[k:] - (logs[k] if start is None else math.log(start))
        m, total = excess.size, float(excess.sum())
        if total == 0:
            continue
        exponent = 1 + m / total
        fitted = -np.expm1(-(exponent - 1) * excess)
        steps = np.arange(m + 1) / m
        ks = float(max(np.max(steps[1:] - fitted), np.max(fitted - steps[:-1])))
        best = min(best or (math.inf, 0.0, 0), (ks, exponent, m))
    if best is None:
        raise ValueError(
            f"x must hold {least} values or more from the start on, not all of them equal; "
            f"held {values.size}"
        )
    ks, exponent, m = best
    return PowerLawFit(exponent, float(values[-m]) if start is None else float(start), m, ks)


def hill(x: ArrayLike) -> FloatArray:
    """Hill's estimates of the exponent from the k largest values, for k = 1, 2, …

    With x₁ ≥ x₂ ≥ … it is ξ(k) = 1 + k/Σ_{i≤k} log(xᵢ/x_{k+1}): where the tail is a power law, it does
    not depend on k, and the plot of ξ(k) against k has a plateau (Hill 1975).

    Parameters
    ----------
    x : array_like of shape (p,)
        Positive, in any order.

    Returns
    -------
    array of shape (p − 1,)
        Infinite where the k + 1 largest values are equal.

    Raises
    ------
    ValueError
        If `x` does not hold two or more positive finite numbers.

    Examples
    --------
    >>> import numpy as np
    >>> hill(np.exp([3.0, 2.0, 0.0])).tolist()  # gaps of the logarithms: 1; 3 and 2
    [2.0, 1.4]
    """
    logs = np.log(_sorted_positive(x))[::-1]
    if logs.size < 2:
        raise ValueError("x must hold two values or more, held 1")
    k = np.arange(1, logs.size)
    means = np.cumsum(logs)[:-1] / k - logs[1:]
    # Equal values leave rounding errors where the mean excess is zero.
    some = means > 1e-12 * np.maximum(1.0, np.abs(logs[1:]))
    return np.asarray(1 + np.divide(1, means, out=np.full(means.size, np.inf), where=some))


def plateau_p_value(
    x: ArrayLike, first: int, last: int, *, draws: int = 2000, seed: int = 0
) -> float:
    """Probability that a power law's Hill plot varies as much as that of `x`, for k from `first` to `last`.

    Whatever its exponent, the gaps k·log(x_k/x_{k+1}) of a power law's largest values are independent
    and exponential (Rényi 1953), and the mean of the first k of them is 1/(ξ(k) − 1). So the largest of
    these means over the smallest, for k in the range, has one and the same law for all exponents, which is
    simulated.

    Parameters
    ----------
    x : array_like of shape (p,)
        Positive, in any order.
    first, last : int
        1 ≤ first < last < p.
    draws : int
        Of the simulation; the p-value is (1 + number as far)/(1 + draws).
    seed : int

    Raises
    ------
    ValueError
        If `x` does not hold positive finite numbers, or the range does not fit it.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> plateau_p_value(rng.pareto(1.5, 400) + 1, 8, 100) > 0.05
    True
    >>> plateau_p_value(rng.random(400), 8, 100) < 0.05
    True
    """
    estimates = hill(x)
    if not 1 <= first < last <= estimates.size:
        raise ValueError(
            f"first and last must satisfy 1 ≤ first < last < {estimates.size + 1}, "
            f"were {first} and {last}"
        )
    if draws < 1:
        raise ValueError(f"draws must be 1 or more, was {draws!r}")
    part = estimates[first - 1 : last]
    if np.isinf(part).any():
        raise ValueError(f"x must not have {first + 1} or more equal largest values")
    means = 1 / (part - 1)
    null = _plateau_null(first, last, draws, seed)
    farther = null.size - np.searchsorted(null, means.max() / means.min(), side="left")
    return float((1 + farther) / (1 + draws))


@lru_cache(maxsize=16)
def _plateau_null(first: int, last: int, draws: int, seed: int) -> FloatArray:
    rng = np.random.default_rng([first, last, seed])
    sums = np.cumsum(rng.exponential(size=(draws, last)), axis=1)
    means = (sums / np.arange(1, last + 1))[:, first - 1 :]
    return np.sort(means.max(axis=1) / means.min(axis=1))


def power_law_p_value(
    x: ArrayLike,
    *,
    repeats: int = 200,
    rng: np.random.Generator | int | None = None,
    least: int = 11,
) -> float:
    """Share of samples with a true power-law tail that lie farther from their fit than `x` does.

    A sample draws each of its values from the fitted law with probability m/k, and else from those
    values of `x` that lie below the start; it is then fitted like `x`, its start included (Clauset,
    Shalizi and Newman 2009, section 4.1). Small values speak against a power law.

    Parameters
    ----------
    x : array_like of shape (k,)
        Positive, in any order.
    repeats : int
        Number of samples; the p-value is (1 + number farther)/(1 + repeats).
    rng : numpy.random.Generator or int, optional
    least : int
        As for `power_law_fit`.

    Raises
    ------
    ValueError
        As `power_law_fit`, and if `repeats` is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> power_law_p_value(np.linspace(1, 3, 400), repeats=99, rng=1) < 0.05
    True
    """
    if repeats < 1:
        raise ValueError(f"repeats must be 1 or more, was {repeats!r}")
    rng = np.random.default_rng(rng)
    values = _sorted_positive(x)
    fit = power_law_fit(values, least=least)
    body, farther = values[: values.size - fit.n_tail], 0
    for _ in range(repeats):
        m = rng.binomial(values.size, fit.n_tail / values.size) if body.size else values.size
        tail = fit.start * (1 - rng.random(m)) ** (-1 / (fit.exponent - 1))
        rest = rng.choice(body, values.size - m) if m < values.size else body[:0]
        farther += power_law_fit(np.concatenate([tail, rest]), least=least).ks >= fit.ks
    return (1 + farther) / (1 + repeats)
