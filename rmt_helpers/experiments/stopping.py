"""Stopping when the bulk leaves the law: every epoch's spectra beside what a validation set would say.

After Meng and Yao (2023). Their criterion is a distance of their own; here it is the one that the rest of the
book uses, the Kolmogorov–Smirnov distance of the bulk in units of what pure noise shows.
"""

from __future__ import annotations

from typing import Any

from ..nets.layers import weight_matrices
from ..nets.training import accuracy, train
from ..spectrum import Spectrum
from ..thresholds import bema
from .networks import dataset, model, training
from .runner import Configuration
from .store import Result


def watch(configuration: Configuration) -> Result:
    """Train one network to the end and write down, after each epoch, accuracies and distances.

    The held-out images are as wrong as the others: a validation set with clean labels would be an unfair one.
    """
    data, _ = dataset(configuration)
    net, config = model(configuration, data), training(configuration)
    rows: list[dict[str, Any]] = []

    def look(epoch: int, net: Any) -> None:
        row: dict[str, Any] = {"epoch": epoch, "test_accuracy": accuracy(net, data.test)}
        row["train_accuracy"] = accuracy(net, data.train)
        for layer, W in weight_matrices(net).items():
            if layer in ("fc1", "fc2"):
                fit = bema(Spectrum.of(W, method="gram"))
                row |= {
                    f"ks_{layer}": fit.ks,
                    f"null_{layer}": fit.ks_null,
                    f"n_{layer}": fit.n_signal,
                }
        rows.append(row)

    history = train(net, data, config, on_epoch=look, progress=False)
    for row, right, loss in zip(rows, history.validation_accuracy, history.loss, strict=True):
        row |= {"validation_accuracy": float(right), "loss": float(loss)}
    return Result(rows)
