"""Claims about tails, vectors and spacings: what the experiments phases, alpha and hessian say of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._checks import FloatArray
from ..experiments import load_results
from ..spectrum import Spectrum
from ..statistics import phase, reference_ratio
from .claim import Claim, Finding, mean_interval
from .tables import encoder_plateaus, encoder_ratios

if TYPE_CHECKING:
    import pandas as pd

#: States of `phases` that were trained; "decayed" is left out where a bulk is spoken of: it has none.
TRAINED = ("short", "long", "small batch", "small batch, few steps", "many steps", "memorising")


def phases_found() -> pd.DataFrame:
    """The table of `phases` with a column for the phase of each spectrum."""
    results = load_results("phases")
    table = results.table.copy()
    found = []
    for run, layer, rows, columns in zip(
        *(table[name] for name in ("run", "layer", "rows", "columns")), strict=True
    ):
        values = results.arrays(run)[f"{layer}/values"]
        found.append(phase(Spectrum(values, (rows, columns))))
    table["phase"] = found
    return table


def by_seed(table: pd.DataFrame, state: str, column: str) -> FloatArray:
    """A column's mean over the layers, one a seed, in a state."""
    return np.asarray(table[table["state"] == state].groupby("seed")[column].mean(), dtype=float)


# Vectors and spacings -----------------------------------------------------------------------------


def rejections(table: pd.DataFrame) -> pd.DataFrame:
    """Shares of vectors that the Porter–Thomas test rejects at 5 %, mean of both sides."""
    table = table.copy()
    for part in ("bulk", "spikes"):
        sides = table[[f"rejected_{part}_left", f"rejected_{part}_right"]]
        table[part] = sides.mean(axis=1)
    return table


def judge_vectors() -> Finding:
    table = rejections(load_results("phases").table)
    bulk = {state: mean_interval(by_seed(table, state, "bulk")) for state in TRAINED}
    more = by_seed(table, "long", "spikes") - by_seed(table, "long", "bulk")
    mean, low, high = mean_interval(100 * more)
    good = [state for state, share in bulk.items() if share[2] <= 0.1]
    verdict = "fails" if high < 0 or bulk["long"][1] > 0.1 else "undecided"
    if "long" in good and low > 0:
        verdict = "holds" if len(good) == len(bulk) else "holds with limits"
    worst = max(bulk, key=lambda state: bulk[state][0])
    return Finding(
        verdict,
        mean,
        low,
        high,
        "percentage points",
        f"Share of spikes' vectors rejected less share of the bulk's, state “long”, {more.size} seeds. Of the bulk's "
        f"vectors, left and right in both layers together, surely at most 10 % are rejected in {len(good)} of "
        f"{len(bulk)} trained states. The most are in “{worst}”: {bulk[worst][0]:.1%}.",
    )


def judge_spacings() -> Finding:
    table = load_results("phases").table
    states = [mean_interval(by_seed(table, state, "ratio_bulk")) for state in TRAINED]
    pooled = table[table["state"].isin(TRAINED)].groupby("seed")["ratio_bulk"].mean()
    mean, low, high = mean_interval(pooled)
    everything = [*states, mean_interval(encoder_ratios())]
    inside = sum(one[1] >= 0.51 and one[2] <= 0.56 for one in everything)
    outside = sum(one[2] < 0.51 or one[1] > 0.56 for one in everything)
    verdict = "holds" if inside == len(everything) else "holds with limits"
    return Finding(
        verdict
        if inside and not outside
        else "fails"
        if outside == len(everything)
        else "undecided",
        mean,
        low,
        high,
        "mean spacing ratio",
        f"Bulk of both hidden layers, {len(states)} trained states, {pooled.size} seeds; noise has "
        f"{reference_ratio('noise'):.3f}, independent points {reference_ratio('independent'):.3f}. The encoder's "
        f"{encoder_ratios().size} layer matrices have {encoder_ratios().mean():.3f}. Surely within the limits: "
        f"{inside} of these {len(everything)} means.",
    )


