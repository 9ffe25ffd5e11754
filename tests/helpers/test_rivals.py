"""The other estimators: each against an independent computation, its promise, and its limits."""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from rmt_helpers._checks import FloatArray
from rmt_helpers.laws import TracyWidom
from rmt_helpers.spectrum import Spectrum
from rmt_helpers.spikes import cosines, signal_strength, spiked_matrix, transition
from rmt_helpers.thresholds import (
    NoiseFit,
    bema,
    bema_general,
    gavish_donoho,
    hard_threshold,
    kritchman_nadler,
    median_factor,
    optimal_shrinkage,
    parallel_analysis,
    screenot,
)
from rmt_helpers.thresholds.bema_general import _Noise

# --- Gavish and Donoho ----------------------------------------------------------------------------


@pytest.mark.parametrize("c", [0.05, 0.3, 0.653, 1.0])
def test_threshold_is_where_a_direction_stops_paying(c: float) -> None:
    """‖S − y uvᵀ‖² = θ² + y² − 2θy cos cos equals θ², the price of leaving it out, at λ*(c)."""

    def gain(y: float) -> float:
        theta = signal_strength(y, c)
        short, long = cosines(theta, c)
        return float(2 * theta * y * short * long - y * y)

    found = optimize.brentq(gain, 1 + math.sqrt(c) + 1e-9, 6, xtol=1e-13)
    assert hard_threshold(c) == pytest.approx(found, rel=1e-9)


def test_threshold_of_a_square_matrix_is_the_title_of_the_paper() -> None:
    assert hard_threshold(1.0) == pytest.approx(4 / math.sqrt(3), rel=1e-14)


# ω(1) = 2.858 is printed in the paper's abstract; the other by the density and root finding below.
@pytest.mark.parametrize("c", [0.1, 0.5, 0.999])
def test_median_factor_by_quadrature(c: float) -> None:
    low, high = (1 - math.sqrt(c)) ** 2, (1 + math.sqrt(c)) ** 2

    def mass(x: float) -> float:
        # λ = middle − half cos t takes the square roots out of the integrand.
        half, middle = (high - low) / 2, (high + low) / 2
        end = math.acos((middle - x) / half)
        return integrate.quad(
            lambda t: (half * math.sin(t)) ** 2 / (2 * math.pi * c * (middle - half * math.cos(t))),
            0,
            end,
        )[0]

    median = optimize.brentq(lambda x: mass(x) - 0.5, low + 1e-9, high - 1e-9, xtol=1e-13)
    assert median_factor(c) == pytest.approx(hard_threshold(c) / math.sqrt(median), rel=1e-7)
    assert round(median_factor(1.0), 3) == 2.858


def test_known_and_unknown_noise_of_gavish_and_donoho() -> None:
    W, _, _ = spiked_matrix((150, 100), [5.0, 4.0], sigma=0.2, rng=1)
    known, unknown = gavish_donoho(W, sigma=0.2), gavish_donoho(W)
    assert known.threshold == pytest.approx(hard_threshold(2 / 3) * 0.2 * math.sqrt(150))
    nu = np.linalg.svd(W, compute_uv=False)
    assert unknown.threshold == pytest.approx(median_factor(2 / 3) * np.median(nu))
    assert (known.n_signal, unknown.n_signal) == (2, 2)
    assert unknown.sigma == pytest.approx(0.2, rel=0.05)


# --- shrinkage ------------------------------------------------------------------------------------


def block(theta: float, c: float, value: float) -> np.ndarray:
    """S − η uvᵀ in the two dimensions on either side that true and observed vectors span."""
    short, long = (float(x) for x in cosines(theta, c))
    u = np.array([short, math.sqrt(1 - short**2)])
    v = np.array([long, math.sqrt(1 - long**2)])
    return np.diag([theta, 0.0]) - value * np.outer(u, v)


