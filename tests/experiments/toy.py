"""Small experiments for the tests; in a module, so that worker processes can import them."""

import os
import time
from pathlib import Path

import numpy as np

from rmt_helpers.experiments.runner import Configuration, Experiment
from rmt_helpers.experiments.store import Result


def square(configuration: Configuration) -> Result:
    """Its square, and a note beside the store that the run was made."""
    seed = configuration["seed"]
    log = configuration.get("log")
    if log:
        with Path(log).open("a") as stream:
            stream.write(f"{seed} {os.getpid()}\n")
    time.sleep(configuration.get("seconds", 0.0))
    if configuration.get("fails"):
        raise ZeroDivisionError(f"seed {seed} fails")
    rows = [{"what": "square", "value": seed**2}, {"what": "root", "value": seed**0.5}]
    return Result(rows, {"x/values": np.arange(seed + 1.0)})


def experiment(seeds=range(4), **settings) -> Experiment:
    configurations = [{"seed": seed, **settings} for seed in seeds]
    return Experiment("toy", "What is a square?", "toy:square", configurations, configurations[:1])
