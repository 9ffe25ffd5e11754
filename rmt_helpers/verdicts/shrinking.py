"""What a penalty does to the random part of a network while it trains: L2 and L1, a perceptron and LeNet-5."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._checks import FloatArray
from .claim import Claim, Finding, mean_interval, over_cases
from .tables import stored

if TYPE_CHECKING:
    import pandas as pd

NETWORKS = {"mlp": "perceptron", "lenet": "LeNet-5"}

PENALTIES = ("L2", "L1")


def shares(network: str, penalty: str, column: str = "bulk_energy") -> pd.DataFrame:
    """A share of the bulk in per cent, mean over FC1 and FC2: a row a seed, a column an epoch."""
    table = stored("shrinking").table
    table = table[(table["network"] == network) & (table["penalty"] == penalty)]
    return 100 * table.pivot_table(index="seed", columns="epoch", values=column)


def less_at_the_end(network: str, penalty: str) -> FloatArray:
    """By how many points the bulk's share of the energy ends lower than without a penalty, seed by seed; negative."""
    with_it, without = (shares(network, one).iloc[:, -1] for one in (penalty, "none"))
    return (with_it - without).to_numpy(dtype=float)


def random_share_shrinks() -> Finding:
    """Berlyand and others: regularised training makes the random part smaller."""
    found = {
        f"{name}, {penalty}": mean_interval(less_at_the_end(network, penalty))
        for network, name in NETWORKS.items()
        for penalty in PENALTIES
    }
    weakest = max(found.values())
    seeds = len(less_at_the_end("mlp", "L2"))
    return Finding(
        over_cases([one[2] < 0 for one in found.values()], [one[1] > 0 for one in found.values()]),
        *weakest,
        "points of the energy",
        f"Energy in the bulk of FC1 and FC2, penalty less none, {seeds} pairs, the weakest case; "
        + ", ".join(f"{name} {one[0]:+.1f}" for name, one in found.items())
        + ".",
    )


CLAIMS = (
    Claim(
        "random-share-shrinks",
        "berlyand2025",
        "Regularised training, by L2 or by L1, shrinks the random share of a network.",
        "After twenty epochs the bulk holds less of the energy of FC1 and FC2 with a penalty than without, with L2 and "
        "with L1, in a perceptron and in LeNet-5, all four paired intervals below 0; with limits if two or three.",
        "ch-decay",
        random_share_shrinks,
    ),
)
