"""What is stored belongs to the present code, and a sample of it comes out again."""

import pytest

from rmt_helpers.experiments.catalogue import EXPERIMENTS
from rmt_helpers.experiments.runner import differences, status
from rmt_helpers.experiments.store import results_folder


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_results_are_complete_and_fresh(name):
    now = status(EXPERIMENTS[name])
    assert now.complete, f"python -m rmt_helpers.experiments run {name}"


@pytest.mark.parametrize("name", [name for name, e in EXPERIMENTS.items() if e.sample])
def test_a_sample_comes_out_again(name):
    assert differences(EXPERIMENTS[name]) == []


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_is_well_formed(name):
    experiment = EXPERIMENTS[name]
    assert experiment.name == name
    assert len(experiment.runs()) == len(experiment.configurations), "two are the same"
    assert all(configuration in experiment.configurations for configuration in experiment.sample)


def test_the_results_stay_small():
    size = sum(path.stat().st_size for path in results_folder().rglob("*") if path.is_file())
    assert size < 40e6
    strangers = {path.name for path in results_folder().iterdir() if path.is_dir()} - set(
        EXPERIMENTS
    )
    assert strangers == set()
    assert not list(results_folder().rglob("*.part"))
