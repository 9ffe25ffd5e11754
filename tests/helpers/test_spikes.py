"""The spike formulas: against each other, against exact arithmetic, and against simulation."""

from fractions import Fraction

import numpy as np
import pytest

from rmt_helpers.spectrum import Spectrum
from rmt_helpers.spikes import (
    cosines,
    signal_strength,
    spiked_matrix,
    spiked_singular_value,
    transition,
)

RATIOS = np.array([1e-6, 0.01, 0.1, 512 / 784, 0.999, 1.0])


@pytest.mark.parametrize("c", RATIOS)
def test_inverse_undoes_the_map_above_the_transition(c: float) -> None:
    theta = transition(c) * np.array([1.001, 1.1, 2.0, 30.0, 1e6, 1e120])
    # Near the transition y is flat in θ: a rounding error ε in y becomes √ε in θ.
    tolerance = np.array([1e-10, 1e-13, 1e-13, 1e-13, 1e-13, 1e-13]) + 1e-13
    recovered = signal_strength(spiked_singular_value(theta, c), c)
    assert (np.abs(recovered / theta - 1) < tolerance).all()


@pytest.mark.parametrize("c", RATIOS)
def test_at_and_below_the_transition_nothing_is_seen(c: float) -> None:
    theta = transition(c) * np.array([0.0, 1e-300, 0.5, 1.0])
    assert (spiked_singular_value(theta, c) == 1 + np.sqrt(c)).all()
    assert (np.array(cosines(theta, c)) == 0).all()
    y = (1 + np.sqrt(c)) * np.array([0.0, 0.3, 1.0])
    assert (signal_strength(y, c) == 0).all()


@pytest.mark.parametrize("c", RATIOS)
def test_the_maps_are_continuous_where_theory_says_so(c: float) -> None:
    theta = transition(c) * (1 + 1e-9)
    assert spiked_singular_value(theta, c) == pytest.approx(1 + np.sqrt(c), rel=1e-12)
    assert max(cosines(theta, c)) < 1e-4
    # The inverse jumps from 0 to θ_c at the edge: a spike that is seen is at least that strong.
    assert signal_strength((1 + np.sqrt(c)) * (1 + 1e-12), c) == pytest.approx(
        transition(c), rel=1e-4
    )


def test_formulas_agree_with_exact_rational_arithmetic() -> None:
    theta, c = Fraction(5, 4), Fraction(16, 25)
    y2 = (1 + theta**2) * (c + theta**2) / theta**2
    short2 = 1 - c * (1 + theta**2) / (theta**2 * (theta**2 + c))
    long2 = 1 - (c + theta**2) / (theta**2 * (theta**2 + 1))
    assert spiked_singular_value(1.25, 0.64) ** 2 == pytest.approx(float(y2), rel=1e-14)
    short, long = cosines(1.25, 0.64)
    assert (short**2, long**2) == pytest.approx((float(short2), float(long2)), rel=1e-14)


def test_short_side_is_recovered_better_and_equally_for_square_matrices() -> None:
    theta = np.linspace(1.1, 6, 30)
    short, long = cosines(theta, 0.3)
    assert (short > long).all()
    np.testing.assert_array_equal(*cosines(theta, 1.0))


def test_scalars_give_scalars_and_arrays_broadcast() -> None:
    assert np.ndim(spiked_singular_value(2, 1)) == 0
    assert np.ndim(signal_strength(2.5, 1)) == 0
    assert np.shape(cosines([[1.0], [2.0]], [0.5, 1.0])[0]) == (2, 2)
    assert np.shape(spiked_singular_value(np.ones((3, 1)), RATIOS)) == (3, RATIOS.size)


@pytest.mark.parametrize(
    ("shape", "theta", "sigma"),
    [
        ((512, 784), 3.0, 1.0),
        ((784, 512), 2.0, 0.037),
        ((256, 256), 2.0, 1.0),
        ((100, 1000), 2.0, 1e-5),
    ],
)
def test_simulation_lies_on_the_formulas(
    shape: tuple[int, int], theta: float, sigma: float
) -> None:
    """Means over 12 draws of spikes far above the transition.

    Bands are four standard errors measured over 200 draws, plus the O(1/n) bias seen there: y
    within 0.8 %, cos² within 0.012. A correct formula fails one of the four cases with
    probability below 1e-3; swapping the sides moves cos² by at least 0.03 where c < 1.
    """
    c, n = min(shape) / max(shape), max(shape)
    y, left2, right2 = [], [], []
    for seed in range(12):
        W, left, right = spiked_matrix(shape, [theta], sigma, rng=seed)
        u, v, nu = leading_pair(W, left[:, 0])
        y.append(nu / (sigma * np.sqrt(n)))
        left2.append((u @ left[:, 0]) ** 2)
        right2.append((v @ right[:, 0]) ** 2)
    short, long = cosines(theta, c)
    expected = (short, long) if shape[0] <= shape[1] else (long, short)
    assert np.mean(y) == pytest.approx(spiked_singular_value(theta, c), rel=0.008)
    assert np.mean(left2) == pytest.approx(expected[0] ** 2, abs=0.012)
    assert np.mean(right2) == pytest.approx(expected[1] ** 2, abs=0.012)


