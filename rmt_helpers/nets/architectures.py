"""The networks of the book, each a `torch.nn.Sequential` whose layers have names.

A network is a sequence so that one can run the layers before and after a given one; see
`layers.py`.
"""

from __future__ import annotations

import itertools
import math
from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import nn

from .._checks import check_shape
from ._checks import check_integer

INITS = ("pytorch", "glorot")


def check_init(init: str) -> None:
    """Refuse an initialisation that is not known here."""
    if init not in INITS:
        raise ValueError(f"init must be one of {INITS}, was {init!r}")


def initial_sigma(shape: tuple[int, int], init: str = "pytorch") -> float:
    """Standard deviation of the entries of an untrained weight matrix.

    Parameters
    ----------
    shape : tuple of int
        ``(out, in)``, as torch stores it.
    init : {"pytorch", "glorot"}
        PyTorch's default draws uniformly from ±1/√in, hence 1/√(3·in); Glorot's normal
        initialisation has variance 2/(in + out) (Glorot and Bengio 2010, equation 12).

    Raises
    ------
    ValueError
        If `init` is unknown or the shape is not two positive integers.

    Examples
    --------
    >>> round(initial_sigma((512, 784)), 4), round(initial_sigma((512, 784), "glorot"), 4)
    (0.0206, 0.0393)
    """
    check_init(init)
    n_out, n_in = check_shape(shape)
    return 1 / math.sqrt(3 * n_in) if init == "pytorch" else math.sqrt(2 / (n_in + n_out))


class MLP(nn.Sequential):
    """Multilayer perceptron with ReLU: ``flatten, fc1, relu1, fc2, …``, one ``fc`` a weight matrix.

    Parameters
    ----------
    widths : sequence of int
        Number of inputs, of units in each hidden layer, and of classes.
    init : {"pytorch", "glorot"}
        See `initial_sigma`. PyTorch's default also draws the biases uniformly from ±1/√in;
        Glorot's has zero biases.
    seed : int
        Of the initialisation. The global generator of torch is left alone.

    Raises
    ------
    ValueError
        If `widths` has fewer than two entries or one that is not a positive integer, or `init`
        is unknown.

    Examples
    --------
    >>> [name for name, _ in MLP((784, 32, 10)).named_children()]
    ['flatten', 'fc1', 'relu1', 'fc2']
    """

    def __init__(
        self, widths: Sequence[int] = (784, 512, 512, 10), init: str = "pytorch", seed: int = 0
    ) -> None:
        check_init(init)
        sizes = [check_integer(width, "each of widths", 1) for width in widths]
        if len(sizes) < 2:
            raise ValueError(f"widths must be two or more positive integers, was {widths!r}")
        generator = torch.Generator().manual_seed(check_integer(seed, "seed", 0))
        stages: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
        for k, (n_in, n_out) in enumerate(itertools.pairwise(sizes), start=1):
            if k > 1:
                stages[f"relu{k - 1}"] = nn.ReLU()
            stages[f"fc{k}"] = _linear(n_in, n_out, init, generator)
        super().__init__(stages)


def _linear(n_in: int, n_out: int, init: str, generator: torch.Generator) -> nn.Linear:
    """A fully connected layer, initialised from `generator` alone."""
    layer: nn.Linear = nn.utils.skip_init(nn.Linear, n_in, n_out)
    if init == "pytorch":
        bound = 1 / math.sqrt(n_in)  # what nn.Linear itself draws, for weight and bias
        nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
        nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
    else:
        nn.init.xavier_normal_(layer.weight, generator=generator)
        nn.init.zeros_(layer.bias)
    return layer
