"""Spectra, quantiles and thresholds against one SVD, published loops and weightwatcher."""

import numpy as np
import pytest
from rivals import weightwatcher_of
from scipy.integrate import quad
from scipy.optimize import brentq

from rmt_helpers import MarchenkoPastur, Spectrum, bema, gaussian_broadening

SHAPES = [(512, 784), (84, 120)]


def svdvals(W):
    """What one would type: numpy's singular values in float64."""
    return np.linalg.svd(W, compute_uv=False)


@pytest.mark.parametrize("side", ["ours", "gram", "other"])
def test_singular_values(measure, matrices, side):
    W = matrices[512, 784]
    run = {
        "ours": lambda: Spectrum.of(W),
        "gram": lambda: Spectrum.of(W, method="gram"),
        "other": lambda: svdvals(W),
    }[side]
    if side == "gram":  # worth its speed only while the values that a threshold looks at are right
        np.testing.assert_allclose(run().values[:100], svdvals(W)[:100], rtol=1e-10)
    measure(run, target="spectrum", side=side, rounds=15)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("side", ["ours", "other"])
def test_bema_after_the_svd(measure, matrices, shape, side):
    W = matrices[shape]
    spectrum = Spectrum.of(W)
    measure(
        {"ours": lambda: bema(spectrum), "other": lambda: svdvals(W)}[side],
        target=f"bema {shape[0]}",
        side=side,
        repeat=1 if side == "other" and shape[0] == 512 else 50,
        rounds=9,
    )


def published_quantile(q: float, c: float) -> float:
    """One Marchenko–Pastur quantile as published codes compute it: quadrature inside a root search."""
    lower, upper = (1 - np.sqrt(c)) ** 2, (1 + np.sqrt(c)) ** 2

    def density(lam):
        return np.sqrt(max((upper - lam) * (lam - lower), 0.0)) / (2 * np.pi * c * lam)

    return brentq(lambda lam: quad(density, lower, lam)[0] - q, lower, upper)


@pytest.mark.parametrize("side", ["ours", "other"])
def test_all_quantiles(measure, side):
    p, c = 512, 512 / 784
    law = MarchenkoPastur(c)
    q = (np.arange(p) + 0.5) / p
    few = q[:: p // 8]
    np.testing.assert_allclose(law.ppf(few), [published_quantile(x, c) for x in few], atol=1e-8)
    if side == "ours":
        measure(lambda: law.ppf(q), target="quantiles", side=side, repeat=50)
    else:  # every 64th quantile; the report scales
        measure(
            lambda: [published_quantile(x, c) for x in few], target="quantiles", side=side, rounds=3
        )


MODELS = {
    "MLP": [(512, 784), (512, 512), (10, 512)],
    "small AlexNet": [(64, 75), (64, 1600), (384, 4096), (192, 384), (10, 192)],
}


@pytest.fixture(scope="session")
def models():
    rng = np.random.default_rng(0)
    return {
        name: [rng.standard_normal(shape) for shape in shapes] for name, shapes in MODELS.items()
    }


def fit_all(layers, *, broadening: bool):
    """Singular values of every layer and the thresholds of those that have a bulk."""
    for W in layers:
        spectrum = Spectrum.of(W)
        if spectrum.p > 10:
            bema(spectrum)
            if broadening:
                gaussian_broadening(spectrum, window=min(15, spectrum.p // 5))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("side", ["bare", "bema", "both", "weightwatcher"])
def test_whole_model(measure, models, model, side):
    layers = models[model]
    run = {
        "bare": lambda: lambda: [svdvals(W) for W in layers],
        "bema": lambda: lambda: fit_all(layers, broadening=False),
        "both": lambda: lambda: fit_all(layers, broadening=True),
        "weightwatcher": lambda: weightwatcher_of(layers),
    }[side]()
    measure(run, target=f"model {model}", side=side, rounds=3 if side == "weightwatcher" else 9)
