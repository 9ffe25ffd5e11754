"""Tasks on the course of a training: what decay leaves of its start, and how long generalising is delayed."""

from __future__ import annotations

from typing import Any

import numpy as np

from .task import Case, Mistake, Task

# What decay leaves --------------------------------------------------------------------------------


def _left(
    rates: Any,
    steps: float,
    momentum: float,
    weight_decay: float,
    *,
    lag: float = 1.0,
    total: str = "sum",
    used: float = 1.0,
) -> float:
    rates = np.asarray(rates, dtype=np.float64)
    summed = {
        "sum": rates.sum(),
        "mean": rates.mean(),
        "first": rates.size * rates[0],
        "last": rates.size * rates[-1],
        "max": rates.size * rates.max(),
    }[total]
    return float(np.exp(-weight_decay * used * steps * summed / (1 - momentum) ** lag))


def _left_by_recursion(
    rates: Any, steps: int, momentum: float, weight_decay: float, anew: bool = False
) -> float:
    w, v = 1.0, 0.0
    for rate in np.asarray(rates, dtype=np.float64):
        v = 0.0 if anew else v
        for _ in range(steps):
            v = momentum * v + weight_decay * w
            w -= rate * v
    return w


def _left_mistake(says: str, **wrong: Any) -> Mistake:
    return Mistake(
        lambda rates, steps, momentum, weight_decay: _left(
            rates, steps, momentum, weight_decay, **wrong
        ),
        says,
    )


_ONE_RATE = "it takes the {} learning rate for the whole training: the rates of all epochs have to be added up."
_RECURSION = "this is the recursion itself{}, right as such; the task asks for what it is near to, exp(−γ/(1 − μ) Σηₜ)."

DECAY_LEFT = Task(
    "decay-left",
    "left(rates, steps, momentum, weight_decay): κ after so many steps at each of the rates, one an epoch",
    _left,
    [
        Case(
            (np.array([0.05, 0.03, 0.08, 0.01]), 79, 0.9, 1e-3),
            "for four epochs of 79 steps with μ = 0.9 and γ = 0.001",
        ),
        Case(
            (np.array([0.1, 0.2]), 150, 0.5, 5e-3),
            "for two epochs of 150 steps with μ = 0.5 and γ = 0.005",
        ),
        Case(
            (np.array([0.02, 0.05, 0.1]), 100, 0.0, 0.02),
            "for three epochs of 100 steps without momentum and γ = 0.02",
        ),
    ],
    [
        _left_mistake(
            "the momentum does not enter: what it remembers makes each step 1/(1 − μ) times as long.",
            lag=0.0,
        ),
        _left_mistake(
            "it multiplies by 1 − μ and should divide: momentum lengthens the steps.", lag=-1.0
        ),
        _left_mistake("1 − μ comes in squared.", lag=2.0),
        Mistake(
            lambda rates, steps, momentum, weight_decay: (
                np.exp(-weight_decay * steps * np.sum(rates) / momentum) if momentum else 0.0
            ),
            "it divides by μ; the sum 1 + μ + μ² + … is 1/(1 − μ).",
        ),
        Mistake(
            lambda rates, steps, momentum, weight_decay: _left(rates, 1, momentum, weight_decay),
            "epochs for steps: it adds up one rate an epoch, but each is used in every step of its epoch.",
        ),
        _left_mistake(
            "it takes the mean of the rates and counts the steps of one epoch: the number of epochs is missing.",
            total="mean",
        ),
        _left_mistake(_ONE_RATE.format("first"), total="first"),
        _left_mistake(_ONE_RATE.format("last"), total="last"),
        _left_mistake(_ONE_RATE.format("largest"), total="max"),
        _left_mistake(
            "a factor 2 too much in the exponent: the decay adds γW to the gradient, not 2γW.",
            used=2.0,
        ),
        _left_mistake(
            "a factor ½ too much in the exponent: γ is the decay that is added to the gradient, γW.",
            used=0.5,
        ),
        _left_mistake("the sign of the exponent: weights shrink, so κ is below 1.", used=-1.0),
        Mistake(
            lambda *setting: np.log(_left(*setting)),
            "this is the exponent, log κ: take the exponential.",
        ),
        Mistake(lambda *setting: 1 - _left(*setting), "this is what is gone, 1 − κ."),
        Mistake(
            lambda rates, steps, momentum, weight_decay: np.prod(
                (1 - np.asarray(rates) * weight_decay / (1 - momentum)) ** steps
            ),
            "this is the product of the factors 1 − ηγ/(1 − μ), as good an approximation; the task asks for the "
            "exponential.",
        ),
        Mistake(_left_by_recursion, _RECURSION.format("")),
        Mistake(
            lambda rates, steps, momentum, weight_decay: _left_by_recursion(
                rates, steps, momentum, weight_decay, anew=True
            ),
            _RECURSION.format(", with momentum begun anew in each epoch"),
        ),
    ],
)

# A delay ------------------------------------------------------------------------------------------


