"""What the experiment "grokking" says of delays, spikes, tail exponents and correlation traps."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from ..experiments import Results, load_results
from .claim import Claim, Finding, mean_interval, share_interval, untested

#: A pandas.DataFrame or one of its columns, whose stubs know less than the experiment does.
Frame: TypeAlias = Any

#: Shares of training and of test images from which on a network fits, and generalises.
FITS, GENERALISES = 0.99, 0.85

#: The delay from which on one speaks of grokking.
LONG = 10.0

#: A network is at its best within this much of the highest test accuracy that it had.
AT_ITS_BEST = 0.01

#: `experiments.grokking.RARE`, by which sure spikes were counted; that module needs torch, and judges do not.
SURE_LEVEL = 1e-3


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
    """Of each run that groks: spikes when it fits, when it generalises, and how late the first sure one comes.

    Sure is a spike above the level `SURE_LEVEL`, in either hidden layer. `early` and `late` are the logarithms of the
    last look without one and of the first look with one, over the step at which test accuracy is half-way between
    that at fitting and the last: both positive if the spike comes after it, both negative if before.
    """
    import pandas as pd

    counts, sure = (
        table.pivot_table(index=["run", "step"], columns="layer", values=name)
        for name in ("n_signal", "n_sure")
    )
    rows = []
    for row in delays(table).itertuples():
        if not (str(row.case).startswith("decay") and row.generalises > 0):
            continue
        run = table[(table["run"] == row.run) & (table["layer"] == "fc1") & (table["step"] > 0)]
        spikes, clear = (some.loc[row.run].sum(axis=1).loc[1:] for some in (counts, sure))
        log_steps = np.log(run["step"].to_numpy(float))
        at_fit = np.interp(np.log(row.fits), log_steps, run["test_accuracy"])
        half = crossing(run["step"], run["test_accuracy"], (at_fit + row.last) / 2)
        seen = int(np.argmax(clear > 0))
        first, before = (float(clear.index[max(k, 0)]) for k in (seen, seen - 1))
        rows.append(
            {
                "run": row.run,
                "case": row.case,
                "spikes_at_fit": int(spikes[spikes.index <= row.fits].iloc[-1]),
                "spikes_at_gen": int(spikes[spikes.index <= row.generalises].iloc[-1]),
                "spikes_at_end": int(spikes.iloc[-1]),
                "accuracy_at_first": float(run.loc[run["step"] == first, "test_accuracy"].iloc[0]),
                "early": float(np.log(before / half)),
                "late": float(np.log(first / half)),
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


def later(table: Frame) -> dict[str, Frame]:
    """Logarithm of the steps until a network generalises with less decay over those with more, by seed.

    A network that never does so counts as one that does at its last step: no ratio is made larger by that.
    """
    when = delays(table)
    last = when["case"].map(table.groupby("case")["step"].max())
    when["at"] = when["generalises"].fillna(last)
    at = when.pivot(index="seed", columns="case", values="at")
    cases = ("no decay", "decay 0.02", "decay 0.1", "decay 0.3")
    return {f"{less}, {more}": np.log(at[less] / at[more]) for less, more in pairwise(cases)}


def trapped(table: Frame) -> Frame:
    """The last state of FC1 of each run, how far below its best test accuracy, and whether it is healthy.

    Healthy is a network that generalises and is within `AT_ITS_BEST` of the best test accuracy that it ever had.
    """
    first = table[table["layer"] == "fc1"]
    last = first.groupby("run", sort=False).tail(1).copy()
    best = first.groupby("run")["test_accuracy"].max()
    last["lost"] = best.loc[last["run"]].to_numpy() - last["test_accuracy"].to_numpy()
    last["healthy"] = (last["lost"] < AT_ITS_BEST) & (last["test_accuracy"] >= GENERALISES)
    return last


def _delay() -> Finding:
    found = delays(load_results("grokking").table)
    slow = found[found["case"] == "decay 0.02"]["delay"]
    mean, low, high = mean_interval(slow)
    usual = found[found["case"] == "usual size"]["delay"].max()
    some = "holds with limits" if low > 2 else "fails" if high < 2 else "undecided"
    verdict = "holds" if slow.min() >= LONG else some
    return Finding(
        verdict if usual < 2 else "fails",
        mean,
        low,
        high,
        "times",
        f"Steps until 85 % of the test images are right over steps until 99 % of the training images are, "
        f"{slow.size} seeds at the slowest decay; at the usual initial size at most {usual:.1f}.",
    )


def _spikes() -> Finding:
    lead = announcement(load_results("grokking").table)
    last_without, first_with = (mean_interval(lead[name]) for name in ("early", "late"))
    # The spike appears between two looks: the far ends of both intervals.
    low, high = float(np.exp(last_without[1])), float(np.exp(first_with[2]))
    return Finding(
        "holds" if high < 1 else "fails" if low > 1 else "undecided",
        float(np.exp((last_without[0] + first_with[0]) / 2)),
        low,
        high,
        "times the steps to half-way",
        f"The first sure spike in a hidden layer (level {SURE_LEVEL:g}) against test accuracy half-way up, {len(lead)} "
        f"networks that grok; above 1 the spike comes later. In {int((lead['late'] < 0).sum())} it surely comes "
        f"before, in {int((lead['early'] > 0).sum())} after.",
    )


def _clock() -> Finding:
    table = load_results("grokking").table
    intervals = {pair: mean_interval(ratios) for pair, ratios in later(table).items()}
    mean, low, high = (float(np.exp(x)) for x in intervals["no decay, decay 0.02"])
    times = ", ".join(
        f"{np.exp(m):.1f} ({np.exp(a):.1f} to {np.exp(b):.1f}) for “{pair}”"
        for pair, (m, a, b) in intervals.items()
    )
    alone = delays(table).query("case == 'no decay'")["generalises"]
    steps = int(table.query("case == 'no decay'")["step"].max())
    surely = [one[1] > 0 for one in intervals.values()]
    never = any(one[2] < 0 for one in intervals.values())
    return Finding(
        "holds" if all(surely) else "fails" if never else "undecided",
        mean,
        low,
        high,
        "times the steps without decay",
        f"Steps until 85 % of the test images are right, less decay over more, {len(alone)} pairs: {times}. Without "
        f"any, {int(alone.notna().sum())} of {len(alone)} networks get there in {steps:,} steps, and that number "
        "stands for all that others need, so the first ratio is no larger than the true one.",
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
    healthy = last[last["healthy"]]
    with_trap = int((healthy["traps"] > 0).sum())
    share, low, high = share_interval(with_trap, len(healthy))
    return Finding(
        "fails" if low > 0.1 else "holds" if high <= 0.1 else "undecided",
        100 * share,
        100 * low,
        100 * high,
        "% of healthy networks with a trap",
        f"A trap in FC1 in {with_trap} of {len(healthy)} networks that end with {GENERALISES:.0%} of the test images "
        "right or more, within a point of the best they ever had; as a warning it would have to be rare there. "
        "Networks without decay do not count unless they get so far.",
    )


CLAIMS = (
    Claim(
        "grokking-delay",
        "liu2023omnigrok",
        "A network that starts too large generalises long after it has fitted a thousand digits.",
        "The delay is at least ten in every seed, and below two at the usual size; with limits if it is surely above "
        "two, but not ten in every seed.",
        "ch-grokking",
        _delay,
    ),
    Claim(
        "grokking-spikes",
        "book",
        "Spikes announce that a network is about to generalise.",
        "The first spike that is no accident of many looks (level 0.001) comes before test accuracy is half-way from "
        "its value at fitting to its last, with the interval and from whichever look it may have been there.",
        "ch-grokking",
        _spikes,
    ),
    Claim(
        "grokking-clock",
        "liu2023omnigrok",
        "Such a network generalises the sooner, the stronger the weight decay, and latest without any.",
        "Of no decay and three strengths, each generalises after more steps than the next stronger one, paired over "
        "seeds, all intervals above a ratio of 1.",
        "ch-grokking",
        _clock,
    ),
    Claim(
        "grokking-exponent",
        "prakash2025",
        "The tail exponent tells the phases of grokking apart.",
        "Its mean after generalising is surely below that between fitting and generalising; always with the limit that "
        "phases one and two alone are seen.",
        "ch-grokking",
        _exponent,
    ),
    Claim(
        "grokking-traps",
        "prakash2025",
        "Correlation traps announce the collapse of generalisation.",
        "Of networks that generalise and are at their best, at most one in ten has a trap, with the exact interval.",
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
