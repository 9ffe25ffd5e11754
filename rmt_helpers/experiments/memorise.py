"""What memorising does to a spectrum: true, partly random and random labels, with and without dropout.

Along one training run, what has been learned of the rightly and of the wrongly labelled images, and
what BEMA sees in the weights.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks import FloatArray
from ..nets.data import Dataset, Images
from ..nets.dropout import with_dropout
from ..nets.layers import factorize, truncate, weight_matrices
from ..nets.training import scores, train
from ..spectrum import Spectrum
from ..spikes import transition
from ..thresholds import bema
from .measures import both_fits, columns
from .networks import dataset, model, training
from .runner import Configuration
from .store import Result

LAYERS = ("fc1", "fc2")

# Epochs after which everything is measured: each of the first, then fewer.
EPOCHS = (*range(1, 9), 10, 12, 14, 16, *range(20, 61, 4))


def _share(model: Any, images: Images, labels: NDArray[Any], which: NDArray[Any]) -> float:
    """Share of the chosen images to which the model gives these labels; NaN if there are none."""
    if not which.any():
        return float("nan")
    chosen = images[np.flatnonzero(which)]
    return float((scores(model, chosen).argmax(dim=1).numpy() == labels[which]).mean())


def _learned(W: FloatArray, W0: FloatArray) -> dict[str, float]:
    """Stable rank of what was learned, and how many of its directions could leave the bulk."""
    learned = Spectrum.of(W - W0)
    values, level = learned.values, float(W0.std())
    edge = level * np.sqrt(learned.n) * transition(learned.c)
    return {
        "update_norm": float(np.sqrt(values @ values)),
        "stable_rank": float(values @ values / values[0] ** 2),
        "detectable": int(np.count_nonzero(values > edge)),
    }


def memorise(configuration: Configuration) -> Result:
    """Train one network and look at it along the way."""
    whole, _ = dataset({**configuration, "images": configuration["images"] + 1000})
    number = configuration["images"]
    data = Dataset(whole.name, whole.train[:number], whole.test)
    held_out = whole.train[number:]  # its labels are as wrong as those of the training images
    uncorrupted, _ = dataset({**configuration, "random_labels": 0.0})
    truth = uncorrupted.train.y.numpy()
    given = data.train.y.numpy()
    right = given == truth
    net: Any = model(configuration, data)
    start = weight_matrices(copy.deepcopy(net))
    if configuration["dropout"]:
        net = with_dropout(net, configuration["dropout"], seed=configuration["seed"])
    everyone = np.ones(number, bool)
    rows: list[dict[str, Any]] = []

    def look(epoch: int, now: Any) -> None:
        if epoch not in EPOCHS:
            return
        said = scores(now, data.train).argmax(dim=1).numpy()
        about = {
            "epoch": epoch,
            "train_accuracy": float((said == given).mean()),
            "right_part": float((said == given)[right].mean()),
            "wrong_part": float((said == given)[~right].mean()) if not right.all() else np.nan,
            "wrong_part_truth": float((said == truth)[~right].mean())
            if not right.all()
            else np.nan,
            "held_out_accuracy": _share(
                now, held_out, held_out.y.numpy(), np.ones(len(held_out), bool)
            ),
            "test_accuracy": _share(
                now, data.test, data.test.y.numpy(), np.ones(len(data.test), bool)
            ),
        }
        for layer in LAYERS:
            W = weight_matrices(now)[layer].astype(np.float64)
            W0 = start[layer].astype(np.float64)
            fits = both_fits(Spectrum.of(W))
            rows.append(
                {
                    "layer": layer,
                    **about,
                    **columns(fits["bema"]),
                    "n_broadening": fits["broadening"].n_signal,
                    "sigma_start": float(W0.std()),
                    **_learned(W, W0),
                }
            )

    train(net, data, training(configuration), on_epoch=look, progress=False)
    arrays: dict[str, FloatArray] = {}
    for layer in LAYERS:
        factors = factorize(weight_matrices(net)[layer])
        n_signal = bema(factors.spectrum).n_signal
        kept = truncate(net, layer, n_signal, factors=factors)
        bulk = copy.deepcopy(net)
        weight = bulk.get_submodule(layer).weight
        weight.data -= kept.get_submodule(layer).weight.data
        arrays[f"{layer}/values"] = factors.values.astype(np.float32)
        arrays[f"{layer}/learned_values"] = Spectrum.of(
            weight_matrices(net)[layer].astype(np.float64) - start[layer]
        ).values.astype(np.float32)
        # Training accuracy, on right and on wrong labels: all, spikes alone, bulk alone.
        arrays[f"{layer}/parts"] = np.array(
            [
                [_share(net_, data.train, given, part) for part in (everyone, right, ~right)]
                for net_ in (net, kept, bulk)
            ]
        )
    return Result(rows, arrays)