def _crossing(steps: Any, accuracy: Any, limit: float, how: str = "log") -> float:
    """The step at which the accuracy first reaches the limit."""
    steps, accuracy = (np.asarray(x, dtype=np.float64) for x in (steps, accuracy))
    k = int(np.argmax(accuracy >= limit))
    if how == "stays":
        k = int(np.flatnonzero(accuracy < limit)[-1]) + 1
    if how == "whole":
        return float(np.exp(np.interp(limit, accuracy, np.log(steps))))
    if how in ("look", "before", "position"):
        return float(k if how == "position" else steps[k - (how == "before")])
    a, t = accuracy[k - 1 : k + 1], steps[k - 1 : k + 1]
    if how == "linear":
        return float(np.interp(limit, a, t))
    return float(np.exp(np.interp(limit, a, np.log(t))))


def _delay(
    steps: Any,
    train: Any,
    test: Any,
    fit_at: float,
    general_at: float,
    *,
    how: str = "log",
    exchanged: bool = False,
    only: str = "",
) -> float:
    if exchanged:
        fit_at, general_at = general_at, fit_at
    fits = _crossing(steps, test if only == "test" else train, fit_at, how)
    generalises = _crossing(steps, train if only == "train" else test, general_at, how)
    return generalises / fits


def _delay_mistake(says: str, **wrong: Any) -> Mistake:
    return Mistake(lambda *case: _delay(*case, **wrong), says)


def _times(case: tuple[Any, ...]) -> tuple[float, float]:
    steps, train, test, fit_at, general_at = case
    return _crossing(steps, train, fit_at), _crossing(steps, test, general_at)


_LOOKS = np.array([10, 30, 100, 300, 1000, 3000, 10_000, 30_000])
_TRAIN = np.array([0.21, 0.42, 0.73, 0.962, 0.941, 0.981, 0.993, 1.0])
_TEST = (
    np.array([0.15, 0.22, 0.31, 0.46, 0.58, 0.871, 0.832, 0.972]),
    np.array([0.12, 0.18, 0.41, 0.53, 0.71, 0.66, 0.914, 0.991]),
)

DELAY = Task(
    "delay",
    "delay(steps, train, test, fit_at, general_at): T_gen/T_fit, between the looks linear in log T",
    _delay,
    [
        Case((_LOOKS, _TRAIN, _TEST[0], 0.95, 0.85), "for limits of 95 and 85 %"),
        Case((_LOOKS, _TRAIN, _TEST[1], 0.955, 0.7), "for limits of 95.5 and 70 %"),
        Case((_LOOKS, _TRAIN, _TEST[1], 0.6, 0.5), "for limits of 60 and 50 %"),
    ],
    [
        _delay_mistake(
            "it interpolates linearly in T; the definition does so in log T.", how="linear"
        ),
        _delay_mistake(
            "it takes the first look at which a limit is reached; between two looks the step is to be interpolated.",
            how="look",
        ),
        _delay_mistake(
            "it takes the last look before a limit is reached; the step between the two is to be interpolated.",
            how="before",
        ),
        _delay_mistake(
            "it waits until an accuracy stays above its limit; the definition takes the first time that it is reached.",
            how="stays",
        ),
        _delay_mistake(
            "`np.interp` over the whole curve wants accuracies that rise; these fall now and then. Give it the two "
            "looks that enclose the first time.",
            how="whole",
        ),
        _delay_mistake(
            "it divides positions in the list, not the steps that stand there.", how="position"
        ),
        _delay_mistake(
            "the limits are exchanged: `fit_at` is for the training images, `general_at` for the test images.",
            exchanged=True,
        ),
        _delay_mistake("both times are taken from the training images.", only="train"),
        _delay_mistake("both times are taken from the test images.", only="test"),
        Mistake(lambda *case: 1 / _delay(*case), "upside down: the delay is T_gen/T_fit."),
        Mistake(
            lambda *case: _times(case)[1] - _times(case)[0],
            "this is the difference T_gen − T_fit; the delay is the ratio.",
        ),
        Mistake(
            lambda *case: np.log(_delay(*case)),
            "this is the logarithm of the delay: the interpolated log T has to be turned back into a step.",
        ),
        Mistake(
            lambda *case: np.log10(_delay(*case)),
            "this is log₁₀ of the delay: the interpolated log T has to be turned back into a step.",
        ),
        Mistake(
            lambda *case: np.log(_times(case)[1]) / np.log(_times(case)[0]),
            "it divides the logarithms of the two steps; the delay is the ratio of the steps.",
        ),
        Mistake(
            lambda *case: _times(case), "this is the pair (T_fit, T_gen); the delay is T_gen/T_fit."
        ),
        Mistake(
            lambda steps, train, test, fit_at, general_at: _delay(steps, train, test, 0.95, 0.85),
            "the limits do not enter: it has limits of its own.",
        ),
    ],
)

TASKS = (DECAY_LEFT, DELAY)
