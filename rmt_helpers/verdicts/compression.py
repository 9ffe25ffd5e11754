"""Claims about what a rank buys: smaller networks, and networks rid of wrong labels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..experiments import load_results
from .claim import Claim, Finding, mean_interval

if TYPE_CHECKING:
    import pandas as pd

_POINTS = "points of accuracy"

# The budget, a share of the weights, at which pruning is judged; a table's numbers are read as such.
TENTH = 0.1

# Accuracy that a rank may cost and still be useful, for the claim about responses.
USEFUL = 0.05


def compared() -> pd.DataFrame:
    """Test accuracy in per cent of every compressed network, a row a network.

    Columns are (method, budget, tuned); the index is (network, data, seed).
    """
    table = load_results("compression").table
    wide = table.pivot(
        index=["network", "data", "seed"], columns=["method", "budget", "tuned"], values="test"
    )
    return 100 * wide


def filtered() -> pd.DataFrame:
    """What each filter gains on the full network, in points, a row a network.

    Columns are (layers, filter); the index is (data, random_labels, seed).
    """
    table = load_results("filtering").table
    table = table[~table["filter"].str.startswith("fit")]
    wide = 100 * table.pivot(
        index=["data", "random_labels", "seed"], columns=["layers", "filter"], values="test"
    )
    return wide.sub(wide["none", "full"], axis=0)


def gains_by_responses(layer: str = "conv2", network: str = "lenet") -> np.ndarray:
    """Points gained by splitting by responses at the lowest useful rank, a number a network.

    Useful is a rank at which one of the two ways costs the network at most five points; a network without
    such a rank has no number.
    """
    results = load_results("compression")
    table = results.table
    whole = table[(table["method"] == "whole") & ~table["tuned"]]
    found = []
    for run, test in zip(
        *(whole[whole["network"] == network][c] for c in ("run", "test")), strict=True
    ):
        arrays = results.arrays(run)
        weights, responses = (arrays[f"{layer}/by_{way}"] for way in ("weights", "responses"))
        useful = np.flatnonzero(np.maximum(weights, responses) >= test - USEFUL)
        if useful.size:
            found.append(100 * float(responses[useful[0]] - weights[useful[0]]))
    return np.array(found)


def split_together() -> pd.DataFrame:
    """Accuracy in per cent of networks with all convolutions split, a row a network and share.

    Columns are (images, method), with images "validation" or "test"; the index is (seed, kept), with the
    whole network under "all".
    """
    table = load_results("responses").table
    large = table[table["images"] == table["images"].max()]
    wide: pd.DataFrame = large.pivot(
        index=["seed", "kept"], columns="method", values=["validation", "test"]
    )
    return 100 * wide


def gains_together(fit: str = "nonlinear") -> np.ndarray:
    """Points of test accuracy gained by responses where all convolutions are split, a number a network.

    At the lowest share at which splitting by weights or by responses costs the network at most five
    points on held-out images; a network without such a share has no number.
    """
    found = []
    of_seeds: Any = split_together().groupby(level="seed")
    for _, of_seed in of_seeds:
        here = of_seed.droplevel("seed")
        whole = here.loc["all", ("validation", "whole")]
        shares = here.drop(index=["all", "bema"])
        shares = shares.loc[sorted(shares.index, key=float)]
        ways = ["weights by channel", f"responses, {fit}"]
        useful = shares["validation"][ways].max(axis=1) >= whole - 100 * USEFUL
        if useful.any():
            weights, responses = shares["test"][ways][useful].iloc[0]
            found.append(float(responses - weights))
    return np.array(found)


def _judge_pruning() -> Finding:
    found = compared()
    lost = found["whole", "all", True] - found["magnitude", TENTH, True]
    kinds: Any = lost.groupby(level=["network", "data"])
    by_kind = {f"{network} on {data}": mean_interval(d) for (network, data), d in kinds}
    mean, low, high = mean_interval(lost)
    cheap = [interval[2] < 0.5 for interval in by_kind.values()]
    dear = [interval[1] > 0.5 for interval in by_kind.values()]
    verdict = "holds with limits" if any(cheap) else "fails" if all(dear) else "undecided"
    if all(cheap):
        verdict = "holds"
    told = ", ".join(f"{kind} {m:.2f} ({a:.2f} to {b:.2f})" for kind, (m, a, b) in by_kind.items())
    return Finding(
        verdict,
        mean,
        low,
        high,
        _POINTS,
        "Lost at a tenth of the weights after two more epochs, against the whole network trained as "
        f"long; {len(lost)} networks: {told}. Han et al. train on for much longer, and prune in steps.",
    )


def _judge_responses() -> Finding:
    alone, together = gains_by_responses(), gains_together()
    of_one, of_all = mean_interval(alone), mean_interval(together)
    lows, highs = (of_one[1], of_all[1]), (of_one[2], of_all[2])
    verdict = (
        "holds"
        if min(lows) >= 3
        else "holds with limits"
        if max(lows) > 0
        else "fails"
        if max(highs) < 0
        else "undecided"
    )
    return Finding(
        verdict,
        *of_all,
        _POINTS,
        f"Gained with all convolutions split, CIFAR-10, {together.size} networks; with the second convolution of "
        f"LeNet-5 split alone, MNIST and Fashion-MNIST, {of_one[0]:.1f} ({of_one[1]:.1f} to {of_one[2]:.1f}), "
        f"{alone.size} networks.",
    )


def _judge_filtering() -> Finding:
    gains = filtered()
    mnist = gains.xs(("mnist", 0.4), level=("data", "random_labels"))
    gain = mnist["fc2", "shift at broadening"]
    clean = gains.xs(("mnist", 0.0), level=("data", "random_labels"))["fc2", "shift at broadening"]
    mean, low, high = mean_interval(gain)
    others = [
        mean_interval(mnist[layers, "shift at broadening"] - mnist["none", "early stopping"])[2]
        for layers in ("fc1", "fc2", "fc1+fc2")
    ]
    better = low > 0 and bool((gain > 0).all())
    limited = max(others) < 0 or mean_interval(clean)[2] < 0
    verdict = ("holds with limits" if limited else "holds") if better else "fails"
    stopping = float(mnist["none", "early stopping"].mean())
    return Finding(
        verdict,
        mean,
        low,
        high,
        _POINTS,
        f"Gained by cutting and shifting FC2 at 40 % random labels, {len(gain)} networks; stopping early "
        f"on the same corrupted validation images gains {stopping:.1f}, and clean networks lose "
        f"{-float(clean.mean()):.1f}.",
    )


def _judge_any_compression() -> Finding:
    found = compared()
    lost = found["whole", "all", False] - found["threshold", "threshold", False]
    rivals = {
        rival: found["threshold", "threshold", False] - found[rival, "threshold", False]
        for rival in ("rank", "share", "energy")
    }
    kinds = ["network", "data"]
    worst = max(mean_interval(d)[2] for _, d in lost.groupby(level=kinds))
    no_worse = _all_above(d for r in rivals.values() for _, d in r.groupby(level=kinds))
    mean, low, high = mean_interval(lost)
    verdict = "holds" if worst < 0.5 else "holds with limits" if no_worse else "fails"
    ahead = ", ".join(f"{float(d.mean()):+.1f} on equal {name}" for name, d in rivals.items())
    return Finding(
        verdict,
        mean,
        low,
        high,
        _POINTS,
        f"Lost by BEMA's ranks without training, {len(lost)} networks; at the same number of "
        f"weights they are ahead by {ahead}.",
    )


def _all_above(groups: Iterable[pd.Series]) -> bool:
    """Whether no group's interval lies below zero."""
    return all(mean_interval(group)[2] >= 0 for group in groups)


