"""A whole network compressed: at each layer a rank is chosen, and the layer split where that saves.

How a layer is split is in `lowrank`; how ranks are found, in `thresholds`.
"""

from __future__ import annotations

import contextlib
import copy
import math
import numbers
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from .._checks import FloatArray, as_float64
from ..alignment import average_alignment
from ..thresholds import METHODS, NoiseFit, bema, noise_fit, optimal_shrinkage
from ..thresholds.shrinkage import Loss
from ._checks import check_integer
from .data import Images
from .layers import factorize
from .lowrank import SCHEMES, Splittable, largest_rank, layer_matrix, replace, split
from .training import accuracy

if TYPE_CHECKING:
    import pandas as pd

#: One way to choose the rank of a layer; see `compress`.
Choice: TypeAlias = str | int | float | Callable[[str, FloatArray], int | NoiseFit]

# Fewer singular values than this say nothing of noise, and there is little to save.
SMALLEST = 16

# They hand the weights of the layers inside them to a kernel of their own: two layers in place would fail.
_READERS = (nn.TransformerEncoderLayer, nn.MultiheadAttention)


def compress(
    model: nn.Module,
    method: Choice | Mapping[str, Choice] = "auto",
    layers: Sequence[str] | None = None,
    validate: Images | Callable[[nn.Module], float] | None = None,
    *,
    scheme: str = "channel",
    shrink: Loss | None = None,
    example: torch.Tensor | None = None,
) -> tuple[nn.Module, pd.DataFrame]:
    """Split each chosen layer into two thinner ones, where that saves parameters.

    Parameters
    ----------
    model : torch.nn.Module
        Left as it is. Layers are found and replaced as modules, so that a model whose own code reads
        ``self.layer.weight`` cannot be compressed. Of torch's modules `torch.nn.TransformerEncoderLayer`
        and `torch.nn.MultiheadAttention` do that; the layers inside them stay whole, with a note.
    method : str, int, float, callable, or dict of these by layer
        How to choose a rank. A name: what that estimator counts as signal, as `noise_fit` knows it
        ("auto", "bema", …). An integer: that rank, or the full one where a layer has less. A float in
        (0, 1]: the smallest rank whose values hold that share of the sum of squares. A function of
        a layer's name and matrix: what it returns, a rank or a `NoiseFit`. A dictionary: one of these
        for each layer that it names.
    layers : sequence of str, optional
        Which layers, by their names in ``model.named_modules()``. By default the keys of `method`, if
        that is a dictionary; or else every `torch.nn.Linear` and every `torch.nn.Conv2d` of one group
        whose matrix has 16 singular values or more and whose weight no other module shares.
    validate : Images or callable, optional
        To measure the accuracy on; or a function of a model that returns a number, for a model that takes
        no images or is judged by something else. What was chosen by looking at it should be measured on
        other images.
    scheme : {"channel", "spatial"}
        How convolutions are split; see `lowrank.split`.
    shrink : {"frobenius", "operator", "leeb"}, optional
        Put the values of `optimal_shrinkage` in place of the singular values that are kept, with the
        noise level of the fit, if there is one. Values that it sets to zero are not kept.
    example : tensor, optional
        A batch that the model takes, to count multiply–adds with; by default an image of `validate`.

    Returns
    -------
    torch.nn.Module
        A copy of the model with a `torch.nn.Sequential` of ``down`` and ``up`` in place of each layer
        that was split. It saves, loads, scripts and exports like any other.
    pandas.DataFrame
        A row a layer: `layer`, `rows` and `columns` of its matrix, `rank`, `split` (whether it was),
        `parameters_before` and `parameters_after`, `multiply_adds_before` and `multiply_adds_after`
        (of one image; NaN without an example), `ave_w` (Ave_w of what is kept, from the method's fit or
        else BEMA's; NaN where there is none), `accuracy` (what `validate` finds with this layer alone
        compressed; NaN without it), `note` (why a layer was left whole). The last row, "all", is the whole model; its
        `accuracy_before` is that of the original.

    Raises
    ------
    ValueError
        If `method`, `scheme` or `shrink` is unknown or out of range, a layer is not there or cannot be
        split, a weight is not finite, or an estimator refuses a layer that was named. One that refuses
        a layer of the default choice leaves it whole, with a note.

    Examples
    --------
    >>> from rmt_helpers.nets.architectures import MLP
    >>> small, table = compress(MLP((784, 128, 64, 10)), 20)
    >>> table[["layer", "rank", "split", "parameters_before", "parameters_after"]]
      layer  rank  split  parameters_before  parameters_after
    0   fc1    20   True             100480             18368
    1   fc2    20   True               8256              3904
    2   all    40   True             109386             22922
    """
    import pandas as pd

    choices, named = _choices(model, method, layers, scheme, shrink)
    measure = _measure(validate)
    if example is None and isinstance(validate, Images):
        example = validate.x[:1]
    before = {} if example is None else multiply_adds(model, example)
    compressed: nn.Module = copy.deepcopy(model)
    rows: list[dict[str, Any]] = []
    for name, choice in choices.items():
        layer = model.get_submodule(name)
        if choice is None:
            row = _whole(name, layer, *layer.get_parameter("weight").shape)
            rows.append(row | {"note": f"its {_reader(model, name)} reads its weight"})
            continue
        assert isinstance(layer, Splittable)
        pair, row = _split(name, layer, choice, scheme, shrink, forgiving=not named)
        if pair is not None:
            compressed = replace(compressed, name, pair)
            row["accuracy"] = measure(replace(model, name, pair))
        rows.append(row)
    after = {} if example is None else multiply_adds(compressed, example)
    for row in rows:
        inside = f"{row['layer']}." if row["layer"] else ""
        parts = [n for n in after if n == row["layer"] or n.startswith(inside)]
        row["multiply_adds_before"] = before.get(row["layer"], math.nan)
        row["multiply_adds_after"] = sum(after[n] for n in parts) if parts else math.nan
    rows.append(
        {
            "layer": "all",
            "rank": sum(row["rank"] for row in rows),
            "split": any(row["split"] for row in rows),
            "parameters_before": _number(model),
            "parameters_after": _number(compressed),
            "multiply_adds_before": sum(before.values()) if before else math.nan,
            "multiply_adds_after": sum(after.values()) if after else math.nan,
            "accuracy_before": measure(model),
            "accuracy": measure(compressed),
        }
    )
    table = pd.DataFrame([_EMPTY | row for row in rows])
    return compressed, table.astype({"rows": "Int64", "columns": "Int64"})


