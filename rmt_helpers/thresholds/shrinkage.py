"""Optimal shrinkage: each singular value moved to where it serves best, instead of kept or dropped.

Noise makes singular values too large and turns their vectors. Which value to put on the turned vectors
depends on what one wants to be small; the closed forms follow from those of `spikes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from .._checks import FloatArray, check_positive
from ..spectrum import as_spectrum
from ..spikes import cosines, signal_strength
from ._common import median_level
from .fit import NoiseFit

Loss: TypeAlias = Literal["frobenius", "operator", "leeb"]


@dataclass(frozen=True, eq=False, repr=False)
class Shrinkage(NoiseFit):
    """A `NoiseFit` with the singular values that the denoised matrix should have.

    Attributes
    ----------
    shrunk : ndarray, shape (p,)
        In the order and the unit of ``spectrum.values``; 0 at and below the edge of the noise, which
        is the threshold.

    Examples
    --------
    >>> import numpy as np
    >>> from rmt_helpers import spiked_matrix
    >>> W, left, right = spiked_matrix((200, 300), [4.0, 1.5], rng=0)
    >>> fit = optimal_shrinkage(W)
    >>> u, nu, vt = np.linalg.svd(W, full_matrices=False)
    >>> denoised = (u * fit.shrunk) @ vt
    >>> int(np.linalg.matrix_rank(denoised)) == fit.n_signal
    True
    """

    shrunk: FloatArray


def optimal_shrinkage(
    W_or_spectrum: Any, loss: Loss = "frobenius", sigma: float | None = None
) -> Shrinkage:
    """Shrink each singular value to what minimises the distance from the signal.

    With y = ν/(σ√n), θ = `signal_strength` (y, c) and the cosines of both sides, the value put on the
    observed vectors is, in units of σ√n and above the edge 1 + √c,

    - ``"frobenius"``: θ cos_u cos_v = √((y² − 1 − c)² − 4c) / y, which minimises the sum of squares;
    - ``"operator"``: θ, the signal's own singular value, after Gavish and Donoho;
    - ``"leeb"``: θ √((θ² + c)/(θ² + 1)), which has the smallest spectral norm of the difference at every
      aspect ratio; for square matrices it is θ.

    Parameters
    ----------
    W_or_spectrum : array_like of shape (N, M), or Spectrum
        The matrix, in any orientation and on any scale, or its singular values.
    loss : {"frobenius", "operator", "leeb"}
        What is to be small.
    sigma : float, optional
        The noise level; by default that of the median singular value, as in `gavish_donoho`. The σ̂ of
        another fit may be given.

    Returns
    -------
    Shrinkage
        A `NoiseFit` with the array `shrunk`. Its threshold is the bulk edge σ(√n + √p), below which
        every value becomes 0.

    Raises
    ------
    ValueError
        If the input is not a valid matrix or spectrum, `loss` is not as above, `sigma` is not positive
        and finite, or, with unknown noise, half of the singular values are zero up to rounding.

    Notes
    -----
    Shrinkage in Frobenius norm is at least as good as any truncation when σ is right. It moves weights:
    a network's accuracy must be measured again. The threshold has no level; pure noise passes the edge
    with probability 0.168, but what passes is shrunk to nearly nothing (Frobenius) or to at least
    c^¼ σ√n (the other two, which jump at the edge).

    References
    ----------
    Gavish, Donoho, "Optimal shrinkage of singular values", IEEE Trans. Inf. Theory 63 (2017), arXiv
    1405.7511. Leeb, "Optimal singular value shrinkage for operator norm loss", Stat. Probab. Lett. 186
    (2022), arXiv 2005.11807.

    Examples
    --------
    >>> from rmt_helpers import spiked_matrix
    >>> W, _, _ = spiked_matrix((200, 300), [4.0, 2.0], rng=0)
    >>> fit = optimal_shrinkage(W)
    >>> (fit.shrunk[:3] / fit.sigma / 300**0.5).round(2)  # less than 4 and 2: the vectors are turned
    array([3.75, 1.57, 0.  ])
    """
    spectrum = as_spectrum(W_or_spectrum)
    level = median_level(spectrum) if sigma is None else check_positive(sigma, "sigma")
    unit = level * np.sqrt(spectrum.n)
    c = spectrum.c
    y = spectrum.values / unit
    theta = signal_strength(y, c)
    short, long = cosines(theta, c)
    if loss == "frobenius":
        shrunk = theta * short * long
    elif loss == "operator":
        shrunk = theta
    elif loss == "leeb":
        shrunk = theta * (np.hypot(theta, np.sqrt(c)) / np.hypot(theta, 1.0))
    else:
        raise ValueError(f'loss must be "frobenius", "operator" or "leeb", was {loss!r}')
    shrunk = np.asarray(shrunk * unit, dtype=np.float64)
    shrunk.flags.writeable = False
    threshold = level * (np.sqrt(spectrum.n) + np.sqrt(spectrum.p))
    return Shrinkage(f"optimal shrinkage ({loss})", spectrum, level, threshold, shrunk)
