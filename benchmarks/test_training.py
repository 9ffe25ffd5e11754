"""Training against the usual DataLoader loop, the reference MLP also against its eight matrix products; two seeds."""

import time
from itertools import pairwise

import pytest
import torch
from torch.nn import functional as F

from rmt_helpers.nets.architectures import MLP, LeNet5, SmallAlexNet
from rmt_helpers.nets.data import cache_folder, load
from rmt_helpers.nets.training import TrainConfig, train, train_many

IMAGES = 4096
BATCH_SIZES = [16, 64, 256, 1024]


def data_loader_epoch(dataset, batch_size, model):
    """The tutorials' epoch: transforms for each image, DataLoader, plain SGD."""
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
        "rival": lambda: data_loader_epoch(torchvision_mnist, batch_size, MLP(seed=0)),
        "floor": lambda: matrix_products(batch_size),
    }[side]
    measure(run, target=f"epoch {batch_size}", side=side)


class Pictures(torch.utils.data.Dataset):
    """Images as torchvision's data sets hold them: bytes, made a picture and transformed one by one.

    Its CIFAR10 asks for a file that we have no use for.
    """

    def __init__(self, images, transform):
        self.pixels = (images.x * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        self.labels, self.transform = images.y.tolist(), transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, k):
        from PIL import Image

        return self.transform(Image.fromarray(self.pixels[k])), self.labels[k]


@pytest.fixture(scope="session")
def cifar():
    return load("cifar10").take(IMAGES // 4)


@pytest.fixture(scope="session")
def torchvision_cifar(cifar):
    """The same images as the tutorials load and augment them."""
    from torchvision.transforms import Compose, RandomCrop, RandomHorizontalFlip, ToTensor

    steps = [RandomCrop(32, padding=4), RandomHorizontalFlip(), ToTensor()]
    return Pictures(cifar.train, Compose(steps))


@pytest.mark.parametrize("side", ["ours", "rival"])
def test_epoch_of_lenet(measure, mnist, torchvision_mnist, side):
    small = mnist.take(IMAGES)
    config = TrainConfig(batch_size=128, epochs=1)
    run = {
        "ours": lambda: train(LeNet5(seed=0), small, config),
        "rival": lambda: data_loader_epoch(torchvision_mnist, 128, LeNet5(seed=0)),
    }[side]
    measure(run, target="epoch LeNet-5", side=side)


@pytest.mark.parametrize("side", ["ours", "rival"])
def test_epoch_of_small_alexnet(measure, cifar, torchvision_cifar, side):
    config = TrainConfig(batch_size=128, epochs=1, augment=True)
    run = {
        "ours": lambda: train(SmallAlexNet(seed=0), cifar, config),
        "rival": lambda: data_loader_epoch(torchvision_cifar, 128, SmallAlexNet(seed=0)),
    }[side]
    measure(run, target="epoch small AlexNet", side=side)


@pytest.mark.benchmark(timer=time.perf_counter)  # CPU seconds do not tell what ran side by side
@pytest.mark.parametrize("side", ["ours", "other"])
def test_two_seeds(measure, mnist, side):
    """The warm-up starts the processes; joblib keeps them. A run is a third as long as the book's own,
    so that handing it to a process counts about as little as it does there."""
    part = mnist.take(4 * IMAGES)
    configs = [TrainConfig(batch_size=64, epochs=6, seed=seed) for seed in range(2)]
    workers = {"ours": 2, "other": 1}[side]
    measure(
        lambda: train_many([MLP(seed=seed) for seed in range(2)], part, configs, workers=workers),
        target="two seeds",
        side=side,
    )
