"""The check of input that every room of this wing needs."""

from __future__ import annotations

import operator
from typing import Any


def check_integer(value: Any, name: str, least: int, most: int | None = None) -> int:
    """Return `value` as a plain integer between `least` and `most`."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least or (most is not None and number > most):
        span = f"{least} or more" if most is None else f"from {least} to {most}"
        raise ValueError(f"{name} must be an integer, {span}, was {value!r}")
    return number
