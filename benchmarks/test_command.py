"""The command over a whole file, reading included, against bare singular values and weightwatcher."""

import numpy as np
import pytest
from rivals import weightwatcher_of

from rmt_helpers.command.measure import Options, plan
from rmt_helpers.command.measure import measure as measure_layers
from rmt_helpers.command.stored import stored_tensors

MODELS = {
    "MLP": [(512, 784), (512, 512)],
    "small AlexNet": [(64, 75), (64, 1600), (384, 4096), (192, 384)],
}
OPTIONS = {"bema": Options(methods=("bema",)), "both": Options()}


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    from safetensors.numpy import save_file

    rng = np.random.default_rng(0)
    paths = {}
    for model, shapes in MODELS.items():
        paths[model] = tmp_path_factory.mktemp("models") / "model.safetensors"
        weights = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
        save_file({f"{k}.weight": W for k, W in enumerate(weights)}, paths[model])
    return paths


def the_command(path, options):
    """All that `rmt-thresholds` does between its start and its output."""
    layers = list(measure_layers(plan(stored_tensors(path), options).matrices, options))
    assert not any(layer.failed for layer in layers)
    return layers


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("side", ["bare", "bema", "both", "weightwatcher"])
def test_command(measure, files, model, side):
    if side == "weightwatcher":
        pytest.importorskip("weightwatcher")
    layers = [tensor.read() for tensor in stored_tensors(files[model])]
    run = {
        "bare": lambda: lambda: [np.linalg.svd(W, compute_uv=False) for W in layers],
        "bema": lambda: lambda: the_command(files[model], OPTIONS["bema"]),
        "both": lambda: lambda: the_command(files[model], OPTIONS["both"]),
        "weightwatcher": lambda: weightwatcher_of(layers),
    }[side]()
    measure(run, target=f"command {model}", side=side, rounds=3 if side == "weightwatcher" else 9)
