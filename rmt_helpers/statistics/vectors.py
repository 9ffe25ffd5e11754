"""Is a unit vector random? The Porter–Thomas test of its entries, with the null that belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from .._checks import FloatArray, as_float64, check_finite

# How far from 1 the length of a vector may be: float32 keeps about seven digits.
_UNIT = 1e-4


@dataclass(frozen=True, eq=False)
class PorterThomas:
    """Outcome of the test, an entry a vector.

    Attributes
    ----------
    distance : array of float
        Kolmogorov–Smirnov distance of √n times the entries from the standard normal law.
    p_value : array of float
        Share of uniformly random unit vectors that lie as far away or farther.
    """

    distance: FloatArray
    p_value: FloatArray


def _distances(x: FloatArray) -> FloatArray:
    """Distance of each row, times √n, from the standard normal law."""
    n = x.shape[1]
    F = special.ndtr(np.sort(np.sqrt(n) * x, axis=1))
    steps = np.arange(n + 1) / n
    return np.asarray(np.maximum((steps[1:] - F).max(axis=1), (F - steps[:-1]).max(axis=1)))


@lru_cache(maxsize=16)
def _null(n: int, draws: int, seed: int) -> FloatArray:
    """Sorted distances of random unit vectors of length n: a normal vector over its length."""
    rng = np.random.default_rng([n, seed])
    found = []
    for start in range(0, draws, 500):
        x = rng.standard_normal((min(500, draws - start), n))
        found.append(_distances(x / np.linalg.norm(x, axis=1, keepdims=True)))
    return np.sort(np.concatenate(found))


def porter_thomas(vectors: ArrayLike, *, draws: int = 2000, seed: int = 0) -> PorterThomas:
    """Test whether unit vectors look uniformly random, one by one.

    The entries of a random unit vector of length n are close to N(0, 1/n) (Porter and Thomas 1956).
    Their Kolmogorov–Smirnov distance from it has not the usual null: the length is fixed, so that the
    entries know of each other. The null is therefore simulated, at the same n.

    Parameters
    ----------
    vectors : array_like of shape (n,) or (n, k)
        Unit vectors, as columns.
    draws : int
        Random vectors of the null; p-values are (1 + number as far)/(1 + draws).
    seed : int
        Of the null.

    Raises
    ------
    ValueError
        If a column has not length 1, n is below 8 or `draws` below 1.

    Examples
    --------
    >>> import numpy as np
    >>> flat = np.full(100, 0.1)  # a unit vector, and surely no random one
    >>> porter_thomas(flat).p_value[0] < 0.01
    np.True_
    """
    v = as_float64(vectors, "vectors")
    v = v[:, None] if v.ndim == 1 else v
    if v.ndim != 2 or v.shape[0] < 8:
        raise ValueError(f"vectors must be columns of 8 entries or more, had shape {v.shape}")
    check_finite(v, "vectors")
    if draws < 1:
        raise ValueError(f"draws must be 1 or more, was {draws!r}")
    lengths = np.linalg.norm(v, axis=0)
    if (np.abs(lengths - 1) > _UNIT).any():
        worst = lengths[np.argmax(np.abs(lengths - 1))]
        raise ValueError(
            f"vectors must be columns of length 1 (transpose if yours are rows), one had {worst:.6g}"
        )
    distance = _distances(np.ascontiguousarray((v / lengths).T))
    null = _null(v.shape[0], draws, seed)
    farther = null.size - np.searchsorted(null, distance, side="left")
    return PorterThomas(distance, (1 + farther) / (1 + null.size))


def evened(W: ArrayLike, *, rounds: int = 100) -> FloatArray:
    """Scale the rows and the columns of a matrix until each has the mean square 1.

    The vectors of noise whose rows or columns differ in size are not uniformly random, so the test
    rejects them; evened, they are nearly so again. What it then rejects has another cause.

    Parameters
    ----------
    W : array_like of shape (N, M)
    rounds : int
        How often rows and columns take turns (Sinkhorn and Knopp 1967, on the squares).

    Returns
    -------
    array of shape (N, M)

    Raises
    ------
    ValueError
        If `W` is not two-dimensional and finite, has a row or column of zeros, or `rounds` is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> np.round(evened([[1.0, 2.0], [3.0, 6.0]]), 6)
    array([[1., 1.],
           [1., 1.]])
    """
    x = as_float64(W, "W")
    if x.ndim != 2 or x.size == 0:
        raise ValueError(f"W must be two-dimensional and not empty, had shape {x.shape}")
    check_finite(x, "W")
    if rounds < 1:
        raise ValueError(f"rounds must be 1 or more, was {rounds!r}")
    if not (x.any(axis=0).all() and x.any(axis=1).all()):
        raise ValueError("W must have no row or column of zeros, had one")
    for _ in range(rounds):
        x = x / np.sqrt(np.mean(x**2, axis=1, keepdims=True))
        x = x / np.sqrt(np.mean(x**2, axis=0, keepdims=True))
    return np.asarray(x)