@pytest.mark.parametrize("c", [0.2, 0.653, 1.0])
@pytest.mark.parametrize(("loss", "order"), [("frobenius", None), ("leeb", 2)])
def test_shrinkers_minimise_their_loss(loss: str, order: int | None, c: float) -> None:
    shape = (round(c * 1000), 1000)
    thetas = np.array([3.0, 1.7, 1.1])
    y = np.sqrt((1 + thetas**2) * (shape[0] / 1000 + thetas**2)) / thetas
    rest = np.linspace(0.9, 0.1, shape[0] - 3)
    spectrum = Spectrum(np.concatenate([y, rest]) * math.sqrt(1000), shape)
    fit = optimal_shrinkage(spectrum, loss, sigma=1.0)  # type: ignore[arg-type]
    for theta, value in zip(thetas, fit.shrunk / math.sqrt(1000), strict=False):
        best = optimize.minimize_scalar(
            lambda x, t=theta: np.linalg.norm(block(t, shape[0] / 1000, x), order),
            bounds=(0, 2 * theta),
            method="bounded",
            options={"xatol": 1e-10},
        )
        assert value == pytest.approx(best.x, abs=2e-5)
    assert (fit.shrunk[3:] == 0).all()


def test_operator_shrinker_is_the_signals_own_value_and_beaten_by_leeb_unless_square() -> None:
    for c, gap in ((1.0, False), (0.3, True)):
        n = 1000
        shape = (round(c * n), n)
        theta = 1.5
        y = math.sqrt((1 + theta**2) * (c + theta**2)) / theta
        spectrum = Spectrum(
            np.concatenate([[y], np.linspace(0.9, 0.1, shape[0] - 1)]) * math.sqrt(n), shape
        )
        own, leeb = (
            optimal_shrinkage(spectrum, loss, sigma=1.0).shrunk[0] / math.sqrt(n)
            for loss in ("operator", "leeb")
        )
        assert own == pytest.approx(theta)
        worse = np.linalg.norm(block(theta, c, own), 2) - np.linalg.norm(block(theta, c, leeb), 2)
        assert (worse > 0.01) == gap
        assert worse > -1e-9


def test_shrinkage_recovers_more_than_any_truncation() -> None:
    """Mean of 20 matrices; the best truncation is chosen with the truth at hand."""
    losses = []
    for seed in range(20):
        thetas = np.array([3.0, 2.0, 1.5, 1.2])
        W, left, right = spiked_matrix((80, 120), thetas, rng=seed)
        S = math.sqrt(120) * (left * thetas) @ right.T
        u, nu, vt = np.linalg.svd(W, full_matrices=False)
        truncated = min(np.linalg.norm((u[:, :k] * nu[:k]) @ vt[:k] - S) ** 2 for k in range(8))
        shrunk = np.linalg.norm((u * optimal_shrinkage(W).shrunk) @ vt - S) ** 2
        losses.append(shrunk / truncated)
    assert np.mean(losses) < 0.95


def test_shrunk_values_cannot_be_written() -> None:
    fit = optimal_shrinkage(spiked_matrix((20, 30), [4.0], rng=0)[0])
    with pytest.raises(ValueError, match="read-only"):
        fit.shrunk[0] = 0
    assert fit.threshold == pytest.approx(fit.edge)
    assert ((fit.shrunk > 0) == (fit.spectrum.values > fit.threshold)).all()


# --- ScreeNOT -------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(40, 40), (30, 100), (100, 30)])
def test_screenot_solves_its_equation(shape: tuple[int, int]) -> None:
    """The functional by numerical differentiation of D, with pseudo-noise made by a plain loop."""
    W, _, _ = spiked_matrix(shape, [5.0, 3.0], rng=4)
    k = 6
    p, c = min(shape), min(shape) / max(shape)
    z = list(np.linalg.svd(W, compute_uv=False))
    for j in range(k):
        share = (1 - (j / k) ** (2 / 3)) / (2 ** (2 / 3) - 1)
        z[j] = z[k] + share * (z[k] - z[2 * k])

    def D(y: float) -> float:
        phi = sum(y / (y * y - x * x) for x in z) / p
        return phi * (c * phi + (1 - c) / y)

    def functional(y: float) -> float:
        h = 1e-5 * y
        return y * (D(y + h) - D(y - h)) / (2 * h) / D(y)

    threshold = screenot(W, max_rank=k).threshold
    assert threshold > max(z)
    assert functional(threshold) == pytest.approx(-4, abs=1e-4)


