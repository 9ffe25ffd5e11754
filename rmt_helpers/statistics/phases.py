"""The phases of a spectrum in training, by a rule that can be computed."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..spectrum import as_spectrum
from ..thresholds import bema
from .tails import plateau_p_value, power_law_fit

#: From an untrained layer on; the names are those of Martin and Mahoney (2021).
PHASES = (
    "random-like",
    "bleeding-out",
    "bulk and spikes",
    "bulk decay",
    "heavy-tailed",
    "rank collapse",
)

# Lines of ours. The two for the distance of the bulk are those of `NoiseFit.verdict`.
_CLOSE, _UNFIT = 0.03, 0.08
_SAME, _NEAR = 1.02, 1.25
_SMALL, _MANY = 0.01, 0.1


def phase(W_or_spectrum: Any) -> str:
    """Sort a spectrum into one of the phases of training that Martin and Mahoney (2021) describe.

    They sort by eye. Here, with BEMA's fit and the largest value ν₁:

    ``"rank collapse"``
        a tenth of the values or more are below a hundredth of their root mean square;
    ``"random-like"``
        the bulk is closer than 0.03 to the law, and ν₁ at most 2 % above the threshold;
    ``"bleeding-out"``
        the bulk is as close, and ν₁ at most 25 % above the threshold;
    ``"bulk and spikes"``
        the bulk is closer than 0.08 to the law;
    ``"heavy-tailed"``
        it is not, the best power law spans a decade of eigenvalues or more, and Hill's plot has a
        plateau (p-value 0.05 or more, from the 8th to a quarter of all values);
    ``"bulk decay"``
        none of these.

    Parameters
    ----------
    W_or_spectrum : array_like or Spectrum
        With 40 singular values or more.

    Raises
    ------
    ValueError
        If there are fewer.

    Examples
    --------
    >>> import numpy as np
    >>> phase(np.random.default_rng(0).standard_normal((100, 200)))
    'random-like'
    """
    spectrum = as_spectrum(W_or_spectrum)
    if spectrum.p < 40:
        raise ValueError(f"W must have 40 singular values or more, had {spectrum.p}")
    values = spectrum.values
    if np.mean(values < _SMALL * np.sqrt(np.mean(values**2))) >= _MANY:
        return "rank collapse"
    fit = bema(spectrum)
    above = values[0] / fit.threshold
    if fit.ks < _CLOSE and above <= _NEAR:
        return "random-like" if above <= _SAME else "bleeding-out"
    if fit.ks < _UNFIT:
        return "bulk and spikes"
    eigenvalues = spectrum.eigenvalues[spectrum.eigenvalues > 0]
    spans = eigenvalues[0] / power_law_fit(eigenvalues).start >= 10
    flat = plateau_p_value(eigenvalues, 8, spectrum.p // 4) >= 0.05
    return "heavy-tailed" if spans and flat else "bulk decay"