def leading_pair(W: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Power iteration: the leading singular pair without the price of all the others."""
    u = start
    for _ in range(60):
        v = W.T @ u
        v /= np.linalg.norm(v)
        u = W @ v
        nu = float(np.linalg.norm(u))
        u /= nu
    return u, v, nu


@pytest.mark.parametrize("shape", [(30, 50), (50, 30), (40, 40)])
def test_spiked_matrix_has_the_stated_parts(shape: tuple[int, int]) -> None:
    thetas, sigma = [5.0, 5.0, 1.0], 1e-3
    W, left, right = spiked_matrix(shape, thetas, sigma, rng=3)
    assert W.shape == shape
    for vectors, length in ((left, shape[0]), (right, shape[1])):
        assert vectors.shape == (length, 3)
        np.testing.assert_allclose(vectors.T @ vectors, np.eye(3), atol=1e-14)
    signal = sigma * np.sqrt(max(shape)) * (left * thetas) @ right.T
    # 1500 or 1600 independent entries: 4.5 standard errors of their standard deviation are 8 %.
    assert np.std(W - signal) == pytest.approx(sigma, rel=0.08)


def test_vectors_are_uniform_over_directions() -> None:
    # A coordinate of a uniform unit vector has mean 0 and variance 1/length; LAPACK's own signs
    # would make the first one negative always. 400 draws: 4.5 standard errors.
    first = np.array([spiked_matrix((10, 12), [1.0], rng=seed)[1][0, 0] for seed in range(400)])
    assert abs(first.mean()) < 4.5 * np.sqrt(1 / 10 / 400)
    assert np.mean(first**2) == pytest.approx(1 / 10, rel=4.5 * np.sqrt(2 / 400))


def test_seeds_generators_and_pure_noise() -> None:
    again = spiked_matrix((8, 9), [2.0], rng=np.random.default_rng(5))[0]
    np.testing.assert_array_equal(spiked_matrix((8, 9), 2.0, rng=5)[0], again)
    W, left, right = spiked_matrix((8, 9), [], rng=5)
    assert (W.shape, left.shape, right.shape) == ((8, 9), (8, 0), (9, 0))


def test_the_global_generator_is_left_alone() -> None:
    before = str(np.random.get_state())  # noqa: NPY002
    spiked_matrix((8, 9), [2.0], rng=5)
    spiked_matrix((8, 9), [2.0])
    assert str(np.random.get_state()) == before  # noqa: NPY002


def test_extreme_noise_levels_survive() -> None:
    for sigma in (1e-150, 1e150):
        W, _, _ = spiked_matrix((8, 9), [2.0], sigma, rng=5)
        reference = spiked_matrix((8, 9), [2.0], rng=5)[0]
        np.testing.assert_allclose(W, sigma * reference, rtol=1e-15)
        assert Spectrum.of(W).values[0] > 0


BAD_CALLS = {
    "negative theta": (
        lambda: spiked_singular_value(-1.0, 0.5),
        "theta must not be negative, the smallest was -1",
    ),
    "NaN theta": (lambda: spiked_singular_value([1, np.nan], 0.5), "theta must be finite"),
    "infinite theta": (lambda: cosines(np.inf, 0.5), "theta must be finite"),
    "complex theta": (lambda: cosines(1j, 0.5), "theta must hold real numbers"),
    "negative theta in cosines": (lambda: cosines(-2.0, 0.5), "theta must not be negative"),
    "c zero": (lambda: spiked_singular_value(1.0, 0.0), r"c must lie in \(0, 1\].*was 0.0"),
    "c above 1": (lambda: signal_strength(3.0, 784 / 512), r"c must lie in \(0, 1\]"),
    "c NaN": (lambda: transition(np.nan), r"c must lie in \(0, 1\]"),
    "c of cosines": (lambda: cosines(2.0, -0.5), r"c must lie in \(0, 1\]"),
    "negative y": (lambda: signal_strength(-3.0, 0.5), "y must not be negative"),
    "infinite y": (lambda: signal_strength(np.inf, 0.5), "y must be finite"),
    "negative strength": (lambda: spiked_matrix((4, 5), [1, -1]), "thetas must not be negative"),
    "two-dimensional strengths": (
        lambda: spiked_matrix((4, 5), [[1.0]]),
        "thetas must be one-dimensional",
    ),
    "too many strengths": (
        lambda: spiked_matrix((2, 5), [1, 1, 1]),
        "thetas must hold at most .* = 2 strengths, held 3",
    ),
    "sigma zero": (
        lambda: spiked_matrix((4, 5), [1], sigma=0.0),
        "sigma must be one positive finite number, was 0.0",
    ),
    "sigma NaN": (lambda: spiked_matrix((4, 5), [1], sigma=np.nan), "sigma must be one positive"),
    "shape": (lambda: spiked_matrix((4,), [1]), "shape must be two positive integers"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("kind", BAD_CALLS)
def test_bad_input_is_refused(kind: str) -> None:
    call, message = BAD_CALLS[kind]
    with pytest.raises(ValueError, match=message):
        call()