def rank_by_energy(values: ArrayLike, share: float) -> int:
    """The smallest rank whose singular values hold a share of the sum of squares.

    Parameters
    ----------
    values : array_like of shape (p,)
        Singular values, largest first.
    share : float
        In (0, 1].

    Returns
    -------
    int
        From 1 to p.

    Raises
    ------
    ValueError
        If `share` is out of range.

    Examples
    --------
    >>> rank_by_energy([4.0, 2.0, 1.0], 0.9)
    2
    """
    if not 0 < share <= 1:
        raise ValueError(f"share must lie in (0, 1], was {share!r}")
    energy = np.cumsum(as_float64(values, "values") ** 2)
    # A share of 1 must not be missed by rounding.
    return int(np.searchsorted(energy, share * energy[-1] * (1 - 1e-12)) + 1)


@torch.no_grad()
def multiply_adds(model: nn.Module, example: torch.Tensor) -> dict[str, int]:
    """Multiply–adds of each fully connected and convolutional layer, for one entry of a batch.

    Parameters
    ----------
    model : torch.nn.Module
    example : tensor
        A batch that the model takes.

    Returns
    -------
    dict of str to int
        By name, in the order of the model; 0 for a layer that is not used. Biases are not counted, nor is
        what a `torch.nn.MultiheadAttention` does, since it calls no layer.

    Examples
    --------
    >>> multiply_adds(nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten()), torch.zeros(2, 1, 5, 5))
    {'0': 324}
    """
    found: dict[str, int] = {}
    handles = []

    def count(name: str) -> Callable[[nn.Module, Any, torch.Tensor], None]:
        def hook(layer: nn.Module, _: Any, output: torch.Tensor) -> None:
            # Each number of the output is a sum over one row of the layer's matrix.
            weight = layer.get_parameter("weight")
            found[name] += output.numel() * weight[0].numel() // len(example)

        return hook

    for name, layer in model.named_modules():
        called = not _reader(model, name, nn.MultiheadAttention)
        if called and isinstance(layer, nn.Linear | nn.Conv2d):
            found[name] = 0
            handles.append(layer.register_forward_hook(count(name)))
    was_training = model.training
    try:
        model.eval()(example.to(next(model.parameters()).device))
    finally:
        model.train(was_training)
        for handle in handles:
            handle.remove()
    return found


