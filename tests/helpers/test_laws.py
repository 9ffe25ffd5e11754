"""The laws of noise against quadrature, mpmath, Painlevé's equation and published numbers.

Statistical tests fix their seed and allow a false alarm in one of a thousand seeds.
"""

from __future__ import annotations

import warnings

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from rmt_helpers.laws import MarchenkoPastur, SingularValueLaw, TracyWidom

RATIOS = [1.0, 1.0 - 1e-9, 0.999, 512 / 784, 0.25, 0.07, 0.01, 1e-4]
SHAPES = [(512, 784), (784, 512), (60, 60), (84, 120), (3, 1000), (1, 1)]
FALSE_ALARM = 1e-3


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def marchenko_pastur_mass(c: float, low: mp.mpf, high: mp.mpf) -> mp.mpf:
    """Integrate the textbook density between two points, with 30 digits (tanh-sinh)."""
    with mp.workdps(30):
        c = mp.mpf(c)
        left, right = (1 - mp.sqrt(c)) ** 2, (1 + mp.sqrt(c)) ** 2

        def density(x: mp.mpf) -> mp.mpf:
            return mp.sqrt(abs((right - x) * (x - left))) / (2 * mp.pi * c * x) if x else mp.mpf(0)

        middle = [m for m in (left + (right - left) / 100, (left + right) / 2) if low < m < high]
        return mp.quad(density, [low, *middle, high])


# --- Marchenko–Pastur and singular values ----------------------------------------------------


@pytest.mark.parametrize("c", RATIOS)
def test_cdf_and_sf_agree_with_quadrature_to_relative_accuracy(c):
    law = MarchenkoPastur(c)
    low, high = law.support()
    with mp.workdps(30):
        left, right = (1 - mp.sqrt(mp.mpf(c))) ** 2, (1 + mp.sqrt(mp.mpf(c))) ** 2
    for fraction in (1e-5, 1e-3, 0.05, 0.3, 0.5, 0.8, 0.99, 0.99999):
        x = low + (high - low) * fraction
        # x itself and the edges are rounded: near an edge that is felt in the third power of √.
        slack = 1e-13 + 1.5 * 4e-16 * high / min(x - low, high - x)
        below = float(marchenko_pastur_mass(c, left, mp.mpf(x)))
        above = float(marchenko_pastur_mass(c, mp.mpf(x), right))
        assert law.cdf(x) == pytest.approx(below, rel=slack, abs=0)
        assert law.sf(x) == pytest.approx(above, rel=slack, abs=0)


@pytest.mark.parametrize("c", RATIOS)
def test_all_quantiles_agree_with_quadrature(c):
    law = MarchenkoPastur(c, sigma=1.7)
    q = (np.arange(300) + 0.5) / 300
    x = law.ppf(q)
    assert np.all(np.diff(x) > 0)
    np.testing.assert_allclose(law.cdf(x), q, rtol=0, atol=1e-11)
    for k in (0, 7, 150, 293, 299):
        below = marchenko_pastur_mass(
            c, (1 - mp.sqrt(mp.mpf(c))) ** 2, mp.mpf(x[k]) / mp.mpf(1.7) ** 2
        )
        error = (float(below) - q[k]) / law.pdf(x[k])  # first order: how far the quantile is off
        assert abs(error) < 1e-12 * max(1.0, law.support()[1])


@given(c=st.floats(1e-6, 1.0), q=st.floats(0.0, 1.0), sigma=st.floats(1e-6, 1e6))
def test_quantile_and_cdf_are_inverse(c, q, sigma):
    law = MarchenkoPastur(c, sigma)
    x = law.ppf(q)
    low, high = law.support()
    assert low <= x <= high
    # The narrower the bulk, the more a rounded x costs.
    assert law.cdf(x) == pytest.approx(q, abs=1e-12 + 1e-15 / np.sqrt(c))
    assert law.cdf(x) + law.sf(x) == pytest.approx(1.0, abs=1e-15)


