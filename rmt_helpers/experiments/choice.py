"""Which threshold for a trained layer? All estimators on the same networks, and what is left of them.

The experiment "estimators" knows the rank; here nobody does, but a truncated network has an accuracy.
"""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np

from ..nets.data import Images
from ..nets.layers import Factors, accuracy_by_rank, factorize, truncate, weight_matrices
from ..nets.training import accuracy, train
from ..thresholds import CheckedFit, NoiseFit, Shrinkage, bema_general, optimal_shrinkage
from .estimators import ON_MATRICES, ON_SPECTRA
from .layers import sweep_ranks
from .measures import SMALLEST, columns
from .networks import Network, dataset, model, training
from .runner import Configuration
from .store import Result

# The longest short side on which some 700 simulated spectra are paid for.
_GENERAL_SIDE = 128

# The validated rank is the least one that loses no more than this share of the held-out images.
_LOSS = 0.002


def fits_of(found: Factors, W: Any) -> dict[str, NoiseFit]:
    """Every estimator's fit of one trained matrix, with the settings of the experiment "estimators"."""
    spectrum = found.spectrum
    fits = {
        name: estimate(spectrum) for name, estimate in ON_SPECTRA.items() if name != "bema_general"
    }
    if spectrum.p <= _GENERAL_SIDE:
        fits["bema_general"] = bema_general(spectrum, draws=4, null_draws=100)
    fits["optimal_shrinkage, operator"] = optimal_shrinkage(spectrum, "operator")
    return fits | {name: estimate(W) for name, estimate in ON_MATRICES.items()}


def validated_rank(net: Network, layer: str, found: Factors, held_out: Images) -> int:
    """The least rank of one layer at which the held-out images are classified almost as well."""
    ranks = sweep_ranks(found.values.size, fine=True)
    by_rank = accuracy_by_rank(net, layer, held_out, factors=found, ranks=ranks)
    return int(ranks[np.argmax(by_rank >= by_rank[-1] - _LOSS)])


def choose(configuration: Configuration) -> Result:
    """Train one network; let every method cut each layer, and then all layers at once."""
    data, _ = dataset(configuration)
    net, config = model(configuration, data), training(configuration)
    history = train(net, data, config, progress=False)
    held_out = data.train[history.held_out]
    full = accuracy(net, data.test)
    rows: list[dict[str, Any]] = []
    cut: dict[str, Network] = {}

    def record(
        layer: str, method: str, shape: tuple[int, int], changed: Network, found: dict[str, Any]
    ) -> None:
        about = {name: found.get(name, math.nan) for name in _NUMBERS}
        rows.append(
            {
                "layer": layer,
                "rows": shape[0],
                "columns": shape[1],
                "method": method,
                "trust": found.get("trust", ""),
                **about,
                "test_full": full,
                "test": accuracy(changed, data.test),
            }
        )

    for layer, W in weight_matrices(net).items():
        found = factorize(W)
        shape = found.spectrum.shape
        if found.values.size < SMALLEST:
            continue
        for method, fit in fits_of(found, W.astype(np.float64)).items():
            factors, rank = found, fit.n_signal
            if isinstance(fit, Shrinkage):
                factors, rank = Factors(found.u, fit.shrunk, found.vt), found.values.size
            trust = {"trust": fit.trust} if isinstance(fit, CheckedFit) else {}
            changed = truncate(net, layer, rank, factors=factors)
            record(layer, method, shape, changed, columns(fit) | trust)
            truncate(
                cut.setdefault(method, copy.deepcopy(net)),
                layer,
                rank,
                factors=factors,
                inplace=True,
            )
        rank = validated_rank(net, layer, found, held_out)
        record(
            layer,
            "validation",
            shape,
            truncate(net, layer, rank, factors=found),
            {"n_signal": rank},
        )
        truncate(
            cut.setdefault("validation", copy.deepcopy(net)),
            layer,
            rank,
            factors=found,
            inplace=True,
        )
    for method, changed in cut.items():
        record("all", method, (0, 0), changed, {})
    return Result(rows)


_NUMBERS = ("sigma", "threshold", "n_signal", "ks", "ave_w", "energy")
