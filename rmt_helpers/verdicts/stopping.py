"""What the experiments "stopping" and "mp_pruning" say: when to stop, and what cutting on the way is worth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from scipy import stats

from .._checks import FloatArray
from ..experiments import load_results
from .claim import Claim, Finding, mean_interval, untested

#: A pandas.DataFrame or one of its columns, whose stubs know less than the experiment does.
Frame: TypeAlias = Any

#: The network on which k and a fixed epoch are chosen; the others are judged.
CHOSEN_ON = 0

#: Where the borrowed k and the borrowed epoch come from.
LENDER = "digits, 40 % random"

#: How many points of accuracy a rule may lose.
MARGIN_STOP = 1.5

#: Multiples of the null that are tried for k.
GRID = np.geomspace(0.5, 15, 120)


def departure(run: Frame) -> FloatArray:
    """Epoch by epoch, the distance of the bulk in units of what noise shows; the larger of both layers."""
    first, second = (np.asarray(run[f"ks_{f}"] / run[f"null_{f}"], float) for f in ("fc1", "fc2"))
    return np.asarray(np.maximum(first, second), dtype=np.float64)


def stop(run: Frame, k: float) -> int:
    """Row of the first epoch at which the bulk has left the law by more than k nulls, or of the last."""
    beyond = np.flatnonzero(departure(run) > k)
    return int(beyond[0]) if beyond.size else len(run) - 1


def best_k(run: Frame) -> float:
    """The multiple whose stop has the highest validation accuracy; of equals the smallest."""
    reached = [run["validation_accuracy"].iloc[stop(run, k)] for k in GRID]
    return float(GRID[int(np.argmax(reached))])


def stops(table: Frame) -> Frame:
    """Where each rule stops each network that was not used to choose, and the test accuracy there.

    `points` is test accuracy less that at validation stopping, in points.
    """
    import pandas as pd

    def of(case: str, seed: int) -> Frame:
        return table[(table["case"] == case) & (table["seed"] == seed)]

    def best_epoch(run: Frame) -> int:
        return int(np.argmax(run["validation_accuracy"]))

    lender = of(LENDER, CHOSEN_ON)
    rows = []
    for case in table["case"].unique():
        chosen = of(case, CHOSEN_ON)
        for seed in sorted(set(table["seed"]) - {CHOSEN_ON}):
            run = of(case, seed)
            at = {
                "validation": best_epoch(run),
                "own k": stop(run, best_k(chosen)),
                "own epoch": best_epoch(chosen),
                "borrowed k": stop(run, best_k(lender)),
                "borrowed epoch": best_epoch(lender),
                "last epoch": len(run) - 1,
            }
            test = run["test_accuracy"].to_numpy()
            rows += [
                {
                    "case": case,
                    "seed": seed,
                    "rule": rule,
                    "epoch": row + 1,
                    "test_accuracy": test[row],
                    "points": 100 * (test[row] - test[at["validation"]]),
                }
                for rule, row in at.items()
            ]
    return pd.DataFrame(rows)


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


def _worst(found: Frame, by: str) -> tuple[str, tuple[float, float, float]]:
    """The group whose mean of `points` is lowest, with the interval."""
    intervals = {str(key): mean_interval(group["points"]) for key, group in found.groupby(by)}
    name = min(intervals, key=lambda key: intervals[key][0])
    return name, intervals[name]


def _stop(rule: str) -> Finding:
    found = stops(load_results("stopping").table)
    chosen = found[found["rule"] == rule]
    case, (mean, low, high) = _worst(chosen, "case")
    seeds = chosen["seed"].nunique()
    means = chosen.groupby("case")["points"].mean()
    verdict = "holds" if low > -MARGIN_STOP else "holds with limits"
    if high < -MARGIN_STOP or means.median() < -MARGIN_STOP:
        verdict = "fails"
    return Finding(
        verdict,
        mean,
        low,
        high,
        "points of accuracy",
        f"Test accuracy less that of validation stopping in the worst of {means.size} cases, “{case}”, "
        f"{seeds} seeds; over all cases {chosen['points'].mean():+.1f}.",
    )


def _own() -> Finding:
    return _stop("own k")


def _borrowed() -> Finding:
    return _stop("borrowed k")


def _against_epoch() -> Finding:
    found = stops(load_results("stopping").table).pivot_table(
        index=["case", "seed"], columns="rule", values="points"
    )
    gain = (found["own k"] - found["own epoch"]).groupby("seed").mean()
    mean, low, high = mean_interval(gain)
    return Finding(
        "holds" if low > 0 else "fails" if high < 0.5 else "undecided",
        mean,
        low,
        high,
        "points of accuracy",
        "Stopping by the spectrum less stopping at a fixed epoch, both chosen on the same network, mean over the "
        f"cases, {gain.size} seeds; half a point would have been worth having.",
    )


def _difficulty() -> Finding:
    table: Frame = load_results("stopping").table
    last = table[table["epoch"] == table.groupby("case")["epoch"].transform("max")]
    ks = last.pivot_table(index="seed", columns="case", values="ks_fc1")
    mean, low, high = mean_interval(np.log(ks[LENDER] / ks["digits"]))
    return Finding(
        "holds" if low > 0 else "fails" if high < 0 else "undecided",
        math.exp(mean),
        math.exp(low),
        math.exp(high),
        "times the distance",
        f"Distance of FC1's bulk from the law at the last epoch, 40 % of the labels random against none, {len(ks)} "
        "paired seeds; not a heavy tail, only a departure.",
    )


def _berlyand_accuracy() -> Finding:
    large = pruned(load_results("mp_pruning").table)
    rule = large[large["kind"] == "pruned"]
    name, (mean, low, high) = _worst(rule, "random_labels")
    best = max(mean_interval(group["points"])[2] for _, group in rule.groupby("random_labels"))
    better = all(mean_interval(g["points"])[1] > 0 for _, g in rule.groupby("random_labels"))
    some = any(mean_interval(g["points"])[1] > 0 for _, g in rule.groupby("random_labels"))
    return Finding(
        "holds"
        if better
        else "holds with limits"
        if some
        else "fails"
        if high < 0
        else "undecided",
        mean,
        low,
        high,
        "points of accuracy",
        f"Cut during training less left alone, with {float(name):.0%} of the labels random (the worse of two), "
        f"{rule['seed'].nunique()} paired seeds; no interval reaches above {best:+.1f}.",
    )


def _berlyand_variance() -> Finding:
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
        "stopping-own",
        "meng2023",
        "One can stop training when the bulk leaves the law, without looking at other images.",
        "With k fixed on one network, others lose at most 1.5 points against validation stopping, in every case.",
        "ch-stopping",
        _own,
    ),
    Claim(
        "stopping-borrowed",
        "meng2023",
        "The same departure from the law is the moment to stop for another problem or learning rate.",
        "With k fixed on one case, no case loses more than 1.5 points against validation stopping.",
        "ch-stopping",
        _borrowed,
    ),
    Claim(
        "stopping-epoch",
        "book",
        "The spectrum says more about when to stop than the calendar does.",
        "Stopping by the spectrum beats a fixed epoch that was chosen on the same network.",
        "ch-stopping",
        _against_epoch,
    ),
    Claim(
        "stopping-difficulty",
        "meng2023",
        "The harder the problem, the farther the spectrum leaves the law.",
        "The distance is larger with 40 % random labels than with none, paired over seeds.",
        "ch-stopping",
        _difficulty,
    ),
    Claim(
        "pruning-accuracy",
        "berlyand2024",
        "Cutting by the Marchenko–Pastur law during training raises the accuracy of fully connected networks.",
        "The paired difference from the same training left alone is positive, with true and with wrong labels.",
        "ch-stopping",
        _berlyand_accuracy,
    ),
    Claim(
        "pruning-variance",
        "berlyand2024",
        "It also lowers the variance over initialisations.",
        "The ratio of variances and its interval lie below 1.",
        "ch-stopping",
        _berlyand_variance,
    ),
    Claim(
        "line-1",
        "book",
        "Training can go over from full to low rank when the number of signal values settles.",
        "Half a point of accuracy or less is lost with 30 % of the parameters or fewer.",
        "ch-stopping",
        untested("No stored experiment changes the rank in the middle of training."),
    ),
)
