"""Runs, resumption, staleness, comparison, and a cluster that loses a worker."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import toy

from rmt_helpers.experiments import StaleResults, __main__, load_results, runner
from rmt_helpers.experiments.runner import differences, load, run, run_name, status
from rmt_helpers.experiments.store import Result, Store, parsed, results_folder


@pytest.fixture(autouse=True)
def fixed_code(monkeypatch):
    """The toy lies outside the package, so its code has no hash of its own."""
    monkeypatch.setattr(runner, "code_fingerprint", lambda function: "code 1")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


def test_results_are_tidy(tmp_path):
    experiment = toy.experiment()
    assert run(experiment, workers=1, root=tmp_path) == []
    results = load(experiment, tmp_path)
    assert list(results.table.columns) == ["run", "seed", "what", "value"]
    assert results.table.query("what == 'square'").value.tolist() == [0, 1, 4, 9]
    name = run_name({"seed": 3})
    np.testing.assert_array_equal(results.arrays(name)["x/values"], [0, 1, 2, 3])
    about = results.runs[name]
    assert about["configuration"] == {"seed": 3}
    assert (about["threads"], about["code"]) == (1, "code 1")
    assert {"versions", "machine", "date", "seconds"} <= about.keys()
    assert not list(tmp_path.rglob("*.part"))


def test_the_order_is_that_of_the_configurations(tmp_path):
    run(toy.experiment(range(3)), workers=1, root=tmp_path)
    again = toy.experiment([5, 2, 0])
    run(again, workers=2, root=tmp_path)
    assert load(again, tmp_path).table.seed.tolist() == [5, 5, 2, 2, 0, 0]
    assert len(list((tmp_path / "toy" / "arrays").iterdir())) == 3


def test_only_what_is_missing_or_stale_is_run(tmp_path, monkeypatch):
    log = tmp_path / "log"
    first = toy.experiment(range(2), log=str(log))
    run(first, workers=1, root=tmp_path)
    run(toy.experiment(range(4), log=str(log)), workers=1, root=tmp_path)
    assert [line.split()[0] for line in log.read_text().splitlines()] == ["0", "1", "2", "3"]
    monkeypatch.setattr(runner, "code_fingerprint", lambda function: "code 2")
    now = status(first, tmp_path)
    assert (len(now.fresh), len(now.stale), len(now.missing), len(now.surplus)) == (0, 2, 0, 2)
    run(first, workers=1, root=tmp_path)
    assert len(log.read_text().splitlines()) == 6
    assert status(first, tmp_path).complete


@pytest.mark.parametrize("why", ["code", "missing", "surplus"])
def test_results_that_do_not_belong_are_refused(tmp_path, monkeypatch, why):
    run(toy.experiment(range(2)), workers=1, root=tmp_path)
    wanted = toy.experiment({"code": range(2), "missing": range(3), "surplus": range(1)}[why])
    if why == "code":
        monkeypatch.setattr(runner, "code_fingerprint", lambda function: "code 2")
    with pytest.raises(StaleResults, match="'toy' do not belong"):
        load(wanted, tmp_path)


def test_a_run_that_raises_is_told_and_the_others_are_kept(tmp_path):
    good, bad = toy.experiment(range(2)), toy.experiment([7], fails=True)
    both = replace(good, configurations=[*bad.configurations, *good.configurations])
    (failure,) = run(both, workers=1, root=tmp_path)
    assert "ZeroDivisionError: seed 7 fails" in failure
    assert len(status(both, tmp_path).fresh) == 2
    assert status(both, tmp_path).missing == [run_name(bad.configurations[0])]


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, {here!r})
import toy
from rmt_helpers.experiments import runner
runner.code_fingerprint = lambda function: "code 1"
print(runner.run(toy.experiment(range(6), seconds=0.4, log={log!r}), workers=1, root=Path({root!r})))
"""


def test_a_killed_start_loses_at_most_the_run_in_flight(tmp_path):
    log = tmp_path / "log"
    script = SCRIPT.format(here=str(Path(__file__).parent), log=str(log), root=str(tmp_path))
    index = tmp_path / "toy" / "runs.json"
    with subprocess.Popen([sys.executable, "-c", script], start_new_session=True) as process:
        deadline = time.monotonic() + 60
        while not (index.is_file() and len(json.loads(index.read_text())) >= 2):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
    experiment = toy.experiment(range(6), seconds=0.4, log=str(log))
    done = status(experiment, tmp_path).fresh
    assert 2 <= len(done) < 6
    started = len(log.read_text().splitlines())
    assert started - len(done) <= 1
    assert run(experiment, workers=1, root=tmp_path) == []
    table = load(experiment, tmp_path).table
    assert table[table.what == "square"].value.tolist() == [seed**2 for seed in range(6)]
    # Each was run once, but for the one that was in flight.
    assert len(log.read_text().splitlines()) <= 7


