"""Repeating stored runs: how many come out as they are stored, and how far the numbers lie apart.

``python -m rmt_helpers.experiments reproduce`` repeats the sample of every experiment, or the last run of one that
tests cannot repeat everywhere, and ``--all`` every run. What it finds is kept in ``results/reproduction.json``,
experiment by experiment, and the book shows it with its date.
"""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .fingerprint import code_fingerprint
from .machine import circumstances
from .runner import _RELATIVE, Configuration, Experiment, _one, run_name
from .store import Row, Store, parsed, results_folder, write_whole


def record_path(root: Path | None = None) -> Path:
    """Where the record lies."""
    return (results_folder() if root is None else root) / "reproduction.json"


def read_record(root: Path | None = None) -> dict[str, Any]:
    """What the last reproductions found, by the name of the experiment; empty where there was none."""
    path = record_path(root)
    return dict(json.loads(path.read_text("utf8"))) if path.is_file() else {}


def deviation(new: Sequence[Row], old: Sequence[Row], tolerances: Mapping[str, float]) -> float:
    """The largest difference of two tables in units of what may differ; infinite where they do not match.

    Up to 1 the tables agree, by the same rule as `runner.differences`.

    Examples
    --------
    >>> deviation([{"edge": 2.02}], [{"edge": 2.0}], {"edge": 0.1}) < 1
    True
    >>> deviation([{"law": "normal"}], [{"law": "sign"}], {})
    inf
    """
    if len(new) != len(old):
        return math.inf
    return max(
        (
            # Runs of one table may have columns of their own: where others have none, the cell is empty.
            _units(parsed(str(row.get(key, ""))), stored, tolerances.get(key, 0.0))
            for row, before in zip(new, old, strict=True)
            for key, stored in before.items()
        ),
        default=0.0,
    )


def _units(value: Any, stored: Any, within: float) -> float:
    if isinstance(value, int | float) and isinstance(stored, int | float):
        if value == stored or (math.isnan(value) and math.isnan(stored)):
            return 0.0
        allowed = max(within, 1e-9, _RELATIVE * max(abs(value), abs(stored)))
        apart = abs(value - stored) / allowed
        return math.inf if math.isnan(apart) else apart
    return 0.0 if value == stored else math.inf


def repeat(
    experiment: Experiment, configurations: Iterable[Configuration], root: Path | None = None
) -> dict[str, Any]:
    """Run configurations again and compare each with what is stored of it.

    Returns
    -------
    dict
        ``runs`` repeated, how many ``agreed``, the ``largest`` deviation in units of the tolerance (None where a
        table has other rows or texts, or a run raised), what ``failed``, and the circumstances.
    """
    store, found, failed, seconds = Store(experiment.name, root), [], [], 0.0
    for configuration in configurations:
        name = run_name(configuration)
        _, result, about = _one(experiment.function, name, configuration)
        seconds += about["seconds"]
        if isinstance(result, str):
            far = math.inf
        else:
            far = deviation(result.rows, store.rows.get(name, []), experiment.tolerances)
        found.append(far)
        if far > 1:
            failed.append(name)
    largest = max(found, default=0.0)
    return {
        "code": code_fingerprint(experiment.function),
        "stored": len(experiment.configurations),
        "runs": len(found),
        "agreed": len(found) - len(failed),
        "largest": round(largest, 4) if math.isfinite(largest) else None,
        "failed": failed,
        **circumstances(seconds),
    }


def reproduce(
    experiments: Iterable[Experiment],
    *,
    every: bool = False,
    root: Path | None = None,
    say: Callable[[str], object] = lambda line: None,
) -> dict[str, Any]:
    """Repeat the sample of each experiment (without one, its last run) or every run; keep what is found after each."""
    for experiment in experiments:
        few = experiment.sample or experiment.configurations[-1:]
        chosen = experiment.configurations if every else few
        found = {**repeat(experiment, chosen, root), "commit": commit()}
        record = {**read_record(root), experiment.name: found}
        write_whole(record_path(root), (json.dumps(record, indent=1) + "\n").encode())
        say(f"{experiment.name:12s} {found['agreed']} of {found['runs']} runs came out again")
    return read_record(root)


def commit() -> str:
    """The version of the sources that is checked out; "unknown" where git knows none."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short=12", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def outcome(experiment: Experiment, record: Mapping[str, Any]) -> str:
    """What the record says of an experiment, in a word or two: only "yes" is a good one."""
    found = record.get(experiment.name)
    if found is None:
        return "never repeated"
    if found["code"] != code_fingerprint(experiment.function):
        return "the code has changed since"
    if found["runs"] == 0:
        return "nothing was repeated"
    return "yes" if found["agreed"] == found["runs"] else "no"


def summary(experiments: Iterable[Experiment], record: Mapping[str, Any]) -> list[dict[str, str]]:
    """The record as a table, a line for each experiment; what was never repeated or did not come out is said."""
    rows = []
    for experiment in experiments:
        found, word = record.get(experiment.name), outcome(experiment, record)
        about = found or {"runs": 0, "date": "–", "seconds": 0.0, "commit": "–", "largest": 0.0}
        far = "other rows" if about["largest"] is None else f"{about['largest']:.2g}"
        rows.append(
            {
                "Experiment": f"`{experiment.name}`",
                "Runs repeated": f"{about['runs']} of {len(experiment.configurations)}",
                "Came out again": word if word == "yes" else f"**{word}**",
                "Largest deviation, in tolerances": far if about["runs"] else "–",
                "Seconds": f"{about['seconds']:.0f}" if about["runs"] else "–",
                "On": about["date"][:10],
                "Commit": f"`{about['commit'][:7]}`",
            }
        )
    return rows
