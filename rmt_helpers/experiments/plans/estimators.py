"""What the experiment "estimators" asks, and of which configurations; the work is `experiments.estimators`."""

from __future__ import annotations

from typing import Any

from ..runner import Experiment

_SHAPES = [(64, 64), (64, 128), (40, 320), (24, 48)]
_SIGNALS = ("none", "below", "near", "strong", "many")

# Matrices as large as layers are, where scrambled copies take a second of each: what they may change.
_LARGE: dict[tuple[int, int], dict[str, tuple[str, ...]]] = {
    (256, 512): {
        "gaussian": ("none", "near", "strong", "many"),
        "dead columns": ("none", "near", "strong"),
        "unequal rows": ("none", "strong"),
        "student 3": ("none", "strong"),
        "correlated": ("none", "strong"),
        "mean 0.3": ("none", "strong"),
    },
    (256, 256): {"gaussian": ("none", "near", "strong", "many")},
    (256, 2048): {"gaussian": ("none", "strong", "many")},
}
_OTHER_NOISES = (
    "dead columns",
    "unequal rows",
    "student 5",
    "student 3",
    "correlated",
    "mean 0.3",
)


def _cell(noise: str, signal: str, shape: tuple[int, int]) -> dict[str, Any]:
    return {"noise": noise, "signal": signal, "shape": list(shape), "draws": 200, "seed": 5}


ESTIMATORS = Experiment(
    name="estimators",
    question="Which threshold should one use?",
    function="rmt_helpers.experiments.estimators:compare",
    configurations=[
        *(_cell("gaussian", signal, shape) for shape in _SHAPES for signal in _SIGNALS),
        *(_cell(noise, s, (64, 128)) for noise in _OTHER_NOISES for s in ("none", "strong")),
        *(
            _cell(noise, s, shape)
            for shape, asked in _LARGE.items()
            for noise, signals in asked.items()
            for s in signals
        ),
    ],
    sample=[_cell("gaussian", signal, (24, 48)) for signal in ("none", "strong")],
    # Times are not to be reproduced. A count at a threshold may tip over in one draw of 200.
    tolerances={
        "time_over_svd": 1e6,
        "too_many": 0.006,
        "found": 0.006,
        "exact": 0.006,
        "within_one": 0.006,
        "n_signal_mean": 0.006,
        "trust_high": 0.006,
        "trust_fair": 0.006,
        "trust_low": 0.006,
        "exact_if_trusted": 0.02,
        "within_one_if_trusted": 0.02,
        "loss": 0.02,
        "loss_se": 0.005,
        "sigma_bias": 1e-3,
        "sigma_error": 1e-3,
    },
)
