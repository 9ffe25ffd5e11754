"""What `import rmt_helpers` costs someone who only wants the tool."""

import subprocess
import sys

import pytest
from conftest import cpu_seconds


@pytest.mark.benchmark(timer=cpu_seconds)
@pytest.mark.parametrize("side", ["ours", "other"])
def test_import(measure, side):
    module = {"ours": "rmt_helpers", "other": "torch"}[side]
    measure(
        lambda: subprocess.run([sys.executable, "-c", f"import {module}"], check=True), target="import", side=side
    )
