"""Estimators of the threshold between noise and signal: one file each, one result for all."""

from .bema import bema
from .broadening import gaussian_broadening
from .fit import NoiseFit

__all__ = ["NoiseFit", "bema", "gaussian_broadening"]
