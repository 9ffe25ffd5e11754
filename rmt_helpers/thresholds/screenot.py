"""ScreeNOT: the least-error hard threshold for noise of which no law is known.

Gavish and Donoho's threshold knows white noise. ScreeNOT (Donoho, Gavish and Romanov 2023) reads the
noise's law off the spectrum itself, with the values that may be signal replaced by made-up noise.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from .._checks import FloatArray
from ..spectrum import as_spectrum
from ._common import check_count, residual_level
from .fit import NoiseFit


def screenot(
    W_or_spectrum: Any,
    max_rank: int | None = None,
    strategy: Literal["imputation", "winsorisation", "zero"] = "imputation",
) -> NoiseFit:
    """Keep what makes the truncated matrix nearest to the signal, whatever the noise's law.

    With z the singular values of noise alone, φ(y) = mean of y/(y² − z²) and
    D(y) = φ(y) (cφ(y) + (1 − c)/y), the threshold is the y above all z with y D′(y)/D(y) = −4. For
    white noise it is Gavish and Donoho's. The z are those of W, with the `max_rank` largest replaced.

    Parameters
    ----------
    W_or_spectrum : array_like of shape (N, M), or Spectrum
        The matrix, in any orientation and on any scale, or its singular values.
    max_rank : int, optional
        k, an upper bound on the rank of the signal. By default (p − 2)/4, rounded down. Imputation
        needs 2k + 1 < p.
    strategy : {"imputation", "winsorisation", "zero"}
        What the k largest become: values that grow from ν_{k+1} on as a square-root edge has them, with
        ν_{k+1} − ν_{2k+1} for scale; all ν_{k+1}; or 0.

    Returns
    -------
    NoiseFit
        The method has no σ̂. `sigma` is the root mean square of the entries that are left when the kept
        directions are taken out; it means what it says for any noise, but `law` and `ks` hold it against
        white noise, for which ScreeNOT does not ask.

    Raises
    ------
    ValueError
        If the input is not a valid matrix or spectrum, `max_rank` or `strategy` is not as above, or the
        values beyond `max_rank` are zero up to rounding.

    Notes
    -----
    Not a detector, as `gavish_donoho` is none. A `max_rank` below the true rank leaves signal in the
    noise's law and puts the threshold far too high; one far above it costs little. Needs noise whose
    spectrum ends in an edge: not so for very heavy tails.

    References
    ----------
    Donoho, Gavish, Romanov, "ScreeNOT: exact MSE-optimal singular value thresholding in correlated
    noise", Ann. Statist. 51 (2023), section 2 (the functional) and algorithm 1.

    Examples
    --------
    >>> from rmt_helpers import spiked_matrix
    >>> W, _, _ = spiked_matrix((200, 300), [4.0, 3.0, 1.3], sigma=0.1, rng=0)
    >>> screenot(W, max_rank=10).n_signal
    2
    """
    spectrum = as_spectrum(W_or_spectrum)
    p, c = spectrum.p, spectrum.c
    if strategy not in ("imputation", "winsorisation", "zero"):
        raise ValueError(
            f'strategy must be "imputation", "winsorisation" or "zero", was {strategy!r}'
        )
    most = (p - 2) // 2 if strategy == "imputation" else p - 1
    k = (p - 2) // 4 if max_rank is None else check_count(max_rank, "max_rank", 0, most)
    # In units of ν_{k+1}, of the size of the noise.
    unit = float(spectrum.values[k])
    if unit <= spectrum.n * np.finfo(np.float64).eps * spectrum.values[0]:
        raise ValueError(
            f"W must hold noise; beyond max_rank = {k} its singular values are zero up to rounding"
        )
    z = spectrum.values / unit
    if k:
        z[:k] = _made_up(z, k, strategy)
    threshold = unit * _solve(z, c)
    s = int(np.count_nonzero(spectrum.values > threshold))
    return NoiseFit("screenot", spectrum, residual_level(spectrum, s), threshold)


def _made_up(z: FloatArray, k: int, strategy: str) -> FloatArray | float:
    """Return what stands in for the k largest of the descending values `z`."""
    if strategy == "zero":
        return 0.0
    if strategy == "winsorisation":
        return float(z[k])
    # Near a square-root edge the j-th largest lies below it by a multiple of j^(2/3).
    steps = (1 - (np.arange(k) / k) ** (2 / 3)) / (2 ** (2 / 3) - 1)
    return np.asarray(z[k] + steps * (z[k] - z[2 * k]), dtype=np.float64)


def _solve(z: FloatArray, c: float) -> float:
    """Return the y above all z where y D′(y)/D(y) = −4; the left side rises there from −∞ to −2."""
    squares = z * z

    def excess(y: float) -> float:
        gap = 1 / (y * y - squares)
        phi, slope = y * gap.mean(), -((y * y + squares) * gap * gap).mean()
        other = c * phi + (1 - c) / y
        # The logarithmic derivative of the product, times y.
        return float(y * (slope / phi + (c * slope - (1 - c) / y**2) / other)) + 4

    top = float(z.max())
    low, high = top, 2 * top
    while excess(high) < 0:
        low, high = high, 2 * high
    # Bisection to the last digits: `excess` is −∞ at the top value and cannot be asked there.
    while high - low > 4e-16 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if excess(middle) < 0:
            low = middle
        else:
            high = middle
    return high
