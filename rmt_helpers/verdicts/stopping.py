"""What the experiment "stopping" says of when to stop."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np

from .._checks import FloatArray
from ..experiments import load_results
from .claim import Claim, Finding, mean_interval, over_cases

#: A pandas.DataFrame or one of its columns, whose stubs know less than the experiment does.
Frame: TypeAlias = Any

#: The network on which k and a fixed epoch are chosen; the others are judged.
CHOSEN_ON = 0

#: Where the borrowed k and the borrowed epoch come from.
LENDER = "digits, 40 % random"

#: How many points of accuracy a rule may lose, and how many more than a control it should gain.
MARGIN_STOP, WORTH = 1.5, 0.5

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


def _stop(rule: str) -> Finding:
    found = stops(load_results("stopping").table)
    chosen = found[found["rule"] == rule]
    intervals = {str(case): mean_interval(g["points"]) for case, g in chosen.groupby("case")}
    case = min(intervals, key=lambda case: intervals[case][0])
    mean, low, high = intervals[case]
    return Finding(
        over_cases(
            [low > -MARGIN_STOP for _, low, _ in intervals.values()],
            [high < -MARGIN_STOP for _, _, high in intervals.values()],
        ),
        mean,
        low,
        high,
        "points of accuracy",
        f"Test accuracy less that of validation stopping in the worst of {len(intervals)} cases, “{case}”, "
        f"{chosen['seed'].nunique()} seeds; over all cases {chosen['points'].mean():+.1f}.",
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
        "holds" if low > 0 else "fails" if high < WORTH else "undecided",
        mean,
        low,
        high,
        "points of accuracy",
        "Stopping by the spectrum less stopping at a fixed epoch, both chosen on the same network, mean over the "
        f"cases, {gain.size} seeds.",
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


CLAIMS = (
    Claim(
        "stopping-own",
        "meng2023",
        "One can stop training when the bulk leaves the law, without looking at other images.",
        "With k fixed on one network, others lose at most 1.5 points against validation stopping: in every case the "
        "interval lies above that; with limits, in half of the cases; fails, if in half it lies below.",
        "ch-stopping",
        _own,
    ),
    Claim(
        "stopping-borrowed",
        "meng2023",
        "The same departure from the law is the moment to stop for another problem or learning rate.",
        "With k fixed on one case, all lose at most 1.5 points against validation stopping: in every case the "
        "interval lies above that; with limits, in half of the cases; fails, if in half it lies below.",
        "ch-stopping",
        _borrowed,
    ),
    Claim(
        "stopping-epoch",
        "book",
        "The spectrum says more about when to stop than the calendar does.",
        "Stopping by the spectrum beats a fixed epoch that was chosen on the same network: the interval of the "
        "difference lies above zero; fails, if it lies below half a point.",
        "ch-stopping",
        _against_epoch,
    ),
    Claim(
        "stopping-difficulty",
        "meng2023",
        "The harder the problem, the farther the spectrum leaves the law.",
        "The distance is larger with 40 % random labels than with none, paired over seeds: the interval of the ratio "
        "lies above 1; fails, if below.",
        "ch-stopping",
        _difficulty,
    ),
)
