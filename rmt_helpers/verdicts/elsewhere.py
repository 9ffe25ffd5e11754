"""What the book finds of the claims of four other fields, on data whose truth is known."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from .._checks import FloatArray
from ..experiments import load_results
from .claim import Claim, Finding, mean_interval, share_interval

if TYPE_CHECKING:
    import pandas as pd


@lru_cache(maxsize=1)
def _table() -> pd.DataFrame:
    return load_results("elsewhere").table


def measured(field: str, measure: str, **configuration: Any) -> FloatArray:
    """One measured quantity in all runs of a field with this configuration, in the order of the seeds."""
    table = _table()
    chosen = table[(table["field"] == field) & (table["measure"] == measure)]
    for name, value in configuration.items():
        chosen = chosen[chosen[name] == value]
    return chosen.sort_values("seed")["value"].to_numpy(dtype=np.float64)


def deviating() -> Finding:
    """Plerou: what deviates from the bulk is what the stocks have in common."""
    found, common = measured("finance", "n_signal"), measured("finance", "common")
    strong, ks = measured("finance", "strong"), measured("finance", "ks")
    share = 100 * common / found
    mean, low, high = mean_interval(share)
    verdict = "fails"
    if np.all(common >= strong) and low >= 90:
        verdict = "holds" if np.all(common == found) and ks.max() < 0.03 else "holds with limits"
    elif high >= 90:
        verdict = "undecided"
    return Finding(
        verdict,
        mean,
        low,
        high,
        "% of the deviating directions",
        f"Made-up returns of 300 stocks, {found.size} draws: {found.mean():.1f} of the eigenvalues "
        f"deviate, {common.mean():.1f} of them for what the stocks share, and among these are all "
        f"{strong.mean():.0f} strong factors; the bulk is {ks.mean():.3f} from the law.",
    )


def lower_risk() -> Finding:
    """Plerou: portfolios from the deviating eigenvalues alone have a steadier risk."""
    before = measured("finance", "realised, sample")
    after = measured("finance", "realised, clipped")
    linear = measured("finance", "realised, linear")
    gain = 100 * (1 - after / before)
    mean, low, high = mean_interval(gain)
    return Finding(
        "holds"
        if gain.min() >= 10
        else "holds with limits"
        if low > 0
        else "undecided"
        if high > 0
        else "fails",
        mean,
        low,
        high,
        "% less risk",
        f"True risk of the portfolio of least variance, {gain.size} draws: clipped against raw "
        f"correlations, at least {gain.min():.0f} % less in each; linear shrinkage saves "
        f"{100 * np.mean(1 - linear / before):.0f} %.",
    )


def noise_band() -> Finding:
    """Lu: the eigenvalues of noise fill the band of random-matrix theory."""
    frames, limit = measured("silence", "ks, frames"), measured("silence", "ks null, frames")
    hankel, bar = measured("silence", "ks, Hankel"), measured("silence", "ks null, Hankel")
    false = measured("silence", "n_signal, Hankel")
    good = mean_interval(frames)[2] < 0.035 and np.mean(frames > limit) <= 0.1
    flagged = np.mean(hankel > bar) >= 0.95
    mean, low, high = mean_interval(hankel - frames)
    return Finding(
        ("holds with limits" if flagged else "holds") if good else "fails",
        mean,
        low,
        high,
        "KS distance, Hankel less frames",
        f"White noise alone, {frames.size} draws: in disjoint frames the distance from the law is "
        f"{frames.mean():.3f}, in a Hankel matrix {hankel.mean():.3f}, with {false.mean():.1f} "
        "false spikes.",
    )


def cleaner_speech() -> Finding:
    """Lu: taking out what the law explains makes noisy speech cleaner."""
    gains = {
        (matrix, level): measured("speech", f"{matrix}, truncated", level=level)
        - measured("speech", "before", level=level)
        for matrix in ("Hankel", "frames")
        for level in (0, 5, 10)
    }
    mean, low, high = mean_interval(gains["Hankel", 5])
    helps = {key: mean_interval(gain)[1] > 0 for key, gain in gains.items()}
    return Finding(
        "holds" if all(helps.values()) else "holds with limits" if any(helps.values()) else "fails",
        mean,
        low,
        high,
        "dB, Hankel, from 5 dB",
        f"A synthetic vowel, {gains['Hankel', 5].size} draws a level: Hankel truncation gains "
        f"{gains['Hankel', 0].mean():.1f}, {mean:.1f} and {gains['Hankel', 10].mean():.1f} dB from "
        f"0, 5 and 10 dB, disjoint frames {gains['frames', 0].mean():.1f}, "
        f"{gains['frames', 5].mean():.1f} and {gains['frames', 10].mean():.1f}. No recorded speech.",
    )


def sparse_artefacts() -> Finding:
    """Aparicio: sparsity makes localised directions that carry no information."""
    dense = measured("cells", "n_signal, permuted", types=1, rare=0, depth=600)
    sparse = measured("cells", "n_signal, permuted", types=1, rare=1500, depth=600)
    local = measured("cells", "localised, permuted", types=1, rare=1500, depth=600)
    share = float(local.sum() / max(sparse.sum(), 1.0))
    none = float(np.mean(dense == 0))
    mean, low, high = mean_interval(sparse - dense)
    holds = low > 0 and share >= 0.9
    return Finding(
        "holds" if holds else "undecided" if low <= 0 <= high else "fails",
        mean,
        low,
        high,
        "spikes more",
        f"Synthetic cells of one type, genes permuted, {sparse.size} draws: 1500 rare genes make "
        f"{sparse.mean():.1f} spikes, without them {none:.0%} of the draws have none; {share:.0%} of the "
        f"{int(sparse.sum())} spikes are localised.",
    )


def only_biology_is_left() -> Finding:
    """Aparicio: beyond the bulk and the sparse artefacts there is biology."""
    left = {
        depth: measured("cells", "n_signal, usual", types=1, rare=0, depth=depth)
        - measured("cells", "localised, usual", types=1, rare=0, depth=depth)
        for depth in (2000, 600, 200)
    }
    mean, low, high = mean_interval(left[600])
    every = [mean_interval(x) if np.ptp(x) else (float(x[0]),) * 3 for x in left.values()]
    few, many = all(one[2] <= 1 for one in every), any(one[1] > 1 for one in every)
    return Finding(
        "holds" if few else "fails" if many else "undecided",
        mean,
        low,
        high,
        "spikes without biology",
        f"Synthetic cells of one type that differ in size alone, {left[600].size} draws a depth: the "
        f"usual preparation leaves {left[2000].mean():.1f}, {mean:.1f} and {left[200].mean():.1f} "
        "spikes that are not localised at depths 2000, 600 and 200; the right number is none.",
    )


def right_ranks(how: str, depth: int, rare: int, types: tuple[int, ...] = (1, 4)) -> FloatArray:
    """1 for each draw of cells in which the right rank was found, 0 for others; none where nothing could be scaled."""
    found = [
        measured("cells", f"n_signal, {how}", types=k, depth=depth, rare=rare) == k for k in types
    ]
    return np.concatenate(found).astype(np.float64)


def rank_of_counts() -> Finding:
    """Landa: biwhitening reveals the rank of a count matrix."""
    deep = np.concatenate([right_ranks("biwhitened", depth, 0) for depth in (2000, 600)])
    shallow = right_ranks("biwhitened", 200, 0, (4,))
    sparse, scalable = (
        right_ranks("biwhitened", 600, 1500),
        measured("cells", "scalable", depth=600, rare=1500),
    )
    filtered = right_ranks("filtered", 600, 1500)
    ks = measured("cells", "ks, biwhitened", depth=600, rare=1500).mean()
    share, low, high = share_interval(int(deep.sum()), deep.size)
    limited = min(shallow.mean(), sparse.mean(), scalable.mean()) < 0.9 or ks > 0.08
    verdict = "fails" if high < 0.9 else "undecided"
    if low >= 0.9:
        verdict = "holds with limits" if limited else "holds"
    return Finding(
        verdict,
        100 * share,
        100 * low,
        100 * high,
        "% right",
        f"Poisson counts of one and of four types at depths 2000 and 600, {deep.size} draws. Four types at depth 200: "
        f"right in {int(shallow.sum())} of {shallow.size}. With 1500 rare genes {int(np.sum(scalable == 0))} of "
        f"{scalable.size} draws have no scaling and could not be judged; of the others {int(sparse.sum())} of "
        f"{sparse.size} are right, but the bulk is {ks:.3f} from the law. Without genes that only one cell has, all "
        f"have a scaling, and {int(filtered.sum())} of {filtered.size} are right.",
    )


def number_of_parts() -> Finding:
    """Line 2: the threshold gives the number of parts of a non-negative matrix."""
    gaussian = np.concatenate(
        [
            measured("factors", "n_signal, plain", noise="gaussian", level=level)
            for level in (0.1, 1.0, 2.0)
        ]
    )
    poisson, ks, scaled = (
        np.concatenate(
            [measured("factors", name, noise="poisson", level=level) for level in (1.0, 20.0)]
        )
        for name in ("n_signal, plain", "ks, plain", "n_signal, biwhitened")
    )
    mean, low, high = mean_interval(poisson - 5)
    right = bool(np.all(gaussian == 5))
    limited = bool(np.any(poisson != 5))
    return Finding(
        ("holds with limits" if limited else "holds") if right else "fails",
        mean,
        low,
        high,
        "parts too many, Poisson",
        f"Five true parts: with Gaussian noise right in {np.mean(gaussian == 5):.0%} of "
        f"{gaussian.size} draws, with Poisson noise {poisson.mean():.0f} are found, and the distance "
        f"{ks.mean():.2f} gives it away; biwhitened, right in {np.mean(scaled == 5):.0%} of "
        f"{scaled.size}.",
    )


def digits(column: str, chosen: str = "biwhitened") -> FloatArray:
    """A column of the experiment on handwritten digits for one way to choose the number, in the order of the seeds."""
    table = load_results("digits").table
    table = table[table["chosen"] == chosen]
    return table.sort_values("seed")[column].to_numpy(dtype=np.float64)


def parts_of_digits() -> Finding:
    """The book: whether the count of a threshold is the number of parts where nobody knows it."""
    first, second = (digits(f"biwhitened, {half} half") for half in ("first", "second"))
    differ = mean_interval(200 * np.abs(first - second) / (first + second))
    agree = mean_interval(digits("halves"))
    doubled = 100 * (1 - digits("missed", "twice biwhitened") / digits("missed"))
    gain = mean_interval(doubled)
    inside = (differ[2] <= 10, agree[1] >= 0.8, gain[2] <= 10)
    beyond = (differ[1] > 10, agree[2] < 0.8, gain[1] > 10)
    verdict = "fails" if beyond[0] or all(beyond[1:]) else "undecided"
    if inside[0] and any(inside[1:]):
        verdict = "holds" if all(inside) else "holds with limits"
    return Finding(
        verdict,
        *gain,
        "% less error with twice as many parts",
        f"Two halves of handwritten digits, {doubled.size} draws: biwhitened counts of {first.mean():.0f} and "
        f"{second.mean():.0f}, on average {differ[0]:.1f} % apart ({differ[1]:.1f} to {differ[2]:.1f}); cosine of the "
        f"halves' parts {agree[0]:.2f} ({agree[1]:.2f} to {agree[2]:.2f}).",
    )


CLAIMS = (
    Claim(
        "plerou-deviating",
        "plerou2002",
        "Most eigenvalues of the correlations of stocks lie in the random-matrix bulk; those that "
        "deviate are what the stocks have in common.",
        "Every factor of twice the strength of the transition deviates in every draw, and nine in ten "
        "of the deviating directions belong to factors, with the interval; without limit if all do, and the bulk is "
        "within 0.03 of the law.",
        "ch-elsewhere",
        deviating,
    ),
    Claim(
        "plerou-risk",
        "plerou2002",
        "Correlations cleaned of the bulk make portfolios whose risk is steadier.",
        "The true risk of the portfolio of least variance falls by 10 % or more in every draw; with limits if it "
        "surely falls.",
        "ch-elsewhere",
        lower_risk,
    ),
    Claim(
        "lu-noise-band",
        "lu2008",
        "The eigenvalues of the noise in speech fill the band between the extremes of random-matrix "
        "theory.",
        "Noise in disjoint frames is on average less than 0.035 from the law, with the interval, and in at most a "
        "tenth of the draws beyond what noise stays under; with limits if the Hankel matrix is beyond that nearly "
        "always.",
        "ch-elsewhere",
        noise_band,
    ),
    Claim(
        "lu-cleaner-speech",
        "lu2008",
        "Removing what the law of noise explains makes noisy speech cleaner.",
        "The signal-to-noise ratio rises at 0, 5 and 10 dB in Hankel matrices and in frames, the intervals above zero; "
        "with limits if in some of these.",
        "ch-elsewhere",
        cleaner_speech,
    ),
    Claim(
        "aparicio-sparsity",
        "aparicio2020",
        "Sparsity makes spurious, localised directions in single-cell data.",
        "Rare genes add spikes to permuted data, interval above 0, and nine in ten of all these spikes are localised.",
        "ch-elsewhere",
        sparse_artefacts,
    ),
    Claim(
        "aparicio-biology",
        "aparicio2020",
        "What is left beyond the bulk, once sparse artefacts are out, is biological.",
        "In cells of one type on average at most one spike is left, at every depth, with the intervals.",
        "ch-elsewhere",
        only_biology_is_left,
    ),
    Claim(
        "landa-rank",
        "landa2022",
        "Biwhitening reveals the rank of a matrix of counts.",
        "The right rank in nine draws of ten at depths where all strengths lie above the transition, the whole "
        "interval; with limits if fewer are right at a tenth of the depth or with rare genes, if scaling is not "
        "always possible, or if the bulk with rare genes is more than 0.08 from the law.",
        "ch-elsewhere",
        rank_of_counts,
    ),
    Claim(
        "line-2-parts",
        "book",
        "The threshold gives the number of parts of a non-negative factorisation.",
        "Exactly five of five in every draw with Gaussian noise; with Poisson noise as well, or the claim has that "
        "limit.",
        "ch-elsewhere",
        number_of_parts,
    ),
    Claim(
        "line-2-digits",
        "book",
        "In images of handwritten digits, too, the threshold tells how many parts there are.",
        "The biwhitened counts of two halves of the images differ by at most a tenth, the parts that the halves find "
        "have a mean cosine of 0.8 or more when paired, and twice as many parts lower the error on other images by at "
        "most a tenth, each with its interval; with limits if the first and one of the others.",
        "ch-elsewhere",
        parts_of_digits,
    ),
)