@given(
    rows=st.integers(1, 5000),
    columns=st.integers(1, 5000),
    q=st.floats(0.0, 1.0),
    log=st.floats(-8, 8),
)
def test_singular_values_are_the_roots_of_eigenvalues(rows, columns, q, log):
    sigma = 10.0**log
    law = SingularValueLaw((rows, columns), sigma)
    n, c = max(rows, columns), min(rows, columns) / max(rows, columns)
    eigenvalues = MarchenkoPastur(c, sigma)
    nu = law.ppf(q)
    assert nu**2 / n == pytest.approx(eigenvalues.ppf(q), rel=1e-9, abs=1e-14 * sigma**2)
    assert nu == SingularValueLaw((columns, rows), sigma).ppf(q)
    assert law.cdf(nu) == pytest.approx(q, abs=1e-11)
    if 0.01 < q < 0.99:
        assert law.pdf(nu) == pytest.approx(2 * nu / n * eigenvalues.pdf(nu**2 / n), rel=1e-7)


@pytest.mark.parametrize("shape", SHAPES)
def test_singular_value_moments_and_density_against_quadrature(shape):
    law = SingularValueLaw(shape, sigma=0.3)
    low, high = law.support()
    assert low == pytest.approx(0.3 * abs(np.sqrt(shape[0]) - np.sqrt(shape[1])), abs=1e-12)
    assert high == pytest.approx(0.3 * (np.sqrt(shape[0]) + np.sqrt(shape[1])), rel=1e-14)

    def against_density(function):
        # ν = mid − half·cos t takes the square roots at the edges away.
        mid, half = (low + high) / 2, (high - low) / 2
        nu = lambda t: mid - half * np.cos(t)  # noqa: E731
        return integrate.quad(
            lambda t: function(nu(t)) * law.pdf(nu(t)) * half * np.sin(t), 0, np.pi, epsabs=1e-13
        )[0]

    assert against_density(lambda nu: 1.0) == pytest.approx(1.0, abs=1e-10)
    assert against_density(lambda nu: nu) == pytest.approx(law.mean(), rel=1e-10)
    assert against_density(lambda nu: (nu - law.mean()) ** 2) == pytest.approx(law.var(), rel=1e-9)


@pytest.mark.parametrize("c", RATIOS)
def test_eigenvalue_moments(c):
    # The k-th moment is Σ_r c^r N(k, r + 1) with Narayana's numbers; pdf by quadrature in √λ.
    law = MarchenkoPastur(c, sigma=1.3)
    low, high = np.sqrt(law.support())
    moments = [
        integrate.quad(
            lambda t, k=k: (
                (y := (low + high) / 2 - (high - low) / 2 * np.cos(t)) ** (2 * k)
                * law.pdf(y * y)
                * 2.0
                * y
                * (high - low)
                / 2.0
                * np.sin(t)
            ),
            1e-9,
            np.pi - 1e-9,
            epsabs=1e-12,
        )[0]
        for k in range(4)
    ]
    expected = [1.0, 1.0, 1.0 + c, 1.0 + 3.0 * c + c * c]
    np.testing.assert_allclose(moments / 1.3 ** (2.0 * np.arange(4)), expected, rtol=1e-7)
    assert law.mean() == pytest.approx(1.3**2)
    assert law.var() == pytest.approx(c * 1.3**4)


def test_square_matrices_have_closed_forms():
    law, squares = SingularValueLaw((400, 400), sigma=0.1), MarchenkoPastur(1.0)
    y = np.linspace(0.0, 2.0, 201)
    quarter_circle = (y * np.sqrt(4 - y * y) / 2 + 2 * np.arcsin(y / 2)) / np.pi
    np.testing.assert_allclose(law.cdf(2.0 * y), quarter_circle, atol=1e-14)
    np.testing.assert_allclose(squares.cdf(y * y), quarter_circle, atol=1e-14)
    np.testing.assert_allclose(law.pdf(2.0 * y), np.sqrt(4 - y * y) / np.pi / 2.0, atol=1e-14)
    assert squares.pdf(0.0) == np.inf
    assert law.mean() == pytest.approx(2.0 * 8 / (3 * np.pi), rel=1e-14)
    # Far below the spacing of one matrix the mass is still right to the last digits.
    assert law.cdf(1e-200) == pytest.approx(1e-200 / (2 * np.pi), rel=1e-13)


@pytest.mark.parametrize(
    "law",
    [MarchenkoPastur(0.3, 2.0), MarchenkoPastur(1.0)]
    + [SingularValueLaw(shape, 0.7) for shape in SHAPES],
    ids=repr,
)
def test_exact_outside_and_at_the_edges(law):
    low, high = law.support()
    outside = np.array([-np.inf, -3.0, np.nextafter(low, -1.0), np.nextafter(high, 99.0), np.inf])
    np.testing.assert_array_equal(law.pdf(outside), 0.0)
    np.testing.assert_array_equal(law.cdf(outside), [0, 0, 0, 1, 1])
    np.testing.assert_array_equal(law.sf(outside), [1, 1, 1, 0, 0])
    assert (law.ppf(0.0), law.ppf(1.0)) == (low, high)
    assert (law.cdf(low), law.cdf(high), law.sf(high)) == (0.0, 1.0, 0.0)


