"""How often the largest eigenvalue of pure noise passes the 90 % point of the Tracy–Widom law."""

from __future__ import annotations

import numpy as np

from ..tracy_widom import TracyWidom
from .runner import Configuration
from .store import Result


def exceed(configuration: Configuration) -> Result:
    """Noise of known level, centred and scaled after Johnstone (2001)."""
    rows, columns = configuration["shape"]
    rng = np.random.default_rng(configuration["seed"])
    p, n = min(rows, columns), max(rows, columns)
    root = np.sqrt(n - 1) + np.sqrt(p)
    scale = root * (1 / np.sqrt(n - 1) + 1 / np.sqrt(p)) ** (1 / 3)
    point = TracyWidom(1).ppf(0.9)
    noise = (rng.standard_normal((p, n)) for _ in range(configuration["draws"]))
    largest = np.array([np.linalg.eigvalsh(R @ R.T)[-1] for R in noise])
    standard = (largest - root**2) / scale
    return Result([{"rate": float(np.mean(standard > point)), "mean": float(standard.mean())}])
