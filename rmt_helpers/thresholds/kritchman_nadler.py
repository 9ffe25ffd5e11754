"""Kritchman and Nadler's rank: one test after another, each for one signal more.

The noise level is estimated anew for every number of signals, with what the noise has added to them
taken off; the largest value that is left is then held against the Tracy–Widom law.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from .._checks import FloatArray
from ..laws import TracyWidom
from ..spectrum import as_spectrum
from ._common import between, check_level
from .fit import NoiseFit


def kritchman_nadler(
    W_or_spectrum: Any,
    beta: float = 0.1,
    *,
    noise_under: Literal["null", "alternative"] = "null",
) -> NoiseFit:
    """Test for a first, a second, a third signal until a test finds none.

    The test for a k-th signal supposes s = k − 1 of them and rejects that if

        λ_k > σ̂(s)² (μ + t w)/n,  μ = (a + b)²,  w = (a + b)(1/a + 1/b)^{1/3},
        a = √(n − ½),  b = √(p − s − ½)

    for λ = ν²/n and t the 1 − β quantile of the Tracy–Widom law. σ̂(s)² is the mean of the p − s values
    that are left, plus what the noise has added to the s others: it solves (p − s)σ² = Σ_{j>s} λ_j +
    Σ_{j≤s} (λ_j − ρ_j), where ρ_j, the eigenvalue without noise, is the larger root of
    ρ² − ρ(λ_j + σ² − σ²(p − s)/n) + λ_jσ² = 0.

    Parameters
    ----------
    W_or_spectrum : array_like of shape (N, M), or Spectrum
        The matrix, in any orientation and on any scale, or its singular values.
    beta : float
        Level of each test, in (0, 1).
    noise_under : {"null", "alternative"}
        How many signals the noise level and μ suppose in the test for the k-th: k − 1, as its null
        hypothesis says, or k, as the authors have it. With k the tested value is left out of σ̂: more weak
        signals are found, and pure noise is taken for signal more often than β says, at 24 × 48 about twice
        as often. The difference vanishes as p grows.

    Returns
    -------
    NoiseFit
        `threshold` is that of the first test that finds no signal; `sigma` is the noise level for the
        number of signals that was found.

    Raises
    ------
    ValueError
        If the input is not a valid matrix or spectrum, `beta` or `noise_under` is not as above, or the
        noise level is zero up to rounding.

    Notes
    -----
    Unlike BEMA it uses all of the bulk and takes its new shape into account, hence it is the better the
    more signals there are. It stops at the first test that fails. One σ² for all entries: unequal
    variances and heavy tails make it find signals that are none.

    References
    ----------
    Kritchman, Nadler, "Determining the number of components in a factor model from limited noisy data",
    Chemom. Intell. Lab. Syst. 94 (2008), and "Non-parametric detection of the number of signals:
    hypothesis testing and random matrix theory", IEEE Trans. Signal Process. 57 (2009). Centring: Ma,
    "Accuracy of the Tracy–Widom limits for the extreme eigenvalues in white Wishart matrices",
    Bernoulli 18 (2012).

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
    if noise_under not in ("null", "alternative"):
        raise ValueError(f'noise_under must be "null" or "alternative", was {noise_under!r}')
    p, n = spectrum.p, spectrum.n
    unit = float(spectrum.values[0])
    lam = (spectrum.values / unit) ** 2 / n
    for k in range(1, p + 1):
        supposed = min(k if noise_under == "alternative" else k - 1, p - 1)
        variance = _noise_variance(lam, n, supposed)
        a, b = np.sqrt(n - 0.5), np.sqrt(p - supposed - 0.5)
        height = (a + b) ** 2 + t * (a + b) * (1 / a + 1 / b) ** (1 / 3)
        threshold = float(np.sqrt(max(variance * height, 0.0)))
        if lam[k - 1] * n <= threshold**2:
            break
    s = k - 1
    level = unit * np.sqrt(_noise_variance(lam, n, s))
    # Values that are rounding alone must not pass for noise.
    rounding = n * np.finfo(np.float64).eps * unit
    if level * np.sqrt(n) <= rounding:
        full = np.count_nonzero(spectrum.values > rounding)
        raise ValueError(
            f"W must hold noise; beyond the {full} largest its singular values are zero up to rounding"
        )
    return NoiseFit("kritchman-nadler", spectrum, level, between(spectrum, s, unit * threshold))


def _noise_variance(lam: FloatArray, n: int, k: int) -> float:
    """Return σ̂² for k signals, from descending eigenvalues."""
    p = lam.size
    if k == 0:
        return float(lam.mean())
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
