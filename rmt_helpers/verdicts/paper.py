"""What the paper says in its abstract and shows in its figures, and what would follow if it is right."""

from __future__ import annotations

import numpy as np

from ..alignment import average_alignment
from ..spectrum import Spectrum
from ..thresholds import NoiseFit, bema
from .claim import Claim, Finding, mean_interval
from .tables import ALIKE, by_seed, interval_by_seed, layers, settled_bulk, stored, truth

#: By how much predicted and true score may differ, as in "What would refute it".
TOLERANCE = 0.05


def _ranks(values: np.ndarray) -> np.ndarray:
    from scipy.stats import rankdata

    return np.asarray(rankdata(values), dtype=np.float64)


def core() -> Finding:
    """The score predicts how well the kept directions are aligned."""
    table = truth()[truth()["method"] == "bema"]
    error = {case: interval_by_seed(rows, "error") for case, rows in table.groupby("case")}
    # By the far end of the interval, whichever it is.
    clean = max(max(map(abs, error[case])) for case in ("clean", "clean, decay"))
    rote = max(max(map(abs, error[case])) for case in ("half random", "random"))
    mean, low, high = error["clean"]
    verdict = "fails"
    if clean <= TOLERANCE:
        verdict = "holds" if rote <= TOLERANCE else "holds with limits"
    return Finding(
        verdict,
        mean,
        low,
        high,
        "score, predicted less true",
        f"Trained layers with known noise, {table['seed'].nunique()} seeds: the mean is off by at most {clean:.3f} "
        f"with clean labels, by up to {rote:.3f} where labels were memorised, intervals included.",
    )


def premise() -> Finding:
    """The noise in a trained layer is what is left of its initialisation."""
    table = settled_bulk()
    clean = table[table["random_labels"] == 0]
    rote = table[table["random_labels"] > 0]
    excess = interval_by_seed(clean, "own_excess")
    close = float(np.mean(clean["own_ks"] < 0.03))
    ten = 100 * float(truth().query("case == 'clean' and layer == 'fc1'")["energy_of_ten"].mean())
    good = close >= 0.95 and max(map(abs, excess)) <= 3
    bad = max(map(abs, interval_by_seed(rote, "own_excess"))) > 3
    return Finding(
        ("holds with limits" if bad or ten < 90 else "holds") if good else "fails",
        *excess,
        "% above the known noise level",
        f"Perceptrons on MNIST, {clean['seed'].nunique()} seeds, signal taken out first: with clean labels "
        f"{close:.0%} of {len(clean)} bulks are within 0.03 of the law; with 40 % random labels the level is "
        f"{by_seed(rote, 'own_excess').mean():.0f} % too high. The signal is only roughly of low rank: ten directions "
        f"hold {ten:.0f} % of it.",
    )


def figure_1() -> Finding:
    """Both estimators find the edge of the noise."""
    table = stored("bulk").table
    table = table[
        (table["state"] == "trained") & (table["random_labels"] == 0) & (table["input"] == "raw")
    ]
    table = table.assign(off=100 * (table["sigma"] / (table["kappa"] * table["sigma_start"]) - 1))
    off = {
        method: interval_by_seed(rows[rows["layer"] == "fc1"], "off")
        for method, rows in table.groupby("method")
    }
    worst = {method: rows["off"].abs().max() for method, rows in table.groupby("method")}
    inside = [max(map(abs, value)) <= 3 for value in off.values()]
    return Finding(
        "holds" if all(inside) else "holds with limits" if any(inside) else "fails",
        *off["bema"],
        "% above the known edge, BEMA",
        f"FC1 of perceptrons on MNIST, {table['weight_decay'].nunique()} weight decays, {table['seed'].nunique()} "
        f"seeds: BEMA's edge is {off['bema'][0]:.1f} % too high, broadening's {off['broadening'][0]:.1f} %; the worst "
        f"layers are off by {worst['bema']:.1f} and {worst['broadening']:.1f} %.",
    )


