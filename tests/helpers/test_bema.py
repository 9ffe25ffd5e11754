"""BEMA and `NoiseFit`: the algorithm against an independent one, its error rates, its limits."""

import math
import warnings
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from rmt_helpers.spectrum import Spectrum
from rmt_helpers.spikes import spiked_matrix
from rmt_helpers.thresholds import NoiseFit, bema

TW90 = 0.4501430  # the 0.9 quantile of the Tracy–Widom law, β = 1 (Bejan 2005, table; METHODS)


def slow_bema(
    W: np.ndarray, alpha: float, offset: float, tracy_widom: float
) -> tuple[float, float]:
    """Algorithm 1 as one would write it without the package: density, quadrature, root finding."""
    W = W if W.shape[0] <= W.shape[1] else W.T
    p, n = W.shape
    c = p / n
    lam = np.sort(np.linalg.eigvalsh(W @ W.T / n))
    low, high = (1 - math.sqrt(c)) ** 2, (1 + math.sqrt(c)) ** 2

    def density(x: float) -> float:
        return math.sqrt(max((high - x) * (x - low), 0)) / (2 * math.pi * c * x)

    def quantile(q: float) -> float:
        def excess(x: float) -> float:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", integrate.IntegrationWarning)
                return integrate.quad(density, low, x, limit=400)[0] - q

        return float(optimize.brentq(excess, low + 1e-12, high, xtol=1e-12))

    ranks = [j for j in range(1, p + 1) if alpha * p <= j <= (1 - alpha) * p]
    q = np.array([quantile((j - offset) / p) for j in ranks])
    values = np.array([lam[j - 1] for j in ranks])
    slope, *_ = np.linalg.lstsq(q[:, None], values, rcond=None)
    edge = high + tracy_widom * n ** (-2 / 3) * c ** (-1 / 6) * (1 + math.sqrt(c)) ** (4 / 3)
    return math.sqrt(slope[0]), math.sqrt(slope[0] * n * edge)


@pytest.mark.parametrize("shape", [(30, 50), (50, 30), (35, 35)])
@pytest.mark.parametrize(
    ("position", "offset"), [("midpoint", 0.5), ("lower", 1.0), ("upper", 0.0)]
)
def test_bema_is_algorithm_1(shape: tuple[int, int], position: str, offset: float) -> None:
    W, _, _ = spiked_matrix(shape, [3.0], sigma=0.3, rng=7)
    fit = bema(W, 0.2, 0.1, plotting_position=position)  # type: ignore[arg-type]
    sigma, threshold = slow_bema(W, 0.2, offset, TW90)
    assert (fit.sigma, fit.threshold) == pytest.approx((sigma, threshold), rel=1e-7)
    assert (fit.method, fit.n_signal) == ("bema", 1)


@pytest.mark.parametrize(("beta", "quantile"), [(0.5, -1.26857), (0.05, 0.97931), (0.01, 2.02345)])
def test_beta_sets_the_tracy_widom_quantile(beta: float, quantile: float) -> None:
    W, _, _ = spiked_matrix((30, 50), [], rng=1)
    assert bema(W, beta=beta).threshold == pytest.approx(
        slow_bema(W, 0.2, 0.5, quantile)[1], rel=1e-5
    )


@pytest.mark.parametrize(
    ("alpha", "p"),
    [(0.0, 20), (0.1, 30), (0.15, 20), (0.2, 15), (0.28, 25), (0.34, 50), (0.45, 20)],
)
def test_alpha_sets_the_ranks_without_rounding_accidents(alpha: float, p: int) -> None:
    """The ranks are αp ≤ j ≤ (1 − α)p in exact arithmetic: 0.28 · 25 is 7, not 7.0000001."""
    spectrum = Spectrum.of(spiked_matrix((p, 50), [], rng=2)[0])
    first, last = max(math.ceil(round(alpha * p, 9)), 1), math.floor(round((1 - alpha) * p, 9))
    sigma = bema(spectrum, alpha).sigma
    nu = spectrum.values[::-1].copy()
    for rank, counts in ((first - 1, False), (first, True), (last, True), (last + 1, False)):
        if not 1 <= rank <= p:
            continue
        moved = nu.copy()
        # A value may be moved within its gap only; any move inside the range changes the slope.
        moved[rank - 1] += 0.3 * (nu[min(rank, p - 1)] - nu[rank - 1]) or 0.1
        assert (bema(Spectrum(moved[::-1], (p, 50)), alpha).sigma != sigma) == counts


