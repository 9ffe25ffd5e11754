"""Parallel analysis: the noise that the entries of W themselves make once their order is destroyed.

No law, no Gaussian: W is held against copies of itself in which whatever connected the entries has been
broken up, by permuting each column or by random signs.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np

from .._checks import FloatArray
from ..spectrum import Spectrum
from ._common import as_matrix, between, check_count, check_level, residual_level
from .fit import NoiseFit

Null: TypeAlias = Literal["columns", "rows", "signs"]


def parallel_analysis(
    W: Any,
    beta: float = 0.1,
    *,
    permutations: int = 19,
    null: Null = "columns",
    deflate: bool = False,
    rng: np.random.Generator | int | None = 0,
) -> NoiseFit:
    """Keep the singular values that exceed those of scrambled copies of W.

    The k-th value is signal if all before it are, and it exceeds the k-th value of all but the largest
    β(B + 1) − 1 of B copies: with the defaults, of all but one of 19.

    Parameters
    ----------
    W : array_like of shape (N, M)
        The matrix itself; its singular values do not suffice.
    beta : float
        Level of each comparison, in (0, 1); at least 1/(B + 1).
    permutations : int
        B, the number of copies. The time is about that of B + 1 spectra.
    null : {"columns", "rows", "signs"}
        How a copy is made. ``"columns"`` permutes the entries within each column and keeps the law of each
        column, so columns may differ in variance; ``"rows"`` does the same for rows. ``"signs"`` gives
        every entry a random sign and so allows each entry a variance of its own, if its law is symmetric.
    deflate : bool
        Whether to keep what exceeds the *largest* value of the copies, to take it out of W, to scramble
        what is left and to compare again, until nothing new is found. A strong signal is otherwise
        scrambled into noise that hides weak ones. Every round costs B more spectra.
    rng : numpy.random.Generator, int or None
        Source of randomness, or a seed for one. The default is a seed, so that a matrix has one answer.

    Returns
    -------
    NoiseFit
        `threshold` is what the first value that was not found failed to exceed. The method has no σ̂:
        `sigma` is the root mean square of the entries that are left when the found directions are taken
        out, and `law` and `ks` are those of white noise of that level.

    Raises
    ------
    ValueError
        If `W` is a `Spectrum` or not a valid matrix, an argument is not as above, or nothing but the
        found values is in W.

    Notes
    -----
    The level holds for pure noise. Without deflation, after k signals the next value is held against the
    (k + 1)-th of noise, not its largest: of a few weak signals it finds more than a test does, and one or
    more too many, the more often the larger the matrix. With it, every round compares like with like.
    Scrambling keeps the entries, hence also heavy tails: they no longer make false signals, and they hide
    true ones. It destroys every correlation, so correlated noise counts as signal. Column permutation
    keeps the column means: a mean that all columns share hides behind itself, and with it all that is
    smaller, until columns are centred; with signs it counts as a signal. A signal that sits in a few
    entries survives scrambling and is missed.

    References
    ----------
    Horn, "A rationale and test for the number of factors in factor analysis", Psychometrika 30 (1965);
    Buja, Eyuboglu, "Remarks on parallel analysis", Multivariate Behav. Res. 27 (1992), for permutation;
    Dobriban, Owen, "Deterministic parallel analysis", J. R. Stat. Soc. B 81 (2019), for deflation; Hong,
    Sheng, Dobriban, "Selecting the number of components in PCA via random signflips" (2020), arXiv
    2012.02985.

    Examples
    --------
    >>> from rmt_helpers import spiked_matrix
    >>> W, _, _ = spiked_matrix((100, 150), [4.0, 3.0], sigma=0.1, rng=0)
    >>> parallel_analysis(W).n_signal
    2
    >>> W[:, :75] *= 0.2  # half of the columns much quieter
    >>> parallel_analysis(W, null="signs", deflate=True).n_signal
    2
    """
    matrix = as_matrix(W, "parallel analysis scrambles its entries")
    copies = check_count(permutations, "permutations", 1)
    beta = check_level(beta)
    # The small number absorbs the rounding of, say, 0.05 · 20.
    rank = int(beta * (copies + 1) + 1e-9)
    if rank < 1:
        raise ValueError(
            f"beta = {beta!r} needs at least {int(np.ceil(1 / beta - 1e-9)) - 1} permutations, "
            f"there were {copies}"
        )
    if null not in ("columns", "rows", "signs"):
        raise ValueError(f'null must be "columns", "rows" or "signs", was {null!r}')
    generator = np.random.default_rng(rng)
    unit = float(np.abs(matrix).max())
    matrix = matrix / unit if unit else matrix
    if deflate:
        u, values, vt = np.linalg.svd(matrix, full_matrices=False)
    else:
        values = np.linalg.svd(matrix, compute_uv=False)
    spectrum = Spectrum(values, (matrix.shape[0], matrix.shape[1]))
    s, rest = 0, matrix
    while True:
        limits = _limits(rest, copies, rank, null, generator)
        # What is left when s directions are out lives in fewer dimensions than a scrambled copy of it.
        full = matrix.size / ((matrix.shape[0] - s) * (matrix.shape[1] - s))
        limits = limits * np.sqrt(full)
        # With what was found taken out, the next value is the largest of what is left: it is held
        # against the largest of a copy, not against the one of its old place.
        beyond = values[s:] > (limits[0] if deflate else limits[: values.size - s])
        found = beyond.size if beyond.all() else int(np.argmin(beyond))
        s += found
        if not (deflate and found) or s >= values.size - 1:
            break
        rest = matrix - (u[:, :s] * values[:s]) @ vt[:s]
    level = residual_level(spectrum, s)
    # The comparison that ended the last round.
    threshold = between(spectrum, s, float(limits[0 if deflate else min(found, limits.size - 1)]))
    return NoiseFit(
        f"parallel analysis ({null})",
        Spectrum(unit * values, spectrum.shape),
        unit * level,
        unit * threshold,
    )


def _limits(
    matrix: FloatArray, copies: int, rank: int, null: Null, rng: np.random.Generator
) -> FloatArray:
    """Return, for every k, the rank-th largest k-th singular value among scrambled copies."""
    short = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    axis = {"columns": 0, "rows": 1, "signs": 0}[null]
    if short is not matrix:
        axis = 1 - axis
    found = np.empty((copies, short.shape[0]))
    for b in range(copies):
        if null == "signs":
            copy = np.where(rng.integers(0, 2, short.shape, dtype=np.int8), short, -short)
        else:
            copy = rng.permuted(short, axis=axis)
        # Large values are what counts: the Gram matrix is as exact there and several times faster.
        found[b] = np.linalg.eigvalsh(copy @ copy.T)[::-1]
    kept = np.sort(found, axis=0)[copies - rank]
    return np.asarray(np.sqrt(np.maximum(kept, 0.0)), dtype=np.float64)
