"""Estimators of the threshold between noise and signal: one file each, one result for all."""

from .auto import METHODS, CheckedFit, noise_fit
from .bema import bema
from .bema_general import bema_general
from .broadening import gaussian_broadening
from .fit import NoiseFit
from .gavish_donoho import gavish_donoho, hard_threshold, median_factor
from .kritchman_nadler import kritchman_nadler
from .parallel import parallel_analysis
from .screenot import screenot
from .shrinkage import Shrinkage, optimal_shrinkage

__all__ = [
    "METHODS",
    "CheckedFit",
    "NoiseFit",
    "Shrinkage",
    "bema",
    "bema_general",
    "gaussian_broadening",
    "gavish_donoho",
    "hard_threshold",
    "kritchman_nadler",
    "median_factor",
    "noise_fit",
    "optimal_shrinkage",
    "parallel_analysis",
    "screenot",
]