def test_screenot_is_gavish_and_donoho_for_white_noise_and_right_for_correlated() -> None:
    rng = np.random.default_rng(2)
    W = rng.standard_normal((300, 500))
    assert screenot(W, max_rank=20).threshold == pytest.approx(
        hard_threshold(0.6) * math.sqrt(500), rel=0.01
    )
    for j in range(1, 500):  # a stationary autoregression along each row
        W[:, j] = 0.8 * W[:, j - 1] + 0.6 * W[:, j]
    fit = screenot(W, max_rank=20)
    assert fit.n_signal == 0
    assert gavish_donoho(W).n_signal > 10
    assert fit.sigma == pytest.approx(1, rel=0.02)  # of an entry, whatever the correlation
    assert fit.verdict == "unfit"


def test_strategies_of_screenot_differ_as_the_made_up_noise_does() -> None:
    W, _, _ = spiked_matrix((60, 90), [4.0], rng=3)
    zero, flat, grown = (
        screenot(W, 8, strategy).threshold  # type: ignore[arg-type]
        for strategy in ("zero", "winsorisation", "imputation")
    )
    assert zero < flat < grown


# --- Kritchman and Nadler -------------------------------------------------------------------------


def slow_kritchman_nadler(W: np.ndarray, level: float) -> tuple[int, float]:
    """The authors' procedure in plain loops: noise level and centring for k signals in test k."""
    p, n = min(W.shape), max(W.shape)
    lam = np.linalg.svd(W, compute_uv=False) ** 2 / n
    t = float(TracyWidom(1).ppf(1 - level))
    kept = float(lam.mean())
    for k in range(1, p):
        variance = sum(lam[k:]) / (p - k) / (1 - k / n)
        for _ in range(200):
            added = []
            for x in lam[:k]:
                b = x + variance - variance * (p - k) / n
                root = b * b - 4 * x * variance
                if root < 0:
                    break
                added.append(x - (b + math.sqrt(root)) / 2)
            if len(added) < k:
                break
            variance = (sum(lam[k:]) + sum(added)) / (p - k)
        a, b = math.sqrt(n - 0.5), math.sqrt(p - k - 0.5)
        if n * lam[k - 1] <= variance * ((a + b) ** 2 + t * (a + b) * (1 / a + 1 / b) ** (1 / 3)):
            return k - 1, math.sqrt(kept)
        kept = variance
    raise AssertionError


@pytest.mark.parametrize("shape", [(30, 50), (50, 30), (40, 40)])
@pytest.mark.parametrize("seed", range(4))
def test_kritchman_nadler_is_the_authors_procedure(shape: tuple[int, int], seed: int) -> None:
    W, _, _ = spiked_matrix(shape, [5.0, 3.0, 1.5], sigma=0.3, rng=seed)
    fit = kritchman_nadler(W, 0.05, noise_under="alternative")
    s, sigma = slow_kritchman_nadler(W, 0.05)
    assert (fit.n_signal, fit.sigma) == (s, pytest.approx(sigma, rel=1e-7))


@cache
def null_spectra(shape: tuple[int, int], draws: int) -> list[Spectrum]:
    rng = np.random.default_rng(77)
    return [Spectrum.of(rng.standard_normal(shape), method="gram") for _ in range(draws)]


