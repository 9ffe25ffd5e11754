"""Tails, spacings and vectors: against exact laws, simulation, and other people's programs."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from rmt_helpers import Spectrum, spiked_matrix
from rmt_helpers.statistics import (
    PHASES,
    evened,
    hill,
    phase,
    plateau_p_value,
    porter_thomas,
    power_law_fit,
    power_law_p_value,
    reference_ratio,
    spacing_ratio,
    spacing_ratios,
    unfold,
    wigner_cdf,
    wigner_pdf,
)


def pareto(rng, exponent, size, start=1.0):
    return start * (1 - rng.random(size)) ** (-1 / (exponent - 1))


# Tails --------------------------------------------------------------------------------------------


def test_the_exponent_maximises_the_likelihood():
    x = pareto(np.random.default_rng(0), 2.7, 300, start=3.0)
    fit = power_law_fit(x, start=3.0)

    def log_likelihood(xi):
        return np.sum(np.log((xi - 1) / 3.0) - xi * np.log(x / 3.0))

    best = log_likelihood(fit.exponent)
    assert all(log_likelihood(fit.exponent + step) < best for step in (-0.1, -1e-3, 1e-3, 0.1))
    assert fit.n_tail == 300
    assert fit.start == 3.0
    # scipy's own distance, from its own law
    ks = stats.kstest(x, stats.pareto(fit.exponent - 1, scale=3.0).cdf).statistic
    assert math.isclose(fit.ks, ks, rel_tol=1e-12)


def test_the_interval_of_the_exponent_covers_the_truth():
    rng, hits, draws = np.random.default_rng(1), 0, 2000
    for _ in range(draws):
        fit = power_law_fit(pareto(rng, 2.5, 200), start=1.0)
        hits += abs(fit.exponent - 2.5) < 1.96 * fit.standard_error
    # 95 % asymptotically; at 200 values within a point. Four standard errors of the share: 2e-2.
    assert abs(hits / draws - 0.95) < 0.02 + 0.005


def test_the_start_is_found_where_the_law_begins():
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.uniform(0.2, 1.0, 500), pareto(rng, 2.2, 800)])
    fit = power_law_fit(x)
    assert 0.8 < fit.start < 1.6
    assert abs(fit.exponent - 2.2) < 4 * fit.standard_error


def test_agrees_with_the_powerlaw_package():
    powerlaw = pytest.importorskip("powerlaw")
    x = pareto(np.random.default_rng(3), 2.4, 400)
    theirs = powerlaw.Fit(x, xmin=float(np.sort(x)[100]), verbose=False).power_law
    ours = power_law_fit(x, start=float(np.sort(x)[100]))
    assert math.isclose(ours.exponent, theirs.alpha, rel_tol=1e-9)


def test_hill_is_its_definition():
    x = pareto(np.random.default_rng(5), 3.0, 50)
    top = np.sort(x)[::-1]
    slow = [1 + k / sum(math.log(top[i] / top[k]) for i in range(k)) for k in range(1, 50)]
    assert np.allclose(hill(x), slow, rtol=1e-10)
    assert np.isinf(hill([2.0, 2.0, 1.0])[0])


@given(st.floats(1e-6, 1e6), st.integers(0, 1000))
def test_units_do_not_matter(unit, seed):
    x = pareto(np.random.default_rng(seed), 2.0, 40)
    assert np.allclose(hill(unit * x), hill(x), rtol=1e-6)
    ours, theirs = power_law_fit(unit * x), power_law_fit(x)
    assert math.isclose(ours.exponent, theirs.exponent, rel_tol=1e-6)
    assert ours.n_tail == theirs.n_tail


@pytest.mark.parametrize("exponent", [1.3, 2.0, 5.0])
def test_the_plateau_test_keeps_its_level_for_every_exponent(exponent):
    rng, draws = np.random.default_rng(6), 1000
    small = np.mean(
        [plateau_p_value(pareto(rng, exponent, 256), 8, 64) < 0.05 for _ in range(draws)]
    )
    # Four standard errors of a share of .05, and of the null's own quantile: false alarm 1e-4.
    assert abs(small - 0.05) < 4 * math.sqrt(0.05 * 0.95 * (1 / draws + 1 / 2000))


def test_the_plateau_test_sees_an_edge():
    rng = np.random.default_rng(7)
    edges = [rng.standard_normal((256, 784)) for _ in range(5)]
    values = [np.linalg.svd(R, compute_uv=False) ** 2 for R in edges]
    assert all(plateau_p_value(x, 8, 64) < 0.02 for x in values)


def test_the_bootstrap_is_fair_and_sees_an_edge():
    rng = np.random.default_rng(8)
    fair = [power_law_p_value(pareto(rng, 2.5, 120), repeats=39, rng=k) for k in range(40)]
    # Uniform: fewer than 10 of 40 below .1 except with probability 2e-3.
    assert sum(p < 0.1 for p in fair) < 10
    assert power_law_p_value(np.linspace(1, 3, 400), repeats=39, rng=0) < 0.1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: power_law_fit([1.0, -1.0]), "x must hold positive"),
        (lambda: power_law_fit([]), "x must hold positive"),
        (lambda: power_law_fit([1.0, np.nan]), "x must be finite"),
        (lambda: power_law_fit([[1.0, 2.0]]), "x must be one-dimensional"),
        (lambda: power_law_fit(np.arange(1, 9.0)), "x must hold 11 values"),
        (lambda: power_law_fit(np.ones(30)), "not all of them equal"),
        (lambda: power_law_fit(np.arange(1, 30.0), start=25.0), "x must hold 11 values"),
        (lambda: power_law_fit(np.arange(1, 30.0), least=1), "least must be 2"),
        (lambda: hill([1.0]), "x must hold two"),
        (lambda: plateau_p_value(np.arange(1, 30.0), 5, 5), "first and last"),
        (lambda: plateau_p_value(np.arange(1, 30.0), 2, 9, draws=0), "draws must be"),
        (lambda: plateau_p_value([3.0] * 9 + [1.0], 2, 9), "equal largest values"),
        (lambda: power_law_p_value(np.arange(1, 30.0), repeats=0), "repeats must be"),
        (lambda: spacing_ratios([1.0, 2.0]), "values must be one-dimensional"),
        (lambda: reference_ratio("goe"), "kind must be"),
        (lambda: unfold(np.arange(20.0)), "values must be one-dimensional with 30"),
        (lambda: unfold(np.zeros(40)), "values must be different"),
        (lambda: unfold(np.arange(20.0), window=1), "window must be"),
        (lambda: wigner_pdf(np.nan), "x must not be NaN"),
        (lambda: porter_thomas(np.ones(9)), "vectors must be columns of length 1"),
        (lambda: porter_thomas(np.eye(4)), "vectors must be columns"),
        (lambda: evened(np.ones(4)), "W must be two-dimensional"),
        (lambda: evened(np.ones((2, 2)), rounds=0), "rounds must be"),
        (lambda: evened([[1.0, 0.0], [1.0, 0.0]]), "W must have no row or column"),
        (lambda: porter_thomas(np.full(100, 0.1), draws=0), "draws must be"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# Spacings -----------------------------------------------------------------------------------------


def test_ratios_by_hand():
    assert spacing_ratios([0, 1, 3, 3.5]).tolist() == [0.5, 0.25]
    assert spacing_ratios([1, 1, 1]).tolist() == [0.0]


def test_reference_ratios_in_closed_form():
    assert math.isclose(reference_ratio("independent"), float(2 * mpmath.log(2) - 1))
    assert math.isclose(reference_ratio("surmise"), float(4 - 2 * mpmath.sqrt(3)))
    # Atas et al. (2013), table 1: .5307 ± .0001; ours has a standard error of .0007.
    assert abs(reference_ratio("noise") - 0.5307) < 0.0025


def test_the_surmise_is_the_law_of_three_eigenvalues():
    rng = np.random.default_rng(9)
    A = rng.standard_normal((20_000, 3, 3))
    values = np.linalg.eigvalsh(A + A.transpose(0, 2, 1))
    gaps = np.diff(values, axis=1)
    mean = (gaps.min(axis=1) / gaps.max(axis=1)).mean()
    # The standard deviation of a ratio is .26: four standard errors.
    assert abs(mean - reference_ratio("surmise")) < 4 * 0.26 / math.sqrt(20_000)


def test_dense_matrices_give_the_tridiagonal_ones_ratio():
    rng = np.random.default_rng(10)
    ratios = []
    for _ in range(20):
        A = rng.standard_normal((200, 200))
        ratios.append(spacing_ratio(np.linalg.eigvalsh(A + A.T)))
    error = np.std(ratios, ddof=1) / math.sqrt(20)
    assert abs(np.mean(ratios) - reference_ratio("noise")) < 4 * error


def test_independent_points_have_their_ratio():
    rng = np.random.default_rng(12)
    ratios = [spacing_ratio(rng.random(400)) for _ in range(40)]
    error = np.std(ratios, ddof=1) / math.sqrt(40)
    assert abs(np.mean(ratios) - reference_ratio("independent")) < 4 * error


def test_unfolding_undoes_a_smooth_stretch():
    rng = np.random.default_rng(11)
    levels = np.sort(rng.random(2001))
    gaps = np.diff(unfold(np.exp(3 * levels)))
    assert math.isclose(gaps.mean(), 1.0)
    assert (gaps > 0).all()
    # Independent points: exponential gaps. A window of 15 narrows them a little.
    assert stats.kstest(gaps, "expon").statistic < 0.05
    A = rng.standard_normal((900, 900))
    gaps = np.diff(unfold(np.linalg.eigvalsh(A + A.T)))
    assert stats.kstest(gaps, wigner_cdf).statistic < 0.05
    assert stats.kstest(gaps, "expon").statistic > 0.15


def test_wigner_is_a_law_of_mean_one():
    assert math.isclose(integrate.quad(wigner_pdf, 0, np.inf)[0], 1)
    assert math.isclose(integrate.quad(lambda s: s * wigner_pdf(s), 0, np.inf)[0], 1)
    s = np.linspace(-1, 4, 50)
    slopes = [integrate.quad(wigner_pdf, 0, x)[0] if x > 0 else 0 for x in s]
    assert np.allclose(wigner_cdf(s), slopes)


# Vectors ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [16, 256])
def test_random_vectors_pass_at_the_level(n):
    rng, draws = np.random.default_rng(12), 4000
    v = rng.standard_normal((n, draws))
    found = porter_thomas(v / np.linalg.norm(v, axis=0))
    share = np.mean(found.p_value < 0.05)
    # Four standard errors, the null's included: false alarm 6e-5.
    assert abs(share - 0.05) < 4 * math.sqrt(0.05 * 0.95 * (1 / draws + 1 / 2000))


def test_the_distance_is_scipys_and_its_null_is_not():
    rng = np.random.default_rng(13)
    v = rng.standard_normal((256, 4000))
    v /= np.linalg.norm(v, axis=0)
    found = porter_thomas(v)
    theirs = [stats.kstest(16 * column, "norm") for column in v.T[:20]]
    assert np.allclose(found.distance[:20], [t.statistic for t in theirs])
    naive = np.array([stats.kstest(16 * column, "norm").pvalue for column in v.T])
    # A vector of fixed length fits too well: naive p-values are too large, .536 on average.
    assert naive.mean() > 0.5 + 4 * math.sqrt(1 / 12 / 4000)
    assert abs(found.p_value.mean() - 0.5) < 4 * math.sqrt(1 / 12 * (1 / 4000 + 1 / 2000))


def test_structure_is_seen():
    rng = np.random.default_rng(14)
    v = rng.standard_normal(784)
    v[rng.random(784) < 0.3] *= 0.05  # a third of the entries is nearly dead
    assert porter_thomas(v / np.linalg.norm(v)).p_value[0] < 0.002
    assert porter_thomas(np.eye(50)[:, 0]).p_value[0] < 0.002


# Phases -------------------------------------------------------------------------------------------


def test_each_phase_can_be_made():
    rng = np.random.default_rng(15)
    shape = (256, 784)
    noise = rng.standard_normal(shape)
    made = {
        "random-like": noise,
        "bleeding-out": spiked_matrix(shape, [1.3, 1.2, 1.1], rng=16)[0],
        "bulk and spikes": spiked_matrix(shape, [6.0, 5.0, 4.0], rng=17)[0],
        # Rows of very different size: a bulk that ends late, without a plateau.
        "bulk decay": noise * np.exp(rng.uniform(0, 1.2, (256, 1))),
    }
    assert {name: phase(W) for name, W in made.items()} == {name: name for name in made}
    values = np.sort(pareto(rng, 1.8, 256))[::-1]
    assert phase(Spectrum(np.sqrt(values), shape)) == "heavy-tailed"
    low = rng.standard_normal((256, 60)) @ rng.standard_normal((60, 784)) + 1e-3 * noise
    assert phase(low) == "rank collapse"
    assert len(PHASES) == 6


def test_the_phase_does_not_depend_on_the_unit():
    W = spiked_matrix((100, 150), [4.0, 3.0], rng=19)[0]
    assert phase(W) == phase(1e-4 * W) == phase(W.T)


def test_a_short_spectrum_has_no_phase():
    with pytest.raises(ValueError, match="W must have 40"):
        phase(np.random.default_rng(20).standard_normal((20, 50)))


def test_evened_noise_has_random_vectors_again():
    rng = np.random.default_rng(8)
    noise = rng.standard_normal((64, 96))
    loud = rng.gamma(2, size=(64, 1)) * noise * rng.gamma(2, size=96)
    even = evened(loud)
    np.testing.assert_allclose(np.mean(even**2, axis=0), 1)
    np.testing.assert_allclose(np.mean(even**2, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(even, evened(noise), rtol=1e-6)  # whatever the sizes were
    share = [np.mean(porter_thomas(np.linalg.svd(W)[0]).p_value < 0.05) for W in (loud, even)]
    assert share[0] > 0.2 > 0.15 > share[1]
