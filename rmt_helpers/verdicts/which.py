"""Claims about the estimators: what each promises, against matrices whose rank is known and trained layers.

From the experiments "estimators" and "choice"; chapter "Which threshold should you use?".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ..experiments import load_results
from .claim import Claim, Finding, mean_interval, share_interval

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


def per_draw(method: str, signal: str) -> list[tuple[NDArray[np.int64], int]]:
    """Counts of a method in every matrix of a Gaussian cell, and the number of detectable spikes, cell by cell."""
    results = load_results("estimators")
    table = results.table
    table = table[(table["method"] == method) & (table["signal"] == signal)]
    table = table[table["noise"] == "gaussian"]
    return [
        (results.arrays(run)[f"{method}/n_signal"].astype(np.int64), int(true))
        for run, true in zip(table["run"], table["detectable"], strict=True)
    ]


def _over_cells(means: ArrayLike, errors: ArrayLike) -> tuple[float, float, float]:
    """Mean of the means of independent cells, with the normal interval that their standard errors give."""
    mean, se = np.asarray(means, dtype=float), np.asarray(errors, dtype=float)
    half = float(stats.norm.ppf(0.975) * np.sqrt(np.sum(se**2)) / se.size)
    return float(mean.mean()), float(mean.mean()) - half, float(mean.mean()) + half


def _paired(first: Sequence[ArrayLike], second: Sequence[ArrayLike]) -> tuple[float, float, float]:
    """Mean difference in per cent on the same draws, mean over cells, with its interval over draws."""
    cells_of = [
        100 * (np.asarray(a, dtype=float) - np.asarray(b, dtype=float))
        for a, b in zip(first, second, strict=True)
    ]
    return _over_cells(
        [d.mean() for d in cells_of], [d.std(ddof=1) / np.sqrt(d.size) for d in cells_of]
    )


def _level(method: str, noises: tuple[str, ...], most: float, least: float = 0.0) -> Finding:
    """Whether a method keeps the level 0.1: all cells together, and each by itself."""
    hits, draws = false_alarms(method, noises)
    rate, low, high = share_interval(int(hits.sum()), int(draws.sum()))
    worst = min(
        stats.binomtest(int(h), int(d), 0.1, alternative="greater").pvalue
        for h, d in zip(hits, draws, strict=True)
    )
    broken = high < least or low > most or worst <= 0.05 / hits.size
    kept = least <= low and high <= most
    return Finding(
        "fails" if broken else "holds" if kept else "undecided",
        100 * rate,
        100 * low,
        100 * high,
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
    rest = rest[~rest["noise"].isin(INDEPENDENT)]
    # Where the premise fails the count is worthless, and the report should say so, at every size.
    warned = rest.groupby("noise", sort=False)["trust_low"].min()
    unseen = [noise for noise in warned.index if warned[noise] < 0.9]
    if found.verdict == "holds" and unseen:
        remark = f"{found.remark} Outside its premises it does not warn of: {', '.join(unseen)}."
        return Finding("holds with limits", found.effect, found.low, found.high, found.unit, remark)
    return found


def _least_error() -> Finding:
    loss, error = cells("loss"), cells("loss_se")
    # Two standard errors of a difference are at most the sum of both.
    excess = loss["gavish_donoho"] - loss["kritchman_nadler"]
    both = error["gavish_donoho"] + error["kritchman_nadler"]
    worse = excess > 2 * both
    few = [signal for signal in ("near", "strong") if not np.any(worse[signal])]
    many = bool(np.any(worse["many"]))
    mean, low, high = _over_cells(-100 * excess["near"], 100 * both["near"])
    verdict = "fails" if len(few) < 2 else "holds with limits" if many else "holds"
    return Finding(
        verdict,
        mean,
        low,
        high,
        "% of the signal's sum of squares",
        "Error saved against truncation at the rank that the stepwise test finds, weak spikes, "
        f"mean of {len(excess['near'])} shapes. With many spikes it is larger instead, by "
        f"{100 * excess['many'].mean():.1f} % on average, in part because the median overstates the noise.",
    )


def _shrinkage() -> Finding:
    loss, error = (cells(c).loc[["near", "strong", "many"]] for c in ("loss", "loss_se"))
    others = loss.drop(columns="optimal_shrinkage")
    best, place = others.min(axis=1), others.fillna(np.inf).to_numpy().argmin(axis=1)
    best_error = error[others.columns].to_numpy()[np.arange(len(place)), place]
    ratio = loss["optimal_shrinkage"] / best
    saved = 100 * (1 - ratio)
    # Of a quotient of two means whose errors may have either sign.
    unsure = 100 * (error["optimal_shrinkage"] + ratio * best_error) / best
    surely = saved > 2 * unsure
    mean, low, high = _over_cells(saved, unsure)
    verdict = "fails" if high < 0 else "undecided"
    if low > 0:
        verdict = "holds" if surely.all() else "holds with limits"
    return Finding(
        verdict,
        mean,
        low,
        high,
        "% of the error",
        f"Saved against the best truncation of each of {saved.size} cells with detectable spikes in Gaussian noise, "
        f"mean of the cells; the least is {saved.min():.1f} %, and in {int(surely.sum())} it is more than two "
        "standard errors.",
    )


def _stepwise() -> Finding:
    def gain(signal: str) -> tuple[float, float, float]:
        exact = {
            method: [counts == true for counts, true in per_draw(method, signal)]
            for method in ("kritchman_nadler", "bema")
        }
        return _paired(exact["kritchman_nadler"], exact["bema"])

    mean, low, high = gain("many")
    few = gain("strong")
    verdict = "fails" if high < 0 else "undecided"
    if low > 0:
        verdict = "holds" if few[1] > -1 else "holds with limits"
    return Finding(
        verdict,
        mean,
        low,
        high,
        "points of exact ranks",
        f"Against BEMA on the same matrices, many spikes, mean of {len(per_draw('bema', 'many'))} shapes, interval "
        f"over draws. With a few strong ones {few[0]:+.1f} points ({few[1]:.1f} to {few[2]:.1f}): its level is spent "
        "once more after each of them.",
    )


def _shadow() -> Finding:
    found = [
        [np.minimum(counts, true) / true for counts, true in per_draw(method, "many")]
        for method in (ROBUST, "parallel_analysis, columns")
    ]
    mean, low, high = _paired(*found)
    return Finding(
        "holds with limits" if low > 0 else "fails" if high < 0 else "undecided",
        mean,
        low,
        high,
        "points of spikes found",
        f"On the same matrices, many spikes, mean of {len(found[0])} shapes, interval over draws. The two differ in "
        "the copies as well, signs against permuted columns, so what deflation does alone was not measured.",
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
        "holds"
        if all(positive)
        else "holds with limits"
        if any(positive)
        else "fails"
        if all(high < 0 for _, _, high in intervals.values())
        else "undecided",
        mean,
        low,
        high,
        "points of accuracy",
        f"Lost more by the least-error cut than by the stepwise test, all layers cut, {len(dearer)} seeds: {told}.",
    )


def _function() -> Finding:
    drop = lost("auto")
    intervals = {name: mean_interval(drop[name]) for name in drop}
    mean, low, high = mean_interval(drop.mean(axis=1))
    told = "; ".join(
        f"{name} {m:.1f} ({a:.1f} to {b:.1f})" for name, (m, a, b) in intervals.items()
    )
    within = [high <= 0.5 for _, _, high in intervals.values()]
    beyond = [low > 0.5 for _, low, _ in intervals.values()]
    table = networks()
    short = table[(table["layer"] == "conv2") & (table["method"] == "auto")]
    return Finding(
        "holds"
        if all(within)
        else "holds with limits"
        if any(within)
        else "fails"
        if all(beyond)
        else "undecided",
        mean,
        low,
        high,
        "points of accuracy",
        f'Lost with every layer cut to the rank of "auto", {len(drop)} seeds: {told}. In LeNet conv2 alone, with '
        f"16 singular values, loses {short['lost'].mean():.1f}; the trust was low there in "
        f"{(short['trust'] == 'low').sum()} of {len(short)} networks.",
    )


CLAIMS = (
    Claim(
        "which-bema-level",
        "ke2023",
        "BEMA takes pure noise for signal as often as its level β says.",
        "At β = 0.1 all Gaussian cells together have between 7 and 13 % false alarms, with the interval, and none has "
        "significantly more than 10 % (exact binomial tests, Bonferroni).",
        "ch-which",
        _bema_level,
    ),
    Claim(
        "which-auto-level",
        "book",
        'The rule "auto" keeps its false-alarm rate for independent noise of any variances and tails, and says '
        "so where it cannot.",
        "At most 13 % false alarms over all such cells, with the interval, none significantly above 10 %; where "
        "entries are correlated or share a mean, trust is low in nine of ten matrices, or the claim has that limit.",
        "ch-which",
        _auto_level,
    ),
    Claim(
        "which-least-error",
        "gavish2014",
        "The hard threshold of Gavish and Donoho recovers the signal with less error than truncation at the "
        "detected rank.",
        "In no Gaussian cell with detectable spikes is its mean squared error larger than that of the stepwise test by "
        "more than two standard errors, those of both added; with limits if with many spikes only.",
        "ch-which",
        _least_error,
    ),
    Claim(
        "which-shrinkage",
        "gavish2017",
        "Optimal shrinkage recovers the signal with less error than any truncation.",
        "Its mean squared error is the least of all methods in every Gaussian cell with detectable spikes, by more "
        "than two standard errors, those of both added; with limits if so on average.",
        "ch-which",
        _shrinkage,
    ),
    Claim(
        "which-stepwise",
        "kritchman2009",
        "A test for one signal after another, with the noise re-estimated each time, finds the rank more often "
        "than one threshold for all.",
        "With many spikes it has more exact ranks than BEMA (interval above 0), and with few strong ones surely not "
        "more than one point fewer, or the claim has that limit.",
        "ch-which",
        _stepwise,
    ),
    Claim(
        "which-shadow",
        "dobriban2019",
        "Strong signals hide weak ones from parallel analysis; deflation, here together with random signs, uncovers "
        "them.",
        "With many spikes, deflation and signs find more of them than permuted columns without deflation (interval "
        "above 0); with limits, because it takes both at once.",
        "ch-which",
        _shadow,
    ),
    Claim(
        "which-least-error-network",
        "book",
        "What brings a matrix nearest to its signal is not what a network can best do without: the least-error "
        "threshold costs more accuracy than detection.",
        "More points lost with all layers cut, in each network (interval of paired seeds above 0); with limits if in "
        "some.",
        "ch-which",
        _cut_for_error,
    ),
    Claim(
        "which-function",
        "book",
        "A trained network keeps its accuracy when every layer is cut to the rank that a good detector finds.",
        "At most half a point lost in each network (upper end of the interval over seeds); with limits if in some.",
        "ch-which",
        _function,
    ),
)
