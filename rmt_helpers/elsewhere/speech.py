"""Speech under noise: a vowel, the matrix of its stretches, and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._checks import FloatArray

#: Samples a second.
RATE = 8000


def vowel(rng: np.random.Generator, samples: int = RATE) -> FloatArray:
    """A sung vowel of mean square 1: harmonics of some 120 Hz under three formants.

    The pitch wavers by 3 % and the loudness by half, so no stretch of it is exactly periodic.

    Parameters
    ----------
    rng : numpy.random.Generator
    samples : int
        At `RATE` = 8000 a second.
    """
    t = np.arange(samples) / RATE
    pitch = 120 * (1 + 0.03 * np.sin(2 * np.pi * (1.5 * t + rng.random())))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    sound = np.zeros(samples)
    for h in range(1, 31):
        # Formants: frequency, width, strength.
        level = sum(
            strength / (1 + ((120 * h - centre) / width) ** 2)
            for centre, width, strength in ((700, 90, 1.0), (1200, 110, 0.6), (2500, 160, 0.25))
        )
        sound += level * np.cos(h * phase + 2 * np.pi * rng.random())
    sound *= 1 + 0.5 * np.sin(2 * np.pi * (3 * t + rng.random()))
    return np.asarray(sound / np.sqrt(np.mean(sound**2)), dtype=np.float64)


def hankel(x: ArrayLike, rows: int) -> FloatArray:
    """The matrix with x_{i+j} in row i and column j: every stretch of samples is a column.

    Parameters
    ----------
    x : array_like of shape (T,)
    rows : int
        Length of a stretch, from 1 to T.

    Returns
    -------
    ndarray of shape (rows, T − rows + 1)
    """
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(x, dtype=np.float64), rows)
    return np.ascontiguousarray(windows.T)


def from_hankel(H: ArrayLike) -> FloatArray:
    """The signal whose samples are the means over the antidiagonals: the inverse of `hankel`.

    Parameters
    ----------
    H : array_like of shape (N, M)
        Any matrix; of a Hankel matrix the signal itself comes back.

    Returns
    -------
    ndarray of shape (N + M − 1,)
    """
    matrix = np.asarray(H, dtype=np.float64)
    rows, columns = matrix.shape
    total, count = np.zeros(rows + columns - 1), np.zeros(rows + columns - 1)
    for i in range(rows):
        total[i : i + columns] += matrix[i]
        count[i : i + columns] += 1
    return np.asarray(total / count, dtype=np.float64)


def decibels(clean: ArrayLike, heard: ArrayLike) -> float:
    """Signal-to-noise ratio of what is heard, 10 log₁₀ ‖x‖² / ‖x − y‖².

    Parameters
    ----------
    clean, heard : array_like of shape (T,)
        The signal x and what became of it, y.
    """
    x, y = np.asarray(clean), np.asarray(heard)
    return float(10 * np.log10((x @ x) / ((x - y) @ (x - y))))
