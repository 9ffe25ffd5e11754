"""A compressed network is smaller, does what its ranks say, and is a model like any other."""

import copy
import io
import warnings
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from rmt_helpers import Spectrum, average_alignment, bema, optimal_shrinkage
from rmt_helpers.nets.architectures import MLP, LeNet5
from rmt_helpers.nets.compress import compress, multiply_adds, rank_by_energy
from rmt_helpers.nets.data import Dataset, Images
from rmt_helpers.nets.layers import truncate, weight_matrices
from rmt_helpers.nets.training import TrainConfig, accuracy, train


def number(module: nn.Module) -> int:
    return sum(values.numel() for values in module.parameters())


@pytest.fixture
def wide() -> MLP:
    """Three spikes in each hidden layer, so that there is something to find."""
    model = MLP((36, 60, 50, 4), init="glorot", seed=1)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for layer in (model.fc1, model.fc2):
            rows, columns = layer.weight.shape
            left = torch.linalg.qr(torch.randn(rows, 3, generator=generator)).Q
            right = torch.linalg.qr(torch.randn(columns, 3, generator=generator)).Q
            layer.weight += left @ torch.diag(torch.tensor([6.0, 5.0, 4.0])) @ right.T
    return model


@pytest.mark.parametrize("method", ["auto", "bema", "kritchman_nadler"])
def test_the_table_says_what_was_done(wide: MLP, data: Dataset, method: str) -> None:
    before = copy.deepcopy(wide.state_dict())
    small, table = compress(wide, method, validate=data.test)
    assert all(torch.equal(before[key], value) for key, value in wide.state_dict().items())
    assert list(table["layer"]) == ["fc1", "fc2", "all"]
    assert list(table["rank"]) == [3, 3, 6]
    assert number(small) == table["parameters_after"].iloc[-1]
    assert number(wide) == table["parameters_before"].iloc[-1]
    expected = truncate(truncate(wide, "fc1", 3), "fc2", 3)
    with torch.no_grad():
        torch.testing.assert_close(small(data.test.x), expected(data.test.x), rtol=1e-4, atol=1e-4)
    for row in table.iloc[:-1].itertuples():
        layer = small.get_submodule(row.layer)
        assert (row.rows, row.columns) == tuple(wide.get_submodule(row.layer).weight.shape)
        assert row.parameters_after == number(layer) == 3 * (row.rows + row.columns) + row.rows
        assert row.multiply_adds_before == row.rows * row.columns
        assert row.multiply_adds_after == 3 * (row.rows + row.columns)
        assert row.accuracy == accuracy(truncate(wide, row.layer, 3), data.test)
        assert 0.7 < row.ave_w < 1
    fit = bema(weight_matrices(wide)["fc1"])
    if method == "bema":
        assert table["ave_w"][0] == pytest.approx(average_alignment(fit, 3))
    last = table.iloc[-1]
    assert last["multiply_adds_after"] == sum(multiply_adds(small, data.test.x).values())
    assert last["accuracy"] == accuracy(small, data.test)
    assert last["accuracy_before"] == accuracy(wide, data.test)
    assert weight_matrices(small).keys() == {"fc1.down", "fc1.up", "fc2.down", "fc2.up", "fc3"}


