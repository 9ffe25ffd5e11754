"""What lies in a file of weights: names, shapes and types now, values one tensor at a time.

Safetensors and numpy files are read here, with numpy alone; what PyTorch saved is read in
`nets/checkpoint.py`. A file comes from anywhere: nothing in it is run, no size that it states is
believed before it is held against the bytes that are there.
"""

from __future__ import annotations

import io
import json
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

# Longest header that is parsed: that of the safetensors format's own reader, and numpy's.
_MOST_JSON = 100_000_000
_MOST_NPY = 10_000

# Longer names are cut: they go into a table.
_MOST_NAME = 200

_SAFETENSORS = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",  # numpy has no such type; see `_widened`
    **{f"I{8 * size}": f"<i{size}" for size in (1, 2, 4, 8)},
    **{f"U{8 * size}": f"<u{size}" for size in (1, 2, 4, 8)},
    "BOOL": "|b1",
}
# Known to the format and of a known size, but not read: what they mean depends on scales elsewhere.
_BITS = {"F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4, "C64": 64}

Array: TypeAlias = NDArray[Any]


class UnreadableModel(ValueError):
    """The file is damaged, of an unknown kind, or would have to be run in order to be read."""


@dataclass(frozen=True)
class StoredTensor:
    """A tensor that lies in a file.

    Attributes
    ----------
    name : str
        As in the file, with what a terminal would not print as it is escaped.
    shape : tuple of int
    dtype : str
        As the file calls it.
    read : callable
        Returns the values as a floating-point array of that shape, from the file, at each call. May
        raise `UnreadableModel`. None if these are no floating-point numbers.
    problem : str
        Why they cannot be read although they may be weights; empty otherwise.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    read: Callable[[], Array] | None
    problem: str = ""


def stored_tensors(path: Path) -> list[StoredTensor]:
    """List what a file of weights holds, by its content and not by its name's ending.

    Raises
    ------
    UnreadableModel
        If the file is none of safetensors, ``.npy``, ``.npz`` and what ``torch.save`` writes, or is
        damaged.
    OSError
        If there is no such file, or it may not be read.
    """
    with path.open("rb") as file:
        start = file.read(16)
    if start.startswith(b"\x93NUMPY"):
        return _npy(path)
    if start[8:9] == b"{":
        return _safetensors(path)
    if start.startswith(b"PK\x03\x04"):
        with _zip(path) as archive:
            names = archive.namelist()
        if names and all(name.endswith(".npy") for name in names):
            return _npz(path)
        return _checkpoint(path)
    if start.startswith(b"\x80"):  # a pickle: what torch.save wrote before version 1.6
        return _checkpoint(path)
    raise UnreadableModel(
        "this is neither a safetensors file, nor a .npy or .npz file, nor one that torch.save wrote"
    )


def printable(name: Any) -> str:
    """A name that leaves a terminal, a table and a page alone."""
    text = "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii")
        for c in str(name)[: _MOST_NAME + 1]
    )
    return text if len(text) <= _MOST_NAME else text[: _MOST_NAME - 1] + "…"


def _checkpoint(path: Path) -> list[StoredTensor]:
    try:
        from ..nets.checkpoint import tensors_of
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingLibrary(
            'a file that torch.save wrote needs PyTorch: pip install "rmt-helpers[nets]", or save '
            "the weights as safetensors"
        ) from None
    try:
        found = tensors_of(path)
    except ValueError as error:
        raise UnreadableModel(str(error)) from None
    return [
        StoredTensor(printable(name), shape, dtype, read, problem)
        for name, shape, dtype, read, problem in found
    ]


class MissingLibrary(RuntimeError):
    """What was asked for needs a library, or a device, that is not there."""


def _safetensors(path: Path) -> list[StoredTensor]:
    """The format: length of the header (8 bytes, little-endian), header (JSON), values."""
    size = path.stat().st_size
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > min(_MOST_JSON, size - 8):
            raise UnreadableModel(
                f"its header claims {length} bytes, the file has {size}: truncated, or no "
                "safetensors file"
            )
        text = file.read(length)
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_no_repeats)
    except (ValueError, RecursionError) as error:
        raise UnreadableModel(f"its header is no valid JSON: {printable(error)}") from None
    header.pop("__metadata__", None)
    start, found, spans = 8 + length, [], []
    # Writers sort by type first; people look for layer 2 before layer 10.
    for name, entry in sorted(header.items(), key=lambda item: _natural(item[0])):
        shape, code, begin, end = _entry(name, entry)
        count = math.prod(shape)
        dtype = _SAFETENSORS.get(code)
        if dtype is not None:
            needed = count * np.dtype(dtype).itemsize
        elif code in _BITS:
            needed = (count * _BITS[code] + 7) // 8
        else:
            raise UnreadableModel(f"tensor {printable(name)} is of an unknown type")
        if end - begin != needed:
            raise UnreadableModel(
                f"tensor {printable(name)} of shape {shape} and type {code} needs {needed} bytes, "
                f"its header gives it {end - begin}"
            )
        spans.append((begin, end))
        read, problem = None, ""
        if dtype is None:
            problem = f"numbers of type {code} are not read"
        elif code in ("F64", "F32", "F16", "BF16"):
            read = _reader(path, start + begin, dtype, shape)
        found.append(StoredTensor(printable(name), shape, code, read, problem))
    at = 0
    for begin, end in sorted(spans):
        if begin != at:
            raise UnreadableModel("its tensors overlap or leave gaps: the header is damaged")
        at = end
    if start + at != size:
        raise UnreadableModel(
            f"its header describes {start + at} bytes, the file has {size}: truncated or damaged"
        )
    return found


def _natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts numbers inside names by their size; of ASCII digits alone, and not too long ones."""
    parts = re.split("([0-9]{1,18})", name)
    return [(int(part), "") if k % 2 else (-1, part) for k, part in enumerate(parts)]


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise ValueError("a name occurs twice")
    return entries


def _entry(name: str, entry: Any) -> tuple[tuple[int, ...], str, int, int]:
    """Shape, type, first and last byte of a tensor as the header of a safetensors file has them."""
    try:
        shape, code, (begin, end) = entry["shape"], entry["dtype"], entry["data_offsets"]
        numbers = [*shape, begin, end]
        sound = isinstance(code, str) and isinstance(shape, list)
    except (TypeError, KeyError, ValueError):
        sound = False
    if not sound or not all(type(number) is int and number >= 0 for number in numbers):
        raise UnreadableModel(f"the entry of tensor {printable(name)} in its header is damaged")
    return tuple(shape), code, begin, end


def _reader(path: Path, offset: int, dtype: str, shape: tuple[int, ...]) -> Callable[[], Array]:
    def read() -> Array:
        count = math.prod(shape)
        values = np.fromfile(path, dtype=dtype, count=count, offset=offset)
        if values.size != count:
            raise UnreadableModel("the file has become shorter while it was read")
        return _widened(values).reshape(shape)

    return read


def _widened(values: Array) -> Array:
    """Bfloat16, which comes as the upper half of a float32's bits, as that float32."""
    if values.dtype != np.uint16:
        return values
    bits = values.astype(np.uint32)
    bits <<= 16
    return bits.view(np.float32)


@dataclass(frozen=True)
class _NpyHeader:
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool


def _npy_header(file: Any, size: int, name: str) -> _NpyHeader:
    """Read the header of a .npy file, of which `size` bytes are there, without believing it."""
    start = file.read(8)
    wide = start[6:7] != b"\x01"
    length_bytes = file.read(4 if wide else 2)
    if len(start) + len(length_bytes) < (12 if wide else 10) or start[:6] != b"\x93NUMPY":
        raise UnreadableModel(f"{name} is truncated, or no array that numpy saved")
    length = int.from_bytes(length_bytes, "little")
    if start[6] not in (1, 2, 3) or length > _MOST_NPY:
        raise UnreadableModel(f"the header of {name} is damaged")
    parse = np.lib.format.read_array_header_2_0 if wide else np.lib.format.read_array_header_1_0
    try:
        shape, fortran, dtype = parse(io.BytesIO(length_bytes + file.read(length)))
    except Exception as error:  # numpy parses a Python literal, which can go wrong in many ways
        raise UnreadableModel(f"the header of {name} is damaged: {printable(error)}") from None
    if dtype.hasobject:
        raise UnreadableModel(
            f"{name} holds Python objects; reading them could run code, so they are refused"
        )
    offset = len(start) + len(length_bytes) + length
    needed = offset + math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or needed != size:
        raise UnreadableModel(
            f"{name} claims shape {shape} and type {dtype}, which takes {needed} bytes; there are "
            f"{size}: truncated or damaged"
        )
    return _NpyHeader(offset, shape, dtype, fortran)


def _from_numpy(name: str, header: _NpyHeader, fill: Callable[[Array], None]) -> StoredTensor:
    def read() -> Array:
        values = np.empty(math.prod(header.shape), header.dtype)
        fill(values)
        return values.reshape(header.shape, order="F" if header.fortran else "C")

    kind, problem = header.dtype.kind, ""
    if kind not in "fiub":
        problem = f"numbers of type {header.dtype} are not read"
    return StoredTensor(
        printable(name), header.shape, str(header.dtype), read if kind == "f" else None, problem
    )


def _npy(path: Path) -> list[StoredTensor]:
    with path.open("rb") as file:
        header = _npy_header(file, path.stat().st_size, "it")

    def fill(values: Array) -> None:
        with path.open("rb") as file:
            file.seek(header.offset)
            _fill(file, values)

    return [_from_numpy(path.stem, header, fill)]


def _npz(path: Path) -> list[StoredTensor]:
    found = []
    with _zip(path) as archive:
        for info in archive.infolist():
            name = info.filename.removesuffix(".npy")
            with _member(archive, info) as file:
                header = _npy_header(file, info.file_size, printable(name))

            def fill(values: Array, info: Any = info, offset: int = header.offset) -> None:
                with _zip(path) as archive, _member(archive, info) as file:
                    file.read(offset)
                    _fill(file, values)

            found.append(_from_numpy(name, header, fill))
    return found


def _fill(file: Any, values: Array) -> None:
    """Read exactly as many bytes as `values` has room for; then the file must be at its end."""
    room = memoryview(values.view(np.uint8))  # type: ignore[arg-type]  # numpy's own stubs
    try:
        while len(room) and (got := file.readinto(room[: 1 << 20])):
            room = room[got:]
        rest = file.read(1)  # at the end, an archive compares its checksum
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise UnreadableModel(f"its values are damaged: {printable(error)}") from None
    if len(room) or rest:
        raise UnreadableModel("its values are not as long as its header says")


def _zip(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise UnreadableModel(f"it is a damaged or truncated archive: {printable(error)}") from None


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Any:
    try:
        return archive.open(info)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError) as error:
        raise UnreadableModel(
            f"{printable(info.filename)} is damaged: {printable(error)}"
        ) from None
