"""Works that the paper cites: what the older experiments say of them, and a row for each that none treats."""

from __future__ import annotations

import numpy as np
from scipy import stats

from .claim import Claim, Finding, mean_interval, share_interval
from .tables import encoder_ratios, encoder_vectors, null_distance, stored


def spiked_formulas() -> Finding:
    """Benaych-Georges and Nadakuditi: strength, singular value and cosines of a spike."""
    table = stored("failures").table
    table = table[(table["noise"] == "gaussian") & (table["method"] == "bema")]
    error = (table["ave_w"] - table["true_ave_w"]).to_numpy()
    mean, low, high = mean_interval(error)
    verdict = "holds" if max(abs(low), abs(high)) <= 0.02 else "undecided"
    return Finding(
        "fails" if low > 0.02 or high < -0.02 else verdict,
        mean,
        low,
        high,
        "mean cosine, predicted less true",
        f"{error.size} planted matrices of {table['shape'].astype(str).nunique()} shapes with Gaussian noise: the "
        "formulas, used with an estimated noise level, against the true vectors.",
    )


def bema_level() -> Finding:
    """Ke, Ma and Lin: false alarms at the level, and Algorithm 2 where variances differ."""
    table = stored("null").table
    table = table[table["method"] == "bema"]
    rate, draws = (table[column].to_numpy() for column in ("false_positive_rate", "draws"))
    hits = np.rint(rate * draws).astype(int)
    share, low, high = share_interval(int(hits.sum()), int(draws.sum()))
    cells = [
        share_interval(int(h), int(d), 1 - 0.05 / len(hits))
        for h, d in zip(hits, draws, strict=True)
    ]
    outside = sum(cell[2] < 0.07 or cell[1] > 0.13 for cell in cells)
    other = stored("estimators").table
    other = other[(other["spikes"] == 0) & (other["noise"] == "unequal rows")]
    # Both on the same matrices: Algorithm 2 was not run on large ones.
    other = other[other["run"].isin(other["run"][other["method"] == "bema_general"])]

    def wrong(method: str) -> tuple[float, float, float]:
        rows = other[other["method"] == method]
        return share_interval(
            int((rows["too_many"] * rows["draws"]).round().sum()), int(rows["draws"].sum())
        )

    first, second = wrong("bema"), wrong("bema_general")
    good = low >= 0.07 and high <= 0.13 and not outside
    return Finding(
        ("holds" if second[1] <= 0.13 < first[1] else "holds with limits") if good else "fails",
        100 * share,
        100 * low,
        100 * high,
        "% false alarms at a level of 10 %",
        f"Pure noise of {rate.size} shapes, {draws.sum()} matrices: {rate.min():.1%} to {rate.max():.1%}. Rows of "
        f"unequal variance: Algorithm 1 is wrong in {first[0]:.0%} of the matrices, Algorithm 2 in {second[0]:.0%} "
        f"({second[1]:.0%} to {second[2]:.0%}).",
    )


def glorot() -> Finding:
    """Glorot and Bengio: an untrained layer has the variance 2/(inputs + outputs)."""
    table = stored("bulk").table
    table = table[(table["state"] == "untrained") & (table["method"] == "bema")]
    table = table.drop_duplicates(["rows", "columns", "ks"])
    asked = np.sqrt(2 / (table["rows"] + table["columns"]))
    off = (100 * (table["sigma"] / asked - 1)).to_numpy()
    mean, low, high = mean_interval(off)
    passed = table["ks"] <= null_distance(table)
    return Finding(
        "holds" if np.abs(off).max() < 1 and passed.mean() >= 0.8 else "fails",
        mean,
        low,
        high,
        "% above the initial noise level",
        f"{off.size} untrained layers of Glorot's initialisation: BEMA's noise level is off by "
        f"{np.abs(off).max():.2f} % at most, and {int(passed.sum())} stay under the 95 % point of noise.",
    )


