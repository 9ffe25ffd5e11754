"""The hash moves with what numbers depend on, and with nothing else."""

import sys

import pytest

from rmt_helpers.experiments import fingerprint
from rmt_helpers.experiments.fingerprint import code_fingerprint

MODULES = {
    "__init__": "",
    "laws": '''
"""Laws."""
LEVEL = 1.0

class Law:
    """A law."""
    width: float = 2.0

    def pdf(self, x):
        """Density."""
        return helper(x) * LEVEL

    def unused(self):
        return 1

    def __repr__(self):
        return "a law"

def helper(x):
    # a comment
    if x < 0:
        raise ValueError("x is negative")
    return x

def other(x):
    return x + 1
''',
    "work": '''
from .laws import Law, other
from . import shapes
import math

def run(configuration):
    """Runs."""
    from .late import later
    return Law().pdf(2) + shapes.area(1) + later()

def plot(x):
    return other(x)
''',
    "shapes": "def area(r: float) -> float:\n    return 3 * r\n\ndef volume(r):\n    return r\n",
    "late": "def later():\n    return 0\n",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Write a package with one module changed, and return the hash of its `run`."""
    count = 0

    def hashed(module="laws", old="", new=""):
        nonlocal count
        count += 1
        name = f"toypackage{count}"
        folder = tmp_path / name
        folder.mkdir()
        for each, text in MODULES.items():
            if each == module:
                assert old in text
                text = text.replace(old, new) if old else text
            (folder / f"{each}.py").write_text(text)
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.setattr(fingerprint, "PACKAGE", name)
        fingerprint._definitions.cache_clear()
        fingerprint._file.cache_clear()
        reach = fingerprint._Reach()
        reach.add(f"{name}.work", "run")
        code_fingerprint(f"{name}.work:run")  # the public door opens, too
        # The package's name differs from call to call, its code is what counts.
        return {
            (where.partition(".")[2], what): text for (where, what), text in reach.texts().items()
        }

    yield hashed
    assert not [name for name in sys.modules if name.startswith("toypackage")], "only read"
    fingerprint._definitions.cache_clear()
    fingerprint._file.cache_clear()


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("laws", "return helper(x) * LEVEL", "return helper(x) + LEVEL"),
        ("laws", "LEVEL = 1.0", "LEVEL = 2.0"),
        ("laws", "LEVEL = 1.0", "LEVEL = 1.0\nLEVEL = LEVEL + 1"),
        ("laws", "if x < 0", "if x <= 0"),
        ("laws", "width: float = 2.0", "width: float = 3.0"),
        ("shapes", "return 3 * r", "return 4 * r"),
        ("late", "return 0", "return 1"),
        ("work", "shapes.area(1)", "shapes.area(2)"),
        ("work", "shapes.area(1)", "shapes.volume(1)"),
    ],
)
def test_moves(package, module, old, new):
    assert package() != package(module, old, new)


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("laws", '"""Density."""', '"""Density, said better."""'),
        ("laws", "# a comment", "# another comment"),
        ("laws", "x is negative", "x must not be negative"),
        ("laws", "def unused(self):\n        return 1", "def unused(self):\n        return 2"),
        ("laws", 'return "a law"', 'return "the law"'),
        ("laws", "return x + 1", "return x + 2"),
        ("work", "return other(x)", "return other(x) + 1"),
        ("shapes", "(r: float) -> float", "(r)"),
        ("shapes", "    return r\n", "    return 2 * r\n"),
    ],
)
def test_stays(package, module, old, new):
    assert package() == package(module, old, new)


@pytest.mark.parametrize(
    "function",
    ["importlib:import_module", "rmt_helpers.nothing:bema", "rmt_helpers.thresholds.bema:nothing"],
)
def test_a_function_from_elsewhere_is_refused(function):
    with pytest.raises(ValueError, match="function must be a top-level one of rmt_helpers"):
        code_fingerprint(function)


def test_the_packages_own():
    reach = fingerprint._Reach()
    reach.add("rmt_helpers.thresholds.bema", "bema")
    names = {what for _, what in reach.units}
    assert {"MarchenkoPastur", "TracyWidom", "NoiseFit", "Spectrum", "_mass"} <= names
    assert not names & {"gaussian_broadening", "average_alignment", "spiked_matrix"}
    function = "rmt_helpers.thresholds.bema:bema"
    assert code_fingerprint(function) == code_fingerprint(function)
