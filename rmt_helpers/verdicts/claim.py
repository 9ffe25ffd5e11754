"""What a claim is, what is found of it, and the intervals that a verdict rests on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

#: From best to worst; "not tested" is for what cannot run here, with its reason.
VERDICTS = ("holds", "holds with limits", "fails", "undecided", "not tested")


@dataclass(frozen=True)
class Finding:
    """What a stored result says of a claim.

    Attributes
    ----------
    verdict : str
        One of `VERDICTS`, by the claim's criterion.
    effect, low, high : float
        The number that decides and its 95 % interval; NaN where there is none.
    unit : str
        Of the three, for example ``"points of accuracy"``.
    remark : str
        A sentence: what was compared with what, on how many runs.
    """

    verdict: str
    effect: float = math.nan
    low: float = math.nan
    high: float = math.nan
    unit: str = ""
    remark: str = ""

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise ValueError(f"verdict must be one of {VERDICTS}, was {self.verdict!r}")
        if not self.remark:
            raise ValueError("remark must say what was compared, was empty")
        if not math.isnan(self.low) and not self.low <= self.effect <= self.high:
            raise ValueError(
                f"low and high must enclose effect, were {self.low!r}, {self.high!r} "
                f"and {self.effect!r}"
            )


@dataclass(frozen=True)
class Claim:
    """Something that somebody says, and how the book judges it.

    Attributes
    ----------
    key : str
        Short and unique, in kebab case.
    source : str
        Key of the work in the book's bibliography; ``"review"`` for a demand or question of the
        paper's reviewers, ``"book"`` for a claim of the book's own.
    statement : str
        The claim, in one sentence.
    criterion : str
        What is to be seen for it to hold, and what for limits. It says nothing of the result; but not
        every word of it was written before there was one, see chapter "What we believe now".
    chapter : str
        Label of the chapter that treats it, for example ``"ch-truth"``.
    judge : callable
        Computes the `Finding` from stored results (`load_results`), never from a typed number.
    """

    key: str
    source: str
    statement: str
    criterion: str
    chapter: str
    judge: Callable[[], Finding]


def untested(reason: str) -> Callable[[], Finding]:
    """A judge for what cannot be tested here.

    Examples
    --------
    >>> untested("ImageNet is not at hand.")().verdict
    'not tested'
    """
    return lambda: Finding("not tested", remark=reason)


def mean_interval(values: ArrayLike, level: float = 0.95) -> tuple[float, float, float]:
    """Mean of independent values (a difference a seed, say) with Student's interval.

    Parameters
    ----------
    values : array_like of shape (k,)
        At least two; for a paired comparison, the differences.
    level : float
        Coverage, exact if the values are normal.

    Returns
    -------
    mean, low, high : float

    Raises
    ------
    ValueError
        If there are fewer than two values or one is not finite.

    Examples
    --------
    >>> [round(x, 3) for x in mean_interval([1.0, 2.0, 3.0, 2.0, 2.0])]
    [2.0, 1.122, 2.878]
    """
    x = np.asarray(values, dtype=float)
    if x.ndim != 1 or x.size < 2 or not np.isfinite(x).all():
        raise ValueError(f"values must be two or more finite numbers, were {values!r}")
    mean = float(x.mean())
    half = float(stats.t.ppf((1 + level) / 2, x.size - 1) * x.std(ddof=1) / math.sqrt(x.size))
    return mean, mean - half, mean + half


def share_interval(hits: int, draws: int, level: float = 0.95) -> tuple[float, float, float]:
    """Share of independent draws with its exact interval (Clopper and Pearson).

    Parameters
    ----------
    hits, draws : int
        0 ≤ hits ≤ draws, draws at least 1.
    level : float
        Coverage, at least.

    Returns
    -------
    share, low, high : float

    Raises
    ------
    ValueError
        If there is no draw, or there are more hits than draws.

    Examples
    --------
    >>> [round(x, 3) for x in share_interval(5, 5)]
    [1.0, 0.478, 1.0]
    """
    if not 0 <= hits <= draws or draws < 1:
        raise ValueError(
            f"hits and draws must satisfy 0 ≤ hits ≤ draws ≥ 1, were {hits!r} and {draws!r}"
        )
    found = stats.binomtest(int(hits), int(draws)).proportion_ci(level)
    return hits / draws, float(found.low), float(found.high)


def over_cases(inside: Sequence[bool], beyond: Sequence[bool]) -> str:
    """The verdict on a claim about every case, from what the intervals of the single cases show.

    Parameters
    ----------
    inside : sequence of bool
        By case, whether its whole interval meets the criterion.
    beyond : sequence of bool
        By case, whether its whole interval misses it; where neither, the case is open.

    Returns
    -------
    str
        "holds" if all are inside, "holds with limits" if half of them or more are, "fails" if half of them or
        more are beyond, else "undecided".

    Examples
    --------
    >>> over_cases([True, False], [False, True]), over_cases([False, False], [False, True])
    ('holds with limits', 'fails')
    """
    if all(inside):
        return "holds"
    if 2 * sum(inside) >= len(inside):
        return "holds with limits"
    return "fails" if 2 * sum(beyond) >= len(beyond) else "undecided"
