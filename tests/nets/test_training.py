"""The loop against a plain one, what a seed fixes, and what is refused."""

import copy
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from rmt_helpers.nets import passes
from rmt_helpers.nets.architectures import MLP
from rmt_helpers.nets.data import Dataset, Images
from rmt_helpers.nets.training import TrainConfig, accuracy, scores, train, train_many
from rmt_helpers.nets.transforms import crop_and_flip

CONFIG = TrainConfig(lr=0.05, batch_size=32, epochs=3, seed=7)


def weights(model: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().ravel() for p in model.parameters()])


def small_convolutional(width: int = 6) -> nn.Sequential:
    torch.manual_seed(4)
    return nn.Sequential(
        *(nn.Conv2d(1, width, 3, padding=1), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(width, 16, 2)),
        *(nn.ReLU(), nn.Flatten(), nn.Linear(64, 4)),
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: MLP((36, 24, 16, 4), seed=3),
        small_convolutional,
        lambda: small_convolutional(16),
    ],
    ids=["mlp", "narrow", "wide"],
)
@pytest.mark.parametrize(
    "more",
    [{}, {"schedule": "one-cycle"}, {"nesterov": True}, {"augment": True}],
    ids=lambda more: "".join(more) or "plain",
)
def test_same_steps_as_a_plain_loop(
    make: Callable[[], nn.Sequential], data: Dataset, more: dict[str, Any]
) -> None:
    """Momentum and weight decay written out; batches in the order that the seed gives."""
    config = replace(CONFIG, weight_decay=0.01, momentum=0.8, epochs=2, **more)
    model = make()
    plain = copy.deepcopy(model)
    history = train(model, data, config, device="cpu")

    speed = [torch.zeros_like(p) for p in plain.parameters()]
    order = torch.Generator().manual_seed(config.seed)
    places = torch.Generator().manual_seed(config.seed + 2)
    losses = []
    for epoch in range(2):
        shuffled = torch.randperm(500, generator=order)
        sums = []
        for step, start in enumerate(range(0, 500, 32), start=16 * epoch):
            batch = shuffled[start : start + 32]
            x = data.train.x[batch]
            if config.augment:
                x = crop_and_flip(x, places)
            loss = F.cross_entropy(plain(x), data.train.y[batch])
            t = (step + 0.5) / 32
            lr = 0.05 * (min(t / 0.2, (1 - t) / 0.8) if "schedule" in more else 1)
            gradients = torch.autograd.grad(loss, list(plain.parameters()))
            with torch.no_grad():
                for p, g, v in zip(plain.parameters(), gradients, speed, strict=True):
                    g = g + 0.01 * p
                    v.mul_(0.8).add_(g)
                    p -= lr * (g + 0.8 * v if config.nesterov else v)
            sums.append(float(loss.detach()))
        losses.append(np.mean(sums))
    torch.testing.assert_close(weights(model), weights(plain), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(history.loss, losses, rtol=1e-5)
    assert history.steps.tolist() == [16, 32]


def test_a_convolutional_network_learns_and_is_given_back_as_it_was(data: Dataset) -> None:
    model = small_convolutional(16)
    untrained = accuracy(model, data.test)
    train(model, data, CONFIG)
    assert all(values.is_contiguous() for values in model.state_dict().values())
    assert untrained < 0.5 < 0.8 < accuracy(model, data.test)
    with pytest.raises(FloatingPointError):
        train(model, data, replace(CONFIG, lr=1e30))
    assert all(values.is_contiguous() for values in model.state_dict().values())


def test_the_parts_of_a_batch_make_its_gradient(
    data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a batch of 32 in parts of 7 the steps are those of the whole, to rounding."""
    whole, in_parts = small_convolutional(), small_convolutional()
    one = train(whole, data, CONFIG)
    monkeypatch.setattr(passes, "_PART", 7)
    other = train(in_parts, data, CONFIG)
    assert not torch.equal(weights(whole), weights(in_parts))
    torch.testing.assert_close(weights(whole), weights(in_parts), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(one.loss, other.loss, rtol=1e-5)


@pytest.mark.parametrize("make", [lambda: MLP((36, 24, 16, 4), seed=3), small_convolutional])
def test_bfloat16_only_where_asked(make: Callable[[], nn.Sequential], data: Dataset) -> None:
    rounded, exact, asked = make(), make(), []
    for model, precision in ((rounded, "bfloat16"), (exact, "float32")):
        model[-1].register_forward_hook(lambda layer, x, y: asked.append((layer.training, y.dtype)))
        train(model, data, replace(CONFIG, precision=precision, validation=50))
        assert all(values.dtype == torch.float32 for values in model.state_dict().values())
    half = len(asked) // 2
    # Held-out images are looked at in float32.
    assert set(asked[:half]) == {(True, torch.bfloat16), (False, torch.float32)}
    assert {dtype for _, dtype in asked[half:]} == {torch.float32}
    assert not torch.equal(weights(rounded), weights(exact))
    assert accuracy(rounded, data.test) > 0.8


def test_augmentation_changes_neither_batches_nor_split(data: Dataset) -> None:
    """With images that are the same wherever they are cut, it changes nothing at all."""
    black = Dataset("black", Images(0 * data.train.x, data.train.y), data.test)
    one, same = MLP((36, 8, 4), seed=3), MLP((36, 8, 4), seed=3)
    config = replace(CONFIG, validation=50)
    first, second = train(one, black, config), train(same, black, replace(config, augment=True))
    assert np.array_equal(first.loss, second.loss)
    assert np.array_equal(first.held_out, second.held_out)
    assert torch.equal(weights(one), weights(same))


def test_it_learns(model: MLP, data: Dataset) -> None:
    untrained = accuracy(model, data.test)
    history = train(model, data, CONFIG)
    assert untrained < 0.5 < 0.95 < accuracy(model, data.test)
    assert history.loss[-1] < history.loss[0] / 2
    assert history.validation_accuracy.size == history.held_out.size == 0
    assert history.seconds > 0


@pytest.mark.parametrize("augment", [False, True])
def test_a_seed_fixes_every_number(model: MLP, data: Dataset, augment: bool) -> None:
    torch.manual_seed(1)
    one, same, other = (copy.deepcopy(model) for _ in range(3))
    config = replace(CONFIG, augment=augment)
    first, again = train(one, data, config), train(same, data, config)
    train(other, data, replace(config, seed=8))
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


def test_scores(model: MLP, data: Dataset) -> None:
    with torch.no_grad():
        expected = model(data.test.x)
    for block in (7, 300, 1000):
        found = scores(model, data.test, block)
        torch.testing.assert_close(found, expected)
        assert not found.requires_grad
    for block in (0, 2.5):
        with pytest.raises(ValueError, match="block must be"):
            scores(model, data.test, block)  # type: ignore[arg-type]


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
    more = {"schedule": "one-cycle", "augment": True, "precision": "bfloat16", "nesterov": True}
    configs = [
        CONFIG,
        replace(CONFIG, epochs=None, steps=5),
        replace(CONFIG, validation=50),
        replace(CONFIG, **more),
    ]
    alone, together = (
        [*(MLP((36, 24, 16, 4), seed=k) for k in range(3)), small_convolutional()] for _ in range(2)
    )
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


def test_other_bad_input(model: MLP, data: Dataset) -> None:
    with pytest.raises(ValueError, match="validation must leave an image"):
        train(model, data, replace(CONFIG, validation=500))
    with pytest.raises(ValueError, match="configs must hold one configuration a model"):
        train_many([model], data, [])
    with pytest.raises(ValueError, match="workers must be"):
        train_many([model], data, [CONFIG], workers=0)
