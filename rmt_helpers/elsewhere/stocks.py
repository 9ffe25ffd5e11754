"""Returns of stocks: correlations that are cleaned, and the risk of what is built on them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._checks import FloatArray


def stock_returns(
    rng: np.random.Generator, stocks: int = 300, days: int = 900, sectors: int = 8
) -> tuple[FloatArray, FloatArray]:
    """Daily returns that a market, sectors and chance make, and their true covariance.

    Stock j moves with the market (loading about 0.5), with its one sector (about 0.45) and on its own
    (0.75 times Student's t with 4 degrees of freedom, scaled to variance 1). Its volatility scales all.

    Parameters
    ----------
    rng : numpy.random.Generator
    stocks, days, sectors : int
        How many of each; stock j belongs to sector j modulo `sectors`.

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
    """Columns with mean 0 and mean square 1.

    Parameters
    ----------
    X : array_like of shape (N, M)
        No column should be constant.

    Returns
    -------
    ndarray of shape (N, M)
    """
    x = np.asarray(X, dtype=np.float64)
    return np.asarray((x - x.mean(axis=0)) / x.std(axis=0), dtype=np.float64)


def clipped(C: ArrayLike, s: int) -> FloatArray:
    """A correlation matrix whose largest eigenvalues stay and whose others become their mean.

    After Laloux, Cizeau, Potters and Bouchaud (2000).

    Parameters
    ----------
    C : array_like of shape (M, M)
        A correlation matrix.
    s : int
        How many eigenvalues stay.

    Returns
    -------
    ndarray of shape (M, M)
        Scaled so that its diagonal is 1 again.
    """
    lam, V = np.linalg.eigh(np.asarray(C, dtype=np.float64))
    low = lam.size - s
    lam[:low] = lam[:low].mean()
    cleaned = (V * lam) @ V.T
    scale = np.sqrt(np.diag(cleaned))
    return np.asarray(cleaned / np.outer(scale, scale), dtype=np.float64)


def shrunk_linearly(Z: ArrayLike) -> FloatArray:
    """Ledoit and Wolf's mixture of a correlation matrix and the identity.

    Parameters
    ----------
    Z : array_like of shape (days, stocks)
        Data as `standardised` returns them.

    Returns
    -------
    ndarray of shape (stocks, stocks)
    """
    z = np.asarray(Z, dtype=np.float64)
    days, stocks = z.shape
    C = z.T @ z / days
    distance = np.sum((C - np.eye(stocks)) ** 2)
    # Mean square by which one day's product differs from C, over the number of days.
    chance = (np.sum(np.sum(z**2, axis=1) ** 2) / days - np.sum(C**2)) / days
    weight = min(1.0, chance / distance)
    return np.asarray((1 - weight) * C + weight * np.eye(stocks), dtype=np.float64)


def minimum_variance(covariance: ArrayLike) -> FloatArray:
    """The weights, of sum 1, with the least variance: Σ⁻¹1 / 1ᵀΣ⁻¹1.

    Parameters
    ----------
    covariance : array_like of shape (M, M)
        Positive definite.

    Returns
    -------
    ndarray of shape (M,)
        Weights may be negative: a stock may be sold short.
    """
    matrix = np.asarray(covariance, dtype=np.float64)
    weights = np.linalg.solve(matrix, np.ones(matrix.shape[0]))
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def risk(weights: ArrayLike, covariance: ArrayLike) -> float:
    """Standard deviation of a portfolio's return.

    Parameters
    ----------
    weights : array_like of shape (M,)
    covariance : array_like of shape (M, M)
        The returns' true covariance, in the units of the returns squared.
    """
    w = np.asarray(weights, dtype=np.float64)
    return float(np.sqrt(w @ np.asarray(covariance) @ w))
