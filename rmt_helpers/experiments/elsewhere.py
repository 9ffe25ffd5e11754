"""The same law in four other fields, on data whose truth is known; everything here is numpy.

Each run leaves rows of two columns, what was measured and its value, since the fields have little in
common but the law.
"""

from __future__ import annotations

import contextlib

import numpy as np

from .._checks import FloatArray
from ..elsewhere import (
    biwhitened,
    cell_counts,
    clipped,
    decibels,
    factorised,
    from_hankel,
    hankel,
    localisation,
    log_normalised,
    minimum_variance,
    parts,
    risk,
    seen_twice,
    shrunk_linearly,
    standardised,
    stock_returns,
    vowel,
)
from ..spectrum import Spectrum
from ..thresholds import bema, optimal_shrinkage
from .runner import Configuration
from .store import Result

# Samples of a stretch of speech, and rows of its Hankel matrix and of disjoint frames.
STRETCH, ROWS, FRAME = 800, 200, 80


def finance(configuration: Configuration) -> dict[str, float]:
    """Spectrum of the correlations, and the risk of the portfolios that four estimates recommend."""
    rng = np.random.default_rng([configuration["seed"], 1])
    returns, truth = stock_returns(rng)
    days, stocks = returns.shape
    Z = standardised(returns)
    C = Z.T @ Z / days
    fit = bema(Z)
    volatility = returns.std(axis=0)
    own = np.sqrt(np.diag(truth))
    population, directions = np.linalg.eigh(truth / np.outer(own, own))
    population, factors = population[::-1], directions[:, :-10:-1]
    # What is left when the nine factors are out; the transition lies at 1 + √c times that.
    transition = float(population[9:].mean()) * (1 + np.sqrt(stocks / days))
    kept = np.linalg.svd(Z, full_matrices=False)[2][: fit.n_signal].T
    measured = {
        "n_signal": float(fit.n_signal),
        "detectable": float(np.sum(population > transition)),
        "strong": float(np.sum(population > 2 * transition)),
        # Directions of which the true factors hold more than half.
        "common": float(np.sum(np.sum((factors.T @ kept) ** 2, axis=0) > 0.5)),
        "ks": fit.ks,
        "share in bulk": 1 - fit.n_signal / stocks,
        "largest over edge": float(fit.spectrum.values[0] ** 2 / fit.edge**2),
        "optimal": risk(minimum_variance(truth), truth),
    }
    estimates = {
        "sample": C,
        "clipped": clipped(C, fit.n_signal),
        "linear": shrunk_linearly(Z),
        "none": np.eye(stocks),
    }
    for name, correlations in estimates.items():
        estimate = correlations * np.outer(volatility, volatility)
        weights = minimum_variance(estimate)
        measured[f"promised, {name}"] = risk(weights, estimate)
        measured[f"realised, {name}"] = risk(weights, truth)
    return measured


def _denoised(H: FloatArray, how: str) -> tuple[FloatArray, int]:
    """A matrix without what BEMA takes for noise, and how many singular values it keeps."""
    u, nu, vt = np.linalg.svd(H, full_matrices=False)
    fit = bema(Spectrum(nu, (H.shape[0], H.shape[1])))
    if how == "truncated":
        kept = np.where(nu > fit.threshold, nu, 0.0)
    else:
        kept = optimal_shrinkage(fit.spectrum, sigma=fit.sigma).shrunk
    return np.asarray((u * kept) @ vt, dtype=np.float64), fit.n_signal


def speech(configuration: Configuration) -> dict[str, float]:
    """A noisy vowel, denoised in Hankel matrices and in one matrix of disjoint frames."""
    rng = np.random.default_rng([configuration["seed"], 2])
    clean = vowel(rng)
    noisy = clean + 10 ** (-configuration["level"] / 20) * rng.standard_normal(clean.size)
    measured = {"before": decibels(clean, noisy)}
    for how in ("truncated", "shrunk"):
        stretches = [
            _denoised(hankel(stretch, ROWS), how) for stretch in noisy.reshape(-1, STRETCH)
        ]
        heard = np.concatenate([from_hankel(H) for H, _ in stretches])
        measured[f"Hankel, {how}"] = decibels(clean, heard)
        frames, kept = _denoised(noisy.reshape(-1, FRAME), how)
        measured[f"frames, {how}"] = decibels(clean, frames.ravel())
        measured["n_signal, Hankel"] = float(np.mean([s for _, s in stretches]))
        measured["n_signal, frames"] = float(kept)
    return measured


