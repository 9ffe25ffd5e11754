"""What several estimators need: checks of their arguments, and noise levels of the simplest kinds."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from .._checks import FloatArray, as_float64, check_finite
from ..laws import MarchenkoPastur
from ..spectrum import Spectrum


def check_level(beta: Any) -> float:
    """Return the level of a test, a number in (0, 1)."""
    try:
        level = float(beta)
    except (TypeError, ValueError):
        raise ValueError(f"beta must lie in (0, 1), was {beta!r}") from None
    if not 0 < level < 1:
        raise ValueError(f"beta must lie in (0, 1), was {beta!r}")
    if 1 - level == 1:
        raise ValueError(f"beta must be at least 2e-16, the rounding of 1 − beta, was {beta!r}")
    return level


def check_count(value: Any, name: str, least: int, most: int | None = None) -> int:
    """Return `value` as a whole number from `least` to `most`."""
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} must be a whole number, was {value!r}") from None
    if number < least or (most is not None and number > most):
        bounds = f"at least {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"{name} must be {bounds}, was {number}")
    return number


def as_matrix(W: Any, why: str = "its entries are needed") -> FloatArray:
    """Return `W` as a finite float64 matrix; a spectrum will not do, and `why` says why."""
    if isinstance(W, Spectrum):
        raise ValueError(f"W must be the matrix itself, was its Spectrum: {why}")
    matrix = as_float64(W, "W")
    if matrix.ndim != 2 or matrix.size == 0:
        raise ValueError(f"W must be two-dimensional and not empty, had shape {matrix.shape}")
    check_finite(matrix, "W")
    return matrix


def median_level(spectrum: Spectrum) -> float:
    """Noise level at which the median singular value is where the Marchenko–Pastur law has it."""
    median = float(np.median(spectrum.values))
    if median <= spectrum.n * np.finfo(np.float64).eps * spectrum.values[0]:
        raise ValueError("W must hold noise; half of its singular values are zero up to rounding")
    return median / float(np.sqrt(spectrum.n * MarchenkoPastur(spectrum.c).ppf(0.5)))


def residual_level(spectrum: Spectrum, s: int) -> float:
    """Root mean square of the entries that are left when `s` directions are taken out.

    (Σ_{k>s} ν_k² / ((N − s)(M − s)))^½: the rest lives in the (N − s) × (M − s) directions that the s
    vectors on either side leave. No law of the noise enters.
    """
    rows, columns = spectrum.shape
    unit = spectrum.values[0]
    rest = spectrum.values[s:] / unit
    if rest.size == 0 or rest[0] <= spectrum.n * np.finfo(np.float64).eps:
        raise ValueError(
            f"W must hold noise; beyond the {s} largest its singular values are zero up to rounding"
        )
    return float(unit * np.sqrt(rest @ rest / ((rows - s) * (columns - s))))


def between(spectrum: Spectrum, s: int, threshold: float) -> float:
    """Return the number closest to `threshold` above which lie exactly `s` singular values."""
    nu = spectrum.values
    if s:
        threshold = min(threshold, float(np.nextafter(nu[s - 1], 0)))
    return max(threshold, float(nu[s])) if s < nu.size else threshold