_EMPTY: dict[str, Any] = {
    "layer": "",
    "rows": None,
    "columns": None,
    "rank": 0,
    "split": False,
    "parameters_before": 0,
    "parameters_after": 0,
    "multiply_adds_before": math.nan,
    "multiply_adds_after": math.nan,
    "ave_w": math.nan,
    "accuracy_before": math.nan,
    "accuracy": math.nan,
    "note": "",
}


def _number(module: nn.Module) -> int:
    return sum(values.numel() for values in module.parameters())


def _measure(validate: Any) -> Callable[[nn.Module], float]:
    """What tells how good a model is, as a function of it."""
    if isinstance(validate, Images):
        if len(validate) == 0:
            raise ValueError("validate must hold at least one image, was empty")
        return lambda model: accuracy(model, validate)
    if validate is None:
        return lambda _: math.nan
    if not callable(validate):
        raise ValueError(f"validate must be Images or a function of a model, was {validate!r}")
    return lambda model: float(validate(model))


def _reader(model: nn.Module, name: str, kinds: Any = _READERS) -> str:
    """The kind of the module around a layer, if that reads the layer's weight by itself; else empty."""
    owner = model.get_submodule(name.rpartition(".")[0])
    return type(owner).__name__ if isinstance(owner, kinds) else ""


def _choices(
    model: nn.Module, method: Any, layers: Sequence[str] | None, scheme: str, shrink: Any
) -> tuple[dict[str, Choice | None], bool]:
    """How to choose the rank of each layer, None if its owner needs it whole; whether they were named."""
    if scheme not in SCHEMES:
        raise ValueError(f"scheme must be one of {', '.join(SCHEMES)}, was {scheme!r}")
    if shrink is not None and shrink not in get_args(Loss):
        raise ValueError(f"shrink must be one of {', '.join(get_args(Loss))}, was {shrink!r}")
    by_layer = isinstance(method, Mapping)
    for choice in method.values() if by_layer else [method]:
        _check_choice(choice)
    modules = dict(model.named_modules())
    able = [name for name, layer in modules.items() if _splittable(layer)]
    owners = Counter(id(values) for _, values in model.named_parameters(remove_duplicate=False))
    held = [n for n, layer in modules.items() if isinstance(layer, nn.Linear) and _reader(model, n)]
    own = [n for n in able if owners[id(modules[n].get_parameter("weight"))] == 1 and n not in held]
    if by_layer and layers is None:
        layers = list(method)
    if isinstance(layers, str):
        raise ValueError(f"layers must be a sequence of names, was the string {layers!r}")
    if layers is None:
        shapes = {name: layer_matrix(modules[name], scheme).shape for name in own}
        chosen = {name: method for name in own if min(shapes[name]) >= SMALLEST}
        return {n: chosen.get(n) for n in modules if n in chosen or n in held}, False
    for name in layers:
        if name not in own:
            why = "shares its weight with another module" if name in able else "cannot be split"
            why = f"its {_reader(model, name)} reads" if name in held else why
            raise ValueError(f"layers must be among {own}, one was {name!r}, which {why}")
        if by_layer and name not in method:
            raise ValueError(f"method must have an entry for each of layers, {name!r} has none")
    return {name: method[name] if by_layer else method for name in layers}, True


