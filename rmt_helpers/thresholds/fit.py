"""What every threshold estimator returns: a noise level, a threshold, and how well they fit.

An estimator belongs in a file of its own beside this one; what can be said of any fit belongs here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np

from .._checks import FloatArray, check_positive
from ..laws import SingularValueLaw
from ..spectrum import Spectrum

# p times the 95 % point of `ks` for pure noise, against log p: fitted to the experiment "null", which
# has 29 shapes from 16 × 16 to 512 × 4096; derived and checked in "Does the bulk follow the law?".
_NULL_LEVEL, _NULL_SLOPE = 0.92, 0.42

# Distances up to which a bulk counts as close to the law, and as shaped by it.
_CLOSE, _SHAPED = 0.03, 0.08

Verdict: TypeAlias = Literal["noise", "close", "shaped", "unfit"]


@dataclass(frozen=True, eq=False, repr=False)
class NoiseFit:
    """Noise fitted to a spectrum: everything above `threshold` is taken for signal.

    Attributes
    ----------
    method : str
        Which estimator made the fit.
    spectrum : Spectrum
        The spectrum it was made for.
    sigma : float
        Estimated noise level: the standard deviation of an entry of the noise matrix.
    threshold : float
        In the unit of the singular values ν.

    Raises
    ------
    ValueError
        If `sigma` or `threshold` is not a positive finite number: such a fit found no noise.

    Examples
    --------
    >>> fit = NoiseFit("by hand", Spectrum([9.0, 3.0, 2.0, 1.0], (4, 9)), sigma=0.8, threshold=4.0)
    >>> fit.n_signal, round(fit.edge, 12)
    (1, 4.0)
    >>> fit.noise
    array([3., 2., 1.])
    >>> fit.verdict  # three values cannot speak against any law
    'noise'
    """

    method: str
    spectrum: Spectrum
    sigma: float
    threshold: float

    def __post_init__(self) -> None:
        for name in ("sigma", "threshold"):
            object.__setattr__(self, name, check_positive(getattr(self, name), name))

    @cached_property
    def n_signal(self) -> int:
        """ŝ, the number of singular values above the threshold."""
        return int(np.count_nonzero(self.spectrum.values > self.threshold))

    @property
    def noise(self) -> FloatArray:
        """The singular values at or below the threshold, largest first."""
        return self.spectrum.values[self.n_signal :]

    @cached_property
    def law(self) -> SingularValueLaw:
        """The law of the singular values of pure noise of this shape and level."""
        return SingularValueLaw(self.spectrum.shape, self.sigma)

    @property
    def edge(self) -> float:
        """Upper edge of `law`: σ(√n + √p)."""
        return float(self.law.support()[1])

    @cached_property
    def ks(self) -> float:
        """Kolmogorov–Smirnov distance of the retained noise from the law fitted to it.

        The supremum over ν of ``|F̂(ν) − F(ν)|``: F̂ gives each of the p − ŝ values of `noise` the
        mass 1/(p − ŝ), and F is the cdf of `law`. The signal values are left out of F̂, so a spike
        cannot spoil the fit of the bulk. F is not cut at the threshold: the estimators of this
        package put the threshold at or near the edge, where 1 − F is far below 1/p; a threshold set
        deep inside the law is a misfit and counts as one.

        Because σ was fitted to the same values and neighbouring singular values repel each other,
        a good fit is far closer than 1.36/√p, the 5 % point for independent draws: about .008 for a
        384 × 384 matrix of pure noise. If no singular value is left as noise, there is nothing to
        compare and the distance is 1, the worst there is.
        """
        noise = self.noise[::-1]
        if noise.size == 0:
            return 1.0
        steps = np.arange(noise.size + 1) / noise.size
        fitted = self.law.cdf(noise)
        # The empirical cdf jumps at each value: the law is held against both sides of the jump.
        return float(max(np.max(steps[1:] - fitted), np.max(fitted - steps[:-1])))

    @property
    def ks_null(self) -> float:
        """Distance that pure noise of this shape stays under with probability 95 %.

        (0.92 + 0.42 log p)/p, within 6 % of simulation for p from 16 to 512 and any aspect ratio:
        singular values repel each other, so it falls almost like 1/p and not like 1/√p.
        """
        return (_NULL_LEVEL + _NULL_SLOPE * math.log(self.spectrum.p)) / self.spectrum.p

    @property
    def verdict(self) -> Verdict:
        """How far to trust the threshold, in a word.

        ``"noise"``: the bulk cannot be told from pure noise (`ks` ≤ `ks_null`). ``"close"``: it can, but
        `ks` is below 0.03; in trained layers predicted and true cosines then agreed. ``"shaped"``: `ks`
        is below 0.08; ``"unfit"``: it is not. In both the score was off by more than a few hundredths
        and the count often by half or more, either way. The lines 0.03 and 0.08 are our proposals.

        The word is about the bulk, not about what stands above it. Heavy-tailed entries or a nonzero
        mean make false spikes and leave the bulk close to the law; many true spikes in a small matrix
        push BEMA's bulk away from it: a settled fit, which `noise_fit` makes, judges what is left by its
        own shape. A short spectrum has a wide null: for p below about 50 ``"noise"`` says little.
        Measured in "Does the bulk follow the law?" and "What would refute it".
        """
        if self.ks <= self.ks_null:
            return "noise"
        if self.ks < _CLOSE:
            return "close"
        return "shaped" if self.ks < _SHAPED else "unfit"

    def report(self) -> str:
        """What was found and how the bulk looks, in a few sentences.

        `noise_fit` returns a fit whose report also says what speaks against it.

        Examples
        --------
        >>> print(NoiseFit("by hand", Spectrum([9.0, 3, 2, 1], (4, 9)), 0.8, 4.0).report())
        by hand: 1 of the 4 singular values of a 4×9 matrix is signal.
        Noise level 0.8, edge of its law 4, threshold 4; the largest value is 9, 2.25 times the threshold.
        The signal holds 85.3 % of the sum of squares.
        The bulk cannot be told from pure noise: distance 0.292 from the law, noise stays under 0.376.
        """
        rows, columns = self.spectrum.shape
        values, s = self.spectrum.values, self.n_signal
        relative = values / values[0]
        share = float(relative[:s] @ relative[:s] / (relative @ relative))
        bulk = {
            "noise": "cannot be told from pure noise",
            "close": "is close to the law of pure noise, but can be told from it",
            "shaped": "is shaped by more than noise",
            "unfit": "does not follow the law of noise",
        }[self.verdict]
        lines = [
            f"{self.method}: {s} of the {self.spectrum.p} singular values of a {rows}×{columns} matrix "
            f"{'is' if s == 1 else 'are'} signal.",
            f"Noise level {self.sigma:.4g}, edge of its law {self.edge:.4g}, threshold "
            f"{self.threshold:.4g}; the largest value is {values[0]:.4g}, "
            f"{values[0] / self.threshold:.3g} times the threshold.",
            f"The signal holds {share:.1%} of the sum of squares.".replace("%", " %") if s else "",
            f"The bulk {bulk}: distance {self.ks:.3f} from the law, noise stays under "
            f"{self.ks_null:.3f}.",
        ]
        return "\n".join(line for line in lines if line)

    def __repr__(self) -> str:
        rows, columns = self.spectrum.shape
        return (
            f"NoiseFit({self.method}, {rows}×{columns}: sigma={self.sigma:.4g}, "
            f"threshold={self.threshold:.4g}, n_signal={self.n_signal}, ks={self.ks:.3f})"
        )
