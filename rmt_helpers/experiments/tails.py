"""Bulk or power law? Spectra of layers in every phase of training, and what a tail exponent tells.

Two experiments. ``phases`` brings one small network into states from untrained to collapsed and
measures tails, spacings and vectors of each; ``alpha`` asks whether the tail exponent follows the test
accuracy, once over the share of wrong labels and once over width and learning rate.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..nets.layers import factorize, weight_matrices
from ..nets.training import TrainConfig, accuracy, decay_factor, train
from ..spectrum import Spectrum
from ..statistics import (
    plateau_p_value,
    porter_thomas,
    power_law_fit,
    power_law_p_value,
    spacing_ratio,
)
from ..thresholds import bema
from .measures import columns
from .networks import dataset, model, training
from .runner import Configuration
from .store import Result

LAYERS = ("fc1", "fc2")

#: Hill's estimates from this one on are compared with each other; up to a quarter of all values.
FIRST = 8


def tail_columns(spectrum: Spectrum) -> dict[str, Any]:
    """Tail exponent with start, length and weight, and whether Hill's plot has a plateau."""
    fit = power_law_fit(spectrum.eigenvalues)
    return {
        "exponent": fit.exponent,
        "exponent_se": fit.standard_error,
        "n_tail": fit.n_tail,
        "tail_range": float(spectrum.eigenvalues[0] / fit.start),
        # As in Martin, Peng and Mahoney (2021): times log₁₀ of the largest eigenvalue of WᵀW.
        "weighted": float(fit.exponent * 2 * np.log10(spectrum.values[0])),
        "plateau_p": plateau_p_value(spectrum.eigenvalues, FIRST, spectrum.p // 4),
    }


def _settings(configuration: Configuration) -> TrainConfig:
    """The training settings of a run whose length may be given in steps."""
    if "steps" not in configuration:
        return training(configuration)
    return dataclasses.replace(
        training({**configuration, "epochs": 1}), epochs=None, steps=configuration["steps"]
    )


def walk(configuration: Configuration) -> Result:
    """Bring a network into one state and look at its hidden layers."""
    data, _ = dataset(configuration)
    net = model(configuration, data)
    about: dict[str, Any] = {"kappa": 1.0}
    if configuration["state"] != "untrained":
        settings = _settings(configuration)
        train(net, data, settings, progress=False)
        about["kappa"] = decay_factor(settings, len(data.train))
    about |= {
        "test_accuracy": accuracy(net, data.test),
        "train_accuracy": accuracy(net, data.train),
    }
    rows: list[dict[str, Any]] = []
    arrays: dict[str, NDArray[Any]] = {}
    for layer in LAYERS:
        factors = factorize(weight_matrices(net)[layer].astype(np.float64))
        spectrum = factors.spectrum
        fit = bema(spectrum)
        s = fit.n_signal
        left, right = porter_thomas(factors.u).p_value, porter_thomas(factors.vt.T).p_value
        arrays[f"{layer}/values"] = spectrum.values.astype(np.float32)
        arrays[f"{layer}/left_p"] = left.astype(np.float32)
        arrays[f"{layer}/right_p"] = right.astype(np.float32)
        rows.append(
            {
                "layer": layer,
                "rows": spectrum.shape[0],
                "columns": spectrum.shape[1],
                **columns(fit),
                "first_over_threshold": float(spectrum.values[0] / fit.threshold),
                "last_over_median": float(spectrum.values[-1] / np.median(spectrum.values)),
                **tail_columns(spectrum),
                "power_law_p": power_law_p_value(
                    spectrum.eigenvalues, repeats=99, rng=configuration["seed"]
                ),
                "ratio_bulk": spacing_ratio(spectrum.values[s:]),
                "ratio_all": spacing_ratio(spectrum.values),
                "rejected_bulk_left": float(np.mean(left[s:] < 0.05)),
                "rejected_bulk_right": float(np.mean(right[s:] < 0.05)),
                "rejected_spikes_left": float(np.mean(left[:s] < 0.05)) if s else np.nan,
                "rejected_spikes_right": float(np.mean(right[:s] < 0.05)) if s else np.nan,
                "constant_left": _constant(factors.u[:, :s]),
                "constant_right": _constant(factors.vt[:s].T),
                **about,
            }
        )
    return Result(rows, arrays)


def _constant(vectors: NDArray[np.float64]) -> float:
    """Length of what the span of some vectors holds of the unit vector with equal entries."""
    return float(np.linalg.norm(vectors.sum(axis=0)) / np.sqrt(vectors.shape[0]))


def follow(configuration: Configuration) -> Result:
    """Train a network and set its tail exponents beside its accuracy."""
    data, _ = dataset(configuration)
    net = model(configuration, data)
    train(net, data, training(configuration), progress=False)
    about = {
        "test_accuracy": accuracy(net, data.test),
        "train_accuracy": accuracy(net, data.train),
    }
    rows: list[dict[str, Any]] = []
    arrays: dict[str, NDArray[Any]] = {}
    for layer in LAYERS:
        spectrum = Spectrum.of(weight_matrices(net)[layer])
        arrays[f"{layer}/values"] = spectrum.values.astype(np.float32)
        rows.append({"layer": layer, **columns(bema(spectrum)), **tail_columns(spectrum), **about})
    return Result(rows, arrays)
