"""The task on Gaussian broadening: a density that puts a Gaussian on every singular value."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._checks import FloatArray
from .task import Case, Mistake, Task
from .threshold import singular_values


def _spans(nu: FloatArray, a: int, ahead: int, behind: int, ends: str) -> FloatArray:
    """ν_{k+a} − ν_{k−a}, with one of the ways to go on beyond the ends."""
    k, last = np.arange(nu.size), nu.size - 1
    high, low = np.minimum(k + ahead * a, last), np.maximum(k - behind * a, 0)
    span = nu[high] - nu[low]
    if ends == "doubled":
        return np.asarray(np.where((k < a) | (k > last - a), 2.0, 1.0) * span)
    if ends == "by steps":
        return np.asarray(span * 2 * a / (high - low))
    if ends == "mirror":
        padded = np.pad(nu, a, mode="reflect", reflect_type="odd")
        return np.asarray(padded[2 * a :] - padded[: -2 * a])
    if ends == "wrapped":
        return np.roll(nu, -a) - np.roll(nu, a)
    return span


def _broadened(
    nu: Any,
    a: int,
    x: Any,
    *,
    ahead: int = 1,
    behind: int = 1,
    half: float = 2.0,
    drop: bool = False,
    variance: bool = False,
    height: bool = True,
    mean: bool = True,
    root: bool = True,
    exponent: float = 2.0,
    common: bool = False,
    ends: str = "replicate",
    by_window: bool = False,
    more: int = 0,
    absolute: bool = False,
    over_kept: bool = False,
) -> FloatArray:
    nu, x = np.asarray(nu, dtype=np.float64), np.asarray(x, dtype=np.float64)
    a += more
    width = _spans(nu, a, ahead, behind, ends) / (half * a if by_window else half)
    if absolute:
        width = np.abs(width)
    if common:
        width = np.full_like(width, width.mean())
    inside = slice(a, -a) if drop else slice(None)
    spread = (np.sqrt(width) if variance else width)[inside]
    z = (x[..., None] - nu[inside]) / spread
    kernels = np.exp(-(z**2) / exponent) / (np.sqrt(2 * np.pi) if root else 1.0)
    total = (kernels / spread if height else kernels).sum(axis=-1)
    count = nu[inside].size if over_kept else nu.size
    return np.asarray(total / count if mean else total)


def _broadened_mistake(says: str, **wrong: Any) -> Mistake:
    return Mistake(lambda nu, a, x: _broadened(nu, a, x, **wrong), says)


_BY_WINDOW = (
    "the distance is divided by the window as well; σ_k = (ν_{k+a} − ν_{k−a})/2 is to grow with a."
)
_ROLLED = (
    "it wraps around: beyond the largest value it goes on with the smallest, as `np.roll` and negative indices do. "
    "Repeat the end value."
)

_X = np.array([0.2, 1.0, 3.0, 5.5, 8.0, 11.0])

BROADENED_DENSITY = Task(
    "broadened-density",
    "density(nu, a, x): P at the points x, for ascending singular values nu and window a, ends replicated",
    _broadened,
    [
        Case(
            (singular_values((24, 30), [], 1.0, 8)[::-1], 3, _X),
            "for 24 values and window 3",
            points=2,
        ),
        Case(
            (singular_values((30, 40), [2.0], 0.9, 9)[::-1], 6, _X),
            "for 30 values, a spike among them, and window 6",
            points=2,
        ),
    ],
    [
        _broadened_mistake(
            "the kernels are twice too wide: σ_k is *half* the distance between ν_{k+a} and ν_{k−a}.",
            half=1.0,
        ),
        _broadened_mistake(
            "the width looks to one side only: σ_k = (ν_{k+a} − ν_{k−a})/2 needs both neighbours.",
            behind=0,
            half=1.0,
        ),
        _broadened_mistake(
            "the width looks to one side only: σ_k = (ν_{k+a} − ν_{k−a})/2 needs both neighbours.",
            ahead=0,
            half=1.0,
        ),
        _broadened_mistake(
            "the kernels at the ends are missing: where a neighbour is lacking, the end value stands in for it.",
            drop=True,
        ),
        _broadened_mistake(
            "σ_k is used as a variance; it is a standard deviation: exp(−(x − ν_k)²/(2σ_k²)).",
            variance=True,
        ),
        _broadened_mistake(
            "wrong normalisation: each Gaussian must be divided by its own σ_k, or wide ones weigh more.",
            height=False,
        ),
        _broadened_mistake(
            "wrong normalisation: its integral is p, the number of values; divide by p.", mean=False
        ),
        _broadened_mistake("wrong normalisation: the factor 1/√(2π) is missing.", root=False),
        _broadened_mistake(
            "the 2 in the exponent is missing: exp(−z²/2), not exp(−z²).", exponent=1.0
        ),
        _broadened_mistake(
            "all kernels have the same width; each has its own, from its own neighbours.",
            common=True,
        ),
        _broadened_mistake(
            "the kernels are half as wide as they should be: σ_k is half the distance between ν_{k+a} and ν_{k−a}, "
            "not a quarter.",
            half=4.0,
        ),
        _broadened_mistake(_BY_WINDOW, by_window=True),
        _broadened_mistake(_BY_WINDOW, by_window=True, half=1.0),
        _broadened_mistake(
            "the kernels at the ends are left out and the rest is divided by their own number. Keep all kernels: "
            "where a neighbour is lacking, the end value stands in for it.",
            drop=True,
            over_kept=True,
        ),
        _broadened_mistake(
            "at the ends its width is the whole one-sided distance. With the end value in place of the neighbour "
            "that is lacking it is half of that.",
            ends="doubled",
        ),
        _broadened_mistake(
            "at the ends it scales the width up by the number of steps that are there; the end value should stand "
            "in for a neighbour that is lacking.",
            ends="by steps",
        ),
        _broadened_mistake(
            "it mirrors the values beyond the ends; there the end value itself should be repeated.",
            ends="mirror",
        ),
        _broadened_mistake(_ROLLED, ends="wrapped"),
        _broadened_mistake(_ROLLED, ends="wrapped", absolute=True),
        _broadened_mistake("its window is a + 1: one neighbour too many on each side.", more=1),
        _broadened_mistake("its window is a − 1: one neighbour too few on each side.", more=-1),
    ],
)

TASKS = (BROADENED_DENSITY,)
