"""Claims about the estimators: what each promises, against matrices whose rank is known and trained layers.

From the experiments "estimators" and "choice"; chapter "Which threshold should you use?".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ..experiments import load_results
from .claim import Claim, Finding, mean_interval

if TYPE_CHECKING:
    import pandas as pd

# Kinds of noise whose entries are independent and have mean zero.
INDEPENDENT = ("gaussian", "dead columns", "unequal rows", "student 5", "student 3")
ROBUST = "parallel_analysis, signs"


def cells(column: str, noise: str = "gaussian") -> pd.DataFrame:
    """One column of "estimators" for one kind of noise: a row for each signal and shape, a column for each method."""
    table = load_results("estimators").table
    table = table[table["noise"] == noise].assign(
        shape=lambda t: t["shape"].map(lambda s: f"{s[0]}×{s[1]}"),
        loss=lambda t: t["loss"] / t["planted"].where(t["planted"] > 0, 1.0),
        loss_se=lambda t: t["loss_se"] / t["planted"].where(t["planted"] > 0, 1.0),
    )
    return table.pivot(index=["signal", "shape"], columns="method", values=column)


def false_alarms(
    method: str, noises: tuple[str, ...]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Pure-noise matrices in which a method saw a signal, and their number, cell by cell."""
    table = load_results("estimators").table
    pure = table[(table["method"] == method) & (table["signal"] == "none")]
    pure = pure[pure["noise"].isin(noises)]
    draws = pure["draws"].to_numpy(dtype=np.int64)
    return np.rint(pure["too_many"].to_numpy() * draws), draws


def _level(method: str, noises: tuple[str, ...], most: float, least: float = 0.0) -> Finding:
    """Whether a method keeps the level 0.1: all cells together, and each by itself."""
    hits, draws = false_alarms(method, noises)
    pooled = stats.binomtest(int(hits.sum()), int(draws.sum()))
    interval = pooled.proportion_ci(0.95)
    worst = min(
        stats.binomtest(int(h), int(d), 0.1, alternative="greater").pvalue
        for h, d in zip(hits, draws, strict=True)
    )
    rate = float(pooled.statistic)
    kept = least <= rate <= most and worst > 0.05 / hits.size
    return Finding(
        "holds" if kept else "fails",
        100 * rate,
        100 * interval.low,
        100 * interval.high,
        "% false alarms",
        f"{draws.sum()} matrices of pure noise in {hits.size} cells; the worst cell has "
        f"{100 * (hits / draws).max():.1f} %.",
    )


def _bema_level() -> Finding:
    return _level("bema", ("gaussian",), 0.13, 0.07)


def _auto_level() -> Finding:
    found = _level("auto", INDEPENDENT, 0.13)
    table = load_results("estimators").table
    rest = table[(table["method"] == "auto") & (table["signal"] == "none")]
    rest = rest[~rest["noise"].isin(INDEPENDENT)].set_index("noise")
    # Where the premise fails the count is worthless, and the report should say so.
    warned = rest["trust_low"]
    unseen = [noise for noise in warned.index if warned[noise] < 0.9]
    if found.verdict == "holds" and unseen:
        remark = f"{found.remark} Outside its premises trust is not low under: {', '.join(unseen)}."
        return Finding("holds with limits", found.effect, found.low, found.high, found.unit, remark)
    return found


def _least_error() -> Finding:
    loss, error = cells("loss"), cells("loss_se")
    # Two standard errors of a difference are at most the sum of both.
    excess = loss["gavish_donoho"] - loss["kritchman_nadler"]
    worse = excess > 2 * (error["gavish_donoho"] + error["kritchman_nadler"])
    few = [signal for signal in ("near", "strong") if not np.any(worse[signal])]
    many = bool(np.any(worse["many"]))
    mean, low, high = mean_interval(-100 * excess["near"])
    verdict = "fails" if len(few) < 2 else "holds with limits" if many else "holds"
    return Finding(
        verdict,
        mean,
        low,
        high,
        "% of the signal's sum of squares",
        "Error saved against truncation at the rank that the stepwise test finds, weak spikes, "
        f"{len(excess['near'])} shapes. With many spikes it is larger instead, by "
        f"{100 * excess['many'].mean():.1f} % on average, in part because the median overstates the noise.",
    )


def _shrinkage() -> Finding:
    loss = cells("loss").loc[["near", "strong", "many"]]
    best = loss.drop(columns="optimal_shrinkage").min(axis=1)
    saved = 100 * (1 - loss["optimal_shrinkage"] / best)
    mean, low, high = mean_interval(saved)
    return Finding(
        "holds" if (saved > 0).all() else "holds with limits" if mean > 0 else "fails",
        mean,
        low,
        high,
        "% of the error",
        f"Saved against the best truncation of each of {saved.size} cells with detectable spikes in "
        f"Gaussian noise; the least is {saved.min():.1f} %.",
    )


def _stepwise() -> Finding:
    exact = cells("exact")
    gain = 100 * (exact["kritchman_nadler"] - exact["bema"])
    mean, low, high = mean_interval(gain["many"])
    below = float(gain["strong"].min())
    never_worse = below > -1.0
    return Finding(
        "fails" if low <= 0 else "holds" if never_worse else "holds with limits",
        mean,
        low,
        high,
        "points of exact ranks",
        f"Against BEMA, many spikes, {len(gain['many'])} shapes. With four strong ones it is up to "
        f"{-below:.1f} points behind: its level is spent once more after each of them.",
    )


