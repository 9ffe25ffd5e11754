"""What other packages and this one both do comes out alike; where it does not, the difference is known.

Each test is skipped where its package is absent. Only scikit-rmt is in no lock, since it asks for a SciPy older
than the book's: its numbers were made once, in an environment of their own, and stand here.
"""

import logging
import math
from dataclasses import replace

import numpy as np
import pytest

from rmt_helpers.experiments.plans.peers import PEERS, REHEARSAL
from rmt_helpers.experiments.runner import differences
from rmt_helpers.laws import MarchenkoPastur, TracyWidom
from rmt_helpers.spikes import spiked_matrix
from rmt_helpers.thresholds import bema, gavish_donoho, screenot

SHAPES = [(60, 60), (60, 90), (120, 40), (30, 240)]


def matrices(shape, strengths=(5.0, 4.0, 3.0, 1.4)):
    for seed in range(10):
        yield spiked_matrix(shape, strengths, sigma=0.3, rng=seed)[0]


@pytest.fixture
def optht():
    module = pytest.importorskip("optht")
    logging.getLogger("optht").setLevel(logging.WARNING)
    return module.optht


class TestOptht:
    @pytest.mark.parametrize("shape", SHAPES)
    def test_unknown_noise(self, optht, shape):
        for W in matrices(shape):
            nu = np.linalg.svd(W, compute_uv=False)
            found = optht(min(shape) / max(shape), sv=nu)
            assert found == gavish_donoho(W).n_signal

    @pytest.mark.parametrize("shape", SHAPES)
    def test_known_noise_is_scaled_by_the_other_side(self, optht, shape):
        """It multiplies λ* by √p, the number of values; the theorem has the long side, √n."""
        p, n = min(shape), max(shape)
        for W in matrices(shape):
            nu = np.linalg.svd(W, compute_uv=False)
            ours = gavish_donoho(W, sigma=0.3).n_signal
            assert optht(p / n, sv=nu, sigma=0.3 * math.sqrt(n / p)) == ours
            if p == n:
                assert optht(p / n, sv=nu, sigma=0.3) == ours
        noise = np.random.default_rng(0).standard_normal((60, 240))
        nu = np.linalg.svd(noise, compute_uv=False)
        # √(n/p) = 2 times too low, its threshold lies inside the bulk.
        assert optht(0.25, sv=nu, sigma=1.0) > 10
        assert gavish_donoho(noise, sigma=1.0).n_signal == 0

    def test_it_raises_where_nothing_is_to_be_kept(self, optht):
        W = spiked_matrix((60, 90), [], rng=0)[0]
        with pytest.raises(ValueError, match="zero-size array"):
            optht(60 / 90, sv=np.linalg.svd(W, compute_uv=False))
        assert gavish_donoho(W).n_signal == 0


class TestScreenot:
    @pytest.mark.parametrize("strategy", ["imputation", "winsorisation", "zero"])
    @pytest.mark.parametrize("shape", SHAPES)
    def test_threshold_and_rank(self, shape, strategy):
        package = pytest.importorskip("screenot.ScreeNOT")
        for W in matrices(shape):
            short = {"imputation": "i", "winsorisation": "w", "zero": "0"}[strategy]
            _, threshold, rank = package.adaptiveHardThresholding(W, 8, strategy=short)
            ours = screenot(W, max_rank=8, strategy=strategy)
            # It bisects to an absolute width of 1e-5 and returns the last middle.
            assert ours.threshold == pytest.approx(threshold, abs=2e-5)
            assert ours.n_signal == rank


class TestLaws:
    def test_quantiles_of_tracy_widom(self):
        package = pytest.importorskip("TracyWidom")
        for beta in (1, 2):
            theirs = package.TracyWidom(beta=beta)
            q = np.array([0.05, 0.5, 0.9, 0.95, 0.99])
            # It interpolates a table.
            ours = TracyWidom(beta).ppf(q)
            np.testing.assert_allclose([theirs.cdfinv(x) for x in q], ours, atol=2e-3)

    def test_scikit_rmt(self):
        """Against `SCIKIT_RMT`; of Tracy and Widom's law it interpolates a table."""
        law, theirs = MarchenkoPastur(0.4, 0.7), SCIKIT_RMT
        np.testing.assert_allclose(law.support(), theirs["support"], rtol=1e-12)
        x = np.linspace(*theirs["support"], 7)[1:-1]
        np.testing.assert_allclose(law.pdf(x), theirs["pdf"], rtol=1e-12)
        np.testing.assert_allclose(law.cdf(x), theirs["cdf"], rtol=1e-12)
        np.testing.assert_allclose(law.ppf([0.1, 0.5, 0.9]), theirs["ppf"], rtol=1e-9)
        for beta in (1, 2):
            ours = TracyWidom(beta).ppf([0.05, 0.5, 0.9, 0.95, 0.99])
            np.testing.assert_allclose(theirs[f"TW{beta}"], ours, atol=5e-4)


# Printed by scikit-rmt 2.1.1 under Python 3.11, numpy 1.26.4 and scipy 1.12.0, on x86-64 Linux, from
# skrmt.ensemble.spectral_law: law = MarchenkoPasturDistribution(ratio=0.4, sigma=0.7), its lambda_minus and
# lambda_plus, pdf and cdf at np.linspace(lambda_minus, lambda_plus, 7)[1:-1], ppf at 0.1, 0.5, 0.9; and
# TracyWidomDistribution(beta).ppf at 0.05, 0.5, 0.9, 0.95, 0.99.
SCIKIT_RMT = {
    "support": [0.06619357860699764, 1.3058064213930025],
    "pdf": [
        1.3751381424746745,
        0.9898007528396484,
        0.7336619840304235,
        0.5316011924767261,
        0.3412757800414153,
    ],
    "cdf": [
        0.3163327938639638,
        0.5573871154844651,
        0.7340293440663384,
        0.8641935071264265,
        0.9545351054314104,
    ],
    "ppf": [0.13335521915586462, 0.42379624063061166, 0.9643758760518488],
    "TW1": [
        -3.180774134965378,
        -1.2686212722018027,
        0.4501222747049163,
        0.9792952489408256,
        2.0234342601852853,
    ],
    "TW2": [
        -3.1944649866470196,
        -1.8049738802049844,
        -0.5968832973409629,
        -0.2325011968225421,
        0.477630434928157,
    ],
}


@pytest.mark.filterwarnings("ignore")
def test_weightwatcher_counts_strong_spikes_alike():
    """Its threshold has no level, so only spikes far from the edge compare."""
    pytest.importorskip("weightwatcher")
    from rmt_helpers.experiments.peers import _weightwatcher

    for strengths in ([], [6.0, 5.0, 4.0]):
        drawn = list(matrices((100, 150), strengths))
        theirs = [int(s) for s, _ in _weightwatcher(drawn)]
        ours = [bema(W, beta=1e-4).n_signal for W in drawn]
        assert theirs == ours == [len(strengths)] * 10


@pytest.mark.filterwarnings("ignore")
def test_a_cell_of_the_experiment_comes_out_again():
    for package in ("optht", "screenot", "TracyWidom", "weightwatcher"):
        pytest.importorskip(package)
    assert differences(replace(PEERS, sample=[REHEARSAL])) == []