@pytest.mark.parametrize("shape", [(24, 48), (10, 84), (50, 50)])
def test_level_of_kritchman_nadler(shape: tuple[int, int]) -> None:
    """1500 draws: a rate within [.06, .11] passes; a true one fails with probability below 1e-4.

    With the noise level of the alternative the rate at 24 × 48 is about .2, as the docstring says.
    """

    def rate(noise_under: str) -> tuple[float, float]:
        hits = sum(
            kritchman_nadler(s, noise_under=noise_under).n_signal > 0  # type: ignore[arg-type]
            for s in null_spectra(shape, 1500)
        )
        interval = stats.binomtest(hits, 1500).proportion_ci(1 - 1e-4)
        return interval.low, interval.high

    low, high = rate("null")
    assert low <= 0.11
    assert high >= 0.06
    if shape == (24, 48):
        assert rate("alternative")[0] > 0.11


def test_kritchman_nadler_copes_with_many_signals_where_bema_does_not() -> None:
    thetas = np.linspace(5, 1.8, 24)  # 24 of 80 values, more than the fifth that BEMA leaves out
    counts = np.array(
        [
            (kritchman_nadler(W).n_signal, bema(W).n_signal)
            for W in (spiked_matrix((80, 120), thetas, rng=seed)[0] for seed in range(10))
        ]
    )
    assert abs(counts[:, 0] - 24).max() <= 1
    assert counts[:, 1].max() < 23


# --- parallel analysis ----------------------------------------------------------------------------


def test_parallel_analysis_keeps_its_level_whatever_the_variances_are() -> None:
    """400 draws at β = 0.1, for which the rate is exactly 2/20; a right one fails with 1e-4."""
    rng = np.random.default_rng(8)
    scale = np.sqrt(rng.gamma(1, 1, (1, 40)))
    hits = sum(
        parallel_analysis(scale * rng.standard_normal((20, 40)), rng=rng).n_signal > 0
        for _ in range(400)
    )
    interval = stats.binomtest(hits, 400).proportion_ci(1 - 1e-4)
    assert interval.low <= 0.1 <= interval.high
    assert sum(bema(scale * rng.standard_normal((20, 40))).n_signal > 0 for _ in range(50)) > 25


def test_random_signs_allow_for_rows_and_columns_at_once() -> None:
    rng = np.random.default_rng(9)
    scale = np.sqrt(rng.gamma(1, 1, (30, 1)) * rng.gamma(1, 1, (1, 60)))
    draws = [scale * rng.standard_normal((30, 60)) for _ in range(200)]
    hits = sum(parallel_analysis(W, null="signs", rng=rng).n_signal > 0 for W in draws)
    interval = stats.binomtest(hits, 200).proportion_ci(1 - 1e-4)
    assert interval.low <= 0.1 <= interval.high
    assert sum(parallel_analysis(W, rng=rng).n_signal > 0 for W in draws[:50]) > 25


def test_deflation_does_not_go_on_beyond_the_last_signal() -> None:
    """Rows of unequal variance, 256 × 512, four strong spikes: place by place two too many are counted."""
    rng = np.random.default_rng(5)
    thetas = np.array([5.0, 4.0, 3.0, 2.5]) * transition(0.5)
    counts = []
    for _ in range(4):
        R = np.sqrt(rng.gamma(3, 1 / 3, (256, 1))) * rng.standard_normal((256, 512))
        _, left, right = spiked_matrix((256, 512), thetas, rng=rng)
        W = R + np.sqrt(512) * (left * thetas) @ right.T
        counts.append(parallel_analysis(W, null="signs", deflate=True).n_signal)
    # At level 0.1 each is 4 nine times in ten; more than two of four are wrong once in 270 seeds.
    assert set(counts) <= {4, 5}
    assert counts.count(4) >= 2


def test_deflation_uncovers_what_a_strong_signal_hides() -> None:
    found = np.array(
        [
            [parallel_analysis(W, null="signs", deflate=d).n_signal for d in (False, True)]
            for W in (spiked_matrix((60, 90), [12.0, 6.0, 2.0], rng=s)[0] for s in range(10))
        ]
    )
    assert found[:, 0].max() < 3
    assert (found[:, 1] >= 3).sum() >= 9


