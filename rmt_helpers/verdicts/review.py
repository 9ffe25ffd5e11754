"""What the paper's reviewers asked for, and what its authors promised."""

from __future__ import annotations

import numpy as np

from .claim import Claim, Finding, mean_interval, untested
from .paper import TOLERANCE
from .tables import by_seed, layers, settled_bulk, stored, truth


def bulk_follows() -> Finding:
    """Major 1: does the bulk follow the law?"""
    table = settled_bulk()
    clean = table[table["random_labels"] == 0]
    raw, own = by_seed(clean, "raw"), by_seed(clean, "own")
    rote = by_seed(table[table["random_labels"] > 0], "own").mean()
    passed = float(np.mean(clean["own"] <= 1))
    mean, low, high = mean_interval(own)
    verdict = "fails"
    if mean <= 1.5:
        verdict = "holds" if raw.mean() <= 1 and rote <= 1.5 else "holds with limits"
    return Finding(
        verdict,
        mean,
        low,
        high,
        "times the distance that noise stays under",
        f"Hidden layers of perceptrons on MNIST, five seeds: as the fit stands {raw.mean():.1f} times, the "
        f"signal taken out of both sides {mean:.2f} times ({passed:.0%} of the layers pass); with 40 % "
        f"random labels still {rote:.1f} times.",
    )


def details() -> Finding:
    """Major 2: which networks, layers, data and how many matrices?"""
    records = [
        record
        for name in ("truth", "bulk", "layers", "encoder")
        for record in stored(name).runs.values()
    ]
    needed = ("configuration", "code", "versions", "machine", "threads", "date", "seconds")
    whole = sum(all(record.get(key) for key in needed) for record in records)
    return Finding(
        "holds" if whole == len(records) else "fails",
        remark=f"{whole} of {len(records)} stored runs carry configuration, code, versions, machine, "
        "threads, date and time; the tables of settings are made from these.",
    )


def overlays() -> Finding:
    """Promise i: with overlays and distances, thresholds can be trusted."""
    table = layers()[layers()["method"] == "bema"]
    good = table.assign(good=100.0 * (table["ks"] < 0.03))
    mean, low, high = mean_interval(by_seed(good[good["seed"] < 5], "good"))
    fully = 100 * float(np.mean(good[good["fully"]]["good"] > 0))
    verdict = "holds" if mean >= 90 else "holds with limits" if mean >= 50 else "fails"
    return Finding(
        verdict,
        mean,
        low,
        high,
        "% of layers within 0.03 of the law",
        "Every threshold of this book is printed with its distance. Layers of three architectures on "
        f"three data sets, five seeds, as the fit stands; of fully connected ones {fully:.0f} %. So the "
        "overlays convince in few layers until the signal is taken out.",
    )


def intervals() -> Finding:
    """Promise iii: the difference of the two thresholds survives repetition."""
    table = layers()
    fully = table[table["fully"] & (table["seed"] < 5)]
    wide = fully.pivot_table(index=["kind", "layer", "seed"], columns="method", values="n_signal")
    more = (wide["broadening"] - wide["bema"]).unstack("seed").to_numpy()
    distinct = np.mean([mean_interval(row)[1] > 0 for row in more])
    lost = fully.pivot_table(index="seed", columns="method", values="lost")
    mean, low, high = mean_interval((lost["bema"] - lost["broadening"]).to_numpy())
    verdict = "fails"
    if distinct >= 0.9:
        verdict = "holds" if low > 0 else "holds with limits"
    return Finding(
        verdict,
        mean,
        low,
        high,
        "points of accuracy, broadening above BEMA",
        f"Fully connected layers of six kinds of networks, five seeds: broadening keeps more in "
        f"{distinct:.0%} of the layers by the paired interval; in accuracy it is worth this much.",
    )


