"""Batch size at a fixed number of epochs and at a fixed number of steps: Figure 3 of the paper, with seeds."""

from __future__ import annotations

from ..nets.layers import weight_matrices
from ..nets.training import TrainConfig, accuracy, train
from ..spectrum import Spectrum
from .measures import TOLERANCES, both_fits, columns
from .networks import dataset, model
from .runner import Configuration, Experiment
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


_EPOCHS, _IMAGES, _SIZES = 5, 4000, (16, 64, 256, 1024)
# What batch size 256 takes in five epochs.
_STEPS = _EPOCHS * -(-_IMAGES // 256)

_CONFIGURATIONS = [
    {
        "network": "mlp",
        "data": "mnist",
        "hidden": [256, 256],
        "init": "glorot",
        "lr": 0.02,
        "momentum": 0.9,
        "images": _IMAGES,
        "fixed": fixed,
        "batch_size": size,
        "seed": seed,
        **({"epochs": _EPOCHS} if fixed == "epochs" else {"steps": _STEPS}),
    }
    for fixed in ("epochs", "steps")
    for size in _SIZES
    for seed in range(5)
]

BATCHES = Experiment(
    name="batches",
    question="Is it the batch size that shapes a layer's spectrum, or the number of steps?",
    function=batches,
    configurations=_CONFIGURATIONS,
    sample=[_CONFIGURATIONS[15]],
    tolerances={**TOLERANCES, "test_accuracy": 0.01},
)
