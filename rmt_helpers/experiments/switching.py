"""Cutting a little every few epochs while a network trains, by the law, after Berlyand and others (2024).

Beside it the same training left alone, and one that is cut once.
"""

from __future__ import annotations

from dataclasses import replace as changed
from typing import Any

import numpy as np

from ..nets.thinning import LAYERS, cut, weights
from ..nets.training import accuracy, train
from .networks import dataset, model, training
from .runner import Configuration
from .store import Result


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
