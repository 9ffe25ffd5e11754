"""What a person sees: the table in colour and a progress bar, where rich is installed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from .measure import Layer
from .report import COLUMNS, Report, as_text

if TYPE_CHECKING:
    from rich.console import Console

_STYLES = {"noise": "green", "close": "green", "shaped": "yellow", "unfit": "red"}


def show(report: Report) -> None:
    """Print the table and, below it, what was left out."""
    try:
        from rich.console import Console
    except ModuleNotFoundError:
        print(as_text(report))
    else:
        if sys.stdout.isatty():
            _print_rich(report, Console())
        else:
            print(as_text(report))
    for line in (report.left_out(), _legend(report)):
        if line:
            print(line)


def with_progress(layers: Iterable[Layer], total: int) -> Iterator[Layer]:
    """The same layers, with a bar on the error stream while they come, if that is a terminal."""
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
    except ModuleNotFoundError:
        yield from layers
        return
    if not sys.stderr.isatty():
        yield from layers
        return
    columns = "[progress.description]{task.description}", BarColumn(), MofNCompleteColumn()
    console = Console(stderr=True)
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task("matrices", total=total)
        for layer in layers:
            bar.advance(task)
            yield layer


def _print_rich(report: Report, console: Console) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, number in COLUMNS.items():
        folds = name in ("layer", "notes")
        table.add_column(
            name,
            justify="right" if number else "left",
            overflow="fold",
            no_wrap=not folds,
            min_width=12 if folds else None,
        )
    for row in report.rows():
        # Text, not a string: names come from the file, and rich would read [brackets] as style.
        cells = [Text(cell) for cell in row]
        cells[-2].stylize(_STYLES.get(row[-2].partition(" ")[0], ""))
        if row[2] == "–" or not row[3]:
            cells[-1].stylize("red")
        table.add_row(*cells)
    console.print(table)


def _legend(report: Report) -> str:
    if not any(layer.findings for layer in report.layers):
        return ""
    return (
        "rank: singular values above the threshold. Ave_w: their estimated alignment with the "
        "signal. bulk: how the others follow the law (Kolmogorov–Smirnov distance)."
    )
