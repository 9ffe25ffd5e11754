"""Spectra, quantiles and thresholds against one SVD, published loops and weightwatcher."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from rmt_helpers import MarchenkoPastur, Spectrum, bema, gaussian_broadening

SHAPES = [(512, 784), (84, 120)]


def svdvals(W):
    """What one would type: numpy's singular values in float64."""
    return np.linalg.svd(W, compute_uv=False)


@pytest.mark.parametrize("side", ["ours", "other"])
def test_singular_values(measure, matrices, side):
    W = matrices[512, 784]
    measure({"ours": lambda: Spectrum.of(W), "other": lambda: svdvals(W)}[side], target="spectrum", side=side)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("side", ["ours", "other"])
def test_bema_after_the_svd(measure, matrices, shape, side):
    W = matrices[shape]
    spectrum = Spectrum.of(W)
    repeat = 1 if shape == (512, 784) else 50
    measure(
        {"ours": lambda: bema(spectrum), "other": lambda: svdvals(W)}[side],
        target=f"bema {shape[0]}",
        side=side,
        repeat=max(repeat, 20 if side == "ours" else 1),
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
        measure(lambda: [published_quantile(x, c) for x in few], target="quantiles", side=side, rounds=3)


MODELS = {
    "MLP": [(512, 784), (512, 512), (10, 512)],
    "small AlexNet": [(64, 75), (64, 1600), (384, 2304), (192, 384), (10, 192)],
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("side", ["bare", "bema", "both", "weightwatcher"])
def test_whole_model(measure, model, side):
    rng = np.random.default_rng(0)
    layers = [rng.standard_normal(shape) for shape in MODELS[model]]
    spectra_fit = [W for W in layers if min(W.shape) > 10]  # ten values are no bulk

    def bare():
        for W in layers:
            svdvals(W)

    def fit(*estimators):
        for W in layers:
            spectrum = Spectrum.of(W)
            if spectrum.p > 10:
                for estimator in estimators:
                    estimator(spectrum, **({"window": min(15, spectrum.p // 5)} if estimator is gaussian_broadening else {}))

    def weightwatcher():
        watcher.analyze(mp_fit=True, plot=False)

    if side == "weightwatcher":
        import torch
        import weightwatcher as ww

        network = torch.nn.Sequential(*(torch.nn.Linear(m, n) for n, m in MODELS[model]))
        with torch.no_grad():
            for layer, W in zip(network, layers, strict=True):
                layer.weight.copy_(torch.as_tensor(W))
        watcher = ww.WeightWatcher(model=network, log_level="ERROR")
    assert spectra_fit
    run = {
        "bare": bare,
        "bema": lambda: fit(bema),
        "both": lambda: fit(bema, gaussian_broadening),
        "weightwatcher": weightwatcher if side == "weightwatcher" else None,
    }[side]
    measure(run, target=f"model {model}", side=side, rounds=3 if side == "weightwatcher" else 7)
