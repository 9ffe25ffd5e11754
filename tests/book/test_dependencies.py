"""A change re-executes the chapters that depend on it, and no others."""

from pathlib import Path

import pytest
from build import Chapter, is_fresh
from dependencies import code_of, dependencies, fingerprint, modules_used

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path):
    """A package in the shape of ours."""
    files = {
        "requirements.txt": "numpy==2.0\n",
        "results/run.json": "{}\n",
        "results/deep/table.csv": "run\n",
        "rmt_helpers/__init__.py": "from .laws import Law\nfrom .thresholds import bema\n",
        "rmt_helpers/laws.py": "import numpy as np\nclass Law: ...\n",
        "rmt_helpers/thresholds/__init__.py": "from .bema import bema\nfrom .broad import broad\n",
        "rmt_helpers/thresholds/bema.py": "from ..laws import Law\ndef bema(): ...\n",
        "rmt_helpers/thresholds/broad.py": "def broad(): ...\n",
        "rmt_helpers/plotting.py": "import matplotlib\n",
        "rmt_helpers/nets/__init__.py": "",
        "rmt_helpers/nets/data.py": "def load(): ...\n",
        "rmt_helpers/nets/training.py": "from . import data\ndef train():\n    from .. import spectrum\n",
        "rmt_helpers/spectrum.py": "",
        "rmt_helpers/experiments.py": "def load_results(name): ...\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


CHAPTERS = {
    "law": "from rmt_helpers import Law, plotting",
    "threshold": "import numpy\nfrom rmt_helpers import bema",
    "training": "from rmt_helpers.nets.training import train",
    "everything": "import rmt_helpers",
    "stored": "from rmt_helpers.experiments import load_results\nr = load_results('deep')",
    "plain": "import numpy as np",
}


def stale_after(project, changed):
    def keys():
        return {
            name: fingerprint(dependencies(code, project), project)
            for name, code in CHAPTERS.items()
        }

    before = keys()
    path = project / changed
    path.write_text((path.read_text() if path.exists() else "") + "\n# changed\n")
    after = keys()
    return {name for name in CHAPTERS if before[name] != after[name]}


@pytest.mark.parametrize(
    ("changed", "stale"),
    [
        ("rmt_helpers/nets/training.py", {"training"}),
        ("rmt_helpers/nets/data.py", {"training"}),
        ("rmt_helpers/spectrum.py", {"training"}),
        ("rmt_helpers/plotting.py", {"law"}),
        ("rmt_helpers/laws.py", {"law", "threshold", "everything"}),
        ("rmt_helpers/thresholds/bema.py", {"threshold", "everything"}),
        ("rmt_helpers/thresholds/broad.py", set()),
        ("rmt_helpers/thresholds/__init__.py", {"threshold", "everything"}),
        ("rmt_helpers/__init__.py", {"law", "threshold", "training", "everything", "stored"}),
        ("results/deep/table.csv", {"stored"}),
        ("results/deep/runs.json", {"stored"}),
        ("results/run.json", set()),
        ("requirements.txt", set(CHAPTERS)),
        ("README.md", set()),
    ],
)
def test_a_change_reaches_those_that_depend_on_it(project, changed, stale):
    assert stale_after(project, changed) == stale


def test_declared_files_count(project):
    before = fingerprint(dependencies("", project, ["rmt_helpers/**/*.py"]), project)
    (project / "rmt_helpers/spectrum.py").write_text("x = 1\n")
    assert fingerprint(dependencies("", project, ["rmt_helpers/**/*.py"]), project) != before


def test_the_books_own_package():
    def names(code):
        return {
            path.relative_to(ROOT / "rmt_helpers").as_posix() for path in modules_used(code, ROOT)
        }

    assert "nets/training.py" not in names("from rmt_helpers import bema, plotting, alignment")
    assert {"thresholds/bema.py", "spectrum.py", "laws.py"} <= names("from rmt_helpers import bema")
    assert "nets/data.py" in names("from rmt_helpers.nets.training import train")


def test_magics_are_no_python():
    assert code_of(["%pip install x\nif a:\n    !ls\nb = 1"]) == "pass\nif a:\n    pass\nb = 1"


class Record:
    def __init__(self, depends):
        self.data = {"depends": depends}


@pytest.mark.parametrize(
    ("record", "fresh"), [(Record("k"), True), (Record("old"), False), (None, False)]
)
def test_freshness(record, fresh):
    assert is_fresh(record, Chapter(ROOT / "chapters/x.md", None, "k", False)) is fresh
