"""What `torch.save` wrote, read without running any of it; and singular values on a GPU.

The command that lists thresholds comes here only for such a file, or for a GPU: all else it does
without torch.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from ..spectrum import Spectrum

_READ = (torch.float64, torch.float32, torch.float16, torch.bfloat16)

# A checkpoint's optimiser keeps arrays of the weights' shapes, which are no weights.
_NOT_WEIGHTS = "optim"

StoredFacts = tuple[str, tuple[int, ...], str, Callable[[], NDArray[Any]] | None, str]


def tensors_of(path: Path) -> list[StoredFacts]:
    """List the tensors of a state dictionary or of a checkpoint that holds one.

    Values stay in the file until they are read (memory map), unless the file is of the format
    before torch 1.6, which has to be read as a whole.

    Parameters
    ----------
    path : Path
        Of a file that ``torch.save`` wrote.

    Returns
    -------
    list of (name, shape, type, read, problem)
        See `command.stored.StoredTensor`. Dictionaries inside dictionaries are followed, except
        those whose name begins with "optim".

    Raises
    ------
    ValueError
        If the file is damaged, holds something else, or holds anything that only running code from
        it could restore: it is loaded with ``weights_only=True``.
    """
    with path.open("rb") as file:
        zipped = file.read(2) == b"PK"
    if zipped:
        _check_archive(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # on what is slow or old in the file: not the user's doing
            stored = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except OSError:
        raise
    except Exception as error:  # a damaged or hostile file can make the unpickler raise anything
        raise ValueError(f"PyTorch refuses it: {_first_words(error)}") from None
    if not isinstance(stored, Mapping):
        raise ValueError(f"it holds a {type(stored).__name__}, not a state dictionary")
    return [_facts(name, tensor) for name, tensor in _flat(stored, "", set())]


def singular_values(
    W: NDArray[Any], device: str, method: Literal["svd", "gram"] = "svd"
) -> Spectrum:
    """`Spectrum.of`, computed in float64 on a device that torch knows.

    Parameters
    ----------
    W : array of shape (N, M)
    device : str
        As torch names it, "cpu" or "cuda:0".
    method : {"svd", "gram"}
        As for `Spectrum.of`.

    Raises
    ------
    ValueError
        As `Spectrum.of`.
    """
    matrix = torch.from_numpy(np.ascontiguousarray(W)).to(device).double()
    if matrix.dim() != 2 or not bool(torch.isfinite(matrix).all()) or not matrix.any():
        return Spectrum.of(W)  # it says what is wrong
    if method == "gram":
        short = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
        # As in Spectrum.of: a power of two, so that squares neither overflow nor vanish.
        unit = 2.0 ** float(torch.frexp(short.abs().max()).exponent)
        short = short / unit
        squares = torch.linalg.eigvalsh(short @ short.T).flip(0)
        values = unit * squares.clamp(min=0).sqrt()
    else:
        values = torch.linalg.svdvals(matrix)
    return Spectrum(values.cpu().numpy(), (matrix.shape[0], matrix.shape[1]))


def check_device(device: str) -> None:
    """Refuse a device that is not there.

    Raises
    ------
    ValueError
        If `device` is no CUDA device that torch can use here.
    """
    try:
        index = torch.device(device)
    except RuntimeError:
        raise ValueError(f'device must be "cpu", "cuda" or "cuda:0", …, was {device!r}') from None
    if index.type != "cuda":
        raise ValueError(f'device must be "cpu" or "cuda", was {device!r}')
    if not torch.cuda.is_available() or (index.index or 0) >= torch.cuda.device_count():
        found = torch.cuda.device_count() if torch.cuda.is_available() else 0
        raise ValueError(f"device = {device!r} is not here; PyTorch sees {found} CUDA devices")


def _check_archive(path: Path) -> None:
    """Refuse what torch.save does not write: packed members could unpack to any size."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise ValueError(f"it is a damaged or truncated archive: {error}") from None
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise ValueError("it is a compressed archive, which torch.save does not write")
    if sum(member.file_size for member in members) > path.stat().st_size:
        raise ValueError("its members are larger than the file: the archive is damaged")
    names = ["/".join(member.filename.split("/")[1:]) for member in members]
    if any(name.startswith("code/") for name in names):
        raise ValueError("it is a TorchScript program; save the model's state_dict() instead")
    if "data.pkl" not in names:
        raise ValueError("it is an archive that neither torch.save nor numpy.savez wrote")


def _first_words(error: Exception) -> str:
    """The part of torch's message that says what was wrong, and not how to load it all the same."""
    text = str(error)
    marker = "WeightsUnpickler error: "
    text = text[text.index(marker) + len(marker) :] if marker in text else text
    words = text.strip().split("\n")[0] or type(error).__name__
    return words if len(words) <= 300 else words[:299] + "…"


def _flat(
    stored: Mapping[Any, Any], prefix: str, seen: set[int]
) -> Iterator[tuple[str, torch.Tensor]]:
    """Name and tensor, of each dictionary once: a hostile one may hold itself, or another many times."""
    seen.add(id(stored))
    for key, value in stored.items():
        name = f"{prefix}{key}"
        if isinstance(value, torch.Tensor):
            yield name, value
        elif (
            isinstance(value, Mapping)
            and id(value) not in seen
            and not str(key).lower().startswith(_NOT_WEIGHTS)
        ):
            yield from _flat(value, f"{name}.", seen)


def _facts(name: str, tensor: torch.Tensor) -> StoredFacts:
    def read() -> NDArray[Any]:
        dense = tensor.detach()
        # Numpy has no bfloat16.
        return (dense.float() if dense.dtype is torch.bfloat16 else dense).contiguous().numpy()

    kind, problem = str(tensor.dtype).removeprefix("torch."), ""
    whole = tensor.dtype is torch.bool or not (tensor.is_floating_point() or tensor.is_complex())
    if tensor.device.type == "meta":
        problem = "has a shape, but no values"
    elif tensor.layout is not torch.strided or tensor.is_quantized:
        problem = "sparse and quantised tensors are not read"
    elif tensor.dtype not in _READ and not whole:
        problem = f"numbers of type {kind} are not read"
    readable = tensor.dtype in _READ and not problem
    return name, tuple(tensor.shape), kind, read if readable else None, problem
