"""The alignment score: definition, sides, and what it says of simulated matrices."""

import numpy as np
import pytest

from rmt_helpers.alignment import alignment, average_alignment
from rmt_helpers.spectrum import Spectrum
from rmt_helpers.spikes import cosines, spiked_matrix, spiked_singular_value
from rmt_helpers.thresholds import NoiseFit, bema


def fit_at_truth(thetas: list[float], shape: tuple[int, int], sigma: float = 0.1) -> NoiseFit:
    """A fit whose spectrum has its outliers exactly where theory expects spikes `thetas`."""
    c, unit = min(shape) / max(shape), sigma * np.sqrt(max(shape))
    outliers = spiked_singular_value(np.sort(thetas)[::-1], c) * unit
    bulk = np.linspace(1 + np.sqrt(c), 1 - np.sqrt(c), min(shape) - len(thetas)) * unit
    return NoiseFit(
        "by hand",
        Spectrum(np.concatenate([outliers, np.abs(bulk)]), shape),
        sigma,
        1.01 * (1 + np.sqrt(c)) * unit,
    )


@pytest.mark.parametrize("shape", [(40, 90), (90, 40), (50, 50)])
def test_cosines_are_those_of_the_true_strengths(shape: tuple[int, int]) -> None:
    thetas = [4.0, 2.0, 1.2]
    score = alignment(fit_at_truth(thetas, shape))
    short, long = cosines(thetas, min(shape) / max(shape))
    left, right = (short, long) if shape[0] <= shape[1] else (long, short)
    np.testing.assert_allclose(score.left[:3], left, rtol=1e-10)
    np.testing.assert_allclose(score.right[:3], right, rtol=1e-10)
    np.testing.assert_allclose(score.mean[:3], (left + right) / 2, rtol=1e-10)


def test_arrays_are_full_length_and_zero_in_the_bulk() -> None:
    fit = bema(spiked_matrix((60, 80), [3.0], rng=0)[0])
    score = alignment(fit)
    for phi in (score.left, score.right, score.mean):
        assert (phi.shape, phi.dtype) == ((60,), np.float64)
        assert ((phi >= 0) & (phi < 1)).all()
        assert (phi[fit.spectrum.values <= fit.edge] == 0).all()
        assert (np.diff(phi) <= 0).all()


def test_average_is_the_weighted_mean() -> None:
    fit = fit_at_truth([4.0, 2.0, 1.2], (40, 90))
    phi, nu = alignment(fit).mean, fit.spectrum.values
    for n_keep in (1, 2, 3, 10, 40):
        top = slice(n_keep)
        for weights, w in (("value", nu), ("square", nu**2), ("uniform", nu**0)):
            expected = np.average(phi[top], weights=w[top])
            assert average_alignment(fit, n_keep, weights) == pytest.approx(expected, rel=1e-13)  # type: ignore[arg-type]
    assert average_alignment(fit) == average_alignment(fit, 3, "value")
    assert average_alignment(fit, np.int64(2)) == average_alignment(fit, 2)  # type: ignore[arg-type]


def test_with_a_fixed_noise_level_the_score_only_falls() -> None:
    fit = bema(spiked_matrix((100, 150), [4, 3, 2], rng=1)[0])
    for weights in ("value", "square", "uniform"):
        curve = [average_alignment(fit, k, weights) for k in range(1, 101)]  # type: ignore[arg-type]
        assert (np.diff(curve) <= 1e-15).all()


def test_nothing_kept_by_default_gives_nan() -> None:
    fit = bema(spiked_matrix((60, 80), [], rng=1)[0], beta=0.001)
    assert fit.n_signal == 0
    assert np.isnan(average_alignment(fit))
    assert average_alignment(fit, 5) >= 0


def test_table_of_the_methods_note() -> None:
    """METHODS §1c: one 512 × 784 matrix with θ = (4, 3, 2, 1.5, 1.1), here the mean of three.

    The plug-in score varies by about .006 from draw to draw (.01 for few kept values); the band is
    .02 around the note's single draw.
    """
    fits = [bema(spiked_matrix((512, 784), [4, 3, 2, 1.5, 1.1], rng=seed)[0]) for seed in range(3)]
    for weights, expected in (
        ("value", (0.974, 0.947, 0.873, 0.578, 0.305)),
        ("square", (0.974, 0.954, 0.906, 0.699, 0.441)),
    ):
        seen = [
            np.mean([average_alignment(fit, k, weights) for fit in fits])  # type: ignore[arg-type]
            for k in (1, 3, 5, 9, 20)
        ]
        np.testing.assert_allclose(seen, expected, atol=0.02)


@pytest.mark.parametrize("shape", [(200, 500), (500, 200)])
def test_plug_in_agrees_with_the_true_vectors(shape: tuple[int, int]) -> None:
    """Far above the transition the plug-in cosines are those of the true vectors within .02."""
    W, left, right = spiked_matrix(shape, [5.0, 3.0], sigma=0.02, rng=2)
    u, _, vt = np.linalg.svd(W, full_matrices=False)
    score = alignment(bema(W))
    assert np.abs(np.sum(u[:, :2] * left, axis=0)) == pytest.approx(score.left[:2], abs=0.02)
    assert np.abs(np.sum(vt[:2].T * right, axis=0)) == pytest.approx(score.right[:2], abs=0.02)


FIT = fit_at_truth([4.0, 2.0], (10, 20))

BAD_CALLS = {
    "zero": (lambda: average_alignment(FIT, 0), "n_keep must lie in 1 … 10, was 0"),
    "negative": (lambda: average_alignment(FIT, -1), "n_keep must lie in 1 … 10"),
    "too many": (lambda: average_alignment(FIT, 11), "n_keep must lie in 1 … 10, was 11"),
    "fraction": (lambda: average_alignment(FIT, 2.0), "n_keep must be a whole number, was 2.0"),  # type: ignore[arg-type]
    "weights": (
        lambda: average_alignment(FIT, 2, "squared"),  # type: ignore[arg-type]
        "weights must be one of value, square, uniform, was 'squared'",
    ),
    "matrix for a fit": (
        lambda: alignment(np.eye(3)),
        "fit must be a NoiseFit, was of type ndarray",
    ),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("kind", BAD_CALLS)
def test_bad_input_is_refused(kind: str) -> None:
    call, message = BAD_CALLS[kind]
    with pytest.raises(ValueError, match=message):
        call()
