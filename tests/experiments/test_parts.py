"""The pieces that experiments are made of, against what they should be by theory or by construction."""

import numpy as np
import pytest

from rmt_helpers import Spectrum, bema, spiked_matrix
from rmt_helpers.experiments.digits import coherence, matched, missed, sparsity
from rmt_helpers.experiments.encoder import CHANGES
from rmt_helpers.experiments.failures import NOISES, plant
from rmt_helpers.experiments.layers import sweep_ranks
from rmt_helpers.experiments.measures import both_fits, columns
from rmt_helpers.experiments.null import simulate
from rmt_helpers.experiments.truth import _overlaps
from rmt_helpers.nets.layers import factorize


@pytest.fixture
def factors():
    return factorize(spiked_matrix((60, 90), [6.0, 5.0, 4.0], rng=4)[0])


@pytest.mark.parametrize(
    ("change", "kept"), [("signal only", slice(0, 3)), ("signal removed", slice(3, 60))]
)
def test_a_change_keeps_what_it_says(factors, change, kept):
    W = CHANGES[change](factors, 3, np.random.default_rng(0))
    expected = (factors.u[:, kept] * factors.values[kept]) @ factors.vt[kept]
    np.testing.assert_allclose(W, expected, atol=1e-12)


def test_a_replaced_bulk_keeps_the_signal_and_every_singular_value(factors):
    W = CHANGES["bulk replaced"](factors, 3, np.random.default_rng(0))
    seen = factorize(W)
    np.testing.assert_allclose(seen.values, factors.values, rtol=1e-10)
    np.testing.assert_allclose(seen.matrix(3), factors.matrix(3), atol=1e-10)
    # The other directions are new ones: the overlap of 57 random pairs is that of chance.
    overlap = np.abs(np.diagonal(seen.u[:, 3:].T @ factors.u[:, 3:])).mean()
    assert overlap < 0.25


@pytest.mark.parametrize("kind", NOISES)
def test_every_noise_has_unit_variance(kind):
    """As a whole; the kinds differ in how it is spread over entries, rows and columns."""
    rng = np.random.default_rng(5)
    W = np.concatenate([NOISES[kind](rng, 200, 300) for _ in range(4)])
    expected = 0.8 + 0.2 * 0.2**2 if kind == "dead columns" else 1.0
    # Student's t with 3 degrees of freedom has no fourth moment: its variance converges slowly.
    assert W.var() == pytest.approx(expected, rel=0.25 if kind == "student 3" else 0.08)
    assert W.mean() == pytest.approx(0.1 if kind == "mean 0.1" else 0.0, abs=0.02)


def test_a_planted_signal_is_seen_as_planted():
    rows = plant({"noise": "gaussian", "shape": [120, 400], "draws": 6, "seed": 9}).rows
    assert {row["detectable"] for row in rows} == {5}
    truth = np.mean([row["true_top"] for row in rows])
    guess = np.mean([row["predicted_top"] for row in rows])
    assert 0.85 < truth < 0.97
    assert guess == pytest.approx(truth, abs=0.08)


def test_overlaps_of_vectors_that_swapped_places():
    true = np.eye(4)
    seen = true[:, [1, 0, 2, 3]]
    same, span = _overlaps(seen, true, 2)
    np.testing.assert_allclose(same, [0, 0, 1, 1])
    np.testing.assert_allclose(span, [1, 1, 0, 0])


@pytest.mark.parametrize("p", [6, 16, 64, 84, 512])
@pytest.mark.parametrize("fine", [True, False])
def test_ranks_of_a_sweep_increase_from_nothing_to_everything(p, fine):
    ranks = sweep_ranks(p, fine=fine)
    assert (ranks[0], ranks[-1]) == (0, p)
    assert np.all(np.diff(ranks) > 0)
    assert len(ranks) <= (130 if fine else 20)


def test_short_spectra_are_not_fitted():
    rng = np.random.default_rng(6)
    assert both_fits(Spectrum.of(rng.standard_normal((10, 84)))) == {}
    assert set(both_fits(Spectrum.of(rng.standard_normal((16, 150))))) == {"bema", "broadening"}


def test_columns_of_a_fit():
    W = spiked_matrix((200, 300), [5.0, 4.0], rng=7)[0]
    found = columns(bema(W))
    values = np.linalg.svd(W, compute_uv=False)
    assert found["n_signal"] == 2
    assert found["energy"] == pytest.approx((values[:2] ** 2).sum() / (values**2).sum())
    assert np.isnan(columns(bema(spiked_matrix((200, 300), [], rng=8)[0], beta=1e-6))["ave_w"])


def test_the_null_depends_on_its_seed_alone():
    configuration = {"shape": [20, 30], "draws": 30, "seed": 1}
    one, same = simulate(configuration), simulate(configuration)
    other = simulate({**configuration, "seed": 2})
    assert one.rows == same.rows != other.rows
    assert {row["method"] for row in one.rows} == {"bema", "broadening"}


def test_parts_are_paired_at_best():
    parts = np.eye(4)[:3]
    assert matched(parts, 5 * parts[[2, 0, 1]]) == pytest.approx(1)
    assert matched(parts, np.eye(4)[[0, 1, 3]]) == pytest.approx(2 / 3)
    assert matched(parts, np.zeros((3, 4))) == 0


def test_coherence_and_sparsity_of_parts():
    assert coherence(np.eye(4)) == 0
    assert coherence(np.ones((3, 4))) == pytest.approx(1)
    assert sparsity(np.eye(4)) == pytest.approx(1)
    assert sparsity(np.ones((3, 4))) == pytest.approx(0)


def test_what_parts_miss():
    rng = np.random.default_rng(10)
    A, B = rng.random((30, 3)), rng.random((3, 20))
    assert missed(A @ B, B) < 0.01
    disjoint = np.eye(4)
    assert missed(disjoint, disjoint[:2]) == pytest.approx(np.sqrt(0.5))
