"""The truth inside a trained layer: with the initialisation kept, noise and signal are known.

W = κW₀ + Δ, where κ is what weight decay left of the initialisation W₀ and Δ is what was learned. The
score's predictions can then be held against the true vectors, on a network that really was trained.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from .._checks import FloatArray
from ..alignment import alignment
from ..nets.layers import Factors, factorize, weight_matrices
from ..nets.training import accuracy, decay_factor, train
from ..spikes import transition
from .measures import both_fits, columns
from .networks import dataset, model, training
from .runner import Configuration
from .store import Result

# How many singular vectors are compared one by one.
FIRST = 128


def _overlaps(seen: FloatArray, true: FloatArray, K: int) -> tuple[FloatArray, FloatArray]:
    """|cos| of each column with the same-numbered true one, and with the span of the first K."""
    products = np.abs(true.T @ seen)
    return np.diagonal(products).copy(), np.sqrt((products[:K] ** 2).sum(axis=0))


def inspect(configuration: Configuration) -> Result:
    """Train one multilayer perceptron and compare what its spectra tell with what is known."""
    data, _ = dataset(configuration)
    net, config = model(configuration, data), training(configuration)
    start = copy.deepcopy(net)
    train(net, data, config, progress=False)
    kappa = decay_factor(config, len(data.train))
    about = {
        "test_accuracy": accuracy(net, data.test),
        "train_accuracy": accuracy(net, data.train),
        "kappa": kappa,
    }
    before, after = weight_matrices(start), weight_matrices(net)
    rows: list[dict[str, Any]] = []
    arrays: dict[str, FloatArray] = {}
    for layer in ("fc1", "fc2"):
        W0, W = before[layer].astype(np.float64), after[layer].astype(np.float64)
        whole, learned = factorize(W), factorize(W - kappa * W0)
        spectrum = whole.spectrum
        level = kappa * float(W0.std())
        # The directions of Δ that are strong enough to leave a bulk of this level.
        edge = level * np.sqrt(spectrum.n) * transition(spectrum.c)
        K = int(np.count_nonzero(learned.values > edge))
        arrays |= _vectors(layer, whole, learned, K)
        share = np.cumsum(learned.values**2) / (learned.values**2).sum()
        for method, fit in both_fits(spectrum).items():
            guess = alignment(fit)
            arrays[f"{layer}/{method}/left"] = guess.left[:FIRST]
            arrays[f"{layer}/{method}/right"] = guess.right[:FIRST]
            rows.append(
                {
                    "layer": layer,
                    "rows": W.shape[0],
                    "columns": W.shape[1],
                    "method": method,
                    **columns(fit),
                    "sigma_known": level,
                    "detectable": K,
                    "energy_of_ten": float(share[9]),
                    "energy_of_detectable": float(share[K - 1]) if K else 0.0,
                    # 1 where the learned part holds nothing of the initialisation.
                    "regression_on_start": float((W * W0).sum() / (W0 * W0).sum() / kappa),
                    **about,
                }
            )
    return Result(rows, {name: array.astype(np.float32) for name, array in arrays.items()})


def _vectors(layer: str, whole: Factors, learned: Factors, K: int) -> dict[str, FloatArray]:
    """Spectra, and how far the observed vectors agree with the learned ones."""
    left, span_left = _overlaps(whole.u[:, :FIRST], learned.u, K)
    right, span_right = _overlaps(whole.vt[:FIRST].T, learned.vt.T, K)
    return {
        f"{layer}/values": whole.values,
        f"{layer}/learned_values": learned.values,
        f"{layer}/same_left": left,
        f"{layer}/same_right": right,
        f"{layer}/span_left": span_left,
        f"{layer}/span_right": span_right,
    }
