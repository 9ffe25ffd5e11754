"""`load`: every source, and everything that can be wrong with one.

No test but the last may need the internet.
"""

import gzip
import hashlib
import os
import pickle
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rmt_helpers.nets import data as room
from rmt_helpers.nets.data import CorruptFile, Dataset, DataUnavailable, Images, load

TRAIN, TEST = 7, 3
Files = dict[str, bytes]


def idx(array: np.ndarray) -> bytes:
    """An array of bytes in the IDX format, written from its description."""
    header = bytes([0, 0, 8, array.ndim])
    return header + b"".join(side.to_bytes(4, "big") for side in array.shape) + array.tobytes()


@pytest.fixture
def files() -> Files:
    """Ten small pictures in the four files of MNIST."""
    rng = np.random.default_rng(0)
    return {
        f"{part}-{what}-ubyte": idx(rng.integers(0, top, shape, dtype=np.uint8))
        for part, number in (("train", TRAIN), ("t10k", TEST))
        for what, shape, top in (
            ("images-idx3", (number, 4, 5), 256),
            ("labels-idx1", (number,), 10),
        )
    }


class Elsewhere:
    """The folders of a test, with a source of our own in place of the real ones."""

    def __init__(self, folder: Path, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shared, self.cache, self.files = folder / "shared", folder / "cache", files
        self.monkeypatch = monkeypatch
        monkeypatch.setenv("RMT_CACHE", str(self.cache))
        monkeypatch.delenv("RMT_DATA", raising=False)
        self.serve()

    def serve(self, **sources: Callable[[Path], Files]) -> None:
        """Let these be the only sources of MNIST, and the test's files its canonical ones."""
        checksums = {name: hashlib.md5(content).hexdigest() for name, content in self.files.items()}
        kind = room._KINDS["mnist"]
        files = replace(kind.files, checksums=checksums, sources=sources)
        self.monkeypatch.setitem(room._KINDS, "mnist", replace(kind, files=files))

    def put(self, folder: Path, files: Files, packed: bool = False) -> Path:
        raw = folder / "MNIST" / "raw"
        raw.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            path = raw / (f"{name}.gz" if packed else name)
            path.write_bytes(gzip.compress(content) if packed else content)
        return raw

    def cached(self) -> set[str]:
        return {path.name for path in self.cache.rglob("*") if path.is_file()}


@pytest.fixture
def elsewhere(tmp_path: Path, files: Files, monkeypatch: pytest.MonkeyPatch) -> Elsewhere:
    return Elsewhere(tmp_path, files, monkeypatch)


def assert_right(found: Dataset, files: Files) -> None:
    assert found.train.x.shape == (TRAIN, 1, 4, 5)
    assert found.test.x.shape == (TEST, 1, 4, 5)
    assert found.train.x.dtype == torch.float32
    assert found.train.y.dtype == torch.int64
    pixels = np.frombuffer(files["train-images-idx3-ubyte"][16:], np.uint8) / 255
    np.testing.assert_allclose(found.train.x.numpy().ravel(), pixels, rtol=1e-6)
    assert found.test.y.tolist() == list(files["t10k-labels-idx1-ubyte"][8:])


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("place", ["root", "shared", "cache"])
def test_each_place_packed_or_not(
    elsewhere: Elsewhere, files: Files, place: str, packed: bool
) -> None:
    folder = elsewhere.cache if place == "cache" else elsewhere.shared
    elsewhere.put(folder, files, packed)
    if place == "shared":
        elsewhere.monkeypatch.setenv("RMT_DATA", str(folder))
    assert_right(load("mnist", folder if place == "root" else None), files)


def test_a_read_only_root_is_read_and_left_alone(elsewhere: Elsewhere, files: Files) -> None:
    raw = elsewhere.put(elsewhere.shared, files, packed=True)
    for path in (*raw.iterdir(), raw, raw.parent, elsewhere.shared):
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    before = sorted(raw.iterdir())
    try:
        assert_right(load("mnist", elsewhere.shared), files)
        elsewhere.monkeypatch.setenv("RMT_DATA", str(elsewhere.shared))
        assert_right(load("mnist"), files)
        assert sorted(raw.iterdir()) == before
        assert not elsewhere.cache.exists()
    finally:
        for path in (elsewhere.shared, raw.parent, raw, *raw.iterdir()):
            path.chmod(path.stat().st_mode | stat.S_IWUSR)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("damage", ["one bit", "cut short", "empty"])
def test_a_damaged_file_is_told_by_name(
    elsewhere: Elsewhere, files: Files, damage: str, packed: bool
) -> None:
    raw = elsewhere.put(elsewhere.shared, files, packed)
    victim = raw / ("t10k-images-idx3-ubyte" + (".gz" if packed else ""))
    content = bytearray(victim.read_bytes())
    if damage == "one bit":
        content[len(content) // 2] ^= 1
    else:
        content = content[: len(content) // 2 if damage == "cut short" else 0]
    victim.write_bytes(content)
    with pytest.raises(CorruptFile, match="t10k-images") as error:
        load("mnist", elsewhere.shared)
    assert str(victim) in str(error.value)


def test_what_is_fetched_is_kept_and_fetched_once(elsewhere: Elsewhere, files: Files) -> None:
    asked = []

    def source(scratch: Path) -> Files:
        asked.append(scratch)
        (scratch / "left behind").write_text("by a source")
        return files

    elsewhere.serve(ours=source)
    assert_right(load("mnist"), files)
    assert_right(load("mnist"), files)
    assert len(asked) == 1
    assert elsewhere.cached() == set(files)
    assert not asked[0].exists()


def test_an_incomplete_shared_folder_is_passed_over(elsewhere: Elsewhere, files: Files) -> None:
    elsewhere.put(elsewhere.shared, dict(list(files.items())[:3]))
    elsewhere.monkeypatch.setenv("RMT_DATA", str(elsewhere.shared))
    elsewhere.serve(ours=lambda scratch: files)
    assert_right(load("mnist"), files)


def test_the_next_source_is_asked_when_one_fails_or_sends_rubbish(
    elsewhere: Elsewhere, files: Files
) -> None:
    def offline(scratch: Path) -> Files:
        raise ConnectionError("no route to host")

    damaged = files | {"train-labels-idx1-ubyte": b"rubbish"}
    elsewhere.serve(first=offline, second=lambda scratch: damaged, third=lambda scratch: files)
    assert_right(load("mnist"), files)


def test_no_source_at_all_says_what_was_tried_and_what_to_do(
    elsewhere: Elsewhere, files: Files
) -> None:
    def offline(scratch: Path) -> Files:
        raise ConnectionError("no route to host")

    damaged = files | {"train-labels-idx1-ubyte": b"rubbish"}
    elsewhere.serve(**{"a download": offline, "a package": lambda scratch: damaged})
    with pytest.raises(DataUnavailable) as error:
        load("mnist")
    for part in (
        str(elsewhere.cache),
        "a download: ConnectionError: no route to host",
        "a package: train-labels-idx1-ubyte came damaged",
        "set RMT_DATA",
        "MNIST/raw/train-images-idx3-ubyte",
    ):
        assert part in str(error.value)
    assert elsewhere.cached() == set()


def test_a_root_without_the_data_says_what_it_lacks(elsewhere: Elsewhere) -> None:
    with pytest.raises(DataUnavailable, match="train-images-idx3-ubyte"):
        load("mnist", elsewhere.shared)


class Killed(BaseException):
    """Like Ctrl-C: nothing may catch it."""


@pytest.mark.parametrize("when", ["while fetching", "while writing"])
def test_an_interrupted_download_leaves_nothing_that_looks_whole(
    elsewhere: Elsewhere, files: Files, when: str
) -> None:
    def source(scratch: Path) -> Files:
        if when == "while fetching":
            (scratch / "train-images-idx3-ubyte").write_bytes(b"half")
            raise Killed
        return files

    def interrupted(old: str, new: Path) -> None:
        raise Killed

    elsewhere.serve(ours=source)
    with elsewhere.monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupted)
        with pytest.raises(Killed):
            load("mnist")
    assert elsewhere.cached() == set()
    elsewhere.serve(ours=lambda scratch: files)
    assert_right(load("mnist"), files)


def test_files_of_a_killed_process_are_not_taken_for_whole(
    elsewhere: Elsewhere, files: Files
) -> None:
    """What `kill -9` leaves is a file under another name."""
    raw = elsewhere.put(elsewhere.cache, {"." + name + "-x1y2": b"half" for name in files})
    elsewhere.serve(ours=lambda scratch: files)
    assert_right(load("mnist"), files)
    assert (raw / "train-images-idx3-ubyte").read_bytes() == files["train-images-idx3-ubyte"]


def test_a_cache_that_cannot_be_written_costs_nothing(elsewhere: Elsewhere, files: Files) -> None:
    elsewhere.cache.write_text("a file where a folder should be")
    elsewhere.serve(ours=lambda scratch: files)
    assert_right(load("mnist"), files)


def test_two_processes_may_fetch_at_once(elsewhere: Elsewhere, files: Files) -> None:
    """The second finds the first's files there when it comes to write its own."""

    def source(scratch: Path) -> Files:
        elsewhere.put(elsewhere.cache, files)
        return files

    elsewhere.serve(ours=source)
    assert_right(load("mnist"), files)
    assert elsewhere.cached() == set(files)


# CIFAR-10


def as_published(pixels: np.ndarray, labels: list[int]) -> bytes:
    """A batch pickled like the originals: by Python 2, as byte strings, with numpy's names of then.

    Written opcode by opcode, since Python 3 pickles neither.
    """

    def string(content: bytes) -> bytes:
        return b"T" + len(content).to_bytes(4, "little") + content

    def integer(value: int) -> bytes:
        return b"J" + value.to_bytes(4, "little")

    dtype = (
        b"cnumpy\ndtype\n(" + string(b"u1") + b"K\x00K\x01tR"
        b"(K\x03" + string(b"|") + b"NNN" + integer(-1 % 2**32) + integer(-1 % 2**32) + b"K\x00tb"
    )
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00t"
        + string(b"b")
        + b"tR(K\x01("
        + b"".join(integer(side) for side in pixels.shape)
        + b"t"
        + dtype
        + b"\x89"
        + string(pixels.tobytes())
        + b"tb"
    )
    numbers = b"](" + b"".join(integer(label) for label in labels) + b"e"
    items = string(b"data") + array + string(b"labels") + numbers
    return b"\x80\x02}(" + items + b"u."


@pytest.fixture
def batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, bytes]], Path]:
    def write(contents: dict[str, bytes]) -> Path:
        checksums = {name: hashlib.md5(content).hexdigest() for name, content in contents.items()}
        kind = room._KINDS["cifar10"]
        files = replace(kind.files, checksums=checksums, sources={})
        monkeypatch.setitem(room._KINDS, "cifar10", replace(kind, files=files))
        folder = tmp_path / files.folder
        folder.mkdir()
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        return tmp_path

    return write


