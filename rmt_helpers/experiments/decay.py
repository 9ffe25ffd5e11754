"""What weight decay does to a spectrum: the bulk, dead columns, the count, and what pruning then costs."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import numpy as np

from .._checks import FloatArray
from ..nets.config import decay_factor_exact
from ..nets.data import Dataset
from ..nets.layers import factorize, truncate, weight_matrices
from ..nets.magnitude import prune
from ..nets.training import accuracy, decay_factor, train
from ..nets.transforms import lit_pixels
from ..spectrum import Spectrum
from ..thresholds import bema
from .measures import both_fits, columns
from .networks import Network, dataset, model, training
from .runner import Configuration
from .store import Result

LAYERS = ("fc1", "fc2")

# Epochs after which the spectra are looked at, as far as a run goes.
EPOCHS = (1, 2, 4, 8, 16)


def _columns_apart(W: FloatArray, W0: FloatArray, lit: Any) -> dict[str, float]:
    """The columns of blank pixels and the others: what is left of the ones, the noise of the others."""
    if lit.all():
        return dict.fromkeys(
            ("dead_share", "dead_spread", "sigma_live", "sigma_start_live"), np.nan
        )
    shares = W[:, ~lit] / W0[:, ~lit]
    return {
        "dead_share": float(np.median(shares)),
        "dead_spread": float(np.quantile(np.abs(shares - np.median(shares)), 0.99)),
        "sigma_live": bema(W[:, lit]).sigma,
        "sigma_start_live": float(W0[:, lit].std()),
    }


def _pruned(net: Network, data: Dataset) -> dict[str, float]:
    """Test accuracy with half of the hidden layers' parameters, and with the spikes alone."""
    half, spikes = net, net
    large: Any = net
    kept = 0
    total = 0
    for layer in LAYERS:
        factors = factorize(weight_matrices(net)[layer])
        N, M = factors.u.shape[0], factors.vt.shape[1]
        half = truncate(half, layer, N * M // (2 * (N + M)), factors=factors)
        n_signal = bema(factors.spectrum).n_signal
        spikes = truncate(spikes, layer, n_signal, factors=factors)
        kept, total = kept + n_signal * (N + M), total + N * M
        large = prune(large, N * M // 2, [layer])
    return {
        "half_of_entries": accuracy(large, data.test),
        "half_by_rank": accuracy(half, data.test),
        "spikes_alone": accuracy(spikes, data.test),
        "share_of_spikes": kept / total,
    }


def decay(configuration: Configuration) -> Result:
    """Train one network with weight decay and hold its spectra against what decay predicts."""
    data, _ = dataset(configuration)
    net, config = model(configuration, data), training(configuration)
    start = weight_matrices(copy.deepcopy(net))
    lit = lit_pixels(data.train, 0.0)
    rows: list[dict[str, Any]] = []
    arrays: dict[str, FloatArray] = {}

    def look(epoch: int, now: Any) -> None:
        if epoch not in EPOCHS:
            return
        so_far = dataclasses.replace(config, epochs=epoch)
        about: dict[str, Any] = {
            "epoch": epoch,
            "kappa": decay_factor(so_far, len(data.train)),
            "kappa_exact": decay_factor_exact(so_far, len(data.train)),
            "test_accuracy": accuracy(now, data.test),
        }
        nothing = dict.fromkeys(
            ("half_of_entries", "half_by_rank", "spikes_alone", "share_of_spikes"), np.nan
        )
        about |= _pruned(net, data) if epoch == config.epochs else nothing
        for layer in LAYERS:
            W = weight_matrices(now)[layer].astype(np.float64)
            W0 = start[layer].astype(np.float64)
            fits = both_fits(Spectrum.of(W))
            live = lit if layer == "fc1" else np.ones(W.shape[1], bool)
            learned = Spectrum.of(W - about["kappa_exact"] * W0).values
            arrays[f"{layer}/learned_values"] = learned.astype(np.float32)  # the last remain
            rows.append(
                {
                    "layer": layer,
                    **about,
                    "sigma_start": float(W0.std()),
                    **columns(fits["bema"]),
                    "sigma_broadening": fits["broadening"].sigma,
                    "n_broadening": fits["broadening"].n_signal,
                    **_columns_apart(W, W0, live),
                    # Share of all energy that the decayed initialisation would have by itself.
                    "start_energy": float(
                        (about["kappa_exact"] * np.linalg.norm(W0) / np.linalg.norm(W)) ** 2
                    ),
                }
            )

    train(net, data, config, on_epoch=look, progress=False)
    return Result(rows, arrays)
