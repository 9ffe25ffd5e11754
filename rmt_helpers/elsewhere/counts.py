"""Counts of genes in single cells: noise whose variance is its mean, and the scaling that evens it."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from .._checks import FloatArray
from .stocks import standardised


def cell_counts(
    rng: np.random.Generator,
    types: int = 4,
    depth: float = 600.0,
    cells: int = 400,
    genes: int = 1200,
    rare: int = 0,
) -> tuple[FloatArray, FloatArray]:
    """Poisson counts of genes in cells, and the matrix of their means.

    Cells differ in size (log-normal, 0.35) and, with `types` > 1, in type: each type but the first has
    its own level of 60 genes. `rare` more genes are seen 1.5 times in all the cells together. Genes that
    are seen nowhere are left out.

    Parameters
    ----------
    rng : numpy.random.Generator
    types : int
        Kinds of cells; with 1 all differ by chance and size alone.
    depth : float
        Mean number of counts in a cell of size 1.
    cells, genes, rare : int
        How many of each.

    Returns
    -------
    counts, means : ndarray of shape (cells, genes seen)
    """
    level = np.exp(rng.standard_normal(genes))
    size = np.exp(0.35 * rng.standard_normal(cells))
    profiles = np.tile(level, (max(types, 1), 1))
    for profile in profiles[1:]:
        own = rng.choice(genes, 60, replace=False)
        profile[own] *= np.exp(1.2 * rng.standard_normal(60))
    profiles /= profiles.sum(axis=1, keepdims=True)
    kind = rng.integers(0, len(profiles), cells)
    means = np.hstack([depth * profiles[kind], np.full((cells, rare), 1.5 / cells)])
    means *= size[:, None]
    counts = rng.poisson(means).astype(np.float64)
    seen = counts.sum(axis=0) > 0
    return counts[:, seen], np.asarray(means[:, seen], dtype=np.float64)


def log_normalised(counts: ArrayLike) -> FloatArray:
    """What is usual for single cells: equal depth, log(1 + x), genes with mean 0 and variance 1.

    Parameters
    ----------
    counts : array_like of shape (cells, genes)
        No cell and no gene without a count.

    Returns
    -------
    ndarray of shape (cells, genes)
    """
    Y = np.asarray(counts, dtype=np.float64)
    depth = Y.sum(axis=1, keepdims=True)
    return standardised(np.log1p(Y / depth * np.median(depth)))


def seen_twice(counts: ArrayLike) -> FloatArray:
    """Counts without the rows and columns that have fewer than two which are not zero, until there are none.

    What is seen but once tells of nothing that is shared, and may leave `biwhitened` without a solution.

    Parameters
    ----------
    counts : array_like of shape (N, M)

    Returns
    -------
    ndarray of shape (at most N, at most M)

    Examples
    --------
    >>> seen_twice([[1, 2, 0], [3, 1, 0], [0, 0, 5]])  # the last row and column have one count alone
    array([[1., 2.],
           [3., 1.]])
    """
    Y = np.asarray(counts, dtype=np.float64)
    while True:
        rows, columns = (np.count_nonzero(Y, axis=axis) >= 2 for axis in (1, 0))
        if rows.all() and columns.all():
            return Y
        Y = Y[rows][:, columns]


def biwhitened(
    counts: ArrayLike, rounds: int = 10_000, tolerance: float = 1e-6
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Scale rows and columns so that the variances of Poisson counts are 1 on average in each.

    A Poisson count is an unbiased estimate of its own variance, so the scaling that gives the counts
    row means and column means 1 (Sinkhorn and Knopp) does it. After Landa, Zhang and Kluger (2022).

    Parameters
    ----------
    counts : array_like of shape (N, M)
    rounds : int
        Turns of rows and columns after which to give up.
    tolerance : float
        By how much a row mean may differ from 1; the column means do not.

    Returns
    -------
    W : ndarray
        √ρ_i Y_ij √ω_j. Poisson noise in it follows the Marchenko–Pastur law with σ = 1.
    rho, omega : ndarray
        The factors of the rows and of the columns.

    Raises
    ------
    ValueError
        If a count is negative, or a row or a column has none; or if there are no such factors, as where one row
        holds the only count of more than M/N columns. `seen_twice` leaves such columns out.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> W, rho, omega = biwhitened(rng.poisson(np.outer([1, 4, 9], [2, 3, 5, 7])))
    >>> (np.sqrt(rho)[:, None] * W * np.sqrt(omega)).mean(axis=0).round(6)
    array([1., 1., 1., 1.])
    """
    Y = np.asarray(counts, dtype=np.float64)
    if Y.min() < 0 or not (Y.sum(axis=0).all() and Y.sum(axis=1).all()):
        raise ValueError("counts must not be negative, with no empty row or column")
    for of, other, side in ((Y, "column", "row"), (Y.T, "row", "column")):
        # Scaled, the only count of a column is N, and a row's sum is M. Turns would go on for very long here.
        own = (of > 0)[:, (of > 0).sum(axis=0) == 1].sum(axis=1)
        most = of.shape[1] / of.shape[0]
        if own.max() > most:
            raise ValueError(
                f"counts must not have a {side} that holds the only count of more than {most:.4g} {other}s, "
                f"{side} {own.argmax()} did of {own.max()}: no factors give all means 1"
            )
    rows, columns = Y.shape
    sparse, rho, off = csr_array(Y), np.ones(rows), np.inf
    # Where there are no factors, some grow without end.
    with np.errstate(over="raise", divide="raise", invalid="raise"), suppress(FloatingPointError):
        for _ in range(rounds):
            omega = rows / (sparse.T @ rho)
            means = rho * (sparse @ omega) / columns
            off = float(np.abs(means - 1).max())
            if off <= tolerance:
                return np.sqrt(rho)[:, None] * Y * np.sqrt(omega), rho, omega
            rho = rho / means
    raise ValueError(
        f"counts must have factors that give all means 1, none were found in {rounds} rounds: the mean of a row was "
        f"still {off:.2g} off"
    )


def localisation(vectors: ArrayLike) -> FloatArray:
    """N Σ x_i⁴ of each unit column of length N: about 3 where all share, N where one has all.

    Parameters
    ----------
    vectors : array_like of shape (N, K)

    Returns
    -------
    ndarray of shape (K,)
    """
    x = np.asarray(vectors, dtype=np.float64)
    return np.asarray(x.shape[0] * np.sum(x**4, axis=0), dtype=np.float64)
