"""A reproduction says what came out again, and what did not is seen on the page."""

import dataclasses
import json
from pathlib import Path

import pytest
import toy

from rmt_helpers.experiments import reproduction, runner
from rmt_helpers.experiments.__main__ import main
from rmt_helpers.experiments.catalogue import EXPERIMENTS
from rmt_helpers.experiments.runner import run


@pytest.fixture
def stored(tmp_path, monkeypatch):
    for module in (runner, reproduction):  # toy.py is no part of the package, whose code is hashed
        monkeypatch.setattr(module, "code_fingerprint", lambda function: "code 1")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    experiment = toy.experiment()
    assert run(experiment, workers=1, root=tmp_path) == []
    return experiment


def change_a_number(folder):
    table = folder / "toy" / "table.csv"
    table.write_text(table.read_text().replace("square,0", "square,0.5"))


class TestDeviation:
    @pytest.mark.parametrize(
        ("new", "tolerance", "units"),
        [(2.0, 0.0, 0.0), (2.1, 0.2, 0.5), (2.4, 0.2, 2.0), (2.0 + 1e-6, 0.0, 0.5)],
    )
    def test_in_units_of_what_may_differ(self, new, tolerance, units):
        far = reproduction.deviation([{"x": new}], [{"x": 2.0}], {"x": tolerance})
        assert far == pytest.approx(units, abs=1e-3)

    @pytest.mark.parametrize(
        "new", [[], [{"x": "two"}], [{"y": 2.0}], [{"x": float("nan")}], [{"x": 2.0}, {"x": 2.0}]]
    )
    def test_what_does_not_match_is_infinitely_far(self, new):
        assert reproduction.deviation(new, [{"x": 2.0}], {"x": 9.0}) == float("inf")

    def test_a_column_of_other_runs_is_an_empty_cell(self):
        assert reproduction.deviation([{"x": 2.0}], [{"x": 2.0, "of_others": ""}], {}) == 0
        assert reproduction.deviation([{"x": 2.0}], [{"x": 2.0, "lost": 1.0}], {}) == float("inf")

    def test_nan_comes_out_again(self):
        row = [{"x": float("nan")}]
        assert reproduction.deviation(row, row, {}) == 0


class TestReproduce:
    def test_the_sample(self, stored, tmp_path):
        said = []
        record = reproduction.reproduce([stored], root=tmp_path, say=said.append)
        found = record["toy"]
        assert (found["runs"], found["agreed"], found["largest"], found["failed"]) == (1, 1, 0, [])
        assert found["stored"] == 4
        assert json.loads((tmp_path / "reproduction.json").read_text()) == record
        assert said == ["toy          1 of 1 runs came out again"]
        assert reproduction.outcome(stored, record) == "yes"

    def test_all_runs(self, stored, tmp_path):
        record = reproduction.reproduce([stored], every=True, root=tmp_path)
        assert record["toy"]["runs"] == record["toy"]["agreed"] == 4

    def test_other_experiments_keep_what_was_found(self, stored, tmp_path):
        (tmp_path / "reproduction.json").write_text('{"other": {"runs": 1}}')
        record = reproduction.reproduce([stored], root=tmp_path)
        assert record["other"] == {"runs": 1}

    def test_a_number_that_does_not_come_out(self, stored, tmp_path):
        change_a_number(tmp_path)
        record = reproduction.reproduce([stored], root=tmp_path)
        assert record["toy"]["agreed"] == 0
        assert record["toy"]["largest"] > 1
        assert len(record["toy"]["failed"]) == 1

    def test_a_run_that_raises(self, stored, tmp_path):
        failing = dataclasses.replace(
            stored, configurations=[{"seed": 0, "fails": True}], sample=[{"seed": 0, "fails": True}]
        )
        record = reproduction.reproduce([failing], root=tmp_path)
        assert record["toy"]["agreed"] == 0
        assert record["toy"]["largest"] is None
        assert reproduction.outcome(failing, record) == "no"


class TestSummary:
    def line(self, experiment, record):
        (row,) = reproduction.summary([experiment], record)
        return row

    def test_a_missing_record_is_shown_as_missing(self, stored, tmp_path):
        assert reproduction.read_record(tmp_path) == {}
        row = self.line(stored, {})
        assert row["Came out again"] == "**never repeated**"
        assert row["Runs repeated"] == "0 of 4"

    def test_a_failed_one_as_failed(self, stored, tmp_path):
        change_a_number(tmp_path)
        row = self.line(stored, reproduction.reproduce([stored], root=tmp_path))
        assert row["Came out again"] == "**no**"

    def test_one_of_other_code_as_such(self, stored, tmp_path):
        record = reproduction.reproduce([stored], root=tmp_path)
        record["toy"]["code"] = "0" * 12
        assert self.line(stored, record)["Came out again"] == "**the code has changed since**"

    def test_one_that_repeated_nothing_as_such(self, stored, tmp_path):
        empty = dataclasses.replace(stored, sample=(), configurations=[])
        record = reproduction.reproduce([empty], root=tmp_path)
        assert self.line(empty, record)["Came out again"] == "**nothing was repeated**"

    def test_the_last_run_of_one_without_a_sample(self, stored, tmp_path):
        bare = dataclasses.replace(stored, sample=())
        record = reproduction.reproduce([bare], root=tmp_path)
        assert (record["toy"]["runs"], self.line(bare, record)["Came out again"]) == (1, "yes")

    def test_a_good_one_with_its_date(self, stored, tmp_path):
        record = reproduction.reproduce([stored], every=True, root=tmp_path)
        row = self.line(stored, record)
        assert row["Came out again"] == "yes"
        assert row["Runs repeated"] == "4 of 4"
        assert row["On"] == record["toy"]["date"][:10]


def test_the_command(stored, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RMT_RESULTS", str(tmp_path))
    monkeypatch.setitem(EXPERIMENTS, "toy", stored)
    assert main(["reproduce", "toy"]) == 0
    assert "1 of 1 runs came out again" in capsys.readouterr().out
    change_a_number(tmp_path)
    assert main(["reproduce", "toy", "--all"]) == 1
    assert "3 of 4 runs came out again" in capsys.readouterr().out
