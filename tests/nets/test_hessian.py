"""The Hessian against finite differences and a case that can be worked out by hand."""

import numpy as np
import pytest
import torch

from rmt_helpers.nets.architectures import MLP
from rmt_helpers.nets.data import Dataset, Images
from rmt_helpers.nets.hessian import hessian, principal_components


def test_hessian_is_a_finite_difference_of_gradients(data: Dataset) -> None:
    small = principal_components(data, 3)
    model = MLP((3, 4, 4), seed=1).double()
    images = Images(small.train.x[:60], small.train.y[:60])
    H = hessian(model, images)
    parameters = list(model.parameters())
    x = images.x.double()

    def gradient() -> np.ndarray:
        loss = torch.nn.functional.cross_entropy(model(x), images.y)
        return torch.cat([g.flatten() for g in torch.autograd.grad(loss, parameters)]).numpy()

    flat, step, rows = [p.data.view(-1) for p in parameters], 1e-5, []
    for part in flat:
        for k in range(part.numel()):
            before = part[k].item()
            part[k] = before + step
            above = gradient()
            part[k] = before - step
            below = gradient()
            part[k] = before
            rows.append((above - below) / (2 * step))
    assert H.shape == (len(rows), len(rows))
    assert np.allclose(H, H.T)
    assert np.allclose(H, rows, atol=1e-6)
    assert np.allclose(hessian(model, images, block=7), H, atol=1e-12)


def test_hessian_of_logistic_regression_by_hand(data: Dataset) -> None:
    """One layer: the mean of (diag q − q qᵀ) ⊗ x xᵀ."""
    small = principal_components(data, 2)
    model = MLP((2, 4), seed=0)
    x = small.train.x.flatten(1).double()
    W, b = (p.detach().double() for p in model.parameters())
    q = torch.softmax(x @ W.T + b, dim=1).numpy()
    K = np.einsum("ni,ij->nij", q, np.eye(4)) - np.einsum("ni,nj->nij", q, q)
    by_hand = np.einsum("nij,nk,nl->ikjl", K, x.numpy(), x.numpy()) / len(x)
    assert np.allclose(hessian(model, small.train)[:8, :8], by_hand.reshape(8, 8), atol=1e-10)


def test_principal_components_are_those_of_the_training_images(data: Dataset) -> None:
    found = principal_components(data, 5)
    x = found.train.x.flatten(1).double().numpy()
    assert found.train.x.shape == (500, 1, 1, 5)
    assert found.test.x.shape == (300, 1, 1, 5)
    assert np.allclose(x.mean(axis=0), 0, atol=1e-5)
    covariance = x.T @ x / len(x)
    assert np.allclose(covariance, np.diag(np.diag(covariance)), atol=1e-5)
    assert np.isclose(covariance[0, 0], 1, atol=1e-4)
    pixels = data.train.x.flatten(1).numpy()
    values = np.linalg.svd(pixels - pixels.mean(axis=0), compute_uv=False)
    assert np.allclose(np.diag(covariance), (values[:5] / values[0]) ** 2, atol=1e-4)
    assert torch.equal(found.test.y, data.test.y)


def test_bad_input_is_named(data: Dataset) -> None:
    with pytest.raises(ValueError, match="count"):
        principal_components(data, 0)
    with pytest.raises(ValueError, match="model must have 5000"):
        hessian(MLP((784, 10)), data.train)
    with pytest.raises(ValueError, match="images must hold"):
        hessian(MLP((36, 4)), data.train[:0])
    broken = MLP((36, 4))
    torch.nn.init.constant_(broken.fc1.weight, float("nan"))
    with pytest.raises(ValueError, match="finite second derivatives"):
        hessian(broken, data.train[:5])