def the_law() -> Finding:
    """Marchenko and Pastur: spectra of noise converge to the law, at any aspect ratio."""
    table = stored("null").table
    table = table[table["method"] == "bema"]
    p = table["shape"].map(min).to_numpy(dtype=float)
    distance = table["ks_median"].to_numpy(dtype=float)
    line = stats.linregress(np.log(p), np.log(distance))
    half = float(stats.t.ppf(0.975, p.size - 2) * line.stderr)
    return Finding(
        "holds" if line.slope + half < -0.5 and distance[p == 512].max() < 0.01 else "fails",
        line.slope,
        line.slope - half,
        line.slope + half,
        "power of the size by which the distance falls",
        f"Pure noise, {p.size} shapes from 16 × 16 to 512 × 4096: the median distance falls from "
        f"{distance[p == 16].max():.3f} to {distance[p == 512].max():.4f}, faster than the power −½ of "
        "independent draws. The interval is over shapes.",
    )


def largest_eigenvalue() -> Finding:
    """Johnstone: the largest eigenvalue of noise follows the Tracy–Widom law."""
    table = stored("largest").table
    rate = table.groupby("seed")["rate"].mean().to_numpy(dtype=float)
    mean, low, high = mean_interval(rate)
    verdict = "holds" if low >= 0.08 and high <= 0.12 else "undecided"
    return Finding(
        "fails" if low > 0.12 or high < 0.08 else verdict,
        100 * mean,
        100 * low,
        100 * high,
        "% beyond the 90 % point",
        f"{int(table['draws'].sum())} noise matrices of known level in {table['shape'].astype(str).nunique()} shapes "
        f"from 40 × 320 to 84 × 120, {rate.size} seeds.",
    )


def spacings() -> Finding:
    """Thamm and others: the bulk has the spacings of a random matrix."""
    ratio = encoder_ratios()
    mean, low, high = mean_interval(ratio)
    inside = float(np.mean((ratio >= 0.48) & (ratio <= 0.58)))
    return Finding(
        "holds" if inside >= 0.9 else "fails",
        mean,
        low,
        high,
        "mean spacing ratio",
        f"{ratio.size} matrices of a trained sentence encoder: {inside:.0%} between 0.48 and 0.58, where "
        "random matrices have 0.53 and independent values 0.39. But shuffled matrices have the same "
        "ratio, so it says nothing about whether a layer was trained.",
    )


def vectors() -> Finding:
    """Thamm and others: the bulk's vectors are random, those of the large singular values are not."""
    table = encoder_vectors()
    by_layer = table.groupby("layer")[["bulk", "spikes"]].mean()
    bulk = mean_interval(by_layer["bulk"])
    mean, low, high = mean_interval(by_layer["spikes"] - by_layer["bulk"])
    kinds = table.groupby("kind")["bulk"].mean()
    verdict = "fails" if high < 0 or bulk[1] > 10 else "undecided"
    if low > 0 and bulk[2] <= 10:
        verdict = "holds" if kinds.max() <= 10 else "holds with limits"
    return Finding(
        verdict,
        mean,
        low,
        high,
        "percentage points",
        f"Share of spikes' vectors rejected less share of the bulk's, {len(table)} matrices in {len(by_layer)} layers "
        f"of a trained sentence encoder; of the bulk's {bulk[0]:.1f} % ({bulk[1]:.1f} to {bulk[2]:.1f}) are, by kind "
        f"of matrix from {kinds.min():.1f} to {kinds.max():.1f} %.",
    )


def lenet() -> Finding:
    """LeCun and others: LeNet-5 reads handwritten digits."""
    table = stored("layers").table
    table = table[(table["network"] == "lenet") & (table["data"] == "mnist")]
    accuracy = 100 * table.dropna(subset=["test_full"]).groupby("seed")["test_full"].first()
    mean, low, high = mean_interval(accuracy.astype(float).to_numpy())
    return Finding(
        "holds" if low >= 99 else "fails" if high < 99 else "undecided",
        mean,
        low,
        high,
        "% right on MNIST",
        f"LeNet-5 with ReLU and max pooling, {accuracy.size} seeds.",
    )


