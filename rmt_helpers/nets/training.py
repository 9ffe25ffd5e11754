"""The training loop: stochastic gradient descent on images that stay in memory.

One run uses one thread; several runs go side by side in processes. For networks of this size a
second core gives a second run at full speed, and gives one run next to nothing.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from .._checks import as_float64, check_positive
from ._checks import check_integer
from .data import Dataset, Images


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
        Of the order of the images and of the validation split.
    validation : int
        How many training images to hold out; 0 holds out none.

    Raises
    ------
    ValueError
        If a number is out of its range, or not exactly one of `epochs` and `steps` is given.
    """

    lr: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 0.0
    batch_size: int = 64
    epochs: int | None = None
    steps: int | None = None
    seed: int = 0
    validation: int = 0

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


@dataclass(frozen=True, eq=False)
class History:
    """What happened during a training run, an entry an epoch.

    Attributes
    ----------
    loss : array of float
        Mean cross-entropy of the epoch's batches, each before its step.
    validation_accuracy : array of float
        Share of the held-out images classified correctly after the epoch; empty if none were.
    steps : array of int
        Steps taken when the epoch ended.
    seconds : float
        Wall time of the run.
    held_out : array of int
        Which training images were held out: they are ``data.train[history.held_out]``.
    """

    loss: NDArray[np.float64]
    validation_accuracy: NDArray[np.float64]
    steps: NDArray[np.int64]
    seconds: float
    held_out: NDArray[np.int64]


def shows_progress() -> bool:
    """Whether someone watches: a terminal or a live notebook, not a page that is being built."""
    return sys.stderr.isatty() or "JPY_SESSION_NAME" in os.environ or "google.colab" in sys.modules


def _hidden(progress: bool | None) -> bool:
    return not (shows_progress() if progress is None else progress)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread, and give it back its threads afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@torch.no_grad()
def accuracy(model: nn.Module, images: Images, block: int = 1000) -> float:
    """Share of the images that the model classifies correctly, in evaluation mode."""
    if len(images) == 0:
        raise ValueError("images must hold at least one image, was empty")
    was_training = model.training
    model.eval()
    device = next(model.parameters()).device
    correct = sum(
        int((model(x.to(device)).argmax(dim=1) == y.to(device)).sum())
        for x, y in zip(images.x.split(block), images.y.split(block), strict=True)
    )
    model.train(was_training)
    return correct / len(images)


