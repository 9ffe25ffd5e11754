"""Singular vectors of the sentence encoder: which of them cannot be told from random ones?"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..nets.encoder import load_encoder, matrices
from ..nets.layers import factorize
from ..statistics import evened, porter_thomas
from ..thresholds import bema
from .measures import columns
from .runner import Configuration
from .store import Result


def examine(configuration: Configuration) -> Result:
    """Test the vectors of every matrix but the embedding, as trained or after a change to it."""
    rng = np.random.default_rng(configuration["seed"])
    rows: list[dict[str, Any]] = []
    arrays: dict[str, NDArray[Any]] = {}
    for name, stored in matrices(load_encoder()).items():
        # Its vectors on the side of the tokens are of length 30,522: a null of its own, and no layer.
        if name == "embedding":
            continue
        W = stored.astype(np.float64)
        if configuration["order"] == "shuffled":
            W = rng.permutation(W.ravel()).reshape(W.shape)
        elif configuration["order"] == "evened":
            W = evened(W)
        factors = factorize(W)
        fit = bema(factors.spectrum)
        s = fit.n_signal
        row = {"matrix": name, "rows": W.shape[0], "columns": W.shape[1], **columns(fit)}
        for side, vectors in (("left", factors.u), ("right", factors.vt.T)):
            p = porter_thomas(vectors).p_value
            arrays[f"{name}/{side}_p"] = p.astype(np.float32)
            row[f"rejected_bulk_{side}"] = float(np.mean(p[s:] < 0.05))
            row[f"rejected_spikes_{side}"] = float(np.mean(p[:s] < 0.05)) if s else np.nan
        rows.append(row)
    return Result(rows, arrays)
