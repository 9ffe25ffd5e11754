"""A finding is whole, and its interval covers what it should."""

import math

import numpy as np
import pytest
from scipy import stats

from rmt_helpers.verdicts import Finding, mean_interval, share_interval


def test_a_finding_must_be_whole():
    with pytest.raises(ValueError, match="verdict must be one of"):
        Finding("perhaps", remark="of something")
    with pytest.raises(ValueError, match="remark must say"):
        Finding("holds")
    with pytest.raises(ValueError, match="must enclose effect"):
        Finding("holds", 1.0, 2.0, 3.0, remark="of something")
    assert math.isnan(Finding("holds", remark="of something").effect)


@pytest.mark.parametrize("bad", [[], [1.0], [1.0, math.nan], [[1.0, 2.0]]])
def test_an_interval_needs_two_finite_values(bad):
    with pytest.raises(ValueError, match="values must be two or more finite numbers"):
        mean_interval(bad)


@pytest.mark.parametrize(("hits", "draws"), [(-1, 5), (6, 5), (0, 0)])
def test_a_share_needs_draws(hits, draws):
    with pytest.raises(ValueError, match="hits and draws must satisfy"):
        share_interval(hits, draws)


def test_an_exact_interval_by_its_definition():
    share, low, high = share_interval(3, 20)
    assert share == 0.15
    assert stats.binom.sf(2, 20, low) == pytest.approx(0.025)
    assert stats.binom.cdf(3, 20, high) == pytest.approx(0.025)
    assert share_interval(0, 20)[1] == 0


def test_the_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    draws = 4000
    inside = 0
    for _ in range(draws):
        _, low, high = mean_interval(rng.normal(3.0, 2.0, size=5))
        inside += low <= 3.0 <= high
    # Four standard errors of a share of .95: false alarm 6e-5.
    assert abs(inside / draws - 0.95) < 4 * math.sqrt(0.95 * 0.05 / draws)
