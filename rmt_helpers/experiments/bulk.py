"""Does the bulk of a trained layer follow the law? Input, weight decay and label noise varied.

Some pixels of MNIST are dark in every image: their columns are never updated by the data, so the
entries of a first layer have unequal variances. This experiment removes them, and more.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..nets.data import Dataset
from ..nets.layers import weight_matrices
from ..nets.training import accuracy, decay_factor, train
from ..nets.transforms import lit_pixels
from ..spectrum import Spectrum
from .measures import both_fits, columns
from .networks import dataset, model, training
from .runner import Configuration
from .store import Result


def fit_bulk(configuration: Configuration) -> Result:
    """Fit both estimators to the hidden layers of one network, before and after training."""
    data, _ = dataset(configuration)
    net, config = model(configuration, data), training(configuration)
    start = copy.deepcopy(net)
    train(net, data, config, progress=False)
    known = {"kappa": decay_factor(config, len(data.train)), "accuracy": accuracy(net, data.test)}
    initial = weight_matrices(start)
    lit = _lit_columns(configuration, data)
    rows: list[dict[str, Any]] = []
    arrays: dict[str, NDArray[Any]] = {}
    for state, matrices in (("untrained", initial), ("trained", weight_matrices(net))):
        for layer in ("fc1", "fc2"):
            W = matrices[layer]
            spectrum = Spectrum.of(W)
            arrays[f"{layer}/{state}"] = spectrum.values.astype(np.float32)
            live = lit if layer == "fc1" else np.ones(W.shape[1], bool)
            for method, fit in both_fits(spectrum).items():
                rows.append(
                    {
                        "layer": layer,
                        "state": state,
                        "rows": W.shape[0],
                        "columns": W.shape[1],
                        "method": method,
                        **columns(fit),
                        "sigma_start": float(initial[layer].std()),
                        "sigma_live": float(W[:, live].std()),
                        "sigma_dead": np.nan if live.all() else float(W[:, ~live].std()),
                        "first_over_threshold": float(spectrum.values[0] / fit.threshold),
                        **known,
                    }
                )
    return Result(rows, arrays)


def _lit_columns(configuration: Configuration, data: Dataset) -> NDArray[np.bool_]:
    """The inputs that are not 0 in every image; standardised images have no such input."""
    if configuration["input"] == "raw":
        return lit_pixels(data.train, 0.0)
    return np.ones(data.train.x[0].numel(), bool)
