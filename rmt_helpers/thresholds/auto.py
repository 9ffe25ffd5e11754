"""One function for all estimators, and a fit that says how far to trust it."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from .._checks import FloatArray
from ..spectrum import Spectrum
from ._common import as_matrix, check_level
from .bema import bema
from .bema_general import bema_general
from .broadening import gaussian_broadening
from .checks import FEW, TOO_FEW, EntryChecks, check_entries, evened, far, findings, rest_fit
from .fit import NoiseFit
from .gavish_donoho import gavish_donoho
from .kritchman_nadler import kritchman_nadler
from .parallel import parallel_analysis
from .screenot import screenot
from .shrinkage import optimal_shrinkage

Trust: TypeAlias = Literal["high", "fair", "low"]

#: The lowest level that "auto" takes: a level of β may need 1/β copies of the matrix.
LEAST_BETA = 0.001

#: The estimators by the name that `noise_fit` knows them by.
METHODS: dict[str, Callable[..., NoiseFit]] = {
    "bema": bema,
    "gaussian_broadening": gaussian_broadening,
    "gavish_donoho": gavish_donoho,
    "optimal_shrinkage": optimal_shrinkage,
    "screenot": screenot,
    "kritchman_nadler": kritchman_nadler,
    "parallel_analysis": parallel_analysis,
    "bema_general": bema_general,
}


@dataclass(frozen=True, eq=False, repr=False)
class CheckedFit(NoiseFit):
    """A `NoiseFit` whose premises were looked at; `report` says it in words.

    `ks`, `ks_null` and `verdict` remain those of the fit and of the law that is drawn for it, which has the
    shape of W. Many signals leave noise of another shape, so trust and report go by those of `rest`.

    Attributes
    ----------
    fit : NoiseFit
        What the estimator returned, with whatever it has beyond a noise level and a threshold.
    rest : NoiseFit or None
        The values below the threshold as noise of the shape that the signal leaves, after rows and
        columns were scaled to one variance where they differ: a settled fit. None where too few values
        are left.
    entries : EntryChecks or None
        What the entries show; None if only a spectrum was given.
    findings : tuple of str
        A sentence for each thing that speaks against the fit.
    trust : {"high", "fair", "low"}
        How far to trust `n_signal`; see `noise_fit`.
    """

    fit: NoiseFit
    rest: NoiseFit | None
    entries: EntryChecks | None
    findings: tuple[str, ...]
    trust: Trust

    def report(self) -> str:
        """What was found, what speaks against it, and how far to trust it."""
        lines = [super().report()]
        lines += [f"  - {sentence}" for sentence in self.findings]
        return "\n".join([*lines, f"Trust in the count: {self.trust}. {_TRUST[self.trust]}"])

    def bulk_line(self, bulk: str = "The bulk") -> str:
        """The sentence of `report` on the bulk, by `rest`; empty where a finding says that it is None."""
        if self.rest is None:
            return ""
        if self.entries is not None and self.entries.unequal:
            bulk += ", with rows and columns scaled to one variance,"
        return self.rest.bulk_line(bulk)

    def __repr__(self) -> str:
        rows, columns = self.spectrum.shape
        return (
            f"CheckedFit({self.method}, {rows}×{columns}: sigma={self.sigma:.4g}, "
            f"threshold={self.threshold:.4g}, n_signal={self.n_signal}, trust={self.trust})"
        )


_TRUST: dict[Trust, str] = {
    "high": "What is left looks like independent noise of one variance; weak signals may hide in it.",
    "fair": "What is left is noise or close to it, but less could be checked or a cruder method was needed.",
    "low": "Do not rely on the count: what is left is not the noise that the method knows.",
}


def noise_fit(W_or_spectrum: Any, method: str = "auto", **options: Any) -> CheckedFit:
    """Fit noise to a matrix, check what the fit takes for granted, and say how far to trust it.

    The rule of ``"auto"``, after the measurements of the experiment "estimators":

    1. `kritchman_nadler`: of the fast estimators that keep their level where the noise is independent and
       of one variance, it alone copes with many signals and with weak ones. Where there are a few strong
       ones, and nothing else, `bema` is exact some per cent more often.
    2. The directions that it found are taken out, and the entries that are left are looked at. If rows
       or columns differ in variance, or tails are heavy, `parallel_analysis` with random signs and
       deflation counts again: it needs neither equal variances nor light tails. A spectrum without its
       matrix has no entries, and the first count stands.

    Trust is ``"low"`` if the distance of the values that are left from the law of noise of their own
    shape (`CheckedFit.rest`) exceeds 0.03 and one and a half times what pure noise stays under, if
    neighbouring entries are correlated, if there are fewer than 16 values, or if variances are unequal
    or tails heavy and the method does not allow for that. It is ``"high"`` if what is left cannot be told
    from noise, there are at least 50 values, and the entries are of one variance, not heavy-tailed and
    not correlated; otherwise ``"fair"``. A mean of the entries that is large enough to be counted is named
    in a finding and does not lower trust: it is a signal, and what is left beside it is noise.

    Parameters
    ----------
    W_or_spectrum : array_like of shape (N, M), or Spectrum
        The matrix, in any orientation and on any scale. With a spectrum fewer checks are possible, and
        trust is at most ``"fair"``.
    method : str
        ``"auto"``, or the name of an estimator: ``"bema"``, ``"gaussian_broadening"``,
        ``"gavish_donoho"``, ``"optimal_shrinkage"``, ``"screenot"``, ``"kritchman_nadler"``,
        ``"parallel_analysis"``, ``"bema_general"``. Its fit is checked in the same way.
    **options
        Go to the estimator; with ``"auto"`` only `beta`, at least 0.001, and `rng`. A `beta` under 0.05
        needs more scrambled copies, 1/β − 1, where the second step is taken.

    Returns
    -------
    CheckedFit
        A `NoiseFit`, with `findings`, `trust` and a longer `report`.

    Raises
    ------
    ValueError
        If `method` is unknown, an option is none of the estimator's, `beta` is too low for ``"auto"``, or
        the estimator refuses its input.

    Notes
    -----
    "auto" answers how many values are more than noise. What to keep for the least error is another
    question: `optimal_shrinkage`, or `gavish_donoho` for a hard threshold.

    Examples
    --------
    >>> from rmt_helpers import spiked_matrix
    >>> W, _, _ = spiked_matrix((200, 300), [4.0, 3.0, 2.0], sigma=0.1, rng=0)
    >>> fit = noise_fit(W)
    >>> fit.n_signal, fit.trust
    (3, 'high')
    >>> print(fit.report())
    kritchman-nadler: 3 of the 200 singular values of a 200×300 matrix are signal.
    Noise level 0.1001, edge of its law 3.148, threshold 3.146; the largest value is 7.273, 2.31 times the threshold.
    The signal holds 14.8 % of the sum of squares.
    The bulk cannot be told from pure noise: distance 0.012 from the law, noise stays under 0.016.
    Trust in the count: high. What is left looks like independent noise of one variance; weak signals may hide in it.
    """
    if method != "auto" and method not in METHODS:
        raise ValueError(f"method must be auto or one of {', '.join(METHODS)}, was {method!r}")
    matrix = None
    if isinstance(W_or_spectrum, Spectrum):
        spectrum = W_or_spectrum
    else:
        matrix = as_matrix(W_or_spectrum)
        u, values, vt = np.linalg.svd(matrix, full_matrices=False)
        spectrum = Spectrum(values, (matrix.shape[0], matrix.shape[1]))

    def look(s: int) -> tuple[EntryChecks | None, FloatArray]:
        """Check the entries beyond s directions; return the values beyond them, evened if need be."""
        rest = spectrum.values[s:]
        if matrix is None or s >= spectrum.p - 1:
            return None, rest
        # In units of the largest value, so that fourth powers neither overflow nor vanish.
        unit = float(values[0])
        residual = (u[:, s:] * (values[s:] / unit)) @ vt[s:]
        entries = check_entries(matrix / unit, residual, s)
        return entries, evened(residual)[: rest.size] if entries.unequal else rest

    source: Any = spectrum if matrix is None else matrix
    if method == "auto":
        for name in options:
            if name not in ("beta", "rng"):
                raise ValueError(f'options of "auto" are beta and rng; {name} is none of them')
        level = {"beta": check_level(options["beta"])} if "beta" in options else {}  # type: dict[str, Any]
        if level and level["beta"] < LEAST_BETA:
            raise ValueError(
                f'beta must be at least {LEAST_BETA} with "auto", was {level["beta"]!r}'
            )
        fit = kritchman_nadler(spectrum, **level)
        entries, left = look(fit.n_signal)
        if entries is not None and (entries.unequal or entries.heavy):
            # As many copies as the level needs, and never fewer than by default.
            copies = max(19, math.ceil(1 / level["beta"] - 1e-9) - 1) if level else 19
            fit = parallel_analysis(
                source, permutations=copies, null="signs", deflate=True, **options
            )
            entries, left = look(fit.n_signal)
    else:
        estimator = METHODS[method]
        fit = _call(estimator, source if estimator is parallel_analysis else spectrum, options)
        entries, left = look(fit.n_signal)
    rest = rest_fit(left, spectrum.shape, fit.n_signal)
    found = findings(fit, rest, entries)
    return CheckedFit(
        fit.method,
        fit.spectrum,
        fit.sigma,
        fit.threshold,
        fit,
        rest,
        entries,
        tuple(found),
        _trust(fit, rest, entries),
    )


def _call(estimator: Callable[..., NoiseFit], source: Any, options: dict[str, Any]) -> NoiseFit:
    """Call an estimator; an option that it does not have is a ValueError."""
    known = list(inspect.signature(estimator).parameters)[1:]
    for name in options:
        if name not in known:
            raise ValueError(
                f"options of {estimator.__name__} are {', '.join(known)}; {name} is none of them"
            )
    return estimator(source, **options)


def _trust(fit: NoiseFit, rest: NoiseFit | None, entries: EntryChecks | None) -> Trust:
    """Return how far to trust a count, by the rule of `noise_fit`."""
    if rest is None or fit.spectrum.p < TOO_FEW or far(rest):
        return "low"
    breached = entries is not None and (entries.unequal or entries.heavy)
    # Random signs and deflation ask for neither equal variances nor light tails.
    allowed = fit.method == "parallel analysis (signs)"
    if entries is not None and (entries.correlated or (breached and not allowed)):
        return "low"
    if entries is None or breached or rest.verdict != "noise" or fit.spectrum.p < FEW:
        return "fair"
    return "high"
