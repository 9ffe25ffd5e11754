"""Tasks on what a threshold keeps: the score, and choosing a rank by accuracy."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..spikes import cosines, signal_strength
from .task import Case, Mistake, Task
from .threshold import singular_values

# The score ----------------------------------------------------------------------------------------


def _score(
    nu: Any,
    shape: tuple[int, int],
    sigma: float,
    s: int,
    *,
    side: str = "n",
    use: str = "mean",
    power: float = 1.0,
    keep: int | None = 0,
    invert: bool = True,
    by_strength: float = 0.0,
    over: str = "weights",
    only_spikes: bool = False,
) -> float:
    nu = np.asarray(nu, dtype=np.float64)
    p, n = min(shape), max(shape)
    y = nu / sigma / np.sqrt({"n": n, "p": p, "M": shape[1], "none": 1}[side])
    theta = signal_strength(y, p / n) if invert else y
    short, long = cosines(theta, p / n)
    rows, columns = (short, long) if shape[0] <= shape[1] else (long, short)
    phi = {
        "mean": (short + long) / 2,
        "short": short,
        "long": long,
        "left": rows,
        "right": columns,
        "squares": (short**2 + long**2) / 2,
        "product": short * long,
        "geometric": np.sqrt(short * long),
    }[use]
    first = slice(0, p if keep is None else s + keep)
    w = (theta**by_strength if by_strength else nu**power)[first]
    if only_spikes:
        w = w * (theta[first] > 0)
    total = w @ phi[first]
    return float(total / {"weights": w.sum(), "s": s, "all": nu.sum(), "nothing": 1}[over])


def _score_mistake(says: str, **wrong: Any) -> Mistake:
    return Mistake(lambda nu, shape, sigma, s: _score(nu, shape, sigma, s, **wrong), says)


_ONE_SIDE = (
    "one-sided: it uses the cosines of the {} only; φ̂ is the mean of the left and the right one."
)

ALIGNMENT_SCORE = Task(
    "alignment-score",
    "score(nu, shape, sigma, s): the average alignment over the s largest values, weights ν",
    _score,
    [
        Case(
            (singular_values((40, 100), [4.0, 2.5, 1.5], 0.7, 10), (40, 100), 0.7, 3),
            "for a wide 40 × 100 matrix, σ = 0.7, and three values, all spikes",
        ),
        Case(
            (singular_values((60, 80), [5.0, 4.0, 3.0, 2.0], 1.0, 12), (60, 80), 1.0, 2),
            "for a wide 60 × 80 matrix, σ = 1, and the first two of four spikes",
        ),
        Case(
            (singular_values((90, 50), [3.0, 2.0], 1.3, 11), (90, 50), 1.3, 6),
            "for a tall 90 × 50 matrix, σ = 1.3, and six values, four of them in the bulk",
        ),
    ],
    [
        _score_mistake(
            "these are averages of cos², not of cosines: a square root is missing.", use="squares"
        ),
        _score_mistake(_ONE_SIDE.format("short side"), use="short"),
        _score_mistake(_ONE_SIDE.format("long side"), use="long"),
        _score_mistake(_ONE_SIDE.format("rows"), use="left"),
        _score_mistake(_ONE_SIDE.format("columns"), use="right"),
        _score_mistake(
            "it multiplies the two cosines; φ̂ is their mean, (left + right)/2.", use="product"
        ),
        _score_mistake(
            "it takes the geometric mean of the two cosines; φ̂ is (left + right)/2.",
            use="geometric",
        ),
        _score_mistake("the values are not weighted: wᵢ = νᵢ.", power=0.0),
        _score_mistake("the weights are ν², should be ν.", power=2.0),
        _score_mistake("the weights are θ̂², should be ν.", by_strength=2.0),
        _score_mistake("the weights are θ̂, should be ν.", by_strength=1.0),
        _score_mistake(
            "it is a sum; a weighted mean divides by the sum of its weights.", over="nothing"
        ),
        _score_mistake(
            "it leaves out the values in the bulk. They count, with their weight and the cosine 0.",
            only_spikes=True,
        ),
        _score_mistake(
            "√n is missing: a singular value is in units of σ√n, y = ν/(σ√n).", side="none"
        ),
        _score_mistake(
            "wrong normalisation: it divides by s; a weighted mean divides by the sum of its weights.",
            over="s",
        ),
        _score_mistake(
            "wrong normalisation: it divides by the sum of all singular values; only those that are kept are weighted.",
            over="all",
        ),
        _score_mistake("it averages over all p values: s does not enter.", keep=None),
        _score_mistake("it averages over s + 1 values: one too many.", keep=1),
        _score_mistake("it averages over s − 1 values: one too few.", keep=-1),
        _score_mistake(
            "wrong normalisation: y = ν/(σ√n) has the long side n = max(N, M), not the short one.",
            side="p",
        ),
        _score_mistake(
            "wrong normalisation: y = ν/(σ√n) has the long side n = max(N, M), not the number of columns.",
            side="M",
        ),
        _score_mistake(
            "it puts the observed y into the formula of the cosines, which asks for the strength θ: invert y(θ) first.",
            invert=False,
        ),
    ],
)

# Choosing a rank ----------------------------------------------------------------------------------


def _smallest_rank(ranks: Any, accuracies: Any, points: float) -> int:
    ranks, accuracies = np.asarray(ranks), np.asarray(accuracies)
    return int(ranks[np.argmax(accuracies >= accuracies[-1] - points / 100)])


def _stays_above(ranks: Any, accuracies: Any, points: float) -> int:
    ranks, accuracies = np.asarray(ranks), np.asarray(accuracies)
    low = np.flatnonzero(accuracies < accuracies[-1] - points / 100)
    return int(ranks[low[-1] + 1])


_RANKS = np.array([0, 1, 2, 4, 8, 16, 32, 64])
_CURVES = (
    np.array([0.101, 0.313, 0.602, 0.919, 0.902, 0.951, 0.983, 0.9601]),
    np.array([0.099, 0.201, 0.852, 0.801, 0.861, 0.884, 0.872, 0.8802]),
)

SMALLEST_RANK = Task(
    "smallest-rank",
    "smallest_rank(ranks, accuracies, points): the smallest rank that loses at most so many points of the last",
    _smallest_rank,
    [
        Case((_RANKS, _CURVES[0], 5.0), "for five points and a curve that rises above its end"),
        Case((_RANKS, _CURVES[0], 1.0), "for one point and a curve that rises above its end"),
        Case((_RANKS, _CURVES[1], 3.0), "for three points and a curve that is not monotone"),
    ],
    [
        Mistake(
            lambda ranks, accuracies, points: int(
                np.flatnonzero(ranks == _smallest_rank(ranks, accuracies, points))[0]
            ),
            "this is the position in the list, not the rank that stands there.",
        ),
        Mistake(
            lambda ranks, accuracies, points: _smallest_rank(
                ranks, [*accuracies[:-1], np.max(accuracies)], points
            ),
            "it compares with the best accuracy of the curve; the loss counts against the whole layer, the last one.",
        ),
        Mistake(
            lambda ranks, accuracies, points: _smallest_rank(ranks, accuracies, 100 * points),
            "points are hundredths: an accuracy may fall by points / 100.",
        ),
        Mistake(
            _stays_above,
            "it asks that all larger ranks be good as well; the smallest rank that is good enough may come earlier.",
        ),
        Mistake(
            lambda ranks, accuracies, points: int(
                np.asarray(ranks)[np.argmax(accuracies >= accuracies[-1] * (1 - points / 100))]
            ),
            "it takes the loss as a share of the accuracy; a point is a hundredth of all images.",
        ),
        Mistake(
            lambda ranks, accuracies, points: _smallest_rank(ranks, accuracies, 0.0),
            "it allows no loss at all: points does not enter.",
        ),
    ],
)

TASKS = (ALIGNMENT_SCORE, SMALLEST_RANK)