def test_ways_to_choose_a_rank(wide: MLP) -> None:
    def ranks(method: object, **options: object) -> list[int]:
        _, table = compress(wide, method, **options)  # type: ignore[arg-type]
        return list(table["rank"][:-1])

    values = Spectrum.of(weight_matrices(wide)["fc1"]).values
    share = float(values[:7] @ values[:7] / (values @ values))
    assert ranks(5) == [5, 5]
    assert ranks(share, layers=["fc1"]) == [7]
    assert ranks({"fc2": 4, "fc1": "bema"}) == [4, 3]
    assert ranks({"fc2": 4, "fc1": 2}, layers=["fc1"]) == [2]
    assert ranks(lambda name, W: min(W.shape) // 10 if name == "fc2" else bema(W)) == [3, 5]
    # One that saves nothing leaves the layer as it is, and says so.
    small, table = compress(wide, 30)
    assert list(table["split"]) == [False, False, False]
    assert list(table["note"]) == ["rank 30 would save nothing", "rank 30 would save nothing", ""]
    assert number(small) == number(wide)
    assert small is not wide


def test_shrinkage_changes_the_values_and_not_the_vectors(wide: MLP) -> None:
    plain, _ = compress(wide, "bema", ["fc1"])
    shrunk, _ = compress(wide, "bema", ["fc1"], shrink="frobenius")
    a, b = (m.fc1.up.weight.double() @ m.fc1.down.weight.double() for m in (plain, shrunk))
    W = weight_matrices(wide)["fc1"]
    expected = optimal_shrinkage(W, "frobenius", bema(W).sigma).shrunk[:3]
    np.testing.assert_allclose(torch.linalg.svdvals(b.detach())[:3].numpy(), expected, rtol=1e-5)
    assert torch.linalg.svdvals(a.detach())[2] > expected[2]


def test_what_is_not_split_by_itself(data: Dataset) -> None:
    noise = MLP((36, 40, 40, 4), init="glorot", seed=0)
    small, table = compress(noise, "bema")
    assert list(table["note"][:-1]) == ["no signal found"] * 2
    assert number(small) == number(noise)
    # Tied weights, grouped convolutions, subclasses and small layers are left out.
    tied = nn.ModuleDict({"a": nn.Linear(20, 20), "b": nn.Linear(20, 20), "c": nn.Linear(20, 20)})
    tied["b"].weight = tied["a"].weight
    assert list(compress(tied, 2)[1]["layer"]) == ["c", "all"]
    with pytest.raises(ValueError, match="one was 'b', which shares its weight"):
        compress(tied, 2, ["b"])
    mixed = nn.Sequential(nn.Conv2d(32, 32, 3, groups=2), nn.Bilinear(20, 20, 20), nn.Linear(20, 9))
    assert list(compress(mixed, 2)[1]["layer"]) == ["all"]
    assert list(compress(mixed, 2, ["2"])[1]["layer"]) == ["2", "all"]
    # A layer that an estimator refuses stays, unless it was asked for.
    with torch.no_grad():
        noise.fc2.weight.zero_()
    assert compress(noise, 0.9)[1]["rank"][1] == 1
    _, table = compress(noise, "bema")
    assert "zero" in table["note"][1]
    with pytest.raises(ValueError, match="layer 'fc2': .*zero"):
        compress(noise, "bema", ["fc2"])


class Reader(nn.Module):
    """A transformer as torch has it, between two plain layers."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(32, 4, 48, batch_first=True)
        self.before, self.after = nn.Linear(20, 32), nn.Linear(32, 24)
        self.encoder = nn.TransformerEncoder(layer, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.after(self.encoder(self.before(x)))  # type: ignore[no-any-return]


def test_layers_whose_weights_their_module_reads_stay_whole() -> None:
    """Without gradients torch's encoder hands linear1.weight to a fused kernel: two layers have none."""
    torch.manual_seed(0)
    model, x = Reader().eval(), torch.rand(3, 5, 20)
    small, table = compress(model, 4, example=x)
    inside = [
        f"encoder.layers.{k}.{name}"
        for k in (0, 1)
        for name in ("self_attn.out_proj", "linear1", "linear2")
    ]
    by_name = table.set_index("layer")
    assert list(table["layer"]) == ["before", "after", *inside, "all"]
    assert list(by_name.loc[["before", "after"], "split"]) == [True, True]
    assert not by_name.loc[inside, "split"].any()
    assert (
        by_name.loc[inside, "parameters_before"] == by_name.loc[inside, "parameters_after"]
    ).all()
    assert by_name.loc[inside[0], "note"] == "its MultiheadAttention reads its weight"
    assert by_name.loc[inside[1], "note"] == "its TransformerEncoderLayer reads its weight"
    assert np.isnan(by_name.loc[inside[0], "multiply_adds_before"])
    assert by_name.loc[inside[1], "multiply_adds_after"] == 5 * 32 * 48
    fast, slow = small(x).detach(), small.train()(x)
    with torch.no_grad():
        torch.testing.assert_close(small.eval()(x), fast)
    assert slow.shape == fast.shape == (3, 5, 24)
    for name, kind in ((inside[0], "MultiheadAttention"), (inside[1], "TransformerEncoderLayer")):
        with pytest.raises(ValueError, match=f"which its {kind} reads"):
            compress(model, 4, [name])
    # Torch's decoder calls its layers.
    decoder = nn.TransformerDecoderLayer(32, 4, 48, batch_first=True).eval()
    small, table = compress(decoder, 4)
    assert list(table.loc[table["split"], "layer"]) == ["linear1", "linear2", "all"]
    with torch.no_grad():
        assert small(torch.rand(2, 5, 32), torch.rand(2, 7, 32)).shape == (2, 5, 32)


def test_validate_may_be_any_function_of_a_model(wide: MLP, data: Dataset) -> None:
    by_images, by_function = (
        compress(wide, 3, validate=validate, example=data.test.x)[1]
        for validate in (data.test, lambda model: accuracy(model, data.test))
    )
    assert by_function.equals(by_images)
    fc1, fc2 = 36 * 60 - 3 * (36 + 60), 60 * 50 - 3 * (60 + 50)
    _, table = compress(wide, 3, validate=number)
    assert list(table["accuracy"]) == [number(wide) - saved for saved in (fc1, fc2, fc1 + fc2)]


def test_a_single_layer_is_a_model_too() -> None:
    layer = nn.Linear(40, 40)
    pair, table = compress(layer, 3, example=torch.zeros(2, 40))
    assert list(table["layer"]) == ["", "all"]
    assert list(table["multiply_adds_after"]) == [240, 240]
    x = torch.rand(5, 40)
    expected = truncate(nn.Sequential(layer), "0", 3)(x)
    torch.testing.assert_close(pair(x), expected)


@pytest.mark.parametrize("scheme", ["channel", "spatial"])
def test_a_convolutional_network(scheme: str) -> None:
    model = LeNet5(seed=1)
    x = torch.rand(3, 1, 28, 28)
    small, table = compress(model, 8, scheme=scheme, example=x)
    by_name = table.set_index("layer")
    shape = {"channel": (16, 150), "spatial": (80, 30)}[scheme]
    assert tuple(by_name.loc["conv2", ["rows", "columns"]]) == shape
    # Places of the map between the two: 10 × 10, or 14 × 10.
    work = {"channel": 100 * (150 + 16) * 8, "spatial": 8 * (140 * 30 + 100 * 80)}[scheme]
    assert by_name.loc["conv2", "multiply_adds_before"] == 100 * 150 * 16
    assert by_name.loc["conv2", "multiply_adds_after"] == work
    assert by_name.loc["all", "multiply_adds_before"] == 416_520
    assert number(small) == by_name.loc["all", "parameters_after"] < 61_706
    assert small(x).shape == (3, 10)
    full, _ = compress(model, {"conv2": 13}, scheme="spatial")
    assert not torch.allclose(full(x), model(x), atol=1e-5)


def test_saving_loading_scripting_exporting_training(
    wide: MLP, data: Dataset, tmp_path: Path
) -> None:
    small, _ = compress(wide, "bema")
    x = data.test.x[:20]
    expected = small(x)
    again, _ = compress(MLP((36, 60, 50, 4)), 3)
    assert not torch.equal(again(x), expected)
    stream = io.BytesIO()
    torch.save(small.state_dict(), stream)
    stream.seek(0)
    again.load_state_dict(torch.load(stream, weights_only=True))
    assert torch.equal(again(x), expected)
    safetensors.torch.save_file(small.state_dict(), tmp_path / "small.safetensors")
    again, _ = compress(MLP((36, 60, 50, 4)), 3)
    again.load_state_dict(safetensors.torch.load_file(tmp_path / "small.safetensors"))
    assert torch.equal(again(x), expected)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is old, not that it fails
        torch.testing.assert_close(torch.jit.script(small)(x), expected)
        program = torch.export.export(small.eval(), (x,))
    torch.testing.assert_close(program.module()(x), expected)
    before = accuracy(small, data.test)
    train(small, data, TrainConfig(lr=0.02, batch_size=32, epochs=3))
    assert accuracy(small, data.test) > before


def test_work_is_counted_by_layer() -> None:
    model = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2), nn.Flatten(), nn.Linear(16, 2)).train()
    assert multiply_adds(model, torch.zeros(5, 1, 6, 6)) == {"0": 4 * 4 * 9, "2": 32}
    assert model.training
    assert not model[0]._forward_hooks
    # A fully connected layer may be used at many places.
    assert multiply_adds(nn.Linear(3, 2), torch.zeros(5, 7, 3)) == {"": 7 * 6}


