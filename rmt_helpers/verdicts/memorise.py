"""Claims about memorising, dropout and weight decay: chapters 21 and 22."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from .._checks import FloatArray
from ..experiments import load_results
from .claim import Claim, Finding, mean_interval

# A pandas DataFrame, a row of one, a part of one.
Table: TypeAlias = Any


def _course(case: str, layer: str = "fc1") -> dict[int, Table]:
    """The rows of one case and layer by seed, in the order of the epochs."""
    table: Table = load_results("memorise").table
    chosen = table[(table["case"] == case) & (table["layer"] == layer)]
    return {int(seed): rows.sort_values("epoch") for seed, rows in chosen.groupby("seed")}


def _last(case: str, column: str) -> FloatArray:
    return np.array([rows[column].iloc[-1] for rows in _course(case).values()], dtype=float)


def when_learned(rows: Table, level: float = 0.999) -> Table:
    """The row of the first epoch with at least this training accuracy.

    Raises
    ------
    ValueError
        If there is none.
    """
    reached = rows[rows["train_accuracy"] >= level]
    if reached.empty:
        raise ValueError(f"level must have been reached, was {level} in no epoch")
    return reached.iloc[0]


def best_held_out(rows: Table) -> Table:
    """The row of the epoch that is best on held-out images with labels as wrong as the others'."""
    return rows.loc[rows["held_out_accuracy"].idxmax()]


def _fits_random_labels() -> Finding:
    trained, tested = _last("random", "train_accuracy"), _last("random", "test_accuracy")
    mean, low, high = mean_interval(100 * tested)
    ok = trained.min() >= 0.999 and abs(mean - 10) < 1
    return Finding(
        "holds" if ok else "fails",
        *(mean, low, high),
        "% test accuracy",
        f"All labels random, {trained.size} networks: lowest training accuracy "
        f"{100 * trained.min():.1f} %.",
    )


def _regularisation_not_needed() -> Finding:
    difference = 100 * (_last("true, dropout", "test_accuracy") - _last("true", "test_accuracy"))
    mean, low, high = mean_interval(difference)
    verdict = "holds" if high < 1 else "fails" if low > 1 else "undecided"
    return Finding(
        verdict,
        *(mean, low, high),
        "points of test accuracy",
        f"True labels, with dropout minus without any regulariser, {difference.size} pairs.",
    )


def _spikes_of_memory(equal: str) -> Finding:
    plain, rote = _course("true"), _course("random")

    def count(rows: Table) -> float:
        return float((when_learned(rows) if equal == "accuracy" else rows.iloc[-1])["n_signal"])

    ratio = [count(rote[seed]) / count(plain[seed]) for seed in plain]
    mean, low, high = mean_interval(ratio)
    some = "holds with limits" if low > 1 else "fails" if high < 1 else "undecided"
    return Finding(
        "holds" if low >= 5 else some,
        *(mean, low, high),
        "times as many spikes",
        f"BEMA's count in FC1, random over true labels, {len(ratio)} pairs "
        + ("when 99.9 % are learned." if equal == "accuracy" else "after the same steps."),
    )


def _right_labels_first() -> Finding:
    runs = _course("noisy").values()
    best = [best_held_out(rows) for rows in runs]
    right, wrong = (np.array([row[f"{part}_part"] for row in best]) for part in ("right", "wrong"))
    more = [
        rows["n_signal"].iloc[-1] - row["n_signal"] for rows, row in zip(runs, best, strict=True)
    ]
    mean, low, high = mean_interval(100 * (right - wrong))
    most, few = mean_interval(right)[1] > 0.85, mean_interval(wrong)[2] < 0.20
    ok = most and few and mean_interval(more)[1] > 0
    return Finding(
        "holds" if ok else "fails",
        *(mean, low, high),
        "points between the parts",
        f"{right.size} networks: at the best held-out epoch {100 * right.mean():.0f} % of the right labels are "
        f"learned and {100 * wrong.mean():.0f} % of the wrong ones; {np.mean(more):.0f} spikes come after it.",
    )


def _dropout_slows_memory() -> Finding:
    wrong = 100 * (_last("noisy, dropout", "wrong_part") - _last("noisy", "wrong_part"))
    clean = 100 * (_last("true, dropout", "test_accuracy") - _last("true", "test_accuracy"))
    mean, low, high = mean_interval(wrong)
    slows, harmless = high < 0, mean_interval(clean)[1] > -0.3
    return Finding(
        ("holds" if harmless else "holds with limits")
        if slows
        else "fails"
        if low > 0
        else "undecided",
        *(mean, low, high),
        "points of the wrong labels",
        f"Wrong labels learned at the end, with dropout minus without, {wrong.size} pairs; on true labels dropout "
        f"changes the test accuracy by {clean.mean():+.1f} points.",
    )


