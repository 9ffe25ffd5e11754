"""What the experiment "grokking" says of delays, spikes, tail exponents and correlation traps."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from ..experiments import Results, load_results
from .claim import Claim, Finding, mean_interval, untested

#: A pandas.DataFrame or one of its columns, whose stubs know less than the experiment does.
Frame: TypeAlias = Any

#: Shares of training and of test images from which on a network fits, and generalises.
FITS, GENERALISES = 0.99, 0.85

#: The delay from which on one speaks of grokking.
LONG = 10.0

#: A network is at its best within this much of the highest test accuracy that it had.
AT_ITS_BEST = 0.01


def crossing(steps: Frame, accuracy: Frame, level: float) -> float:
    """The step at which accuracy first reaches a level, interpolated in log steps; NaN if never."""
    t, a = np.log(np.maximum(steps.to_numpy(float), 1)), accuracy.to_numpy(float)
    above = np.flatnonzero(a >= level)
    if above.size == 0:
        return float("nan")
    k = int(above[0])
    if k == 0:
        return float(np.exp(t[0]))
    return float(np.exp(np.interp(level, a[k - 1 : k + 1], t[k - 1 : k + 1])))


def delays(table: Frame, fit_at: float = FITS, general_at: float = GENERALISES) -> Frame:
    """When each run fits and generalises, the ratio of the two, and what was left of the start then."""
    import pandas as pd

    rows = []
    first = table[(table["layer"] == "fc1") & (table["step"] > 0)]
    for run, group in first.groupby("run", sort=False):
        fits = crossing(group["step"], group["train_accuracy"], fit_at)
        generalises = crossing(group["step"], group["test_accuracy"], general_at)
        one = group.iloc[0]
        rows.append(
            {
                "run": run,
                "case": one["case"],
                "seed": one["seed"],
                "fits": fits,
                "generalises": generalises,
                "delay": generalises / fits,
                "kappa": (1 - one["lr"] * one["weight_decay"]) ** generalises,
                "last": group["test_accuracy"].iloc[-1],
            }
        )
    return pd.DataFrame(rows)


def announcement(table: Frame) -> Frame:
    """Of each run that groks: spikes when it fits, when it generalises, and how late the first one comes.

    `log_lead` is the logarithm of the step of the first spike over the step at which test accuracy is
    half-way between that at fitting and the last: positive if the spike comes after it.
    """
    import pandas as pd

    counts = table.pivot_table(index=["run", "step"], columns="layer", values="n_signal")
    rows = []
    for row in delays(table).itertuples():
        if not (str(row.case).startswith("decay") and row.generalises > 0):
            continue
        run = table[(table["run"] == row.run) & (table["layer"] == "fc1") & (table["step"] > 0)]
        spikes = counts.loc[row.run].sum(axis=1).loc[1:]
        log_steps = np.log(run["step"].to_numpy(float))
        at_fit = np.interp(np.log(row.fits), log_steps, run["test_accuracy"])
        half = crossing(run["step"], run["test_accuracy"], (at_fit + row.last) / 2)
        first = float(spikes.index[spikes > 0][0])
        rows.append(
            {
                "run": row.run,
                "case": row.case,
                "spikes_at_fit": int(spikes[spikes.index <= row.fits].iloc[-1]),
                "spikes_at_gen": int(spikes[spikes.index <= row.generalises].iloc[-1]),
                "spikes_at_end": int(spikes.iloc[-1]),
                "accuracy_at_first": float(run.loc[run["step"] == first, "test_accuracy"].iloc[0]),
                "log_lead": float(np.log(first / half)),
                "last": row.last,
            }
        )
    return pd.DataFrame(rows)


def exponents(results: Results) -> Frame:
    """Mean tail exponent of both layers between fitting and generalising, and after, of each run that groks."""
    import pandas as pd

    rows = []
    table: Frame = results.table
    for row in delays(table).itertuples():
        if not (str(row.case).startswith("decay") and row.generalises > 0):
            continue
        step = table.query("run == @row.run and layer == 'fc1'")["step"].to_numpy()
        arrays = results.arrays(str(row.run))
        xi = (arrays["fc1/tail_exponent"] + arrays["fc2/tail_exponent"]) / 2
        before = xi[(step >= row.fits) & (step < row.generalises)]
        after = xi[step >= row.generalises]
        rows.append(
            {
                "run": row.run,
                "start": float(xi[0]),
                "before": float(before.mean()),
                "after": float(after.mean()),
                "drop": float(before.mean() - after.mean()),
                "end": float(xi[-1]),
            }
        )
    return pd.DataFrame(rows)


def trapped(table: Frame) -> Frame:
    """The last state of FC1 of each run, with how far it is below its best test accuracy."""
    first = table[table["layer"] == "fc1"]
    last = first.groupby("run", sort=False).tail(1).copy()
    best = first.groupby("run")["test_accuracy"].max()
    last["lost"] = best.loc[last["run"]].to_numpy() - last["test_accuracy"].to_numpy()
    return last


def _delay() -> Finding:
    found = delays(load_results("grokking").table)
    slow = found[found["case"] == "decay 0.02"]["delay"]
    mean, low, high = mean_interval(slow)
    usual = found[found["case"] == "usual size"]["delay"].max()
    return Finding(
        "holds"
        if slow.min() >= LONG and usual < 2
        else "holds with limits"
        if low > 2
        else "fails",
        mean,
        low,
        high,
        "times",
        f"Steps until 85 % of the test images are right over steps until 99 % of the training images are, "
        f"{slow.size} seeds at the slowest decay; at the usual initial size at most {usual:.1f}.",
    )


def _spikes() -> Finding:
    lead = announcement(load_results("grokking").table)["log_lead"]
    mean, low, high = (float(np.exp(x)) for x in mean_interval(lead))
    return Finding(
        "holds" if high < 1 else "fails" if low > 1 else "undecided",
        mean,
        low,
        high,
        "times the steps to half-way",
        f"The first spike in a hidden layer against test accuracy half-way up, {lead.size} networks that grok; "
        "above 1 the spike comes later.",
    )


def _exponent() -> Finding:
    drop = exponents(load_results("grokking"))["drop"]
    mean, low, high = mean_interval(drop)
    return Finding(
        "holds with limits" if low > 0 else "fails" if high < 0 else "undecided",
        mean,
        low,
        high,
        "of the exponent",
        f"By how much it is lower after generalising than between fitting and generalising, {drop.size} networks; "
        "it falls after accuracy has risen, and the third phase was out of reach.",
    )


def _traps() -> Finding:
    last = trapped(load_results("grokking").table)
    best = last[last["lost"] < AT_ITS_BEST]
    share = float((best["traps"] > 0).mean())
    return Finding(
        "fails" if share >= 0.5 else "holds with limits" if share > 0.1 else "holds",
        100 * share,
        unit="% of networks at their own best with a trap",
        remark=f"Share with a trap in FC1 among {len(best)} networks that end within a point of the best test accuracy "
        "they ever had, high or low; as a warning it would have to be rare there.",
    )


CLAIMS = (
    Claim(
        "grokking-delay",
        "liu2023omnigrok",
        "A network that starts too large generalises long after it has fitted a thousand digits.",
        "The delay is at least ten in every seed, and below two at the usual size.",
        "ch-grokking",
        _delay,
    ),
    Claim(
        "grokking-spikes",
        "book",
        "Spikes announce that a network is about to generalise.",
        "The first spike comes before test accuracy is half-way from its value at fitting to its last.",
        "ch-grokking",
        _spikes,
    ),
    Claim(
        "grokking-exponent",
        "prakash2025",
        "The tail exponent tells the phases of grokking apart.",
        "Its mean after generalising is below that between fitting and generalising; phases one and two only.",
        "ch-grokking",
        _exponent,
    ),
    Claim(
        "grokking-traps",
        "prakash2025",
        "Correlation traps announce the collapse of generalisation.",
        "Networks at their best test accuracy have none, or at most one network in ten.",
        "ch-grokking",
        _traps,
    ),
    Claim(
        "grokking-collapse",
        "prakash2025",
        "After ten million steps generalisation collapses, heralded by an exponent below 2.",
        "A collapse in networks with an exponent below 2, and none in others of the same age.",
        "ch-grokking",
        untested("Ten million steps of several networks are beyond what a reader can rerun."),
    ),
)