def alexnet() -> Finding:
    """The question for the family of AlexNet: do its matrices have a bulk of noise?"""
    table = stored("layers").table
    chosen = (table["network"] == "alexnet") & (table["state"] == "trained")
    table = table[chosen & (table["method"] == "bema") & (table["layer"] != "all")]
    ks = table.groupby("seed")["ks"].mean().to_numpy(dtype=float)
    mean, low, high = mean_interval(ks)
    by_shape = table[table["layer"].str.startswith("conv")].groupby("reshape")["ks"].mean()
    return Finding(
        "holds" if high < 0.03 else "holds with limits" if high < 0.08 else "fails",
        mean,
        low,
        high,
        "distance from the law",
        f"A small AlexNet on CIFAR-10, {ks.size} seeds, as the fit stands, all its layers; convolutions by reshape: "
        + ", ".join(f"{name} {value:.2f}" for name, value in by_shape.items())
        + ".",
    )


CLAIMS = (
    Claim(
        "thamm-spacings",
        "thamm2022",
        "The bulk of trained weights has the level spacings of a random matrix.",
        "Mean spacing ratio between 0.48 and 0.58 in nine matrices of ten.",
        "ch-encoder",
        spacings,
    ),
    Claim(
        "random-vectors-encoder",
        "thamm2022",
        "In a large network that others trained, too, most singular vectors of the bulk cannot be told from random "
        "ones, and those of the largest singular values can.",
        "Over the six layers of the encoder the Porter–Thomas test at 5 % rejects at most 10 % of the bulk's vectors, "
        "and more of the spikes', with the intervals; with limits if in some kind of matrix it rejects more than 10 %.",
        "ch-tails",
        vectors,
    ),
    Claim(
        "benaych-cosines",
        "benaych2012",
        "The singular value of a spike gives its strength and the angles of its vectors.",
        "On average predicted and true cosines agree within 0.02, with the interval.",
        "ch-spikes",
        spiked_formulas,
    ),
    Claim(
        "bema-level",
        "ke2023",
        "BEMA has false alarms at the level asked for; its second algorithm allows unequal variances.",
        "At a level of 10 % between 7 and 13 % over all shapes, with the interval, and in no shape significantly "
        "outside (exact intervals, Bonferroni); with unequal rows the first algorithm is surely above 13 %, the "
        "second is not.",
        "ch-bema",
        bema_level,
    ),
    Claim(
        "glorot-variance",
        "glorot2010",
        "Entries of variance 2/(inputs + outputs) keep signals and gradients alike; here: such a layer is "
        "noise of that level.",
        "Estimated level within 1 % in every untrained layer, distance as for noise in four of five.",
        "ch-training",
        glorot,
    ),
    Claim(
        "marchenko-pastur",
        "marchenko1967",
        "The spectrum of a large random matrix converges to the Marchenko–Pastur law.",
        "The distance falls faster than the power −½ of the size, with the interval, and is below 0.01 at 512.",
        "ch-mp",
        the_law,
    ),
    Claim(
        "johnstone-largest",
        "johnstone2001",
        "The largest eigenvalue of noise follows the Tracy–Widom law.",
        "Between 8 and 12 % lie beyond the 90 % point at the size of layers, with the interval.",
        "ch-edge",
        largest_eigenvalue,
    ),
    Claim(
        "lenet-accuracy",
        "lecun1998",
        "LeNet-5 reads 99 % of handwritten digits.",
        "Mean test accuracy of 99 % or more, with the interval.",
        "ch-two-thresholds",
        lenet,
    ),
    Claim(
        "alexnet-bulk",
        "krizhevsky2017",
        "Deep convolutional networks classify photographs; here: their matrices have a bulk of noise.",
        "Mean distance from the law below 0.03 in a small network of that family, with the interval; with limits up to "
        "0.08.",
        "ch-two-thresholds",
        alexnet,
    ),
)
