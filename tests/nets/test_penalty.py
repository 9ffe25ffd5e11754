"""An L1 penalty on every step of an optimiser, and on none outside its block."""

import pytest
import torch

from rmt_helpers.nets.penalty import lasso


def steps(strength, *, lr=0.1, momentum=0.0, count=5):
    """Weights after some steps with no gradient but the penalty's."""
    w = torch.nn.Parameter(torch.tensor([2.0, -3.0, 0.0]))
    optimiser = torch.optim.SGD([w], lr=lr, momentum=momentum, fused=True)
    with lasso(strength):
        for _ in range(count):
            w.grad = torch.zeros(3)
            optimiser.step()
    return w, optimiser


def test_every_step_takes_the_same_from_a_weight():
    w, _ = steps(0.5)
    torch.testing.assert_close(w.data, torch.tensor([1.75, -2.75, 0.0]))


def test_momentum_adds_up():
    """Velocities 1, 1.9, 2.71 of the penalty."""
    w, _ = steps(0.5, momentum=0.9, count=3)
    torch.testing.assert_close(w.data[0], torch.tensor(2 - 0.05 * 5.61))


def test_nothing_is_left_behind():
    w, optimiser = steps(0.5)
    before = w.detach().clone()
    w.grad = torch.zeros(3)
    optimiser.step()
    assert torch.equal(w.data, before)


@pytest.mark.parametrize("strength", [-1.0, float("inf"), float("nan")])
def test_a_senseless_strength_is_refused(strength):
    with pytest.raises(ValueError, match="strength must be"), lasso(strength):
        pass