def _dropout_helps() -> Finding:
    noisy = 100 * (_last("noisy, dropout", "test_accuracy") - _last("noisy", "test_accuracy"))
    clean = 100 * (_last("true, dropout", "test_accuracy") - _last("true", "test_accuracy"))
    mean, low, high = mean_interval(noisy)
    ok = low >= 5 and mean_interval(clean)[1] > -0.3
    return Finding(
        "holds" if ok else "holds with limits" if low > 0 else "fails" if high < 0 else "undecided",
        *(mean, low, high),
        "points of test accuracy",
        f"40 % of the labels redrawn, {noisy.size} pairs; with true labels {clean.mean():+.1f} points.",
    )


def _ridge_optimum() -> Finding:
    table = load_results("ridge").table
    ratio = (table["found"] / table["optimum"]).to_numpy()
    mean, low, high = mean_interval(ratio)
    return Finding(
        "holds" if np.abs(ratio - 1).max() < 0.1 else "fails",
        *(mean, low, high),
        "of the predicted optimum",
        f"{ratio.size} simulations of {table.groupby(['inputs', 'examples', 'sigma']).ngroups} linear problems; the "
        f"farthest is {100 * np.abs(ratio - 1).max():.0f} % off.",
    )


def _ends(layer: str) -> Table:
    """The rows of `decay` after the last epoch of each run."""
    table: Table = load_results("decay").table
    return table[
        (table["epoch"] == table["epochs"]) & (table["layer"] == layer) & (table["case"] != "short")
    ]


def _irrelevant_parts_vanish() -> Finding:
    rows = _ends("fc1")
    off = (rows["dead_share"] / rows["kappa_exact"] - 1).abs()
    kept = rows[rows["weight_decay"] == 0]["dead_share"]
    strongest = rows[rows["weight_decay"] == rows["weight_decay"].max()]["dead_share"]
    mean, low, high = mean_interval(strongest)
    ok = off.max() < 1e-3 and np.allclose(kept, 1)
    return Finding(
        "holds" if ok else "fails",
        *(mean, low, high),
        "of the initial weight left",
        f"Columns of blank pixels, strongest decay; in {len(rows)} runs what is left is the "
        f"recursion's κ to {off.max():.0e}, and all of it without decay.",
    )


def _bulk_moves_as_kappa() -> Finding:
    rows = _ends("fc1")
    both = {
        name: (100 * (rows[name] / rows["kappa_exact"] / rows["sigma_start"] - 1)).to_numpy()
        for name in ("sigma", "sigma_broadening")
    }
    mean, low, high = mean_interval(both["sigma"])
    worst = {name: np.abs(values).max() for name, values in both.items()}
    ok = [value < 3 for value in worst.values()]
    near = all(max(map(abs, mean_interval(values))) < 5 for values in both.values())
    settings = rows.groupby(
        ["case", "lr", "momentum", "weight_decay", "epochs", "batch_size"]
    ).ngroups
    return Finding(
        "holds" if all(ok) else "holds with limits" if any(ok) or near else "fails",
        *(mean, low, high),
        "% above κσ₀",
        f"BEMA's σ̂ in FC1, {len(rows)} runs of {settings} settings; farthest off: BEMA "
        f"{worst['sigma']:.1f} %, broadening {worst['sigma_broadening']:.1f} %.",
    )


def _paired_by_decay(rows: Table, column: str) -> FloatArray:
    """`column` with weight decay 1e-3 minus without, seed by seed, all else equal."""
    rows = rows[rows["case"] == "decay"]
    wide = rows.pivot(index="seed", columns="weight_decay", values=column)
    return np.asarray(wide[1e-3] - wide[0.0], dtype=float)


def _randomness_shrinks() -> Finding:
    rows = _ends("fc1")
    energy = 100 * _paired_by_decay(rows, "start_energy")
    mean, low, high = mean_interval(energy)
    sigma = mean_interval(_paired_by_decay(rows, "sigma"))
    return Finding(
        "holds"
        if high < 0 and sigma[2] < 0
        else "fails"
        if low > 0 or sigma[1] > 0
        else "undecided",
        *(mean, low, high),
        "points of the energy of FC1",
        "Share of the decayed initialisation in the squared weights, decay 0.001 minus none, "
        f"{energy.size} pairs.",
    )


def _pruning_after_decay() -> Finding:
    rows = _ends("fc1").copy()
    ways = ("half_of_entries", "half_by_rank")
    for way in ways:
        rows[f"lost_{way}"] = 100 * (rows["test_accuracy"] - rows[way])
    decayed = rows[(rows["case"] == "decay") & (rows["weight_decay"] == 1e-3)]
    intervals = [mean_interval(decayed[f"lost_{way}"]) for way in ways]
    mean, low, high = max(intervals)
    helps = [mean_interval(_paired_by_decay(rows, f"lost_{way}"))[2] < 0 for way in ways]
    small = max(interval[2] for interval in intervals) < 1
    large = max(interval[1] for interval in intervals) > 1
    return Finding(
        ("holds" if all(helps) else "holds with limits")
        if small
        else "fails"
        if large
        else "undecided",
        *(mean, low, high),
        "points of test accuracy lost",
        "Half of the parameters of FC1 and FC2 pruned, by entries or by rank, whichever loses more, "
        f"decay 0.001, {len(decayed)} networks; decay makes the loss smaller in {sum(helps)} of the two ways.",
    )


