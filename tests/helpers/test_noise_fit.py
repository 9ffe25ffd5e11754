"""`noise_fit`: what it chooses, what it finds, and what it says."""

from collections.abc import Callable

import numpy as np
import pytest

from rmt_helpers import Spectrum, bema, kritchman_nadler, noise_fit, parallel_analysis
from rmt_helpers.experiments.failures import NOISES
from rmt_helpers.spikes import spiked_matrix, transition
from rmt_helpers.thresholds import METHODS, CheckedFit, NoiseFit, Shrinkage
from rmt_helpers.thresholds.checks import check_entries

THETAS = np.array([4.0, 3.0, 2.5, 2.0])


def planted(noise: str, shape: tuple[int, int] = (120, 200), seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    R = NOISES[noise](rng, *shape)
    _, left, right = spiked_matrix(shape, THETAS, rng=rng)
    return R + float(R.std()) * np.sqrt(max(shape)) * (left * THETAS) @ right.T


# noise: the method that is chosen, the trust, and a word of the findings
EXPECTED = {
    "gaussian": ("kritchman-nadler", "high", ""),
    "uniform": ("kritchman-nadler", "high", ""),
    "student 5": ("parallel analysis (signs)", "fair", "heavy tails"),
    "dead columns": ("parallel analysis (signs)", "fair", "Columns differ in variance"),
    "unequal rows": ("parallel analysis (signs)", "fair", "Rows differ in variance"),
    "correlated": ("kritchman-nadler", "low", "Neighbouring entries are correlated"),
    "mean 0.1": ("kritchman-nadler", "high", "The mean of W is not zero"),
}


@pytest.mark.parametrize("noise", EXPECTED)
def test_auto_sees_what_the_noise_is_like(noise: str) -> None:
    method, trust, word = EXPECTED[noise]
    fit = noise_fit(planted(noise))
    assert (fit.method, fit.trust) == (method, trust)
    report = fit.report()
    assert f"Trust in the count: {trust}." in report
    assert word in report
    if not word:
        assert fit.findings == ()


@pytest.mark.parametrize(
    "noise", ["gaussian", "uniform", "student 5", "dead columns", "unequal rows"]
)
def test_auto_counts_right_where_it_is_trusted(noise: str) -> None:
    """The count of each of five draws is within one of the truth; the level alone would spoil 10 %."""
    for seed in range(5):
        fit = noise_fit(planted(noise, seed=seed))
        assert fit.trust != "low"
        assert abs(fit.n_signal - 4) <= 1


def test_one_variance_for_all_would_be_wrong_there() -> None:
    assert kritchman_nadler(planted("unequal rows")).n_signal > 8
    named = noise_fit(planted("unequal rows"), "kritchman_nadler")
    assert named.trust == "low"
    assert "with one variance for all, noise passes for signal" in named.report()


def test_a_crowded_bulk_is_judged_by_its_own_shape() -> None:
    """The law of the whole shape does not fit what fifty signals leave; the report must say that noise does."""
    W, _, _ = spiked_matrix((256, 512), np.linspace(4.2, 1.5, 50), rng=6)
    fit = noise_fit(W)
    assert (fit.n_signal, fit.trust, fit.verdict) == (50, "high", "shaped")
    assert fit.rest is not None
    assert fit.rest.spectrum.shape == (206, 462)
    said = "The bulk cannot be told from pure noise: distance"
    stays = f"{fit.rest.ks:.3f} from the law, noise stays under {fit.rest.ks_null:.3f}."
    assert f"{said} {stays}" in fit.report()


def test_a_bulk_that_is_no_noise_is_not_trusted() -> None:
    """Singular values that fall like a power, with Haar vectors: no breach in any entry."""
    rng = np.random.default_rng(1)
    left = np.linalg.qr(rng.standard_normal((100, 100)))[0]
    right = np.linalg.qr(rng.standard_normal((150, 100)))[0]
    fit = noise_fit((left * np.arange(1.0, 101) ** -0.7) @ right.T)
    assert fit.trust == "low"
    assert "does not follow the law" in fit.report()


def test_a_spectrum_is_judged_with_less() -> None:
    W = planted("gaussian")
    fit = noise_fit(Spectrum.of(W))
    assert (fit.n_signal, fit.trust, fit.entries) == (noise_fit(W).n_signal, "fair", None)
    assert "Only singular values were given" in fit.report()
    assert noise_fit(Spectrum.of(planted("unequal rows"))).trust == "low"


@pytest.mark.parametrize("shape", [(128, 256), (90, 90), (64, 128)])
def test_many_signals_do_not_make_the_report_contradict_itself(shape: tuple[int, int]) -> None:
    """A fifth of all values is signal: the bulk of the fit is far from the law of the matrix's own shape, what
    is left is noise of the shape that the signals leave, and the report goes by that alone."""
    thetas = np.linspace(5, 1.8, shape[0] // 5) * transition(min(shape) / max(shape))
    high = contradictions = 0
    for seed in range(10):
        W, _, _ = spiked_matrix(shape, thetas, rng=seed)
        fit = noise_fit(W)
        report = fit.report()
        assert fit.rest is not None
        assert f"distance {fit.rest.ks:.3f} from the law" in report
        if fit.trust == "high":
            high += 1
            contradictions += fit.verdict != "noise"
            assert "The bulk cannot be told from pure noise" in report
            assert "does not follow" not in report
            assert "shaped by" not in report
    # So the case does occur in which the fit's own word would contradict its trust.
    assert high >= 7
    assert contradictions >= 5


def test_where_nothing_is_left_the_report_names_no_distance() -> None:
    rng = np.random.default_rng(0)
    weak = 1e-3 * rng.standard_normal((6, 9))
    fit = noise_fit(
        np.diag([9.0, 8, 7, 6, 5, 4]) @ np.eye(6, 9) + weak, "gavish_donoho", sigma=1e-3
    )
    assert fit.rest is None
    assert "distance" not in fit.report()
    assert "Too few values are left" in fit.report()


def test_close_to_noise_is_not_called_far_from_it() -> None:
    """One matrix of noise in twenty is a little beyond what noise stays under: fair, and said so."""
    words = {}
    for seed in range(60):
        fit = noise_fit(np.random.default_rng(seed).standard_normal((60, 90)))
        assert "does not follow" not in fit.report()
        words[fit.trust] = fit.report()
    assert set(words) == {"high", "fair"}
    assert "comes close to, but can be told from, the law" in words["fair"]


def test_a_bulk_that_was_evened_is_called_so() -> None:
    report = noise_fit(planted("unequal rows")).report()
    assert "The bulk, with rows and columns scaled to one variance, cannot be told" in report


def test_a_common_mean_is_named_and_counted() -> None:
    """It is a signal of strength 0.3 √64 = 2.4 beside perfect noise: every report names it, trust stays."""
    for seed in range(20):
        fit = noise_fit(0.3 + np.random.default_rng(seed).standard_normal((64, 128)))
        assert fit.n_signal >= 1
        assert fit.trust == "high"
        assert any("The mean of W is not zero" in finding for finding in fit.findings)


@pytest.mark.parametrize(("p", "trust"), [(10, "low"), (30, "fair"), (80, "high")])
def test_few_values_are_trusted_less(p: int, trust: str) -> None:
    fit = noise_fit(np.random.default_rng(3).standard_normal((p, 100)))
    assert fit.trust == trust
    assert (f"Only {p} singular values" in fit.report()) == (p < 50)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_by_its_name(method: str) -> None:
    W = planted("gaussian", (75, 90))
    options = {"draws": 2, "null_draws": 20} if method == "bema_general" else {}
    fit = noise_fit(W, method, **options)
    plain = METHODS[method](W, **options)
    assert isinstance(fit, CheckedFit)
    assert fit.method == plain.method
    assert (fit.sigma, fit.threshold) == pytest.approx((plain.sigma, plain.threshold), rel=1e-9)
    assert fit.trust in ("high", "fair")
    assert isinstance(fit.fit, Shrinkage) == (method == "optimal_shrinkage")


def test_auto_is_what_it_says() -> None:
    W = planted("gaussian")
    assert noise_fit(W).threshold == pytest.approx(kritchman_nadler(W).threshold, rel=1e-12)
    assert noise_fit(W, beta=0.01).threshold > noise_fit(W).threshold
    U = planted("unequal rows")
    direct = parallel_analysis(U, null="signs", deflate=True, rng=7)
    assert noise_fit(U, rng=7).threshold == direct.threshold
    assert noise_fit(U, beta=0.2, rng=7).threshold < direct.threshold
    strict = parallel_analysis(U, 0.02, permutations=49, null="signs", deflate=True, rng=7)
    assert noise_fit(U, beta=0.02, rng=7).threshold == strict.threshold


@pytest.mark.parametrize("scale", [1e-120, 1e120])
def test_unit_does_not_matter(scale: float) -> None:
    for noise in ("gaussian", "dead columns"):
        W = planted(noise)
        one, other = noise_fit(W), noise_fit(scale * W)
        assert (other.n_signal, other.trust) == (one.n_signal, one.trust)
        assert other.sigma == pytest.approx(scale * one.sigma)


# --- the checks -----------------------------------------------------------------------------------


def test_checks_measure_what_was_put_in() -> None:
    rng = np.random.default_rng(4)
    noise = rng.standard_normal((200, 300))
    rows = np.where(np.arange(200) < 100, 0.5, 1.5)[:, None]  # variances with relative variance ¼
    assert check_entries(noise, np.sqrt(rows) * noise, 0).unequal_rows == pytest.approx(
        0.25, rel=0.1
    )
    heavy = rng.laplace(size=(200, 300))  # excess kurtosis 3, less what the levels take up
    assert 2.2 < check_entries(heavy, heavy, 0).kurtosis < 3.3
    shifted = noise + 0.2  # θ = 0.2 √200
    assert check_entries(shifted, noise, 0).mean == pytest.approx(0.2 * np.sqrt(200), rel=0.05)
    smooth = (noise[:, 1:] + noise[:, :-1]) / np.sqrt(2)  # correlation ½
    assert check_entries(smooth, smooth, 0).correlation == pytest.approx(0.5, abs=0.02)


def test_checks_are_silent_on_noise_beside_signals() -> None:
    """300 matrices with 12 signals among 64 values; an alarm in 100, as χ² has a tail beyond 4 errors."""
    alarms = 0
    for seed in range(300):
        W, _, _ = spiked_matrix((64, 100), np.linspace(4, 2, 12), rng=seed)
        entries = noise_fit(W).entries
        alarms += entries.unequal or entries.heavy or entries.correlated
    assert alarms <= 10


# --- NoiseFit.report ------------------------------------------------------------------------------


def test_report_of_a_plain_fit() -> None:
    fit = bema(planted("gaussian"))
    report = fit.report()
    assert report.startswith(f"bema: {fit.n_signal} of the 120 singular values of a 120×200 matrix")
    nu = fit.spectrum.values
    share = (nu[: fit.n_signal] ** 2).sum() / (nu**2).sum()
    assert f"{100 * share:.1f} % of the sum of squares" in report
    assert f"distance {fit.ks:.3f}" in report
    none = NoiseFit("by hand", fit.spectrum, fit.sigma, 2 * nu[0]).report()
    assert "sum of squares" not in none


W = np.random.default_rng(0).standard_normal((12, 20))

BAD_CALLS: dict[str, tuple[Callable[[], object], str]] = {
    "method": (lambda: noise_fit(W, "median"), "method must be auto or one of bema"),
    "option of auto": (
        lambda: noise_fit(W, alpha=0.1),
        'options of "auto" are beta and rng; alpha',
    ),
    "level of auto": (lambda: noise_fit(W, beta=1e-4), 'beta must be at least 0.001 with "auto"'),
    "no level of auto": (lambda: noise_fit(W, beta=1.0), "beta must lie in"),
    "option": (lambda: noise_fit(W, "bema", window=3), "options of bema are alpha, beta"),
    "value of an option": (lambda: noise_fit(W, "bema", alpha=0.7), "alpha must lie in"),
    "needs the matrix": (
        lambda: noise_fit(Spectrum.of(W), "parallel_analysis"),
        "W must be the matrix itself",
    ),
    "NaN": (lambda: noise_fit(np.where(W > 2, np.nan, W)), "W must be finite"),
    "vector": (lambda: noise_fit(W[0]), "W must be two-dimensional"),
    "zero": (lambda: noise_fit(0 * W), "values must not all be zero"),
    "no noise": (lambda: noise_fit(W[:, :2] @ W[:2]), "W must hold noise"),
    "one row": (lambda: noise_fit(W[:1]), "at least 2 singular values"),
}


@pytest.mark.parametrize("kind", BAD_CALLS)
def test_bad_input_is_refused(kind: str) -> None:
    call, message = BAD_CALLS[kind]
    with pytest.raises(ValueError, match=message):
        call()