def test_rows_are_columns_of_the_transpose() -> None:
    W, _, _ = spiked_matrix((30, 45), [3.0], rng=1)
    one = parallel_analysis(W, null="rows", permutations=99, beta=0.05)
    other = parallel_analysis(W.T, null="columns", permutations=99, beta=0.05, rng=0)
    assert one.n_signal == other.n_signal == 1
    assert one.threshold == pytest.approx(other.threshold, rel=0.05)


def test_a_seed_decides_and_the_default_is_one() -> None:
    W, _, _ = spiked_matrix((30, 45), [], rng=1)
    assert parallel_analysis(W).threshold == parallel_analysis(W, rng=0).threshold
    assert parallel_analysis(W).threshold != parallel_analysis(W, rng=1).threshold
    assert parallel_analysis(1e-150 * W).threshold == pytest.approx(
        1e-150 * parallel_analysis(W).threshold
    )


# --- BEMA with unequal variances ------------------------------------------------------------------


def test_general_bema_with_equal_variances_is_bema() -> None:
    """Mean of ten; the fitted variances are never quite equal, so the threshold is a little higher."""
    ratios = []
    for seed in range(10):
        W, _, _ = spiked_matrix((40, 80), [4.0], sigma=0.1, rng=seed)
        general, simple = bema_general(W, null_draws=100), bema(W)
        assert general.n_signal >= 1
        ratios.append((general.sigma / simple.sigma, general.threshold / simple.threshold))
    sigma, threshold = np.mean(ratios, axis=0)
    assert 0.98 < sigma < 1.02
    assert 0.99 < threshold < 1.06


@pytest.mark.parametrize("side", ["short", "long"])
def test_general_bema_keeps_its_level_with_unequal_variances(side: str) -> None:
    """60 draws: BEMA takes noise for signal in most of them, Algorithm 2 in a quarter at most."""
    rng = np.random.default_rng(11)
    false = np.zeros(2, dtype=int)
    for _ in range(60):
        size = (30, 1) if side == "short" else (1, 60)
        noise = np.sqrt(rng.gamma(3, 1 / 3, size)) * rng.standard_normal((30, 60))
        general = bema_general(noise, side=side, draws=4, null_draws=60, rng=rng)  # type: ignore[arg-type]
        false += (bema(noise).n_signal > 0, general.n_signal > 0)
    assert false[1] <= 15 < false[0]