def _shadow() -> Finding:
    found = cells("found").loc["many"]
    gain = 100 * (found[ROBUST] - found["parallel_analysis, columns"])
    mean, low, high = mean_interval(gain)
    return Finding(
        "holds" if low > 0 else "fails" if high < 0 else "undecided",
        mean,
        low,
        high,
        "points of spikes found",
        f"Deflation and signs against column permutation, many spikes, {gain.size} shapes.",
    )


def networks() -> pd.DataFrame:
    """The trained networks of "choice", without the small one that only tests read."""
    table = load_results("choice").table
    table = table[table["images"].isna()].copy()
    table["network"] = table["network"].map({"mlp": "MLP", "lenet": "LeNet"}) + ", " + table["data"]
    table["lost"] = 100 * (table["test_full"] - table["test"])
    return table


def lost(method: str) -> pd.DataFrame:
    """Points of accuracy lost with all layers cut by a method: a row a seed, a column a network."""
    table = networks()
    rows = table[(table["layer"] == "all") & (table["method"] == method)]
    return rows.pivot(index="seed", columns="network", values="lost")


def _cut_for_error() -> Finding:
    dearer = lost("gavish_donoho") - lost("kritchman_nadler")
    intervals = {name: mean_interval(dearer[name]) for name in dearer}
    positive = [low > 0 for _, low, _ in intervals.values()]
    mean, low, high = mean_interval(dearer.mean(axis=1))
    told = "; ".join(
        f"{name} {m:.1f} ({a:.1f} to {b:.1f})" for name, (m, a, b) in intervals.items()
    )
    return Finding(
        "holds" if all(positive) else "holds with limits" if any(positive) else "undecided",
        mean,
        low,
        high,
        "points of accuracy",
        f"Lost more by the least-error cut than by the stepwise test, all layers cut, five seeds: {told}.",
    )


def _function() -> Finding:
    drop = lost("auto")
    intervals = {name: mean_interval(drop[name]) for name in drop}
    mean, low, high = mean_interval(drop.mean(axis=1))
    told = "; ".join(
        f"{name} {m:.1f} ({a:.1f} to {b:.1f})" for name, (m, a, b) in intervals.items()
    )
    within = [high <= 0.5 for _, _, high in intervals.values()]
    table = networks()
    short = table[(table["layer"] == "conv2") & (table["method"] == "auto")]
    return Finding(
        "holds" if all(within) else "holds with limits" if any(within) else "fails",
        mean,
        low,
        high,
        "points of accuracy",
        f'Lost with every layer cut to the rank of "auto", five seeds: {told}. In LeNet conv2 alone, with '
        f"16 singular values, loses {short['lost'].mean():.1f}; the trust was low there in "
        f"{(short['trust'] == 'low').sum()} of {len(short)} networks.",
    )


CLAIMS = (
    Claim(
        "which-bema-level",
        "ke2023",
        "BEMA takes pure noise for signal as often as its level β says.",
        "At β = 0.1 all Gaussian cells together have between 7 and 13 % false alarms, and none has "
        "significantly more than 10 % (exact binomial tests, Bonferroni).",
        "ch-which",
        _bema_level,
    ),
    Claim(
        "which-auto-level",
        "book",
        'The rule "auto" keeps its false-alarm rate for independent noise of any variances and tails, and says '
        "so where it cannot.",
        "At most 13 % false alarms over all such cells, none significantly above 10 %; where entries are "
        "correlated or share a mean, trust is low in nine of ten matrices.",
        "ch-which",
        _auto_level,
    ),
    Claim(
        "which-least-error",
        "gavish2014",
        "The hard threshold of Gavish and Donoho recovers the signal with less error than truncation at the "
        "detected rank.",
        "In no Gaussian cell with detectable spikes is its mean squared error larger by more than two standard "
        "errors.",
        "ch-which",
        _least_error,
    ),
    Claim(
        "which-shrinkage",
        "gavish2017",
        "Optimal shrinkage recovers the signal with less error than any truncation.",
        "Its mean squared error is the least of all methods in every Gaussian cell with detectable spikes.",
        "ch-which",
        _shrinkage,
    ),
    Claim(
        "which-stepwise",
        "kritchman2009",
        "A test for one signal after another, with the noise re-estimated each time, finds the rank more often "
        "than one threshold for all.",
        "With many spikes it has more exact ranks than BEMA (interval above 0), and with few strong ones not "
        "more than one point fewer.",
        "ch-which",
        _stepwise,
    ),
    Claim(
        "which-shadow",
        "dobriban2019",
        "Strong signals hide weak ones from parallel analysis, and deflation uncovers them.",
        "With many spikes more of them are found with deflation (interval above 0).",
        "ch-which",
        _shadow,
    ),
    Claim(
        "which-least-error-network",
        "book",
        "What brings a matrix nearest to its signal is not what a network can best do without: the least-error "
        "threshold costs more accuracy than detection.",
        "More points lost with all layers cut, in each network (interval of five paired seeds above 0).",
        "ch-which",
        _cut_for_error,
    ),
    Claim(
        "which-function",
        "book",
        "A trained network keeps its accuracy when every layer is cut to the rank that a good detector finds.",
        "At most half a point lost in each network (upper end of the interval over five seeds).",
        "ch-which",
        _function,
    ),
)
