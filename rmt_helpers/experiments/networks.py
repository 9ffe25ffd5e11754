"""Trained networks for the experiments: from a configuration to data, model and training run."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeAlias

from ..nets.architectures import MLP, LeNet5, SmallAlexNet
from ..nets.data import Dataset, load
from ..nets.training import TrainConfig
from ..nets.transforms import Mask, corrupt_labels, keep_pixels, lit_pixels, standardise
from .runner import Configuration

Network: TypeAlias = MLP | LeNet5 | SmallAlexNet


@lru_cache(maxsize=1)
def _loaded(name: str) -> Dataset:
    """A data set; a process that does several runs on it reads it once."""
    return load(name)


def dataset(configuration: Configuration) -> tuple[Dataset, Mask]:
    """The data of a run, and which of its training labels were redrawn at random.

    The configuration may hold `images` (how many training images), `input` (``"raw"``, ``"lit"``
    for the pixels that are lit in more than 1 % of the images, or ``"standardised"``) and
    `random_labels` (the share of training labels redrawn).
    """
    data = _loaded(configuration["data"])
    if "images" in configuration:
        data = data.take(configuration["images"])
    form = configuration.get("input", "raw")
    if form == "lit":
        lit = lit_pixels(data.train)
        data = Dataset(data.name, keep_pixels(data.train, lit), keep_pixels(data.test, lit))
    elif form == "standardised":
        data = Dataset(data.name, standardise(data.train), standardise(data.test))
    share = configuration.get("random_labels", 0.0)
    labels, redrawn = corrupt_labels(data.train, share, seed=configuration["seed"])
    return Dataset(data.name, labels, data.test), redrawn


def model(configuration: Configuration, data: Dataset) -> Network:
    """The untrained network of a run."""
    channels = data.train.x.shape[1]
    init, seed = configuration["init"], configuration["seed"]
    if configuration["network"] == "lenet":
        return LeNet5(channels, init=init, seed=seed)
    if configuration["network"] == "alexnet":
        return SmallAlexNet(channels, init=init, seed=seed)
    return MLP((data.train.x[0].numel(), *configuration["hidden"], 10), init=init, seed=seed)


_TRAINING = (
    "lr",
    "momentum",
    "weight_decay",
    "batch_size",
    "epochs",
    "seed",
    "validation",
    "schedule",
    "nesterov",
    "augment",
    "precision",
)


def training(configuration: Configuration) -> TrainConfig:
    """The training settings of a run; what the configuration does not say is `TrainConfig`'s own."""
    settings: dict[str, Any] = {k: configuration[k] for k in _TRAINING if k in configuration}
    return TrainConfig(**settings)
