"""Experiments: what they are, running what is missing side by side, and checking what is stored."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import math
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from .fingerprint import code_fingerprint
from .machine import circumstances
from .store import Result, Results, Row, StaleResults, Store, as_results, parsed

Configuration: TypeAlias = Mapping[str, Any]

# A result of another processor may differ by this much where nothing else is said: sums are taken
# in another order there.
_RELATIVE = 1e-6


@dataclass(frozen=True)
class Experiment:
    """A named experiment: one function and the configurations that it is run with.

    Attributes
    ----------
    name : str
        Also of its folder below ``results/``.
    question : str
        What it asks, in a sentence.
    function : str
        ``module:name`` of what makes a `Result` of a configuration. It must be at the top level of
        its module, take every seed from the configuration, and leave the number of threads alone:
        it gets one. A name, so that reading results imports nothing that only their making needs.
    configurations : sequence of dict
        Flat and made of JSON values, each different.
    sample : sequence of dict
        Those of the configurations that tests run again.
    tolerances : dict of str to float
        By how much a number of the table may differ on another machine; 0 or nothing said: by
        rounding.
    """

    name: str
    question: str
    function: str
    configurations: Sequence[Configuration]
    sample: Sequence[Configuration] = ()
    tolerances: Mapping[str, float] = field(default_factory=dict)

    def runs(self) -> dict[str, Configuration]:
        """The configurations by the name of their run, which is a hash of the configuration."""
        return {run_name(configuration): configuration for configuration in self.configurations}


def run_name(configuration: Configuration) -> str:
    """The first twelve digits of a SHA-256 over a configuration.

    Examples
    --------
    >>> run_name({"seed": 0, "shape": [2, 3]}) == run_name({"shape": [2, 3], "seed": 0})
    True
    """
    text = json.dumps(configuration, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Status:
    """Which runs of an experiment are stored for the present code, which are stale, which missing.

    Runs that are stored but no longer asked for are `surplus`.
    """

    fresh: list[str]
    stale: list[str]
    missing: list[str]
    surplus: list[str]

    @property
    def complete(self) -> bool:
        """Whether all that is asked for is there and nothing else."""
        return not (self.stale or self.missing or self.surplus)


def status(experiment: Experiment, root: Path | None = None) -> Status:
    """Compare what is stored with what the present code and configurations ask for."""
    store, code = Store(experiment.name, root), code_fingerprint(experiment.function)
    wanted = experiment.runs()
    known = {run: store.runs[run]["code"] == code for run in wanted if run in store.runs}
    return Status(
        fresh=[run for run, same in known.items() if same],
        stale=[run for run, same in known.items() if not same],
        missing=[run for run in wanted if run not in known],
        surplus=[run for run in store.runs if run not in wanted],
    )


def load(experiment: Experiment, root: Path | None = None) -> Results:
    """Read the results of an experiment, and refuse them unless they are complete and fresh.

    Raises
    ------
    StaleResults
        If the code or a configuration has moved since they were made, or a run is missing.
    """
    now = status(experiment, root)
    if not now.complete:
        raise StaleResults(
            f"results of {experiment.name!r} do not belong to the present code: "
            f"{len(now.stale)} of {len(experiment.configurations)} runs are stale, "
            f"{len(now.missing)} missing, {len(now.surplus)} no longer asked for; "
            f"python -m rmt_helpers.experiments run {experiment.name}"
        )
    return as_results(Store(experiment.name, root), experiment.name)


def run(
    experiment: Experiment,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: bool | None = None,
    root: Path | None = None,
) -> list[str]:
    """Run what is missing or stale, store each result as it comes, and return what failed.

    Parameters
    ----------
    experiment : Experiment
    workers : int, optional
        Processes side by side, one thread each; by default one a core.
    scheduler : str, optional
        Address of a running Dask scheduler, whose workers then do the runs.
    progress : bool, optional
        Whether to show a bar; by default in a terminal only.
    root : path, optional
        Where results are kept; by default `results_folder`.

    Returns
    -------
    list of str
        A traceback for each run that raised; the others are stored all the same.
    """
    from joblib import Parallel, delayed
    from tqdm import tqdm

    from ..nets.training import shows_progress

    store = Store(experiment.name, root)
    with store.locked():
        now = status(experiment, root)
        wanted, code = experiment.runs(), code_fingerprint(experiment.function)
        todo = [*now.stale, *now.missing]
        hidden = not (shows_progress() if progress is None else progress)
        failures = []
        with _backend(workers, scheduler):
            results = Parallel(return_as="generator_unordered")(
                delayed(_one)(experiment.function, run, wanted[run]) for run in todo
            )
            for name, result, about in tqdm(
                results, total=len(todo), desc=experiment.name, unit="run", disable=hidden
            ):
                if isinstance(result, str):
                    failures.append(f"{experiment.name} {json.dumps(wanted[name])}\n{result}")
                    continue
                store.add(name, result, {"configuration": wanted[name], "code": code, **about})
        store.keep_only(list(wanted))
    return failures


@contextlib.contextmanager
def _backend(workers: int | None, scheduler: str | None) -> Iterator[None]:
    """Processes of this machine, or the workers of a Dask cluster."""
    from joblib import cpu_count, parallel_config

    if scheduler is None:
        with parallel_config(
            backend="loky", n_jobs=workers or cpu_count(), inner_max_num_threads=1
        ):
            yield
        return
    from distributed import Client

    with Client(scheduler), parallel_config(backend="dask", n_jobs=-1):
        yield


def _one(
    function: str, name: str, configuration: Configuration
) -> tuple[str, Result | str, dict[str, Any]]:
    """One run on one thread; an error comes back as text, so that the other runs go on."""
    import threadpoolctl

    from ..nets.passes import one_thread

    start = time.perf_counter()
    try:
        # Sums depend on the number of threads, so it is part of what makes numbers repeat.
        with one_thread(), threadpoolctl.threadpool_limits(1):
            module, _, work = function.partition(":")
            result: Result | str = getattr(importlib.import_module(module), work)(configuration)
    except Exception:
        result = traceback.format_exc()
    return name, result, circumstances(time.perf_counter() - start)


def differences(experiment: Experiment, root: Path | None = None) -> list[str]:
    """Run the sample again and tell every cell that differs from the stored table by too much."""
    store, found = Store(experiment.name, root), []
    for configuration in experiment.sample:
        name = run_name(configuration)
        _, result, _ = _one(experiment.function, name, configuration)
        if isinstance(result, str):
            found.append(f"{experiment.name} {name}: {result}")
        elif name not in store.rows or len(store.rows[name]) != len(result.rows):
            found.append(f"{experiment.name} {name}: {len(result.rows)} rows, stored are others")
        else:
            pairs = zip(result.rows, store.rows[name], strict=True)
            found += [
                f"{experiment.name} {name}, row {number}: {line}"
                for number, (new, old) in enumerate(pairs)
                for line in _different(new, old, experiment.tolerances)
            ]
    return found


def _different(new: Row, old: Row, tolerances: Mapping[str, float]) -> Iterable[str]:
    for key, stored in old.items():
        # As the table would show it, so that text that looks like a number is compared as one.
        # A column that only other runs have is an empty cell there.
        value = parsed(str(new.get(key, "")))
        if isinstance(value, int | float) and isinstance(stored, int | float):
            within = tolerances.get(key, 0.0)
            same = math.isclose(value, stored, rel_tol=_RELATIVE, abs_tol=max(within, 1e-9))
            same = same or (math.isnan(value) and math.isnan(stored))
        else:
            same = value == stored
        if not same:
            yield f"{key} is {value!r}, stored {stored!r}"
