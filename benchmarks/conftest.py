"""How the benchmarks measure: one thread, CPU seconds, and a floor or a rival in the same run.

A benchmark is a group of tests: ours, and what it is measured against. Only ratios are quoted; see `report.py`.
`make bench` sets one thread and the clock.
"""

import pytest

from rmt_helpers import spiked_matrix


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def matrices():
    """Spiked matrices of the two shapes that the targets name."""
    return {
        (512, 784): spiked_matrix((512, 784), [4.0, 3.0, 2.0, 1.5, 1.1], rng=0)[0],
        (84, 120): spiked_matrix((84, 120), [3.0, 1.5], rng=0)[0],
    }


@pytest.fixture(scope="session")
def mnist():
    from rmt_helpers.nets.data import load

    return load("mnist")


@pytest.fixture
def measure(benchmark, request):
    """Run a function at least five times, warm, and file it under a target and a side.

    `repeat` runs of a fast function count as one measurement, so that the clock's grain does not show.
    """

    def run(function, *, target, side, repeat=1, rounds=5):
        benchmark.group = target
        benchmark.extra_info |= {"side": side, "repeat": repeat}

        def repeated():
            for _ in range(repeat):
                function()

        benchmark.pedantic(repeated, rounds=rounds, warmup_rounds=1)

    return run
