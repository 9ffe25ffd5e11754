"""Weight matrices, truncation and the accuracy at every rank, against the plain way."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from rmt_helpers import Spectrum, spiked_matrix
from rmt_helpers.nets.architectures import MLP
from rmt_helpers.nets.data import Dataset
from rmt_helpers.nets.layers import (
    Factors,
    accuracy_by_rank,
    agreement,
    factorize,
    truncate,
    weight_matrices,
)
from rmt_helpers.nets.training import TrainConfig, accuracy, train


def convolutional() -> nn.Sequential:
    """Everything that stands around a layer: convolutions, norm, dropout, an activation in place."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 5, 3),
        nn.BatchNorm2d(5),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.Linear(5 * 16, 12, bias=False),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.Linear(12, 4),
    )


def naive(model: nn.Module, name: str, data: Dataset) -> list[float]:
    """SVD again at each rank, the matrix rebuilt, all images through the whole network."""
    found = []
    for rank in range(min(weight_matrices(model)[name].shape) + 1):
        changed = copy.deepcopy(model)
        weight = changed.get_submodule(name).weight
        matrix = weight.detach().double().flatten(1)
        u, values, vt = torch.linalg.svd(matrix, full_matrices=False)
        with torch.no_grad():
            kept = u[:, :rank] @ torch.diag(values[:rank]) @ vt[:rank]
            weight.copy_(kept.reshape(weight.shape))
        found.append(accuracy(changed, data.test))
    return found


@pytest.fixture
def trained(model: MLP, data: Dataset) -> MLP:
    train(model, data, TrainConfig(lr=0.05, batch_size=32, epochs=2))
    return model


@pytest.mark.parametrize("name", ["fc1", "fc2", "fc3"])
def test_accuracy_at_every_rank_is_that_of_the_plain_way(
    trained: MLP, data: Dataset, name: str
) -> None:
    """300 images, so that 1e-4 allows none of them to differ."""
    before = copy.deepcopy(trained.state_dict())
    found = accuracy_by_rank(trained, name, data.test)
    np.testing.assert_allclose(found, naive(trained, name, data), atol=1e-4)
    assert found[-1] == accuracy(trained, data.test)
    assert trained.training
    assert all(torch.equal(before[key], value) for key, value in trained.state_dict().items())


@pytest.mark.parametrize("name", ["0", "4", "7"])
def test_around_the_layer_anything_may_stand(data: Dataset, name: str) -> None:
    model = convolutional()
    train(model, data, TrainConfig(lr=0.05, batch_size=32, epochs=1))
    found = accuracy_by_rank(model, name, data.test)
    np.testing.assert_allclose(found, naive(model, name, data), atol=1e-4)


def test_a_convolution_with_stride_padding_and_dilation(data: Dataset) -> None:
    torch.manual_seed(1)
    inner = nn.Conv2d(1, 6, (3, 2), stride=(1, 2), padding=(2, 1), dilation=(1, 2))
    rest = [nn.ReLU(), nn.Conv2d(6, 3, 2, bias=False), nn.Flatten(), nn.LazyLinear(4)]
    model = nn.Sequential(inner, *rest)
    model(data.test.x[:1])
    train(model, data, TrainConfig(lr=0.05, batch_size=32, epochs=1))
    for name in ("0", "2"):
        found = accuracy_by_rank(model, name, data.test)
        np.testing.assert_allclose(found, naive(model, name, data), atol=1e-4)
        assert found[-1] > found[0]


def test_a_convolution_that_is_no_product_is_refused(data: Dataset) -> None:
    for layer in (
        nn.Conv2d(2, 4, 3, groups=2),
        nn.Conv2d(1, 4, 3, padding=1, padding_mode="reflect"),
    ):
        model = nn.Sequential(layer, nn.Flatten(), nn.Linear(4, 4))
        with pytest.raises(ValueError, match=r"a plain convolution, one of \['2'\], was '0'"):
            accuracy_by_rank(model, "0", data.test)


def test_some_ranks_only(trained: MLP, data: Dataset) -> None:
    every = accuracy_by_rank(trained, "fc1", data.test)
    for ranks in ([0], [24], [0, 1, 2, 8, 24], np.arange(3, 20, 4)):
        some = accuracy_by_rank(trained, "fc1", data.test, ranks=ranks)
        np.testing.assert_allclose(some, every[ranks], atol=1e-4)


