"""Statistics of a spectrum beside its density: tail exponents, spacings, and the entries of its vectors.

None of them estimates the noise. Each has a null of its own, which this room also holds.
"""

from __future__ import annotations

from .phases import PHASES, phase
from .spacings import (
    reference_ratio,
    spacing_ratio,
    spacing_ratios,
    unfold,
    wigner_cdf,
    wigner_pdf,
)
from .tails import PowerLawFit, hill, plateau_p_value, power_law_fit, power_law_p_value
from .vectors import PorterThomas, evened, porter_thomas

__all__ = [
    "PHASES",
    "PorterThomas",
    "PowerLawFit",
    "evened",
    "hill",
    "phase",
    "plateau_p_value",
    "porter_thomas",
    "power_law_fit",
    "power_law_p_value",
    "reference_ratio",
    "spacing_ratio",
    "spacing_ratios",
    "unfold",
    "wigner_cdf",
    "wigner_pdf",
]
