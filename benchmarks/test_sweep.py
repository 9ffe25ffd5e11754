"""Accuracy for every kept rank, in forward passes of the whole network."""

import pytest
import torch

from rmt_helpers.nets.architectures import MLP
from rmt_helpers.nets.layers import accuracy_by_rank, factorize, weight_matrices


@pytest.fixture(scope="session")
def network():
    return MLP(seed=0)


@pytest.mark.parametrize("layer", ["fc2", "fc1"])
@pytest.mark.parametrize("side", ["ours", "other"])
def test_sweep(measure, mnist, network, layer, side):
    factors = factorize(weight_matrices(network)[layer])

    @torch.no_grad()
    def forward_pass():
        network(mnist.test.x).argmax(dim=1)

    if side == "ours":
        measure(
            lambda: accuracy_by_rank(network, layer, mnist.test, factors=factors),
            target=f"sweep {layer}",
            side=side,
            rounds=3,
        )
    else:
        measure(forward_pass, target=f"sweep {layer}", side=side, repeat=5)