# --- error rates ----------------------------------------------------------------------------------


def noise_values(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Singular values of Gaussian noise, from the bidiagonal form (Silverstein 1985).

    Householder reflections leave a Gaussian matrix with independent χ entries on two diagonals: the
    spectrum has the same law and costs p numbers instead of a whole matrix.
    """
    p, n = min(shape), max(shape)
    diagonal = np.sqrt(rng.chisquare(n - np.arange(p)))
    beside = np.sqrt(rng.chisquare(p - 1 - np.arange(p - 1)))
    B = np.diag(diagonal) + np.diag(beside, -1)
    return np.linalg.svd(B, compute_uv=False)


@cache
def null_spectra(shape: tuple[int, int], draws: int) -> list[Spectrum]:
    rng = np.random.default_rng(20201)
    return [Spectrum(noise_values(shape, rng), shape) for _ in range(draws)]


def inside(successes: int, draws: int, low: float, high: float, false_alarm: float = 1e-4) -> bool:
    """Whether the Clopper–Pearson interval meets [low, high]."""
    interval = stats.binomtest(successes, draws).proportion_ci(1 - false_alarm)
    return bool(interval.low <= high and interval.high >= low)


# The bands are the rates of METHODS, table 2, widened by two of their standard errors.
FALSE_POSITIVES = {
    ("midpoint", (84, 120)): (0.065, 0.105),
    ("lower", (84, 120)): (0.025, 0.050),
    ("upper", (84, 120)): (0.138, 0.186),
    ("midpoint", (10, 84)): (0.050, 0.082),
    ("lower", (10, 84)): (0.005, 0.019),
    ("upper", (10, 84)): (0.172, 0.224),
    ("midpoint", (10, 10)): (0.080, 0.118),
    ("lower", (10, 10)): (0.006, 0.022),
    ("upper", (10, 10)): (0.273, 0.331),
}


@pytest.mark.parametrize(("position", "shape"), FALSE_POSITIVES)
def test_false_positive_rates(position: str, shape: tuple[int, int]) -> None:
    """1500 spectra each; each case fails a correct program with probability below 1e-4."""
    fits = [bema(s, plotting_position=position) for s in null_spectra(shape, 1500)]  # type: ignore[arg-type]
    hits = sum(fit.n_signal > 0 for fit in fits)
    assert inside(hits, 1500, *FALSE_POSITIVES[position, shape])


@pytest.mark.parametrize("beta", [0.01, 0.3, 0.9])
def test_false_positives_follow_beta(beta: float) -> None:
    """At 84 × 120 the rate stays within a quarter of β (seen: 0.8 to 1.02 of it); alarm 1e-4."""
    hits = sum(bema(s, beta=beta).n_signal > 0 for s in null_spectra((84, 120), 1500))
    assert inside(hits, 1500, 0.75 * beta, 1.1 * beta)


def test_noise_level_is_unbiased_with_midpoints_only() -> None:
    """Relative bias of σ̂² at 10 × 84: METHODS gives +6 % for (j−1)/p, below .6 % for midpoints."""
    spectra = null_spectra((10, 84), 1500)
    variance = {
        position: np.array([bema(s, plotting_position=position).sigma ** 2 for s in spectra])  # type: ignore[arg-type]
        for position in ("midpoint", "lower")
    }
    error = 4 * np.std(variance["midpoint"]) / np.sqrt(1500)
    assert abs(variance["midpoint"].mean() - 1) < 0.006 + error
    assert abs(variance["lower"].mean() - 1.06) < 0.005 + error


@pytest.mark.parametrize("shape", [(256, 400), (400, 256)])
def test_power(shape: tuple[int, int]) -> None:
    """Five spikes far enough above the transition (0.894) are found in ten draws of ten.

    At β = 0.001 a false sixth has probability 0.01 in all; the weakest spike (1.6) is seen at
    y = 2.12 ± 0.04, the threshold lies at 1.84. With the default β one more may come.
    """
    for seed in range(10):
        W, _, _ = spiked_matrix(shape, [4, 3, 2.5, 2, 1.6], sigma=0.05, rng=seed)
        spectrum = Spectrum.of(W)
        strict = bema(spectrum, beta=0.001)
        assert strict.n_signal == 5
        assert bema(spectrum).n_signal in (5, 6)
        assert strict.sigma == pytest.approx(0.05, rel=0.02)


# --- NoiseFit -------------------------------------------------------------------------------------


def test_ks_of_a_fitted_null() -> None:
    """CONTENT §0.6: .008 on average for 384 × 384 noise. Eight draws, standard error .0003."""
    rng = np.random.default_rng(5)
    fits = [bema(Spectrum(noise_values((384, 384), rng), (384, 384)), beta=0.01) for _ in range(8)]
    assert 0.0065 < np.mean([fit.ks for fit in fits]) < 0.0095


@pytest.mark.parametrize("shape", [(100, 130), (300, 200), (40, 320)])
def test_the_distance_of_noise_stays_under_its_null(shape: tuple[int, int]) -> None:
    """200 draws of shapes that the null was not fitted to; should stay under it in 95 % of them.

    A right implementation falls outside 88 to 100 % with probability 1e-4 if the rate is 95 %. The
    null is a few per cent off, so the rate may be 92 or 98 %: then with 3 % and 2 %.
    """
    rng = np.random.default_rng(31)
    fits = [bema(Spectrum(noise_values(shape, rng), shape)) for _ in range(200)]
    under = [fit.ks <= fit.ks_null for fit in fits]
    assert 0.88 < np.mean(under) < 1
    assert [fit.verdict == "noise" for fit in fits] == under


@pytest.mark.parametrize(
    ("loud", "verdict"), [(1.0, "noise"), (1.3, "close"), (1.5, "shaped"), (4.0, "unfit")]
)
def test_the_verdict_worsens_as_a_part_of_the_rows_grows_louder(loud: float, verdict: str) -> None:
    rng = np.random.default_rng(6)
    rows = np.where(np.arange(400) < 200, 1.0, loud)[:, None]
    assert bema(rows * rng.standard_normal((400, 600))).verdict == verdict


def test_ks_is_the_distance_of_two_cdfs() -> None:
    W, _, _ = spiked_matrix((60, 90), [4.0, 3.0], sigma=2.0, rng=3)
    fit = bema(W)
    assert fit.noise.size == 60 - fit.n_signal
    reference = stats.ks_1samp(fit.noise, fit.law.cdf).statistic
    assert fit.ks == pytest.approx(reference, abs=1e-15)


def test_ks_leaves_the_signal_out() -> None:
    """Fifty values on the quantiles of the law and ten spikes: the distance is half a step."""
    law = NoiseFit("by hand", Spectrum.of(np.diag(np.arange(60.0)) @ np.eye(60, 90)), 2.0, 1.0).law
    bulk = law.ppf((np.arange(50, 0, -1) - 0.5) / 50)
    spikes = law.support()[1] * np.arange(12, 2, -1.0)
    spectrum = Spectrum(np.concatenate([spikes, bulk]), (60, 90))
    fit = NoiseFit("by hand", spectrum, sigma=2.0, threshold=1.001 * law.support()[1])
    assert (fit.n_signal, fit.ks) == (10, pytest.approx(0.01, abs=1e-9))


def test_ks_tells_a_bulk_that_does_not_follow_the_law() -> None:
    rng = np.random.default_rng(4)
    rows = np.where(np.arange(100) < 50, 0.2, 1.0)[:, None]  # half of the rows much quieter
    assert bema(rows * rng.standard_normal((100, 150))).ks > 0.1
    assert bema(rng.standard_normal((100, 150))).ks < 0.03


def test_a_fit_without_noise_values_has_the_worst_distance() -> None:
    fit = NoiseFit("by hand", Spectrum([3, 2, 1], (3, 4)), sigma=0.01, threshold=0.5)
    assert (fit.n_signal, fit.noise.size, fit.ks) == (3, 0, 1.0)


def test_fit_knows_its_law_and_edge() -> None:
    fit = bema(spiked_matrix((20, 45), [], sigma=0.5, rng=1)[0])
    assert fit.edge == pytest.approx(fit.sigma * (np.sqrt(45) + np.sqrt(20)))
    assert fit.law.support()[1] == fit.edge
    assert fit.law.mean() == pytest.approx(fit.spectrum.values.mean(), rel=0.05)
    assert repr(fit).startswith("NoiseFit(bema, 20×45: sigma=0.")
    assert "n_signal=" in repr(fit)
    with pytest.raises(AttributeError):
        fit.sigma = 1.0  # type: ignore[misc]


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
@pytest.mark.parametrize("name", ["sigma", "threshold"])
def test_a_fit_without_noise_is_refused(name: str, value: float) -> None:
    arguments = {"sigma": 1.0, "threshold": 1.0, name: value}
    with pytest.raises(ValueError, match=f"{name} must be one positive finite number"):
        NoiseFit("by hand", Spectrum([3, 2, 1], (3, 4)), **arguments)


# --- limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e30, 1e150])
def test_extreme_scales(scale: float) -> None:
    W, _, _ = spiked_matrix((40, 60), [4.0], rng=6)
    fit, reference = bema(scale * W), bema(W)
    assert fit.sigma == pytest.approx(scale * reference.sigma, rel=1e-12)
    assert fit.threshold == pytest.approx(scale * reference.threshold, rel=1e-12)
    assert fit.n_signal == reference.n_signal
    assert fit.ks == pytest.approx(reference.ks, abs=1e-12)


@pytest.mark.parametrize("shape", [(2, 2), (2, 5), (3, 1000), (1000, 3)])
def test_smallest_shapes_give_a_fit(shape: tuple[int, int]) -> None:
    fit = bema(np.random.default_rng(0).standard_normal(shape))
    assert fit.threshold > 0
    assert 0 <= fit.ks <= 1


W = np.random.default_rng(0).standard_normal((12, 20))

BAD_CALLS: dict[str, tuple[Callable[[], NoiseFit], str]] = {
    "alpha too large": (lambda: bema(W, alpha=0.5), r"alpha must lie in \[0, 0.5\), was 0.5"),
    "alpha negative": (lambda: bema(W, alpha=-0.1), "alpha must lie in"),
    "alpha NaN": (lambda: bema(W, alpha=np.nan), "alpha must lie in"),
    "alpha leaves nothing": (lambda: bema(W[:3], alpha=0.45), "alpha = 0.45 leaves none of the 3"),
    "beta zero": (lambda: bema(W, beta=0.0), r"beta must lie in \(0, 1\), was 0.0"),
    "beta one": (lambda: bema(W, beta=1.0), r"beta must lie in \(0, 1\)"),
    "beta NaN": (lambda: bema(W, beta=np.nan), r"beta must lie in \(0, 1\)"),
    "beta too large for the shape": (
        lambda: bema(W[:2, :2], beta=0.99),
        "beta = 0.99 puts the threshold of a 2×2 matrix below zero",
    ),
    "beta too small": (lambda: bema(W, beta=1e-17), "beta must be at least 2e-16.* was 1e-17"),
    "no quantile to match": (
        lambda: bema(W[:2, :2], plotting_position="lower"),
        "plotting_position = 'lower' matches the only middle value of a 2×2 matrix with 0",
    ),
    "plotting position": (
        lambda: bema(W, plotting_position="middle"),  # type: ignore[arg-type]
        "plotting_position must be one of lower, midpoint, upper, was 'middle'",
    ),
    "not two-dimensional": (lambda: bema(W[0]), "W must be two-dimensional"),
    "empty": (lambda: bema(W[:0]), "W must not be empty"),
    "NaN": (lambda: bema(np.where(W > 2, np.nan, W)), "W must be finite"),
    "infinite": (lambda: bema(np.where(W > 2, np.inf, W)), "W must be finite"),
    "complex": (lambda: bema(W + 1j), "W must hold real numbers"),
    "zero": (lambda: bema(0 * W), "values must not all be zero"),
    "orthogonal": (lambda: bema(np.eye(9)), "values must not all be equal"),
    "one column": (lambda: bema(W[:, :1]), "at least 2 singular values"),
    "signal alone": (lambda: bema(W[:, :2] @ W[:2]), "W must hold noise.* ν_4 to ν_10, are zero"),
    "constant matrix": (lambda: bema(np.ones((9, 12))), "W must hold noise"),
}


@pytest.mark.parametrize("kind", BAD_CALLS)
def test_bad_input_is_refused(kind: str) -> None:
    call, message = BAD_CALLS[kind]
    with pytest.raises(ValueError, match=message):
        call()