def figure_2() -> Finding:
    """At the threshold little accuracy is lost."""
    table = layers()[layers()["method"] == "bema"]
    mnist = table[(table["kind"] == "mlp mnist") & table["fully"]]
    mean, low, high = interval_by_seed(mnist, "lost")
    convolutions = table[~table["fully"]]["lost"]
    rest = table.drop(mnist.index).groupby(["kind", "fully"])
    elsewhere = [interval_by_seed(rows, "lost")[2] < 0.5 for _, rows in rest]
    verdict = "fails" if low > 0.5 else "undecided"
    if high < 0.5:
        verdict = "holds" if all(elsewhere) else "holds with limits"
    return Finding(
        verdict,
        mean,
        low,
        high,
        "points of accuracy lost",
        f"Hidden layers of the perceptron on MNIST cut at BEMA's threshold one at a time, {mnist['seed'].nunique()} "
        f"seeds; so little surely goes in {sum(elsewhere)} of the {len(elsewhere)} other kinds of layers, and "
        f"convolutions lose {convolutions.mean():.0f} points on average.",
    )


def figure_3() -> Finding:
    """The largest singular values depend on the batch size."""
    table = stored("batches").table
    table = table[table["method"] == "bema"]
    counts = table.pivot_table(index="seed", columns=["fixed", "batch_size"], values="n_signal")
    epochs = (counts["epochs"][16] - counts["epochs"][1024]).to_numpy()
    steps = (counts["steps"][16] - counts["steps"][1024]).to_numpy()
    mean, low, high = mean_interval(epochs)
    rest = mean_interval(steps)
    verdict = "fails"
    if low > 0:
        verdict = "holds" if rest[1] > 0.25 * mean else "holds with limits"
    return Finding(
        verdict,
        mean,
        low,
        high,
        "signal values more, batch 16 against 1024",
        f"FC1 of a perceptron, {epochs.size} seeds: at a fixed number of epochs; at a fixed number of steps the "
        f"difference is {rest[0]:.1f} ({rest[1]:.1f} to {rest[2]:.1f}).",
    )


def better_estimator() -> Finding:
    """If right 1: a better threshold keeps better aligned directions."""
    table = truth()[truth()["case"].isin(["clean", "clean, decay"])]
    wide = table.pivot_table(index="seed", columns="method", values="true")
    excess = table.pivot_table(index="seed", columns="method", values="excess").mean()
    better, other = excess.abs().sort_values().index
    mean, low, high = mean_interval((wide[better] - wide[other]).to_numpy())
    kept = table.pivot_table(index="seed", columns="method", values="n_signal").mean()
    verdict = "undecided"
    if low > 0:
        verdict = "holds" if low > 0.02 else "holds with limits"
    elif high < 0:
        verdict = "fails"
    return Finding(
        verdict,
        mean,
        low,
        high,
        "true alignment, better less other",
        f"Cleanly trained layers of known truth, {len(wide)} seeds: the better estimator is {better}, whose noise "
        f"level is {excess[better]:.1f} % too high against {excess[other]:.1f} %; it keeps "
        f"{kept[better]:.1f} directions against {kept[other]:.1f}, and those it keeps besides are weak.",
    )


def passing_keeps_function() -> Finding:
    """If right 3: layers with a high score keep their function."""
    table = layers()[(layers()["method"] == "bema") & (layers()["seed"] < ALIKE)]

    def correlations(rows: object) -> np.ndarray:
        return np.array(
            [
                np.corrcoef(_ranks(one["ave_w"]), _ranks(one["agreement"]))[0, 1]
                for _, one in rows.groupby("seed")  # type: ignore[attr-defined]
            ]
        )

    mean, low, high = mean_interval(correlations(table))
    fully = mean_interval(correlations(table[table["fully"]]))
    verdict = "fails" if high < 0.5 else "undecided"
    if low > 0.5:
        verdict = "holds" if fully[1] > 0.5 else "holds with limits"
    return Finding(
        verdict,
        mean,
        low,
        high,
        "rank correlation over layers",
        f"Score against agreement at BEMA's threshold, {len(table) // ALIKE} layers of {table['kind'].nunique()} "
        f"kinds of networks, {ALIKE} seeds; among fully connected layers alone {fully[0]:.2f} ({fully[1]:.2f} to "
        f"{fully[2]:.2f}). The interval is over seeds, not over kinds of networks.",
    )


