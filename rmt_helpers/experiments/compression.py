"""A network compressed in several ways to the same number of weights, with and without more training.

The yardstick is the number of weights that a threshold's ranks leave; every rival gets as many.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..alignment import average_alignment
from ..nets.compress import compress, multiply_adds, rank_by_energy
from ..nets.data import Dataset
from ..nets.layers import Factors, accuracy_by_rank, factorize, weight_matrices
from ..nets.lowrank import AnyNetwork, Splittable, replace, split
from ..nets.magnitude import prune
from ..nets.responses import layer_inputs, split_by_responses
from ..nets.training import TrainConfig, accuracy, train
from ..thresholds import NoiseFit, bema, noise_fit
from .networks import dataset, model, training
from .runner import Configuration
from .store import Result

# Shares of the weights of the chosen layers that are kept, where no threshold says how many.
SHARES = (0.02, 0.05, 0.1, 0.2, 0.5)

# The share at which rivals are also trained on.
TUNED = 0.1

# What a layer must score for its directions to be kept, where the score chooses.
SCORES = (0.9, 0.8)

# Training images whose responses are looked at.
RESPONSES = 2000

Ranks = dict[str, int]


def inspect(configuration: Configuration) -> Result:
    """Train one network and compress it in every way."""
    data, _ = dataset(configuration)
    net, config = model(configuration, data), training(configuration)
    history = train(net, data, config, progress=False)
    held_out = data.train[history.held_out]
    further = dataclasses.replace(config, lr=config.lr / 2.5, epochs=2)
    example = data.test.x[:1]
    matrices = weight_matrices(net)
    # The layers that `compress` takes by itself: all with sixteen singular values or more.
    layers = [name for name, W in matrices.items() if min(W.shape) >= 16]
    factors = {name: factorize(matrices[name]) for name in layers}
    fits = {name: bema(factors[name].spectrum) for name in layers}
    curves = {
        name: (
            ranks := _ranks_of(factors[name]),
            accuracy_by_rank(net, name, held_out, factors=factors[name], ranks=ranks),
        )
        for name in layers
    }
    whole = accuracy(net, held_out)
    weights = {name: W.size for name, W in matrices.items()}

    def count(ranks: Ranks) -> int:
        """Weights of the chosen layers once they are split, where that saves."""
        return sum(
            min(rank * sum(factors[n].spectrum.shape), weights[n]) for n, rank in ranks.items()
        )

    def same_share(share: float) -> Ranks:
        return {n: max(1, round(share * factors[n].values.size)) for n in layers}

    def same_energy(share: float) -> Ranks:
        return {n: rank_by_energy(factors[n].values, share) for n in layers}

    def validated(share: float) -> Ranks:
        """Lowest ranks that keep a share of the validation accuracy, each layer cut alone."""
        chosen = {}
        for n, (ranks, found) in curves.items():
            chosen[n] = max(1, int(ranks[np.argmax(found >= share * whole)]))
        return chosen

    def scored(least: float) -> Ranks:
        """Highest ranks whose Ave_w is no less."""
        return {n: _highest(fits[n], least) for n in layers}

    rows: list[dict[str, Any]] = []

    def note(how: str, budget: str, net: AnyNetwork, left: int | None, tuned: bool) -> None:
        """A row about a network; `left` weights of the chosen layers are not zero, if it is sparse."""
        numbers = sum(values.numel() for values in net.parameters())
        work = sum(multiply_adds(net, example).values())
        if left is not None:
            numbers += left - sum(weights[n] for n in layers)
            used = {n: int(np.count_nonzero(W)) / W.size for n, W in weight_matrices(net).items()}
            work = sum(round(used[n] * m) for n, m in multiply_adds(net, example).items())
        row = {"method": how, "budget": budget, "tuned": tuned, "parameters": numbers}
        row |= {"multiply_adds": work, "validation": accuracy(net, held_out)}
        rows.append(row | {"test": accuracy(net, data.test)})

    def put(how: str, budget: str, ranks: Ranks, tune: bool, shrink: Any = None) -> None:
        small, _ = compress(net, {**ranks}, shrink=shrink)
        note(how, budget, small, None, False)
        if tune:
            _train_on(small, data, further)
            note(how, budget, small, None, True)

    def put_pruned(budget: str, left: int, tune: bool) -> None:
        sparse = prune(net, left, layers, hold=True)
        note("magnitude", budget, sparse, left, False)
        if tune:
            _train_on(sparse, data, further)
            note("magnitude", budget, sparse, left, True)

    note("whole", "all", net, None, False)
    longer = copy.deepcopy(net)
    _train_on(longer, data, further)
    note("whole", "all", longer, None, True)

    counted = {n: max(1, fits[n].n_signal) for n in layers}
    target = count(counted)
    put("threshold", "threshold", counted, tune=True)
    put("threshold, shrunk", "threshold", counted, tune=True, shrink="frobenius")
    put("validation", "threshold", _within(validated, count, target), tune=False)
    put("auto", "auto", {n: max(1, noise_fit(matrices[n]).n_signal) for n in layers}, tune=False)
    put("validation", "half a point", validated(1 - 0.005), tune=False)
    for least in SCORES:
        put("score", f"score {least}", scored(least), tune=False)
    budgets = {"threshold": target}
    budgets |= {f"{share:g}": round(share * sum(weights[n] for n in layers)) for share in SHARES}
    for budget, allowed in budgets.items():
        tune = budget in ("threshold", f"{TUNED:g}")
        put("share", budget, _within(same_share, count, allowed), tune=tune)
        put("energy", budget, _within(same_energy, count, allowed), tune=tune)
        put_pruned(budget, allowed, tune=tune)
    arrays: dict[str, NDArray[Any]] = {}
    for n in layers:
        ranks, found = curves[n]
        arrays |= {f"{n}/ranks": ranks, f"{n}/validation": found.astype(np.float32)}
        arrays |= {f"{n}/values": factors[n].values.astype(np.float32)}
        arrays[f"{n}/counted"] = np.array([counted[n]])
    for n in layers[:2]:
        arrays |= _by_responses(net, n, factors[n], data)
    return Result(rows, arrays)


def _ranks_of(factors: Factors) -> NDArray[np.int64]:
    p = factors.values.size
    return np.unique([*range(min(33, p + 1)), *np.geomspace(1, p, 30).astype(int), p])


def _within(ranks_at: Callable[[float], Ranks], count: Callable[[Ranks], int], most: int) -> Ranks:
    """The most that one number between 0 and 1 can ask for, with no more weights than allowed."""
    ranks = ranks_at(1e-6)
    low, high = 0.0, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        found = ranks_at(middle)
        if count(found) <= most:
            low, ranks = middle, found
        else:
            high = middle
    return ranks


def _highest(fit: NoiseFit, least: float) -> int:
    scores = [average_alignment(fit, k) for k in range(1, fit.spectrum.p + 1)]
    return max(1, int(np.count_nonzero(np.array(scores) >= least)))


def _train_on(net: AnyNetwork, data: Dataset, config: TrainConfig) -> None:
    train(net, data, config, progress=False)


def _by_responses(
    net: AnyNetwork, name: str, factors: Factors, data: Dataset
) -> dict[str, NDArray[Any]]:
    """Test accuracy with one layer split by its weights, and by its responses, at a few ranks."""
    layer = net.get_submodule(name)
    assert isinstance(layer, Splittable)
    x = layer_inputs(net, name, data.train[:RESPONSES])
    ranks = [r for r in (1, 2, 3, 4, 6, 8, 12) if r <= factors.values.size]

    def tested(pair: AnyNetwork) -> float:
        return accuracy(replace(net, name, pair), data.test)

    weights = [tested(split(layer, r, factors=factors)) for r in ranks]
    responses = [tested(split_by_responses(layer, r, x)) for r in ranks]
    return {
        f"{name}/few_ranks": np.array(ranks),
        f"{name}/by_weights": np.array(weights, np.float32),
        f"{name}/by_responses": np.array(responses, np.float32),
    }
