"""Which threshold should one use? All estimators on the same matrices, whose rank is known.

A planted signal, from none to many spikes, in noise that is as the methods suppose and in noise that is
not. Each cell counts false alarms, misses and exact ranks, and what the recovered signal has lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks import FloatArray
from ..spectrum import Spectrum
from ..spikes import spiked_matrix, transition
from ..thresholds import (
    CheckedFit,
    NoiseFit,
    Shrinkage,
    bema,
    bema_general,
    gaussian_broadening,
    gavish_donoho,
    kritchman_nadler,
    noise_fit,
    optimal_shrinkage,
    parallel_analysis,
    screenot,
)
from .failures import NOISES, Noise
from .runner import Configuration
from .store import Result

#: Those that need singular values only, in the order of the table.
ON_SPECTRA: dict[str, Callable[[Spectrum], NoiseFit]] = {
    "bema": bema,
    "gaussian_broadening": lambda s: gaussian_broadening(s, window=max(1, min(15, s.p // 5))),
    "kritchman_nadler": kritchman_nadler,
    "kritchman_nadler, authors": lambda s: kritchman_nadler(s, noise_under="alternative"),
    "bema_general": bema_general,
    "gavish_donoho": gavish_donoho,
    "screenot": lambda s: screenot(s, max_rank=(s.p - 2) // 3),
    "optimal_shrinkage": optimal_shrinkage,
}

#: Those that look at the entries.
ON_MATRICES: dict[str, Callable[[FloatArray], NoiseFit]] = {
    "parallel_analysis, columns": parallel_analysis,
    "parallel_analysis, signs": lambda W: parallel_analysis(W, null="signs", deflate=True),
    "auto": noise_fit,
}

KINDS: dict[str, Noise] = {
    **NOISES,
    "mean 0.3": lambda rng, N, M: 0.3 + rng.standard_normal((N, M)),
}

# The longest short side that the costliest estimator sees.
_GENERAL_SIDE = 64


def strengths(signal: str, shape: tuple[int, int]) -> FloatArray:
    """The θ of a planted signal, in multiples of the transition where nothing else is said."""
    p, n = min(shape), max(shape)
    multiples = {
        "none": [],
        "below": [0.8],
        "near": [1.5, 1.35, 1.2],
        "strong": [5.0, 4.0, 3.0, 2.5],
        "many": list(np.linspace(5, 1.8, p // 5)),
    }[signal]
    return np.asarray(np.array(multiples) * transition(p / n), dtype=np.float64)


def compare(configuration: Configuration) -> Result:
    """Run all estimators on the matrices of one cell."""
    N, M = configuration["shape"]
    n = max(N, M)
    thetas = strengths(configuration["signal"], (N, M))
    detectable = int(np.count_nonzero(thetas > transition(min(N, M) / n)))
    noise = KINDS[configuration["noise"]]
    rng = np.random.default_rng(configuration["seed"])
    seen: dict[str, list[dict[str, Any]]] = {}
    for _ in range(configuration["draws"]):
        R = noise(rng, N, M)
        level = float(R.std())  # strengths are in units of the noise that is there
        _, left, right = spiked_matrix((N, M), thetas, rng=rng)
        W = R + level * np.sqrt(n) * (left * thetas) @ right.T
        svd_time, values = _timed(lambda W: np.linalg.svd(W, compute_uv=False), W)
        spectrum = Spectrum(values, (N, M))
        u, _, vt = np.linalg.svd(W, full_matrices=False)
        # u_iᵀ S v_i: all that the error of a recovered signal needs besides its values.
        overlap = ((u.T @ left) * thetas * (vt @ right)).sum(axis=1)
        for name, fit, seconds in _fits(W, spectrum, svd_time):
            kept = values / (level * np.sqrt(n)) * (np.arange(values.size) < fit.n_signal)
            if isinstance(fit, Shrinkage):
                kept = fit.shrunk / (level * np.sqrt(n))
            seen.setdefault(name, []).append(
                {
                    "n_signal": fit.n_signal,
                    "sigma": fit.sigma / level,
                    "loss": float(thetas @ thetas + kept @ kept - 2 * kept @ overlap),
                    "trust": fit.trust if isinstance(fit, CheckedFit) else "",
                    "time": seconds / svd_time,
                }
            )
    rows = [
        {
            "method": name,
            "spikes": thetas.size,
            "detectable": detectable,
            "planted": float(thetas @ thetas),
            **_summary(fits, detectable),
        }
        for name, fits in seen.items()
    ]
    return Result(rows, _arrays(seen))


def _timed(function: Callable[[Any], Any], argument: Any) -> tuple[float, Any]:
    start = time.thread_time()
    result = function(argument)
    return time.thread_time() - start, result


def _fits(W: FloatArray, spectrum: Spectrum, svd_time: float) -> list[tuple[str, NoiseFit, float]]:
    """Every estimator's fit of one matrix, and its time from the matrix on."""
    found = []
    for name, on_spectrum in ON_SPECTRA.items():
        if name == "bema_general" and spectrum.p > _GENERAL_SIDE:
            continue
        seconds, fit = _timed(on_spectrum, spectrum)
        found.append((name, fit, seconds + svd_time))
    for name, on_matrix in ON_MATRICES.items():
        seconds, fit = _timed(on_matrix, W)
        found.append((name, fit, seconds))
    return found


def _summary(fits: list[dict[str, Any]], detectable: int) -> dict[str, Any]:
    """The numbers of one method in one cell."""
    s = np.array([fit["n_signal"] for fit in fits])
    sigma = np.array([fit["sigma"] for fit in fits])
    loss = np.array([fit["loss"] for fit in fits])
    trust = np.array([fit["trust"] for fit in fits])
    exact = s == detectable
    return {
        "draws": len(fits),
        "too_many": float((s > detectable).mean()),
        "found": float(np.minimum(s, detectable).mean() / detectable) if detectable else np.nan,
        "exact": float(exact.mean()),
        "within_one": float((np.abs(s - detectable) <= 1).mean()),
        "n_signal_mean": float(s.mean()),
        "sigma_bias": float(sigma.mean() - 1),
        "sigma_error": float(np.sqrt(((sigma - 1) ** 2).mean())),
        "loss": float(loss.mean()),
        "loss_se": float(loss.std(ddof=1) / np.sqrt(loss.size)),
        "time_over_svd": float(np.median([fit["time"] for fit in fits])),
        **{f"trust_{word}": float((trust == word).mean()) for word in ("high", "fair", "low")},
        # How often the count is right, or one off, among those that are trusted.
        "within_one_if_trusted": _share(np.abs(s - detectable) <= 1, trust == "high"),
        "exact_if_trusted": _share(exact, trust == "high"),
    }


def _share(hit: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
    return float(hit[among].mean()) if among.any() else np.nan


def _arrays(seen: dict[str, list[dict[str, Any]]]) -> dict[str, NDArray[Any]]:
    return {
        f"{name}/n_signal": np.array([fit["n_signal"] for fit in fits], dtype=np.int16)
        for name, fits in seen.items()
    }
