"""Tasks on thresholds: BEMA and the broadened density."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._checks import FloatArray
from ..laws import MarchenkoPastur, TracyWidom
from ..spikes import spiked_matrix
from .task import Case, Mistake, Task


def singular_values(
    shape: tuple[int, int], thetas: list[float], sigma: float, seed: int
) -> FloatArray:
    """Of a simulated matrix, in descending order."""
    W, _, _ = spiked_matrix(shape, thetas, sigma, seed)
    return np.asarray(np.linalg.svd(W, compute_uv=False))


# BEMA ---------------------------------------------------------------------------------------------


def _bema(
    nu: Any,
    shape: tuple[int, int],
    *,
    side: str = "n",
    back: str = "",
    power: int = 2,
    scaled: bool = True,
    reverse: bool = False,
    ascending: bool = True,
    position: float = 0.5,
    places: int = 0,
    first_rank: Any = lambda at: np.ceil(at - 1e-9),
    last_rank: Any = lambda at: np.floor(at + 1e-9),
    offset: int = 0,
    alpha: float = 0.2,
    slope: str = "least squares",
    beta_of_tw: int = 1,
    quantile: float | None = 0.9,
    edge: int = 2,
    n_power: Any = lambda n: n ** (-2 / 3),
    c_power: Any = lambda c: c ** (-1 / 6),
    root_power: Any = lambda root: root ** (4 / 3),
    margin_scaled: bool = True,
) -> FloatArray:
    """BEMA at α = 0.2 and β = 0.1; every keyword is a way to get it wrong."""
    nu = np.asarray(nu, dtype=np.float64)
    p, n = min(shape), max(shape)
    sides = {"n": n, "p": p, "M": shape[1]}
    c = p / n
    lam = np.sort(nu) ** power / (sides[side] ** (power / 2) if scaled else 1.0)
    ranks = np.arange(max(int(first_rank(alpha * p)), 1), int(last_rank((1 - alpha) * p)) + 1)
    q = MarchenkoPastur(c).ppf((ranks - position) / (p + places))
    if reverse:
        q = q[::-1]
    y = (lam if ascending else lam[::-1])[ranks - 1 + offset]
    sigma2 = {
        "least squares": q @ y / (q @ q),
        "intercept": np.polyfit(q, y, 1)[0],
        "exchanged": y @ y / (q @ y),
        "means": y.mean() / q.mean(),
        "ratios": float(np.mean(y / np.where(q > 0, q, np.inf))),
    }[slope]
    t = 0.0 if quantile is None else float(TracyWidom(1 if beta_of_tw == 1 else 2).ppf(quantile))
    margin = t * n_power(n) * c_power(c) * root_power(1 + np.sqrt(c))
    T = sigma2 * (1 + np.sqrt(c)) ** edge + (sigma2 if margin_scaled else 1.0) * margin
    return np.array([np.sqrt(sigma2), np.sqrt(sides[back or side] * T)])


def _bema_mistake(says: str, **wrong: Any) -> Mistake:
    return Mistake(lambda nu, shape: _bema(nu, shape, **wrong), says)


_WRONG_SIDE_P = (
    "wrong normalisation: it divides ν² by the short side p. The law is stated for λ = ν²/n with the long side "
    "n = max(N, M)."
)
_WRONG_SIDE_M = (
    "wrong normalisation: it divides ν² by the number of columns. That is the long side only for a wide matrix; use "
    "n = max(N, M)."
)
_RANKS = (
    "its middle ranks are off by one: they go from αp, rounded up, to (1 − α)p, rounded down, both included. "
    "`np.arange` leaves out its end, and `int` rounds down."
)
_SINGULAR = "it matches singular values with quantiles of the law of *eigenvalues*: square them first, λ = ν²/n."


def _bema_part(
    cases: Sequence[Case], found: list[FloatArray], expected: list[FloatArray]
) -> str | None:
    """The threshold is proportional to σ̂, so the two halves of the algorithm can be judged apart."""
    mine, right = np.array(found), np.array(expected)
    if not np.all(np.isfinite(mine) & (mine > 0)):
        return None
    off = mine / right
    if np.allclose(off[:, 0], 1, rtol=1e-5):
        worst = int(np.argmax(np.abs(np.log(off[:, 1]))))
        return (
            f"σ̂ is right; the threshold should be {right[worst, 1]:.6g} and is {mine[worst, 1]:.6g}, "
            f"{cases[worst].about}: look at step 5, and at the way back from λ to ν."
        )
    if np.allclose(off[:, 0], off[:, 1], rtol=1e-5):
        listed = ", ".join(f"{factor:.4g}" for factor in off[:, 0])
        return (
            f"the threshold is the right one for your σ̂; σ̂ itself is too large by the factors {listed} in the "
            f"{len(cases)} cases (below 1: too small). Look at steps 2 to 4: which ranks, which quantiles, which slope."
        )
    return None


BEMA = Task(
    "bema",
    "my_bema(nu, shape): the pair (σ̂, threshold for ν) at α = 0.2, β = 0.1, from descending singular values",
    _bema,
    [
        Case(
            (singular_values((33, 52), [3.0, 2.0], 0.5, 5), (33, 52)),
            "for a wide 33 × 52 matrix with two spikes",
        ),
        Case(
            (singular_values((72, 24), [4.0], 2.0, 6), (72, 24)),
            "for a tall 72 × 24 matrix with one spike",
        ),
        Case((singular_values((28, 28), [], 1.0, 7), (28, 28)), "for square 28 × 28 noise"),
        # Here αp is a whole number, and that rank belongs to the middle.
        Case(
            (singular_values((10, 16), [3.0], 0.1, 8), (10, 16)),
            "for a wide 10 × 16 matrix with one spike",
        ),
    ],
    [
        _bema_mistake(_WRONG_SIDE_P, side="p"),
        _bema_mistake(_WRONG_SIDE_P, side="p", back="n"),
        _bema_mistake(_WRONG_SIDE_M, side="M"),
        _bema_mistake(_WRONG_SIDE_M, side="M", back="n"),
        _bema_mistake(
            "reversed quantiles: the largest eigenvalue is matched with the smallest quantile. Singular values come in "
            "descending order, quantiles of rising ranks in ascending order; sort one of them.",
            reverse=True,
        ),
        _bema_mistake(
            "the eigenvalues are in descending order, as the singular values come: sort them, so that rank 1 is the "
            "smallest, as it is for the quantiles.",
            ascending=False,
        ),
        _bema_mistake(
            "the last of the middle ranks is missing: `np.arange` leaves out its end.",
            last_rank=lambda at: np.floor(at + 1e-9) - 1,
        ),
        _bema_mistake(_RANKS, first_rank=lambda at: np.floor(at + 1e-9)),
        _bema_mistake(
            _RANKS,
            first_rank=lambda at: np.floor(at + 1e-9),
            last_rank=lambda at: np.floor(at + 1e-9) - 1,
        ),
        _bema_mistake(
            "where αp is a whole number, as for p = 10, its middle begins one rank late: counted from 0, "
            "`lam[int(0.2 * p):]` starts with rank αp + 1. Rank αp belongs to the middle.",
            first_rank=lambda at: np.floor(at + 1e-9) + 1,
        ),
        _bema_mistake(
            "its middle is cut by quantiles, of the values or of the law; the algorithm cuts by *ranks*, from αp, "
            "rounded up, to (1 − α)p, rounded down.",
            first_rank=lambda at: np.ceil(at + 0.5 - 1e-9),
            last_rank=lambda at: np.floor(at + 0.5 + 1e-9),
        ),
        _bema_mistake(
            "ranks count from 1 and arrays from 0: the eigenvalue of rank j is `lam[j - 1]`.",
            offset=1,
        ),
        _bema_mistake(_SINGULAR, power=1),
        _bema_mistake(_SINGULAR, power=1, scaled=False, back="n"),
        _bema_mistake(
            "ν² is matched without dividing by n: the law is stated for λ = ν²/n.",
            scaled=False,
            back="n",
        ),
        Mistake(
            lambda nu, shape: np.array([_bema(nu, shape)[0] ** 2, _bema(nu, shape)[1]]),
            "its first number is σ̂², its second is right: the square root of the slope is missing.",
        ),
        Mistake(
            lambda nu, shape: np.array([_bema(nu, shape)[0], _bema(nu, shape)[1] ** 2]),
            "σ̂ is right; the threshold is one for ν²: its square root is missing.",
        ),
        Mistake(
            lambda nu, shape: np.array(
                [_bema(nu, shape)[0], _bema(nu, shape)[1] ** 2 / max(shape)]
            ),
            "σ̂ is right; the threshold is one for λ = ν²/n. Singular values are compared with √(nT).",
        ),
        Mistake(
            lambda nu, shape: np.array(
                [_bema(nu, shape)[0], _bema(nu, shape)[1] / np.sqrt(max(shape))]
            ),
            "σ̂ is right; the threshold is in units of √n: singular values are compared with √(nT), not with √T.",
        ),
        Mistake(
            lambda nu, shape: _bema(nu, shape)[::-1],
            "the two numbers are in reversed order: σ̂ first, then the threshold.",
        ),
        _bema_mistake(
            "wrong plotting position (j − 1)/p: the j-th smallest of p sits at the midpoint (j − ½)/p.",
            position=1.0,
        ),
        _bema_mistake(
            "wrong plotting position j/p: the j-th smallest of p sits at the midpoint (j − ½)/p.",
            position=0.0,
        ),
        _bema_mistake(
            "wrong plotting position j/(p + 1): the j-th smallest of p sits at the midpoint (j − ½)/p.",
            position=0.0,
            places=1,
        ),
        _bema_mistake(
            "it fits all eigenvalues, spikes included. Leave out the share α = 0.2 at either end.",
            alpha=0.0,
        ),
        _bema_mistake(
            "it leaves out the share 0.1 at either end; α = 0.2 is the share at *each* end.",
            alpha=0.1,
        ),
        _bema_mistake(
            "it fits q as a multiple of λ; the other way round, the least-squares slope is Σ qλ / Σ q².",
            slope="exchanged",
        ),
        _bema_mistake(
            "it fits a line with an intercept; noise of level 0 has no eigenvalues but 0, so the line goes through the "
            "origin: Σ qλ / Σ q².",
            slope="intercept",
        ),
        _bema_mistake(
            "it divides the means (or sums); the least-squares slope through the origin is Σ qλ / Σ q².",
            slope="means",
        ),
        _bema_mistake(
            "it averages the ratios λ/q; the least-squares slope through the origin is Σ qλ / Σ q².",
            slope="ratios",
        ),
        _bema_mistake(
            "σ̂ is right; the threshold is the bare edge, without the Tracy–Widom margin.",
            quantile=None,
        ),
        _bema_mistake(
            "σ̂ is right; the Tracy–Widom quantile is the one of β. Noise should stay *below* with probability 1 − β.",
            quantile=0.1,
        ),
        _bema_mistake(
            "σ̂ is right; the quantile is of F₂, the law for complex matrices. Weights are real: F₁.",
            beta_of_tw=2,
        ),
        _bema_mistake(
            "σ̂ is right; `x ** 4 / 3` is x⁴/3 in Python: write `x ** (4 / 3)`.",
            root_power=lambda root: root**4 / 3,
        ),
        _bema_mistake(
            "σ̂ is right; `c ** -1 / 6` is 1/(6c) in Python: write `c ** (-1 / 6)`.",
            c_power=lambda c: 1 / (6 * c),
        ),
        _bema_mistake(
            "σ̂ is right; `n ** -2 / 3` is 1/(3n²) in Python: write `n ** (-2 / 3)`.",
            n_power=lambda n: 1 / (3 * n**2),
        ),
        _bema_mistake(
            "σ̂ is right; the edge of λ is σ̂²(1 + √c)², and its square is missing.",
            edge=1,
        ),
        _bema_mistake(
            "σ̂ is right; the margin t·width is added without its factor σ̂².",
            margin_scaled=False,
        ),
        _bema_mistake(
            "σ̂ is right; the threshold for ν is √(nT), with the same n that made λ = ν²/n, not √(pT).",
            back="p",
        ),
        _bema_mistake(
            "σ̂ is right; the level β is 0.05: the quantile should be the one of 1 − 0.1.",
            quantile=0.95,
        ),
        Mistake(
            lambda nu, shape: np.array(
                [_bema(nu, shape)[0], np.sum(np.asarray(nu) > _bema(nu, shape)[1])]
            ),
            "σ̂ is right; its second number is the count of signal values. The task asks for the threshold.",
        ),
    ],
    part=_bema_part,
)

TASKS = (BEMA,)
