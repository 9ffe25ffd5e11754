"""The training loop: stochastic gradient descent on images that stay in memory.

One run uses one thread; several runs go side by side in processes. For networks of this size a
second core gives a second run at full speed, and gives one run next to nothing.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from ._checks import check_integer
from .config import TrainConfig, decay_factor, learning_rates
from .data import Dataset, Images
from .passes import one_thread, passes
from .transforms import crop_and_flip

__all__ = [
    "History",
    "TrainConfig",
    "accuracy",
    "decay_factor",
    "scores",
    "shows_progress",
    "train",
    "train_many",
]


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


@torch.no_grad()
def scores(model: nn.Module, images: Images, block: int = 1000) -> torch.Tensor:
    """What the model says of each image, in evaluation mode: one score a class.

    Parameters
    ----------
    model : torch.nn.Module
        On any device; its mode is left as it was.
    images : Images
    block : int
        How many go through at once.

    Returns
    -------
    tensor of shape (number, classes)
        On the CPU.

    Raises
    ------
    ValueError
        If there are no images or `block` is not positive.
    """
    if len(images) == 0:
        raise ValueError("images must hold at least one image, was empty")
    block = check_integer(block, "block", 1)
    was_training = model.training
    model.eval()
    device = next(model.parameters()).device
    with passes(model) as forward:
        found = torch.cat(
            [
                forward(part.to(device)).cpu()
                for x in images.x.split(block)
                for (part,) in forward.parts(x)
            ]
        )
    model.train(was_training)
    return found


def accuracy(model: nn.Module, images: Images, block: int = 1000) -> float:
    """Share of the images that the model classifies correctly, in evaluation mode.

    Parameters
    ----------
    model : torch.nn.Module
        As for `scores`.
    images : Images
    block : int
        How many go through at once.

    Raises
    ------
    ValueError
        As `scores`.
    """
    predicted = scores(model, images, block).argmax(dim=1)
    return int((predicted == images.y.cpu()).sum()) / len(images)


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
    lr_of_step = learning_rates(config, len(data.train))
    kept, held_out = _split(len(data.train), config)
    where = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    model.to(where).train()
    x, y = data.train.x.to(where), data.train.y.to(where)
    validation = data.train[held_out]
    order = torch.Generator().manual_seed(config.seed)
    # A generator of its own, as in _split: batches must not change with what is done to them.
    places = torch.Generator().manual_seed(config.seed + 2)
    losses: list[float] = []
    accuracies: list[float] = []
    ends: list[int] = []
    taken, total, rates = 0, lr_of_step.size, iter(lr_of_step.tolist())
    start = time.perf_counter()
    with (
        one_thread(),
        passes(model) as forward,
        tqdm(total=total, unit="step", disable=_hidden(progress)) as bar,
    ):
        optimiser = torch.optim.SGD(
            model.parameters(),
            lr=config.lr,
            momentum=config.momentum,
            weight_decay=config.weight_decay,
            nesterov=config.nesterov,
            fused=True,
        )
        while taken < total:
            chosen = kept[torch.randperm(len(kept), generator=order)].to(where)
            epoch = chosen.split(config.batch_size)[: total - taken]
            loss_sum = torch.zeros((), device=where)
            for batch, rate in zip(epoch, rates, strict=False):
                optimiser.param_groups[0]["lr"] = rate
                optimiser.zero_grad()
                seen = crop_and_flip(x[batch], places) if config.augment else x[batch]
                # Gradients add up: the batch's is that of its parts, each weighed by its size.
                for part, labels in forward.parts(seen, y[batch]):
                    with _precision(config, where):
                        output = forward(part)
                    loss = F.cross_entropy(output.float(), labels, reduction="sum") / len(batch)
                    loss.backward()
                    loss_sum += loss.detach()
                optimiser.step()
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


def _precision(config: TrainConfig, device: torch.device) -> contextlib.AbstractContextManager[Any]:
    """The products of a network in the precision that the configuration asks for."""
    if config.precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, torch.bfloat16)


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
    if config.validation == 0:
        return torch.arange(available), torch.arange(0)
    # A generator of its own: a held-out set must not change with how long one trains.
    shuffled = torch.randperm(available, generator=torch.Generator().manual_seed(config.seed + 1))
    return shuffled[config.validation :].sort().values, shuffled[: config.validation].sort().values