def silence(configuration: Configuration) -> dict[str, float]:
    """White noise alone, in the same two matrices: distance from the law and false spikes."""
    rng = np.random.default_rng([configuration["seed"], 3])
    measured = {}
    noise = rng.standard_normal(STRETCH * 10)
    matrices = {"frames": noise.reshape(-1, FRAME), "Hankel": hankel(noise[:STRETCH], ROWS)}
    for name, matrix in matrices.items():
        fit = bema(matrix)
        edge = np.sqrt(fit.spectrum.n) + np.sqrt(fit.spectrum.p)
        measured[f"ks, {name}"] = fit.ks
        measured[f"ks null, {name}"] = fit.ks_null
        measured[f"n_signal, {name}"] = float(fit.n_signal)
        measured[f"largest over edge, {name}"] = float(fit.spectrum.values[0] / edge)
    return measured


def cells(configuration: Configuration) -> dict[str, float]:
    """Spikes of single-cell counts under three nulls, and how localised their vectors are."""
    rng = np.random.default_rng([configuration["seed"], 4])
    counts, _ = cell_counts(
        rng, configuration["types"], configuration["depth"], rare=configuration["rare"]
    )
    usual = log_normalised(counts)
    matrices = {
        "usual": usual,
        "permuted": rng.permuted(usual, axis=0),
        "filtered": biwhitened(seen_twice(counts))[0],
    }
    # Only where factors exist: they need not, with genes that are seen in a single cell.
    with contextlib.suppress(ValueError):
        matrices["biwhitened"] = biwhitened(counts)[0]
    measured = {
        "zeros": float(np.mean(counts == 0)),
        "scalable": float("biwhitened" in matrices),
    }
    for name, matrix in matrices.items():
        u, nu, _ = np.linalg.svd(matrix, full_matrices=False)
        fit = bema(Spectrum(nu, (matrix.shape[0], matrix.shape[1])))
        measured[f"n_signal, {name}"] = float(fit.n_signal)
        measured[f"ks, {name}"] = fit.ks
        measured[f"sigma, {name}"] = fit.sigma
        measured[f"localised, {name}"] = float(
            np.sum(localisation(u[:, : fit.n_signal]) > LOCALISED)
        )
    return measured


# N Σ x⁴ is 3 for a random vector, and 12 for one that only a quarter of the cells share.
LOCALISED = 12.0


def recovered(true: FloatArray, found: FloatArray) -> float:
    """Mean over the true parts (rows) of the largest cosine with a found one."""

    def unit(B: FloatArray) -> FloatArray:
        return np.asarray(B / (np.linalg.norm(B, axis=1, keepdims=True) + 1e-12))

    return float((unit(true) @ unit(found).T).max(axis=1).mean())


def factors(configuration: Configuration) -> dict[str, float]:
    """The number of parts of a non-negative matrix under Gaussian, clipped and Poisson noise."""
    rng = np.random.default_rng([configuration["seed"], 5])
    A, B = parts(rng)
    mean, level = A @ B, configuration["level"]
    if configuration["noise"] == "poisson":
        X = rng.poisson(level * mean).astype(np.float64)
    else:
        X = mean + level * rng.standard_normal(mean.shape)
        if configuration["noise"] == "clipped":
            X = np.maximum(X, 0.0)
    fit = bema(X)
    measured = {"n_signal, plain": float(fit.n_signal), "ks, plain": fit.ks}
    if configuration["noise"] == "poisson":
        scaled = bema(biwhitened(seen_twice(X))[0])
        measured |= {
            "n_signal, biwhitened": float(scaled.n_signal),
            "ks, biwhitened": scaled.ks,
            "sigma, biwhitened": scaled.sigma,
        }
    for name, rank in (("true", 5), ("plain", fit.n_signal)):
        found = factorised(X, rank, np.random.default_rng([configuration["seed"], 6]))[1]
        measured[f"parts found, {name} rank"] = recovered(B, found)
    return measured


_FIELDS = {
    "finance": finance,
    "speech": speech,
    "silence": silence,
    "cells": cells,
    "factors": factors,
}


def measure(configuration: Configuration) -> Result:
    """One data set of one field."""
    measured = _FIELDS[configuration["field"]](configuration)
    return Result([{"measure": name, "value": value} for name, value in measured.items()])