@pytest.mark.parametrize(
    "law",
    [MarchenkoPastur(0.4, 3.0), SingularValueLaw((50, 90), 0.2), SingularValueLaw((9, 9)),
     TracyWidom(1), TracyWidom(2)],
    ids=repr,
)  # fmt: skip
class TestEveryLaw:
    def test_floats_give_floats_and_arrays_keep_their_shape(self, law):
        for method in (law.pdf, law.cdf, law.sf, law.ppf):
            assert isinstance(method(0.5), float)
            assert isinstance(method(np.float32(0.5)), float)
            assert method([[0.1, 0.2, 0.3]]).shape == (1, 3)
            assert method(np.empty((0, 2))).shape == (0, 2)
        assert isinstance(law.mean(), float)
        assert isinstance(law.var(), float)
        assert isinstance(law.rvs(rng=0), float)
        assert law.rvs((2, 3), rng=0).shape == (2, 3)

    def test_one_call_equals_many(self, law):
        q = np.linspace(0.001, 0.999, 40_000)
        x = law.ppf(q)
        assert np.all(np.diff(x) > 0)
        for k in (0, 1, 20_000, 39_999):
            assert law.ppf(q[k]) == pytest.approx(x[k], rel=1e-12, abs=1e-12)
            assert law.cdf(x)[k] == pytest.approx(q[k], abs=1e-12)

    def test_density_is_the_slope_of_the_cdf(self, law):
        for q in (0.01, 0.2, 0.5, 0.8, 0.99):
            x = law.ppf(q)
            h = 1e-3 * np.sqrt(law.var())
            slope = (-law.cdf(x + 2 * h) + 8 * law.cdf(x + h) - 8 * law.cdf(x - h) + law.cdf(x - 2 * h)) / (12 * h)  # fmt: skip # noqa: E501
            assert law.pdf(x) == pytest.approx(slope, rel=1e-6)

    def test_draws_follow_the_law(self, law):
        draws = law.rvs(5000, rng=20_24)
        assert stats.kstest(draws, law.cdf).pvalue > FALSE_ALARM
        spread = np.sqrt(law.var() / draws.size)
        assert abs(draws.mean() - law.mean()) < stats.norm.isf(FALSE_ALARM / 2) * spread

    def test_draws_are_reproducible(self, law):
        np.testing.assert_array_equal(law.rvs(5, rng=3), law.rvs(5, rng=np.random.default_rng(3)))

    @pytest.mark.parametrize("q", [-0.1, 1.1, np.nan, np.inf, [0.5, 2.0], "0.5", 0.5j, None])
    def test_bad_probability(self, law, q):
        with pytest.raises(ValueError, match="^q must"):
            law.ppf(q)

    @pytest.mark.parametrize("x", [np.nan, [1.0, np.nan], "one", 1j, None, [[1.0], [1.0, 2.0]]])
    def test_bad_argument(self, law, x):
        for method in (law.pdf, law.cdf, law.sf):
            with pytest.raises(ValueError, match="^x must"):
                method(x)


@pytest.mark.parametrize("c", [0.0, -0.5, 1.0000001, np.nan, np.inf, "half", 0.5j, [0.5], None])
def test_bad_aspect_ratio(c):
    with pytest.raises(ValueError, match="^c must"):
        MarchenkoPastur(c)


@pytest.mark.parametrize("sigma", [0.0, -1.0, np.nan, np.inf, "one", 1j, [1.0], None])
def test_bad_sigma(sigma):
    with pytest.raises(ValueError, match="^sigma must"):
        MarchenkoPastur(0.5, sigma)
    with pytest.raises(ValueError, match="^sigma must"):
        SingularValueLaw((3, 4), sigma)


@pytest.mark.parametrize("shape", [(3,), (3, 0), (-1, 2), (2.5, 3), 7, "ab", (1, 2, 3), None])
def test_bad_shape(shape):
    with pytest.raises(ValueError, match="^shape must"):
        SingularValueLaw(shape)