def test_two_writers_are_refused(tmp_path):
    with (
        Store("toy", tmp_path).locked(),
        pytest.raises(RuntimeError, match="another process is writing"),
    ):
        run(toy.experiment(), workers=1, root=tmp_path)


def test_rows_without_their_entry_do_not_count(tmp_path):
    store = Store("toy", tmp_path)
    store.add("a", Result([{"x": 1}]), {"configuration": {}})
    with (tmp_path / "toy" / "table.csv").open("a") as stream:
        stream.write("b,2\n")  # what a writer leaves that is killed before it writes runs.json
    assert Store("toy", tmp_path).rows == {"a": [{"x": 1}]}


@pytest.mark.parametrize("value", [True, 3, -0.25, 1e-300, "0x12 text", "fc1", 1 / 3])
def test_a_cell_comes_back_as_it_was(value):
    assert parsed(str(value)) == value


def test_a_rerun_is_compared(tmp_path):
    experiment = toy.experiment(range(1, 3))
    run(experiment, workers=1, root=tmp_path)
    assert differences(experiment, tmp_path) == []
    table = tmp_path / "toy" / "table.csv"
    name = run_name(experiment.sample[0])
    table.write_text(table.read_text().replace(f"{name},root,1.0", f"{name},root,1.01"))
    (line,) = differences(experiment, tmp_path)
    assert "value is 1.0, stored 1.01" in line
    assert differences(replace(experiment, tolerances={"value": 0.02}), tmp_path) == []


def test_a_cluster_that_loses_a_worker_finishes_every_run_once(tmp_path):
    log = tmp_path / "log"
    experiment = toy.experiment(range(8), seconds=0.5, log=str(log))
    script = (
        "import os, signal, sys, time\n"
        "from pathlib import Path\n"
        "from distributed import LocalCluster\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import toy\n"
        "from rmt_helpers.experiments import runner\n"
        "runner.code_fingerprint = lambda function: 'code 1'\n"
        "if __name__ == '__main__':\n"
        "    import threading\n"
        f"    log, root = Path({str(log)!r}), Path({str(tmp_path)!r})\n"
        "    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None,\n"
        "                      host='127.0.0.1') as cluster:\n"
        "        def kill():\n"
        "            while not log.is_file() or len(log.read_text().splitlines()) < 3:\n"
        "                time.sleep(0.02)\n"
        "            os.kill(int(log.read_text().splitlines()[-1].split()[1]), signal.SIGKILL)\n"
        "        killer = threading.Thread(target=kill)\n"
        "        killer.start()\n"
        "        e = toy.experiment(range(8), seconds=0.5, log=str(log))\n"
        "        failures = runner.run(e, scheduler=cluster.scheduler_address, root=root)\n"
        "        killer.join()\n"
        "        print('failures', failures)\n"
    )
    program = tmp_path / "cluster.py"
    program.write_text(script)
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, timeout=120, check=False
    )
    assert "failures []" in done.stdout, done.stderr
    results = load(experiment, tmp_path)
    assert results.table.query("what == 'square'").value.tolist() == [k**2 for k in range(8)]
    starts = Counter(line.split()[0] for line in log.read_text().splitlines())
    # The killed worker's run was started a second time, so a worker really died on the way.
    assert set(starts.values()) == {1, 2}


def test_where_results_lie(tmp_path, monkeypatch):
    assert results_folder() == Path(__file__).resolve().parents[2] / "results"
    monkeypatch.setenv("RMT_RESULTS", str(tmp_path))
    assert results_folder() == tmp_path


def test_an_unknown_name_is_told():
    with pytest.raises(ValueError, match=r"name must be one of \[.*'layers'.*\], was 'nothing'"):
        load_results("nothing")


class TestCommand:
    @pytest.fixture(autouse=True)
    def toys(self, monkeypatch, tmp_path):
        monkeypatch.setenv("RMT_RESULTS", str(tmp_path))
        monkeypatch.setattr(__main__, "EXPERIMENTS", {"toy": toy.experiment(range(1, 3))})

    def test_lists_runs_and_checks(self, capsys):
        assert __main__.main(["list"]) == 0
        assert "0 of 2 runs" in capsys.readouterr().out
        assert __main__.main(["check"]) == 1
        assert "toy: 0 stale, 2 missing" in capsys.readouterr().out
        assert __main__.main(["run", "toy", "--workers", "1"]) == 0
        assert __main__.main(["check", "--rerun"]) == 0
        assert __main__.main(["list"]) == 0
        assert "2 of 2 runs" in capsys.readouterr().out

    def test_says_what_failed(self, capsys, monkeypatch):
        bad = toy.experiment([1], fails=True)
        monkeypatch.setattr(__main__, "EXPERIMENTS", {"toy": bad})
        assert __main__.main(["run", "--workers", "1"]) == 1
        assert "seed 1 fails" in capsys.readouterr().err

    def test_an_unknown_name_is_refused(self, capsys):
        with pytest.raises(SystemExit):
            __main__.main(["run", "nothing"])
        assert "unknown experiment nothing; there are toy" in capsys.readouterr().err
