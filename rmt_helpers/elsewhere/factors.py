"""Matrices that are sums of parts, and their factorisation."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._checks import FloatArray


def parts(
    rng: np.random.Generator, shape: tuple[int, int] = (200, 300), rank: int = 5
) -> tuple[FloatArray, FloatArray]:
    """Non-negative factors A and B with half of their entries 0, the others exponential.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : (int, int)
        Of the product AB.
    rank : int

    Returns
    -------
    A, B : ndarray of shape (N, rank) and (rank, M)
    """
    rows, columns = shape
    A = rng.exponential(size=(rows, rank)) * (rng.random((rows, rank)) < 0.5)
    B = rng.exponential(size=(rank, columns)) * (rng.random((rank, columns)) < 0.5)
    return A, B


def factorised(
    X: ArrayLike, rank: int, rng: np.random.Generator, rounds: int = 300
) -> tuple[FloatArray, FloatArray]:
    """Non-negative A and B with AB near X in squared distance, by Lee and Seung's updates.

    Parameters
    ----------
    X : array_like of shape (N, M)
        Negative entries count as 0.
    rank : int
    rng : numpy.random.Generator
        Draws where the updates start.
    rounds : int
        Turns of both factors.

    Returns
    -------
    A, B : ndarray of shape (N, rank) and (rank, M)
    """
    x = np.maximum(np.asarray(X, dtype=np.float64), 0.0)
    A = rng.random((x.shape[0], rank)) + 0.1
    B = rng.random((rank, x.shape[1])) + 0.1
    for _ in range(rounds):
        B *= (A.T @ x) / (A.T @ A @ B + 1e-12)
        A *= (x @ B.T) / (A @ (B @ B.T) + 1e-12)
    return A, B
