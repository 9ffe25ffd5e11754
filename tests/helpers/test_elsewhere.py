"""Data and tools of the other fields: each against what it must be by definition or by simulation."""

import numpy as np
import pytest

from rmt_helpers import bema, elsewhere


def test_returns_have_the_covariance_that_comes_with_them():
    returns, truth = elsewhere.stock_returns(np.random.default_rng(0), stocks=40, days=40_000)
    own = np.sqrt(np.diag(truth))
    seen = returns.T @ returns / len(returns) / np.outer(own, own)
    off = ~np.eye(40, dtype=bool)  # the squares have no variance: their tails are too heavy
    # Products of two different returns have a standard deviation below 3; five standard errors.
    assert np.abs(seen - truth / np.outer(own, own))[off].max() < 5 * 3 / np.sqrt(len(returns))


def test_standardised_columns():
    Z = elsewhere.standardised(np.random.default_rng(1).exponential(size=(50, 4)))
    assert np.allclose(Z.mean(axis=0), 0)
    assert np.allclose((Z**2).mean(axis=0), 1)


def test_clipping_levels_the_low_eigenvalues_and_keeps_the_high_directions():
    loadings = np.ones((30, 1))  # equal loadings: the diagonal stays equal, so nothing is rescaled
    C = 0.5 * loadings @ loadings.T + 0.5 * np.eye(30)
    assert np.allclose(elsewhere.clipped(C, 1), C)
    returns, _ = elsewhere.stock_returns(np.random.default_rng(2), stocks=60, days=90)
    Z = elsewhere.standardised(returns)
    C = Z.T @ Z / 90
    clean = elsewhere.clipped(C, 9)
    assert np.allclose(np.diag(clean), 1)
    assert np.linalg.eigvalsh(clean)[0] > 2 * np.linalg.eigvalsh(C)[0]
    first, same = np.linalg.eigh(C)[1][:, -1], np.linalg.eigh(clean)[1][:, -1]
    assert abs(first @ same) > 0.99


def test_linear_shrinkage_gives_up_where_there_is_nothing():
    noise = elsewhere.standardised(np.random.default_rng(3).standard_normal((100, 80)))
    shared = elsewhere.standardised(noise + 3 * noise[:, :1])
    for Z, low, high in ((noise, 0.8, 1.0), (shared, 0.0, 0.1)):
        C = Z.T @ Z / len(Z)
        mixed = elsewhere.shrunk_linearly(Z)
        off = ~np.eye(80, dtype=bool)
        weight = 1 - (mixed[off] @ C[off]) / (C[off] @ C[off])
        assert low <= weight <= high
        assert np.allclose(np.diag(mixed), 1)


def test_the_portfolio_has_the_least_variance():
    rng = np.random.default_rng(4)
    _, truth = elsewhere.stock_returns(rng, stocks=20, days=5)
    w = elsewhere.minimum_variance(truth)
    assert np.isclose(w.sum(), 1)
    for _ in range(20):
        step = rng.standard_normal(20) * 1e-3
        assert elsewhere.risk(w + step - step.mean(), truth) > elsewhere.risk(w, truth)


def test_hankel_matrices_and_back():
    x = np.arange(9.0)
    H = elsewhere.hankel(x, 4)
    assert H.shape == (4, 6)
    assert all(H[i, j] == x[i + j] for i in range(4) for j in range(6))
    assert np.allclose(elsewhere.from_hankel(H), x)
    assert np.isclose(elsewhere.decibels(x + 1, x + 2), 10 * np.log10(((x + 1) ** 2).sum() / 9))


def test_a_steady_tone_has_rank_two():
    tone = np.cos(0.3 * np.arange(200) + 1)
    assert np.linalg.matrix_rank(elsewhere.hankel(tone, 50)) == 2
    assert np.isclose(np.mean(elsewhere.vowel(np.random.default_rng(0)) ** 2), 1)


def test_biwhitened_counts_have_mean_one_everywhere():
    Y = np.random.default_rng(5).poisson(np.outer(np.arange(1, 31), np.linspace(0.5, 4, 50)))
    W, rho, omega = elsewhere.biwhitened(Y)
    scaled = rho[:, None] * Y * omega
    assert np.allclose(scaled.mean(axis=0), 1)
    assert np.allclose(scaled.mean(axis=1), 1, atol=1e-6)
    assert np.allclose(W, np.sqrt(rho)[:, None] * Y * np.sqrt(omega))