def _cut_after_decay() -> Finding:
    rows = _ends("fc1")
    rows = rows[rows["case"] == "decay"].copy()
    rows["lost"] = 100 * (rows["test_accuracy"] - rows["spikes_alone"])
    wide = rows.pivot(index="seed", columns="weight_decay", values="lost")
    strongest = max(wide.columns)
    mean, low, high = mean_interval(wide[strongest])
    saved = mean_interval(wide[0.0] - wide[strongest])
    kept = rows[rows["weight_decay"] == strongest]["share_of_spikes"].mean()
    return Finding(
        ("holds" if high < 1 else "holds with limits")
        if saved[1] > 0
        else "fails"
        if saved[2] < 0
        else "undecided",
        *(mean, low, high),
        "points of test accuracy lost",
        f"FC1 and FC2 cut at BEMA's threshold, decay {strongest:g}, {len(wide)} pairs, {100 * kept:.0f} % of their "
        f"parameters kept; without decay {wide[0.0].mean():.1f} points are lost.",
    )


CLAIMS = (
    Claim(
        "fits-random-labels",
        "zhang2021rethinking",
        "Networks fit labels that are completely random.",
        "Training accuracy at least 99.9 % in every run, mean test accuracy within a point of chance.",
        "ch-memorise",
        _fits_random_labels,
    ),
    Claim(
        "regularisation-not-needed",
        "zhang2021rethinking",
        "Explicit regularisation is not needed for good generalisation.",
        "On true labels, dropout gains less than a point of test accuracy, with its interval.",
        "ch-memorise",
        _regularisation_not_needed,
    ),
    Claim(
        "memory-is-spikes-accuracy",
        "book",
        "Memorising random labels makes spikes: it does not stay in the bulk.",
        "Five times the spikes of true labels in FC1 when 99.9 % are learned, with the interval; with limits if "
        "surely more, but not surely five times.",
        "ch-memorise",
        lambda: _spikes_of_memory("accuracy"),
    ),
    Claim(
        "memory-is-spikes-steps",
        "book",
        "It makes spikes at equal numbers of steps, too.",
        "Five times the spikes of true labels in FC1 after the same steps, with the interval; with limits if surely "
        "more, but not surely five times.",
        "ch-memorise",
        lambda: _spikes_of_memory("steps"),
    ),
    Claim(
        "right-labels-first",
        "arpit2017",
        "Networks learn simple patterns first and memorise later.",
        "At the best held-out epoch over 85 % of the right labels and under 20 % of the wrong ones "
        "are learned, and the count of spikes still rises, each with its interval.",
        "ch-memorise",
        _right_labels_first,
    ),
    Claim(
        "dropout-slows-memory",
        "arpit2017",
        "Dropout hinders memorising without harm to what is learned from true labels.",
        "Fewer wrong labels learned, interval below 0, and surely no more than 0.3 points lost on true labels, or the "
        "claim has that limit.",
        "ch-memorise",
        _dropout_slows_memory,
    ),
    Claim(
        "dropout-helps",
        "srivastava2014",
        "Dropout prevents overfitting.",
        "At least 5 points gained with 40 % wrong labels, at most 0.3 lost with true ones, with the intervals; with "
        "limits if the gain is surely positive.",
        "ch-decay",
        _dropout_helps,
    ),
    Claim(
        "decay-optimum",
        "krogh1991",
        "Weight decay of the right size suppresses static noise on the targets.",
        "The best decay of a simulated linear student is within 10 % of σ²p/‖w‖² in every run.",
        "ch-decay",
        _ridge_optimum,
    ),
    Claim(
        "decay-irrelevant",
        "krogh1991",
        "Weight decay suppresses the irrelevant components of the weights.",
        "What is left of the weights of blank pixels is the recursion's κ, within a thousandth, and "
        "all of them without decay.",
        "ch-decay",
        _irrelevant_parts_vanish,
    ),
    Claim(
        "bulk-moves-as-kappa",
        "book",
        "The noise level of a trained layer is that of its decayed initialisation, κσ₀.",
        "Both estimators within 3 % in every run; with limits if one of them is, or both are within 5 % on average, "
        "with the interval.",
        "ch-decay",
        _bulk_moves_as_kappa,
    ),
    Claim(
        "randomness-shrinks",
        "berlyand2025",
        "Regularised training makes the random part of the weights smaller.",
        "The share of the initialisation in the energy and the noise level both fall, paired "
        "intervals below 0.",
        "ch-decay",
        _randomness_shrinks,
    ),
    Claim(
        "pruning-after-decay",
        "berlyand2025",
        "After regularised training half of the weights can be pruned at almost no loss.",
        "Less than a point lost, with the interval, and less than without weight decay, by either way of pruning; "
        "with limits if less than a point is lost, but decay does not help both ways.",
        "ch-decay",
        _pruning_after_decay,
    ),
    Claim(
        "cut-after-decay",
        "book",
        "After strong weight decay a network can be cut at the threshold.",
        "Less than a point lost, with the interval, and surely less than without decay; with limits if the latter "
        "alone.",
        "ch-decay",
        _cut_after_decay,
    ),
)