def test_given_factors_are_used_and_no_matrix_is_decomposed_twice(
    trained: MLP, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    factors = factorize(weight_matrices(trained)["fc2"])
    expected = accuracy_by_rank(trained, "fc2", data.test)

    def forbidden(*args: object, **kwargs: object) -> None:
        raise AssertionError("a second decomposition")

    monkeypatch.setattr(np.linalg, "svd", forbidden)
    found = accuracy_by_rank(trained, "fc2", data.test, factors=factors)
    assert np.array_equal(found, expected)
    assert accuracy(truncate(trained, "fc2", 5, factors=factors), data.test) == found[5]
    assert factors.spectrum.p == 16


@pytest.mark.parametrize("shape", [(7, 11), (11, 7), (6, 6)])
def test_factors(shape: tuple[int, int]) -> None:
    W, _, _ = spiked_matrix(shape, [5.0], rng=0)
    for given in (W, torch.nn.Parameter(torch.as_tensor(W)), W.tolist()):
        factors = factorize(given)
        np.testing.assert_allclose((factors.u * factors.values) @ factors.vt, W, atol=1e-13)
        np.testing.assert_allclose(factors.spectrum.values, Spectrum.of(W).values, rtol=1e-12)
        assert factors.spectrum.shape == shape
        # Eckart and Young: the error of the best approximation is the rest of the spectrum.
        error = np.linalg.norm(W - factors.matrix(2))
        assert error == pytest.approx(np.linalg.norm(factors.values[2:]))


def test_weight_matrices_are_copies_in_order() -> None:
    model = nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 8, (5, 4)), nn.BatchNorm2d(8)),
        nn.ConvTranspose2d(8, 2, 3),
        nn.Embedding(4, 4),
        nn.Conv1d(2, 6, 3, bias=False),
        nn.Linear(6, 2),
    )
    found = weight_matrices(model)
    assert {name: W.shape for name, W in found.items()} == {
        "0.0": (8, 60),
        "3": (6, 6),
        "4": (2, 6),
    }
    np.testing.assert_array_equal(found["0.0"][5], model[0][0].weight[5].detach().numpy().ravel())
    found["4"][:] = 0
    assert model[4].weight.any()


def test_the_matrix_of_two_convolutions_in_turn() -> None:
    """Its rank is the number of maps between a 1 × width and a height × 1 convolution."""
    torch.manual_seed(0)
    flat, tall = nn.Conv2d(3, 2, (1, 4), bias=False), nn.Conv2d(2, 8, (5, 1), bias=False)
    both = nn.Conv2d(3, 8, (5, 4), bias=False)
    with torch.no_grad():
        both.weight.copy_(torch.einsum("omh,miw->oihw", tall.weight[..., 0], flat.weight[:, :, 0]))
        x = torch.rand(2, 3, 9, 9)
        torch.testing.assert_close(both(x), tall(flat(x)), rtol=1e-4, atol=1e-6)
    model = nn.Sequential(both, nn.Conv1d(2, 6, 3), nn.Conv3d(2, 3, 2), nn.Linear(6, 2))
    found = weight_matrices(model, reshape="kernel")
    assert found["0"].shape == (8 * 5, 3 * 4)
    assert np.linalg.matrix_rank(found["0"], tol=1e-5) == 2
    assert found["0"][7 * 5 + 2, 1 * 4 + 3] == both.weight[7, 1, 2, 3]
    for name, W in weight_matrices(model, reshape="out").items():
        assert name == "0" or np.array_equal(found[name], W)
    found["0"][:] = 0
    assert both.weight.any()
    with pytest.raises(ValueError, match=r"reshape must be one of \('out', 'kernel'\), was 'in'"):
        weight_matrices(model, reshape="in")


def test_agreement(trained: MLP, data: Dataset) -> None:
    """Against the definition, written out in numpy."""
    cut = truncate(trained, "fc2", 2)
    share, divergence = agreement(trained, cut, data.test)
    with torch.no_grad():
        a, b = (network(data.test.x).double().numpy() for network in (trained, cut))
    p, q = (np.exp(s) / np.exp(s).sum(axis=1, keepdims=True) for s in (a, b))
    assert share == np.mean(a.argmax(axis=1) == b.argmax(axis=1)) < 1
    assert divergence == pytest.approx(np.mean(np.sum(p * np.log(p / q), axis=1)), rel=1e-6)
    assert agreement(cut, trained, data.test)[1] != pytest.approx(divergence, rel=1e-3)
    assert agreement(trained, cut, data.test, block=7) == pytest.approx((share, divergence))
    assert agreement(trained, trained, data.test) == (1, 0)
    # In evaluation mode, and back.
    model = convolutional().train()
    assert agreement(model, model, data.test) == (1, 0)
    assert model.training


