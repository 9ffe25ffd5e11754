"""Networks that learned wrong labels, filtered after training: does removing "noise" help?

After Staats et al. (2023). Beside every filter stands what one gets by stopping early on the same
corrupted validation images, which needs no spectrum.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..nets.data import Dataset, Images
from ..nets.layers import Factors, accuracy_by_rank, factorize, weight_matrices
from ..nets.lowrank import AnyNetwork, torch  # type: ignore[attr-defined]
from ..nets.magnitude import prune
from ..nets.training import accuracy, train
from ..thresholds import NoiseFit, optimal_shrinkage
from .layers import sweep_ranks
from .measures import both_fits, columns
from .networks import dataset, model, training
from .runner import Configuration
from .store import Result

# The output layer has ten singular values: nothing to fit.
LAYERS = ("fc1", "fc2")

CLASSES = 10


def inspect(configuration: Configuration) -> Result:
    """Train one network on corrupted labels, and filter it in every way."""
    data, _ = dataset(configuration)
    net, config = model(configuration, data), training(configuration)
    by_epoch: list[float] = []
    history = train(
        net,
        data,
        config,
        on_epoch=lambda _, now: by_epoch.append(accuracy(now, data.test)),
        progress=False,
    )
    # The held-out images carry the corrupted labels too: nobody has clean ones to choose by.
    held_out = data.train[history.held_out]
    best = int(history.validation_accuracy.argmax())
    arrays: dict[str, NDArray[Any]] = {
        "test_by_epoch": np.array(by_epoch, np.float32),
        "validation_by_epoch": history.validation_accuracy.astype(np.float32),
        "loss": history.loss.astype(np.float32),
    }
    kept = np.setdiff1d(np.arange(len(data.train)), history.held_out)
    rows = [
        _row(
            "none",
            "full",
            validation=accuracy(net, held_out),
            test=accuracy(net, data.test),
            train=accuracy(net, data.train[kept]),
        ),
        _row(
            "none",
            "early stopping",
            epoch=best + 1,
            validation=float(history.validation_accuracy[best]),
            test=by_epoch[best],
        ),
    ]
    factors = {name: factorize(weight_matrices(net)[name]) for name in LAYERS}
    fits = {name: both_fits(factors[name].spectrum) for name in LAYERS}
    chosen: dict[str, int] = {}
    for name in LAYERS:
        ranks = sweep_ranks(factors[name].values.size, fine=True)
        curves = {
            "validation": accuracy_by_rank(net, name, held_out, factors=factors[name], ranks=ranks),
            "test": accuracy_by_rank(net, name, data.test, factors=factors[name], ranks=ranks),
        }
        arrays |= {f"{name}/{key}": curve.astype(np.float32) for key, curve in curves.items()}
        arrays |= {f"{name}/ranks": ranks, f"{name}/values": factors[name].values}
        chosen[name] = int(ranks[curves["validation"].argmax()])
    for method in ("bema", "broadening"):
        for name in LAYERS:
            rows.append(_row(name, f"fit {method}", **columns(fits[name][method])))
    for layers in (("fc1",), ("fc2",), LAYERS):
        for how, values in _filters(factors, fits, chosen, layers).items():
            changed = copy.deepcopy(net)
            for name in layers:
                _put(changed, name, factors[name], values[name])
            rank = sum(int(np.count_nonzero(values[name])) for name in layers)
            rows.append(_measured("+".join(layers), how, rank, changed, data, held_out))
        # As many numbers kept as two factors of the rank hold.
        for how, numbers in (
            ("pruned as bema", {n: fits[n]["bema"].n_signal for n in layers}),
            ("pruned as validation", chosen),
        ):
            count = {n: numbers[n] * sum(factors[n].spectrum.shape) for n in layers}
            pruned: AnyNetwork = net
            for n in layers:
                pruned = prune(
                    pruned, min(count[n], factors[n].u.shape[0] * factors[n].vt.shape[1]), [n]
                )
            rank = sum(numbers[n] for n in layers)
            rows.append(_measured("+".join(layers), how, rank, pruned, data, held_out))
    return Result(rows, arrays)


def _filters(
    factors: dict[str, Factors],
    fits: dict[str, dict[str, NoiseFit]],
    chosen: dict[str, int],
    layers: tuple[str, ...],
) -> dict[str, dict[str, NDArray[np.float64]]]:
    """The singular values that each filter puts into each layer."""

    def cut(name: str, rank: int) -> NDArray[np.float64]:
        values = factors[name].values.copy()
        values[rank:] = 0
        return values

    def shrunk(name: str, fit: str, loss: Any, rank: int | None = None) -> NDArray[np.float64]:
        spectrum, sigma = factors[name].spectrum, fits[name][fit].sigma
        values = optimal_shrinkage(spectrum, loss, sigma).shrunk.copy()
        values[rank if rank is not None else values.size :] = 0
        return values

    def every(make: Any) -> dict[str, NDArray[np.float64]]:
        return {name: make(name) for name in layers}

    return {
        "cut at bema": every(lambda n: cut(n, fits[n]["bema"].n_signal)),
        "cut at broadening": every(lambda n: cut(n, fits[n]["broadening"].n_signal)),
        "cut at ten": every(lambda n: cut(n, CLASSES)),
        "cut by validation": every(lambda n: cut(n, chosen[n])),
        "shrunk, operator": every(lambda n: shrunk(n, "bema", "operator")),
        "shrunk, frobenius": every(lambda n: shrunk(n, "bema", "frobenius")),
        # The large values moved back by what level repulsion moved them out, the others removed.
        "shift at broadening": every(
            lambda n: shrunk(n, "broadening", "operator", fits[n]["broadening"].n_signal)
        ),
        "shift by validation": every(lambda n: shrunk(n, "broadening", "operator", chosen[n])),
    }


def _put(net: AnyNetwork, name: str, factors: Factors, values: NDArray[np.float64]) -> None:
    """Give one layer other singular values, in place."""
    weight = net.get_parameter(f"{name}.weight")
    with torch.no_grad():
        weight.copy_(torch.as_tensor((factors.u * values) @ factors.vt))


_NUMBERS = (
    "rank",
    "epoch",
    "validation",
    "test",
    "train",
    "sigma",
    "threshold",
    "n_signal",
    "ks",
    "ave_w",
    "energy",
)


def _row(layers: str, how: str, **numbers: float) -> dict[str, Any]:
    return {"layers": layers, "filter": how} | {key: numbers.get(key, np.nan) for key in _NUMBERS}


def _measured(
    layers: str, how: str, rank: int, net: AnyNetwork, data: Dataset, held_out: Images
) -> dict[str, Any]:
    tested = {"validation": accuracy(net, held_out), "test": accuracy(net, data.test)}
    return _row(layers, how, rank=rank, **tested)
