"""The error of a student, by its singular values, is that of the normal equations."""

import numpy as np
import pytest

from rmt_helpers.experiments.ridge import _errors


@pytest.mark.parametrize(("p", "n"), [(5, 12), (12, 5), (6, 6)])
def test_errors_are_those_of_the_normal_equations(p: int, n: int) -> None:
    decays = np.array([0.1, 1.0, 10.0])
    found = _errors(np.random.default_rng(3), p, n, 0.4, decays)
    rng = np.random.default_rng(3)
    w = rng.standard_normal(p)
    w /= np.linalg.norm(w)
    X = rng.standard_normal((n, p))
    y = X @ w + 0.4 * rng.standard_normal(n)
    for error, decay in zip(found, decays, strict=True):
        student = np.linalg.solve(X.T @ X + decay * np.eye(p), X.T @ y)
        assert error == pytest.approx(np.sum((student - w) ** 2), rel=1e-9)
