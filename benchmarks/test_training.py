"""Training the reference MLP against the usual DataLoader loop and against its eight matrix products."""

from itertools import pairwise

import pytest
import torch
from torch.nn import functional as F

from rmt_helpers.nets.architectures import MLP
from rmt_helpers.nets.data import cache_folder
from rmt_helpers.nets.training import TrainConfig, train

IMAGES = 4096
BATCH_SIZES = [16, 64, 256, 1024]


def data_loader_epoch(dataset, batch_size):
    """The tutorials' epoch: torchvision data set, ToTensor for each image, DataLoader, plain SGD."""
    model = MLP(seed=0)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    for x, y in torch.utils.data.DataLoader(dataset, batch_size=batch_size, shuffle=True):
        optimiser.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimiser.step()


def matrix_products(batch_size):
    """The eight products of any step: 3 forward, 3 for the weights' gradients, 2 for the inputs'."""
    pairs = list(pairwise([784, 512, 512, 10]))
    x = [torch.randn(batch_size, i) for i, _ in pairs]
    g = [torch.randn(batch_size, o) for _, o in pairs]
    w = [torch.randn(o, i) for i, o in pairs]
    for _ in range(IMAGES // batch_size):
        for k in range(3):
            x[k] @ w[k].T
            g[k].T @ x[k]
            if k:
                g[k] @ w[k]


@pytest.fixture(scope="session")
def torchvision_mnist(mnist):
    """The same images as the tutorials load them."""
    from torchvision.datasets import MNIST
    from torchvision.transforms import ToTensor

    pictures = MNIST(str(cache_folder()), download=False, transform=ToTensor())
    return torch.utils.data.Subset(pictures, range(IMAGES))


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
@pytest.mark.parametrize("side", ["ours", "rival", "floor"])
def test_epoch(measure, mnist, torchvision_mnist, batch_size, side):
    small = mnist.take(IMAGES)
    config = TrainConfig(batch_size=batch_size, epochs=1)
    run = {
        "ours": lambda: train(MLP(seed=0), small, config),
        "rival": lambda: data_loader_epoch(torchvision_mnist, batch_size),
        "floor": lambda: matrix_products(batch_size),
    }[side]
    measure(run, target=f"epoch {batch_size}", side=side)
