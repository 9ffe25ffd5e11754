"""The pieces of the experiments "grokking", "switching" and "mp_pruning", by construction."""

import numpy as np
import pytest
import torch

from rmt_helpers.experiments import switching
from rmt_helpers.experiments.grokking import marks, traps
from rmt_helpers.experiments.switching import scaled_ranks, settled, stable_rank, switch
from rmt_helpers.nets.adamw import enlarged, fit_adamw
from rmt_helpers.nets.architectures import MLP
from rmt_helpers.nets.data import Dataset, Images
from rmt_helpers.nets.thinning import cut, product, thinned, weights


def images(number=40):
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(number, 1, 4, 4, generator=generator)
    x[:, :, 0] = 0
    return Images(x, torch.arange(number) % 10)


def test_an_enlarged_network_is_a_multiple():
    usual, large = MLP((16, 8, 10), seed=3), enlarged((16, 8, 10), 8.0, seed=3)
    for a, b in zip(usual.parameters(), large.parameters(), strict=True):
        torch.testing.assert_close(8 * a, b)


def test_marks_begin_at_zero_and_end_with_the_last_step():
    at = marks(1000, 20)
    assert at[:2] == [0, 1]
    assert at[-1] == 1000
    assert at == sorted(set(at))


def test_a_weight_without_a_gradient_decays_as_said():
    net, seen = enlarged((16, 8, 10), 8.0, seed=0), []
    before = net.fc1.weight.detach().clone()
    fit_adamw(
        net,
        images(),
        lr=1e-2,
        weight_decay=0.5,
        batch_size=16,
        steps=50,
        seed=0,
        look=seen.append,
        at=[0, 7, 50],
    )
    assert seen == [0, 7, 50]
    kappa = (1 - 1e-2 * 0.5) ** 50
    torch.testing.assert_close(net.fc1.weight[:, :4], kappa * before[:, :4])
    assert not torch.allclose(net.fc1.weight[:, 4:], kappa * before[:, 4:], rtol=0.01)


def test_traps_come_from_entries_and_from_the_mean():
    """Noise has a trap once in a thousand matrices, here in none of the three that are looked at."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((100, 200))
    assert traps(noise, rng) == (0, 0)
    assert traps(noise + 0.3, rng) == (1, 1)
    noise[3, 5], noise[70, 80] = 40, -40
    assert traps(noise, rng) == (2, 2)


@pytest.mark.parametrize(
    ("counts", "epoch"),
    [
        ([(0, 0), (5, 5), (9, 9), (9, 9), (9, 9)], 4),
        ([(10, 10), (10, 10), (10, 10)], 2),
        ([(0, 0), (0, 0), (0, 0)], None),
        # Of 41 one is less than a twentieth, of 20 it is none less, and of 40 two are not either.
        ([(41, 41), (41, 41), (42, 42)], 2),
        ([(20, 41), (20, 41), (21, 41)], None),
        ([(40, 40), (40, 40), (42, 42)], None),
    ],
)
def test_settled(counts, epoch):
    assert settled(counts) == epoch


def test_an_untrained_layer_keeps_its_rank_and_none_gets_more():
    at_first = [103.7, 64.0]
    assert scaled_ranks(at_first, at_first, [256, 256]) == [256, 256]
    assert scaled_ranks([51.85, 80.0], at_first, [256, 256]) == [128, 256]


def test_stable_rank():
    assert stable_rank(np.array([2.0, 2.0, 1.0, 0.0])) == pytest.approx(2.25)


def test_a_thin_network_multiplies_with_the_best_factors():
    net = MLP((60, 50, 40, 10), seed=1)
    thin = thinned(net, (5, 39))
    whole = product(net.fc1)
    u, nu, vt = np.linalg.svd(whole)
    np.testing.assert_allclose(product(thin.fc1), (u[:, :5] * nu[:5]) @ vt[:5], atol=1e-6)
    # Rank 39 of 40 × 50 would cost more than the whole: that layer stays.
    np.testing.assert_array_equal(product(thin.fc2), product(net.fc2))
    assert weights(thin) == 5 * 110 + 50 * 40 + 400


def test_a_cut_keeps_the_signal_and_a_share_of_the_rest():
    net, thresholds = MLP((60, 50, 40, 10), seed=1), {}
    with torch.no_grad():
        net.fc1.weight += 3 * torch.ones(50, 60) / np.sqrt(3000)
    cut(net, "fc1", 0.5, 0.5, thresholds)
    assert np.linalg.matrix_rank(product(net.fc1), tol=1e-5) == 1 + 49 // 2
    cut(net, "fc1", 0.0, 0.5, thresholds)
    assert np.linalg.matrix_rank(product(net.fc1), tol=1e-5) == 1
    # A bulk that is too far from the law is left alone, then and later.
    cut(net, "fc2", 0.5, 0.0, thresholds)
    assert thresholds["fc2"] == np.inf
    assert np.linalg.matrix_rank(product(net.fc2)) == 40


def test_each_rule_goes_on_from_the_snapshot_that_it_names(monkeypatch):
    """On images that nobody can learn from, in a network that is hardly trained: what is counted adds up."""
    train, test = images(60), images(30)
    monkeypatch.setattr(
        switching, "dataset", lambda configuration: (Dataset("made", train, test), None)
    )
    configuration = {
        "network": "mlp",
        "init": "glorot",
        "hidden": [60, 50],
        "lr": 1e-9,
        "batch_size": 20,
        "epochs": 5,
        "drop": 4,
        "fixed": 2,
        "held_out": 20,
        "seed": 0,
    }
    result = switch(configuration)
    rows = {(row["rule"], row["multiple"]): row for row in result.rows}
    # Nothing moves, so stable ranks settle as soon as they can, and whole ranks save nothing.
    settled_row = rows["stable rank settled", 0]
    assert (settled_row["switch_epoch"], settled_row["rank_fc1"]) == (2, 16)
    fixed, counts = rows["fixed epoch", 4], result.arrays["counts"][2]
    first, second = (max(4 * int(count), 1) for count in counts)
    assert (fixed["rank_fc1"], fixed["rank_fc2"]) == (first, second)
    whole = 60 * 16 + 50 * 60 + 10 * 50
    kept = (first * 76 + second * 110 + 500) / whole
    assert fixed["share_of_weights"] == pytest.approx(kept)
    # FC2 is noise without a count, and no count has not begun: that rule never switches.
    assert counts[1] == 0
    assert rows["count settled", 1]["switch_epoch"] == 5
    assert fixed["share_of_products"] == pytest.approx(0.4 + 0.6 * fixed["share_of_weights"])
    assert rows["full", 0]["test_accuracy"] == rows["momentum anew", 0]["test_accuracy"]
    assert result.arrays["counts"].shape == result.arrays["stable"].shape == (6, 2)