NAMES = [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]


def test_cifar10(batches: Callable[[dict[str, bytes]], Path]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 2, 3072), dtype=np.uint8)
    root = batches({name: as_published(pixels[k], [k, k]) for k, name in enumerate(NAMES)})
    found = load("cifar10", root)
    assert found.train.x.shape == (10, 3, 32, 32)
    assert found.train.y.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    expected = pixels[5].reshape(2, 3, 32, 32) / 255
    np.testing.assert_allclose(found.test.x.numpy(), expected, rtol=1e-6)


def test_a_pickle_that_would_run_code_is_refused(
    batches: Callable[[dict[str, bytes]], Path], tmp_path: Path
) -> None:
    """Even behind a right checksum nothing is called but what makes an array."""
    mark = tmp_path / "ran"

    class Wicked:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(mark),)

    root = batches(dict.fromkeys(NAMES, pickle.dumps(Wicked(), protocol=2)))
    with pytest.raises(CorruptFile, match=r"mkdir, which no array needs"):
        load("cifar10", root)
    assert not mark.exists()


# The door itself


@pytest.mark.parametrize("name", ["MNIST", "svhn", "", None, ["mnist"]])
def test_unknown_names(name: object) -> None:
    with pytest.raises(ValueError, match=r"name must be one of \['mnist', 'fashion-mnist', 'cif"):
        load(name)  # type: ignore[arg-type]


