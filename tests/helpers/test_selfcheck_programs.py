"""Programs that the self-checks of Parts III and IV were not written for: right ones pass, wrong ones are described."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from rmt_helpers import SingularValueLaw, bema, optimal_shrinkage
from rmt_helpers.nets.compress import multiply_adds
from rmt_helpers.nets.lowrank import split
from rmt_helpers.nets.training import TrainConfig, decay_factor
from rmt_helpers.selfcheck import _TASKS, check
from rmt_helpers.spikes import cosines, signal_strength
from rmt_helpers.statistics import hill
from rmt_helpers.verdicts import mean_interval
from rmt_helpers.verdicts.grokking import crossing


class TestTheReferencesAreThePackage:
    def test_shrinkage(self):
        def by_package(nu, shape, sigma):
            W = np.zeros(shape)
            np.fill_diagonal(W, nu)
            return optimal_shrinkage(W, sigma=sigma).shrunk

        assert check("shrunk-values", by_package)

    def test_interval(self):
        def by_package(values, level):
            if level == 0.95:
                return mean_interval(values)[1:]
            return stats.t.interval(level, values.size - 1, values.mean(), stats.sem(values))

        assert check("interval", by_package)

    def test_exponent(self):
        def by_package(lam, start):
            """Hill's k-th exponent, with the start in the place of the value below the tail."""
            tail = lam[lam > start]
            exponent = hill(np.append(tail, start))[tail.size - 1]
            return exponent, (exponent - 1) / np.sqrt(tail.size)

        assert check("tail-exponent", by_package)

    def test_delay(self):
        import pandas as pd

        def by_package(steps, train, test, fit_at, general_at):
            steps, train, test = map(pd.Series, (steps, train, test))
            return crossing(steps, test, general_at) / crossing(steps, train, fit_at)

        assert check("delay", by_package)

    def test_what_decay_leaves(self):
        def by_package(rates, steps, momentum, weight_decay):
            """Every epoch as a training of its own, at a constant rate."""
            return np.prod(
                [
                    decay_factor(
                        TrainConfig(
                            lr=float(rate),
                            momentum=momentum,
                            weight_decay=weight_decay,
                            batch_size=10,
                            epochs=1,
                        ),
                        10 * steps,
                    )
                    for rate in rates
                ]
            )

        assert check("decay-left", by_package)

    def test_the_work_of_a_convolution(self):
        def by_package(N, M, k, side, r):
            pair = split(nn.Conv2d(M, N, k), r, scheme="channel")
            return sum(multiply_adds(pair, torch.zeros(1, M, side, side)).values())

        assert check("convolution-work", by_package)

    def test_crowding_is_what_bema_does(self):
        """Not to the last digit: exact quantiles stand for a random bulk."""
        rng = np.random.default_rng(11)
        for case in _TASKS["crowding-bias"].cases:
            shape, s = case.arguments
            found = []
            for _ in range(40):
                left, right = (np.linalg.qr(rng.standard_normal((side, s)))[0] for side in shape)
                W = rng.standard_normal(shape) + 300 * left @ right.T
                found.append(bema(W).sigma)
            error = np.std(found, ddof=1) / np.sqrt(40)
            expected = _TASKS["crowding-bias"].right(shape, s)
            assert abs(np.mean(found) - expected) < 4 * error + 0.003
            assert abs(np.mean(found) - 1) > 10 * error

    def test_energy(self):
        def by_loop(nu, share):
            kept, total = 0.0, sum(x * x for x in nu)
            for count, x in enumerate(nu, 1):
                kept += x * x
                if kept / total >= share:
                    return count
            return None

        assert check("energy-rank", by_loop)

    def test_stable_rank(self):
        assert check("stable-rank", lambda A: np.sum(A * A) / np.linalg.eigvalsh(A.T @ A)[-1])

    def test_half_a_variance_is_near_the_divergence(self):
        q, d = _TASKS["half-variance"].cases[0].arguments
        small = 1e-4 * d
        divergence = np.log(np.sum(q * np.exp(small), axis=1)) - np.sum(q * small, axis=1)
        np.testing.assert_allclose(
            1e-8 * _TASKS["half-variance"].right(q, d), divergence, rtol=1e-3
        )
        assert check(
            "half-variance",
            lambda q, d: [
                x @ (np.diag(w) - np.outer(w, w)) @ x / 2 for w, x in zip(q, d, strict=True)
            ],
        )

    def test_seeds(self):
        assert check("seeds-needed", lambda m, level: 1 + int(np.ceil(-np.log2(level / m))))


