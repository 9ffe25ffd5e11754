"""How the bulk's share of a network shrinks while it trains, with and without a penalty on its weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..nets.layers import weight_matrices
from ..nets.penalty import lasso
from ..nets.training import accuracy, train
from ..spectrum import Spectrum
from ..thresholds import bema
from .measures import columns
from .networks import dataset, model, training
from .runner import Configuration
from .store import Result

#: The fully connected layers with enough values for a fit, in both networks.
LAYERS = ("fc1", "fc2")

EPOCHS = (0, 1, 2, 4, 8, 12, 16, 20)


def follow(configuration: Configuration) -> Result:
    """Train one network and take the spectra of its layers apart after some of the epochs."""
    data, _ = dataset(configuration)
    net, config = model(configuration, data), training(configuration)
    rows: list[dict[str, Any]] = []

    def look(epoch: int, now: Any) -> None:
        if epoch not in EPOCHS:
            return
        right = accuracy(now, data.test) if epoch == config.epochs else np.nan
        for layer in LAYERS:
            W = weight_matrices(now)[layer].astype(np.float64)
            spectrum = Spectrum.of(W)
            fit = columns(bema(spectrum))
            rows.append(
                {
                    "layer": layer,
                    "rows": W.shape[0],
                    "columns": W.shape[1],
                    "epoch": epoch,
                    **fit,
                    "bulk_energy": 1 - fit["energy"],
                    "bulk_values": 1 - fit["n_signal"] / spectrum.p,
                    "size": float(np.linalg.norm(W)),
                    "test_accuracy": right,
                }
            )

    look(0, net)
    with lasso(configuration["lasso"]):
        train(net, data, config, on_epoch=look, progress=False)
    return Result(rows)
