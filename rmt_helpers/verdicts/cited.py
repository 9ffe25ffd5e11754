"""Works that the paper cites: what the older experiments say of them, and a row for each that none treats."""

from __future__ import annotations

import numpy as np

from .claim import Claim, Finding, mean_interval
from .tables import null_distance, stored


def spiked_formulas() -> Finding:
    """Benaych-Georges and Nadakuditi: strength, singular value and cosines of a spike."""
    table = stored("failures").table
    table = table[(table["noise"] == "gaussian") & (table["method"] == "bema")]
    error = (table["ave_w"] - table["true_ave_w"]).to_numpy()
    mean, low, high = mean_interval(error)
    return Finding(
        "holds" if max(abs(low), abs(high)) <= 0.02 else "holds with limits",
        mean,
        low,
        high,
        "mean cosine, predicted less true",
        f"{error.size} planted matrices of two shapes with Gaussian noise: the formulas, used with an "
        "estimated noise level, against the true vectors.",
    )


def bema_level() -> Finding:
    """Ke, Ma and Lin: false alarms at the level, and Algorithm 2 where variances differ."""
    table = stored("null").table
    rate = table[table["method"] == "bema"]["false_positive_rate"].to_numpy(dtype=float)
    other = stored("estimators").table
    other = other[(other["spikes"] == 0) & (other["noise"] == "unequal rows")]
    # Both on the same matrices: Algorithm 2 was not run on large ones.
    alarms = other.pivot(index="run", columns="method", values="too_many").dropna()
    first, second = (float(alarms[method].mean()) for method in ("bema", "bema_general"))
    mean, low, high = mean_interval(rate)
    good = rate.min() >= 0.07 and rate.max() <= 0.13
    return Finding(
        ("holds" if second <= 0.13 < first else "holds with limits") if good else "fails",
        100 * mean,
        100 * low,
        100 * high,
        "% false alarms at a level of 10 %",
        f"Pure noise of {rate.size} shapes: {rate.min():.1%} to {rate.max():.1%}. Rows of unequal variance: "
        f"Algorithm 1 is wrong in {first:.0%} of the matrices, Algorithm 2 in {second:.0%}.",
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
    slopes = [
        float(np.polyfit(np.log(p[chosen]), np.log(distance[chosen]), 1)[0])
        for chosen in (np.arange(p.size) % 3 == k for k in range(3))
    ]
    mean, low, high = mean_interval(slopes)
    return Finding(
        "holds" if high < -0.5 and distance[p == 512].max() < 0.01 else "fails",
        mean,
        low,
        high,
        "power of the size by which the distance falls",
        f"Pure noise, {p.size} shapes from 16 × 16 to 512 × 4096: the median distance falls from "
        f"{distance[p == 16].max():.3f} to {distance[p == 512].max():.4f}, faster than the power −½ of "
        "independent draws. The interval is over three sets of shapes.",
    )


def largest_eigenvalue() -> Finding:
    """Johnstone: the largest eigenvalue of noise follows the Tracy–Widom law."""
    table = stored("largest").table
    rate = table.groupby("seed")["rate"].mean().to_numpy(dtype=float)
    mean, low, high = mean_interval(rate)
    return Finding(
        "holds" if low >= 0.08 and high <= 0.12 else "holds with limits",
        100 * mean,
        100 * low,
        100 * high,
        "% beyond the 90 % point",
        f"{int(table['draws'].sum())} noise matrices of known level in three shapes from 40 × 320 to "
        "84 × 120, five seeds.",
    )


def spacings() -> Finding:
    """Thamm and others: the bulk has the spacings of a random matrix."""
    table = stored("encoder").table
    chosen = (table["part"] == "spectra") & (table["method"] == "bema")
    table = table[chosen & (table["order"] == "as trained")]
    table = table[table["matrix"].str.contains(".", regex=False)]
    ratio = table["spacing_ratio"].to_numpy(dtype=float)
    mean, low, high = mean_interval(ratio)
    inside = float(np.mean((ratio >= 0.48) & (ratio <= 0.58)))
    return Finding(
        "holds" if low > 0.45 and inside >= 0.9 else "fails",
        mean,
        low,
        high,
        "mean spacing ratio",
        f"{ratio.size} matrices of a trained sentence encoder: {inside:.0%} between 0.48 and 0.58, where "
        "random matrices have 0.53 and independent values 0.39. But shuffled matrices have the same "
        "ratio, so it says nothing about whether a layer was trained.",
    )


def lenet() -> Finding:
    """LeCun and others: LeNet-5 reads handwritten digits."""
    table = stored("layers").table
    table = table[(table["network"] == "lenet") & (table["data"] == "mnist")]
    accuracy = 100 * table.dropna(subset=["test_full"]).groupby("seed")["test_full"].first()
    mean, low, high = mean_interval(accuracy.astype(float).to_numpy())
    return Finding(
        "holds" if low >= 99 else "holds with limits" if mean >= 99 else "fails",
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
        "holds" if high < 0.03 else "fails" if low > 0.08 else "holds with limits",
        mean,
        low,
        high,
        "distance from the law",
        "A small AlexNet on CIFAR-10, five seeds, as the fit stands, all its layers; convolutions in the "
        "two reshapes: "
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
        "benaych-cosines",
        "benaych2012",
        "The singular value of a spike gives its strength and the angles of its vectors.",
        "Predicted and true cosines agree within 0.02.",
        "ch-spikes",
        spiked_formulas,
    ),
    Claim(
        "bema-level",
        "ke2023",
        "BEMA has false alarms at the level asked for; its second algorithm allows unequal variances.",
        "Between 7 and 13 % at a level of 10 %, in every shape; with unequal rows the second algorithm "
        "stays there and the first does not.",
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
        "The distance falls with the size, and is below 0.01 at 512.",
        "ch-mp",
        the_law,
    ),
    Claim(
        "johnstone-largest",
        "johnstone2001",
        "The largest eigenvalue of noise follows the Tracy–Widom law.",
        "Between 8 and 12 % lie beyond the 90 % point at the size of layers.",
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
        "Mean distance from the law below 0.03 in a small network of that family.",
        "ch-two-thresholds",
        alexnet,
    ),
)