def judge_no_power_law() -> Finding:
    table = load_results("phases").table
    table = table[table["state"].isin(("long", "small batch", "many steps", "memorising"))]
    shares = (table["plateau_p"] < 0.05).groupby(table["seed"]).mean()
    mean, low, high = mean_interval(100 * shares)
    wild = float(np.mean(encoder_plateaus() < 0.05))
    # A test that does not reject has found no plateau: only a share near its level speaks against.
    verdict = "holds" if low > 50 else "fails" if high < 10 else "undecided"
    if verdict == "holds" and wild <= 0.5:
        verdict = "holds with limits"
    return Finding(
        verdict,
        mean,
        low,
        high,
        "% of layers",
        f"Layers whose Hill plot varies more than a power law's would in 95 % of cases; {table['state'].nunique()} "
        f"states, both layers, {shares.size} seeds"
        f"{', which all have the same share: no width' if low == high else ''}. Of the encoder's "
        f"{encoder_plateaus().size} layer matrices: {wild:.0%}.",
    )


# Phases -------------------------------------------------------------------------------------------


def judge_phases() -> Finding:
    table = phases_found()
    table = table[table["layer"] == "fc1"]
    counts = {
        name: int((table["phase"] == name).groupby(table["state"]).sum().max())
        for name in ("random-like", "bleeding-out", "bulk and spikes", "bulk decay")
    }
    seeds = table["seed"].nunique()
    reached = sum(count >= 0.8 * seeds for count in counts.values())
    verdict = {4: "holds", 3: "holds with limits"}.get(reached, "fails")
    seen = ", ".join(f"{name} {count}" for name, count in counts.items())
    return Finding(
        verdict,
        reached,
        unit="phases of 4",
        remark=f"FC1 of an MLP; most seeds (of {seeds}) of one state that are in the phase: {seen}.",
    )


def batch_differences() -> dict[str, FloatArray]:
    """Spikes in FC1 at batch size 16 less those at 128, one a seed, at equal numbers of steps."""
    table = load_results("phases").table
    spikes = table[table["layer"] == "fc1"].set_index(["state", "seed"])["n_signal"]
    pairs = {
        "few steps": ("small batch, few steps", "long"),
        "many steps": ("small batch", "many steps"),
        "low rate": ("small batch, low rate", "low rate"),
    }
    return {
        name: np.asarray(spikes[small] - spikes[large], dtype=float)
        for name, (small, large) in pairs.items()
    }


def judge_batch_size() -> Finding:
    differences = batch_differences()
    few, many, slow = (mean_interval(x) for x in differences.values())
    more = [low > 1 for _, low, _ in (few, many, slow)]
    steps = load_results("phases").table.groupby("state")["steps"].first()
    return Finding(
        "holds" if all(more) else "holds with limits" if any(more) else "fails",
        *many,
        "spikes",
        f"More spikes in FC1 at batch size 16 than at 128 after {steps['many steps']:.0f} steps each, "
        f"{differences['many steps'].size} seeds; after {steps['small batch, few steps']:.0f} steps each {few[0]:.1f} "
        f"({few[1]:.1f} to {few[2]:.1f}), at a quarter of the learning rate {slow[0]:.1f} ({slow[1]:.1f} to "
        f"{slow[2]:.1f}).",
    )


def judge_heavy_tail() -> Finding:
    table = load_results("phases").table
    seeds = table["seed"].nunique()
    table = table[table["exponent"] < 4]
    good = (
        (table["tail_range"] >= 10) & (table["plateau_p"] >= 0.05) & (table["power_law_p"] >= 0.05)
    )
    counts = good.groupby([table["state"], table["layer"]]).sum()
    best, (state, layer) = int(counts.max()), tuple(counts.index[int(counts.argmax())])
    chosen = (table["state"] == state) & (table["layer"] == layer)
    distance, low, high = mean_interval(table[chosen]["ks"])
    # A bulk of the law's shape that is still there is no heavy tail.
    verdict = "holds" if low >= 0.08 else "fails" if high < 0.08 else "undecided"
    return Finding(
        verdict if best == seeds else "fails",
        best,
        unit=f"seeds of {seeds}",
        remark=f"{len(counts)} layers in some state have exponents below 4. At best ({state}, {layer}) the tail is "
        f"a power law by both tests over a decade in that many seeds; its bulk has the distance "
        f"{distance:.2f} ({low:.2f} to {high:.2f}) from the law of noise.",
    )