@pytest.mark.parametrize("beta", [0, 3, 4, 1.5, "1", None, [1], np.nan, np.array([1, 2])])
def test_bad_beta(beta):
    with pytest.raises(ValueError, match="^beta must"):
        TracyWidom(beta)


def test_singular_values_of_a_matrix_follow_the_law():
    # Level repulsion makes one spectrum far more regular than independent draws: the distance is
    # a few 1/p, not 1/√p. The largest of 1000 other seeds was 3.6/p, their median 2.3/p.
    R = np.random.default_rng(5).standard_normal((300, 450)) * 0.05
    nu = np.sort(np.linalg.svd(R, compute_uv=False))
    law = SingularValueLaw(R.shape, 0.05)
    position = (np.arange(300) + 0.5) / 300
    assert np.abs(law.cdf(nu) - position).max() < 4 / 300


# --- Tracy–Widom -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def painleve():
    """Integrate q″ = sq + 2q³ from Airy's tail and give log F₁, log F₂ at chosen points.

    Independent of determinants: log F₂ = −∫(x − s)q², log F₁ = ½ log F₂ − ½∫q (Hastings and
    McLeod 1980; Tracy and Widom 1994, 1996), each as a further equation of the system.
    """
    start, points = 12.0, np.arange(8.0, -5.1, -1.0)
    with mp.workdps(30):
        q0, dq0 = mp.airyai(start), mp.airyai(start, derivative=1)
        # u = −∫q², its integral, and ∫q, from start to ∞ to leading order in Ai(start)²  .
        u0 = mp.quad(lambda x: mp.airyai(x) ** 2, [start, start + 3, mp.inf])
        v0 = mp.quad(lambda x: (x - start) * mp.airyai(x) ** 2, [start, start + 3, mp.inf])
        w0 = mp.quad(mp.airyai, [start, start + 3, mp.inf])
        initial = [float(a) for a in (q0, dq0, u0, v0, w0)]

    def slope(s, state):
        q, dq, u, *_ = state
        return [dq, s * q + 2 * q**3, -q * q, -u, -q]

    solution = integrate.solve_ivp(
        slope, (start, points[-1]), initial, "DOP853", points, rtol=3e-14, atol=1e-40
    )
    v, w = solution.y[3], solution.y[4]
    return points, {1: -0.5 * (v + w), 2: -v}


@pytest.mark.parametrize("beta", [1, 2])
def test_tracy_widom_agrees_with_painleve(painleve, beta):
    points, log_cdf = painleve
    law = TracyWidom(beta)
    # The equation is unstable: what rounding leaves has grown to 1e−10 at the left end.
    np.testing.assert_allclose(law.cdf(points), np.exp(log_cdf[beta]), rtol=0, atol=1e-10)
    right = points >= 0
    np.testing.assert_allclose(
        law.sf(points[right]), -np.expm1(log_cdf[beta][right]), rtol=1e-10, atol=0
    )


def determinant_of_other_kernel(s: float, beta: int, nodes: int) -> mp.mpf:
    """det(1 − K) in many digits, from the Airy kernel itself and from Ferrari and Spohn's."""
    with mp.workdps(35 if s < 10 else 80):
        end = (2 if beta == 1 else 1) * max(14 - s, 8)
        x, w = np.polynomial.legendre.leggauss(nodes)
        x, w = [mp.mpf(a) for a in x], [mp.mpf(b) for b in w]
        for i in range(nodes):  # Newton steps bring numpy's nodes to as many digits
            for _ in range(3):
                p1, p0 = mp.legendre(nodes, x[i]), mp.legendre(nodes - 1, x[i])
                slope = nodes * (x[i] * p1 - p0) / (x[i] ** 2 - 1)
                x[i] -= p1 / slope
            p0 = mp.legendre(nodes - 1, x[i])
            w[i] = 2 * (1 - x[i] ** 2) / (nodes * p0) ** 2
        x, w = [s + end * (a + 1) / 2 for a in x], [end * b / 2 for b in w]
        A, B = [mp.airyai(a) for a in x], [mp.airyai(a, derivative=1) for a in x]
        M = mp.eye(nodes)
        for i in range(nodes):
            for j in range(i + 1):
                if beta == 1:
                    kernel = mp.airyai((x[i] + x[j]) / 2) / 2
                elif i == j:
                    kernel = B[i] ** 2 - x[i] * A[i] ** 2
                else:
                    kernel = (A[i] * B[j] - B[i] * A[j]) / (x[i] - x[j])
                kernel *= mp.sqrt(w[i] * w[j])
                M[i, j] -= kernel
                M[j, i] = M[i, j]
        return mp.det(M)


