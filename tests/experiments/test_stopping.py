"""The pieces of the experiments "grokking" and "mp_pruning", by construction."""

import numpy as np
import torch

from rmt_helpers.experiments.grokking import marks, traps
from rmt_helpers.nets.adamw import enlarged, fit_adamw
from rmt_helpers.nets.architectures import MLP
from rmt_helpers.nets.data import Images
from rmt_helpers.nets.thinning import cut, product


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