# Exponent and accuracy ----------------------------------------------------------------------------

METRICS = {
    "exponent": "exponent",
    "weighted": "weighted exponent",
    "n_signal": "spikes",
    "ks": "distance of the bulk",
}


def _settings(varied: str, layers: tuple[str, ...]) -> pd.DataFrame:
    """Means over some layers of a kind of variation, a row a seed and setting."""
    table = load_results("alpha").table
    table = table[(table["varied"] == varied) & table["layer"].isin(layers)].copy()
    table["setting"] = [
        str(setting)
        for setting in zip(table["random_labels"], table["hidden"], table["lr"], strict=True)
    ]
    return table.groupby(["seed", "setting"])[[*METRICS, "test_accuracy"]].mean()


def correlations(
    varied: str, metric: str, layers: tuple[str, ...] = ("fc1", "fc2"), *, ranks: bool = False
) -> FloatArray:
    """Correlation of a metric's mean over layers with the test accuracy, one a seed.

    Pearson's over the settings of `alpha`, or Spearman's if `ranks`.
    """
    found = []
    for _, part in _settings(varied, layers).groupby("seed"):
        pair = part[[metric, "test_accuracy"]]
        pair = pair.rank() if ranks else pair
        found.append(np.corrcoef(pair[metric], pair["test_accuracy"])[0, 1])
    return np.array(found)


def _count(varied: str) -> str:
    """Over how many settings and seeds a correlation was taken."""
    index = _settings(varied, ("fc1",)).index
    seeds, settings = (len(set(index.get_level_values(level))) for level in ("seed", "setting"))
    return f"{settings} settings of {varied}, {seeds} seeds"


def judge_label_noise() -> Finding:
    rho = mean_interval(correlations("label noise", "exponent"))
    one = {
        layer: mean_interval(correlations("label noise", "exponent", (layer,), ranks=True))
        for layer in ("fc1", "fc2")
    }

    def strong(interval: tuple[float, float, float]) -> bool:
        return interval[1] > 0.9 or interval[2] < -0.9

    verdict = "holds" if strong(rho) else "fails"
    if verdict == "fails" and any(map(strong, one.values())):
        verdict = "holds with limits"
    return Finding(
        verdict,
        *rho,
        "correlation",
        f"Exponent, mean of two layers, with test accuracy over {_count('label noise')}; rank correlation in FC1 alone "
        f"{one['fc1'][0]:.2f} ({one['fc1'][1]:.2f} to {one['fc1'][2]:.2f}), in FC2 {one['fc2'][0]:.2f}.",
    )


def judge_hyperparameters() -> Finding:
    rho = mean_interval(correlations("width and learning rate", "exponent"))
    beyond = rho[1] > 0.5 or rho[2] < -0.5
    verdict = "holds" if max(abs(x) for x in rho[1:]) < 0.5 else "fails" if beyond else "undecided"
    return Finding(
        verdict,
        *rho,
        "correlation",
        f"Exponent (mean of two layers) with test accuracy over {_count('width and learning rate')}, right labels.",
    )


def judge_direction() -> Finding:
    noise = correlations("label noise", "exponent")
    clean = correlations("width and learning rate", "exponent")
    wrong, right = mean_interval(noise), mean_interval(clean)
    # The less favourable of the two decides.
    surely = max(wrong[1], right[1]) > 0
    return Finding(
        "holds" if max(wrong[2], right[2]) < 0 else "fails" if surely else "undecided",
        *max(wrong, right),
        "correlation",
        f"Exponent and test accuracy, {noise.size} seeds: {wrong[0]:+.2f} ({wrong[1]:+.2f} to {wrong[2]:+.2f}) over "
        f"label noise, {right[0]:+.2f} ({right[1]:+.2f} to {right[2]:+.2f}) over width and learning rate.",
    )


