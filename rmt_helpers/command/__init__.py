"""`rmt-thresholds MODEL`: thresholds for every weight matrix of a file, for people without a notebook."""

from .main import main

__all__ = ["main"]
