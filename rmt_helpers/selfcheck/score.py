"""Tasks on what a threshold keeps: the score, and choosing a rank by accuracy."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..spikes import cosines, signal_strength
from .task import Case, Function, Mistake, Task
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
    y_of: Function = lambda nu, sigma, root: nu / sigma / root,
    ascending: bool = False,
) -> float:
    nu = np.sort(nu)[:: 1 if ascending else -1]
    p, n = min(shape), max(shape)
    y = y_of(nu, sigma, np.sqrt({"n": n, "p": p, "N": shape[0], "M": shape[1], "none": 1}[side]))
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


def _nan_in_the_bulk(nu: Any, shape: tuple[int, int], sigma: float, s: int) -> float:
    edge = sigma * (np.sqrt(shape[0]) + np.sqrt(shape[1]))
    return _score(nu, shape, sigma, s) if np.any(nu[:s] > edge) else np.nan


def _fires_below(nu: Any, shape: tuple[int, int], sigma: float, s: int) -> float:
    """The condition ξ² > 4c, which the values below the bulk satisfy too: θ² is negative there."""
    lower = sigma * np.abs(np.sqrt(shape[0]) - np.sqrt(shape[1]))
    return _score(nu, shape, sigma, s) if np.all(nu[:s] >= lower) else np.nan


_ONE_SIDE = (
    "one-sided: it uses the cosines of the {} only; φ̂ is the mean of the left and the right one."
)

_EIGENVALUE = "it hands in the eigenvalue, ν² or ν²/n, for the singular value ν: y = ν/(σ√n)."

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
        Case(
            (0.9 * singular_values((30, 120), [], 0.8, 13), (30, 120), 0.8, 5),
            "for a wide 30 × 120 matrix, σ = 0.8, and five values, all in the bulk",
        ),
        Case(
            # The bulk of the noise fills [3.16, 9.49].
            (np.array([13.0, 9.2, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.5, 1.3]), (10, 40), 1.0, 9),
            "for nine values of a 10 × 40 matrix, the last two of them below the bulk, y < 1 − √c",
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
        _score_mistake(
            "wrong normalisation: y = ν/(σ√n) has the long side n = max(N, M), not the number of rows.",
            side="N",
        ),
        _score_mistake(
            "σ is missing: a singular value is in units of σ√n, y = ν/(σ√n).",
            y_of=lambda nu, sigma, root: nu / root,
        ),
        _score_mistake(
            "it divides by σ²; a singular value is in units of σ√n, y = ν/(σ√n).",
            y_of=lambda nu, sigma, root: nu / sigma**2 / root,
        ),
        _score_mistake(
            "it takes y² = ν²/(σ²n) for y: the eigenvalue where the singular value is due.",
            y_of=lambda nu, sigma, root: (nu / sigma / root) ** 2,
        ),
        _score_mistake(_EIGENVALUE, y_of=lambda nu, sigma, root: nu**2 / sigma / root),
        _score_mistake(_EIGENVALUE, y_of=lambda nu, sigma, root: (nu / root) ** 2 / sigma / root),
        _score_mistake(
            "it is 0 in every case, as for the s *smallest* values: nu is in descending order, the largest are nu[:s].",
            ascending=True,
        ),
        Mistake(
            _nan_in_the_bulk,
            "it is right as long as one value lies above the edge, and NaN if none does: then all cosines are 0, and "
            "so is the score.",
        ),
        Mistake(
            _fires_below,
            "it is NaN as soon as a value lies *below* the bulk, y < 1 − √c: ξ² > 4c holds there too. A spike asks for "
            "y > 1 + √c.",
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


def _rank_at(choose: Function) -> Function:
    """The rank at a position that is chosen by the accuracies and the limit."""

    def function(ranks: Any, accuracies: Any, points: float) -> int:
        accuracies = np.asarray(accuracies)
        at = choose(accuracies, accuracies[-1] - points / 100)
        return int(np.asarray(ranks)[min(int(at), len(ranks) - 1)])

    return function


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
        Case(
            # Sums of halves, quarters, eighths: exact in the computer.
            (np.array([0, 2, 5, 9, 12]), np.array([0.125, 0.5, 0.625, 0.75, 0.875]), 25.0),
            "for 25 points and a rank that loses exactly as many",
        ),
        Case(
            (np.array([1, 3, 4, 8]), np.array([0.957, 0.931, 0.955, 0.959]), 0.5),
            "for half a point and a curve that is good enough from the first rank on, with a dip",
        ),
        Case(
            (np.array([0, 1, 2, 3, 6]), np.array([0.102, 0.903, 0.941, 0.9617, 0.963]), 0.2),
            "for a fifth of a point",
        ),
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
        Mistake(
            _rank_at(lambda accuracies, limit: np.argmax(accuracies > limit)),
            "a rank that loses exactly as many points is good enough: at most, so `>=`, not `>`.",
        ),
        Mistake(
            _rank_at(lambda accuracies, limit: np.argmax(accuracies <= limit)),
            "the comparison is turned round: it finds the first rank that is *not* good enough.",
        ),
        Mistake(
            lambda ranks, accuracies, points: int(ranks[0]),
            "it gives the first rank of the list in every case.",
        ),
        Mistake(
            lambda ranks, accuracies, points: int(ranks[-1]),
            "it gives the largest rank that is good enough, which is the whole layer; the smallest is asked for.",
        ),
        Mistake(
            _rank_at(lambda accuracies, limit: np.argmin(np.abs(accuracies - limit))),
            "it gives the rank whose accuracy is nearest to the limit, on either side of it.",
        ),
        Mistake(
            _rank_at(np.searchsorted),
            "`searchsorted` asks for an ascending list, and this curve is not monotone: it has skipped ranks.",
        ),
    ],
)

TASKS = (ALIGNMENT_SCORE, SMALLEST_RANK)
