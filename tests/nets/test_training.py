"""The loop against a plain one, what a seed fixes, and what is refused."""

import copy
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from rmt_helpers.nets.architectures import MLP
from rmt_helpers.nets.data import Dataset, Images
from rmt_helpers.nets.training import TrainConfig, accuracy, train, train_many

CONFIG = TrainConfig(lr=0.05, batch_size=32, epochs=3, seed=7)


def weights(model: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().ravel() for p in model.parameters()])


def test_same_steps_as_a_plain_loop(model: MLP, data: Dataset) -> None:
    """Momentum and weight decay written out; batches in the order that the seed gives."""
    config = replace(CONFIG, weight_decay=0.01, momentum=0.8, epochs=2)
    plain = copy.deepcopy(model)
    history = train(model, data, config, device="cpu")

    speed = [torch.zeros_like(p) for p in plain.parameters()]
    order = torch.Generator().manual_seed(config.seed)
    losses = []
    for _ in range(2):
        shuffled = torch.randperm(500, generator=order)
        sums = []
        for start in range(0, 500, 32):
            batch = shuffled[start : start + 32]
            loss = F.cross_entropy(plain(data.train.x[batch]), data.train.y[batch])
            gradients = torch.autograd.grad(loss, list(plain.parameters()))
            with torch.no_grad():
                for p, g, v in zip(plain.parameters(), gradients, speed, strict=True):
                    v.mul_(0.8).add_(g + 0.01 * p)
                    p -= 0.05 * v
            sums.append(float(loss.detach()))
        losses.append(np.mean(sums))
    torch.testing.assert_close(weights(model), weights(plain), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(history.loss, losses, rtol=1e-5)
    assert history.steps.tolist() == [16, 32]


def test_it_learns(model: MLP, data: Dataset) -> None:
    untrained = accuracy(model, data.test)
    history = train(model, data, CONFIG)
    assert untrained < 0.5 < 0.95 < accuracy(model, data.test)
    assert history.loss[-1] < history.loss[0] / 2
    assert history.validation_accuracy.size == history.held_out.size == 0
    assert history.seconds > 0


def test_a_seed_fixes_every_number(model: MLP, data: Dataset) -> None:
    torch.manual_seed(1)
    one, same, other = (copy.deepcopy(model) for _ in range(3))
    first, again = train(one, data, CONFIG), train(same, data, CONFIG)
    train(other, data, replace(CONFIG, seed=8))
    assert torch.equal(weights(one), weights(same))
    assert np.array_equal(first.loss, again.loss)
    assert not torch.equal(weights(one), weights(other))


def test_global_state_is_left_alone(model: MLP, data: Dataset) -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    threads = torch.get_num_threads()
    train(model, data, CONFIG)
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == threads


def test_steps_are_a_prefix_of_epochs(model: MLP, data: Dataset) -> None:
    """20 steps are the first 16-step epoch and 4 more; 32 are two epochs."""
    seen: list[int] = []
    by_steps, by_epochs = copy.deepcopy(model), copy.deepcopy(model)
    short = train(
        model, data, TrainConfig(batch_size=32, steps=20), on_epoch=lambda e, m: seen.append(e)
    )
    assert short.steps.tolist() == [16, 20]
    assert seen == [1, 2]
    train(by_steps, data, TrainConfig(batch_size=32, steps=32))
    train(by_epochs, data, TrainConfig(batch_size=32, epochs=2))
    assert torch.equal(weights(by_steps), weights(by_epochs))


def test_on_epoch_sees_the_model_as_it_is_and_does_not_disturb(model: MLP, data: Dataset) -> None:
    watched, snapshots = copy.deepcopy(model), []

    def look(epoch: int, now: torch.nn.Module) -> None:
        accuracy(now, data.test)
        snapshots.append((epoch, weights(now).clone()))

    train(model, data, CONFIG)
    train(watched, data, CONFIG, on_epoch=look)
    assert [epoch for epoch, _ in snapshots] == [1, 2, 3]
    assert torch.equal(snapshots[-1][1], weights(model))
    assert not torch.equal(snapshots[0][1], snapshots[1][1])


def test_held_out_images_are_never_trained_on(model: MLP, data: Dataset) -> None:
    config = replace(CONFIG, validation=100)
    history = train(model, data, config)
    assert history.held_out.size == np.unique(history.held_out).size == 100
    assert history.steps.tolist() == [13, 26, 39]  # 400 images in batches of 32
    final = accuracy(model, data.train[history.held_out])
    assert history.validation_accuracy.shape == (3,)
    assert history.validation_accuracy[-1] == final
    # Poison in the held-out images: had one been trained on, the weights would be NaN.
    x = data.train.x.clone()
    x[history.held_out] = float("nan")
    clean, poisoned = MLP((36, 24, 16, 4), seed=3), MLP((36, 24, 16, 4), seed=3)
    train(clean, data, config)
    train(poisoned, Dataset("poisoned", Images(x, data.train.y), data.test), config)
    assert torch.equal(weights(poisoned), weights(clean))
    # Neither how long nor how one trains changes the split; the seed does.
    longer = train(model, data, replace(config, epochs=1, batch_size=100))
    assert np.array_equal(longer.held_out, history.held_out)
    other = train(model, data, replace(config, epochs=1, seed=8))
    assert not np.array_equal(other.held_out, history.held_out)


def test_the_test_images_are_not_looked_at(model: MLP, data: Dataset) -> None:
    blind = copy.deepcopy(model)
    train(model, data, CONFIG)
    train(blind, Dataset("no test", data.train, data.test[:0]), CONFIG)
    assert torch.equal(weights(model), weights(blind))


def test_accuracy(data: Dataset) -> None:
    class Constant(torch.nn.Module):
        """Always says class 2; in training mode it says 0."""

        def __init__(self) -> None:
            super().__init__()
            self.anything = torch.nn.Parameter(torch.zeros(1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.one_hot(torch.full((len(x),), 0 if self.training else 2), 4)

    model = Constant()
    expected = int((data.test.y == 2).sum()) / 300
    for block in (1, 7, 1000):
        assert accuracy(model, data.test, block) == expected
    assert model.training
    with pytest.raises(ValueError, match="images must hold at least one"):
        accuracy(model, data.test[:0])


def test_side_by_side_gives_the_numbers_of_one_by_one(data: Dataset) -> None:
    configs = [CONFIG, replace(CONFIG, epochs=None, steps=5), replace(CONFIG, validation=50)]
    alone, together = ([MLP((36, 24, 16, 4), seed=k) for k in range(3)] for _ in range(2))
    expected = [train(m, data, c, device="cpu") for m, c in zip(alone, configs, strict=True)]
    found = train_many(together, data, configs, workers=2)
    for a, b, h, k in zip(alone, together, expected, found, strict=True):
        assert torch.equal(weights(a), weights(b))
        assert np.array_equal(h.loss, k.loss)
        assert np.array_equal(h.steps, k.steps)
        assert np.array_equal(h.held_out, k.held_out)
        assert np.array_equal(h.validation_accuracy, k.validation_accuracy)


def test_a_run_that_fails_side_by_side_leaves_every_model_as_it_was(data: Dataset) -> None:
    models = [MLP((36, 24, 16, 4), seed=k) for k in range(2)]
    before = [weights(m) for m in models]
    with pytest.raises(FloatingPointError, match="lr 1e"):
        train_many(models, data, [CONFIG, replace(CONFIG, lr=1e30)], workers=2)
    assert all(torch.equal(a, weights(m)) for a, m in zip(before, models, strict=True))


def test_side_by_side_in_a_plain_script_without_a_main_guard(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import torch\n"
        "from rmt_helpers.nets.architectures import MLP\n"
        "from rmt_helpers.nets.data import Dataset, Images\n"
        "from rmt_helpers.nets.training import TrainConfig, train_many\n"
        "class Own(MLP):\n    pass\n"  # a class that the workers cannot import
        "x = Images(torch.rand(64, 1, 3, 3), torch.arange(64) % 2)\n"
        "models = [Own((9, 4, 2), seed=k) for k in range(2)]\n"
        "done = train_many(models, Dataset('d', x, x), [TrainConfig(epochs=2)] * 2, workers=2)\n"
        "print(*(h.steps[-1] for h in done))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("2 2", "")


def test_a_killed_run_leaves_no_file(tmp_path: Path) -> None:
    script = (
        "import torch\n"
        "from rmt_helpers.nets.architectures import MLP\n"
        "from rmt_helpers.nets.data import Dataset, Images\n"
        "from rmt_helpers.nets.training import TrainConfig, train\n"
        "x = Images(torch.rand(64, 1, 3, 3), torch.arange(64) % 2)\n"
        "say = lambda epoch, model: print(epoch, flush=True)\n"
        "train(MLP((9, 4, 2)), Dataset('d', x, x), TrainConfig(epochs=10**6), on_epoch=say)\n"
    )
    places = {name: str(tmp_path) for name in ("TMPDIR", "HOME", "RMT_CACHE", "XDG_CACHE_HOME")}
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | places,
        stdout=subprocess.PIPE,
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"1\n"  # in the middle of the second epoch, or later
        run.kill()
    assert run.returncode != 0
    assert list(tmp_path.iterdir()) == []


def test_a_loss_that_explodes_is_told(model: MLP, data: Dataset) -> None:
    with pytest.raises(FloatingPointError, match=r"epoch 1; lr 1e\+30 may be too large"):
        train(model, data, replace(CONFIG, lr=1e30))


def test_the_bar_is_for_those_who_watch(
    model: MLP, data: Dataset, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    train(model, data, CONFIG)
    assert capsys.readouterr() == ("", "")
    train(model, data, CONFIG, progress=True)
    assert "48/48" in capsys.readouterr().err
    monkeypatch.setenv("JPY_SESSION_NAME", "a live notebook")
    train(model, data, CONFIG)
    assert "48/48" in capsys.readouterr().err
    train(model, data, CONFIG, progress=False)
    assert capsys.readouterr() == ("", "")


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
    ],
)
def test_bad_settings_are_told_by_name(setting: str, value: object) -> None:
    with pytest.raises(ValueError, match=rf"{setting} must .*"):
        TrainConfig(**({"epochs": 1} | {setting: value}))  # type: ignore[arg-type]


def test_numpy_integers_are_welcome() -> None:
    config = TrainConfig(batch_size=np.int64(16), steps=np.int32(3))  # type: ignore[arg-type]
    assert (config.batch_size, config.steps) == (16, 3)


def test_other_bad_input(model: MLP, data: Dataset) -> None:
    for length in ({}, {"epochs": 1, "steps": 1}):
        with pytest.raises(ValueError, match="exactly one of epochs and steps"):
            TrainConfig(**length)
    with pytest.raises(ValueError, match="validation must leave an image"):
        train(model, data, replace(CONFIG, validation=500))
    with pytest.raises(ValueError, match="configs must hold one configuration a model"):
        train_many([model], data, [])
    with pytest.raises(ValueError, match="workers must be"):
        train_many([model], data, [CONFIG], workers=0)
