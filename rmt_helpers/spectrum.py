"""Singular values together with the shape of the matrix they came from.

Every estimator takes a `Spectrum` or a matrix that `as_spectrum` turns into one. Input is checked
here, once; whoever holds a `Spectrum` may rely on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from ._checks import FloatArray, as_float64, check_finite, check_shape

# Relative spread below which a spectrum counts as constant. An orthogonal matrix kept in float32
# shows 3e-7; the narrowest Marchenko–Pastur law of a matrix that fits in memory is far wider.
_CONSTANT = 1e-6


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Spectrum:
    """The singular values of a real ``N × M`` matrix, largest first.

    Parameters
    ----------
    values : array_like, shape (min(N, M),)
        Singular values ν₁ ≥ … ≥ ν_p ≥ 0 in any unit. Kept as read-only float64.
    shape : tuple of int
        ``(N, M)``. Only the short and the long side matter: a matrix and its transpose have
        the same spectrum.

    Raises
    ------
    ValueError
        If the values are not one-dimensional, real, finite, non-negative and descending, if
        there are fewer than two or not ``min(N, M)`` of them, or if they are all equal (an
        orthogonal or a zero matrix): nothing can be estimated from such a spectrum.

    Examples
    --------
    >>> spectrum = Spectrum([3.0, 2.0, 1.0], shape=(5, 3))
    >>> spectrum.p, spectrum.n, spectrum.c
    (3, 5, 0.6)
    """

    values: FloatArray
    shape: tuple[int, int]

    def __init__(self, values: ArrayLike, shape: tuple[int, int]) -> None:
        shape = check_shape(shape)
        nu = as_float64(values, "values").copy()
        if nu.ndim != 1:
            raise ValueError(f"values must be one-dimensional, had shape {nu.shape}")
        if nu.size != min(shape):
            raise ValueError(
                f"values must hold min(shape) = {min(shape)} singular values for shape {shape}, "
                f"held {nu.size}"
            )
        if nu.size < 2:
            raise ValueError(
                "values must hold at least 2 singular values, held 1: a vector has no bulk"
            )
        check_finite(nu, "values")
        if nu.min() < 0:
            raise ValueError(f"values must not be negative, the smallest was {nu.min():g}")
        if (np.diff(nu) > 0).any():
            raise ValueError(
                "values must be sorted, largest first; sort them with np.sort(values)[::-1]"
            )
        if nu[0] == 0:
            raise ValueError(
                "values must not all be zero: a zero matrix has neither signal nor noise"
            )
        if nu[0] - nu[-1] <= _CONSTANT * nu[0]:
            raise ValueError(
                f"values must not all be equal, were {nu[0]:g}: an orthogonal matrix has no bulk"
            )
        nu.flags.writeable = False
        object.__setattr__(self, "values", nu)
        object.__setattr__(self, "shape", shape)

    @classmethod
    def of(cls, W: Any, *, method: Literal["svd", "gram"] = "svd") -> Spectrum:
        """Compute the singular values of `W` in float64, without singular vectors.

        Parameters
        ----------
        W : array_like, shape (N, M)
            A real matrix of any floating or integer type; a torch tensor will do.
        method : {"svd", "gram"}
            ``"svd"`` is LAPACK's ``gesdd`` as numpy calls it: every value is right to about
            ``1e-15 ν₁``. ``"gram"`` takes the square roots of the eigenvalues of the short side's
            Gram matrix: two to five times faster for large matrices and as exact in the bulk and
            above, but values below about ``1e-8 ν₁`` are lost, as almost square matrices have.

        Raises
        ------
        ValueError
            If `W` is not two-dimensional, empty, complex, not finite, or has a spectrum that
            `Spectrum` refuses.

        Examples
        --------
        >>> import numpy as np
        >>> Spectrum.of(np.diag([1.0, 3.0, 2.0])).values
        array([3., 2., 1.])
        """
        matrix = as_float64(W, "W")
        if matrix.ndim != 2:
            hint = "; for singular values use Spectrum(values, shape)" if matrix.ndim == 1 else ""
            raise ValueError(f"W must be two-dimensional, had shape {matrix.shape}{hint}")
        if matrix.size == 0:
            raise ValueError(f"W must not be empty, had shape {matrix.shape}")
        check_finite(matrix, "W")
        if method == "svd":
            # numpy computes float32 input in float64 anyway, so the cast above costs no time.
            values = np.linalg.svd(matrix, compute_uv=False)
        elif method == "gram":
            short = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
            # A power of two keeps the squares from over- and underflowing and changes no digit.
            unit = np.exp2(np.frexp(np.abs(short).max())[1].astype(float))
            short = short / unit
            squares = np.linalg.eigvalsh(short @ short.T)
            values = unit * np.sqrt(np.maximum(squares[::-1], 0.0))
        else:
            raise ValueError(f'method must be "svd" or "gram", was {method!r}')
        return cls(values, (matrix.shape[0], matrix.shape[1]))

    @property
    def p(self) -> int:
        """The short side: how many singular values there are."""
        return min(self.shape)

    @property
    def n(self) -> int:
        """The long side."""
        return max(self.shape)

    @property
    def c(self) -> float:
        """The aspect ratio p/n, in (0, 1]."""
        return self.p / self.n

    @property
    def eigenvalues(self) -> FloatArray:
        """λ = ν²/n, largest first: what the Marchenko–Pastur law is about."""
        return np.asarray((self.values / np.sqrt(self.n)) ** 2, dtype=np.float64)

    def __repr__(self) -> str:
        rows, columns = self.shape
        return (
            f"Spectrum({rows}×{columns}, ν from {self.values[0]:.4g} down to {self.values[-1]:.4g})"
        )


def as_spectrum(W_or_spectrum: Any) -> Spectrum:
    """Return a `Spectrum` as it is, and the spectrum of a matrix.

    Examples
    --------
    >>> spectrum = as_spectrum([[3.0, 0.0], [0.0, 1.0]])
    >>> as_spectrum(spectrum) is spectrum
    True
    """
    if isinstance(W_or_spectrum, Spectrum):
        return W_or_spectrum
    return Spectrum.of(W_or_spectrum)
