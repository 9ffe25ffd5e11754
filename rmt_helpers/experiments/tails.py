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
from .measures import TOLERANCES, columns
from .networks import dataset, model, training
from .runner import Configuration, Experiment
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


_MLP: Configuration = {
    "network": "mlp",
    "data": "mnist",
    "hidden": [256, 256],
    "images": 5_000,
    "init": "glorot",
    "lr": 0.05,
    "momentum": 0.9,
    "weight_decay": 0.0,
    "batch_size": 128,
    "random_labels": 0.0,
}

# Steps of 12 epochs at batch size 128 and at batch size 16.
_FEW, _MANY = 480, 3756
_LOW = 0.0125

_STATES: list[Configuration] = [
    {"state": "untrained"},
    {"state": "short", "epochs": 1},
    {"state": "long", "epochs": 12},
    {"state": "small batch", "batch_size": 16, "epochs": 12},
    {"state": "small batch, few steps", "batch_size": 16, "steps": _FEW},
    {"state": "many steps", "steps": _MANY},
    {"state": "memorising", "random_labels": 1.0, "epochs": 60},
    {"state": "low rate", "lr": _LOW, "steps": _FEW},
    {"state": "small batch, low rate", "lr": _LOW, "batch_size": 16, "steps": _FEW},
    {"state": "decayed", "weight_decay": 3e-3, "batch_size": 32, "epochs": 30},
]

_PHASES = [{**_MLP, **state, "seed": seed} for state in _STATES for seed in range(5)]

_TAIL_TOLERANCES = {
    "exponent": 0.4,
    "exponent_se": 0.1,
    "n_tail": 40,
    "tail_range": 1.0,
    "weighted": 0.5,
    "plateau_p": 0.3,
}

PHASES = Experiment(
    name="phases",
    question="Which phases do spectra of a small network reach, and what do tails and vectors say of each?",
    function=walk,
    configurations=_PHASES,
    sample=[_PHASES[0], _PHASES[5]],
    tolerances={
        **TOLERANCES,
        **_TAIL_TOLERANCES,
        "first_over_threshold": 0.1,
        "last_over_median": 0.02,
        "power_law_p": 0.5,
        "ratio_bulk": 0.05,
        "ratio_all": 0.05,
        "rejected_bulk_left": 0.06,
        "rejected_bulk_right": 0.06,
        "rejected_spikes_left": 0.5,
        "rejected_spikes_right": 0.5,
        "constant_left": 0.1,
        "constant_right": 0.1,
        "test_accuracy": 0.02,
        "train_accuracy": 0.02,
    },
)


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


_ALPHA = [
    {**_MLP, "varied": "label noise", "random_labels": share, "epochs": 60, "seed": seed}
    for share in (0.0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0)
    for seed in range(5)
] + [
    {
        **_MLP,
        "varied": "width and learning rate",
        "hidden": [width, width],
        "lr": lr,
        "epochs": 60,
        "seed": seed,
    }
    for width in (128, 256, 512)
    for lr in (0.0125, 0.025, 0.05, 0.1)
    for seed in range(5)
]

_SHORTEST = next(c for c in _ALPHA if c["hidden"] == [128, 128] and c["lr"] == 0.0125)

ALPHA = Experiment(
    name="alpha",
    question="Does the tail exponent of the weights follow the test accuracy?",
    function=follow,
    configurations=_ALPHA,
    sample=[_SHORTEST],
    tolerances={
        **TOLERANCES,
        **_TAIL_TOLERANCES,
        "test_accuracy": 0.02,
        "train_accuracy": 0.02,
    },
)
