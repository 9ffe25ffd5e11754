"""A self-check passes what is right in any style, and names every mistake that it knows."""

import time

import numpy as np
import pytest

from rmt_helpers import (
    MarchenkoPastur,
    NoiseFit,
    Spectrum,
    TracyWidom,
    average_alignment,
    bema,
    cosines,
)
from rmt_helpers.selfcheck import _TASKS, check, tasks
from rmt_helpers.selfcheck.task import Case, Mistake, Task, examine
from rmt_helpers.thresholds.broadening import broadened_density

MISTAKES = [
    pytest.param(name, number, id=f"{name}-{number}")
    for name, task in _TASKS.items()
    for number in range(len(task.mistakes))
]


@pytest.mark.parametrize("name", _TASKS)
def test_the_right_function_passes(name):
    report = check(name, _TASKS[name].right)
    assert report.passed
    assert report
    assert repr(report).startswith(f"✓ {name}")


@pytest.mark.parametrize(("name", "number"), MISTAKES)
def test_each_mistake_is_named(name, number):
    mistake = _TASKS[name].mistakes[number]
    report = check(name, mistake.function)
    assert not report
    assert report.text == mistake.says


@pytest.mark.parametrize("name", _TASKS)
def test_different_mistakes_have_different_names(name):
    """No sentence is given for a mistake that it does not describe: two share one only if they are of one kind."""
    says = [mistake.says for mistake in _TASKS[name].mistakes]
    assert len(says) >= 5
    assert len(says) - len(set(says)) <= 4


@pytest.mark.parametrize("name", _TASKS)
def test_results_as_lists_pass(name):
    right = _TASKS[name].right

    def plain(*arguments):
        return np.asarray(right(*arguments)).tolist()

    assert check(name, plain)


@pytest.mark.parametrize("name", ["mp-density", "broadened-density", "beyond-chance"])
def test_functions_of_one_number_pass(name):
    task = _TASKS[name]
    (position,) = {case.points for case in task.cases}

    def one_by_one(*arguments):
        if np.ndim(arguments[position]) != 0:
            raise TypeError("only numbers")
        return task.right(*arguments)

    assert check(name, one_by_one)
    # An exercise may ask for arrays: the report says that these were not taken.
    assert "one number at a time" in check(name, one_by_one).text
    assert "one number at a time" not in check(name, task.right).text

    def branching(*arguments):  # as one writes it first: `if` on the argument
        return task.right(*arguments) if arguments[position] > -1 else None

    assert check(name, branching)


def test_where_the_exercise_asks_for_arrays_single_numbers_fail():
    def branching(theta, c):
        return cosines(theta, c) if theta > c**0.25 else (0.0, 0.0)

    report = check("cosines", branching)
    assert not report
    assert "asks for a function that takes an array" in report.text

    def swapped(theta, c):
        return branching(theta, c)[::-1]

    # What is wrong beyond that comes first.
    assert "swapped" in check("cosines", swapped).text


class TestTheReferencesAreThePackage:
    """What the checks call right is what the package computes."""

    def test_bema(self):
        def by_package(nu, shape):
            fit = bema(Spectrum(nu, shape))
            return fit.sigma, fit.threshold

        assert check("bema", by_package)

    def test_score(self):
        def by_package(nu, shape, sigma, s):
            return average_alignment(NoiseFit("x", Spectrum(nu, shape), sigma, 1.0), s)

        assert check("alignment-score", by_package)

    def test_density(self):
        def by_package(nu, a, x):
            nu = np.asarray(nu)
            return broadened_density(Spectrum(nu[::-1], (nu.size, 99)), a)(x)

        assert check("broadened-density", by_package)

    def test_laws(self):
        assert check("mp-density", lambda lam, c, sigma: MarchenkoPastur(c, sigma).pdf(lam))
        assert check("cosines", cosines)

    def test_own_quantiles_are_near_enough(self):
        """Quantiles by a table of 20,000 points, as a student may have them."""

        def table(nu, shape):
            p, n = min(shape), max(shape)
            law = MarchenkoPastur(p / n)
            x = np.linspace(*law.support(), 20_001)
            k = np.arange(int(np.ceil(0.2 * p)), int(0.8 * p) + 1)
            q = np.interp((k - 0.5) / p, law.cdf(x), x)
            lam = nu[::-1][k - 1] ** 2 / n
            sigma2 = q @ lam / (q @ q)
            margin = bema(Spectrum(nu, shape)).threshold / bema(Spectrum(nu, shape)).sigma
            return np.sqrt(sigma2), np.sqrt(sigma2) * margin

        assert check("bema", table)


def own_bema(nu, shape, *, begin=None, mask=None, center=None, slope=None, end=None, level=0.1):
    """BEMA as a student writes it, from 0, with one step of their own."""
    p, n = min(shape), max(shape)
    c, lam = p / n, np.sort(nu) ** 2 / n
    k = np.arange(int(np.ceil(0.2 * p - 1e-9)) - 1, int(0.8 * p)) if begin is None else begin(p)
    if mask is not None:
        k = np.flatnonzero(mask(lam))
    q = MarchenkoPastur(c).ppf((k + 0.5) / p if center is None else center(k, p))
    sigma2 = q @ lam[k] / (q @ q) if slope is None else slope(q, lam[k])
    width = n ** (-2 / 3) * c ** (-1 / 6) * (1 + np.sqrt(c)) ** (4 / 3)
    t = TracyWidom(1).ppf(1 - level)
    T = sigma2 * ((1 + np.sqrt(c)) ** 2 + t * width) if end is None else end(sigma2, c, n, t)
    return np.sqrt(sigma2), np.sqrt(n * T)


