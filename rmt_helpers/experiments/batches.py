"""Batch size at a fixed number of epochs and at a fixed number of steps: Figure 3 of the paper, with seeds."""

from __future__ import annotations

from ..nets.layers import weight_matrices
from ..nets.training import TrainConfig, accuracy, train
from ..spectrum import Spectrum
from .measures import both_fits, columns
from .networks import dataset, model
from .runner import Configuration
from .store import Result


def batches(configuration: Configuration) -> Result:
    """Train one multilayer perceptron and fit its first layer."""
    data, _ = dataset(configuration)
    net = model(configuration, data)
    config = TrainConfig(
        lr=configuration["lr"],
        momentum=configuration["momentum"],
        batch_size=configuration["batch_size"],
        epochs=configuration.get("epochs"),
        steps=configuration.get("steps"),
        seed=configuration["seed"],
    )
    train(net, data, config, progress=False)
    fits = both_fits(Spectrum.of(weight_matrices(net)["fc1"], method="gram"))
    about = {"test_accuracy": accuracy(net, data.test)}
    return Result([{"method": method, **columns(fit), **about} for method, fit in fits.items()])
