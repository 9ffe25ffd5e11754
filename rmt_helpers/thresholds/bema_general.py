"""BEMA for unequal variances: Algorithm 2 of Ke, Ma and Lin (2023), by simulation.

The variances are taken to be draws from a gamma law with mean σ² and one more parameter, how much they
differ. Both are fitted to the bulk; the threshold is read off simulated noise.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import numpy as np
from scipy.special import gammaincinv

from .._checks import FloatArray
from ..spectrum import as_spectrum
from ._common import check_count, check_level
from .fit import NoiseFit

# The range of the gamma law's shape: from variances that differ by orders of magnitude to equal ones.
_SHAPES = (0.1, 50.0)

# Trials of the shape that a bar allows for, with those after the search; how many come is known at its end.
_TRIALS = 20


def bema_general(
    W_or_spectrum: Any,
    alpha: float = 0.2,
    beta: float = 0.1,
    *,
    side: Literal["short", "long"] = "short",
    draws: int = 10,
    null_draws: int = 500,
    rng: np.random.Generator | int | None = 0,
    progress: bool = False,
) -> NoiseFit:
    """Fit noise whose variances differ from row to row, or from column to column, to the bulk.

    For a trial shape τ of the gamma law, sorted eigenvalues of `draws` simulated matrices are averaged;
    σ² is the slope of the observed bulk on them, through the origin, and τ in [0.1, 50] makes the sum of
    squares least. The threshold is the 1 − β quantile of the largest eigenvalue of `null_draws` matrices
    with the fitted τ and σ².

    Parameters
    ----------
    W_or_spectrum : array_like of shape (N, M), or Spectrum
        The matrix, in any orientation and on any scale, or its singular values.
    alpha : float
        Fraction of the eigenvalues left out at either end, in [0, 0.5).
    beta : float
        Probability that noise of the fitted law shows a value above the threshold, in (0, 1).
    side : {"short", "long"}
        Which side of the matrix has a variance for each of its rows or columns. The published
        algorithm has the short one, where there are as many variances as eigenvalues.
    draws, null_draws : int
        Matrices simulated for each trial and for the threshold.
    rng : numpy.random.Generator, int or None
        Source of randomness, or a seed for one. Every trial reuses the same random numbers, which makes
        the sum of squares a smooth function of τ.
    progress : bool
        Whether to show a bar over all spectra, those of the fit and those of the threshold; needs tqdm. It
        guesses how many the fit takes, and is corrected at the fit's end.

    Returns
    -------
    NoiseFit
        `sigma`² is the mean of the variances. `law` and `ks` are those of equal variances.

    Raises
    ------
    ValueError
        If the input is not a valid matrix or spectrum, an argument is not as above, or the matrix holds
        no noise.

    Notes
    -----
    Costs some 700 spectra with the defaults: minutes for a layer of a thousand. With equal variances τ
    runs to 50, where it cannot be told from infinity, and the result is `bema`'s with the noise of
    simulation. The gamma law is an assumption: two classes of columns are no gamma law.

    References
    ----------
    Ke, Ma, Lin, "Estimation of the number of spiked eigenvalues in a covariance matrix by bulk
    eigenvalue matching analysis", JASA 2023, Algorithm 2.

    Examples
    --------
    >>> import numpy as np
    >>> from rmt_helpers import bema
    >>> rng = np.random.default_rng(0)
    >>> variances = rng.gamma(3, 1 / 3, (40, 1))
    >>> noise = np.sqrt(variances) * rng.standard_normal((40, 80))
    >>> bema(noise).n_signal, bema_general(noise, null_draws=100).n_signal
    (4, 0)
    """
    spectrum = as_spectrum(W_or_spectrum)
    if not 0 <= alpha < 0.5:
        raise ValueError(f"alpha must lie in [0, 0.5), was {alpha!r}")
    beta = check_level(beta)
    if side not in ("short", "long"):
        raise ValueError(f'side must be "short" or "long", was {side!r}')
    draws = check_count(draws, "draws", 1)
    null_draws = check_count(null_draws, "null_draws", 1)
    p, n = spectrum.p, spectrum.n
    unit = float(spectrum.values[0])
    lam = (spectrum.values[::-1] / unit) ** 2 / n
    first = max(int(np.ceil(alpha * p - 1e-9)), 1)
    last = int(np.floor((1 - alpha) * p + 1e-9))
    if first > last:
        raise ValueError(
            f"alpha = {alpha!r} leaves none of the {p} singular values; choose it smaller"
        )
    bulk = lam[first - 1 : last]
    if (bulk @ bulk) ** 0.5 <= bulk.size**0.5 * n * np.finfo(np.float64).eps ** 2:
        raise ValueError("W must hold noise; its middle singular values are zero up to rounding")
    generator = np.random.default_rng(rng)
    noises = [_Noise(p, n, side, generator) for _ in range(draws)]

    def fit(log_shape: float) -> tuple[float, float]:
        """Return the sum of squares and σ² for a shape of the gamma law."""
        mean = np.mean([spectrum_of(noise, log_shape) for noise in noises], axis=0)
        q = mean[first - 1 : last]
        variance = float(q @ bulk / (q @ q))
        return float(((bulk - variance * q) ** 2).sum() / (bulk @ bulk)), variance

    from scipy.optimize import minimize_scalar  # costs more time than importing all of this package

    low, high = float(np.log(_SHAPES[0])), float(np.log(_SHAPES[1]))
    with _bar(_TRIALS * draws + null_draws, progress) as bar:

        def spectrum_of(noise: _Noise, log_shape: float) -> FloatArray:
            if bar is not None:
                bar.update()
            return noise.eigenvalues(np.exp(log_shape))

        best = minimize_scalar(
            lambda x: fit(float(x))[0],
            bounds=(low, high),
            method="bounded",
            options={"xatol": 0.02},
        )
        # The search stays inside its interval; equal variances lie at its end.
        log_shape = min([float(best.x), high], key=lambda x: fit(x)[0])
        variance = fit(log_shape)[1]
        if bar is not None:
            bar.total = bar.n + null_draws
        largest = [
            spectrum_of(_Noise(p, n, side, generator), log_shape)[-1] for _ in range(null_draws)
        ]
    height = float(np.quantile(largest, 1 - beta))
    return NoiseFit(
        "bema, general",
        spectrum,
        unit * np.sqrt(variance),
        unit * np.sqrt(variance * n * height),
    )


class _Noise:
    """One draw of noise of which the variances' law may still be chosen."""

    def __init__(self, p: int, n: int, side: str, rng: np.random.Generator) -> None:
        self.n, self.short = n, side == "short"
        # The inverse cdf of the same uniform numbers makes the variances smooth in the shape.
        self.uniform = rng.random(p if self.short else n)
        if self.short:
            # GGᵀ has the law of LLᵀ (Bartlett): p² numbers stand for pn.
            factor = np.tril(rng.standard_normal((p, p)), -1)
            factor[np.diag_indices(p)] = np.sqrt(rng.chisquare(n - np.arange(p)))
            self.gaussian = factor
        else:
            self.gaussian = rng.standard_normal((p, n))

    def eigenvalues(self, shape: float) -> FloatArray:
        """Eigenvalues over n for mean variance 1, smallest first."""
        scale = np.sqrt(gammaincinv(shape, self.uniform) / shape)
        X = self.gaussian * (scale[:, None] if self.short else scale)
        return np.asarray(np.linalg.eigvalsh(X @ X.T) / self.n, dtype=np.float64)


def _bar(total: int, progress: bool) -> AbstractContextManager[Any]:
    if not progress:
        return nullcontext()
    try:
        from tqdm import tqdm
    except ImportError:
        raise ValueError("progress = True needs tqdm, which is not installed") from None
    bar: AbstractContextManager[Any] = tqdm(total=total, unit="spectrum")
    return bar
