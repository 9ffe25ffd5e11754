"""Which part of a trained weight matrix is signal, and which is noise?

Theory needs numpy and scipy alone; whatever touches torch lives in `rmt_helpers.nets`.

>>> from rmt_helpers import bema, spiked_matrix
>>> W, left, right = spiked_matrix((200, 300), thetas=[4, 3, 2], sigma=0.1, rng=0)
>>> bema(W).n_signal
3
"""

from .alignment import Alignment, alignment, average_alignment
from .laws import MarchenkoPastur, SingularValueLaw, TracyWidom
from .spectrum import Spectrum
from .spikes import cosines, signal_strength, spiked_matrix, spiked_singular_value, transition
from .thresholds import (
    NoiseFit,
    bema,
    bema_general,
    gaussian_broadening,
    gavish_donoho,
    kritchman_nadler,
    noise_fit,
    optimal_shrinkage,
    parallel_analysis,
    screenot,
)

__all__ = [
    "Alignment",
    "MarchenkoPastur",
    "NoiseFit",
    "SingularValueLaw",
    "Spectrum",
    "TracyWidom",
    "alignment",
    "average_alignment",
    "bema",
    "bema_general",
    "cosines",
    "gaussian_broadening",
    "gavish_donoho",
    "kritchman_nadler",
    "noise_fit",
    "optimal_shrinkage",
    "parallel_analysis",
    "screenot",
    "signal_strength",
    "spiked_matrix",
    "spiked_singular_value",
    "transition",
]