def test_biwhitened_noise_has_level_one():
    """Mean of ten levels; one has a standard deviation of some .004 at this size: false alarm 1e-7."""
    levels = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        means = np.outer(rng.exponential(size=100) + 0.5, 5 * rng.exponential(size=200) + 0.5)
        levels.append(bema(elsewhere.biwhitened(rng.poisson(means))[0]).sigma)
    assert abs(np.mean(levels) - 1) < 0.01


@pytest.mark.parametrize("bad", [[[1, 0], [1, 0]], [[0, 0], [1, 1]], [[1, -1], [1, 1]]])
def test_biwhitening_refuses_empty_rows_and_negative_counts(bad):
    with pytest.raises(
        ValueError, match="counts must not be negative, with no empty row or column"
    ):
        elsewhere.biwhitened(bad)


def test_biwhitening_refuses_what_cannot_be_scaled():
    """Scaled, the only counts of two columns would give the first row a sum of 2N, where M is asked for."""
    alone = [[1, 1, 1, 0], [0, 0, 2, 1], [0, 0, 3, 1]]
    with pytest.raises(
        ValueError, match="a row that holds the only count of more than 1.333 columns"
    ):
        elsewhere.biwhitened(alone)
    with pytest.raises(
        ValueError, match="a column that holds the only count of more than 1.333 rows"
    ):
        elsewhere.biwhitened(np.transpose(alone))
    # No count stands alone, but three columns of sum 5 have all their counts in two rows of sum 5.
    block = [[1, 2, 1, 1, 0], [3, 1, 2, 0, 1], *[[0, 0, 0, 1, 2]] * 3]
    with pytest.raises(ValueError, match="none were found in 300 rounds"):
        elsewhere.biwhitened(block, rounds=300)
    with pytest.raises(ValueError, match="none were found in 10000 rounds"):  # factors overflow
        elsewhere.biwhitened(block)


def test_biwhitening_says_when_it_needs_more_rounds():
    Y = np.random.default_rng(5).poisson(np.outer(np.arange(1, 31), np.linspace(0.5, 4, 50)))
    with pytest.raises(
        ValueError, match="none were found in 2 rounds: the mean of a row was still"
    ):
        elsewhere.biwhitened(Y, rounds=2)


def test_what_is_seen_once_is_left_out_until_nothing_is():
    """Without the last column the last row has a single count, and goes as well."""
    counts = [[1, 2, 1, 0], [1, 1, 2, 0], [0, 3, 0, 1]]
    assert elsewhere.seen_twice(counts).tolist() == [[1, 2, 1], [1, 1, 2]]
    sparse, _ = elsewhere.cell_counts(np.random.default_rng([0, 4]), 1, 600, rare=1500)
    with pytest.raises(ValueError, match="counts must not have a row"):
        elsewhere.biwhitened(sparse)
    assert elsewhere.biwhitened(elsewhere.seen_twice(sparse))[0].shape[0] == 400


def test_localisation():
    n = 400
    x = np.random.default_rng(6).standard_normal((n, 50))
    x /= np.linalg.norm(x, axis=0)
    assert np.allclose(elsewhere.localisation(np.eye(n)), n)
    assert np.allclose(elsewhere.localisation(np.full((n, 1), n**-0.5)), 1)
    # The mean of fifty; one has a standard deviation of some √(96/n).
    assert abs(elsewhere.localisation(x).mean() - 3) < 5 * np.sqrt(96 / n / 50)


def test_counts_follow_their_means():
    counts, means = elsewhere.cell_counts(np.random.default_rng(7), types=4, depth=600, rare=100)
    assert counts.shape == means.shape
    assert counts.sum(axis=0).min() > 0
    total = means.sum()
    assert abs(counts.sum() - total) < 5 * np.sqrt(total) + 100  # rare genes that are seen nowhere
    assert np.linalg.matrix_rank(means) == 4  # as many as types; what all cells share adds nothing


def test_factorisation_finds_parts():
    A, B = elsewhere.parts(np.random.default_rng(8), (40, 60), 3)
    found = elsewhere.factorised(A @ B, 3, np.random.default_rng(9), rounds=2000)
    assert min(part.min() for part in found) >= 0
    assert np.linalg.norm(found[0] @ found[1] - A @ B) < 0.02 * np.linalg.norm(A @ B)