def crowded(shape, s, q_at=None, lam_at=None, less=1, fit=None):
    p, n = min(shape), max(shape)
    j = np.arange(int(np.ceil(0.2 * p)), int(0.8 * p) + 1)
    q = SingularValueLaw(shape).ppf((j - 0.5) / p if q_at is None else q_at(j, p, s)) ** 2 / n
    law = SingularValueLaw((shape[0] - less * s, shape[1] - less * s))
    lam = law.ppf((j - 0.5) / (p - s) if lam_at is None else lam_at(j, p, s)) ** 2 / n
    return np.sqrt(q @ lam / (q @ q)) if fit is None else fit(q, lam)


def half(values, level):
    return stats.sem(values) * stats.t.ppf((1 + level) / 2, len(values) - 1)


def logs(lam, start):
    return np.log(lam[lam > start] / start)


def shrunk(nu, shape, sigma, value):
    c, y = min(shape) / max(shape), nu / sigma / np.sqrt(max(shape))
    return np.where(y > 1 + np.sqrt(c), value(y, c), 0) * sigma * np.sqrt(max(shape))


def at(steps, accuracy, limit):
    k = np.argmax(accuracy >= limit)
    return np.exp(np.interp(limit, accuracy[k - 1 : k + 1], np.log(steps[k - 1 : k + 1])))


def energy(nu, share):
    return int(np.searchsorted(np.cumsum(nu**2), share * np.sum(nu**2))) + 1


