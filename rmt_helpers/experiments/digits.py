"""Parts of handwritten digits: how many a threshold counts, and what that number buys."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from .._checks import FloatArray
from ..elsewhere import biwhitened, factorised, seen_twice
from ..thresholds import bema
from .networks import _loaded
from .runner import Configuration
from .store import Result

#: Turns in which images are taken apart into parts that stay as they are.
ROUNDS = 300

#: Pixels that are lit in more than this share of the images are biwhitened.
LIT = 0.01


def unit(B: FloatArray) -> FloatArray:
    """Parts (rows) of length 1; one that died stays zero."""
    return np.asarray(B / np.maximum(np.linalg.norm(B, axis=1, keepdims=True), 1e-12))


def matched(B: FloatArray, C: FloatArray) -> float:
    """Mean cosine of two lists of parts when each is paired with one of the other, at best."""
    cosines = unit(B) @ unit(C).T
    return float(cosines[linear_sum_assignment(-cosines)].mean())


def coherence(B: FloatArray) -> float:
    """Mean over the parts of the largest cosine with another part."""
    cosines = unit(B) @ unit(B).T
    np.fill_diagonal(cosines, 0.0)
    return float(cosines.max(axis=1).mean())


def sparsity(B: FloatArray) -> float:
    """Mean over the parts of Hoyer's measure: 0 if all entries are equal, 1 if one is not zero."""
    root = np.sqrt(B.shape[1])
    lengths = np.maximum(np.linalg.norm(B, axis=1), 1e-12)
    return float(((root - B.sum(axis=1) / lengths) / (root - 1)).mean())


def missed(X: FloatArray, B: FloatArray) -> float:
    """‖X − AB‖/‖X‖ at the best non-negative A that Lee and Seung's updates find."""
    A = np.full((X.shape[0], B.shape[0]), float(X.mean()))
    XBt, BBt = X @ B.T, B @ B.T
    for _ in range(ROUNDS):
        A *= XBt / (A @ BBt + 1e-12)
    return float(np.linalg.norm(X - A @ B) / np.linalg.norm(X))


def counted(X: FloatArray) -> dict[str, float]:
    """The number of parts by BEMA, of the images as they are and biwhitened."""
    plain = bema(X)
    # Grey levels from 0 to 255 as if they were counts; BEMA does not see the unit. With pixels that are
    # lit in fewer images there are no factors.
    lit = np.mean(X > 0, axis=0) > LIT
    scaled = bema(biwhitened(seen_twice(255 * X[:, lit]))[0])
    return {
        "plain": plain.n_signal,
        "biwhitened": scaled.n_signal,
        "ks, plain": plain.ks,
        "ks, biwhitened": scaled.ks,
        "sigma, biwhitened": scaled.sigma,
    }


def compare(configuration: Configuration) -> Result:
    """Factorise two halves of some images with several numbers of parts."""
    number, seed = configuration["images"], configuration["seed"]
    rng = np.random.default_rng([seed, 7])
    images = _loaded("mnist").train.x.numpy().reshape(60_000, -1).astype(np.float64)
    drawn = images[rng.permutation(len(images))[: 2 * number + configuration["held_out"]]]
    halves, others = (drawn[:number], drawn[number : 2 * number]), drawn[2 * number :]
    counts = [counted(half) for half in halves]
    chosen = {"five": 5, "forty-nine": 49}
    chosen |= {name: int(counts[0][name]) for name in ("plain", "biwhitened")}
    chosen["twice biwhitened"] = 2 * chosen["biwhitened"]
    about: dict[str, Any] = {
        f"{name}, {half} half": count[name]
        for half, count in zip(("first", "second"), counts, strict=True)
        for name in count
    }
    rows: list[dict[str, Any]] = []
    arrays: dict[str, NDArray[Any]] = {}
    for name, rank in chosen.items():
        # Each half from a start of its own, and the first from another one.
        found = [
            factorised(X, rank, np.random.default_rng([seed, start]))[1]
            for X, start in ((halves[0], 8), (halves[1], 9), (halves[0], 10))
        ]
        rows.append(
            {
                "chosen": name,
                "parts": rank,
                "missed": float(np.mean([missed(others, B) for B in found[:2]])),
                "sparsity": sparsity(found[0]),
                "coherence": coherence(found[0]),
                "halves": matched(found[0], found[1]),
                "starts": matched(found[0], found[2]),
                # As alike as are single images of the two halves.
                "images": matched(halves[0][:rank], halves[1][:rank]),
                **about,
            }
        )
        if seed == 0:
            B = found[0] / np.maximum(found[0].max(axis=1, keepdims=True), 1e-12)
            arrays[name] = np.round(255 * B).astype(np.uint8)
    return Result(rows, arrays)
