"""Small made-up data for the tests of networks: quick, and known through and through."""

import pytest
import torch

from rmt_helpers.nets.architectures import MLP
from rmt_helpers.nets.data import Dataset, Images

SIDE, CLASSES = 6, 4


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def seeded() -> None:
    """What a test draws without a generator of its own is the same every time."""
    torch.manual_seed(0)


def blobs(number: int, seed: int) -> Images:
    """Noisy copies of one random picture a class; every image is different."""
    generator = torch.Generator().manual_seed(99)
    pictures = torch.rand(CLASSES, 1, SIDE, SIDE, generator=generator)
    generator.manual_seed(seed)
    y = torch.randint(CLASSES, (number,), generator=generator)
    noise = torch.randn(number, 1, SIDE, SIDE, generator=generator)
    return Images((pictures[y] + 0.3 * noise).clamp(0, 1), y)


@pytest.fixture(scope="session")
def data() -> Dataset:
    return Dataset("blobs", blobs(500, 1), blobs(300, 2))


@pytest.fixture
def model() -> MLP:
    return MLP((SIDE * SIDE, 24, 16, CLASSES), seed=3)
