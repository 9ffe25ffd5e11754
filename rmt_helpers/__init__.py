"""Which part of a trained weight matrix is signal, and which is noise?"""

from .spectrum import Spectrum
from .spikes import cosines, signal_strength, spiked_matrix, spiked_singular_value, transition

__all__ = [
    "Spectrum",
    "cosines",
    "signal_strength",
    "spiked_matrix",
    "spiked_singular_value",
    "transition",
]
