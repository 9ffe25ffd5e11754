"""Stored results: a tidy table, arrays, and where each came from, below ``results/NAME/``.

A run counts from the moment ``runs.json`` names it. Every file is written beside and renamed, in an
order that leaves a whole store whenever the writer is killed. Loading a file runs no code.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

if TYPE_CHECKING:
    import pandas as pd

Row: TypeAlias = Mapping[str, str | int | float | bool]
Arrays: TypeAlias = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Result:
    """What one run found.

    Attributes
    ----------
    rows : sequence of dict
        Rows of the tidy table, all with the same keys; values are text, numbers or truth values.
    arrays : dict of str to array
        What does not fit a table: spectra, curves, weights. Names are paths like ``fc1/values``.
    """

    rows: Sequence[Row]
    arrays: Arrays = field(default_factory=dict)


class StaleResults(RuntimeError):
    """Stored results do not belong to the present code and configurations; the message says which."""


def results_folder() -> Path:
    """``RMT_RESULTS``, or the folder ``results`` beside the package."""
    chosen = os.environ.get("RMT_RESULTS")
    return Path(chosen) if chosen else Path(__file__).resolve().parents[2] / "results"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_bytes(content)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


class Store:
    """The results of one experiment on disk.

    Parameters
    ----------
    name : str
        Of the experiment, and of its folder.
    root : path, optional
        By default `results_folder`.
    """

    def __init__(self, name: str, root: Path | None = None) -> None:
        self.folder = (results_folder() if root is None else root) / name
        self.runs: dict[str, dict[str, Any]] = {}
        self.rows: dict[str, list[Row]] = {}
        index = self.folder / "runs.json"
        if index.is_file():
            self.runs = json.loads(index.read_text("utf8"))
            with (self.folder / "table.csv").open(encoding="utf8", newline="") as stream:
                for row in csv.DictReader(stream):
                    run = row.pop("run")
                    # Rows of a run that the index does not name were left by a killed writer.
                    if run in self.runs:
                        self.rows.setdefault(run, []).append(
                            {key: parsed(value) for key, value in row.items()}
                        )

    def arrays_file(self, run: str) -> Path:
        """Where the arrays of a run lie, if it left any."""
        return self.folder / "arrays" / f"{run}.safetensors"

    def arrays(self, run: str) -> dict[str, NDArray[Any]]:
        """The arrays of a run."""
        path = self.arrays_file(run)
        return dict(load_file(path)) if path.is_file() else {}

    def add(self, run: str, result: Result, provenance: Mapping[str, Any]) -> None:
        """Store one run; a second result of the same run takes the place of the first."""
        if result.arrays:
            path = self.arrays_file(run)
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_suffix(".part")
            tidy = {key: np.ascontiguousarray(value) for key, value in result.arrays.items()}
            save_file(tidy, beside)
            os.replace(beside, path)
        self.runs[run], self.rows[run] = dict(provenance), list(result.rows)
        self._write()

    def keep_only(self, runs: list[str]) -> None:
        """Forget all other runs, and put these into the given order."""
        self.runs = {run: self.runs[run] for run in runs if run in self.runs}
        self.rows = {run: self.rows[run] for run in self.runs}
        if self.runs:
            self._write()
        for path in (self.folder / "arrays").glob("*.safetensors"):
            if path.stem not in self.runs:
                path.unlink()

    def _write(self) -> None:
        lines = [{"run": run, **row} for run in self.runs for row in self.rows[run]]
        text = io.StringIO(newline="")
        names = dict.fromkeys(name for line in lines for name in line)
        writer = csv.DictWriter(text, list(names), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
        write_whole(self.folder / "table.csv", text.getvalue().encode())
        index = json.dumps(self.runs, indent=1, ensure_ascii=False)
        write_whole(self.folder / "runs.json", index.encode() + b"\n")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the store alone: two writers would lose each other's runs.

        Raises
        ------
        RuntimeError
            If another process holds it.
        """
        try:
            import fcntl
        except ImportError:  # Windows: nothing to lock a folder with
            yield
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RuntimeError(f"another process is writing {self.folder}") from None
            yield
        finally:
            os.close(handle)


def parsed(text: str) -> str | int | float | bool:
    """The value that a cell of the table was written from."""
    if text in ("True", "False"):
        return text == "True"
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text


@dataclass(frozen=True, eq=False)
class Results:
    """Fresh results of an experiment, as a chapter reads them.

    Attributes
    ----------
    name : str
    table : pandas.DataFrame
        The tidy table; its first columns are the run and the run's configuration.
    runs : dict
        Provenance by run: configuration, code, versions, machine, threads, date, seconds.
    """

    name: str
    table: pd.DataFrame
    runs: Mapping[str, Mapping[str, Any]]
    _store: Store

    def arrays(self, run: str) -> dict[str, NDArray[Any]]:
        """The arrays that a run left, by name."""
        return self._store.arrays(run)


def as_results(store: Store, name: str) -> Results:
    """Join a store's rows with the configurations that they came from."""
    import pandas as pd

    rows = [
        {"run": run, **provenance["configuration"], **row}
        for run, provenance in store.runs.items()
        for row in store.rows[run]
    ]
    return Results(name, pd.DataFrame(rows), store.runs, store)