def judge_hessian() -> Finding:
    results = load_results("hessian")
    table = results.table[results.table["state"] == "trained"]
    mean, low, high = mean_interval(table["ratio"])
    verdict = "fails" if high < 0.52 or low > 0.54 else "undecided"
    if low >= 0.52 and high <= 0.54:
        verdict = "holds"
    return Finding(
        verdict,
        mean,
        low,
        high,
        "mean spacing ratio",
        f"Eigenvalues of the Hessian that are not zero, networks with {int(table['parameters'].iloc[0])} "
        f"parameters, {len(table)} seeds; noise has {reference_ratio('noise'):.3f}.",
    )


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "random-vectors",
        "thamm2022",
        "Most singular vectors of a trained layer cannot be told from random ones; those of the largest "
        "singular values can.",
        "After twelve epochs the Porter–Thomas test at 5 % rejects at most 10 % of the bulk's vectors, and more of the "
        "spikes', with the intervals; with limits if not at most 10 % in every trained state.",
        "ch-tails",
        judge_vectors,
    ),
    Claim(
        "universal-spacings",
        "thamm2022",
        "The spacings of the bulk's singular values are those of a random matrix.",
        "Mean spacing ratio between .51 and .56 in every trained state and in the encoder, with the intervals; with "
        "limits if surely in some, and surely not in none.",
        "ch-tails",
        judge_spacings,
    ),
    Claim(
        "no-tail-index",
        "thamm2022",
        "The large singular values do not follow a power law.",
        "In more than half of the layers Hill's plot has no plateau (p < .05), with the interval; with limits if not "
        "in the encoder. Only a share below a tenth, near the level of the test, would speak for plateaus.",
        "ch-tails",
        judge_no_power_law,
    ),
    Claim(
        "phases-of-training",
        "martin2021implicit",
        "Training leads spectra from random-like over bleeding-out and bulk with spikes to bulk decay.",
        "Each of the four phases is reached by four of five seeds in some state; with limits if three of the phases "
        "are.",
        "ch-tails",
        judge_phases,
    ),
    Claim(
        "batch-size-walks",
        "martin2021implicit",
        "Making the batches smaller, and nothing else, leads through the phases.",
        "At equal numbers of steps, more spikes at batch size 16 than at 128: lower end of the interval above "
        "1, after few steps, after many, and at a low learning rate; with limits if in some of these.",
        "ch-tails",
        judge_batch_size,
    ),
    Claim(
        "heavy-tails",
        "martin2021implicit",
        "Strongly trained layers have heavy tails: a power law with an exponent below 4.",
        "In some state and layer an exponent below 4 over a decade, rejected neither by the bootstrap nor by "
        "Hill's plot, in every seed; and no bulk of the law's shape left, its distance 0.08 or more.",
        "ch-tails",
        judge_heavy_tail,
    ),
    Claim(
        "exponent-label-noise",
        "loftus2026",
        "Over the share of wrong labels, the tail exponent follows the test accuracy.",
        "|ρ| > .9 for the mean of the hidden layers, with the interval; with limits, if only the ranks in one layer "
        "follow, with theirs.",
        "ch-tails",
        judge_label_noise,
    ),
    Claim(
        "exponent-hyperparameters",
        "loftus2026",
        "Over width and learning rate, with right labels, it does not.",
        "|ρ| < .5, with the interval.",
        "ch-tails",
        judge_hyperparameters,
    ),
    Claim(
        "smaller-exponent-better",
        "martin2021predicting",
        "Of two networks the one with the smaller tail exponent is the better one; no data are needed.",
        "ρ < 0 over label noise and over width and learning rate, the interval too.",
        "ch-tails",
        judge_direction,
    ),
    Claim(
        "hessian-spacings",
        "baskerville2022",
        "Neighbouring eigenvalues of the loss's Hessian keep their distance like those of a random matrix.",
        "Mean spacing ratio .53 ± .01, with the interval; zero modes dropped.",
        "ch-tails",
        judge_hessian,
    ),
)
