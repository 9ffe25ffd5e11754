"""How to train: the settings of a run, and what follows from them alone.

The learning rate of every step, and how much of the initialisation weight decay leaves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .._checks import FloatArray, as_float64, check_positive
from ._checks import check_integer

SCHEDULES = ("constant", "one-cycle")
PRECISIONS = ("float32", "bfloat16")

# Share of a one-cycle run in which the learning rate rises.
WARM_UP = 0.2


@dataclass(frozen=True)
class TrainConfig:
    """How to train: stochastic gradient descent with momentum on the cross-entropy.

    Attributes
    ----------
    lr, momentum, weight_decay : float
        As in `torch.optim.SGD`.
    batch_size : int
        The last batch of an epoch may be smaller.
    epochs, steps : int or None
        How long; exactly one of them. `steps` may end in the middle of an epoch.
    seed : int
        Of the order of the images, of the validation split and of the augmentation.
    validation : int
        How many training images to hold out; 0 holds out none.
    schedule : {"constant", "one-cycle"}
        One-cycle lets the learning rate rise from 0 to `lr` in the first fifth of the steps and fall
        to 0 in the others, both along a straight line; see `learning_rates`.
    nesterov : bool
        Whether the momentum is Nesterov's, as in `torch.optim.SGD`.
    augment : bool
        Whether each training batch goes through `transforms.crop_and_flip`.
    precision : {"float32", "bfloat16"}
        Of the products inside the network. Under bfloat16 (torch's autocast) weights, gradients of
        weights and the loss stay in float32; training may be faster, and numbers differ.

    Raises
    ------
    ValueError
        If a number is out of its range, a word is unknown, not exactly one of `epochs` and `steps`
        is given, or `nesterov` is asked for without momentum.
    """

    lr: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 0.0
    batch_size: int = 64
    epochs: int | None = None
    steps: int | None = None
    seed: int = 0
    validation: int = 0
    schedule: str = "constant"
    nesterov: bool = False
    augment: bool = False
    precision: str = "float32"

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError(
                f"give exactly one of epochs and steps, were {self.epochs!r} and {self.steps!r}"
            )
        for name, least in (
            ("batch_size", 1),
            ("epochs", 1),
            ("steps", 1),
            ("seed", 0),
            ("validation", 0),
        ):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, check_integer(getattr(self, name), name, least))
        check_positive(self.lr, "lr")
        for name, end in (("momentum", 1.0), ("weight_decay", np.inf)):
            value = as_float64(getattr(self, name), name)
            if value.ndim or not 0 <= value < end:
                raise ValueError(f"{name} must lie in [0, {end:g}), was {getattr(self, name)!r}")
        for name, known in (
            ("schedule", SCHEDULES),
            ("nesterov", (False, True)),
            ("augment", (False, True)),
            ("precision", PRECISIONS),
        ):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {known}, was {getattr(self, name)!r}")
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov must come with a momentum above 0, was with 0")


def learning_rates(config: TrainConfig, images: int) -> FloatArray:
    """The learning rate of each step of a run: what the training loop uses.

    Of T steps, step k = 0, …, T − 1 has its middle at t = (k + ½)/T. The one-cycle rate there is
    lr · min(t/0.2, (1 − t)/0.8): a triangle, whose mean over many steps is lr/2 (after Smith and
    Topin 2019, but the momentum is left alone).

    Parameters
    ----------
    config : TrainConfig
    images : int
        Number of training images, ``len(data.train)``; those held out for validation count.

    Returns
    -------
    array of float
        One a step.

    Raises
    ------
    ValueError
        If no image is left to train on.

    Examples
    --------
    >>> config = TrainConfig(lr=0.8, steps=5, schedule="one-cycle")
    >>> learning_rates(config, 64).round(12).tolist()
    [0.4, 0.7, 0.5, 0.3, 0.1]
    """
    kept = images_kept(config, images)
    batches = -(-kept // config.batch_size)
    total = config.steps if config.steps is not None else batches * (config.epochs or 0)
    if config.schedule == "constant":
        return np.full(total, float(config.lr))
    t = (np.arange(total) + 0.5) / total
    return config.lr * np.minimum(t / WARM_UP, (1 - t) / (1 - WARM_UP))


def decay_factor(config: TrainConfig, images: int) -> float:
    """Share of the initialisation that weight decay leaves: κ = exp(−Σ lr · weight_decay/(1 − momentum)).

    A weight with no gradient loses the share lr · weight_decay at once in each step, and with
    momentum 1/(1 − momentum) times as much in the long run, Nesterov's or not. The sum goes over
    all steps. What a weight was drawn as is then multiplied by κ, whatever else it has learnt.

    Parameters
    ----------
    config : TrainConfig
    images : int
        Number of training images, ``len(data.train)``; those held out for validation count.

    Returns
    -------
    float
        In (0, 1]; 1 without weight decay.

    Raises
    ------
    ValueError
        If no image is left to train on.

    Examples
    --------
    >>> config = TrainConfig(lr=0.1, momentum=0.9, weight_decay=0.001, steps=1000)
    >>> round(decay_factor(config, 60_000), 4)
    0.3679
    """
    rates = learning_rates(config, images)
    return math.exp(-float(rates.sum()) * config.weight_decay / (1 - config.momentum))


def decay_factor_exact(config: TrainConfig, images: int) -> float:
    """Share that is left of a weight without a gradient, by the recursion of the optimiser itself.

    `decay_factor` lets momentum act at once and takes 1 − x for exp(−x). Here every step is taken:
    v ← μv + γw and w ← w − lr·v (Nesterov: w − lr·(γw + μv)), from w = 1 and v = 0.

    Parameters
    ----------
    config : TrainConfig
    images : int
        Number of training images, ``len(data.train)``; those held out for validation count.

    Returns
    -------
    float
        May be negative where decay and momentum are so strong that the weight swings.

    Raises
    ------
    ValueError
        If no image is left to train on.

    Examples
    --------
    >>> config = TrainConfig(lr=0.1, momentum=0.9, weight_decay=0.001, steps=1000)
    >>> round(decay_factor_exact(config, 60_000), 4), round(decay_factor(config, 60_000), 4)
    (0.3677, 0.3679)
    """
    w, v = 1.0, 0.0
    for rate in learning_rates(config, images).tolist():
        gradient = config.weight_decay * w
        v = config.momentum * v + gradient
        w -= rate * (gradient + config.momentum * v if config.nesterov else v)
    return w


def images_kept(config: TrainConfig, images: int) -> int:
    """How many of `images` training images are left when those for validation are held out."""
    kept = check_integer(images, "images", 0) - config.validation
    if kept < 1:
        raise ValueError(
            f"validation must leave an image to train on, was {config.validation} of {images}"
        )
    return kept
