"""From the tensors of a file to a threshold for each weight matrix, one matrix in memory at a time."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..alignment import average_alignment
from ..spectrum import Spectrum
from ..thresholds import CheckedFit, NoiseFit, bema, gaussian_broadening, noise_fit
from .stored import StoredTensor, UnreadableModel

# A spectrum as short as this lets pass what is not noise; see `NoiseFit.verdict`.
_SHORT = 50

_WORDS = {
    "shaped": "the bulk follows the law only roughly",
    "unfit": "the bulk does not follow the law",
}


def memory_limit(methods: Sequence[str] = ()) -> float:
    """A sixth of this machine's memory: a matrix, its copies in float64, and what LAPACK works on.

    A twelfth with "auto", which also holds the vectors and what is left beside the signal.
    """
    share = 12 if "auto" in methods else 6
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / share
    except (AttributeError, ValueError, OSError):  # not on Windows
        return 2.0**31


#: The two estimators that the book compares; both need the singular values alone.
DEFAULT = ("bema", "broadening")


@dataclass(frozen=True)
class Options:
    """What the user chose.

    Attributes
    ----------
    methods : sequence of str
        Keys of `METHODS`.
    alpha, beta : float
        As in `bema`; `beta` also as in `noise_fit`.
    fast : bool
        Singular values from the Gram matrix; see `Spectrum.of`.
    min_size : int
        Matrices with a shorter side are left out.
    device : str
        "cpu", or a CUDA device of torch.
    max_bytes : float
        Matrices that take more in float64 are left out.
    """

    methods: Sequence[str] = DEFAULT
    alpha: float = 0.2
    beta: float = 0.1
    fast: bool = False
    min_size: int = 16
    device: str = "cpu"
    max_bytes: float = math.inf


# The one place that a further estimator has to be named in.
METHODS: dict[str, Callable[[NDArray[Any], Spectrum, Options], NoiseFit]] = {
    "bema": lambda _, spectrum, options: bema(spectrum, options.alpha, options.beta),
    # The window of the book's chapters, or the widest that a short spectrum allows.
    "broadening": lambda _, spectrum, __: gaussian_broadening(spectrum, min(15, spectrum.p // 5)),
    "auto": lambda W, _, options: noise_fit(W, beta=options.beta),
}


@dataclass(frozen=True)
class Finding:
    """What one estimator found in one matrix.

    Attributes
    ----------
    method : str
    fit : NoiseFit or None
        None if the estimator refused the spectrum.
    notes : tuple of str
        What to know before one trusts it, or why it was refused.
    """

    method: str
    fit: NoiseFit | None
    notes: tuple[str, ...]

    @property
    def score(self) -> float:
        """Ave_w(φ̂) of the values above the threshold; NaN if there are none."""
        return math.nan if self.fit is None else average_alignment(self.fit)

    @property
    def bulk(self) -> NoiseFit | None:
        """The fit by whose distance from its law the bulk is judged."""
        # Many signals leave noise of another shape, and "auto" goes by that.
        return self.fit.rest or self.fit if isinstance(self.fit, CheckedFit) else self.fit

    @property
    def trust(self) -> str:
        """How far to trust the rank, where the method tells; else empty."""
        return self.fit.trust if isinstance(self.fit, CheckedFit) else ""


@dataclass(frozen=True)
class Layer:
    """A weight matrix of the file.

    Attributes
    ----------
    name, shape, dtype
        As `StoredTensor` has them.
    findings : tuple of Finding
        One a method; empty if there was no spectrum.
    problem : str
        Why there was none; empty otherwise.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    findings: tuple[Finding, ...] = ()
    problem: str = ""

    @property
    def matrix(self) -> tuple[int, int]:
        """Rows and columns of the tensor as a matrix: a row for each entry along its first axis."""
        return self.shape[0], math.prod(self.shape[1:])

    @property
    def spectrum(self) -> Spectrum | None:
        """The singular values, where there are any."""
        return next((finding.fit.spectrum for finding in self.findings if finding.fit), None)

    @property
    def failed(self) -> bool:
        """Something about it could not be measured."""
        return bool(self.problem) or any(finding.fit is None for finding in self.findings)


