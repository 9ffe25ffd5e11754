"""The spiked model W = Σ θᵢ σ√n uᵢvᵢᵀ + R: what noise makes of a signal, and the way back.

Closed forms after Benaych-Georges and Nadakuditi (2012) for Gaussian noise, in units in which a
singular value is y = ν/(σ√n); derived in the chapter "Spikes". Simulation of the model is here too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._checks import FloatArray, as_float64, check_finite, check_positive, check_shape


def _not_negative(values: ArrayLike, name: str) -> FloatArray:
    array = as_float64(values, name)
    check_finite(array, name)
    if (array < 0).any():
        raise ValueError(f"{name} must not be negative, the smallest was {array.min():g}")
    return array


def _aspect_ratio(c: ArrayLike) -> FloatArray:
    array = as_float64(c, "c")
    if not ((array > 0) & (array <= 1)).all():
        raise ValueError(f"c must lie in (0, 1] (short side over long side), was {c!r}")
    return array


def transition(c: ArrayLike) -> Any:
    """Strength θ_c = c^{1/4} above which a spike leaves the bulk.

    Parameters
    ----------
    c : array_like
        Aspect ratio p/n in (0, 1].

    Examples
    --------
    >>> float(transition(0.0625))
    0.5
    """
    # Two square roots round better than the power ¼ and keep θ_c² = √c.
    return np.sqrt(np.sqrt(_aspect_ratio(c)))


def spiked_singular_value(theta: ArrayLike, c: ArrayLike) -> Any:
    """Singular value y = ν/(σ√n) at which a spike of strength `theta` is observed.

    y(θ) = √((1 + θ²)(c + θ²)) / θ above the transition c^{1/4}; at and below it the spike cannot be
    told from the bulk and y is the edge 1 + √c.

    Parameters
    ----------
    theta : array_like
        Strength θ ≥ 0: the signal's singular value in units of σ√n.
    c : array_like
        Aspect ratio p/n in (0, 1]; broadcasts against `theta`.

    Returns
    -------
    float or ndarray
        The limit of the observed value as the matrix grows.

    Raises
    ------
    ValueError
        If `theta` is negative or not finite, or `c` is outside (0, 1].

    Examples
    --------
    >>> round(float(spiked_singular_value(2.0, c=1.0)), 12)
    2.5
    >>> float(spiked_singular_value(0.5, c=1.0))
    2.0
    """
    theta, c = _not_negative(theta, "theta"), _aspect_ratio(c)
    root = np.sqrt(c)
    # Below the transition the formula is not used; clipping there avoids a division by zero.
    strong = np.maximum(theta, transition(c))
    outlier = np.hypot(1.0, strong) * np.hypot(1.0, root / strong)
    return np.where(theta > transition(c), outlier, 1.0 + root)[()]


def signal_strength(y: ArrayLike, c: ArrayLike) -> Any:
    """Strength θ of the spike that is observed at `y`: the inverse of `spiked_singular_value`.

    θ² = ½ [y² − 1 − c + √((y² − 1 − c)² − 4c)] above the edge 1 + √c, and 0 at and below it.

    Parameters
    ----------
    y : array_like
        Observed singular value in units of σ√n, not negative.
    c : array_like
        Aspect ratio p/n in (0, 1]; broadcasts against `y`.

    Returns
    -------
    float or ndarray
        0, or a number above c^{1/4}.

    Raises
    ------
    ValueError
        If `y` is negative or not finite, or `c` is outside (0, 1].

    Examples
    --------
    >>> float(signal_strength(2.5, c=1.0))
    2.0
    >>> float(signal_strength(2.0, c=1.0))
    0.0
    """
    y, c = _not_negative(y, "y"), _aspect_ratio(c)
    root = np.sqrt(c)
    edge = 1.0 + root
    outside = np.maximum(y, edge)
    # y² − 1 − c ∓ 2√c, factorised: the difference of squares would lose digits near the edge.
    upper = (outside - edge) * (outside + edge)
    lower = (outside - 1.0 + root) * (outside + 1.0 - root)
    # ½[a + √(a² − b²)] = ((√(a+b) + √(a−b))/2)² with a = y² − 1 − c and b = 2√c.
    return np.where(y > edge, 0.5 * (np.sqrt(upper) + np.sqrt(lower)), 0.0)[()]


def cosines(theta: ArrayLike, c: ArrayLike) -> tuple[Any, Any]:
    """Cosines between a spike's singular vectors and those observed in W.

    Above the transition, cos² = (θ⁴ − c) / (θ²(θ² + c)) for the vector of the short side (length p)
    and (θ⁴ − c) / (θ²(θ² + 1)) for that of the long side (length n); at and below it both are 0.

    Parameters
    ----------
    theta : array_like
        Strength θ ≥ 0.
    c : array_like
        Aspect ratio p/n in (0, 1]; broadcasts against `theta`.

    Returns
    -------
    short, long : float or ndarray
        Absolute values of the cosines in the limit of large matrices; ``short >= long``.

    Raises
    ------
    ValueError
        If `theta` is negative or not finite, or `c` is outside (0, 1].

    Examples
    --------
    >>> [round(float(cosine) ** 2, 12) for cosine in cosines(2.0, c=1.0)]
    [0.75, 0.75]
    """
    theta, c = _not_negative(theta, "theta"), _aspect_ratio(c)
    strong = np.maximum(theta, transition(c))
    # With r = √c/θ² the numerator over θ⁴ is 1 − r², which stays exact for very large θ.
    r = (np.sqrt(np.sqrt(c)) / strong) ** 2
    common = np.where(theta > transition(c), (1.0 - r) * (1.0 + r), 0.0)
    short = np.sqrt(common / (1.0 + r * np.sqrt(c)))
    long = np.sqrt(common / (1.0 + 1.0 / strong**2))
    return short[()], long[()]


def spiked_matrix(
    shape: tuple[int, int],
    thetas: ArrayLike,
    sigma: float = 1.0,
    rng: np.random.Generator | int | None = None,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Draw W = Σ θᵢ σ√n uᵢvᵢᵀ + R with Gaussian noise and uniformly random orthonormal vectors.

    Parameters
    ----------
    shape : tuple of int
        ``(N, M)``, whichever is the longer.
    thetas : array_like, shape (k,)
        Strengths θᵢ ≥ 0 in any order, k ≤ min(N, M); an empty list gives pure noise.
    sigma : float
        Standard deviation of the noise entries.
    rng : numpy.random.Generator, int or None
        Source of randomness, or a seed for one.

    Returns
    -------
    W : ndarray, shape (N, M)
    left : ndarray, shape (N, k)
        Column i is the true uᵢ, which belongs to the rows of W.
    right : ndarray, shape (M, k)
        Column i is the true vᵢ, which belongs to its columns.

    Raises
    ------
    ValueError
        If the shape is not two positive integers, a strength is negative or not finite, there are
        more strengths than the short side has room for, or `sigma` is not positive and finite.

    Examples
    --------
    >>> W, left, right = spiked_matrix((30, 20), [5.0, 3.0], sigma=0.1, rng=0)
    >>> W.shape, left.shape, right.shape
    ((30, 20), (30, 2), (20, 2))
    """
    rows, columns = check_shape(shape)
    strengths = np.atleast_1d(_not_negative(thetas, "thetas"))
    if strengths.ndim != 1:
        raise ValueError(f"thetas must be one-dimensional, had shape {strengths.shape}")
    if strengths.size > min(rows, columns):
        raise ValueError(
            f"thetas must hold at most min(shape) = {min(rows, columns)} strengths, "
            f"held {strengths.size}"
        )
    sigma = check_positive(sigma, "sigma")
    rng = np.random.default_rng(rng)
    left = _haar_columns(rows, strengths.size, rng)
    right = _haar_columns(columns, strengths.size, rng)
    # The unit is formed first so that extreme sigmas neither overflow nor vanish on the way.
    signal = (left * (strengths * np.sqrt(max(rows, columns)))) @ right.T
    return sigma * (signal + rng.standard_normal((rows, columns))), left, right


def _haar_columns(length: int, count: int, rng: np.random.Generator) -> FloatArray:
    """Return `count` orthonormal columns, uniformly distributed over all such frames."""
    q, r = np.linalg.qr(rng.standard_normal((length, count)))
    # LAPACK's signs depend on the data; a positive diagonal of R makes Q uniform.
    return np.asarray(q * np.sign(np.diagonal(r)), dtype=np.float64)