def test_rank_by_energy() -> None:
    values = [3.0, 2.0, 1.0]
    assert [rank_by_energy(values, s) for s in (0.01, 9 / 14, 0.65, 13 / 14, 0.93, 1)] == [
        1,
        1,
        2,
        2,
        3,
        3,
    ]
    assert rank_by_energy([1.0, 0.0], 1.0) == 1
    for share in (0, -0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match=r"share must lie in \(0, 1\]"):
            rank_by_energy(values, share)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "magic"}, "method must be auto or one of bema, .*, was 'magic'"),
        ({"method": 0}, "method, as a rank, must be an integer, 1 or more, was 0"),
        ({"method": 1.5}, r"method, as a share of the energy, must lie in \(0, 1\], was 1.5"),
        ({"method": True}, "method must be a name, a rank"),
        ({"method": None}, "method must be a name, a rank"),
        ({"method": {"fc1": [3]}}, "method must be a name, a rank"),
        ({"method": {"fc9": 3}}, r"layers must be among \['fc1', .*one was 'fc9'"),
        ({"method": {"fc1": 3}, "layers": ["fc2"]}, "'fc2' has none"),
        ({"method": lambda name, W: 1.5}, "the rank from method must be an integer"),
        ({"method": 3, "layers": ["relu1"]}, "one was 'relu1', which cannot be split"),
        ({"method": 3, "layers": "fc1"}, "layers must be a sequence of names"),
        ({"method": 3, "scheme": "radial"}, "scheme must be one of channel, spatial"),
        ({"method": 3, "shrink": "a lot"}, "shrink must be"),
        (
            {"method": 3, "validate": Images(torch.zeros(0, 1, 6, 6), torch.zeros(0))},
            "validate must hold at least one",
        ),
        (
            {"method": 3, "validate": 0.9},
            "validate must be Images or a function of a model, was 0.9",
        ),
    ],
)
def test_bad_input(wide: MLP, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compress(wide, **arguments)  # type: ignore[arg-type]


def test_a_weight_that_is_not_finite_is_named(wide: MLP) -> None:
    with torch.no_grad():
        wide.fc2.weight[0, 0] = torch.nan
    with pytest.raises(ValueError, match="layer 'fc2': W must be finite"):
        compress(wide, 3)