def own_threshold(p, n, sigma, level, *, unit=None, c=None):
    """BEMA's own form of the threshold, by way of λ."""
    c = p / n if c is None else c
    x = 1 + np.sqrt(c)
    unit = n ** (-2 / 3) * c ** (-1 / 6) * x ** (4 / 3) if unit is None else unit(n, c, x)
    return sigma * np.sqrt(n * (x**2 + TracyWidom(1).ppf(1 - level) * unit))


class TestProgramsOfStudents:
    """Written apart from the mistakes that the checks know, as one types them."""

    def test_right_ones_pass(self):
        assert check("bema", own_bema)
        assert check("tw-threshold", own_threshold)

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"begin": lambda p: np.arange(int(0.2 * p), int(0.8 * p))}, "begins one rank late"),
            (
                {"mask": lambda x: (x >= np.quantile(x, 0.2)) & (x <= np.quantile(x, 0.8))},
                "cut by quantiles",
            ),
            ({"slope": lambda q, x: (x @ x) / (x @ q)}, "fits q as a multiple of λ"),
            ({"level": 0.05}, "the level β is 0.05"),
            ({"end": lambda s2, c, n, t: s2 * (1 + np.sqrt(c))}, "step 5"),
            (
                {"begin": lambda p: np.arange(int(np.ceil(0.1 * p - 1e-9)) - 1, int(0.9 * p))},
                "α = 0.2 is the share at *each* end",
            ),
            # Unknown mistakes of the first half and of the second: the report says which half.
            ({"slope": lambda q, x: np.median(x / q)}, "right one for your σ̂"),
            ({"center": lambda k, p: (k + 0.625) / (p + 0.25)}, "Look at steps 2 to 4"),
            (
                {"begin": lambda p: np.arange(int(0.3 * p), int(0.9 * p))},
                "the right one for your σ̂; σ̂ itself",
            ),
            ({"end": lambda s2, c, n, t: s2 * (2 + c + t)}, "σ̂ is right; the threshold should be"),
        ],
    )
    def test_wrong_bema(self, change, says):
        report = check("bema", lambda nu, shape: own_bema(nu, shape, **change))
        assert not report
        assert says in report.text

    def test_the_factors_of_sigma_are_given(self):
        report = check(
            "bema",
            lambda nu, shape: own_bema(nu, shape, slope=lambda q, x: 1.21 * (x @ q) / (q @ q)),
        )
        assert "too large by the factors 1.1, 1.1, 1.1, 1.1" in report.text

    @pytest.mark.parametrize(
        ("wrong", "says"),
        [
            (lambda n, c, x: n ** (-2 / 3) * c ** (-1 / 6) * x**4 / 3, "is x⁴/3"),
            (lambda n, c, x: n ** (-2 / 3) * c**-1 / 6 * x ** (4 / 3), "is 1/(6c)"),
            (lambda n, c, x: n**-2 / 3 * c ** (-1 / 6) * x ** (4 / 3), "is 1/(3n²)"),
        ],
    )
    def test_wrong_unit(self, wrong, says):
        report = check("tw-threshold", lambda *arguments: own_threshold(*arguments, unit=wrong))
        assert says in report.text

    @pytest.mark.parametrize(
        ("wrong", "says"),
        [
            (lambda p, n, sigma, level: own_threshold(p, n, sigma, level, c=n / p), "n/p in place"),
            (lambda p, n, sigma, level: own_threshold(p - 0.5, n - 0.5, sigma, level), "Ma's"),
            (lambda p, n, sigma, level: own_threshold(p, n - 1, sigma, level), "Johnstone's"),
            (lambda p, n, sigma, level: own_threshold(p, n, sigma**0.5, level), "√σ stands"),
        ],
    )
    def test_wrong_threshold(self, wrong, says):
        assert says in check("tw-threshold", wrong).text

    def test_the_density_of_the_chapter_without_its_care(self):
        def density(lam, c, sigma):
            low, high = (sigma * (1 - np.sqrt(c))) ** 2, (sigma * (1 + np.sqrt(c))) ** 2
            inside = np.maximum((high - lam) * (lam - low), 0)
            return np.sqrt(inside) / (2 * np.pi * c * sigma**2 * lam)

        assert "right except at λ = 0" in check("mp-density", density).text
        assert check("mp-density", lambda lam, c, sigma: np.nan_to_num(density(lam, c, sigma)))


SQUARE = Task(
    "square",
    "square(x): x²",
    lambda x: np.asarray(x) ** 2,
    [
        Case((np.array([1.0, 2.0, 4.0]),), "for three numbers", points=0),
        Case((np.array([3.0, 0.5]),), "for two numbers", points=0),
    ],
    [Mistake(lambda x: 2 * np.asarray(x), "it doubles.")],
)


