"""Both thresholds on every layer of every network, and what truncation does to the network.

The table behind the chapters on two thresholds, on choosing a rank, and on which layers matter.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..nets.data import Dataset, Images
from ..nets.layers import (
    Factors,
    accuracy_by_rank,
    agreement,
    agreement_of_scores,
    factorize,
    truncate,
    weight_matrices,
)
from ..nets.training import accuracy, scores, train
from ..spectrum import Spectrum
from .measures import both_fits, columns
from .networks import Network, dataset, model, training
from .runner import Configuration
from .store import Result

# Test images on which the outputs of the whole and of the truncated network are compared.
COMPARED = 2000

# Ranks at which that is done, as far as a layer has them.
FEW_RANKS = (1, 2, 4, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 96, 128, 192, 256, 384)


def sweep_ranks(p: int, *, fine: bool) -> NDArray[np.int64]:
    """Ranks from 0 to p: each of the first 64, then ever sparser; or a few, where each is dear."""
    few = np.array([s for s in FEW_RANKS if s < p])
    if not fine:
        return np.unique([0, *few, p])
    return np.unique([*range(min(65, p + 1)), *np.geomspace(1, p, 60).astype(int), p])


def survey(configuration: Configuration) -> Result:
    """Train one network and put every layer of it to the test."""
    data, _ = dataset(configuration)
    net, config = model(configuration, data), training(configuration)
    start = copy.deepcopy(net)
    history = train(net, data, config, progress=False)
    held_out = data.train[history.held_out]
    whole = {
        "validation_full": accuracy(net, held_out),
        "test_full": accuracy(net, data.test),
    }
    rows: list[dict[str, Any]] = []
    arrays: dict[str, NDArray[Any]] = {"loss": history.loss}
    arrays["validation_by_epoch"] = history.validation_accuracy
    factors, kept = {}, {"bema": copy.deepcopy(net), "broadening": copy.deepcopy(net)}
    initial = weight_matrices(start)
    for layer, W in weight_matrices(net).items():
        factors[layer] = found = factorize(W)
        arrays[f"{layer}/values"] = found.values.astype(np.float32)
        shape = _shape(layer, W)
        for method, fit in both_fits(Spectrum.of(initial[layer])).items():
            rows.append(_row(shape, "untrained", method, columns(fit)))
        fits = both_fits(found.spectrum)
        for method, fit in fits.items():
            truncate(kept[method], layer, fit.n_signal, factors=found, inplace=True)
            cut = truncate(net, layer, fit.n_signal, factors=found)
            rows.append(
                _row(
                    shape,
                    "trained",
                    method,
                    columns(fit) | whole | _after(net, cut, data, held_out),
                )
            )
        if not fits:
            rows.append(_row(shape, "trained", "not fitted", whole))
        arrays |= _sweeps(net, layer, found, held_out, data.test)
    for layer, W in weight_matrices(net, reshape="kernel").items():
        if W.shape != factors[layer].spectrum.shape:
            for method, fit in both_fits(Spectrum.of(W)).items():
                rows.append(_row(_shape(layer, W, "kernel"), "trained", method, columns(fit)))
    for method, cut in kept.items():
        rows.append(
            _row(_shape("all"), "trained", method, whole | _after(net, cut, data, held_out))
        )
    if configuration["seed"] == 0 and configuration["network"] != "mlp":
        # For chapters that look at one network without training it.
        arrays |= {f"weights/{name}": value.numpy() for name, value in net.state_dict().items()}
    return Result(rows, arrays)


def _shape(layer: str, W: NDArray[Any] | None = None, reshape: str = "out") -> dict[str, Any]:
    """Which matrix a row is about; for all layers at once there is none."""
    rows, columns = (0, 0) if W is None else W.shape
    return {"layer": layer, "reshape": reshape, "rows": rows, "columns": columns}


_NUMBERS = (
    "sigma",
    "threshold",
    "n_signal",
    "ks",
    "ave_w",
    "energy",
    "validation_full",
    "test_full",
    "validation",
    "test",
    "agreement",
    "kl",
)


def _row(shape: dict[str, Any], state: str, method: str, numbers: dict[str, Any]) -> dict[str, Any]:
    """A row of the table: every number has a column, NaN where it does not apply."""
    return {**shape, "state": state, "method": method} | {
        name: numbers.get(name, np.nan) for name in _NUMBERS
    }


def _after(net: Network, cut: Network, data: Dataset, held_out: Images) -> dict[str, float]:
    """Accuracy of a truncated network, and how far its outputs still agree with the whole one's."""
    same, divergence = agreement(net, cut, data.test[:COMPARED])
    return {
        "validation": accuracy(cut, held_out),
        "test": accuracy(cut, data.test),
        "agreement": same,
        "kl": divergence,
    }


def _sweeps(
    net: Network, layer: str, factors: Factors, held_out: Images, test: Images
) -> dict[str, NDArray[Any]]:
    """Accuracy by rank on validation and test images; agreement and KL divergence at a few ranks."""
    p = factors.values.size
    # Behind a convolution most of the network runs again at each rank.
    ranks, few = sweep_ranks(p, fine=layer.startswith("fc")), sweep_ranks(p, fine=False)

    def swept(images: Images) -> NDArray[np.float32]:
        found = accuracy_by_rank(net, layer, images, factors=factors, ranks=ranks)
        return found.astype(np.float32)

    compared = test[:COMPARED]
    reference = scores(net, compared)
    cuts = (truncate(net, layer, int(s), factors=factors) for s in few)
    outputs = [agreement_of_scores(reference, scores(cut, compared)) for cut in cuts]
    return {
        f"{layer}/ranks": ranks,
        f"{layer}/validation": swept(held_out),
        f"{layer}/test": swept(test),
        f"{layer}/few_ranks": few,
        f"{layer}/agreement": np.array([same for same, _ in outputs], np.float32),
        f"{layer}/kl": np.array([divergence for _, divergence in outputs], np.float32),
    }
