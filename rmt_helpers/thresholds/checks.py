"""What the fit of a matrix takes for granted, tested on the matrix: one sentence for each breach.

Each test looks at the entries that are left when the directions taken for signal are out of W.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .._checks import FloatArray
from ..spectrum import Spectrum
from ..spikes import transition
from .bema import bema
from .fit import NoiseFit

# Fewer values say little about a law, and hardly anything; see `NoiseFit.verdict`.
FEW, TOO_FEW = 50, 16

# A test speaks when what it sees is this many standard errors from what equal, independent noise shows,
_ERRORS = 4.0
# and large enough to matter: squared coefficient of variation of the variances, excess kurtosis,
# correlation of neighbours.
_UNEQUAL, _HEAVY, _CORRELATED = 0.01, 0.5, 0.05

# Above this share of signal values the noise that is left has another shape than the matrix.
_MANY = 0.1


@dataclass(frozen=True)
class EntryChecks:
    """What the entries of the noise show.

    Attributes
    ----------
    unequal_rows, unequal_columns : float
        Squared coefficient of variation of the variances of rows and of columns, less what chance makes
        of equal ones; 0 where chance explains it.
    kurtosis : float
        Excess kurtosis of the entries, each in units of its row's and column's level: 0 for Gaussian
        noise, 6 for Student's t with 5 degrees of freedom; a little less is seen, since the levels are
        estimated from the same entries.
    correlation : float
        Of neighbours in a row or in a column, whichever is the larger; 0 where chance explains it.
    mean : float
        The mean of W as the strength θ of the rank-one signal that it is, in units of σ√n.
    """

    unequal_rows: float
    unequal_columns: float
    kurtosis: float
    correlation: float
    mean: float

    @property
    def heavy(self) -> bool:
        """Whether the tails are heavier than those of any law that the fits allow for."""
        return self.kurtosis > _HEAVY

    @property
    def unequal(self) -> bool:
        """Whether rows or columns differ in variance by enough to matter."""
        return max(self.unequal_rows, self.unequal_columns) > _UNEQUAL

    @property
    def correlated(self) -> bool:
        """Whether neighbouring entries depend on each other."""
        return abs(self.correlation) > _CORRELATED


def check_entries(matrix: FloatArray, residual: FloatArray, s: int) -> EntryChecks:
    """Look at a matrix and at what is left of it without the s directions of the signal."""
    size = residual.size
    squares = residual**2
    variance = float(squares.mean())
    # Unequal variances alone would make the whole look heavy-tailed.
    rows, columns = squares.mean(axis=1), squares.mean(axis=0)
    fourth = (squares**2 / (rows[:, None] * columns) ** 2).mean() * variance**2
    kurtosis = float(fourth)
    excess = kurtosis - 3
    if abs(excess) < _ERRORS * math.sqrt(24 / size):
        excess = 0.0
    mean = float(matrix.mean())
    across = residual[:, :-1], residual[:, 1:]
    down = residual[:-1], residual[1:]
    neighbours = [float((a * b).mean()) / variance for a, b in (across, down) if a.size]
    r = max(neighbours, key=abs, default=0.0)
    # ‖mean‖ = |mean| √(pn), in units of σ√n.
    return EntryChecks(
        unequal_rows=_dispersion(rows, residual.shape[1], s, kurtosis),
        unequal_columns=_dispersion(columns, residual.shape[0], s, kurtosis),
        kurtosis=excess,
        correlation=r if abs(r) > _ERRORS / math.sqrt(size) else 0.0,
        mean=abs(mean) * math.sqrt(min(matrix.shape) / variance),
    )


def _dispersion(variances: FloatArray, length: int, s: int, kurtosis: float) -> float:
    """Return by how much variances, each of `length` entries, differ beyond chance."""
    count = variances.size
    if count < 2 or length <= s:
        return 0.0
    relative = float((variances / variances.mean()).var(ddof=1))
    # A mean of squares varies by (κ − 1)/length, and s directions are missing in each. Of each row they
    # have also taken a share h_i with mean s/count, which varies as the norm of a random vector's part.
    chance = (kurtosis - 1) / (length - s) + 2 * s / (count - s) / (count + 2)
    if relative - chance <= _ERRORS * chance * math.sqrt(2 / (count - 1)):
        return 0.0
    return relative - chance


def evened(residual: FloatArray) -> FloatArray:
    """Singular values of a matrix whose rows and columns have been scaled to one variance.

    Noise with a variance for each row times one for each column follows the law of equal variances
    after that (Landa, Zhang and Kluger 2022).
    """
    squares = residual**2
    scale = np.sqrt(squares.mean(axis=1)[:, None] * squares.mean(axis=0))
    safe = np.where(scale > 0, scale, 1.0)
    return np.asarray(np.linalg.svd(residual / safe, compute_uv=False), dtype=np.float64)


def rest_fit(values: FloatArray, shape: tuple[int, int], s: int) -> NoiseFit | None:
    """Fit the p − s values besides the signal as noise of the shape that it leaves, (N − s) × (M − s).

    All of them count as noise, so `ks` and `verdict` tell whether s directions are all that there is
    besides noise. None where fewer than four are left, or nothing that varies.
    """
    if values.size < 4:
        return None
    try:
        rest = Spectrum(values, (shape[0] - s, shape[1] - s))
        sigma = bema(rest).sigma
    except ValueError:
        return None
    return NoiseFit("rest", rest, sigma, float(np.nextafter(rest.values[0], np.inf)))


def far(rest: NoiseFit) -> bool:
    """Whether what is left is so far from the law of noise that no count should be trusted."""
    return rest.ks > max(0.03, 1.5 * rest.ks_null)


def findings(fit: NoiseFit, rest: NoiseFit | None, entries: EntryChecks | None) -> list[str]:
    """Say in sentences what speaks against a fit; none if nothing does."""
    found = []
    p, s = fit.spectrum.p, fit.n_signal
    if p < TOO_FEW:
        found.append(f"Only {p} singular values: no law can be checked with so few.")
    elif p < FEW:
        found.append(f"Only {p} singular values: the bulk is checked, but loosely.")
    if s > _MANY * p:
        found.append(
            f"{s} of {p} values are taken for signal; what is left was judged as noise of "
            f"shape {fit.spectrum.shape[0] - s}×{fit.spectrum.shape[1] - s}."
        )
    if rest is None:
        found.append("Too few values are left as noise to be held against a law.")
    elif rest.verdict != "noise":
        scaled = ", even when they are scaled to one," if entries and entries.unequal else ""
        how = "does not follow" if far(rest) else "comes close to, but can be told from,"
        found.append(
            f"What is left {how} the law of independent noise with one variance{scaled}: "
            f"distance {rest.ks:.3f}, pure noise stays under {rest.ks_null:.3f}."
        )
    if entries is None:
        found.append(
            "Only singular values were given: unequal variances, heavy tails and correlation were not "
            "looked for."
        )
        return found
    for name, value in (("Rows", entries.unequal_rows), ("Columns", entries.unequal_columns)):
        if value > _UNEQUAL:
            found.append(
                f"{name} differ in variance (standard deviation {math.sqrt(value):.0%} of the mean): "
                "with one variance for all, noise passes for signal."
            )
    if entries.heavy:
        found.append(
            f"The entries have heavy tails (excess kurtosis {entries.kurtosis:.1f}): single large entries "
            "pass for signal."
        )
    if entries.correlated:
        found.append(
            f"Neighbouring entries are correlated ({entries.correlation:.2f}): the noise is not independent, "
            "and no method here has a level for that."
        )
    if entries.mean > transition(fit.spectrum.c):
        found.append(
            f"The mean of W is not zero; it is a signal of strength {entries.mean:.1f} by itself."
        )
    return found
