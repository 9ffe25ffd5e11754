"""A penalty on the sum of absolute weights, for a training loop that knows weight decay alone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook


@contextlib.contextmanager
def lasso(strength: float) -> Iterator[None]:
    """Let every optimiser step in the block also follow the gradient of an L1 penalty.

    Before each step ``strength * sign(w)`` is added to the gradient of each weight w, biases included,
    as weight decay adds a multiple of w.

    Parameters
    ----------
    strength : float
        Of the penalty; 0 changes nothing.

    Raises
    ------
    ValueError
        If `strength` is negative or not finite.

    Examples
    --------
    >>> w = torch.nn.Parameter(torch.tensor([2.0, -3.0]))
    >>> w.grad = torch.zeros(2)
    >>> with lasso(0.5):
    ...     torch.optim.SGD([w], lr=1.0).step()
    >>> w.tolist()
    [1.5, -2.5]
    """
    if not 0 <= strength < float("inf"):
        raise ValueError(f"strength must be finite and not negative, was {strength!r}")

    @torch.no_grad()
    def add(optimiser: torch.optim.Optimizer, *_: Any) -> None:
        for group in optimiser.param_groups:
            for w in group["params"]:
                if w.grad is not None:
                    w.grad.add_(w.sign(), alpha=strength)

    handle = register_optimizer_step_pre_hook(add)
    try:
        yield
    finally:
        handle.remove()
