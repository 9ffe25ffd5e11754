"""What other packages say of matrices whose rank is known, called as their users call them.

Beside them, on the same matrices, what this package says. Running it needs optht, screenot, TracyWidom
and weightwatcher; reading what it left needs none of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np

from .._checks import FloatArray
from ..nets.stack import linear_layers
from ..spikes import spiked_matrix, transition
from ..thresholds import bema, gavish_donoho, noise_fit, screenot
from .estimators import KINDS, strengths
from .runner import Configuration
from .store import Result

# What a peer found in one matrix: a rank, or NaN where it raised; and σ̂, or NaN where it has none.
Found = tuple[float, float]


def _optht(W: FloatArray, sigma: float | None = None) -> Found:
    import logging

    from optht import optht

    logging.getLogger("optht").setLevel(logging.WARNING)  # it tells its threshold on every call

    values = np.linalg.svd(W, compute_uv=False)
    try:
        return float(optht(min(W.shape) / max(W.shape), sv=values, sigma=sigma)), np.nan
    except ValueError:  # nothing exceeds its threshold
        return np.nan, np.nan


def _screenot(W: FloatArray) -> Found:
    from screenot.ScreeNOT import adaptiveHardThresholding

    return float(adaptiveHardThresholding(W, (min(W.shape) - 2) // 3)[2]), np.nan


def _laws(W: FloatArray) -> Found:
    """The recipe that a package of laws invites: σ̂ from all entries, edge, quantile of Tracy–Widom."""
    from TracyWidom import TracyWidom

    a, b = np.sqrt(max(W.shape)), np.sqrt(min(W.shape))
    sigma = float(W.std())
    height = (a + b) ** 2 + TracyWidom(beta=1).cdfinv(0.9) * (a + b) * (1 / a + 1 / b) ** (1 / 3)
    values = np.linalg.svd(W, compute_uv=False)
    return float(np.count_nonzero(values > sigma * np.sqrt(height))), sigma


def _ours(estimate: Callable[[FloatArray], Any]) -> Callable[[FloatArray], Found]:
    def found(W: FloatArray) -> Found:
        fit = estimate(W)
        return float(fit.n_signal), fit.sigma

    return found


#: By the name in the table: the package that must be there, and the call.
ONE_BY_ONE: dict[str, tuple[str, Callable[[FloatArray], Found]]] = {
    "optht": ("optht", _optht),
    "optht, sigma known": ("optht", lambda W: _optht(W, sigma=1.0)),
    "screenot": ("screenot", _screenot),
    "TracyWidom, by hand": ("TracyWidom", _laws),
    "ours: gavish_donoho": ("rmt-helpers", _ours(gavish_donoho)),
    "ours: gavish_donoho, sigma known": (
        "rmt-helpers",
        _ours(lambda W: gavish_donoho(W, sigma=1.0)),
    ),
    "ours: screenot": (
        "rmt-helpers",
        _ours(lambda W: screenot(W, max_rank=(min(W.shape) - 2) // 3)),
    ),
    "ours: bema": ("rmt-helpers", _ours(bema)),
    "ours: auto": ("rmt-helpers", _ours(noise_fit)),
}


def ask(configuration: Configuration) -> Result:
    """Put the matrices of one cell before every peer."""
    N, M = configuration["shape"]
    thetas = strengths(configuration["signal"], (N, M))
    detectable = int(np.count_nonzero(thetas > transition(min(N, M) / max(N, M))))
    rng = np.random.default_rng(configuration["seed"])
    matrices = []
    for _ in range(configuration["draws"]):
        noise = KINDS[configuration["noise"]](rng, N, M)
        _, left, right = spiked_matrix((N, M), thetas, rng=rng)
        matrices.append(noise + np.sqrt(max(N, M)) * (left * thetas) @ right.T)
    start = time.thread_time()
    for W in matrices:
        np.linalg.svd(W, compute_uv=False)
    bare = time.thread_time() - start
    rows = []
    for name, (package, call) in ONE_BY_ONE.items():
        start = time.thread_time()
        found = [call(W) for W in matrices]
        rows.append(_row(name, package, found, detectable, (time.thread_time() - start) / bare))
    start = time.thread_time()
    found = _weightwatcher(matrices)
    rows.append(
        _row(
            "weightwatcher", "weightwatcher", found, detectable, (time.thread_time() - start) / bare
        )
    )
    return Result(rows)


def _weightwatcher(matrices: list[FloatArray]) -> list[Found]:
    """Its Marchenko–Pastur fits of all matrices, as layers of one network."""
    import contextlib
    import io

    import weightwatcher

    watcher = weightwatcher.WeightWatcher(model=linear_layers(matrices), log_level="ERROR")
    with contextlib.redirect_stdout(io.StringIO()):
        table = watcher.analyze(mp_fit=True, plot=False)
    # Its σ is not that of the entries but of the spectrum as it scales it.
    return [(float(row.num_spikes), np.nan) for row in table.itertuples()]


def _row(
    name: str, package: str, found: list[Found], detectable: int, times: float
) -> dict[str, Any]:
    s = np.array([rank for rank, _ in found])
    sigma = np.array([level for _, level in found])
    right = s[~np.isnan(s)]
    return {
        "method": name,
        "package": package,
        "version": version(package),
        "detectable": detectable,
        "raised": float(np.isnan(s).mean()),
        "too_many": float((s > detectable).mean()),
        "exact": float((s == detectable).mean()),
        "n_signal_mean": float(right.mean()) if right.size else np.nan,
        "sigma_mean": float(sigma.mean()),
        "time_over_svd": times,
    }
