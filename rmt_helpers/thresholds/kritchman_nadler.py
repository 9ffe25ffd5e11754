"""Kritchman and Nadler's rank: one test after another, each for one signal more.

The noise level is estimated anew for every number of signals, with what the noise has added to them
taken off; the largest value that is left is then held against the Tracy–Widom law.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._checks import FloatArray
from ..laws import TracyWidom
from ..spectrum import as_spectrum
from ._common import between, check_level
from .fit import NoiseFit


def kritchman_nadler(W_or_spectrum: Any, beta: float = 0.1) -> NoiseFit:
    """Test for a first, a second, a third signal until a test finds none.

    In step k the noise level σ̂(k) of k signals is estimated, and there are at least k if

        λ_k > σ̂(k)² (μ + t σ_TW)/n,  μ = (√(n − ½) + √(p − k − ½))²,
        σ_TW = √μ (1/√(n − ½) + 1/√(p − k − ½))^{1/3}

    for λ = ν²/n and t the 1 − β quantile of the Tracy–Widom law. σ̂(k)² is the mean of the p − k values
    that are left, plus what the noise has added to the k others: it solves (p − k)σ² = Σ_{j>k} λ_j + Σ_{j≤k}
    (λ_j − ρ_j), where ρ_j, the eigenvalue without noise, is the larger root of
    ρ² − ρ(λ_j + σ² − σ²(p − k)/n) + λ_jσ² = 0.

    Parameters
    ----------
    W_or_spectrum : array_like of shape (N, M), or Spectrum
        The matrix, in any orientation and on any scale, or its singular values.
    beta : float
        Level of each test, in (0, 1).

    Returns
    -------
    NoiseFit
        `threshold` is that of the first test that finds no signal; `sigma` is the noise level for the
        number of signals that was found.

    Raises
    ------
    ValueError
        If the input is not a valid matrix or spectrum, `beta` is not in (0, 1), or the noise level is
        zero up to rounding.

    Notes
    -----
    Unlike BEMA it uses all of the bulk and takes its new shape into account, hence it is the better the
    more signals there are. It stops at the first test that fails. One σ² for all entries: unequal
    variances and heavy tails make it find signals that are none.

    References
    ----------
    Kritchman, Nadler, "Determining the number of components in a factor model from limited noisy data",
    Chemom. Intell. Lab. Syst. 94 (2008), equations (13) to (15) and (18); "Non-parametric detection of the
    number of signals: hypothesis testing and random matrix theory", IEEE Trans. Signal Process. 57
    (2009). Centring: Ma, "Accuracy of the Tracy–Widom limits for the extreme eigenvalues in white
    Wishart matrices", Bernoulli 18 (2012).

    Examples
    --------
    >>> from rmt_helpers import spiked_matrix
    >>> W, _, _ = spiked_matrix((200, 300), [4.0, 3.0, 2.0], sigma=0.1, rng=0)
    >>> fit = kritchman_nadler(W)
    >>> fit.n_signal, round(fit.sigma, 3)
    (3, 0.1)
    """
    spectrum = as_spectrum(W_or_spectrum)
    t = float(TracyWidom(1).ppf(1 - check_level(beta)))
    p, n = spectrum.p, spectrum.n
    unit = float(spectrum.values[0])
    lam = (spectrum.values / unit) ** 2 / n
    level, threshold, s = float(lam.mean()), 0.0, p - 1
    for k in range(1, p):
        variance = _noise_variance(lam, n, k)
        # A value that is rounding alone must not pass for noise.
        if variance <= n * np.finfo(np.float64).eps ** 2:
            raise ValueError(
                f"W must hold noise; beyond the {k} largest its singular values are zero up to rounding"
            )
        a, b = np.sqrt(n - 0.5), np.sqrt(p - k - 0.5)
        height = (a + b) ** 2 + t * (a + b) * (1 / a + 1 / b) ** (1 / 3)
        threshold = float(np.sqrt(max(variance * height, 0.0)))
        if lam[k - 1] * n <= threshold**2:
            s = k - 1
            break
        level = variance
    return NoiseFit(
        "kritchman-nadler",
        spectrum,
        unit * np.sqrt(level),
        between(spectrum, s, unit * threshold),
    )


def _noise_variance(lam: FloatArray, n: int, k: int) -> float:
    """Return σ̂² for k signals, from descending eigenvalues."""
    p = lam.size
    rest, above = float(lam[k:].sum()), lam[:k]
    variance = rest / (p - k) / (1 - k / n)
    for _ in range(60):
        total = above + variance * (1 - (p - k) / n)
        discriminant = total**2 - 4 * above * variance
        # A value inside the bulk has no real root: then k signals are too many, and the mean stands.
        if (discriminant < 0).any():
            break
        added = above - (total + np.sqrt(discriminant)) / 2
        if (added < 0).any():
            break
        proposal = (rest + float(added.sum())) / (p - k)
        converged = abs(proposal - variance) <= 1e-9 * variance
        variance = proposal
        if converged:
            break
    return variance
