"""Checks of input that more than one room needs; each error names the argument and what it was."""

from __future__ import annotations

import operator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]


def as_float64(array: Any, name: str) -> FloatArray:
    """Return `array` as float64, or say why that cannot be done; `name` is the argument's."""
    # A torch tensor or parameter, on any device, without importing torch. Numpy has no bfloat16,
    # hence double(); but that would drop an imaginary part, which must be refused below.
    if hasattr(array, "detach"):
        array = array.detach().cpu()
        array = array.resolve_conj() if array.is_complex() else array.double()
    try:
        array = np.asarray(array)
    except ValueError as error:
        raise ValueError(f"{name} must be a rectangular array of real numbers: {error}") from None
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} must hold real numbers, its dtype was {array.dtype}")
    return np.asarray(array, dtype=np.float64)


def check_finite(array: FloatArray, name: str) -> None:
    """Refuse NaN and infinity."""
    if not np.isfinite(array).all():
        bad = int(np.count_nonzero(~np.isfinite(array)))
        raise ValueError(
            f"{name} must be finite, {bad} of its {array.size} values were NaN or infinite"
        )


def check_shape(shape: Any) -> tuple[int, int]:
    """Return `shape` as two plain positive integers."""
    try:
        rows, columns = (operator.index(side) for side in shape)
    except (TypeError, ValueError):
        raise ValueError(f"shape must be two positive integers (N, M), was {shape!r}") from None
    if min(rows, columns) < 1:
        raise ValueError(f"shape must be two positive integers (N, M), was {shape!r}")
    return rows, columns


def check_positive(value: Any, name: str) -> float:
    """Return `value` as one positive finite float."""
    number = as_float64(value, name)
    if number.ndim or not (np.isfinite(number) and number > 0):
        raise ValueError(f"{name} must be one positive finite number, was {value!r}")
    return float(number)


def check_argument(x: Any) -> FloatArray:
    """Return where a law is asked for its value: real numbers, infinities included."""
    values = as_float64(x, "x")
    if np.isnan(values).any():
        raise ValueError(
            f"x must not be NaN, {np.count_nonzero(np.isnan(values))} of {values.size} were"
        )
    return values


def check_probability(q: Any) -> FloatArray:
    """Return probabilities in [0, 1]."""
    values = as_float64(q, "q")
    outside = ~((values >= 0) & (values <= 1))
    if outside.any():
        raise ValueError(f"q must lie in [0, 1], found {values[outside].flat[0]:g}")
    return values
