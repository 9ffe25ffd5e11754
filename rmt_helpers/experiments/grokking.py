"""Delayed generalisation: a network that starts too large fits first and understands much later.

Single steps of AdamW on a thousand digits, and the spectra at steps that are equally spaced on a logarithmic axis.
With AdamW the share of the initialisation that is left is known exactly.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._checks import FloatArray
from ..alignment import alignment
from ..nets.adamw import enlarged, fit_adamw
from ..nets.layers import factorize, weight_matrices
from ..nets.training import accuracy
from ..spectrum import Spectrum
from ..spikes import signal_strength, transition
from ..statistics import power_law_fit
from ..thresholds import bema
from .networks import dataset
from .runner import Configuration
from .store import Result

#: How often pure noise has a value that counts as a trap, or as a spike that is sure: a network is looked at so often
#: that a level of one in ten would be passed by chance.
RARE = 1e-3


def marks(steps: int, count: int) -> list[int]:
    """Steps at which to look: 0, and about `count` on a logarithmic scale up to the last."""
    return [0, *np.unique(np.geomspace(1, steps, count).round().astype(int)).tolist()]


def traps(W: FloatArray, rng: np.random.Generator) -> tuple[int, int]:
    """Outliers of a matrix whose entries have been shuffled, and how many single entries should make.

    Shuffling destroys every correlation, so a value above the level `RARE` of noise, a "correlation
    trap", must come from the entries themselves: an entry w is the signal w·eᵢeⱼᵀ, the mean m of all entries
    one of singular value |m|√(NM). Either makes an outlier where it is strong enough to reach the threshold.
    """
    spectrum = Spectrum.of(rng.permutation(W.ravel()).reshape(W.shape), method="gram")
    fit = bema(spectrum, beta=RARE)
    unit = fit.sigma * np.sqrt(spectrum.n)
    least = unit * float(signal_strength(fit.threshold / unit, spectrum.c))
    strong = int(np.count_nonzero(np.abs(W) > least))
    return fit.n_signal, strong + int(abs(W.mean()) * np.sqrt(W.size) > least)


def grok(configuration: Configuration) -> Result:
    """Train one network for long, and look at accuracy and spectra along the way."""
    data, _ = dataset(configuration)
    net = enlarged(
        (data.train.x[0].numel(), *configuration["hidden"], 10),
        configuration["scale"],
        configuration["seed"],
    )
    start = {name: W.astype(np.float64) for name, W in weight_matrices(net).items()}
    lost = configuration["lr"] * configuration["weight_decay"]
    rng = np.random.default_rng(configuration["seed"])
    rows: list[dict[str, Any]] = []
    curves: dict[str, list[float]] = {}

    def look(step: int) -> None:
        right = {
            "train_accuracy": accuracy(net, data.train),
            "test_accuracy": accuracy(net, data.test),
        }
        kappa = (1 - lost) ** step
        now = weight_matrices(net)
        for layer in ("fc1", "fc2"):
            W = now[layer].astype(np.float64)
            whole, learned = factorize(W), factorize(W - kappa * start[layer])
            spectrum, fit = whole.spectrum, bema(whole.spectrum)
            level = kappa * float(start[layer].std())
            theta = learned.values / (level * np.sqrt(spectrum.n))
            K = int(np.count_nonzero(theta > transition(spectrum.c)))
            s = fit.n_signal
            count, expected = traps(W, rng)
            rows.append(
                {
                    "step": step,
                    "layer": layer,
                    **right,
                    "kappa": kappa,
                    "sigma": fit.sigma,
                    "sigma_known": level,
                    "n_signal": s,
                    "n_sure": bema(spectrum, beta=RARE).n_signal,
                    "ks": fit.ks,
                    "detectable": K,
                    "theta_first": float(theta[0]),
                    "energy_signal": float(np.sum(whole.values[:s] ** 2) / np.sum(whole.values**2)),
                    "energy_learned": float(
                        np.sum(learned.values**2) / np.sum((kappa * start[layer]) ** 2)
                    ),
                    "traps": count,
                    "strong_entries": expected,
                    "kurtosis": float(np.mean(W**4) / np.mean(W**2) ** 2),
                }
            )
            # How much of the kept left vectors lies in the learned directions that are strong enough to show.
            span = np.linalg.norm(learned.u[:, :K].T @ whole.u[:, :s], axis=0)
            for name, value in (
                ("phi_left", float(alignment(fit).left[:s].mean()) if s else np.nan),
                ("true_left", float(span.mean()) if s and K else np.nan),
                ("tail_exponent", power_law_fit(spectrum.eigenvalues).exponent),
            ):
                curves.setdefault(f"{layer}/{name}", []).append(value)

    steps = configuration["steps"]
    fit_adamw(
        net,
        data.train,
        lr=configuration["lr"],
        weight_decay=configuration["weight_decay"],
        batch_size=configuration["batch_size"],
        steps=steps,
        seed=configuration["seed"],
        look=look,
        at=marks(steps, configuration["marks"]),
    )
    return Result(rows, {name: np.array(curve, np.float32) for name, curve in curves.items()})