def _splittable(layer: nn.Module) -> bool:
    return type(layer) is nn.Linear or (type(layer) is nn.Conv2d and layer.groups == 1)


def _check_choice(choice: Any) -> None:
    """Refuse what is no way to choose a rank."""
    if isinstance(choice, str):
        if choice != "auto" and choice not in METHODS:
            raise ValueError(f"method must be auto or one of {', '.join(METHODS)}, was {choice!r}")
    elif isinstance(choice, numbers.Integral) and not isinstance(choice, bool):
        check_integer(choice, "method, as a rank,", 1)
    elif isinstance(choice, numbers.Real) and not isinstance(choice, bool):
        if not 0 < float(choice) <= 1:
            raise ValueError(
                f"method, as a share of the energy, must lie in (0, 1], was {choice!r}"
            )
    elif not callable(choice):
        raise ValueError(
            f"method must be a name, a rank, a share, a function or a dict of these, was {choice!r}"
        )


def _whole(name: str, layer: nn.Module, rows: int, columns: int) -> dict[str, Any]:
    """The row of a layer that is left as it is."""
    row = {
        "layer": name,
        "rows": rows,
        "columns": columns,
        "rank": min(rows, columns),
        "split": False,
    }
    return row | dict.fromkeys(("parameters_before", "parameters_after"), _number(layer))


def _split(
    name: str,
    layer: Splittable,
    choice: Choice,
    scheme: str,
    shrink: Loss | None,
    *,
    forgiving: bool,
) -> tuple[nn.Sequential | None, dict[str, Any]]:
    """One layer split, or None if it stays whole, and its row of the table."""
    matrix = layer_matrix(layer, scheme)
    rows, columns = matrix.shape
    row = _whole(name, layer, rows, columns)
    try:
        factors = factorize(matrix)
    except ValueError as error:
        raise ValueError(f"layer {name!r}: {error}") from None
    try:
        rank, fit = _rank(name, matrix, factors.values, choice)
        values = factors.values
        if shrink is not None:
            sigma = None if fit is None else fit.sigma
            values = optimal_shrinkage(factors.spectrum, shrink, sigma).shrunk
            rank = min(rank, int(np.count_nonzero(values)))
    except ValueError as error:
        # What a caller's own function says is the caller's to hear.
        if callable(choice) or not forgiving:
            raise ValueError(f"layer {name!r}: {error}") from None
        return None, row | {"note": str(error)}
    if fit is None and min(rows, columns) >= SMALLEST:
        with contextlib.suppress(ValueError):  # a spectrum that holds no noise
            fit = bema(factors.spectrum)
    row["ave_w"] = math.nan if fit is None or rank == 0 else average_alignment(fit, rank)
    if rank == 0:
        return None, row | {"note": "no signal found"}
    if rank > largest_rank(layer, scheme):
        return None, row | {"note": f"rank {rank} would save nothing"}
    pair = split(layer, rank, scheme=scheme, values=values, factors=factors)
    return pair, row | {"rank": rank, "split": True, "parameters_after": _number(pair)}


def _rank(
    name: str, matrix: FloatArray, values: FloatArray, choice: Choice
) -> tuple[int, NoiseFit | None]:
    """The rank that a choice means for one layer, and the fit behind it, if there is one."""
    if isinstance(choice, str):
        fit = noise_fit(matrix, choice)
        return fit.n_signal, fit
    if callable(choice):
        found = choice(name, matrix)
        if isinstance(found, NoiseFit):
            return found.n_signal, found
        return check_integer(found, "the rank from method", 0, values.size), None
    if isinstance(choice, numbers.Integral):
        return min(int(choice), values.size), None
    return rank_by_energy(values, float(choice)), None