@dataclass(frozen=True)
class Plan:
    """What is measured and what is left out.

    Attributes
    ----------
    matrices : tuple of StoredTensor
        To be measured.
    vectors, integers : int
        How many tensors have fewer than two axes, and how many others hold no floating-point numbers.
    small : tuple of str
        Names of the matrices with a side below `Options.min_size`.
    """

    matrices: tuple[StoredTensor, ...]
    vectors: int
    integers: int
    small: tuple[str, ...]


def plan(tensors: Iterable[StoredTensor], options: Options) -> Plan:
    """Tell what is a weight matrix from names, shapes and types alone."""
    matrices, small, vectors, integers = [], [], 0, 0
    for tensor in tensors:
        if len(tensor.shape) < 2:
            vectors += 1
        elif tensor.read is None and not tensor.problem:
            integers += 1
        elif min(tensor.shape[0], math.prod(tensor.shape[1:])) < options.min_size:
            small.append(tensor.name)
        else:
            matrices.append(tensor)
    return Plan(tuple(matrices), vectors, integers, tuple(small))


def measure(matrices: Iterable[StoredTensor], options: Options) -> Iterator[Layer]:
    """Measure one matrix after the other; none is kept."""
    for tensor in matrices:
        yield _measure(tensor, options)


def _measure(tensor: StoredTensor, options: Options) -> Layer:
    facts = tensor.name, tensor.shape, tensor.dtype
    size = 8 * math.prod(tensor.shape)
    if tensor.read is None:
        return Layer(*facts, problem=tensor.problem)
    if size > options.max_bytes:
        return Layer(
            *facts,
            problem=f"takes {size / 2**30:.1f} GiB in float64, more than the "
            f"{options.max_bytes / 2**30:.1f} GiB of --max-gib",
        )
    try:
        W = tensor.read().reshape(tensor.shape[0], -1)
        spectrum = _spectrum(W, options)
    except (UnreadableModel, ValueError, np.linalg.LinAlgError) as error:
        return Layer(*facts, problem=_reason(error))
    except MemoryError:
        return Layer(*facts, problem="does not fit into memory")
    about = _about(W)
    return Layer(
        *facts, tuple(_find(method, W, spectrum, about, options) for method in options.methods)
    )


def _spectrum(W: NDArray[Any], options: Options) -> Spectrum:
    if options.device == "cpu":
        return Spectrum.of(W, method="gram" if options.fast else "svd")
    from ..nets.checkpoint import singular_values

    return singular_values(W, options.device, "gram" if options.fast else "svd")


@dataclass(frozen=True)
class _About:
    """What the entries show and the spectrum hides: `mean` is the singular value of a constant
    matrix of their mean."""

    mean: float
    dead: str


def _about(W: NDArray[Any]) -> _About:
    mean = abs(float(W.mean(dtype=np.float64))) * math.sqrt(W.size)
    used = W != 0
    dead = [
        f"{count} of {used.shape[axis]} {side} {'is' if count == 1 else 'are'} zero"
        for axis, side in ((0, "rows"), (1, "columns"))
        if (count := int(np.count_nonzero(~used.any(axis=1 - axis))))
    ]
    return _About(mean, ", ".join(dead))


def _find(
    method: str, W: NDArray[Any], spectrum: Spectrum, about: _About, options: Options
) -> Finding:
    try:
        fit = METHODS[method](W, spectrum, options)
    except ValueError as error:
        return Finding(method, None, (_reason(error),))
    notes = []
    if isinstance(fit, CheckedFit):
        notes += [f"by {fit.method}", *(found.removesuffix(".") for found in fit.findings)]
        return Finding(method, fit, tuple(notes + [about.dead] * bool(about.dead)))
    if fit.verdict in _WORDS:
        notes.append(_WORDS[fit.verdict])
    elif spectrum.p < _SHORT:
        notes.append(f"{spectrum.p} values are too few to tell a good fit from a bad one")
    if about.dead:
        notes.append(about.dead)
    if about.mean > fit.threshold:
        notes.append("the mean of the entries alone stands above the threshold")
    if method == "bema" and fit.n_signal > options.alpha * spectrum.p:
        notes.append("more values above the threshold than alpha sets aside")
    return Finding(method, fit, tuple(notes))


def _reason(error: Exception) -> str:
    """An error of this package, without the name of the argument that the user never saw."""
    return str(error).removeprefix("W ").removeprefix("values ")