def train(
    model: nn.Module,
    data: Dataset,
    config: TrainConfig,
    *,
    on_epoch: Callable[[int, nn.Module], None] | None = None,
    device: str | torch.device | None = None,
    progress: bool | None = None,
) -> History:
    """Train a model in place.

    Parameters
    ----------
    model : torch.nn.Module
        Gets batches of ``data.train.x`` and returns one score a class.
    data : Dataset
        Its test images are not looked at.
    config : TrainConfig
        Same configuration, model, machine and device: same numbers.
    on_epoch : callable, optional
        Called with the number of epochs done (from 1) and the model, after each.
    device : str or torch.device, optional
        Where to train; by default on a GPU where torch sees one. The model stays there.
    progress : bool, optional
        Whether to show a bar; by default in a terminal and in a live notebook only.

    Returns
    -------
    History

    Raises
    ------
    ValueError
        If no image is left to train on.
    FloatingPointError
        If the loss stops being finite.
    """
    kept, held_out = _split(len(data.train), config)
    where = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    model.to(where).train()
    x, y = data.train.x.to(where), data.train.y.to(where)
    validation = data.train[held_out]
    optimiser = torch.optim.SGD(
        model.parameters(),
        lr=config.lr,
        momentum=config.momentum,
        weight_decay=config.weight_decay,
        fused=True,
    )
    order = torch.Generator().manual_seed(config.seed)
    batches = -(-len(kept) // config.batch_size)
    total = config.steps if config.steps is not None else batches * (config.epochs or 0)
    losses: list[float] = []
    accuracies: list[float] = []
    ends: list[int] = []
    taken = 0
    start = time.perf_counter()
    with one_thread(), tqdm(total=total, unit="step", disable=_hidden(progress)) as bar:
        while taken < total:
            chosen = kept[torch.randperm(len(kept), generator=order)].to(where)
            epoch = chosen.split(config.batch_size)[: total - taken]
            loss_sum = torch.zeros((), device=where)
            for batch in epoch:
                optimiser.zero_grad()
                loss = F.cross_entropy(model(x[batch]), y[batch])
                loss.backward()
                optimiser.step()
                loss_sum += loss.detach()
                bar.update()
            taken += len(epoch)
            ends.append(taken)
            losses.append(float(loss_sum) / len(epoch))
            if not np.isfinite(losses[-1]):
                raise FloatingPointError(
                    f"the loss was {losses[-1]} in epoch {len(losses)}; "
                    f"lr {config.lr} may be too large"
                )
            if len(held_out):
                accuracies.append(accuracy(model, validation))
            if on_epoch is not None:
                on_epoch(len(losses), model)
    return History(
        np.array(losses),
        np.array(accuracies),
        np.array(ends),
        time.perf_counter() - start,
        held_out.numpy(),
    )


def train_many(
    models: Sequence[nn.Module],
    data: Dataset,
    configs: Sequence[TrainConfig],
    *,
    workers: int | None = None,
    progress: bool | None = None,
) -> list[History]:
    """Train several models in place, side by side in processes of one thread each.

    Parameters
    ----------
    models : sequence of torch.nn.Module
    data : Dataset
        Shared by all runs; the processes map one copy into memory.
    configs : sequence of TrainConfig
        One a model. Each run gives the numbers that `train` gives alone.
    workers : int, optional
        Number of processes; by default one a core.
    progress : bool, optional
        As for `train`; the bar counts runs.

    Returns
    -------
    list of History

    Raises
    ------
    ValueError
        If there are not as many configurations as models, or `workers` is not positive.
    """
    from joblib import Parallel, cpu_count, delayed

    if len(models) != len(configs):
        raise ValueError(
            f"configs must hold one configuration a model, were {len(configs)} for {len(models)}"
        )
    if workers is None:
        workers = cpu_count()
    workers = min(check_integer(workers, "workers", 1), max(len(models), 1))
    x, y = data.train.x.numpy(), data.train.y.numpy()
    # The longest first, so that no process is left alone with a long one at the end.
    order = sorted(range(len(models)), key=lambda i: -_images_seen(configs[i], len(data.train)))
    # Copy on write: torch wants arrays that it may write to, the runs never do.
    runs = Parallel(n_jobs=workers, mmap_mode="c", return_as="generator")(
        delayed(_train_apart)(models[i], data.name, x, y, configs[i]) for i in order
    )
    # All or none: a run that fails leaves every model as it was.
    done = list(tqdm(runs, total=len(order), unit="run", disable=_hidden(progress)))
    histories: dict[int, History] = {}
    for i, (state, history) in zip(order, done, strict=True):
        models[i].load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
        histories[i] = history
    return [histories[i] for i in range(len(models))]


def _images_seen(config: TrainConfig, available: int) -> int:
    if config.steps is not None:
        return config.steps * config.batch_size
    return (config.epochs or 0) * (available - config.validation)


def _train_apart(
    model: nn.Module,
    name: str,
    x: NDArray[np.float32],
    y: NDArray[np.int64],
    config: TrainConfig,
) -> tuple[dict[str, NDArray[np.float32]], History]:
    """One run in a process of its own: arrays in, arrays out, which joblib maps into memory."""
    images = Images(torch.from_numpy(x), torch.from_numpy(y))
    history = train(model, Dataset(name, images, images[:0]), config, progress=False)
    return {key: value.cpu().numpy() for key, value in model.state_dict().items()}, history


def _split(available: int, config: TrainConfig) -> tuple[torch.Tensor, torch.Tensor]:
    """Indices to train on and to hold out."""
    if available - config.validation < 1:
        raise ValueError(
            f"validation must leave an image to train on, was {config.validation} of {available}"
        )
    if config.validation == 0:
        return torch.arange(available), torch.arange(0)
    # A generator of its own: a held-out set must not change with how long one trains.
    shuffled = torch.randperm(available, generator=torch.Generator().manual_seed(config.seed + 1))
    return shuffled[config.validation :].sort().values, shuffled[: config.validation].sort().values
