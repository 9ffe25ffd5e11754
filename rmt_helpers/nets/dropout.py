"""Dropout for the book's networks, with a generator of its own.

PyTorch's own dropout draws from the global generator, so that what one run gives would depend on
what ran before it.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from .._checks import as_float64
from ._checks import check_integer


class SeededDropout(nn.Module):
    """Sets each value to 0 with a given probability in training, and leaves it alone in evaluation.

    What is left is divided by 1 − rate, so that the mean of each value stays (Srivastava et al.
    2014, section 10, "inverted" dropout).

    Parameters
    ----------
    rate : float
        Probability of a value to be dropped, in [0, 1).
    seed : int
        Of the draws. The global generator of torch is left alone.

    Raises
    ------
    ValueError
        If `rate` is outside [0, 1) or `seed` is out of range.
    """

    def __init__(self, rate: float, seed: int = 0) -> None:
        super().__init__()
        value = as_float64(rate, "rate")
        if value.ndim or not 0 <= value < 1:
            raise ValueError(f"rate must lie in [0, 1), was {rate!r}")
        self.rate = float(value)
        self._generator = torch.Generator().manual_seed(check_integer(seed, "seed", 0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Drop and rescale, or return `x` itself."""
        if not self.training or self.rate == 0:
            return x
        kept = torch.rand(x.shape, generator=self._generator) >= self.rate
        return x * kept.to(x.device, x.dtype) / (1 - self.rate)


def with_dropout(model: nn.Sequential, rate: float, seed: int = 0) -> nn.Sequential:
    """The same network with dropout behind each ReLU.

    Parameters
    ----------
    model : torch.nn.Sequential
        Its layers are shared, not copied: training the one trains the other.
    rate : float
        Probability of a unit to be dropped, in [0, 1).
    seed : int
        Of the draws; each place gets a seed of its own, counted on from this one.

    Returns
    -------
    torch.nn.Sequential
        ``relu1`` is followed by ``dropout1``, and so on; all other names stay.

    Raises
    ------
    ValueError
        If `rate` or `seed` is out of range, or the model has no ReLU.

    Examples
    --------
    >>> from .architectures import MLP
    >>> [name for name, _ in with_dropout(MLP((784, 32, 10)), 0.5).named_children()]
    ['flatten', 'fc1', 'relu1', 'dropout1', 'fc2']
    """
    seed = check_integer(seed, "seed", 0)
    stages: OrderedDict[str, nn.Module] = OrderedDict()
    places = 0
    for name, layer in model.named_children():
        stages[name] = layer
        if isinstance(layer, nn.ReLU):
            stages[f"dropout{places + 1}"] = SeededDropout(rate, seed + places)
            places += 1
    if not places:
        raise ValueError("model must have a ReLU among its layers, had none")
    return nn.Sequential(stages)
