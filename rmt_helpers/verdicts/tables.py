"""Stored tables as several judges need them, each read once."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from .._checks import FloatArray
from ..experiments import Results, load_results
from ..spectrum import Spectrum
from ..statistics import plateau_p_value
from ..thresholds import NoiseFit, bema
from ..thresholds.fit import _NULL_LEVEL, _NULL_SLOPE
from .claim import mean_interval

if TYPE_CHECKING:
    import pandas as pd

#: Seeds that every kind of network of the experiment "layers" has; more where a figure needs them.
ALIKE = 5


@lru_cache(maxsize=16)
def stored(name: str) -> Results:
    """Results of an experiment; whoever changes its table takes a copy."""
    return load_results(name)


def by_seed(table: pd.DataFrame, column: str) -> FloatArray:
    """Mean of a column over all rows of a seed, seeds in order."""
    return np.asarray(table.groupby("seed")[column].mean().sort_index(), dtype=np.float64)


def interval_by_seed(table: pd.DataFrame, column: str) -> tuple[float, float, float]:
    """Mean over seeds with its interval."""
    return mean_interval(by_seed(table, column))


def null_distance(table: pd.DataFrame) -> FloatArray:
    """For each row, what the distance of a bulk of noise of that shape stays under in 95 % of cases."""
    p = table[["rows", "columns"]].min(axis=1).to_numpy(dtype=np.float64)
    return np.asarray((_NULL_LEVEL + _NULL_SLOPE * np.log(p)) / p)


@lru_cache(maxsize=1)
def truth() -> pd.DataFrame:
    """The layers of known truth: true score of the kept directions, error of the score, excess of σ̂."""
    results = stored("truth")
    table = results.table.copy()
    true = []
    for row in table.to_dict("records"):
        arrays, s = results.arrays(row["run"]), row["n_signal"]
        nu = arrays[f"{row['layer']}/values"][:s]
        cosine = (arrays[f"{row['layer']}/span_left"] + arrays[f"{row['layer']}/span_right"])[
            :s
        ] / 2
        true.append(float(nu @ cosine / nu.sum()))
    table["true"] = true
    table["error"] = table["ave_w"] - table["true"]
    table["excess"] = 100 * (table["sigma"] / table["sigma_known"] - 1)
    return table


@lru_cache(maxsize=1)
def layers() -> pd.DataFrame:
    """Trained and fitted layers of the experiment "layers", convolutions in the first reshape."""
    table = stored("layers").table
    chosen = (
        (table["state"] == "trained")
        & (table["reshape"] == "out")
        & (table["layer"] != "all")
        & (table["method"] != "not fitted")
    )
    table = table[chosen].copy()
    for column in ("validation_full", "test_full", "validation", "test", "agreement"):
        table[column] = table[column].astype(float)
    table["lost"] = 100 * (table["test_full"] - table["test"])
    table["fully"] = table["layer"].str.startswith("fc")
    table["kind"] = table["network"] + " " + table["data"]
    return table


def encoder_ratios() -> FloatArray:
    """Mean spacing ratio of each matrix in the layers of the trained sentence encoder."""
    table = stored("encoder").table
    table = table[(table["part"] == "spectra") & (table["order"] == "as trained")]
    table = table[(table["method"] == "bema") & table["matrix"].str.contains(r"^\d")]
    return np.asarray(table["spacing_ratio"], dtype=np.float64)


def encoder_plateaus() -> FloatArray:
    """p-value of a plateau in the Hill plot of each of these matrices."""
    results = stored("encoder")
    run = str(results.table[results.table["part"] == "spectra"]["run"].iloc[0])
    spectra = {k: v for k, v in results.arrays(run).items() if k[0].isdigit()}
    return np.array(
        [
            plateau_p_value(values.astype(float) ** 2, 8, values.size // 4)
            for values in spectra.values()
        ]
    )


def encoder_vectors(order: str = "as trained") -> pd.DataFrame:
    """The layer matrices of the encoder with the shares of vectors that the Porter–Thomas test rejects at 5 %."""
    table = stored("vectors").table
    table = table[(table["order"] == order) & (table["matrix"] != "pooler")].copy()
    table[["layer", "kind"]] = table["matrix"].str.split(".", expand=True)
    for part in ("bulk", "spikes"):
        sides = table[[f"rejected_{part}_left", f"rejected_{part}_right"]]
        table[part] = 100 * sides.mean(axis=1)
    return table


def settled(spectrum: Spectrum) -> NoiseFit:
    """The last fit of "A settled fit": what is found is taken out of both sides until nothing is."""
    (rows, columns), s = spectrum.shape, 0
    while True:
        fit = bema(Spectrum(spectrum.values[s:], (rows - s, columns - s)))
        if fit.n_signal == 0 or spectrum.p - s - fit.n_signal < 16:
            return fit
        s += fit.n_signal


@lru_cache(maxsize=1)
def settled_bulk() -> pd.DataFrame:
    """Trained layers of the experiment "bulk" with distance and noise level of their settled fits."""
    results = stored("bulk")
    table = results.table[
        (results.table["state"] == "trained") & (results.table["method"] == "bema")
    ].copy()
    fits = [
        settled(
            Spectrum(
                results.arrays(row["run"])[f"{row['layer']}/trained"], (row["rows"], row["columns"])
            )
        )
        for row in table.to_dict("records")
    ]
    table["raw"] = table["ks"] / null_distance(table)
    table["own"] = [fit.ks / fit.ks_null for fit in fits]
    table["own_ks"] = [fit.ks for fit in fits]
    level = table["kappa"] * table["sigma_start"]
    table["own_excess"] = 100 * (np.array([fit.sigma for fit in fits]) / level - 1)
    return table
