"""What the experiments "switching" and "mp_pruning" say: when to go over to low rank, and what cutting is worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from scipy import stats

from ..experiments import load_results
from .claim import Claim, Finding, mean_interval, over_cases

#: A pandas.DataFrame or one of its columns, whose stubs know less than the experiment does.
Frame: TypeAlias = Any

#: The network of each data set on which the multiple of the count is chosen; the others are judged.
CHOSEN_ON = 0

#: How many points a network may lose that keeps at most this share of its weights.
MARGIN, SMALL = 0.5, 0.30

#: What the text calls the data sets.
PLACES = {"mnist": "digits", "fashion-mnist": "clothes"}

COUNT, FIXED, STABLE = "count settled", "fixed epoch", "stable rank settled"


def best_multiple(table: Frame, rule: str) -> int:
    """The multiple of one network's counts that has the highest validation accuracy; of equals the smallest.

    Among those that leave a small network, if there are any.
    """
    tried = table[table["rule"] == rule].sort_values("multiple")
    small = tried[tried["share_of_weights"] <= SMALL]
    among = small if len(small) else tried
    return int(among.iloc[int(np.argmax(among["validation_accuracy"]))]["multiple"])


def switched(table: Frame) -> Frame:
    """The large networks of the experiment "switching" that were not used to choose.

    `points` is accuracy less that of full training; `chosen` says whether the multiple is the one that was
    chosen for this rule and this data set, and is true where a rule has no multiple.
    """
    large = table[table["images"] == table["images"].max()].copy()
    full = large[large["rule"] == "full"].set_index(["data", "seed"])["test_accuracy"]
    keys = list(zip(large["data"], large["seed"], strict=True))
    large["points"] = 100 * (large["test_accuracy"].to_numpy() - full.loc[keys].to_numpy())
    chosen = large["multiple"] == 0
    for (data, rule), group in large.groupby(["data", "rule"]):
        best = best_multiple(group[group["seed"] == CHOSEN_ON], str(rule))
        chosen |= (large["data"] == data) & (large["rule"] == rule) & (large["multiple"] == best)
    large["chosen"] = chosen
    return large[large["seed"] != CHOSEN_ON]


def pruned(table: Frame) -> Frame:
    """The large networks of the experiment "mp_pruning"; `points` is accuracy less that of the one left alone."""
    large = table[table["images"] == table["images"].max()].copy()
    alone = large[large["kind"] == "left alone"].set_index(["random_labels", "seed"])[
        "test_accuracy"
    ]
    keys = list(zip(large["random_labels"], large["seed"], strict=True))
    large["points"] = 100 * (large["test_accuracy"].to_numpy() - alone.loc[keys].to_numpy())
    return large


def variance_ratio(a: Sequence[float], b: Sequence[float]) -> tuple[float, float, float]:
    """Variance of `a` over that of `b` with the 95 % interval for independent normal values."""
    x, y = np.asarray(a, float), np.asarray(b, float)
    ratio = float(x.var(ddof=1) / y.var(ddof=1))
    low, high = (float(stats.f.ppf(q, y.size - 1, x.size - 1)) for q in (0.025, 0.975))
    return ratio, ratio * low, ratio * high


def _as_good(rule: Frame, what: str) -> Finding:
    """Whether networks are within the margin of full training and small, on every data set."""
    intervals = {str(data): mean_interval(group["points"]) for data, group in rule.groupby("data")}
    shares = {
        str(data): float(part["share_of_weights"].mean()) for data, part in rule.groupby("data")
    }
    worse = min(intervals, key=lambda data: intervals[data][0])
    mean, low, high = intervals[worse]
    return Finding(
        over_cases(
            [low > -MARGIN and shares[data] <= SMALL for data, (_, low, _) in intervals.items()],
            [high < -MARGIN or shares[data] > SMALL for data, (_, _, high) in intervals.items()],
        ),
        mean,
        low,
        high,
        "points of accuracy",
        f"{what}, less full training, on {PLACES[worse]} (the worse of two), {rule['seed'].nunique()} seeds; there "
        f"{shares[worse]:.0%} of the weights remain.",
    )


def _switched() -> Frame:
    return switched(load_results("switching").table)


def _at_count() -> Finding:
    table = _switched()
    rule = table[(table["rule"] == COUNT) & (table["multiple"] == 1)]
    return _as_good(rule, "Switching to rank ŝ when the counts have settled")


def _at_multiple() -> Finding:
    table = _switched()
    rule = table[(table["rule"] == COUNT) & table["chosen"]]
    return _as_good(rule, "Switching to a multiple of ŝ when the counts have settled")


def _stable_rank() -> Finding:
    table = _switched()
    return _as_good(table[table["rule"] == STABLE], "Switching to the scaled stable rank")


def _waiting() -> Finding:
    table = _switched()
    by = table[table["chosen"]].pivot_table(index=["data", "seed"], columns="rule", values="points")
    gain = (by[COUNT] - by[FIXED]).groupby("seed").mean()
    mean, low, high = mean_interval(gain)
    costs = table[table["chosen"]].groupby("rule")["share_of_products"].mean()
    return Finding(
        "holds" if low > 0 else "fails" if high < MARGIN else "undecided",
        mean,
        low,
        high,
        "points of accuracy",
        f"Switching when the counts have settled less switching at a fixed early epoch, each at its own multiple, "
        f"mean over two data sets, {gain.size} seeds; the one needs {costs[COUNT]:.0%} of the products of full "
        f"training, the other {costs[FIXED]:.0%}.",
    )


def _time() -> Finding:
    table = _switched()
    rule = table[table["rule"] == STABLE]
    intervals = {str(data): mean_interval(g["share_of_time"]) for data, g in rule.groupby("data")}
    worse = max(intervals, key=lambda data: intervals[data][0])
    mean, low, high = intervals[worse]
    return Finding(
        over_cases(
            [high < 1 for _, _, high in intervals.values()],
            [low > 1 for _, low, _ in intervals.values()],
        ),
        mean,
        low,
        high,
        "times the time",
        f"Processor time of training that goes over when stable ranks settle, over that of full training, on "
        f"{PLACES[worse]} (the worse of two), {rule['seed'].nunique()} seeds; looking and splitting count.",
    )


def _pruning_accuracy() -> Finding:
    large = pruned(load_results("mp_pruning").table)
    rule = large[large["kind"] == "pruned"]
    intervals = {float(w): mean_interval(g["points"]) for w, g in rule.groupby("random_labels")}
    worse = min(intervals, key=lambda wrong: intervals[wrong][0])
    mean, low, high = intervals[worse]
    return Finding(
        over_cases(
            [low > 0 for _, low, _ in intervals.values()],
            [high < 0 for _, _, high in intervals.values()],
        ),
        mean,
        low,
        high,
        "points of accuracy",
        f"Cut during training less left alone, with {worse:.0%} of the labels random (the worse of two), "
        f"{rule['seed'].nunique()} paired seeds; no interval reaches above "
        f"{max(high for _, _, high in intervals.values()):+.1f}.",
    )


def _pruning_variance() -> Finding:
    large = pruned(load_results("mp_pruning").table)
    clean = large[large["random_labels"] == 0]
    ratio, low, high = variance_ratio(
        clean[clean["kind"] == "pruned"]["test_accuracy"],
        clean[clean["kind"] == "left alone"]["test_accuracy"],
    )
    return Finding(
        "holds" if high < 1 else "fails" if low > 1 else "undecided",
        ratio,
        low,
        high,
        "times the variance",
        f"Variance of test accuracy over {clean['seed'].nunique()} seeds, cut during training over left alone, true "
        "labels.",
    )


CLAIMS = (
    Claim(
        "line-1",
        "book",
        "Training can go over from full to low rank when the number of signal values settles.",
        "At rank ŝ half a point of accuracy or less is lost and 30 % of the weights or fewer remain: the interval "
        "lies above −0.5 on both data sets; with limits, on one; fails, if on one it lies below, or more remain.",
        "ch-stopping",
        _at_count,
    ),
    Claim(
        "line-1-multiple",
        "book",
        "Training can go over to a multiple of the number of signal values when that number settles.",
        "Half a point or less is lost and 30 % of the weights or fewer remain, judged as for rank ŝ; the multiple is "
        "chosen by validation on one network that is not judged.",
        "ch-stopping",
        _at_multiple,
    ),
    Claim(
        "switching-when",
        "book",
        "Waiting until the number of signal values settles pays.",
        "It is more accurate than switching at a fixed early epoch, each with the multiple chosen for it: the "
        "interval of the difference lies above zero; fails, if it lies below half a point.",
        "ch-stopping",
        _waiting,
    ),
    Claim(
        "switching-stable-rank",
        "wang2023",
        "Going over when stable ranks settle, to ranks in proportion to them, gives small networks that are as good.",
        "Half a point or less is lost and 30 % of the weights or fewer remain, judged as for rank ŝ.",
        "ch-stopping",
        _stable_rank,
    ),
    Claim(
        "switching-time",
        "wang2023",
        "Going over when stable ranks settle makes training faster.",
        "The interval of the ratio of processor times lies below 1 on both data sets; with limits, on one; fails, if "
        "on one it lies above 1.",
        "ch-stopping",
        _time,
    ),
    Claim(
        "pruning-accuracy",
        "berlyand2024",
        "Cutting by the Marchenko–Pastur law during training raises the accuracy of fully connected networks.",
        "The interval of the paired difference from the same training left alone lies above zero, with true and with "
        "wrong labels; with limits, with one of the two; fails, if with one it lies below.",
        "ch-stopping",
        _pruning_accuracy,
    ),
    Claim(
        "pruning-variance",
        "berlyand2024",
        "It also lowers the variance over initialisations.",
        "The interval of the ratio of variances lies below 1; fails, if above.",
        "ch-stopping",
        _pruning_variance,
    ),
)
