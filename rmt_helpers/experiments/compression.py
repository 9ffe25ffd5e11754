"""A network compressed in several ways to the same number of weights, with and without more training.

The yardstick is the number of weights that a threshold's ranks leave; every rival gets as many.
"""

from __future__ import annotations

import copy
import dataclasses
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..alignment import average_alignment
from ..nets.compress import compress, multiply_adds, rank_by_energy
from ..nets.data import Dataset, Images
from ..nets.layers import Factors, accuracy_by_rank, factorize, weight_matrices
from ..nets.lowrank import AnyNetwork, Splittable, replace, split
from ..nets.magnitude import prune
from ..nets.responses import layer_inputs, split_by_responses
from ..nets.training import TrainConfig, accuracy, scores, train
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

# Test images that a network is timed on, and how often.
TIMED, _REPEATS = 256, 20

Ranks = dict[str, int]


def inspect(configuration: Configuration) -> Result:
    """Train one network and compress it in every way."""
    data, _ = dataset(configuration)
    net, config = model(configuration, data), training(configuration)
    history = train(net, data, config, progress=False)
    held_out = data.train[history.held_out]
    further = dataclasses.replace(config, lr=config.lr / 2.5, epochs=2)
    example, timed = data.test.x[:1], data.test[:TIMED]
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

    def same_rank(share: float) -> Ranks:
        """One rank for all layers, or all of a layer that has fewer values; a share of the largest."""
        rank = max(1, round(share * max(factors[n].values.size for n in layers)))
        return {n: min(rank, factors[n].values.size) for n in layers}

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

    def note(how: str, budget: str, small: AnyNetwork, left: int | None, tuned: bool) -> None:
        """A row about a network; `left` weights of the chosen layers are not zero, if it is sparse."""
        numbers = sum(values.numel() for values in small.parameters())
        work = sum(multiply_adds(small, example).values())
        if left is not None:
            numbers += left - sum(weights[n] for n in layers)
            cut = weight_matrices(small)
            used = {n: int(np.count_nonzero(W)) / W.size for n, W in cut.items()}
            work = sum(round(used[n] * m) for n, m in multiply_adds(small, example).items())
        row = {"method": how, "budget": budget, "tuned": tuned, "parameters": numbers}
        row |= {"multiply_adds": work, "validation": accuracy(small, held_out)}
        row |= {"test": accuracy(small, data.test), "time": _time_over(net, small, timed)}
        rows.append(row)

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
    put("validation", "threshold", _within(validated, count, target), tune=True)
    put("auto", "auto", {n: max(1, noise_fit(matrices[n]).n_signal) for n in layers}, tune=False)
    put("validation", "half a point", validated(1 - 0.005), tune=False)
    for least in SCORES:
        put("score", f"score {least}", scored(least), tune=False)
    budgets = {"threshold": target}
    budgets |= {f"{share:g}": round(share * sum(weights[n] for n in layers)) for share in SHARES}
    for budget, allowed in budgets.items():
        tune = budget in ("threshold", f"{TUNED:g}")
        put("rank", budget, _within(same_rank, count, allowed), tune=tune)
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


def _time_over(whole: AnyNetwork, net: AnyNetwork, images: Images) -> float:
    """Time that a network takes for some images over that of another: the quickest of runs in turn."""
    seconds = np.empty((_REPEATS, 2))
    for turn in seconds:
        for place, timed in enumerate((net, whole)):
            start = time.perf_counter()
            scores(timed, images)
            turn[place] = time.perf_counter() - start
    quickest = seconds.min(axis=0)
    return float(quickest[0] / quickest[1])


def _highest(fit: NoiseFit, least: float) -> int:
    found = [average_alignment(fit, k) for k in range(1, fit.spectrum.p + 1)]
    return max(1, int(np.count_nonzero(np.array(found) >= least)))


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
