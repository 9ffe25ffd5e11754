"""The Hessian of a small network's loss, all of it, and how its eigenvalues keep their distance."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..nets.architectures import MLP
from ..nets.data import Dataset, load
from ..nets.hessian import hessian, principal_components
from ..nets.training import accuracy, train
from ..statistics import spacing_ratio
from .networks import training
from .runner import Configuration
from .store import Result

#: An eigenvalue smaller than this share of the largest counts as zero.
ZERO = 1e-6


def curvature(configuration: Configuration) -> Result:
    """Eigenvalues of the Hessian before and after training, on the first training images."""
    data = load(configuration["data"])
    data = Dataset(data.name, data.train[: configuration["images"]], data.test)
    data = principal_components(data, configuration["components"])
    some = data.train[: configuration["hessian_images"]]
    widths = (configuration["components"], *configuration["hidden"], 10)
    net = MLP(widths, init=configuration["init"], seed=configuration["seed"])
    rows: list[dict[str, Any]] = []
    arrays: dict[str, NDArray[Any]] = {}
    for state in ("untrained", "trained"):
        if state == "trained":
            train(net, data, training(configuration), progress=False)
        values = np.linalg.eigvalsh(hessian(net, some))
        bulk = values[np.abs(values) > ZERO * np.abs(values).max()]
        arrays[state] = values
        rows.append(
            {
                "state": state,
                "parameters": values.size,
                "zeros": values.size - bulk.size,
                "negative": int((bulk < 0).sum()),
                "largest": float(values[-1]),
                "ratio": spacing_ratio(bulk),
                "ratio_positive": spacing_ratio(bulk[bulk > 0]),
                "ratio_negative": spacing_ratio(bulk[bulk < 0]),
                "test_accuracy": accuracy(net, data.test),
            }
        )
    return Result(rows, arrays)
