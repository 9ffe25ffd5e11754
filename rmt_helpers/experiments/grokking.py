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
from .runner import Configuration, Experiment
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


_BASE = {
    "data": "mnist",
    "images": 1000,
    "hidden": [200, 200],
    "lr": 1e-3,
    "batch_size": 50,
    "marks": 45,
}

#: Case, initial scale, weight decay, steps. The networks without decay have as many steps as the slowest of the others.
_CASES = [
    ("decay 0.02", 8.0, 0.02, 40_000),
    ("decay 0.1", 8.0, 0.1, 15_000),
    ("decay 0.3", 8.0, 0.3, 7_000),
    ("no decay", 8.0, 0.0, 40_000),
    ("usual size", 1.0, 0.1, 4_000),
]

#: A seed fixes the initial network and the order of the images, so that cases can be compared in pairs.
_SEEDS = 5

_CONFIGURATIONS = [
    {
        "case": case,
        **_BASE,
        "scale": scale,
        "weight_decay": decay,
        "steps": steps,
        "seed": seed,
    }
    for case, scale, decay, steps in _CASES
    for seed in range(_SEEDS)
]

GROKKING = Experiment(
    name="grokking",
    question="What do spectra show while a network generalises long after it has fitted its data?",
    function=grok,
    configurations=_CONFIGURATIONS,
    sample=[next(c for c in _CONFIGURATIONS if c["case"] == "decay 0.3")],
    # About the spread over seeds: rounding grows over thousands of steps.
    tolerances={
        "train_accuracy": 0.02,
        "test_accuracy": 0.04,
        "sigma": 0.005,
        "n_signal": 4,
        "n_sure": 4,
        "ks": 0.02,
        "detectable": 6,
        "theta_first": 0.2,
        "energy_signal": 0.05,
        "energy_learned": 0.2,
        "traps": 4,
        "strong_entries": 5,
        "kurtosis": 5.0,
    },
)
