"""What `import rmt_helpers` costs someone who only wants the tool."""

import os
import subprocess
import sys

import pytest


def cpu_seconds() -> float:
    """CPU seconds of this process and of its ended children."""
    return sum(os.times()[:4])


@pytest.mark.benchmark(timer=cpu_seconds)
@pytest.mark.parametrize("side", ["ours", "other"])
def test_import(measure, side):
    module = {"ours": "rmt_helpers", "other": "torch"}[side]
    command = [sys.executable, "-c", f"import {module}"]
    measure(lambda: subprocess.run(command, check=True), target="import", side=side)
