"""The settings of a run, the learning rates that follow from them, and what weight decay leaves."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from rmt_helpers.nets.config import (
    TrainConfig,
    decay_factor,
    decay_factor_exact,
    learning_rates,
)

ONE_CYCLE = TrainConfig(lr=0.1, batch_size=32, epochs=4, schedule="one-cycle")


def test_a_constant_rate_is_that_of_the_configuration() -> None:
    rates = learning_rates(TrainConfig(lr=0.3, batch_size=32, epochs=3, validation=100), 500)
    assert rates.tolist() == [0.3] * 39  # 400 images in batches of 32
    assert learning_rates(TrainConfig(steps=7), 500).size == 7


def test_one_cycle_rises_for_a_fifth_and_falls_to_nothing() -> None:
    rates = learning_rates(ONE_CYCLE, 8000)
    assert rates.size == 1000
    assert rates.argmax() in (199, 200)
    np.testing.assert_allclose(np.diff(rates[:200]), 0.1 / 200)
    np.testing.assert_allclose(np.diff(rates[200:]), -0.1 / 800)
    assert 0 < rates[-1] < rates[0] < 0.001
    assert 0.999 * 0.1 < rates.max() <= 0.1
    assert rates.mean() == pytest.approx(0.05, rel=1e-3)
    assert learning_rates(replace(ONE_CYCLE, epochs=None, steps=1), 8000) == pytest.approx(0.0625)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("schedule", ["constant", "one-cycle"])
@pytest.mark.parametrize("momentum", [0.5, 0.9])
def test_decay_factor_is_what_torch_leaves_of_a_weight_without_gradient(
    schedule: str, nesterov: bool, momentum: float
) -> None:
    config = TrainConfig(
        lr=0.05,
        momentum=momentum,
        weight_decay=0.001,
        batch_size=16,
        epochs=20,
        validation=100,
        schedule=schedule,
        nesterov=nesterov,
    )
    weight = torch.nn.Parameter(torch.ones(3, dtype=torch.float64))
    optimiser = torch.optim.SGD(
        [weight], lr=1, momentum=momentum, weight_decay=0.001, nesterov=nesterov
    )
    rates = learning_rates(config, 1700)
    for rate in rates:
        optimiser.param_groups[0]["lr"] = float(rate)
        weight.grad = torch.zeros_like(weight)
        optimiser.step()
    kappa = decay_factor(config, 1700)
    assert kappa < 0.91
    # To first order in lr · weight_decay, and but for the last steps' momentum.
    assert weight.detach().numpy() == pytest.approx(kappa, rel=0.01)
    # And exactly, but for rounding.
    exact = decay_factor_exact(config, 1700)
    assert weight.detach().numpy() == pytest.approx(exact, rel=1e-12)
    assert kappa == pytest.approx(np.exp(-rates.sum() * 0.001 / (1 - momentum)))


def test_without_weight_decay_all_is_left() -> None:
    assert decay_factor(ONE_CYCLE, 500) == decay_factor_exact(ONE_CYCLE, 500) == 1


def test_held_out_images_make_fewer_steps() -> None:
    config = TrainConfig(weight_decay=0.01, batch_size=10, epochs=1)
    halved = replace(config, validation=500)
    assert decay_factor(config, 1000) == pytest.approx(decay_factor(halved, 1000) ** 2)


@pytest.mark.parametrize("call", [learning_rates, decay_factor, decay_factor_exact])
def test_no_image_left(call: object) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match="validation must leave an image .*was 500 of 500"):
        call(TrainConfig(epochs=1, validation=500), 500)
    for images in (-1, 2.5, "all"):
        with pytest.raises(ValueError, match="images must be an integer"):
            call(TrainConfig(epochs=1), images)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        *(("lr", value) for value in (0, -1, float("nan"), float("inf"), "fast")),
        *(("momentum", value) for value in (-0.1, 1, float("nan"))),
        *(("weight_decay", value) for value in (-1e-4, float("nan"), float("inf"))),
        *(("batch_size", value) for value in (0, -1, 2.5, "64")),
        *(("epochs", value) for value in (0, -1, 1.5)),
        *(("seed", value) for value in (-1, 0.5)),
        *(("validation", value) for value in (-1, 0.1)),
        *(("schedule", value) for value in ("cosine", "", None, 1)),
        *(("nesterov", value) for value in ("yes", None, 2)),
        *(("augment", value) for value in ("yes", None, 2)),
        *(("precision", value) for value in ("float16", torch.bfloat16, None)),
    ],
)
def test_bad_settings_are_told_by_name(setting: str, value: object) -> None:
    with pytest.raises(ValueError, match=rf"{setting} must .*"):
        TrainConfig(**({"epochs": 1} | {setting: value}))  # type: ignore[arg-type]


def test_other_bad_settings() -> None:
    for length in ({}, {"epochs": 1, "steps": 1}):
        with pytest.raises(ValueError, match="exactly one of epochs and steps"):
            TrainConfig(**length)
    with pytest.raises(ValueError, match="nesterov must come with a momentum above 0"):
        TrainConfig(epochs=1, nesterov=True, momentum=0)


def test_numpy_integers_are_welcome() -> None:
    config = TrainConfig(batch_size=np.int64(16), steps=np.int32(3))  # type: ignore[arg-type]
    assert (config.batch_size, config.steps) == (16, 3)
