"""A linear teacher and student: how much weight decay serves best (Krogh and Hertz 1991)."""

from __future__ import annotations

import numpy as np

from .._checks import FloatArray
from .runner import Configuration
from .store import Result

# Weight decay in units of the optimum that the theory gives.
GRID = np.logspace(-2, 2, 41)


def _errors(
    rng: np.random.Generator, p: int, n: int, sigma: float, decays: FloatArray
) -> FloatArray:
    """‖ŵ − w‖² of one student for each weight decay; the teacher w has length 1."""
    w = rng.standard_normal(p)
    w /= np.linalg.norm(w)
    X = rng.standard_normal((n, p))
    y = X @ w + sigma * rng.standard_normal(n)
    u, s, vt = np.linalg.svd(X, full_matrices=False)
    # ŵ = (XᵀX + λ)⁻¹ Xᵀy in the coordinates of the right singular vectors.
    student = (s * (u.T @ y))[:, None] / (s[:, None] ** 2 + decays)
    seen = vt @ w
    # Where no example points the student stays at 0, and all of the teacher there is error.
    unseen = w @ w - seen @ seen
    return np.asarray(((student - seen[:, None]) ** 2).sum(axis=0) + unseen)


def ridge(configuration: Configuration) -> Result:
    """The mean error of many students against their weight decay, and where it is smallest."""
    p, n, sigma = (configuration[key] for key in ("inputs", "examples", "sigma"))
    rng = np.random.default_rng(configuration["seed"])
    optimum = sigma**2 * p
    draws = [_errors(rng, p, n, sigma, GRID * optimum) for _ in range(configuration["repetitions"])]
    mean = np.mean(draws, axis=0)
    best = int(np.argmin(mean))
    # The bottom of the parabola through the lowest point and its two neighbours, in log λ.
    a, b, _ = np.polyfit(np.log(GRID[best - 1 : best + 2]), mean[best - 1 : best + 2], 2)
    row = {
        "optimum": optimum,
        "found": float(np.exp(-b / (2 * a)) * optimum),
        "error_at_optimum": float(np.interp(1.0, GRID, mean)),
        "error_with_little": float(mean[0]),
        "error_with_much": float(mean[-1]),
    }
    return Result([row], {"error": mean, "spread": np.std(draws, axis=0, ddof=1)})