def falsifier() -> Finding:
    """Settle it: would low similarity together with a misfit refute the paper, and nothing else?"""
    planted = stored("failures").table
    planted = planted[planted["method"] == "bema"]
    errors = planted.assign(error=planted["ave_w"] - planted["true_ave_w"])
    errors["kind"] = errors["noise"] + " " + errors["shape"].astype(str)
    known = truth()[truth()["method"] == "bema"]
    known = known.assign(kind=known["case"] + " " + known["layer"])
    cells: dict[tuple[bool, bool], int] = {}
    for table in (errors, known):
        means = table.groupby("kind")[["error", "ks"]].mean()
        for error, ks in means.to_numpy():
            cell = (bool(abs(error) > TOLERANCE), bool(ks >= 0.03))
            cells[cell] = cells.get(cell, 0) + 1
    silent, vain = cells.get((True, False), 0), cells.get((False, True), 0)
    wrong = silent + cells.get((True, True), 0)
    settles = silent == 0 and vain == 0
    return Finding(
        "holds" if settles else "fails" if silent and vain else "holds with limits",
        100 * (silent + vain) / sum(cells.values()),
        unit="% of the kinds on the wrong side",
        remark=f"{sum(cells.values())} kinds of noise and of trained layers with known truth: of {wrong} with "
        f"a wrong score {silent} are within 0.03 of the law, and of {sum(cells.values()) - wrong} with a "
        f"right score {vain} are not.",
    )


def sensitivity() -> Finding:
    """Line 3: does the spectrum foretell how much a layer suffers from its cut?"""
    from scipy.stats import spearmanr

    table = layers()[(layers()["method"] == "bema") & (layers()["seed"] < 5)]

    def per_seed(column: str, rows: np.ndarray) -> tuple[float, float, float]:
        chosen = table[rows]
        return mean_interval(
            [
                float(spearmanr(one[column], 1 - one["agreement"]).statistic)
                for _, one in chosen.groupby("seed")
            ]
        )

    everything = np.ones(len(table), dtype=bool)
    mean, low, high = per_seed("ks", everything)
    energy = per_seed("energy", everything)[0]
    fully = per_seed("ks", table["fully"].to_numpy())
    verdict = "fails"
    if low > 0.5:
        verdict = "holds" if fully[1] > 0.5 else "holds with limits"
    return Finding(
        verdict,
        mean,
        low,
        high,
        "rank correlation over layers",
        f"Distance from the law against answers changed, each layer cut at BEMA's threshold, sixteen "
        f"layers of six kinds, five seeds; energy {energy:.2f}; among fully connected layers distance "
        f"{fully[0]:.2f} ({fully[1]:.2f} to {fully[2]:.2f}). The interval is over seeds, not over kinds.",
    )


CLAIMS = (
    Claim(
        "major-1",
        "review",
        "Show that the bulk of trained layers follows the Marchenko–Pastur law.",
        "The distance of the bulk is at most one and a half times what noise of its shape stays under.",
        "ch-bulk",
        bulk_follows,
    ),
    Claim(
        "major-2",
        "review",
        "Say which networks, layers and data were used, with all settings, and how many matrices.",
        "Every stored run carries what is needed to repeat it.",
        "ch-two-thresholds",
        details,
    ),
    Claim(
        "minor-equation",
        "review",
        "Number the definition of the score and state its weights.",
        "A reader can refer to the definition.",
        "ch-alignment",
        untested(
            "A question of editing, not of measurement: the book numbers its definition, and states "
            "weights and sides."
        ),
    ),
    Claim(
        "promise-i",
        "review",
        "Overlays of the law and distances from it will be shown for every threshold.",
        "Nine layers in ten within 0.03 of their law, so that the overlays convince.",
        "ch-two-thresholds",
        overlays,
    ),
    Claim(
        "promise-ii",
        "review",
        "ResNet-50 and VGG-16 on ImageNet will be examined.",
        "Both trained networks examined like those of the book.",
        "ch-encoder",
        untested(
            "Neither ImageNet nor weights of these networks come with a package that the book installs; "
            "a sentence encoder and a small AlexNet stand in."
        ),
    ),
    Claim(
        "promise-iii",
        "review",
        "Standard errors and p-values will show that the two thresholds differ.",
        "The paired interval of the count is above zero in nine fully connected layers of ten, and that "
        "of the accuracy as well, or the claim has that limit.",
        "ch-two-thresholds",
        intervals,
    ),
    Claim(
        "settle-it",
        "review",
        "Low similarity together with a misfit of the bulk would settle whether the score is right.",
        "No kind of matrix with a wrong score and a good fit, none with a right score and a misfit.",
        "ch-refute",
        falsifier,
    ),
    Claim(
        "line-3",
        "book",
        "The distance from the law foretells how much a layer suffers from its cut.",
        "Rank correlation above 0.5 with the whole interval, among fully connected layers as well.",
        "ch-layers-matter",
        sensitivity,
    ),
)
