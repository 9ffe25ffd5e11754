"""Self-checks: `check` runs a student's function and says what is wrong with it, not only that it is wrong.

A task and the mistakes that it knows belong in the room of its part of the book; how they are tried, in `task`.
"""

from __future__ import annotations

from typing import Any

from . import broadening, cost, course, edge, measures, networks, noise, recovery, score, threshold
from .task import Report, examine

__all__ = ["Report", "check", "tasks"]

_ROOMS = (noise, edge, threshold, broadening, score, networks, measures, recovery, cost, course)
_TASKS = {task.name: task for room in _ROOMS for task in room.TASKS}


def tasks() -> dict[str, str]:
    """What can be checked: the name of each task and the function that it asks for."""
    return {name: task.signature for name, task in _TASKS.items()}


def check(name: str, function: Any = ...) -> Report:
    """Try a function on the cases of a task and say what is wrong with it.

    Parameters
    ----------
    name : str
        The task, as the exercise names it; `tasks` lists them.
    function : callable
        The function that you wrote. Numbers, lists and arrays are all accepted as its result. With the three
        dots ``...`` in its place nothing is checked, and the report repeats what is asked for.

    Returns
    -------
    Report
        The last line of a notebook cell shows it as a sentence; elsewhere, ``print`` it. True if the function is
        right.

    Raises
    ------
    ValueError
        If no task has this name.

    Examples
    --------
    >>> check("cosines", lambda theta, c: (0 * theta, 0 * theta)).passed
    False
    >>> from rmt_helpers import cosines
    >>> check("cosines", lambda theta, c: cosines(theta, c)[::-1])
    ✗ cosines: short and long side are swapped. The short side, with fewer
      coordinates, has the larger one.
    >>> check("cosines", cosines)
    ✓ cosines: right in all 3 cases.
    """
    if not isinstance(name, str) or name not in _TASKS:
        raise ValueError(f"name must be one of {', '.join(_TASKS)}, was {name!r}")
    return examine(_TASKS[name], function)
