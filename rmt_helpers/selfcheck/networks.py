"""Tasks on trained layers: the bias by spikes, an oracle beyond chance, energy kept, half a variance."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._checks import FloatArray
from ..laws import SingularValueLaw
from .task import Case, Mistake, Task
from .threshold import singular_values

# The bias that spikes give BEMA -------------------------------------------------------------------


def _crowded(
    shape: tuple[int, int],
    s: int,
    *,
    law_less: tuple[int, int] = (1, 1),
    places_less: int = 1,
    ranks_less: int = 0,
    ends: tuple[int, int] = (0, 0),
    unit_less: int = 0,
    power: int = 2,
    slope: str = "least squares",
) -> float:
    p, n = min(shape), max(shape)
    ranked = p - ranks_less * s
    # Rounding must not push a whole number over the next one.
    first, last = int(np.ceil(0.2 * ranked - 1e-9)), int(0.8 * ranked + 1e-9)
    j = np.arange(first + ends[0], last + 1 + ends[1])
    smaller = SingularValueLaw((p - law_less[0] * s, n - law_less[1] * s))
    q = SingularValueLaw((p, n)).ppf((j - 0.5) / p) ** power
    lam = smaller.ppf((j - 0.5) / (p - places_less * s)) ** power * (n / (n - unit_less * s))
    ratio = {
        "least squares": (q @ lam) / (q @ q),
        "exchanged": (lam @ lam) / (q @ lam),
        "means": lam.mean() / q.mean(),
    }[slope]
    return float(np.sqrt(ratio) if power == 2 else ratio)


def _crowded_mistake(says: str, **wrong: Any) -> Mistake:
    return Mistake(lambda shape, s: _crowded(shape, s, **wrong), says)


_ONE_SIDE = "s is taken from the {} side only; the spikes take up s directions on both: (N − s) × (M − s) is left."

CROWDING = Task(
    "crowding-bias",
    "predicted_ratio(shape, s): what least squares makes of σ̂/σ at α = 0.2 beside s strong spikes",
    _crowded,
    [
        Case(((120, 200), 12), "for a wide 120 × 200 matrix and 12 spikes"),
        Case(((150, 60), 9), "for a tall 150 × 60 matrix and 9 spikes"),
        Case(((80, 80), 4), "for a square 80 × 80 matrix and 4 spikes"),
    ],
    [
        _crowded_mistake(
            "wrong normalisation: it divides the ν² of the smaller matrix by n − s. BEMA divides by n, not knowing s.",
            unit_less=1,
        ),
        Mistake(
            lambda shape, s: _crowded(shape, s) ** 2,
            "this is the ratio of σ̂² and σ²: the square root of the slope is missing.",
        ),
        Mistake(lambda shape, s: 1 / _crowded(shape, s), "upside down: this is σ/σ̂."),
        Mistake(
            lambda shape, s: _crowded(shape, s) - 1,
            "this is the excess, σ̂/σ − 1; the task asks for the ratio.",
        ),
        Mistake(
            lambda shape, s: 100 * (_crowded(shape, s) - 1),
            "this is the excess in per cent; the task asks for the ratio.",
        ),
        _crowded_mistake(
            "the noise values keep the law of the full shape: beside the spikes they follow that of (N − s) × (M − s).",
            law_less=(0, 0),
        ),
        _crowded_mistake(
            "the noise values stand at the positions (j − ½)/p; they are p − s, so the j-th is at (j − ½)/(p − s).",
            places_less=0,
        ),
        _crowded_mistake(_ONE_SIDE.format("short"), law_less=(1, 0)),
        _crowded_mistake(_ONE_SIDE.format("long"), law_less=(0, 1)),
        _crowded_mistake(
            "its middle ranks are those of p − s values. BEMA does not know s: its ranks go from αp to (1 − α)p.",
            ranks_less=1,
        ),
        _crowded_mistake(
            "the last of the middle ranks is missing: `np.arange` leaves out its end.",
            ends=(0, -1),
        ),
        _crowded_mistake(
            "its middle begins one rank late: rank αp belongs to it.",
            ends=(1, 0),
        ),
        _crowded_mistake(
            "its middle begins one rank late and ends one late: counted from 0, rank αp is the entry αp − 1.",
            ends=(1, 1),
        ),
        _crowded_mistake(
            "it matches singular values; BEMA fits eigenvalues: square the quantiles, and take the root of the slope.",
            power=1,
        ),
        _crowded_mistake(
            "the two sets of quantiles are exchanged in the slope, which is Σ qλ / Σ q² with q of the full shape.",
            slope="exchanged",
        ),
        _crowded_mistake(
            "it divides the means (or sums); the least-squares slope through the origin is Σ qλ / Σ q².",
            slope="means",
        ),
        Mistake(lambda shape, s: 1.0, "it is 1 whatever s is: without spikes that would be right."),
    ],
)

# An oracle beyond chance --------------------------------------------------------------------------


def _share(squared: Any, K: float, N: float) -> FloatArray:
    return np.asarray((np.asarray(squared, dtype=np.float64) - K / N) / (1 - K / N))


def _beyond(squared: Any, K: float, N: float) -> FloatArray:
    return np.sqrt(np.maximum(_share(squared, K, N), 0))


_SQUARES = np.array([0.01, 0.08, 0.3, 0.55, 0.9, 1.0])

BEYOND_CHANCE = Task(
    "beyond-chance",
    "beyond_chance(squared, K, N): a for each squared length of P_K û, 0 where it is less than chance",
    _beyond,
    [
        Case(
            (_SQUARES, 20, 512),
            "for K = 20 of N = 512 and lengths on both sides of chance",
            points=0,
        ),
        Case(
            (_SQUARES, 50, 200),
            "for K = 50 of N = 200 and lengths on both sides of chance",
            points=0,
        ),
    ],
    [
        Mistake(
            lambda squared, K, N: np.sqrt(np.maximum(squared - K / N, 0)),
            "K/N is subtracted, but what is left is not divided by 1 − K/N: inside the span a should be 1.",
        ),
        Mistake(
            lambda squared, K, N: np.maximum(_share(squared, K, N), 0),
            "this is a²: the square root is missing.",
        ),
        Mistake(_share, "this is a², and below chance it is negative: cut at 0 and take the root."),
        Mistake(
            lambda squared, K, N: np.sqrt(_share(squared, K, N)),
            "it is right above chance and NaN below it, where the root is of a negative number: a is 0 there.",
        ),
        Mistake(
            lambda squared, K, N: np.sqrt(np.abs(_share(squared, K, N))),
            "it is right above chance; below it, where ‖P_K û‖² < K/N, a is 0.",
        ),
        Mistake(
            lambda squared, K, N: np.sqrt(squared),
            "this is the raw oracle, ‖P_K û‖: what chance gives, K/N, has to be taken off its square.",
        ),
        Mistake(
            lambda squared, K, N: _beyond(np.square(squared), K, N),
            "it squares its argument, which holds the squared lengths already.",
        ),
        Mistake(
            lambda squared, K, N: _beyond(np.sqrt(squared), K, N),
            "it takes the root of its argument first; K/N is what chance gives of the *squared* length.",
        ),
        Mistake(
            lambda squared, K, N: np.maximum(
                (np.sqrt(squared) - np.sqrt(K / N)) / (1 - np.sqrt(K / N)), 0
            ),
            "it takes chance off the lengths. Squared lengths add up: a² + (1 − a²)K/N.",
        ),
        Mistake(
            lambda squared, K, N: _beyond(squared, N, K),
            "K/N is upside down: a random unit vector has the share K/N of its squared length in K dimensions.",
        ),
        Mistake(
            lambda squared, K, N: _beyond(squared, np.sqrt(K), np.sqrt(N)),
            "√(K/N) stands where K/N belongs: it is the squared length that has the mean K/N.",
        ),
        Mistake(
            lambda squared, K, N: np.mean(_beyond(squared, K, N)),
            "this is the mean over the vectors; the task asks for one number a vector.",
        ),
    ],
)

# A share of the energy ----------------------------------------------------------------------------


def _energy_rank(nu: Any, share: float, power: float = 2.0, side: str = "left") -> int:
    total = np.cumsum(np.asarray(nu, dtype=np.float64) ** power)
    where = np.searchsorted(total, share * total[-1], side="left" if side == "left" else "right")
    return int(min(where, total.size - 1)) + 1


_PLAIN = np.array([3.0, 2.0, 1.0, 1.0, 1.0])  # squares 9, 4, 1, 1, 1, of 16

ENERGY_RANK = Task(
    "energy-rank",
    "energy_rank(nu, share): how many of the descending values hold at least that share of Σν²",
    _energy_rank,
    [
        Case(
            (singular_values((40, 60), [3.0, 2.0], 0.5, 21), 0.9),
            "for 40 values, two of them spikes, and a share of 0.9",
        ),
        Case(
            (singular_values((50, 30), [6.0], 1.5, 22), 0.6),
            "for 30 values, one of them a spike, and a share of 0.6",
        ),
        Case((_PLAIN, 13 / 16), "for the values 3, 2, 1, 1, 1, of which two hold exactly 13/16"),
    ],
    [
        Mistake(
            lambda nu, share: _energy_rank(nu, share, power=1.0),
            "it adds up the values; energy is the sum of their *squares*.",
        ),
        Mistake(
            lambda nu, share: _energy_rank(nu, share, power=4.0),
            "it adds up fourth powers: ν² is squared once more.",
        ),
        Mistake(
            lambda nu, share: _energy_rank(nu, share) - 1,
            "one too few. The position at which the sum is reached counts from 0; the number of values is one more.",
        ),
        Mistake(
            lambda nu, share: _energy_rank(nu, share) + 1, "one too many: the last is not needed."
        ),
        Mistake(
            lambda nu, share: _energy_rank(nu, share, side="right"),
            "it asks for *more* than the share; at least the share is enough (try the values 3, 2, 1, 1, 1).",
        ),
        Mistake(
            lambda nu, share: _energy_rank(np.asarray(nu)[::-1], share),
            "it begins with the smallest values: the given ones come in descending order.",
        ),
        Mistake(
            lambda nu, share: _energy_rank(nu, 1 - share),
            "this many hold the share 1 − share: it is the part to be *kept* that is given.",
        ),
        Mistake(
            lambda nu, share: _energy_rank(nu, share**2),
            "the share is one of Σν², not of the Frobenius norm: there is a square root too many.",
        ),
        Mistake(
            lambda nu, share: int(np.ceil(share * len(nu))),
            "this is that share of the *number* of values, whatever their size.",
        ),
        Mistake(
            lambda nu, share: int(np.sum(np.asarray(nu) >= (1 - share) * nu[0])),
            "it counts the values above a share of the largest; the energy is a sum over all that are kept.",
        ),
        Mistake(
            lambda nu, share: (np.cumsum(np.square(nu)) / np.sum(np.square(nu)))[
                _energy_rank(nu, share) - 1
            ],
            "this is the share that they hold, not their number.",
        ),
    ],
)

# Half a variance ----------------------------------------------------------------------------------


def _half_variance(q: Any, d: Any) -> FloatArray:
    q, d = np.asarray(q, dtype=np.float64), np.asarray(d, dtype=np.float64)
    return np.asarray((np.sum(q * d**2, axis=-1) - np.sum(q * d, axis=-1) ** 2) / 2)


def _divergence(q: FloatArray, d: FloatArray) -> FloatArray:
    return np.asarray(np.log(np.sum(q * np.exp(d), axis=-1)) - np.sum(q * d, axis=-1))


def _scores(images: int, seed: int) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    q = np.exp(2 * rng.standard_normal((images, 10)))
    return q / q.sum(axis=1, keepdims=True), 0.3 + rng.standard_normal((images, 10))


HALF_VARIANCE = Task(
    "half-variance",
    "half_variance(q, d): ½ Var_q(d), one number a row, for class probabilities q and changes d",
    _half_variance,
    [
        Case(_scores(4, 23), "for four images and ten classes"),
        Case(_scores(10, 24), "for ten images and ten classes"),
    ],
    [
        Mistake(
            lambda q, d: 2 * _half_variance(q, d), "the half is missing: this is the variance."
        ),
        Mistake(
            lambda q, d: np.sum(q * d**2, axis=-1) / 2,
            "the squared mean is missing: this changes when a constant is added to d, and the divergence does not.",
        ),
        Mistake(
            lambda q, d: np.var(d, axis=-1) / 2,
            "this is the variance with equal weights; the class probabilities q are the weights.",
        ),
        Mistake(
            lambda q, d: np.var(q * d, axis=-1) / 2,
            "this is the variance of the products qd; q are the weights in the means of d and of d².",
        ),
        Mistake(
            lambda q, d: np.sqrt(2 * _half_variance(q, d)) / 2,
            "this is half the standard deviation: a square root too many.",
        ),
        Mistake(
            lambda q, d: (np.sum(q * d**2, axis=-1) - np.sum(q * d, axis=-1)) / 2,
            "the mean of d is subtracted without being squared.",
        ),
        Mistake(
            lambda q, d: (np.mean(q * d**2, axis=-1) - np.mean(q * d, axis=-1) ** 2) / 2,
            "it takes plain means of qd² and qd; since q adds up to 1, their sums are the means under q.",
        ),
        Mistake(
            lambda q, d: np.mean(_half_variance(q, d)),
            "this is the mean over the images; the task asks for one number an image.",
        ),
        Mistake(
            lambda q, d: _half_variance(np.transpose(q), np.transpose(d)),
            "it sums over the images, not over the classes: a row is an image.",
        ),
        Mistake(
            _divergence,
            "this is the divergence itself, to which half the variance is the approximation.",
        ),
        Mistake(
            lambda q, d: np.sum(q * (d - d.mean(axis=-1, keepdims=True)) ** 2, axis=-1) / 2,
            "it centres d by its plain mean; the mean under q belongs there.",
        ),
    ],
)

TASKS = (CROWDING, BEYOND_CHANCE, ENERGY_RANK, HALF_VARIANCE)
