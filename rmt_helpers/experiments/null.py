"""How far the fitted law is from pure noise of its own kind: the null distribution of the distance.

Singular values repel each other, so their empirical law keeps closer to the true one than that of
independent draws would. The distance therefore needs a null of its own, and it is simulated here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..spectrum import Spectrum
from .measures import both_fits
from .runner import Configuration
from .store import Result


def simulate(configuration: Configuration) -> Result:
    """Fit both estimators to matrices of pure Gaussian noise of one shape."""
    rows, columns = configuration["shape"]
    rng = np.random.default_rng(configuration["seed"])
    found: dict[str, list[tuple[float, float, int]]] = {}
    for _ in range(configuration["draws"]):
        spectrum = Spectrum.of(rng.standard_normal((rows, columns)), method="gram")
        for method, fit in both_fits(spectrum).items():
            found.setdefault(method, []).append((fit.ks, fit.sigma, fit.n_signal))
    table: list[dict[str, Any]] = []
    for method, fits in found.items():
        ks, sigma, n_signal = (np.array(column) for column in zip(*fits, strict=True))
        table.append(
            {
                "method": method,
                "ks_median": float(np.median(ks)),
                "ks_95": float(np.quantile(ks, 0.95)),
                "ks_99": float(np.quantile(ks, 0.99)),
                "sigma_mean": float(sigma.mean()),
                "sigma_std": float(sigma.std(ddof=1)),
                "false_positive_rate": float((n_signal > 0).mean()),
            }
        )
    return Result(table, {f"{m}/ks": np.array([f[0] for f in fits]) for m, fits in found.items()})
