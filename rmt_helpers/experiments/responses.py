"""Every convolution of a network split at once: by weights, by responses, and by those of the whole network.

After Zhang et al. (2016), whose steps it takes one at a time: responses in place of weights, the errors of
earlier layers, the ReLU. `compression` splits one layer of a smaller network.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..nets.architectures import SmallVGG
from ..nets.compress import compress
from ..nets.data import Dataset
from ..nets.lowrank import SCHEMES, AnyNetwork, Splittable, largest_rank, layer_matrix
from ..nets.reconstruct import FITS, compress_by_responses
from ..nets.training import accuracy, train
from ..thresholds import bema
from .networks import dataset, training
from .runner import Configuration
from .store import Result

# Shares of each convolution's singular values that are kept.
SHARES = (0.125, 0.25, 0.375, 0.5)

Ranks = dict[str, int]


def compare(configuration: Configuration) -> Result:
    """Train one network, and split its convolutions at several ranks in five ways."""
    data, _ = dataset(configuration)
    data = Dataset(data.name, data.train, data.test[: configuration["tested"]])
    net = SmallVGG(data.train.x.shape[1], init=configuration["init"], seed=configuration["seed"])
    history = train(net, data, training(configuration), progress=False)
    held_out = data.train[history.held_out]
    learned = np.setdiff1d(np.arange(len(data.train)), history.held_out)
    seen = data.train[learned[: configuration["seen"]]]
    convolutions = {
        n: c for n, c in net.named_children() if isinstance(c, Splittable) and n != "fc"
    }
    matrices = {n: layer_matrix(c) for n, c in convolutions.items()}
    rows: list[dict[str, Any]] = []

    def note(method: str, kept: str, small: AnyNetwork) -> None:
        inside = [p for n, p in small.named_parameters() if "conv" in n and n.endswith("weight")]
        row = {"method": method, "kept": kept, "weights": sum(p.numel() for p in inside)}
        row |= {"validation": accuracy(small, held_out), "test": accuracy(small, data.test)}
        rows.append(row)

    note("whole", "all", net)
    counted = {n: bema(W).n_signal for n, W in matrices.items()}
    choices = {
        f"{share:g}": {n: max(1, round(share * min(W.shape))) for n, W in matrices.items()}
        for share in SHARES
    }
    choices["bema"] = {n: max(1, count) for n, count in counted.items()}
    for kept, wanted in choices.items():
        # What would save nothing stays whole in every way.
        ranks = {n: r for n, r in wanted.items() if r <= largest_rank(convolutions[n])}
        note("weights by channel", kept, compress(net, {**ranks})[0])
        flat = {n: _spatial_rank(convolutions[n], r) for n, r in ranks.items()}
        note("weights by space", kept, compress(net, {**flat}, scheme="spatial")[0])
        for fit in FITS:
            note(f"responses, {fit}", kept, compress_by_responses(net, ranks, seen, fit))
    return Result(rows, {"bema": np.array(list(counted.values()))})


def _spatial_rank(layer: Splittable, rank: int) -> int:
    """The most maps in the split by space with no more weights than `rank` maps have by channel."""
    per_map = {scheme: sum(layer_matrix(layer, scheme).shape) for scheme in SCHEMES}
    return max(1, rank * per_map["channel"] // per_map["spatial"])