def test_general_bema_shows_a_bar_on_demand(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One bar over every spectrum that is computed, those of the fit and those of the threshold."""
    W = spiked_matrix((12, 20), [], rng=0)[0]
    quiet = bema_general(W, draws=2, null_draws=10)
    assert capsys.readouterr().err == ""
    spectra = []
    eigenvalues = _Noise.eigenvalues

    def counted(noise: _Noise, shape: float) -> FloatArray:
        spectra.append(shape)
        return eigenvalues(noise, shape)

    monkeypatch.setattr(_Noise, "eigenvalues", counted)
    assert bema_general(W, draws=2, null_draws=10, progress=True).threshold == quiet.threshold
    assert len(spectra) > 2 * 5 + 10
    shown = capsys.readouterr().err
    assert "0/50" in shown  # 20 trials of 2 draws are allowed for
    assert f"{len(spectra)}/{len(spectra)}" in shown


# --- limits ---------------------------------------------------------------------------------------

W = np.random.default_rng(0).standard_normal((12, 20))
SIGNAL = W[:, :2] @ W[:2]

BAD_CALLS: dict[str, tuple[Callable[[], object], str]] = {
    "c of the threshold": (lambda: hard_threshold(1.5), r"c must lie in \(0, 1\]"),
    "sigma": (lambda: gavish_donoho(W, sigma=-1), "sigma must be one positive finite number"),
    "no noise, median": (lambda: gavish_donoho(SIGNAL), "W must hold noise; half of its"),
    "loss": (lambda: optimal_shrinkage(W, "nuclear"), 'loss must be "frobenius"'),  # type: ignore[arg-type]
    "sigma of shrinkage": (lambda: optimal_shrinkage(W, sigma=np.nan), "sigma must be one"),
    "no noise, shrinkage": (lambda: optimal_shrinkage(SIGNAL), "W must hold noise"),
    "rank too large": (lambda: screenot(W, 6), "max_rank must be from 0 to 5, was 6"),
    "rank not whole": (lambda: screenot(W, 1.5), "max_rank must be a whole number"),  # type: ignore[arg-type]
    "strategy": (lambda: screenot(W, 2, "i"), 'strategy must be "imputation"'),  # type: ignore[arg-type]
    "no noise, screenot": (lambda: screenot(SIGNAL, 3), "W must hold noise; beyond max_rank = 3"),
    "beta": (lambda: kritchman_nadler(W, 0), r"beta must lie in \(0, 1\), was 0"),
    "beta not a number": (lambda: kritchman_nadler(W, "x"), "beta must lie in"),  # type: ignore[arg-type]
    "noise_under": (
        lambda: kritchman_nadler(W, noise_under="k"),  # type: ignore[arg-type]
        'noise_under must be "null" or "alternative"',
    ),
    "no noise, kritchman": (lambda: kritchman_nadler(SIGNAL), "noise; beyond the 2 largest"),
    "a spectrum": (lambda: parallel_analysis(Spectrum.of(W)), "W must be the matrix itself"),
    "few permutations": (
        lambda: parallel_analysis(W, 0.05, permutations=18),
        "beta = 0.05 needs at least 19 permutations, there were 18",
    ),
    "no permutation": (lambda: parallel_analysis(W, permutations=0), "permutations must be at"),
    "null": (lambda: parallel_analysis(W, null="entries"), 'null must be "columns"'),  # type: ignore[arg-type]
    "NaN": (lambda: parallel_analysis(np.where(W > 2, np.nan, W)), "W must be finite"),
    "vector": (lambda: parallel_analysis(W[0]), "W must be two-dimensional"),
    "no noise, parallel": (lambda: parallel_analysis(SIGNAL, deflate=True), "W must hold noise"),
    "alpha": (lambda: bema_general(W, 0.5), "alpha must lie in"),
    "side": (lambda: bema_general(W, side="rows"), 'side must be "short" or "long"'),  # type: ignore[arg-type]
    "draws": (lambda: bema_general(W, draws=0), "draws must be at least 1, was 0"),
    "no noise, general": (lambda: bema_general(SIGNAL), "W must hold noise; its middle"),
    "zero": (lambda: screenot(0 * W), "values must not all be zero"),
    "zero matrix": (lambda: parallel_analysis(0 * W), "values must not all be zero"),
}


@pytest.mark.parametrize("kind", BAD_CALLS)
def test_bad_input_is_refused(kind: str) -> None:
    call, message = BAD_CALLS[kind]
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("shape", [(2, 2), (2, 5), (3, 400), (400, 3)])
@pytest.mark.parametrize(
    "estimator",
    [
        gavish_donoho,
        optimal_shrinkage,
        screenot,
        kritchman_nadler,
        parallel_analysis,
        lambda W: parallel_analysis(W, null="signs", deflate=True),
        lambda W: bema_general(W, draws=2, null_draws=10),
    ],
)
def test_smallest_shapes_give_a_fit(
    estimator: Callable[[np.ndarray], NoiseFit], shape: tuple[int, int]
) -> None:
    fit = estimator(np.random.default_rng(1).standard_normal(shape))
    assert fit.threshold > 0
    assert fit.sigma > 0
    assert 0 <= fit.n_signal <= 2
    assert fit.report().startswith(fit.method)
