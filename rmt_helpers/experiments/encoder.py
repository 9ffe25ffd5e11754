"""A sentence encoder that nobody here trained: its spectra, and what truncation does to sentences."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .._checks import FloatArray
from ..nets.encoder import embed, load_encoder, matrices, replaced, similarity
from ..nets.layers import Factors, factorize
from ..spectrum import Spectrum
from ..statistics import power_law_fit, spacing_ratio
from .measures import both_fits, columns
from .runner import Configuration
from .store import Result
from .texts import TEXTS

GROUPS: dict[str, tuple[str, ...]] = {
    "query and key": ("query", "key"),
    "value and output": ("value", "attention"),
    "feed-forward in": ("ffn_in",),
    "feed-forward out": ("ffn_out",),
    "all": ("query", "key", "value", "attention", "ffn_in", "ffn_out"),
}


def _keep(factors: Factors, values: FloatArray) -> FloatArray:
    return (factors.u * values) @ factors.vt


def _random_bulk(factors: Factors, s: int, rng: np.random.Generator) -> FloatArray:
    """Keep the first s directions; give the others' values to random directions orthogonal to them."""

    def frame(kept: FloatArray, count: int) -> FloatArray:
        draw = rng.standard_normal((kept.shape[0], count))
        draw -= kept @ (kept.T @ draw)
        q, r = np.linalg.qr(draw)
        return np.asarray(q * np.sign(np.diagonal(r)))

    count = factors.values.size - s
    left, right = frame(factors.u[:, :s], count), frame(factors.vt[:s].T, count)
    return factors.matrix(s) + (left * factors.values[s:]) @ right.T


Change = Callable[[Factors, int, np.random.Generator], FloatArray]

CHANGES: dict[str, Change] = {
    "signal only": lambda f, s, rng: f.matrix(s),
    "bulk replaced": _random_bulk,
    "signal removed": lambda f, s, rng: _keep(
        f, np.where(np.arange(f.values.size) < s, 0.0, f.values)
    ),
    "quarter of the ranks": lambda f, s, rng: f.matrix(f.values.size // 4),
    "half of the ranks": lambda f, s, rng: f.matrix(f.values.size // 2),
}


def examine(configuration: Configuration) -> Result:
    """Either the spectra of all matrices, or what one change to a group of them does to sentences."""
    if configuration["part"] == "spectra":
        return _spectra(configuration)
    return _function(configuration)


def _spectra(configuration: Configuration) -> Result:
    rng = np.random.default_rng(configuration["seed"])
    rows: list[dict[str, Any]] = []
    arrays: dict[str, NDArray[Any]] = {}
    for name, W in matrices(load_encoder()).items():
        # The embedding is so long that its Gram matrix is as exact and far quicker.
        method: Literal["gram", "svd"] = "gram" if max(W.shape) > 10_000 else "svd"
        spectrum = Spectrum.of(W, method=method)
        # The same entries in random places: what is left of the shape comes from the entries alone.
        shuffled = Spectrum.of(rng.permutation(W.ravel()).reshape(W.shape), method=method)
        arrays[name] = spectrum.values.astype(np.float32)
        for order, seen in (("as trained", spectrum), ("shuffled", shuffled)):
            for estimator, fit in both_fits(seen).items():
                rows.append(
                    {
                        "matrix": name,
                        "rows": W.shape[0],
                        "columns": W.shape[1],
                        "order": order,
                        "method": estimator,
                        **columns(fit),
                        "std": float(W.std()),
                        "tail_exponent": power_law_fit(seen.eigenvalues).exponent,
                        "spacing_ratio": spacing_ratio(seen.values),
                    }
                )
    return Result(rows, arrays)


@cache
def _factors(name: str) -> Factors:
    """One decomposition of a matrix, for all the changes that a process tries."""
    return factorize(matrices(load_encoder())[name])


def _function(configuration: Configuration) -> Result:
    encoder = load_encoder()
    rng = np.random.default_rng(configuration["seed"])
    reference = embed(encoder, TEXTS)
    kinds = GROUPS[configuration["group"]]
    changed, kept = {}, []
    for name in matrices(encoder):
        if name.partition(".")[2] in kinds:
            factors = _factors(name)
            s = both_fits(factors.spectrum)["bema"].n_signal
            kept.append(s / factors.values.size)
            changed[name] = CHANGES[configuration["change"]](factors, s, rng).astype(np.float32)
    cosine, neighbours = similarity(reference, embed(replaced(encoder, changed), TEXTS))
    return Result(
        [
            {
                "matrices": len(changed),
                "share_of_ranks": float(np.mean(kept)),
                "cosine": cosine,
                "same_neighbour": neighbours,
            }
        ]
    )
