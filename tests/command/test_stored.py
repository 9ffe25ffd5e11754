"""Files of weights: every kind reads alike; damaged and hostile ones are refused and never run."""

import io
import json
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch
from made_files import network, of_float32, with_header
from made_files import safetensors as by_hand

from rmt_helpers.command.stored import UnreadableModel, printable, stored_tensors


def values_of(path: Path) -> dict[str, np.ndarray]:
    return {t.name: t.read() for t in stored_tensors(path) if t.read is not None}


def as_torch(weights: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(value) for name, value in weights.items()}


def np_savez(path, save, weights):
    with path.open("wb") as file:  # numpy would add an ending to a name
        save(file, **weights)


WRITERS = {
    "safetensors": lambda path, weights: safetensors.numpy.save_file(weights, path),
    "npz": lambda path, weights: np_savez(path, np.savez, weights),
    "compressed npz": lambda path, weights: np_savez(path, np.savez_compressed, weights),
    "torch": lambda path, weights: torch.save(as_torch(weights), path),
    "old torch": lambda path, weights: torch.save(
        as_torch(weights), path, _use_new_zipfile_serialization=False
    ),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_every_kind_of_file_gives_the_same_values(tmp_path, kind):
    path = tmp_path / "no-ending-that-tells"
    WRITERS[kind](path, network())
    found = values_of(path)
    assert found.keys() == network().keys()
    for name, value in network().items():
        np.testing.assert_array_equal(found[name], value)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f2", "<f4", ">f8"])
def test_npy(tmp_path, order, dtype):
    W = np.asarray(np.arange(12).reshape(3, 4), dtype=dtype, order=order)
    np.save(tmp_path / "layer.npy", W)
    (found,) = stored_tensors(tmp_path / "layer.npy")
    assert (found.name, found.shape) == ("layer", (3, 4))
    np.testing.assert_array_equal(found.read(), W)


def test_bfloat16_is_decoded_as_torch_does(tmp_path):
    weights = torch.randn(20, 30, generator=torch.Generator().manual_seed(0)).bfloat16()
    weights[0, :3] = torch.tensor([float("inf"), -0.0, 1e-40])
    path = tmp_path / "half.safetensors"
    safetensors.torch.save_file({"w": weights}, path)
    np.testing.assert_array_equal(values_of(path)["w"], weights.float().numpy())
    torch.save({"w": weights}, tmp_path / "half.pt")
    np.testing.assert_array_equal(values_of(tmp_path / "half.pt")["w"], weights.float().numpy())


def test_names_come_in_an_order_that_people_expect(tmp_path):
    path = tmp_path / "m"
    zero = np.zeros(1, np.float32)
    path.write_bytes(of_float32(dict.fromkeys(("b.10.w", "b.9.w", "a²", "10", "b.9"), zero)))
    assert [t.name for t in stored_tensors(path)] == ["10", "a²", "b.9", "b.9.w", "b.10.w"]


def test_a_checkpoint_without_its_optimiser(tmp_path):
    path = tmp_path / "checkpoint.pt"
    inner: dict[str, object] = {"w": torch.ones(3, 4)}
    inner["itself"] = inner
    checkpoint = {"epoch": 3, "model": inner, "optimizer_state": {"0": {"m": torch.ones(3, 4)}}}
    torch.save(checkpoint, path)
    assert [t.name for t in stored_tensors(path)] == ["model.w"]


def test_tensors_that_are_no_weights(tmp_path):
    path = tmp_path / "m"
    entries = {"integers": ("I64", (2, 1), bytes(16)), "eight": ("F8_E4M3", (3, 4), bytes(12))}
    path.write_bytes(by_hand(entries))
    eight, integers = stored_tensors(path)
    assert (integers.read, integers.problem) == (None, "")
    assert eight.read is None
    assert "F8_E4M3" in eight.problem
    torch.save({"sparse": torch.eye(3).to_sparse(), "complex": torch.ones(3, 3) * 1j}, path)
    assert all(t.read is None and t.problem for t in stored_tensors(path))


def entry(**changes):
    return {"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]} | changes}


@pytest.mark.parametrize(
    ("header", "values", "words"),
    [
        (entry(), 23, "truncated"),
        (entry(), 25, "truncated or damaged"),
        (entry(shape=[2, 4]), 24, "needs 32 bytes"),
        (entry(shape=[1 << 40, 1 << 40]), 24, "needs"),
        (entry(shape=[-2, -3]), 24, "entry of tensor w"),
        (entry(shape=[True, 6]), 24, "entry of tensor w"),
        (entry(shape="23"), 24, "entry of tensor w"),
        (entry(data_offsets=[8, 32]), 32, "gaps"),
        (entry(data_offsets=[0]), 24, "entry of tensor w"),
        (entry(dtype="F31"), 24, "unknown type"),
        (entry(dtype=["F32"]), 24, "entry of tensor w"),
        (entry() | {"v": entry()["w"]}, 24, "overlap"),
        ({"w": None}, 0, "entry of tensor w"),
        ('{"w": 1, "w": 2}', 0, "occurs twice"),
        ('{"w": ', 0, "JSON"),
        ("{" + '"w":{' * 100_000, 0, "JSON"),
    ],
)
def test_a_damaged_safetensors_file_is_refused(tmp_path, header, values, words):
    path = tmp_path / "m.safetensors"
    path.write_bytes(with_header(header, bytes(values)))
    with pytest.raises(UnreadableModel, match=words):
        stored_tensors(path)


def test_a_header_longer_than_the_file_is_not_believed(tmp_path):
    path = tmp_path / "m.safetensors"
    path.write_bytes(struct.pack("<Q", 1 << 62) + b"{}")
    with pytest.raises(UnreadableModel, match="claims"):
        stored_tensors(path)


def npy(shape: str, descr: str = "'<f8'", data: bytes = b"") -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (npy("(2, 3)", data=bytes(47)), "truncated or damaged"),
        (npy("(2, 3)", data=bytes(49)), "truncated or damaged"),
        (npy("(9999999999, 9999999999)"), "truncated or damaged"),
        (npy("(-2, -3)", data=bytes(48)), "truncated or damaged"),
        (npy("(2, 3)", descr="'|O'", data=bytes(48)), "run code"),
        (npy("__import__('os').system('true')"), "damaged"),
        (npy("(" * 5000), "damaged"),
        (b"\x93NUMPY\x02\x00" + b"\xff" * 4, "damaged"),
        (b"\x93NUMPY\x09\x00" + bytes(20), "damaged"),
        (b"\x93NUMPY\x01", "truncated"),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_a_damaged_npy_file_is_refused(tmp_path, content, words, zipped):
    path = tmp_path / "m"
    if zipped:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("w.npy", content)
    else:
        path.write_bytes(content)
    with pytest.raises(UnreadableModel, match=words):
        stored_tensors(path)


def test_a_flipped_bit_inside_an_archive_is_found(tmp_path):
    path = tmp_path / "m.npz"
    np.savez(path, w=np.ones((50, 60)))
    content = bytearray(path.read_bytes())
    content[5000] ^= 1
    path.write_bytes(content)
    (tensor,) = stored_tensors(path)
    with pytest.raises(UnreadableModel, match="CRC"):
        tensor.read()


class Hostile:
    """Unpickling it writes a file: the proof that code ran."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self):
        return Path.write_text, (self.proof, "code was run")


def plain_pickle(path, hostile):
    path.write_bytes(pickle.dumps({"w": hostile}))


def object_array(path, hostile):
    with path.open("wb") as file:
        np.save(file, np.array([hostile], dtype=object), allow_pickle=True)


def object_archive(path, hostile):
    with path.open("wb") as file:
        np.savez(file, w=np.array([hostile], dtype=object))


def torch_file(path, hostile):
    torch.save({"w": torch.ones(3, 4), "x": hostile}, path)


def old_torch_file(path, hostile):
    torch.save({"w": hostile}, path, _use_new_zipfile_serialization=False)


HOSTILE = [plain_pickle, object_array, object_archive, torch_file, old_torch_file]


@pytest.mark.parametrize("write", HOSTILE, ids=lambda write: write.__name__)
def test_a_hostile_file_is_refused_and_not_run(tmp_path, write):
    proof, path = tmp_path / "proof", tmp_path / "model"
    write(path, Hostile(proof))
    with pytest.raises(UnreadableModel):
        stored_tensors(path)
    assert not proof.exists()


def test_the_hostile_object_would_have_run(tmp_path):
    """Else the test above could not fail."""
    plain_pickle(tmp_path / "model", Hostile(tmp_path / "proof"))
    pickle.loads((tmp_path / "model").read_bytes())
    assert (tmp_path / "proof").exists()


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def saved_by_torch(thing: object) -> bytes:
    file = io.BytesIO()
    torch.save(thing, file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "neither"),
        (b"GGUF" + bytes(40), "neither"),
        (zipped({"a/data.pkl": b"x", "a/code/f.py": b"pass"}), "TorchScript"),
        (zipped({"readme.txt": b"hello"}), "neither torch.save nor"),
        (zipped({"a/data.pkl": bytes(1 << 20)}, zipfile.ZIP_DEFLATED), "compressed"),
        (zipped({"a/data.pkl": b"x"})[:-4], "archive"),
        (saved_by_torch({"w": torch.ones(50, 60)})[:-4000], "archive"),
        (saved_by_torch(torch.ones(3, 4)), "a Tensor, not a state dictionary"),
        (saved_by_torch([1, 2]), "a list, not a state dictionary"),
        (saved_by_torch(torch.nn.Linear(3, 4)), "PyTorch refuses it"),
        (b"\x80\x02" + bytes(20), "PyTorch refuses it"),
    ],
)
def test_other_files_are_refused(tmp_path, content, words):
    path = tmp_path / "m"
    path.write_bytes(content)
    with pytest.raises(UnreadableModel, match=words):
        stored_tensors(path)


def test_a_file_cut_short_while_it_is_read(tmp_path, model):
    tensor = stored_tensors(model)[0]
    model.write_bytes(model.read_bytes()[:2000])
    with pytest.raises(UnreadableModel, match="shorter"):
        tensor.read()


@pytest.mark.parametrize("name", ["a\x1b[31mred", "new\nline", "right\u202eleft", "lone \ud800"])
def test_names_are_made_harmless(tmp_path, name):
    path = tmp_path / "m"
    path.write_bytes(with_header(json.dumps({name: entry()["w"]}), bytes(24)))
    (tensor,) = stored_tensors(path)
    assert tensor.name.isprintable()
    assert tensor.name.encode("utf8")


def test_long_names_are_cut():
    assert len(printable("x" * 10_000)) == 200
    assert printable("fc1.weight") == "fc1.weight"