CLAIMS = (
    Claim(
        "pruning-tenfold",
        "han2015",
        "After pruning by magnitude and some more training, a tenth of the weights does as well as all.",
        "LeNet-300-100 and LeNet-5, which Han et al. prune first: with a tenth of the weights and two more epochs, "
        "less than half a point is lost against the whole network trained as long, with the interval, in each kind of "
        "network and data; with limits if in some; it fails if surely more is lost in every one.",
        "ch-compress",
        _judge_pruning,
    ),
    Claim(
        "responses-over-weights",
        "zhang2016",
        "A low-rank layer should approximate the responses of the layer and not its weights.",
        "In the second convolution of LeNet-5, split alone, and in a network of five convolutions on CIFAR-10, all "
        "split at one share of their ranks by the asymmetric, nonlinear fit: at the lowest rank or share at which one "
        "of the two ways costs at most five points, responses gain three points or more on weights, with the "
        "interval, in both; with limits if in one of the two, or if the gain is surely positive in one; it fails if "
        "it is surely negative in both.",
        "ch-compress",
        _judge_responses,
    ),
    Claim(
        "filtering-wrong-labels",
        "staats2023",
        "Removing small singular values and shifting large ones back improves networks that learned wrong labels.",
        "Test accuracy rises in every network with 40 % random labels when FC2 is filtered, and its mean with the "
        "interval; with limits if clean networks surely lose by it, or if stopping early on the same images surely "
        "gains more than filtering any of the layers.",
        "ch-compress",
        _judge_filtering,
    ),
    Claim(
        "right-2",
        "book",
        "If the claim is right, the threshold gives the rank for any compression by singular values.",
        "Without training, BEMA's ranks cost less than half a point in each kind of network, with the interval; with "
        "limits if at least no kind is surely better with equal ranks, equal shares or equal energy at the same number "
        "of weights.",
        "ch-compress",
        _judge_any_compression,
    ),
)