def ranks_formulas() -> Finding:
    """If right 4: the score ranks thresholds without held-out data."""
    table, results = layers(), stored("layers")
    rows = table[(table["method"] == "bema") & table["fully"] & (table["seed"] < ALIKE)]
    settings = [(alpha, beta) for alpha in (0.1, 0.2, 0.3) for beta in (0.01, 0.1, 0.5)]
    regret: dict[int, list[float]] = {}
    for row in rows.to_dict("records"):
        arrays = results.arrays(row["run"])
        spectrum = Spectrum(arrays[f"{row['layer']}/values"], (row["rows"], row["columns"]))
        fits: list[NoiseFit] = [bema(spectrum, alpha, beta) for alpha, beta in settings]
        kept = np.array([max(fit.n_signal, 1) for fit in fits])
        score = [average_alignment(fit, int(k)) for fit, k in zip(fits, kept, strict=True)]
        ranks = np.log1p(arrays[f"{row['layer']}/ranks"].astype(float))
        validation = np.interp(np.log1p(kept), ranks, arrays[f"{row['layer']}/validation"])
        test = np.interp(np.log1p(kept), ranks, arrays[f"{row['layer']}/test"])
        enough = validation >= arrays[f"{row['layer']}/validation"][-1] - 0.005
        images = (
            int(np.flatnonzero(enough)[kept[enough].argmin()])
            if enough.any()
            else int(validation.argmax())
        )
        regret.setdefault(row["seed"], []).append(
            100 * float(test[images] - test[int(np.argmax(score))])
        )
    mean, low, high = mean_interval([float(np.mean(values)) for values in regret.values()])
    return Finding(
        "holds" if high < 0.5 else "fails" if low > 0.5 else "undecided",
        mean,
        low,
        high,
        "points of accuracy",
        f"{len(settings)} settings of BEMA in the hidden fully connected layers, {len(regret)} seeds: what the "
        "setting with the highest score costs beside the one that held-out images prefer. So little is at stake that "
        "any habit would pass.",
    )


CLAIMS = (
    Claim(
        "core",
        "nishikawa2025",
        "The weighted average of estimated cosine similarities says how well the kept directions are "
        "aligned with the signal.",
        "On average within 0.05 of the truth, with the interval, in cleanly trained layers whose noise is known; with "
        "limits if not where labels were memorised.",
        "ch-truth",
        core,
    ),
    Claim(
        "premise",
        "nishikawa2025",
        "A trained weight matrix is a low-rank signal plus noise that follows the Marchenko–Pastur law.",
        "Signal taken out, with clean labels 95 % of the bulks are within 0.03 of the law and their mean level within "
        "3 % of the known one, with the interval; with limits if not so the level with wrong labels, or if ten "
        "directions hold less than nine tenths of what was learned.",
        "ch-bulk",
        premise,
    ),
    Claim(
        "figure-1",
        "nishikawa2025",
        "Figure 1: both estimators find the law and the edge of the noise of a trained layer.",
        "On average both edges are within 3 % of the one that the initialisation gives, weight decay counted, with the "
        "intervals; with limits if one of them is.",
        "ch-figure-1",
        figure_1,
    ),
    Claim(
        "figure-2",
        "nishikawa2025",
        "Figure 2: at the threshold the score begins to fall and the accuracy has arrived.",
        "Less than half a point is lost in the perceptron, with the interval; likewise in all other kinds of layers, "
        "or the claim has that limit.",
        "ch-figure-2",
        figure_2,
    ),
    Claim(
        "figure-3",
        "nishikawa2025",
        "Figure 3: the large singular values depend on the batch size.",
        "More signal values at batch 16 than at 1024 at a fixed number of epochs, interval above 0; with limits unless "
        "the difference at a fixed number of steps is surely more than a quarter of that.",
        "ch-figure-3",
        figure_3,
    ),
    Claim(
        "right-1",
        "book",
        "If the score is right, a better estimate of the threshold keeps better aligned directions.",
        "A paired difference in true alignment of more than 0.02, with the interval; with limits if it is surely above "
        "zero, a failure if surely below.",
        "ch-truth",
        better_estimator,
    ),
    Claim(
        "right-3",
        "book",
        "If the score is right, layers that pass it keep their function when they are cut.",
        "Rank correlation of score and agreement above 0.5, with the interval; among fully connected layers as well, "
        "or the claim has that limit.",
        "ch-layers-matter",
        passing_keeps_function,
    ),
    Claim(
        "right-4",
        "book",
        "If the score is right, it ranks formulas for the threshold without held-out data.",
        "The formula that it prefers costs less than half a point beside the one that images prefer, with the "
        "interval.",
        "ch-choosing",
        ranks_formulas,
    ),
)
