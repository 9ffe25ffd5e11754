"""The score where its premises hold and where they fail, on matrices whose truth is known.

A planted signal, noise of many kinds, and for each draw the cosines that the score predicts beside
those that the true vectors have.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._checks import FloatArray
from ..alignment import alignment
from ..nets.layers import factorize
from ..spikes import spiked_matrix, transition
from .measures import both_fits, columns
from .runner import Configuration
from .store import Result

THETAS = (4.0, 3.0, 2.0, 1.5, 1.1)

Noise = Callable[[np.random.Generator, int, int], FloatArray]


def _student(degrees: int) -> Noise:
    return lambda rng, N, M: rng.standard_t(degrees, (N, M)) / np.sqrt(degrees / (degrees - 2))


def _dead_columns(rng: np.random.Generator, N: int, M: int) -> FloatArray:
    noise = rng.standard_normal((N, M))
    noise[:, : M // 5] *= 0.2
    return noise


def _unequal_rows(rng: np.random.Generator, N: int, M: int) -> FloatArray:
    return np.sqrt(rng.gamma(3, 1 / 3, (N, 1))) * rng.standard_normal((N, M))


def _unequal_columns(rng: np.random.Generator, N: int, M: int) -> FloatArray:
    return np.sqrt(rng.gamma(3, 1 / 3, (1, M))) * rng.standard_normal((N, M))


def _correlated(rng: np.random.Generator, N: int, M: int) -> FloatArray:
    noise = rng.standard_normal((N, M))
    for j in range(1, M):  # a stationary autoregression along each row, with correlation ½
        noise[:, j] = 0.5 * noise[:, j - 1] + np.sqrt(0.75) * noise[:, j]
    return noise


NOISES: dict[str, Noise] = {
    "gaussian": lambda rng, N, M: rng.standard_normal((N, M)),
    "uniform": lambda rng, N, M: rng.uniform(-np.sqrt(3), np.sqrt(3), (N, M)),
    "student 5": _student(5),
    "student 3": _student(3),
    "mean 0.1": lambda rng, N, M: 0.1 + rng.standard_normal((N, M)),
    "dead columns": _dead_columns,
    "unequal columns": _unequal_columns,
    "unequal rows": _unequal_rows,
    "correlated": _correlated,
    "signal of full rank": lambda rng, N, M: rng.standard_normal((N, M)),
}


def plant(configuration: Configuration) -> Result:
    """Predicted and true cosines of the values that each estimator keeps, draw by draw."""
    N, M = configuration["shape"]
    p, n = min(N, M), max(N, M)
    rng = np.random.default_rng(configuration["seed"])
    noise = NOISES[configuration["noise"]]
    thetas = np.array(THETAS)
    if configuration["noise"] == "signal of full rank":
        thetas = 4 * np.arange(1, p + 1) ** -0.7
    detectable = int(np.count_nonzero(thetas > transition(p / n)))
    rows = []
    for draw in range(configuration["draws"]):
        R = noise(rng, N, M)
        level = float(R.std())  # strengths are in units of the noise that is there
        _, left, right = spiked_matrix((N, M), thetas, rng=rng)
        signal = level * np.sqrt(n) * (left * thetas) @ right.T
        factors = factorize(signal + R)
        # How much of an observed vector lies in the span of the true detectable ones: two nearly
        # equal strengths may swap their vectors without harm.
        true_left = np.linalg.norm(left[:, :detectable].T @ factors.u, axis=0)
        true_right = np.linalg.norm(right[:, :detectable].T @ factors.vt.T, axis=0)
        truth = (true_left + true_right) / 2
        for method, fit in both_fits(factors.spectrum).items():
            phi, s = alignment(fit).mean, fit.n_signal
            nu = factors.values
            rows.append(
                {
                    "draw": draw,
                    "method": method,
                    **columns(fit),
                    "sigma_true": level,
                    "detectable": detectable,
                    "true_ave_w": float(nu[:s] @ truth[:s] / nu[:s].sum()) if s else np.nan,
                    "phi_last": float(phi[s - 1]) if s else np.nan,
                    "true_last": float(truth[s - 1]) if s else np.nan,
                    "predicted_top": float(
                        nu[:detectable] @ phi[:detectable] / nu[:detectable].sum()
                    ),
                    "true_top": float(nu[:detectable] @ truth[:detectable] / nu[:detectable].sum()),
                }
            )
    return Result(rows)
