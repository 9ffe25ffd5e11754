"""What reads results needs no torch: every experiment and judge answers where it cannot be imported."""

import importlib
import subprocess
import sys

import pytest

from rmt_helpers.experiments.catalogue import EXPERIMENTS
from rmt_helpers.experiments.encoder import CHANGES, GROUPS
from rmt_helpers.experiments.failures import NOISES
from rmt_helpers.experiments.grokking import RARE
from rmt_helpers.verdicts.grokking import SURE_LEVEL

BLOCKED = """
import sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "torchvision"}:
            raise ModuleNotFoundError(f"{name} is blocked", name=name)

sys.meta_path.insert(0, NoTorch())
"""


def run(program: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", BLOCKED + program], check=False, capture_output=True, text=True
    )


def test_the_block_holds():
    done = run("import rmt_helpers.nets.layers")
    assert done.returncode != 0
    assert "ModuleNotFoundError: torch is blocked" in done.stderr


def test_results_are_read_and_judged():
    done = run(
        "from rmt_helpers.experiments import load_results\n"
        "from rmt_helpers.experiments.catalogue import EXPERIMENTS\n"
        "from rmt_helpers.verdicts import CLAIMS\n"
        "assert all(len(load_results(name).table) for name in EXPERIMENTS)\n"
        "print(len(EXPERIMENTS), *sorted({claim.judge().verdict for claim in CLAIMS}))\n"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{len(EXPERIMENTS)} fails holds")


def test_freshness_is_checked():
    done = run(
        "from rmt_helpers.experiments.__main__ import main\nsys.exit(main(['check', 'layers']))"
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=lambda e: e.name)
def test_a_plan_names_work_that_is_there(experiment):
    module, _, name = experiment.function.partition(":")
    assert callable(getattr(importlib.import_module(module), name))


def test_what_is_said_twice_is_the_same():
    """Plans and judges repeat the names and the level of modules that need torch."""

    def asked(name, key):
        return {c[key] for c in EXPERIMENTS[name].configurations if key in c}

    assert SURE_LEVEL == RARE
    assert asked("failures", "noise") == set(NOISES)
    assert asked("encoder", "group") == set(GROUPS)
    assert asked("encoder", "change") == set(CHANGES)
