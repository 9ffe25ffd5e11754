"""From full to low rank while a network trains: once, when its count of spikes settles, or a little every few epochs.

The first is a use of the count that suggests itself, the second the pruning of Berlyand and others (2024). Both
compare with the same training left alone.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from dataclasses import replace as changed
from typing import Any

import numpy as np

from .._checks import FloatArray
from ..nets.architectures import MLP
from ..nets.config import TrainConfig
from ..nets.data import Dataset
from ..nets.thinning import LAYERS, cut, product, thinned, weights
from ..nets.training import accuracy, train
from ..spectrum import Spectrum
from ..thresholds import bema
from .networks import dataset, model, training
from .runner import Configuration
from .store import Result

#: A value has settled if it changed by less than this share of itself …
SETTLED = 0.05
#: … over this many epochs.
SPAN = 2

#: The ranks that are tried, in units of a layer's count.
MULTIPLES = (1, 2, 4)

# How often an epoch of each network is timed, in turn.
_ROUNDS = 5


@dataclass(frozen=True)
class Plan:
    """Training in full up to an epoch, then at these ranks; `looks` says how often the rule needs the spectra.

    `multiple` is 0 where the ranks are not a multiple of the counts.
    """

    rule: str
    multiple: int
    epoch: int
    ranks: Sequence[int]
    looks: int


def stable_rank(values: FloatArray) -> float:
    """Sum of the squared singular values in units of the largest: at most the rank."""
    return float(np.sum(values**2) / values.max() ** 2)


def settled(values: Sequence[Sequence[float]]) -> int | None:
    """The first epoch at which every layer's value differs from that two epochs before by less than 5 %.

    `values` holds a value a layer for each epoch, from epoch 0 on. Zero has not begun, so it does not settle.
    """
    for epoch in range(SPAN, len(values)):
        pairs = zip(values[epoch], values[epoch - SPAN], strict=True)
        if all(before > 0 and abs(now - before) < SETTLED * before for now, before in pairs):
            return epoch
    return None


def scaled_ranks(
    stable: Sequence[float], at_first: Sequence[float], full: Sequence[int]
) -> list[int]:
    """Ranks in proportion to stable ranks, such that an untrained layer keeps its whole rank.

    As in the published code of Wang et al. (2023).
    """
    return [
        min(math.ceil(whole * now / first), whole)
        for now, first, whole in zip(stable, at_first, full, strict=True)
    ]


def switch(configuration: Configuration) -> Result:
    """Train one network in full and, from its own snapshots, once more for each rule of switching.

    A network that goes on from a snapshot starts its momentum anew and meets the images in another order. The
    row "momentum anew" is full training that does so after `fixed` epochs, too. A rule that never switches is
    full training. Time is that of the processor, in units of full training: epochs of all networks are timed
    in turn, and looking and splitting are added.
    """
    whole, _ = dataset(configuration)
    number = configuration["held_out"]
    data = Dataset(whole.name, whole.train[number:], whole.test)
    net, config = model(configuration, data), training(configuration)
    assert isinstance(net, MLP)
    assert config.epochs is not None
    snapshots: list[MLP] = []
    counts: list[list[int]] = []
    stable: list[list[float]] = []
    looking: list[float] = []

    def look(epoch: int, net: Any) -> None:
        snapshots.append(copy.deepcopy(net))
        start = time.process_time()
        spectra = [Spectrum.of(product(net.get_submodule(name)), method="gram") for name in LAYERS]
        counts.append([bema(spectrum).n_signal for spectrum in spectra])
        looking.append(time.process_time() - start)
        stable.append([stable_rank(spectrum.values) for spectrum in spectra])

    look(0, net)
    _go_on(net, data, config, 0, configuration["drop"], look)
    full = [min(product(net.get_submodule(name)).shape) for name in LAYERS]
    plans = _plans(counts, stable, full, configuration)
    nets, splitting = [], []
    for plan in plans:
        start = time.process_time()
        thin = thinned(snapshots[plan.epoch], plan.ranks)
        splitting.append(time.process_time() - start)
        _go_on(thin, data, config, plan.epoch, configuration["drop"])
        nets.append(thin)

    size, epochs = weights(net), config.epochs
    seconds, shares = _epoch_times(nets, data, config)
    rows = []  # type: list[dict[str, Any]]
    for plan, thin, share, extra in zip(plans, nets, shares, splitting, strict=True):
        before = plan.epoch / epochs
        extra += plan.looks * float(np.median(looking))
        rows.append(
            {
                "rule": plan.rule,
                "multiple": plan.multiple,
                "switch_epoch": plan.epoch,
                "rank_fc1": plan.ranks[0],
                "rank_fc2": plan.ranks[1],
                "share_of_weights": weights(thin) / size,
                "share_of_products": before + (1 - before) * weights(thin) / size,
                "share_of_time": before + (1 - before) * share + extra / (epochs * seconds),
                "validation_accuracy": accuracy(thin, whole.train[:number]),
                "test_accuracy": accuracy(thin, data.test),
            }
        )
    return Result(rows, {"counts": np.array(counts), "stable": np.array(stable, np.float32)})


def _go_on(
    net: Any,
    data: Dataset,
    config: TrainConfig,
    done: int,
    drop: int,
    on_epoch: Callable[[int, Any], None] | None = None,
) -> None:
    """Train from the epoch `done` to the last, from the epoch `drop` on at a tenth of the learning rate.

    Momentum starts anew at both. The images come in an order of their own after a switch, and in the same one
    for all networks from `drop` on.
    """
    assert config.epochs is not None
    for first, last, lr, order in (
        (done, drop, config.lr, 1000 if done else 0),
        (max(done, drop), config.epochs, config.lr / 10, 2000),
    ):
        if first >= last:
            continue
        part = changed(config, epochs=last - first, lr=lr, seed=config.seed + order)

        def look(epoch: int, net: Any, first: int = first) -> None:
            if on_epoch is not None:
                on_epoch(first + epoch, net)

        train(net, data, part, on_epoch=look, progress=False)


def _plans(
    counts: Sequence[Sequence[int]],
    stable: Sequence[Sequence[float]],
    full: Sequence[int],
    configuration: Configuration,
) -> list[Plan]:
    """Full training first, then what each rule makes of the counts and stable ranks by epoch."""
    epochs, fixed = configuration["epochs"], configuration["fixed"]
    plans = [Plan("full", 0, epochs, full, 0), Plan("momentum anew", 0, fixed, full, 0)]
    for rule, at in (("count settled", settled(counts)), ("fixed epoch", fixed)):
        for m in MULTIPLES:
            if at is None:
                plans.append(Plan(rule, m, epochs, full, epochs + 1))
                continue
            ranks = [max(m * s, 1) for s in counts[at]]
            plans.append(Plan(rule, m, at, ranks, 1 if rule == "fixed epoch" else at + 1))
    at = settled(stable)
    if at is None:
        return [*plans, Plan("stable rank settled", 0, epochs, full, epochs + 1)]
    ranks = scaled_ranks(stable[at], stable[0], full)
    return [*plans, Plan("stable rank settled", 0, at, ranks, at + 1)]


def _epoch_times(
    nets: Sequence[Any], data: Dataset, config: TrainConfig
) -> tuple[float, list[float]]:
    """Processor seconds that an epoch of the first network takes, and the share of it that each takes.

    The networks go in turn and shares are formed within a round: a busy machine slows all of a round.
    """
    one = changed(config, epochs=1)
    seconds = np.empty((_ROUNDS, len(nets)))
    for row in seconds:
        for k, net in enumerate(nets):
            twin = copy.deepcopy(net)
            start = time.process_time()
            train(twin, data, one, progress=False)
            row[k] = time.process_time() - start
    shares = np.median(seconds / seconds[:, :1], axis=0)
    return float(np.median(seconds[:, 0])), shares.tolist()


def prune(configuration: Configuration) -> Result:
    """Train three times with the same batches: left alone, cut by the law every few epochs, and cut once late.

    The share of the values below the threshold that stays falls along a straight line to 0, as in the published
    code. A layer is cut only if its bulk followed the law at the first cut, at the threshold found there (a
    spectrum that has been cut has no bulk to fit), and is split as soon as that saves weights. Each stretch of
    epochs starts its momentum anew, in all three.
    """
    data, _ = dataset(configuration)
    config = training(configuration)
    assert config.epochs is not None
    every, stretches = configuration["every"], config.epochs // configuration["every"]
    rows: list[dict[str, Any]] = []
    for kind in ("left alone", "pruned", "cut once"):
        net: Any = model(configuration, data)
        thresholds: dict[str, float] = {}
        for stretch in range(1, stretches + 1):
            part = changed(config, epochs=every, seed=config.seed + 1000 * stretch)
            train(net, data, part, progress=False)
            share = 1 - stretch / (stretches - 1)
            now = stretch < stretches if kind == "pruned" else stretch == stretches - 1
            if kind != "left alone" and now:
                for name in LAYERS:
                    cut(net, name, share, configuration["largest_ks"], thresholds)
        rows.append(
            {
                "kind": kind,
                "test_accuracy": accuracy(net, data.test),
                "train_accuracy": accuracy(net, data.train),
                "share_of_weights": weights(net) / weights(model(configuration, data)),
                "layers_cut": sum(threshold < np.inf for threshold in thresholds.values()),
            }
        )
    return Result(rows)
