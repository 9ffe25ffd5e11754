"""What every experiment writes down of a fitted spectrum, under the same column names."""

from __future__ import annotations

import math
from typing import Any

from ..alignment import average_alignment
from ..spectrum import Spectrum
from ..thresholds import NoiseFit, bema, gaussian_broadening

# Below this many singular values a fit of the middle 60 % says nothing; output layers have ten.
SMALLEST = 16

#: By how much the columns below may differ between machines for a small trained network; see
#: `runner.Experiment.tolerances`. Two to eleven standard deviations over seeds of a trained layer.
TOLERANCES = {
    "sigma": 4e-4,
    "threshold": 0.04,
    "n_signal": 2,
    "ks": 0.006,
    "ave_w": 0.03,
    "energy": 0.02,
}


def both_fits(spectrum: Spectrum) -> dict[str, NoiseFit]:
    """The two estimators of the paper, with the book's settings; none for a spectrum too short.

    The window of Gaussian broadening is 15, or a fifth of a spectrum that is too short for that.
    """
    if spectrum.p < SMALLEST:
        return {}
    window = min(15, spectrum.p // 5)
    return {"bema": bema(spectrum), "broadening": gaussian_broadening(spectrum, window=window)}


def columns(fit: NoiseFit) -> dict[str, Any]:
    """The numbers of a fit: noise level, threshold, count, distance of the bulk, score, energy."""
    values = fit.spectrum.values
    signal = values[: fit.n_signal]
    return {
        "sigma": fit.sigma,
        "threshold": fit.threshold,
        "n_signal": fit.n_signal,
        "ks": fit.ks,
        "ave_w": average_alignment(fit) if fit.n_signal else math.nan,
        "energy": float(signal @ signal / (values @ values)),
    }
