"""Networks that start too large, and the plain loop of AdamW that lets them generalise late.

The loop of `training.py` is stochastic gradient descent on the cross-entropy, with epochs; this one counts single
steps, for runs that are looked at on a logarithmic scale.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn

from .architectures import MLP
from .data import Images
from .passes import one_thread


def enlarged(widths: Sequence[int], scale: float, seed: int) -> MLP:
    """A perceptron with PyTorch's initialisation, all weights and biases multiplied by `scale`.

    Parameters
    ----------
    widths : sequence of int
        As for `MLP`.
    scale : float
    seed : int
    """
    net = MLP(widths, init="pytorch", seed=seed)
    with torch.no_grad():
        for values in net.parameters():
            values.mul_(scale)
    return net


def fit_adamw(
    net: nn.Module,
    images: Images,
    *,
    lr: float,
    weight_decay: float,
    batch_size: int,
    steps: int,
    seed: int,
    look: Callable[[int], None],
    at: Sequence[int],
) -> None:
    """Train in place by AdamW on the squared distance from the classes' unit vectors; look at some steps.

    Parameters
    ----------
    net : torch.nn.Module
    images : Images
    lr, weight_decay : float
        As for `torch.optim.AdamW`.
    batch_size, steps, seed : int
        Steps are single batches; the images come in a new order in each epoch.
    look : callable
        Called with the number of steps done.
    at : sequence of int
        The numbers of steps after which it is called.
    """
    x, targets = images.x.flatten(1), torch.eye(10)[images.y]
    optimiser = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=weight_decay, fused=True)
    order = torch.Generator().manual_seed(seed)
    wanted, taken = set(at), 0
    with one_thread():
        if 0 in wanted:
            look(0)
        while taken < steps:
            for batch in torch.randperm(len(x), generator=order).split(batch_size)[: steps - taken]:
                optimiser.zero_grad()
                (net(x[batch]) - targets[batch]).square().mean().backward()
                optimiser.step()
                taken += 1
                if taken in wanted:
                    look(taken)
