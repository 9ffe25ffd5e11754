"""What a person sees: the table in colour and a progress bar, where rich is installed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from .measure import Layer
from .report import Report, as_text

if TYPE_CHECKING:
    from rich.console import Console

_STYLES = {"noise": "green", "close": "green", "shaped": "yellow", "unfit": "red"}
_STYLES |= {"high": "green", "fair": "yellow", "low": "red"}


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
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, number in report.columns.items():
        narrowest = {"layer": 12, "matrix": 9, "bulk": 7, "notes": 12}.get(name)
        table.add_column(
            name,
            justify="right" if number else "left",
            overflow="fold",
            no_wrap=narrowest is None,
            min_width=narrowest,
        )
    for row in report.rows():
        # Text, not a string: names come from the file, and rich would read [brackets] as style.
        cells = {name: Text(cell) for name, cell in row.items()}
        for name in {"bulk", "trust"} & set(cells):
            cells[name].stylize(_STYLES.get(row[name].partition(" ")[0], ""))
        if not row["rank"]:
            cells["notes"].stylize("red")
        table.add_row(*cells.values())
    # A terminal that is too narrow wraps long lines; rich would leave out the last columns.
    least = Measurement.get(console, console.options.update(width=1000), table).minimum
    console.width = max(console.width, least)
    console.print(table)


def _legend(report: Report) -> str:
    if not any(layer.findings for layer in report.layers):
        return ""
    trust = " trust: how far to rely on the rank." if "trust" in report.columns else ""
    return (
        "rank: singular values above the threshold. Ave_w: their estimated alignment with the "
        f"signal. bulk: how the others follow the law (Kolmogorov–Smirnov distance).{trust}"
    )