class TestUnforeseen:
    @pytest.mark.parametrize(
        ("function", "says"),
        [
            (lambda x: 2 * x, "it doubles"),
            (lambda x: -(x**2), "wrong sign"),
            (lambda x: x**4, "a square root is missing"),
            (lambda x: np.abs(x), "one square root too many"),
            (lambda x: x[::-1] ** 2, "reversed order"),
            (lambda x: 3 * x**2, "times 3 in every case"),
            (lambda x: x**2 + 1, "plus 1 in every case"),
            (lambda x: x**2 * len(x), "the normalisation is not"),
            (lambda x: np.nan * x, "NaN or infinite"),
            (lambda x: x.sum(), "shape ()"),
            (lambda x: (x**2)[:, None], "has shape (3, 1)"),
            (lambda x: None, "`return` missing"),
            (lambda x: "four", "no array of numbers"),
            (lambda x: [[1.0], [2.0, 3.0]], "no array of numbers"),
            (lambda x: np.sqrt(x * (-1 + 0j)), "complex"),
            (lambda x, y: x, "raises TypeError"),
            (lambda x: 1 / 0, "raises ZeroDivisionError"),
            (lambda x: np.add(x, 1, out=x), "in place"),
            (lambda x: np.where(x == 4, 15, x**2), "1 of 2 cases are right; for three numbers"),
            (..., "nothing to check yet"),
            (4.0, "a float, not a function"),
        ],
    )
    def test_is_described(self, function, says):
        report = examine(SQUARE, function)
        assert not report
        assert says in report.text

    def test_right_in_float32(self):
        assert examine(SQUARE, lambda x: np.float32(x) ** 2)

    def test_the_first_difference_is_shown_with_both_numbers(self):
        report = examine(SQUARE, lambda x: np.where(x == 4, 15, x**2))
        assert "entry 2 should be 16 and is 15" in report.text

    def test_a_slightly_wrong_function_fails(self):
        assert not examine(SQUARE, lambda x: np.where(x == 4, 16.01, x**2))


@pytest.mark.parametrize("name", ["nothing", "", None, 3])
def test_unknown_task(name):
    with pytest.raises(ValueError, match="name must be one of truncation"):
        check(name, len)


def test_tasks_are_listed():
    assert set(tasks()) == set(_TASKS)
    assert all("(" in signature and ":" in signature for signature in tasks().values())


def test_without_a_function_it_says_what_is_asked_for():
    report = check("bema")
    assert not report
    assert "my_bema(nu, shape)" in report.text


def test_arguments_are_not_shared():
    """A function that keeps or changes its input spoils no later check."""
    check("truncation", lambda W, s: W.fill(0.0))
    assert check("truncation", _TASKS["truncation"].right)


def test_it_is_quick():
    start = time.process_time()
    for name, task in _TASKS.items():
        check(name, task.mistakes[-1].function)
    assert time.process_time() - start < 5


def own_score(nu, shape, sigma, s, *, bulk=0.0, outside=lambda y, c: y > 1 + np.sqrt(c)):
    """The score without the functions of the package."""
    c, y = min(shape) / max(shape), nu[:s] / (sigma * np.sqrt(max(shape)))
    xi = y**2 - 1 - c
    spikes = outside(y, c)
    if not spikes.any():
        return bulk
    delta = np.sqrt(np.where(spikes, xi**2 - 4 * c, 0.0))
    theta2 = np.where(spikes, (xi + delta) / 2, 1.0)
    phi = (np.sqrt(delta / (theta2 + c)) + np.sqrt(delta / (theta2 + 1))) / 2
    return nu[:s] @ phi / nu[:s].sum()


def own_rank(ranks, accuracies, points, good=np.greater_equal):
    for rank, accuracy in zip(ranks, accuracies, strict=True):
        if good(accuracy, accuracies[-1] - points / 100):
            return rank


class TestAtTheBorders:
    """Where the right function is decided by a case that a careless one forgets."""

    def test_right_ones_pass(self):
        assert check("alignment-score", own_score)
        assert check("smallest-rank", own_rank)

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"bulk": np.nan}, "NaN if none does"),
            ({"bulk": None}, "it returns None, for a wide 30 × 120 matrix"),
            ({"bulk": 1.0}, "five values, all in the bulk, should be 0 and is 1"),
            ({"outside": lambda y, c: (y**2 - 1 - c) ** 2 > 4 * c}, "*below* the bulk"),
        ],
    )
    def test_a_score_that_forgets_the_bulk(self, change, says):
        report = check("alignment-score", lambda *arguments: own_score(*arguments, **change))
        assert not report
        assert says in report.text

    @pytest.mark.parametrize(
        ("good", "says"),
        [(np.greater, "`>=`, not `>`"), (np.less_equal, "turned round")],
    )
    def test_a_rank_that_is_compared_wrongly(self, good, says):
        report = check("smallest-rank", lambda *arguments: own_rank(*arguments, good=good))
        assert not report
        assert says in report.text
