"""From full to low rank while a network trains: once, when its count of spikes settles, or a little every few epochs.

The first follows a suggestion of the paper, the second the pruning of Berlyand and others (2024). Both compare
with the same training left alone.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import replace as changed
from typing import Any

import numpy as np

from .._checks import FloatArray
from ..nets.architectures import MLP
from ..nets.data import Dataset
from ..nets.thinning import LAYERS, cut, product, thinned, weights
from ..nets.training import accuracy, train
from ..spectrum import Spectrum
from ..thresholds import bema
from .networks import dataset, model, training
from .runner import Configuration, Experiment
from .store import Result

#: By how much of itself a count may differ from the one two epochs before and still count as settled.
SETTLED = 0.05


def stable_rank(values: FloatArray) -> float:
    """Sum of the squared singular values in units of the largest: at most the rank."""
    return float(np.sum(values**2) / values.max() ** 2)


def settled(counts: Sequence[Sequence[float]], share: float = SETTLED) -> int | None:
    """The first epoch at which every layer's count differs little from that two epochs before.

    `counts` holds a sequence of one count a layer for each epoch, from epoch 0 on; a count of zero has not begun.
    """
    for epoch in range(2, len(counts)):
        pairs = list(zip(counts[epoch], counts[epoch - 2], strict=True))
        if all(
            now > 0 and before > 0 and abs(now - before) <= share * now for now, before in pairs
        ):
            return epoch
    return None


def switch(configuration: Configuration) -> Result:
    """Train one network in full and, from its own snapshots, once more for each rule of switching."""
    data, _ = dataset(configuration)
    net, config = model(configuration, data), training(configuration)
    assert isinstance(net, MLP)
    assert config.epochs is not None
    snapshots: list[MLP] = []
    counts: list[list[int]] = []
    stable: list[list[float]] = []

    def look(epoch: int, net: Any) -> None:
        assert isinstance(net, MLP)
        snapshots.append(copy.deepcopy(net))
        spectra = [Spectrum.of(product(net.get_submodule(name)), method="gram") for name in LAYERS]
        counts.append([bema(spectrum).n_signal for spectrum in spectra])
        stable.append([stable_rank(spectrum.values) for spectrum in spectra])

    look(0, net)
    history = train(net, data, config, on_epoch=look, progress=False)
    size, epochs = weights(net), config.epochs
    rows = [_row("full", epochs, [], net, data, 1.0, history.seconds, size)]
    when = settled(counts)
    wanted: list[tuple[str, int | None, Sequence[float]]] = []
    for multiple in (1, 2, 4):
        multiples = [multiple * s for s in counts[when]] if when is not None else []
        wanted.append((f"count settled, rank {multiple}ŝ", when, multiples))
    wanted += [(f"epoch 3, rank {m}ŝ", 3, [m * s for s in counts[3]]) for m in (2, 4)]
    # Cuttlefish (Wang et al. 2023): ranks in proportion to the stable rank, full at the start.
    shares = [[a / b for a, b in zip(now, stable[0], strict=True)] for now in stable]
    calm = settled(shares)
    full = [min(product(net.get_submodule(name)).shape) for name in LAYERS]
    ranks_by_share = (
        [] if calm is None else [np.ceil(a * b) for a, b in zip(shares[calm], full, strict=True)]
    )
    wanted.append(("stable rank settled", calm, ranks_by_share))
    for rule, epoch, ranks in wanted:
        if epoch is None or epoch >= epochs:
            rows.append(_row(rule, epochs, [], net, data, 1.0, history.seconds, size))
            continue
        kept = [max(int(rank), 1) for rank in ranks]
        thin = thinned(snapshots[epoch], kept)
        start = time.perf_counter()
        train(
            thin,
            data,
            changed(config, epochs=epochs - epoch, seed=config.seed + 1000),
            progress=False,
        )
        seconds = history.seconds * epoch / epochs + time.perf_counter() - start
        cost = (epoch + (epochs - epoch) * weights(thin) / size) / epochs
        rows.append(_row(rule, epoch, kept, thin, data, cost, seconds, size))
    trace = {"counts": np.array(counts), "stable": np.array(stable, np.float32)}
    return Result(rows, trace)


def _row(
    rule: str,
    epoch: int,
    ranks: Sequence[int],
    net: Any,
    data: Dataset,
    cost: float,
    seconds: float,
    size: int,
) -> dict[str, Any]:
    return {
        "rule": rule,
        "switch_epoch": epoch,
        "rank_fc1": ranks[0] if ranks else 0,
        "rank_fc2": ranks[1] if ranks else 0,
        "share_of_weights": weights(net) / size,
        "share_of_products": cost,
        "seconds": seconds,
        "test_accuracy": accuracy(net, data.test),
    }


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


_MLP = {"network": "mlp", "init": "glorot", "lr": 0.05, "momentum": 0.9, "batch_size": 128}

_SWITCHING: list[Configuration] = [
    *(
        {**_MLP, "data": data, "images": 5000, "hidden": [256, 256], "epochs": 20, "seed": seed}
        for data in ("mnist", "fashion-mnist")
        for seed in range(5)
    ),
    {**_MLP, "data": "mnist", "images": 2000, "hidden": [256, 256], "epochs": 8, "seed": 0},
]

SWITCHING = Experiment(
    name="switching",
    question="When should training go on with two thin layers in place of a wide one?",
    function=switch,
    configurations=_SWITCHING,
    sample=[_SWITCHING[-1]],
    tolerances={
        "switch_epoch": 3,
        "rank_fc1": 60,
        "rank_fc2": 60,
        "share_of_weights": 0.3,
        "share_of_products": 0.3,
        "seconds": 1000,
        "test_accuracy": 0.03,
    },
)

_PRUNING = [
    {
        **_MLP,
        "data": "fashion-mnist",
        "images": images,
        "random_labels": share,
        "hidden": [256, 256],
        "epochs": 24,
        "every": 4,
        "largest_ks": 0.08,
        "seed": seed,
    }
    for share, images, seeds in ((0.0, 6000, 8), (0.2, 6000, 8), (0.0, 2000, 1))
    for seed in range(seeds)
]

MP_PRUNING = Experiment(
    name="mp_pruning",
    question="Does cutting by the Marchenko–Pastur law during training make a network better?",
    function=prune,
    configurations=_PRUNING,
    sample=[_PRUNING[-1]],
    tolerances={"test_accuracy": 0.03, "train_accuracy": 0.03, "share_of_weights": 0.1},
)
