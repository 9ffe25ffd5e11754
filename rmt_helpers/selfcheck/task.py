"""What a self-check is made of: a task, the cases it is tried on, and the report of what was found.

A task knows the right function and the usual wrong ones. A student's function is run on every case; where it
disagrees with the right one, the wrong one that it agrees with says what went wrong.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._checks import FloatArray

Function = Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """One call: its arguments, and what is special about it in words that end a sentence."""

    arguments: tuple[Any, ...]
    about: str
    # Which argument holds points that may be handed over one by one, or None.
    points: int | None = None


@dataclass(frozen=True)
class Mistake:
    """A wrong function and the sentence that names the mistake to who made it."""

    function: Function
    says: str


@dataclass(frozen=True)
class Task:
    """A function that an exercise asks for.

    Attributes
    ----------
    name : str
        What `check` is called with.
    signature : str
        How the function is called and what it returns, as the exercise states it.
    right : callable
        The function as it should be.
    cases : sequence of Case
        On these every mistake gives something else than the right function, and than each other.
    mistakes : sequence of Mistake
    tolerance : float
        Relative to each expected number, and a tenth of it to the largest of a case.
    arrays : bool
        Whether the exercise asks for a function of arrays, so that one of single numbers does not do.
    part : callable, optional
        For a result of several numbers: given the cases, what was found and what was expected, which of them is
        right, and where to look for the rest; None if none is.
    """

    name: str
    signature: str
    right: Function
    cases: Sequence[Case]
    mistakes: Sequence[Mistake]
    tolerance: float = 1e-5
    arrays: bool = False
    part: Callable[[Sequence[Case], list[FloatArray], list[FloatArray]], str | None] | None = None


@dataclass(frozen=True)
class Report:
    """What a self-check found. Printed as a sentence; true if the function is right."""

    task: str
    passed: bool
    text: str = field(repr=False)

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        mark = "✓" if self.passed else "✗"
        # A page shows this in a box that does not wrap.
        return textwrap.fill(f"{mark} {self.task}: {self.text}", 80, subsequent_indent="  ")


def examine(task: Task, function: Any) -> Report:
    """Run `function` on the cases of `task` and say what is wrong with it, if anything is."""
    if function is ...:
        return Report(
            task.name, False, f"nothing to check yet. Hand over your function, {task.signature}."
        )
    if not callable(function):
        return Report(
            task.name,
            False,
            f"this is {_kind(function)}, not a function. Hand over the function itself, "
            f"{task.signature}, without calling it.",
        )
    expected = [_numbers(task.right(*case.arguments)) for case in task.cases]
    found: list[FloatArray] = []
    single = ""
    for case, target in zip(task.cases, expected, strict=True):
        result, one_by_one = _call(function, case, target)
        if isinstance(result, str):
            return Report(task.name, False, result)
        if one_by_one:
            single = " It takes one number at a time only, not an array."
        found.append(result)
    agrees = [
        _close(mine, target, task.tolerance) for mine, target in zip(found, expected, strict=True)
    ]
    if all(agrees) and single and task.arrays:
        return Report(
            task.name,
            False,
            "right for one number at a time, but the exercise asks for a function that takes an array. An `if` on "
            "the argument is for numbers; `np.where` and `np.maximum` take arrays.",
        )
    if all(agrees):
        return Report(task.name, True, f"right in all {len(task.cases)} cases.{single}")

    for mistake in task.mistakes:
        with np.errstate(all="ignore"):
            wrong = [_numbers(mistake.function(*case.arguments)) for case in task.cases]
        if all(_close(a, b, task.tolerance) for a, b in zip(found, wrong, strict=True)):
            return Report(task.name, False, mistake.says)
    for case, mine, target in zip(task.cases, found, expected, strict=True):
        if mine.shape != target.shape:
            return Report(task.name, False, _shapes(case, mine, target))
    if task.part is not None and (half := task.part(task.cases, found, expected)) is not None:
        return Report(task.name, False, half)
    if (guess := _pattern(found, expected, task.tolerance)) is not None:
        return Report(task.name, False, guess)
    first = agrees.index(False)
    return Report(
        task.name, False, _where(task.cases[first], found[first], expected[first], agrees)
    )


def _kind(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _numbers(value: Any) -> FloatArray:
    """Numbers, lists, pairs of arrays and tensors alike as one array."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    return np.asarray(value, dtype=np.float64)


