"""Tasks on recovering a signal and on a null where no law is known: shrunk values, a ratio, the means of one type."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._checks import FloatArray
from ..spikes import cosines, signal_strength
from .task import Case, Mistake, Task
from .threshold import singular_values

# Shrinkage ----------------------------------------------------------------------------------------


def _shrunk(
    nu: Any,
    shape: tuple[int, int],
    sigma: float,
    *,
    side: str = "n",
    back: bool = True,
    upside_down: bool = False,
    cut: str = "edge",
    use: str = "frobenius",
    four: Any = lambda c: 4 * c,
) -> FloatArray:
    nu = np.asarray(nu, dtype=np.float64)
    p, n = min(shape), max(shape)
    c = n / p if upside_down else p / n
    unit = sigma * np.sqrt({"n": n, "p": p, "M": shape[1], "none": 1}[side])
    y = nu / unit
    square = (y**2 - 1 - c) ** 2 - four(c)
    theta = signal_strength(y, p / n)
    short, long = cosines(theta, p / n)
    with np.errstate(all="ignore"):
        value = {
            "frobenius": np.sqrt(np.abs(square) if cut == "abs" else square) / y,
            "no root": square / y,
            "not divided": np.sqrt(square),
            "kept": y,
            "theta": theta,
            "one cosine": theta * short,
            "kept, turned": y * short * long,
            "leeb": theta * np.sqrt((theta**2 + c) / (theta**2 + 1)),
            "less edge": y - 1 - np.sqrt(c),
        }[use]
    least = {
        "edge": 1 + np.sqrt(c),
        "hard": np.sqrt(2 * (c + 1) + 8 * c / (c + 1 + np.sqrt(c**2 + 14 * c + 1))),
        "none": -np.inf,
        "abs": -np.inf,
    }[cut]
    return np.where(y > least, value, 0.0) * (unit if back else 1.0)


def _shrunk_mistake(says: str, **wrong: Any) -> Mistake:
    return Mistake(lambda nu, shape, sigma: _shrunk(nu, shape, sigma, **wrong), says)


SHRUNK = Task(
    "shrunk-values",
    "shrunk(nu, shape, sigma): the values nearest to the signal in least squares, 0 at and below the edge",
    _shrunk,
    [
        Case(
            (singular_values((40, 100), [3.0, 1.6, 0.95], 0.7, 51), (40, 100), 0.7),
            "for a wide 40 × 100 matrix with three spikes",
        ),
        Case(
            (singular_values((90, 50), [4.0, 2.0, 1.3], 1.3, 52), (90, 50), 1.3),
            "for a tall 90 × 50 matrix with three spikes",
        ),
        Case(
            (singular_values((60, 60), [2.5, 1.7], 0.05, 53), (60, 60), 0.05),
            "for a square 60 × 60 matrix with two spikes",
        ),
    ],
    [
        _shrunk_mistake("√n is missing: a value is in units of σ√n, y = ν/(σ√n).", side="none"),
        _shrunk_mistake(
            "the result is in units of σ√n: multiply x*(y) by σ√n in the end.", back=False
        ),
        _shrunk_mistake(
            "wrong normalisation: y = ν/(σ√n) has the long side n = max(N, M), not the short one.",
            side="p",
        ),
        _shrunk_mistake(
            "wrong normalisation: y = ν/(σ√n) has the long side n = max(N, M), not the number of columns.",
            side="M",
        ),
        _shrunk_mistake("it uses n/p in place of c = p/n, which is at most 1.", upside_down=True),
        _shrunk_mistake(
            "this keeps ν as it is above the edge; noise has turned the vectors, so it should shrink.",
            use="kept",
        ),
        _shrunk_mistake(
            "this keeps ν as it is, above the hard threshold; shrinkage begins at the edge.",
            use="kept",
            cut="hard",
        ),
        _shrunk_mistake(
            "it shrinks as it should, but only above the hard threshold; shrinkage begins at the edge.",
            cut="hard",
        ),
        _shrunk_mistake(
            "this is the signal's own value θ; since the vectors are turned, less is best: θ times both cosines.",
            use="theta",
        ),
        _shrunk_mistake(
            "it multiplies ν by both cosines; it is the signal's value θ that they multiply.",
            use="kept, turned",
        ),
        _shrunk_mistake(
            "θ is multiplied by the cosine of the short side only; the vectors of both sides are turned.",
            use="one cosine",
        ),
        _shrunk_mistake(
            "this is the best value for the largest error direction; the task asks for the sum of squares.",
            use="leeb",
        ),
        _shrunk_mistake(
            "this takes the edge off (soft thresholding); the best value comes nearer to ν for strong spikes.",
            use="less edge",
        ),
        _shrunk_mistake(
            "it is right above the edge and NaN below, where the root is of a negative number: values there become 0.",
            cut="none",
        ),
        _shrunk_mistake(
            "it is right above the edge; values in the bulk should become 0.", cut="abs"
        ),
        _shrunk_mistake("the square root over (y² − 1 − c)² − 4c is missing.", use="no root"),
        _shrunk_mistake("the division by y is missing.", use="not divided"),
        _shrunk_mistake("4c² stands where 4c belongs.", four=lambda c: 4 * c**2),
        Mistake(
            lambda nu, shape, sigma: _shrunk(nu, shape, sigma)[_shrunk(nu, shape, sigma) > 0],
            "it returns the values that are kept only; the others belong there too, as 0.",
        ),
    ],
)

# The largest value over the middle of the noise ---------------------------------------------------


def _over(says: str, ratio: Any) -> Mistake:
    return Mistake(lambda nu: ratio(np.asarray(nu), len(nu) // 2), says)


OVER_MIDDLE = Task(
    "over-middle",
    "over_middle(nu): the largest value over the median of the lower half, for descending nu of even number",
    lambda nu: nu[0] / np.median(nu[len(nu) // 2 :]),
    [
        Case((singular_values((20, 50), [3.0], 2.0, 54),), "for 20 values, one of them a spike"),
        Case((singular_values((30, 30), [], 0.1, 55),), "for 30 values of noise"),
        Case((np.array([9.0, 4.0, 3.0, 2.0]),), "for the values 9, 4, 3, 2"),
    ],
    [
        _over(
            "it divides by the median of all values; signal may lie in the upper half, so take the lower one.",
            lambda nu, h: nu[0] / np.median(nu),
        ),
        _over(
            "it divides by the median of the upper half: the values come in descending order.",
            lambda nu, h: nu[0] / np.median(nu[:h]),
        ),
        _over(
            "it divides by the mean of the lower half; the task asks for the median.",
            lambda nu, h: nu[0] / np.mean(nu[h:]),
        ),
        _over("it divides by the mean of all values.", lambda nu, h: nu[0] / np.mean(nu)),
        _over(
            "it divides by the smallest value, which for a square matrix is near 0.",
            lambda nu, h: nu[0] / nu[-1],
        ),
        _over(
            "it divides by the first value of the lower half, not by its median.",
            lambda nu, h: nu[0] / nu[h],
        ),
        _over(
            "it takes the last value for the largest: the values come in descending order.",
            lambda nu, h: nu[-1] / np.median(nu[h:]),
        ),
        _over("upside down: the largest goes above.", lambda nu, h: np.median(nu[h:]) / nu[0]),
        _over(
            "this is the ratio of the squares: singular values are asked for.",
            lambda nu, h: nu[0] ** 2 / np.median(nu[h:]) ** 2,
        ),
        _over(
            "this is a difference, which grows with the noise level; a ratio does not.",
            lambda nu, h: nu[0] - np.median(nu[h:]),
        ),
        _over(
            "the middle is that of the lower *quarter*: the lower half begins at p/2.",
            lambda nu, h: nu[0] / np.median(nu[len(nu) - len(nu) // 4 :]),
        ),
    ],
)

# The means of one type ----------------------------------------------------------------------------


def _products_of_sums(Y: Any, *, over: Any = lambda Y: Y.sum(), rows: Any = np.sum) -> FloatArray:
    Y = np.asarray(Y, dtype=np.float64)
    return np.asarray(np.outer(rows(Y, axis=1), rows(Y, axis=0)) / over(Y))


def _one_type_mistake(says: str, **wrong: Any) -> Mistake:
    return Mistake(lambda Y: _products_of_sums(Y, **wrong), says)


def _counts(shape: tuple[int, int], seed: int) -> FloatArray:
    rng = np.random.default_rng(seed)
    return np.asarray(rng.poisson(np.outer(rng.gamma(2, 2, shape[0]), rng.gamma(2, 1, shape[1]))))


ONE_TYPE = Task(
    "one-type",
    "one_type(Y): the means of the counts Y if all cells were of one type, of the shape of Y",
    _products_of_sums,
    [
        Case((_counts((6, 9), 56),), "for 6 cells and 9 genes"),
        Case((_counts((8, 5), 57),), "for 8 cells and 5 genes"),
    ],
    [
        _one_type_mistake(
            "the total is missing: row sum times column sum, over the sum of all counts.",
            over=lambda Y: 1.0,
        ),
        _one_type_mistake(
            "it divides by the number of entries, or multiplies means: the product of *sums* goes over the sum of all.",
            over=lambda Y: Y.size,
        ),
        _one_type_mistake("it divides by the total squared.", over=lambda Y: Y.sum() ** 2),
        _one_type_mistake(
            "it divides by the root of the total; the total belongs there.",
            over=lambda Y: np.sqrt(Y.sum()),
        ),
        _one_type_mistake(
            "it multiplies means of rows and columns and divides by the *sum*; means go with the mean.",
            rows=np.mean,
        ),
        Mistake(
            lambda Y: _products_of_sums(Y).T,
            "its result is transposed: row sums run along the rows of Y.",
        ),
        Mistake(
            lambda Y: np.broadcast_to(Y.mean(axis=0), Y.shape),
            "every cell has the same means: this takes their sizes away. Multiply by the row sums.",
        ),
        Mistake(
            lambda Y: np.broadcast_to(Y.mean(axis=1, keepdims=True), Y.shape),
            "every gene has the same mean: this takes their levels away. Multiply by the column sums.",
        ),
        Mistake(
            lambda Y: np.add.outer(Y.sum(axis=1), Y.sum(axis=0)) / np.sum(Y),
            "it adds row and column sums; size times level is a product.",
        ),
        Mistake(
            lambda Y: Y.mean(axis=1, keepdims=True) + Y.mean(axis=0, keepdims=True) - np.mean(Y),
            "it adds the effects of row and column; size times level is a product.",
        ),
        Mistake(
            lambda Y: np.outer(Y.sum(axis=1), Y.sum(axis=0)) / np.sum(Y, axis=0),
            "it divides by the sums of columns, which cancel; the sum of all counts belongs there.",
        ),
    ],
)

TASKS = (SHRUNK, OVER_MIDDLE, ONE_TYPE)