BOTH = "should be"  # what is expected and what was found, in the first case that differs
SHAPE = "its result has shape"
WITHIN = "the normalisation is not"
WRONG = {
    "crowding-bias": [
        (lambda shape, s: crowded(shape, s, q_at=lambda j, p, s: (j - 0.5) / (p - s)), BOTH),
        (lambda shape, s: np.sqrt(1 - s / min(shape)), BOTH),
        (lambda shape, s: crowded(shape, s, fit=lambda q, x: np.sqrt(np.median(x / q))), BOTH),
        (lambda shape, s: crowded(shape, s, less=2), BOTH),
        (lambda shape, s: crowded(shape, s, lam_at=lambda j, p, s: (j - 0.5 + s) / p), BOTH),
    ],
    "seeds-needed": [
        (lambda m, level: int(np.ceil(m / level)), BOTH),
        (lambda m, level: int(np.ceil(np.log2(m / level) - 1)), "plus -2 in every case"),
        (lambda m, level: m * int(np.ceil(1 + np.log2(1 / level))), BOTH),
        (lambda m, level: [n for n in range(20) if m * 2.0 ** (1 - n) <= level], SHAPE),
        (lambda m, level: 2.0 ** (1 - np.log2(m / level)), BOTH),
    ],
    "beyond-chance": [
        (lambda x, K, N: np.sqrt(np.maximum((x - K / N) / (1 + K / N), 0)), WITHIN),
        (lambda x, K, N: np.sqrt(x * (1 - K / N)), BOTH),
        (lambda x, K, N: np.clip(np.sqrt(x) - np.sqrt(K / N), 0, 1), BOTH),
        (lambda x, K, N: np.where(x > K / N, np.sqrt(x), 0), BOTH),
        (lambda x, K, N: np.sqrt(np.maximum(x - K / N, 0) / (N - K)), WITHIN),
    ],
    "energy-rank": [
        (lambda nu, share: int(np.sum(nu**2 / np.sum(nu**2) > 1 - share)), BOTH),
        (lambda nu, share: len(nu) - energy(nu, share), BOTH),
        (lambda nu, share: int(np.sum(np.cumsum(nu**2) < share)), BOTH),
        (lambda nu, share: np.cumsum(nu**2) / np.sum(nu**2) >= share, SHAPE),
        (lambda nu, share: nu[energy(nu, share) - 1], BOTH),
    ],
    "half-variance": [
        (lambda q, d: np.einsum("ik,ik->i", q * q, d * d) / 2, BOTH),
        (lambda q, d: (np.sum(d**2, axis=1) - np.sum(q * d, axis=1) ** 2) / 2, BOTH),
        (lambda q, d: np.sum(q * (d - np.sum(q * d)) ** 2, axis=1) / 2, BOTH),
        (lambda q, d: np.diagonal(q @ (d.T**2) - (q @ d.T) ** 2) / 10, "times 0.2 in every case"),
        (lambda q, d: q * d**2 / 2, SHAPE),
    ],
    "interval": [
        (lambda x, level: np.median(x) + np.array([-1, 1]) * half(x, level), BOTH),
        (
            lambda x, level: np.mean(x) + np.array([-1, 1]) * half(x, level) * np.std(x, ddof=1),
            BOTH,
        ),
        (lambda x, level: (np.mean(x) - stats.sem(x), np.mean(x) + half(x, level)), BOTH),
        (lambda x, level: (np.min(x), np.max(x)), BOTH),
        (lambda x, level: (np.mean(x) + half(x, level), np.mean(x) - half(x, level)), "reversed"),
    ],
    "tail-exponent": [
        (lambda x, start: (1 + 1 / np.median(logs(x, start)), 0.1), BOTH),
        (lambda x, start: (1 + len(x) / logs(x, start).sum(), 0.1), BOTH),
        (lambda x, start: (1 + 1 / logs(x, start).mean(), stats.sem(logs(x, start))), "entry 1"),
        (
            lambda x, start: (
                1 + 1 / logs(x, start).mean(),
                1.96 / logs(x, start).mean() / np.sqrt(np.sum(x > start)),
            ),
            "entry 1",
        ),
        (
            lambda x, start: np.polyfit(np.sort(logs(x, start)), np.arange(np.sum(x > start)), 1),
            BOTH,
        ),
    ],
    "stable-rank": [
        (lambda A: np.sum(A**2) / np.linalg.eigvalsh(A @ A.T)[-1] ** 2, BOTH),
        (lambda A: np.linalg.norm(A, "nuc") ** 2 / np.linalg.norm(A, 2) ** 2, BOTH),
        (lambda A: np.mean(np.linalg.svd(A)[1] ** 2) / np.linalg.norm(A, 2) ** 2, BOTH),
        (lambda A: np.linalg.norm(A, "nuc") ** 2 / np.linalg.norm(A) ** 2, BOTH),
        (lambda A: np.sum(A**2) / np.linalg.svd(A)[1] ** 2, SHAPE),
    ],
    "shrunk-values": [
        (lambda nu, s, sd: shrunk(nu, s, sd, lambda y, c: np.sqrt(y**2 - 1 - c)), BOTH),
        (
            lambda nu, s, sd: shrunk(
                nu, s, sd, lambda y, c: np.sqrt((y**2 - 1 + c) ** 2 - 4 * c) / y
            ),
            BOTH,
        ),
        (
            lambda nu, s, sd: shrunk(
                nu, s, sd, lambda y, c: y * cosines(signal_strength(y, c), c)[0]
            ),
            BOTH,
        ),
        (
            lambda nu, s, sd: shrunk(
                nu, s, sd**2, lambda y, c: np.sqrt((y**2 - 1 - c) ** 2 - 4 * c) / y
            ),
            BOTH,
        ),
        (lambda nu, s, sd: np.maximum(nu - sd * np.sqrt(max(s)), 0), BOTH),
    ],
    "over-middle": [
        (lambda nu: nu[0] / np.mean(nu[1:]), BOTH),
        (lambda nu: nu[0] / np.quantile(nu, 0.25), BOTH),
        (lambda nu: nu[0] / np.median(nu[nu < nu.mean()]), BOTH),
        (lambda nu: np.log(nu[0] / np.median(nu[len(nu) // 2 :])), BOTH),
        (lambda nu: nu / np.median(nu[len(nu) // 2 :]), SHAPE),
    ],
    "one-type": [
        (lambda Y: np.full(Y.shape, Y.mean()), BOTH),
        (lambda Y: Y - np.outer(Y.sum(axis=1), Y.sum(axis=0)) / Y.sum(), BOTH),
        (lambda Y: np.sqrt(np.outer(Y.sum(axis=1), Y.sum(axis=0))) / Y.sum(), BOTH),
        (lambda Y: np.outer(np.median(Y, axis=1), np.median(Y, axis=0)) / np.median(Y), BOTH),
        (lambda Y: Y.sum(axis=1) * Y.sum(axis=0), "raises ValueError"),
    ],
    "products": [
        (lambda e, epochs, w: e + (1 - e) * w, BOTH),
        (lambda e, epochs, w: (e + (epochs - e) * w) / (epochs + 1), BOTH),
        (lambda e, epochs, w: 1 - e / epochs * w, BOTH),
        (lambda e, epochs, w: e // epochs + (1 - e // epochs) * w, BOTH),
        (lambda e, epochs, w: 1 / (e / epochs + (1 - e / epochs) * w), BOTH),
    ],
    "convolution-work": [
        (lambda N, M, k, side, r: r * (k * k * M + N) * (side + k - 1) ** 2, BOTH),
        (lambda N, M, k, side, r: r * k * k * M * side**2 + r * N * (side - k + 1) ** 2, BOTH),
        (lambda N, M, k, side, r: (r * k * k * M + r + r * N + N) * (side - k + 1) ** 2, BOTH),
        (lambda N, M, k, side, r: (k * k * M + N) * (side - k + 1) ** 2, BOTH),
        (lambda N, M, k, side, r: r * (k * k * M + N) * (side // k) ** 2, BOTH),
    ],
    "decay-left": [
        (lambda x, steps, mu, g: np.exp(-g * steps * np.sum(x) * (1 + mu)), "1 of 3 cases"),
        (lambda x, steps, mu, g: 1 - g / (1 - mu) * steps * np.sum(x), BOTH),
        (lambda x, steps, mu, g: np.exp(-g / (1 - mu) * steps * np.sum(x**2)), BOTH),
        (lambda x, steps, mu, g: (1 - g) ** (steps * len(x)), BOTH),
        (lambda x, steps, mu, g: np.exp(-g / (1 - mu) * steps * np.cumsum(x)), SHAPE),
    ],
    "delay": [
        (lambda t, a, b, fit, gen: at(t, b, gen) / t[-1], BOTH),
        (lambda t, a, b, fit, gen: at(t, b, gen), BOTH),
        (lambda t, a, b, fit, gen: at(t, b, gen) / at(t, a, fit) - 1, "plus -1 in every case"),
        (lambda t, a, b, fit, gen: at(t, b / b.max(), gen) / at(t, a, fit), BOTH),
        (lambda t, a, b, fit, gen: at(t, b, 100 * gen) / at(t, a, 100 * fit), "raises ValueError"),
    ],
}


def test_each_new_task_is_tried():
    older = {"truncation", "mp-density", "tw-threshold", "cosines", "bema", "broadened-density"}
    assert set(WRONG) == set(_TASKS) - older - {"alignment-score", "smallest-rank"}


@pytest.mark.parametrize(
    ("name", "function", "says"),
    [
        pytest.param(name, function, says, id=f"{name}-{number}")
        for name, programs in WRONG.items()
        for number, (function, says) in enumerate(programs)
    ],
)
def test_wrong_programs_are_described(name, function, says):
    """None of them is a mistake that the check knows, and the report still says what differs and where."""
    report = check(name, function)
    assert not report
    assert report.text not in {mistake.says for mistake in _TASKS[name].mistakes}
    assert says in report.text