def _call(function: Function, case: Case, expected: FloatArray) -> tuple[FloatArray | str, bool]:
    """What the function gives in this case, or a sentence on why it gives nothing usable; and: one by one?"""

    def copied(value: Any) -> Any:
        return value.copy() if isinstance(value, np.ndarray) else value

    arguments = [copied(value) for value in case.arguments]
    single = False
    with np.errstate(all="ignore"):
        try:
            result = function(*arguments)
        except Exception as error:
            # A function of one number is as right as one of an array.
            if case.points is None or not isinstance(error, (TypeError, ValueError)):
                return f"it raises {type(error).__name__}: {error}, {case.about}.", single
            single, one_by_one = True, []
            for point in np.asarray(case.arguments[case.points]).tolist():
                arguments[case.points] = point
                try:
                    one_by_one.append(function(*map(copied, arguments)))
                except Exception as inner:
                    return f"it raises {type(inner).__name__}: {inner}, {case.about}.", single
            try:
                result = np.moveaxis(_numbers(one_by_one), 0, -1)
            except (TypeError, ValueError):
                result = one_by_one
    if result is None:
        return f"it returns None, {case.about}. Is the `return` missing?", single
    for name, before, after in zip(range(1, 9), case.arguments, arguments, strict=False):
        if (
            isinstance(before, np.ndarray)
            and isinstance(after, np.ndarray)  # and no point of it
            and not np.array_equal(before, after)
        ):
            return f"it changes its argument number {name} in place; work on a copy.", single
    if _is_complex(result):
        return f"it returns complex numbers, {case.about}: a root of a negative number?", single
    try:
        numbers = _numbers(result)
    except (TypeError, ValueError):
        return f"it returns {_kind(result)} that is no array of numbers, {case.about}.", single
    if numbers.size == expected.size == 1:
        numbers = numbers.reshape(expected.shape)
    return numbers, single


def _is_complex(result: Any) -> bool:
    try:
        return bool(np.iscomplexobj(np.asarray(result)))
    except ValueError:  # a ragged list
        return False


def _close(a: FloatArray, b: FloatArray, tolerance: float) -> bool:
    if a.shape != b.shape:
        return False
    scale = float(np.max(np.abs(b), initial=0.0, where=np.isfinite(b))) or 1.0
    return bool(np.allclose(a, b, rtol=tolerance, atol=0.1 * tolerance * scale, equal_nan=True))


def _shapes(case: Case, found: FloatArray, expected: FloatArray) -> str:
    if found.T.shape == expected.shape:
        return f"its result is transposed: shape {found.shape} instead of {expected.shape}."
    return (
        f"its result has shape {found.shape}, should have {expected.shape}, {case.about}. Is a sum, or a "
        "cut, taken over the wrong axis?"
    )


def _pattern(found: list[FloatArray], expected: list[FloatArray], tolerance: float) -> str | None:
    """A mistake that no one foresaw for this task but that shows in the numbers."""
    if all(not np.isfinite(mine).any() for mine in found):
        return "everything it returns is NaN or infinite: a division by zero or a root of a negative number?"

    def everywhere(change: Callable[[FloatArray], FloatArray], of: list[FloatArray]) -> bool:
        with np.errstate(all="ignore"):
            return all(
                _close(mine, change(target), tolerance)
                for mine, target in zip(found, of, strict=True)
            )

    if everywhere(lambda x: -x, expected):
        return "its values have the wrong sign."
    if everywhere(lambda x: x**2, expected):
        return "its values are the squares of the right ones: a square root is missing."
    if everywhere(lambda x: np.sqrt(np.abs(x)), expected):
        return "its values are the roots of the right ones: one square root too many."
    if any(x.size > 1 for x in expected) and everywhere(lambda x: x[::-1], expected):
        return "the right numbers in reversed order."
    mine, right = (np.concatenate([x.ravel() for x in side]) for side in (found, expected))
    used = np.isfinite(mine) & (right != 0)
    if used.any():
        factor = float(np.median(mine[used] / right[used]))
        if factor != 0 and everywhere(lambda x: factor * x, expected):
            return (
                f"its values are the right ones times {factor:.4g} in every case: look for a constant "
                "factor, as in a normalisation."
            )
        shift = float(np.median(mine[used] - right[used]))
        if everywhere(lambda x: x + shift, expected):
            return (
                f"its values are the right ones plus {shift:.4g} in every case: off by a constant."
            )
    ratios = [
        float(np.median(m[t != 0] / t[t != 0])) if np.any(t != 0) else 1.0
        for m, t in zip(found, expected, strict=True)
    ]
    if all(
        r != 0 and np.isfinite(r) and _close(m, r * t, tolerance)
        for m, t, r in zip(found, expected, ratios, strict=True)
    ) and any(t.size > 1 for t in expected):
        listed = ", ".join(f"{r:.4g}" for r in ratios)
        return (
            f"within a case its values are proportional to the right ones, by the factors {listed}: the "
            "shape is right and the normalisation is not."
        )
    return None


def _where(case: Case, found: FloatArray, expected: FloatArray, agrees: list[bool]) -> str:
    """The first case that differs, with both numbers."""
    bad = ~np.isclose(found, expected, rtol=1e-6, atol=1e-9)
    index = tuple(int(i) for i in np.argwhere(bad)[0]) if bad.any() else (0,) * found.ndim
    right = f"{sum(agrees)} of {len(agrees)} cases are right; " if any(agrees) else ""
    at = f"entry {index if len(index) > 1 else index[0]} " if index else ""
    return (
        f"{right}{case.about}, {at}should be {expected[index]:.6g} and is {found[index]:.6g}. This is none "
        "of the mistakes that the check knows."
    )
