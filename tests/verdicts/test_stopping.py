"""The rules of stopping, delays and intervals, on tables made by hand."""

import numpy as np
import pandas as pd
import pytest

from rmt_helpers.verdicts.grokking import crossing, delays
from rmt_helpers.verdicts.stopping import best_k, departure, stop, stops, variance_ratio


def run(case="digits, 40 % random", seed=0, best=4, epochs=9):
    """The departure grows by one null an epoch; accuracies peak at the epoch `best`."""
    epoch = np.arange(1, epochs + 1)
    return pd.DataFrame(
        {
            "case": case,
            "seed": seed,
            "epoch": epoch,
            "ks_fc1": 0.01 * epoch,
            "ks_fc2": 0.005 * epoch,
            "null_fc1": 0.01,
            "null_fc2": 0.01,
            "validation_accuracy": 0.9 - 0.01 * abs(epoch - best),
            "test_accuracy": 0.95 - 0.02 * abs(epoch - best),
        }
    )


def test_the_departure_is_that_of_the_worse_layer():
    np.testing.assert_allclose(departure(run()), np.arange(1, 10))


@pytest.mark.parametrize(("k", "row"), [(0.5, 0), (3.5, 3), (8.5, 8), (20, 8)])
def test_stop(k, row):
    assert stop(run(), k) == row


def test_the_best_k_stops_at_the_best_epoch():
    assert stop(run(best=6), best_k(run(best=6))) == 5


def test_stops_judges_networks_that_were_not_chosen_on():
    table = pd.concat([run(), run(seed=1, best=5), run("slow", 0, best=7), run("slow", 1, best=7)])
    found = stops(table).set_index(["case", "rule"])
    assert set(found["seed"]) == {1}
    own = found.loc[("digits, 40 % random", "own k")]
    assert own["epoch"] == 4
    assert own["points"] == pytest.approx(-2)
    assert found.loc[("slow", "own k"), "points"] == pytest.approx(0)
    assert found.loc[("slow", "borrowed epoch"), "points"] == pytest.approx(-6)
    assert found.loc[("slow", "last epoch"), "points"] == pytest.approx(-4)


def test_a_crossing_lies_between_the_steps_on_a_logarithmic_axis():
    steps, right = pd.Series([1, 10, 1000]), pd.Series([0.0, 0.5, 1.0])
    assert crossing(steps, right, 0.75) == pytest.approx(100)
    assert crossing(steps, right, 0.0) == 1
    assert np.isnan(crossing(steps, right, 1.1))


def test_delays():
    table = pd.DataFrame(
        {
            "run": "a",
            "case": "decay 0.02",
            "seed": 0,
            "layer": "fc1",
            "step": [0, 10, 100, 1000],
            "train_accuracy": [0.1, 0.99, 1.0, 1.0],
            "test_accuracy": [0.1, 0.2, 0.4, 0.85],
            "lr": 1e-3,
            "weight_decay": 0.1,
        }
    )
    (row,) = delays(table).itertuples()
    assert (row.fits, row.generalises, row.delay) == pytest.approx((10, 1000, 100))
    assert row.kappa == pytest.approx((1 - 1e-4) ** 1000)


def test_the_interval_of_a_ratio_of_variances_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    draws, inside = 4000, 0
    for _ in range(draws):
        _, low, high = variance_ratio(rng.normal(0, 2, 8), rng.normal(0, 1, 8))
        inside += low <= 4 <= high
    # Four standard errors of a share of .95: false alarm 6e-5.
    assert abs(inside / draws - 0.95) < 4 * np.sqrt(0.95 * 0.05 / draws)
