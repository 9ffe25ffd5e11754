"""List, run and check the experiments: ``python -m rmt_helpers.experiments``."""

from __future__ import annotations

import argparse
import sys

from .catalogue import EXPERIMENTS
from .reproduction import outcome, reproduce
from .runner import Experiment, differences, run, status


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m rmt_helpers.experiments",
        description="The book's named experiments; their results lie below results/.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="show every experiment and what is stored of it")
    runner = commands.add_parser(
        "run", help="run what is missing or stale; go on where a run ended"
    )
    runner.add_argument("names", nargs="*", metavar="NAME", help="of an experiment; default: all")
    runner.add_argument("--workers", type=int, help="processes side by side (default: one a core)")
    runner.add_argument("--scheduler", metavar="ADDRESS", help="of a running Dask cluster")
    checker = commands.add_parser("check", help="fail unless all results are there and fresh")
    checker.add_argument("names", nargs="*", metavar="NAME", help="of an experiment; default: all")
    checker.add_argument("--rerun", action="store_true", help="run a sample again and compare")
    repeater = commands.add_parser(
        "reproduce", help="repeat stored runs and keep how far the numbers lie apart"
    )
    repeater.add_argument("names", nargs="*", metavar="NAME", help="of an experiment; default: all")
    repeater.add_argument("--all", action="store_true", help="every run, not the samples alone")
    given = parser.parse_args(arguments)
    if given.command == "list":
        return _list()
    unknown = [name for name in given.names if name not in EXPERIMENTS]
    if unknown:
        parser.error(f"unknown experiment {', '.join(unknown)}; there are {', '.join(EXPERIMENTS)}")
    chosen = [EXPERIMENTS[name] for name in given.names or EXPERIMENTS]
    if given.command == "check":
        return _check(chosen, rerun=given.rerun)
    if given.command == "reproduce":
        record = reproduce(chosen, every=given.all, say=lambda line: print(line, flush=True))
        return 0 if all(outcome(experiment, record) == "yes" for experiment in chosen) else 1
    failures = []
    for experiment in chosen:
        failures += run(experiment, workers=given.workers, scheduler=given.scheduler)
    print("\n".join(failures), file=sys.stderr, end="\n" if failures else "")
    return 1 if failures else 0


def _list() -> int:
    for experiment in EXPERIMENTS.values():
        now = status(experiment)
        state = f"{len(now.fresh)} of {len(experiment.configurations)} runs"
        if now.stale:
            state += f", {len(now.stale)} stale"
        print(f"{experiment.name:10s} {state:24s} {experiment.question}")
    return 0


def _check(chosen: list[Experiment], *, rerun: bool) -> int:
    wrong = []
    for experiment in chosen:
        now = status(experiment)
        if not now.complete:
            wrong.append(
                f"{experiment.name}: {len(now.stale)} stale, {len(now.missing)} missing, "
                f"{len(now.surplus)} no longer asked for"
            )
        elif rerun:
            wrong += differences(experiment)
    print("\n".join(wrong or ["all results are there and fresh"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
