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
from .runner import Configuration, Experiment
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


#: Case, data set, share of random labels, learning rate, epochs.
_CASES = [
    ("digits", "mnist", 0.0, 0.05, 30),
    ("digits, 40 % random", "mnist", 0.4, 0.05, 30),
    ("digits, 40 % random, slow", "mnist", 0.4, 0.01, 40),
    ("clothes", "fashion-mnist", 0.0, 0.05, 30),
    ("clothes, 40 % random", "fashion-mnist", 0.4, 0.05, 30),
]

_CONFIGURATIONS = [
    {
        "case": case,
        "network": "mlp",
        "data": data,
        "images": 6000,
        "validation": 1000,
        "random_labels": share,
        "hidden": [256, 256],
        "init": "glorot",
        "lr": lr,
        "momentum": 0.9,
        "batch_size": 128,
        "epochs": epochs,
        "seed": seed,
    }
    for case, data, share, lr, epochs in _CASES
    for seed in range(6)
]

STOPPING = Experiment(
    name="stopping",
    question="Does the spectrum say when to stop, as a validation set does?",
    function=watch,
    configurations=_CONFIGURATIONS,
    sample=[_CONFIGURATIONS[6]],
    tolerances={
        "test_accuracy": 0.02,
        "train_accuracy": 0.02,
        "validation_accuracy": 0.03,
        "loss": 0.05,
        "ks_fc1": 0.01,
        "ks_fc2": 0.01,
        "n_fc1": 3,
        "n_fc2": 3,
    },
)