@pytest.mark.parametrize("name", ["0", "4"])
@pytest.mark.parametrize("channels_last", [False, True])
def test_truncate(name: str, channels_last: bool) -> None:
    model = convolutional()
    if channels_last:
        model.to(memory_format=torch.channels_last)
    before = copy.deepcopy(model.state_dict())
    W = weight_matrices(model)[name]
    changed = truncate(model, name, 3)
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    for key, value in changed.state_dict().items():
        assert torch.equal(before[key], value) is (key != f"{name}.weight")
    cut = weight_matrices(changed)[name]
    assert np.linalg.matrix_rank(cut, tol=1e-5) == 3
    np.testing.assert_allclose(cut, factorize(W).matrix(3), atol=1e-6)

    assert truncate(model, name, 3, inplace=True) is model
    np.testing.assert_array_equal(weight_matrices(model)[name], cut)
    assert not weight_matrices(truncate(model, name, 0))[name].any()


def test_bad_input(model: MLP, data: Dataset) -> None:
    factors = factorize(weight_matrices(model)["fc1"])
    for wrong in ("fc4", "relu1", "", "flatten.weight", None):
        with pytest.raises(ValueError, match=r"name must be .*'fc1', 'fc2', 'fc3'.*was"):
            truncate(model, wrong, 1)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=r"name must be .*'fc1', 'fc2', 'fc3'.*was"):
            accuracy_by_rank(model, wrong, data.test)  # type: ignore[arg-type]
    for rank in (-1, 25, 2.0, None):
        with pytest.raises(ValueError, match="rank must be an integer, from 0 to 24"):
            truncate(model, "fc1", rank)  # type: ignore[arg-type]
    for call in (
        lambda: truncate(model, "fc2", 1, factors=factors),
        lambda: accuracy_by_rank(model, "fc2", data.test, factors=factors),
    ):
        with pytest.raises(ValueError, match=r"factors must be of a \(16, 24\) matrix"):
            call()
    for ranks in ([], [[1]], [1.5], [2, 1], [1, 1], [-1, 2], [3, 25], 3, "all"):
        with pytest.raises(ValueError, match="ranks must"):
            accuracy_by_rank(model, "fc1", data.test, ranks=ranks)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="images must hold at least one"):
        accuracy_by_rank(model, "fc1", data.test[:0])
    with pytest.raises(ValueError, match="images must hold at least one"):
        agreement(model, model, data.test[:0])
    with pytest.raises(ValueError, match="block must be"):
        agreement(model, model, data.test, block=0)
    with pytest.raises(ValueError, match="other must score 4 classes like model, did 3"):
        agreement(model, MLP((36, 3)), data.test)
    with pytest.raises(ValueError, match="model must be a torch.nn.Sequential, was a Linear"):
        accuracy_by_rank(nn.Linear(3, 2), "weight", data.test)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("W", "message"),
    [
        (np.zeros(3), r"two-dimensional.*\(3,\)"),
        (np.zeros((0, 3)), r"\(0, 3\)"),
        (np.zeros((2, 2, 2)), "two-dimensional"),
        (np.full((2, 3), np.nan), "finite"),
        (np.array([[1.0, np.inf], [0, 1]]), "finite"),
        (np.eye(2) * 1j, "real numbers"),
        ([["a", "b"]], "real numbers"),
        ([[1, 2], [3]], "rectangular"),
    ],
)
def test_bad_matrices(W: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        factorize(W)  # type: ignore[arg-type]


def test_factors_of_a_zero_matrix_have_no_spectrum() -> None:
    """A layer cut to rank 0 can be factored; an estimator then refuses it in its own words."""
    factors = factorize(np.zeros((3, 4)))
    assert isinstance(factors, Factors)
    with pytest.raises(ValueError, match="zero"):
        _ = factors.spectrum