def test_images_and_take(data: Dataset) -> None:
    few = data.take(10)
    assert (len(few.train), len(few.test)) == (10, len(data.test))
    assert torch.equal(few.train.x, data.train.x[:10])
    chosen = data.train[torch.tensor([4, 2])]
    assert chosen.y.tolist() == [int(data.train.y[4]), int(data.train.y[2])]
    for number in (0, -1, len(data.train) + 1, 2.5):
        with pytest.raises(ValueError, match="number must"):
            data.take(number)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="y must hold one label an image"):
        Images(data.train.x, data.train.y[:3])


def test_a_normal_load_imports_no_torchvision(elsewhere: Elsewhere, files: Files) -> None:
    """It costs as much time as torch itself. The files have wrong checksums, told on reading."""
    elsewhere.put(elsewhere.shared, files)
    program = (
        "import sys\n"
        "from rmt_helpers.nets.data import load, CorruptFile\n"
        "try:\n    load('mnist')\n"
        "except CorruptFile:\n    print('torchvision' in sys.modules, 'joblib' in sys.modules)\n"
    )
    environment = os.environ | {"RMT_DATA": str(elsewhere.shared)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.stdout.strip() == "False False", done.stderr


def test_real_mnist() -> None:
    """From wherever this machine has it, or fetched; its facts are published ones."""
    mnist = load("mnist")
    assert mnist.train.x.shape == (60_000, 1, 28, 28)
    assert mnist.test.x.shape == (10_000, 1, 28, 28)
    assert mnist.train.y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert mnist.test.y[:5].tolist() == [7, 2, 1, 0, 4]
    assert float(mnist.train.x.mean()) == pytest.approx(0.1307, abs=5e-5)
    assert float(mnist.train.x.std()) == pytest.approx(0.3081, abs=5e-5)
