"""One small network, and safetensors files of it written by hand, byte by byte."""

import json
import struct

import numpy as np

from rmt_helpers import spiked_matrix

# Three values stand far above the noise in each matrix of this network.
STRENGTHS = [6.0, 4.5, 3.5]


def network() -> dict[str, np.ndarray]:
    """Weights in float32, as a network's state dictionary names them."""
    conv, _, _ = spiked_matrix((96, 180), STRENGTHS, sigma=0.1, rng=1)
    dense, _, _ = spiked_matrix((160, 120), STRENGTHS, sigma=0.02, rng=2)
    rng = np.random.default_rng(3)
    weights = {
        "conv.weight": conv.reshape(96, 20, 3, 3),
        "conv.bias": np.zeros(96),
        "fc1.weight": dense,
        "fc1.bias": np.zeros(160),
        "fc2.weight": rng.standard_normal((10, 160)),
    }
    return {name: value.astype(np.float32) for name, value in weights.items()}


def safetensors(entries: dict[str, tuple[str, tuple[int, ...], bytes]]) -> bytes:
    """A safetensors file, written by hand: name to type, shape and bytes."""
    header, values = {}, b""
    for name, (code, shape, data) in entries.items():
        offsets = [len(values), len(values) + len(data)]
        header[name] = {"dtype": code, "shape": list(shape), "data_offsets": offsets}
        values += data
    return with_header(header, values)


def with_header(header: object, values: bytes) -> bytes:
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    return struct.pack("<Q", len(text)) + text + values


def of_float32(weights: dict[str, np.ndarray]) -> bytes:
    return safetensors({k: ("F32", w.shape, w.astype("<f4").tobytes()) for k, w in weights.items()})
