"""Gaussian broadening: the density, both fits, their errors on noise and on signal, bad input.

Every statistical test has a fixed seed and says how often a right implementation would fail it.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit, least_squares, minimize_scalar
from scipy.stats import binom

from rmt_helpers import SingularValueLaw, Spectrum, gaussian_broadening, spiked_matrix
from rmt_helpers.thresholds import broadening
from rmt_helpers.thresholds.broadening import broadened_density

pytestmark = pytest.mark.filterwarnings("error")


def noise(shape, rng):
    """Spectrum of pure Gaussian noise; the Gram route is exact enough and three times faster."""
    return Spectrum.of(rng.standard_normal(shape), method="gram")


def edge(shape):
    """Upper edge of noise with σ = 1."""
    return math.sqrt(shape[0]) + math.sqrt(shape[1])


@pytest.fixture(scope="module")
def spiked():
    """512 × 784 with five spikes, all above the transition, as in the chapter."""
    return Spectrum.of(spiked_matrix((512, 784), [4, 3, 2, 1.5, 1.1], rng=2)[0])


# --- the density ------------------------------------------------------------------------------


def density_by_loops(ascending, window, edges, at):
    """The definition, one kernel at a time."""
    m, total = len(ascending), 0.0
    for k in range(m):
        if edges == "drop" and not window <= k < m - window:
            continue
        high = ascending[min(k + window, m - 1)]
        low = ascending[max(k - window, 0)]
        width = (high - low) / 2
        z = (at - ascending[k]) / width
        total += math.exp(-z * z / 2) / (math.sqrt(2 * math.pi) * width)
    return total / m


@pytest.mark.parametrize("edges", ["replicate", "drop"])
@pytest.mark.parametrize("window", [1, 4, 15])
def test_density_is_the_sum_of_its_kernels(window, edges):
    spectrum = noise((80, 120), np.random.default_rng(0))
    density = broadened_density(spectrum, window, edges=edges)
    points = np.linspace(-1, 25, 53)
    expected = [density_by_loops(spectrum.values[::-1], window, edges, x) for x in points]
    np.testing.assert_allclose(density(points), expected, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize(("edges", "mass"), [("replicate", 1.0), ("drop", 1 - 2 * 15 / 90)])
def test_density_integrates_to_its_mass(edges, mass):
    density = broadened_density(noise((90, 90), np.random.default_rng(1)), edges=edges)
    x = np.linspace(-20, 45, 6501)
    assert density.mass == pytest.approx(mass, rel=1e-14)
    assert np.sum(density(x)) * (x[1] - x[0]) == pytest.approx(mass, rel=1e-10)


def test_widths_are_one_sided_at_replicated_ends():
    density = broadened_density(Spectrum([16.0, 9.0, 4.0, 1.0, 0.0], (5, 6)), window=1)
    np.testing.assert_array_equal(density.centres, [0, 1, 4, 9, 16])
    np.testing.assert_array_equal(density.widths, [0.5, 2, 4, 6, 3.5])


def test_density_keeps_the_shape_of_its_argument_and_long_calls_their_values(spiked):
    density = broadened_density(spiked)
    assert np.ndim(density(30.0)) == 0
    x = np.linspace(0, 60, 6000)  # more than one block
    assert density(x.reshape(20, 300)).shape == (20, 300)
    np.testing.assert_allclose(density(x[::600]), density(x)[::600], rtol=1e-13)


# --- the fits, against other ways to compute them ---------------------------------------------


def overlap(a, b, scale=1.0):
    """∫ a(ν) b(ν/scale)/scale dν of two sums of Gaussians, in closed form: no grid, no limits."""
    variance = a.widths[:, None] ** 2 + (scale * b.widths) ** 2
    gauss = np.exp(-((a.centres[:, None] - scale * b.centres) ** 2) / (2 * variance))
    return np.sum(gauss / np.sqrt(2 * np.pi * variance)) / (a.n_values * b.n_values)


def closest_sigma(values, shape, window, edges):
    """The matched σ, from closed-form overlaps and another optimiser."""
    p = min(shape)
    quantiles = SingularValueLaw(shape).ppf((np.arange(p, 0, -1) - 0.5) / p)
    data = broadened_density(Spectrum(values, shape), window, edges=edges)
    law = broadened_density(Spectrum(quantiles, shape), window, edges=edges)
    start = np.median(values) / np.median(quantiles)
    norm = overlap(law, law)
    return minimize_scalar(
        lambda sigma: norm / sigma - 2 * overlap(data, law, sigma),
        bounds=(start / 2, 2 * start),
        method="bounded",
        options={"xatol": 1e-9 * start},
    ).x


@pytest.mark.parametrize("edges", ["replicate", "drop"])
@pytest.mark.parametrize("window", [5, 15, 25])
@pytest.mark.parametrize("shape", [(130, 130), (130, 200), (2000, 130)])
def test_one_match_is_the_closest(shape, window, edges):
    nu = noise(shape, np.random.default_rng(4)).values
    sigma = broadening._match(nu[::-1], max(shape), window, edges)
    assert sigma == pytest.approx(closest_sigma(nu, shape, window, edges), rel=1e-6)


@pytest.mark.parametrize("edges", ["replicate", "drop"])
def test_refitting_ends_where_the_same_values_stay_out(spiked, edges):
    fit = gaussian_broadening(spiked, edges=edges)
    s, (N, M) = 0, spiked.shape
    for _ in range(10):
        sigma = closest_sigma(spiked.values[s:], (N - s, M - s), 15, edges)
        s, before = int(np.sum(spiked.values > sigma * edge((N, M)))), s
        if s == before:
            break
    assert fit.n_signal == s == 5
    assert fit.sigma == pytest.approx(sigma, rel=1e-6)
    assert fit.threshold == pytest.approx(fit.edge, rel=1e-12)


def test_sigma_solves_the_least_squares_on_a_dense_grid(spiked):
    fit = gaussian_broadening(spiked)
    s, (N, M) = fit.n_signal, spiked.shape
    rest = (N - s, M - s)
    quantiles = SingularValueLaw(rest).ppf((np.arange(rest[0], 0, -1) - 0.5) / rest[0])
    law = broadened_density(Spectrum(quantiles, rest))
    nu = np.linspace(-5, 75, 1500)
    data = broadened_density(Spectrum(spiked.values[s:], rest))(nu)
    solution = least_squares(lambda v: data - law(nu / v[0]) / v[0], [1.2], xtol=1e-12, ftol=1e-14)
    assert fit.sigma == pytest.approx(solution.x[0], rel=1e-5)


def test_authors_fit_against_curve_fit(spiked):
    # Their own route: two parameters, ten points between neighbours, start (0.5, 2.0).
    nu = spiked.values[::-1] / np.median(spiked.values)
    grid = np.concatenate([np.linspace(a, b, 10, endpoint=False) for a, b in pairwise(nu)])
    P = broadened_density(Spectrum(nu[::-1], spiked.shape))(grid)
    used = (grid <= grid[P.argmax()]) | (P / P.max() > 0.7)

    def modified_law(x, A, nu_max):
        return A / x * np.sqrt(np.maximum((nu_max**2 - x**2) * (x**2 - nu[0] ** 2), 0))

    (_, nu_max), _ = curve_fit(
        modified_law, grid[used], P[used], p0=(0.5, 2.0), bounds=(0, np.inf), ftol=1e-13, xtol=1e-13
    )
    fit = gaussian_broadening(spiked, recipe="authors")
    assert fit.threshold / np.median(spiked.values) == pytest.approx(nu_max, rel=1e-5)
    assert fit.sigma == pytest.approx(fit.threshold / edge(spiked.shape), rel=1e-12)


# --- false positives --------------------------------------------------------------------------


@pytest.mark.parametrize("edges", ["replicate", "drop"])
@pytest.mark.parametrize("shape", [(96, 96), (100, 150), (900, 80)])
def test_noise_exceeds_the_edge_as_often_as_tracy_widom_says(shape, edges):
    # An ideal edge is exceeded with probability 1 − F₁(0) = .168. Finite size and the error of σ
    # leave rates from .14 to .19 here, measured over 3,000 matrices a shape. A binomial count of
    # a rate between .13 and .20 leaves the band below with probability 1e-4 at most.
    draws, rng = 300, np.random.default_rng(5)
    fits = [gaussian_broadening(noise(shape, rng), edges=edges) for _ in range(draws)]
    count = sum(fit.n_signal > 0 for fit in fits)
    assert binom.ppf(5e-5, draws, 0.13) <= count <= binom.isf(5e-5, draws, 0.20)
    sigma = np.array([fit.sigma for fit in fits])
    # Unbiased to .25 % (same run); beyond it 4 standard errors, which fails once in 16,000.
    assert abs(sigma.mean() - 1) < 0.0025 + 4 * sigma.std() / math.sqrt(draws)


def test_authors_recipe_on_noise():
    # 512 × 784: published checks give a median edge of 1.017 and .07 false positives, with a
    # quarter of the edges below 1.009 and above 1.029. The median of 40 then has a standard
    # error of .003; five of them fail less than once in a million.
    rng = np.random.default_rng(6)
    ratio = [
        gaussian_broadening(noise((512, 784), rng), recipe="authors").threshold / edge((512, 784))
        for _ in range(40)
    ]
    assert np.median(ratio) == pytest.approx(1.017, abs=0.015)


def test_no_signal_gives_the_method_name_and_a_good_ks():
    fit = gaussian_broadening(noise((300, 400), np.random.default_rng(7)))
    assert fit.method == "gaussian broadening"
    assert fit.n_signal == 0
    assert fit.ks < 0.02


# --- power and the pull of spikes -------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "thetas"),
    [((512, 784), (4, 3, 2, 1.5, 1.1)), ((256, 256), (3, 2, 1.3)), ((120, 84), (3, 1.5))],
)
def test_power(shape, thetas):
    # One false positive in six is what the edge allows, and at θ = 1.1 a miss in ten: of 8 draws
    # all are within one of the truth and at least 4 hit it (a right implementation: > 99 %).
    rng = np.random.default_rng(8)
    found = np.array(
        [gaussian_broadening(spiked_matrix(shape, thetas, 0.05, rng)[0]).n_signal for _ in range(8)]
    )
    assert np.all(np.abs(found - len(thetas)) <= 1)
    assert np.sum(found == len(thetas)) >= 4


def test_spikes_pull_the_first_fit_inwards_and_refitting_undoes_it(spiked):
    nu, unit = spiked.values[::-1], edge(spiked.shape)
    first = broadening._match(nu, spiked.n, 15, "replicate")
    fit = gaussian_broadening(spiked)
    assert first < 0.98
    assert np.sum(nu > first * unit) > 6
    assert abs(fit.sigma - 1) < 0.005
    assert fit.n_signal == 5


def test_many_spikes_leave_sigma_unbiased():
    # Without the smaller shape of what is left, σ would come out 3 % too low.
    thetas = np.linspace(1.4, 6, 40)
    sigma = [
        gaussian_broadening(spiked_matrix((300, 450), thetas, rng=seed)[0]).sigma
        for seed in range(4)
    ]
    assert np.mean(sigma) == pytest.approx(1, abs=0.012)


def test_one_enormous_spike_does_not_matter():
    W = np.random.default_rng(9).standard_normal((150, 200))
    W[0, 0] = 1e9
    fit = gaussian_broadening(W)
    assert fit.n_signal in (1, 2)
    assert fit.sigma == pytest.approx(1, abs=0.02)


def test_a_circle_of_refits_ends_with_its_highest_edge(monkeypatch):
    # 0 → 3 → 2 → 3: the circle is {3, 2}; its fit with s = 3 puts the edge higher.
    spectrum = Spectrum(np.arange(100.0, 0, -1), (100, 120))
    edges_of = {0: 97.5, 3: 98.5, 2: 97.2}
    unit = np.median(spectrum.values)

    def match(nu, n, window, edges):
        return edges_of[100 - nu.size] / unit / edge((100, 120))

    monkeypatch.setitem(gaussian_broadening.__globals__, "_match", match)
    fit = gaussian_broadening(spectrum)
    assert fit.threshold == pytest.approx(98.5, rel=1e-12)
    assert fit.n_signal == 2


# --- invariances ------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", ["refitted", "authors"])
@pytest.mark.parametrize("factor", [1e-100, 0.037, 1e100])
def test_scale(recipe, factor):
    W = spiked_matrix((100, 130), [3, 2], rng=10)[0]
    plain = gaussian_broadening(W, recipe=recipe)
    scaled = gaussian_broadening(factor * W, recipe=recipe)
    assert scaled.n_signal == plain.n_signal
    assert scaled.sigma == pytest.approx(factor * plain.sigma, rel=1e-6)
    assert scaled.threshold == pytest.approx(factor * plain.threshold, rel=1e-6)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    p=st.integers(75, 110),
    extra=st.integers(0, 80),
    seed=st.integers(0, 10_000),
    recipe=st.sampled_from(["refitted", "authors"]),
)
def test_transpose_permutation_and_float32(p, extra, seed, recipe):
    rng = np.random.default_rng(seed)
    W = spiked_matrix((p, p + extra), [3], rng=rng)[0]
    plain = gaussian_broadening(W, recipe=recipe)
    for other in (W.T, W[rng.permutation(p)]):
        fit = gaussian_broadening(other, recipe=recipe)
        assert fit.sigma == pytest.approx(plain.sigma, rel=1e-6)
    single = gaussian_broadening(W.astype(np.float32), recipe=recipe)
    assert single.sigma == pytest.approx(plain.sigma, rel=1e-3)


def test_a_spectrum_does_as_well_as_its_matrix():
    W = spiked_matrix((100, 90), [3], rng=11)[0]
    assert gaussian_broadening(Spectrum.of(W)).sigma == gaussian_broadening(W).sigma
    assert gaussian_broadening(W.tolist()).sigma == gaussian_broadening(W).sigma


# --- bad input --------------------------------------------------------------------------------

GOOD = np.random.default_rng(12).standard_normal((80, 100))
WITH_NAN, WITH_INF = GOOD.copy(), GOOD.copy()
WITH_NAN[3, 4], WITH_INF[3, 4] = np.nan, np.inf


@pytest.mark.parametrize("function", [gaussian_broadening, broadened_density])
@pytest.mark.parametrize(
    ("W", "message"),
    [
        (GOOD[0], "W must be two-dimensional"),
        (GOOD[None], "W must be two-dimensional"),
        (np.empty((0, 100)), "W must not be empty"),
        (WITH_NAN, "W must be finite"),
        (WITH_INF, "W must be finite"),
        (GOOD + 1j, "W must hold real numbers"),
        ([["a", "b"]], "W must hold real numbers"),
        (np.zeros((80, 100)), "must not all be zero"),
        (np.eye(80), "must not all be equal"),
        (GOOD[:, :2] @ GOOD[:2, :], "W must hold noise"),
        (GOOD[:74], "window = 15 needs 75 singular values, there are 74; choose at most 14"),
        (GOOD[:4], "window = 15 needs 75 singular values, there are 4; this matrix is too small"),
    ],
)
def test_bad_matrix(function, W, message):
    with pytest.raises(ValueError, match=message):
        function(W)


@pytest.mark.parametrize("function", [gaussian_broadening, broadened_density])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"window": 0}, "window must be at least 1, was 0"),
        ({"window": -3}, "window must be at least 1, was -3"),
        ({"window": 15.0}, "window must be an integer, was 15.0"),
        ({"window": "15"}, "window must be an integer"),
        ({"window": None}, "window must be an integer"),
        ({"window": 17}, "window = 17 needs 85 singular values, there are 80; choose at most 16"),
        ({"edges": "reflect"}, "edges must be .* was 'reflect'"),
    ],
)
def test_bad_arguments(function, arguments, message):
    with pytest.raises(ValueError, match=message):
        function(GOOD, **arguments)


def test_bad_recipe():
    with pytest.raises(ValueError, match="recipe must be .* was 'best'"):
        gaussian_broadening(GOOD, recipe="best")


@pytest.mark.parametrize("edges", ["replicate", "drop"])
@pytest.mark.parametrize("recipe", ["refitted", "authors"])
def test_equal_values_are_refused_when_a_kernel_would_have_no_width(recipe, edges):
    dead = np.random.default_rng(13).standard_normal((150, 200))
    dead[:20] = 0
    with pytest.raises(ValueError, match="window = 15 equal singular values"):
        gaussian_broadening(dead, recipe=recipe, edges=edges)
    # A wider window reaches past them.
    assert gaussian_broadening(dead, 25, edges=edges).n_signal <= 2


@pytest.mark.parametrize("edges", ["replicate", "drop"])
def test_a_spectrum_without_a_bulk_is_refused(edges):
    decaying = Spectrum(np.exp(-np.arange(100) / 3.0), (100, 100))
    with pytest.raises(ValueError, match="W must hold a bulk of noise"):
        gaussian_broadening(decaying, edges=edges)


@pytest.mark.parametrize("edges", ["replicate", "drop"])
def test_two_windows_of_values_are_too_few_to_refit(monkeypatch, edges):
    # The first fit leaves 30 of 100 values: with dropped ends not one kernel would remain.
    spectrum = Spectrum(np.arange(100.0, 0, -1), (100, 120))
    first = 30.5 / np.median(spectrum.values) / edge((100, 120))
    monkeypatch.setitem(gaussian_broadening.__globals__, "_match", lambda *_: first)
    with pytest.raises(ValueError, match="70 of its 100 singular values"):
        gaussian_broadening(spectrum, edges=edges)


def test_authors_fit_without_an_edge_is_refused():
    # A density that rises to its last value.
    rising = Spectrum(np.sqrt(np.linspace(2, 0.01, 100)), (100, 100))
    with pytest.raises(ValueError, match="ν_max = ∞"):
        gaussian_broadening(rising, recipe="authors", edges="drop")