# Around every seam of the implementation (−6.5, −3.5, 0.5, 12) and in both tails.
@pytest.mark.parametrize("beta", [1, 2])
@pytest.mark.parametrize(
    ("s", "nodes"),
    [(-8.0, 40), (-6.51, 36), (-6.49, 36), (-3.501, 32), (0.499, 26),
     (6.0, 22), (11.99, 22), (12.01, 22), (20.0, 30)],
)  # fmt: skip
def test_tracy_widom_agrees_with_the_other_kernel_in_many_digits(beta, s, nodes):
    determinant = determinant_of_other_kernel(s, beta, nodes)
    law = TracyWidom(beta)
    assert law.cdf(s) == pytest.approx(float(determinant), rel=1e-8, abs=0)
    assert law.cdf(s) == pytest.approx(float(determinant), rel=0, abs=1e-12)
    if s > 0:
        with mp.workdps(40):
            above = float(1 - determinant)
        assert law.sf(s) == pytest.approx(above, rel=1e-11, abs=0)


def test_published_moments():
    # As published after Bornemann (2010).
    first, second = TracyWidom(1), TracyWidom(2)
    assert first.mean() == pytest.approx(-1.2065335745820, abs=2e-12)
    assert first.var() == pytest.approx(1.607781034581, abs=2e-12)
    assert second.mean() == pytest.approx(-1.771086807411, abs=2e-12)
    assert second.var() == pytest.approx(0.8131947928329, abs=2e-12)


@pytest.mark.parametrize(
    ("beta", "published"),
    [
        (1, [-3.89543267306429, -3.18037997693774, -1.26857461658107,
             0.45014328905825, 0.97931605346955, 2.02344928138015]),
        (2, [-3.72444594640057, -3.19416673215810, -1.80491240893658,
             -0.59685129711735, -0.23247446976400, 0.47763604739084]),
    ],
)  # fmt: skip
def test_published_quantiles(beta, published):
    # The percentage points as public tables print them.
    quantiles = TracyWidom(beta).ppf([0.01, 0.05, 0.5, 0.9, 0.95, 0.99])
    np.testing.assert_allclose(quantiles, published, rtol=0, atol=2e-12)


def test_probability_of_passing_the_bulk_edge():
    assert TracyWidom(1).sf(0.0) == pytest.approx(0.16809, abs=5e-6)


@pytest.mark.parametrize("beta", [1, 2])
@given(exponent=st.floats(-300, -0.31))
def test_tracy_widom_quantiles_of_both_tails(beta, exponent):
    law = TracyWidom(beta)
    q = 10.0**exponent
    assert law.cdf(law.ppf(q)) == pytest.approx(q, rel=1e-11, abs=0)
    if q > 1e-15:
        assert law.sf(law.ppf(1.0 - q)) == pytest.approx(q, rel=1e-11, abs=2e-16)


@pytest.mark.parametrize("beta", [1, 2])
def test_tracy_widom_is_monotone_and_smooth_across_its_seams(beta):
    law = TracyWidom(beta)
    s = np.linspace(-15.0, 40.0, 11_001)
    assert np.all(np.diff(law.cdf(s)) >= 0)
    assert np.all(np.diff(law.sf(s)[s > -3]) < 0)
    pdf = law.pdf(s)
    assert np.all(pdf > 0)
    assert np.abs(np.diff(pdf, 2)).max() < 1.1 * np.abs(np.diff(pdf, 2)[np.abs(s[1:-1]) < 3]).max()
    assert np.trapezoid(pdf, s) == pytest.approx(1.0, abs=1e-11)


@pytest.mark.parametrize("beta", [1, 2])
def test_tracy_widom_at_infinity(beta):
    law = TracyWidom(beta)
    ends = [-np.inf, -1e300, 1e300, np.inf]
    np.testing.assert_array_equal(law.cdf(ends), [0, 0, 1, 1])
    np.testing.assert_array_equal(law.sf(ends), [1, 1, 0, 0])
    np.testing.assert_array_equal(law.pdf(ends), 0)
    np.testing.assert_array_equal(law.ppf([0.0, 1.0]), [-np.inf, np.inf])
