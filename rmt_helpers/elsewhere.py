"""Four fields beside neural networks: data with a known truth, and what each field does to them.

Returns of stocks, speech, counts of genes in single cells, parts of non-negative matrices. What the data
are made of is this book's choice, simple on purpose; "The same law elsewhere" derives and uses it all.
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from ._checks import FloatArray

#: Samples of speech a second.
RATE = 8000


# Returns of stocks --------------------------------------------------------------------------------


def stock_returns(
    rng: np.random.Generator, stocks: int = 300, days: int = 900, sectors: int = 8
) -> tuple[FloatArray, FloatArray]:
    """Daily returns that a market, sectors and chance make, and their true covariance.

    Stock j moves with the market (loading about 0.5), with its one sector (about 0.45) and on its own
    (0.75 times Student's t with 4 degrees of freedom, scaled to variance 1). Its volatility scales all.

    Returns
    -------
    returns : ndarray of shape (days, stocks)
    covariance : ndarray of shape (stocks, stocks)
    """
    market = 0.5 * rng.normal(1.0, 0.25, stocks)
    sector = 0.45 * rng.normal(1.0, 0.25, stocks)
    volatility = 0.02 * np.exp(0.35 * rng.standard_normal(stocks))
    loadings = np.zeros((stocks, sectors + 1))
    loadings[:, 0] = market
    loadings[np.arange(stocks), 1 + np.arange(stocks) % sectors] = sector
    factors = rng.standard_normal((days, sectors + 1))
    # Student's t with 4 degrees of freedom has variance 2.
    own = 0.75 * rng.standard_t(4, (days, stocks)) / np.sqrt(2)
    returns = (factors @ loadings.T + own) * volatility
    covariance = (loadings @ loadings.T + 0.75**2 * np.eye(stocks)) * np.outer(
        volatility, volatility
    )
    return returns, covariance


def standardised(X: ArrayLike) -> FloatArray:
    """Columns with mean 0 and mean square 1."""
    x = np.asarray(X, dtype=np.float64)
    return np.asarray((x - x.mean(axis=0)) / x.std(axis=0), dtype=np.float64)


def clipped(C: ArrayLike, s: int) -> FloatArray:
    """A correlation matrix whose `s` largest eigenvalues stay and whose others become their mean."""
    lam, V = np.linalg.eigh(np.asarray(C, dtype=np.float64))
    low = lam.size - s
    lam[:low] = lam[:low].mean()
    cleaned = (V * lam) @ V.T
    scale = np.sqrt(np.diag(cleaned))
    return np.asarray(cleaned / np.outer(scale, scale), dtype=np.float64)


def shrunk_linearly(Z: ArrayLike) -> FloatArray:
    """Ledoit and Wolf's mixture of a correlation matrix and the identity, from standardised data."""
    z = np.asarray(Z, dtype=np.float64)
    days, stocks = z.shape
    C = z.T @ z / days
    distance = np.sum((C - np.eye(stocks)) ** 2)
    # Mean square by which one day's product differs from C, over the number of days.
    chance = (np.sum(np.sum(z**2, axis=1) ** 2) / days - np.sum(C**2)) / days
    weight = min(1.0, chance / distance)
    return np.asarray((1 - weight) * C + weight * np.eye(stocks), dtype=np.float64)


def minimum_variance(covariance: ArrayLike) -> FloatArray:
    """The weights, of sum 1, with the least variance: Σ⁻¹1 / 1ᵀΣ⁻¹1."""
    matrix = np.asarray(covariance, dtype=np.float64)
    weights = np.linalg.solve(matrix, np.ones(matrix.shape[0]))
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def risk(weights: ArrayLike, covariance: ArrayLike) -> float:
    """Standard deviation of a portfolio's return."""
    w = np.asarray(weights, dtype=np.float64)
    return float(np.sqrt(w @ np.asarray(covariance) @ w))


# Speech -------------------------------------------------------------------------------------------


def vowel(rng: np.random.Generator, samples: int = RATE) -> FloatArray:
    """A sung vowel of mean square 1: harmonics of some 120 Hz under three formants.

    The pitch wavers by 3 % and the loudness by half, so no stretch of it is exactly periodic.
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
    """The matrix with x_{i+j} in row i and column j: every stretch of `rows` samples is a column."""
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(x, dtype=np.float64), rows)
    return np.ascontiguousarray(windows.T)


def from_hankel(H: ArrayLike) -> FloatArray:
    """The signal whose samples are the means over the antidiagonals."""
    matrix = np.asarray(H, dtype=np.float64)
    rows, columns = matrix.shape
    total, count = np.zeros(rows + columns - 1), np.zeros(rows + columns - 1)
    for i in range(rows):
        total[i : i + columns] += matrix[i]
        count[i : i + columns] += 1
    return np.asarray(total / count, dtype=np.float64)


def decibels(clean: ArrayLike, heard: ArrayLike) -> float:
    """Signal-to-noise ratio of what is heard, 10 log₁₀ ‖x‖² / ‖x − y‖²."""
    x, y = np.asarray(clean), np.asarray(heard)
    return float(10 * np.log10((x @ x) / ((x - y) @ (x - y))))


# Counts -------------------------------------------------------------------------------------------


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
    """What is usual for single cells: equal depth, log(1 + x), genes with mean 0 and variance 1."""
    Y = np.asarray(counts, dtype=np.float64)
    depth = Y.sum(axis=1, keepdims=True)
    return standardised(np.log1p(Y / depth * np.median(depth)))


def seen_twice(counts: ArrayLike) -> FloatArray:
    """Counts without the rows and columns that have fewer than two which are not zero, until there are none.

    What is seen but once tells of nothing that is shared, and may leave `biwhitened` without a solution.

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
    """N Σ x_i⁴ of each unit column of length N: about 3 where all share, N where one has all."""
    x = np.asarray(vectors, dtype=np.float64)
    return np.asarray(x.shape[0] * np.sum(x**4, axis=0), dtype=np.float64)


# Parts --------------------------------------------------------------------------------------------


def parts(
    rng: np.random.Generator, shape: tuple[int, int] = (200, 300), rank: int = 5
) -> tuple[FloatArray, FloatArray]:
    """Non-negative factors A and B with half of their entries 0, the others exponential."""
    rows, columns = shape
    A = rng.exponential(size=(rows, rank)) * (rng.random((rows, rank)) < 0.5)
    B = rng.exponential(size=(rank, columns)) * (rng.random((rank, columns)) < 0.5)
    return A, B


def factorised(
    X: ArrayLike, rank: int, rng: np.random.Generator, rounds: int = 300
) -> tuple[FloatArray, FloatArray]:
    """Non-negative A and B with AB near X in squared distance, by Lee and Seung's updates."""
    x = np.maximum(np.asarray(X, dtype=np.float64), 0.0)
    A = rng.random((x.shape[0], rank)) + 0.1
    B = rng.random((rank, x.shape[1])) + 0.1
    for _ in range(rounds):
        B *= (A.T @ x) / (A.T @ A @ B + 1e-12)
        A *= (x @ B.T) / (A @ (B @ B.T) + 1e-12)
    return A, B
