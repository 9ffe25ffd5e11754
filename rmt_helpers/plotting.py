"""One look for every figure of the book: palette, sizes, and the three marks that recur.

Chapters alone import this room. A colour means the same thing in every figure; figures are transparent vector
graphics without a title (the caption carries it), so that the page can show them on light and on dark paper.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

__all__ = [
    "COLORS",
    "density_histogram",
    "figure",
    "filled",
    "law_curve",
    "table",
    "threshold_line",
    "use_style",
]

#: What each colour means. They stay apart for readers who see few colours, on light paper and inverted on dark
#: paper (tests/helpers/test_plotting.py measures both).
COLORS: dict[str, str] = {
    "data": "#787e88",  # what was measured or simulated
    "theory": "#0f1525",  # what a formula predicts
    "bema": "#a90f01",  # red, as in the paper
    "broadening": "#0044cc",  # blue, as in the paper
    "alignment": "#2ca757",  # green circles, as in the paper
    "accuracy": "#b66dcf",  # purple squares, as in the paper
    "oracle": "#cd8312",  # what only a simulation can know
    "muted": "#8a8f98",  # the background of a comparison
    "ink": "#3b4554",  # axes, text, annotations
}

#: Inches. The page shows every figure at one scale, so a narrower figure is a less important one.
WIDTHS: dict[str, float] = {"full": 6.2, "wide": 5.2, "half": 3.6}

_STYLE: dict[str, Any] = {
    # Large enough to be read where a phone shrinks a full-width figure to 340 pixels.
    "font.family": "sans-serif",
    "font.size": 11,
    "axes.labelsize": 11,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "legend.fontsize": 10,
    "mathtext.fontset": "dejavusans",
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
    "axes.linewidth": 0.9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": COLORS["ink"],
    "axes.labelcolor": COLORS["ink"],
    "text.color": COLORS["ink"],
    "xtick.color": COLORS["ink"],
    "ytick.color": COLORS["ink"],
    "axes.prop_cycle": mpl.cycler(  # type: ignore[attr-defined]
        color=[COLORS[k] for k in ("data", "bema", "broadening", "alignment", "accuracy", "oracle")]
    ),
    "image.cmap": "cividis",
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    # Transparent, in the one way that the inline backend honours for vector graphics.
    "savefig.transparent": True,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "figure.dpi": 100,
    # The same figure gives the same file.
    "svg.hashsalt": "signal-and-noise",
}


class Law(Protocol):
    """What `law_curve` needs of a law."""

    def pdf(self, x: Any, /) -> Any: ...
    def ppf(self, q: Any, /) -> Any: ...


def use_style() -> None:
    """Give matplotlib the book's look; in a notebook, make its figures vector graphics."""
    mpl.rcParams.update(_STYLE)  # type: ignore[arg-type]
    if mpl.get_backend().rpartition(".")[2] in {"inline", "backend_inline"}:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("svg", metadata={"Date": None})  # type: ignore[no-untyped-call]


def figure(
    width: str = "full", height: float | None = None, ncols: int = 1, **kwargs: Any
) -> tuple[Figure, Any]:
    """Make a figure and its axes.

    Parameters
    ----------
    width : {"full", "wide", "half"}
        How much of the text's width the figure deserves.
    height : float, optional
        In inches; by default half the width a panel, within reason.
    ncols : int
        Panels side by side; other arguments of `matplotlib.pyplot.subplots` (``nrows``, ``sharex`` …) go through.

    Returns
    -------
    fig, axes
        As from `matplotlib.pyplot.subplots`: one axes, or an array of them.
    """
    if width not in WIDTHS:
        raise ValueError(f"width should be one of {sorted(WIDTHS)}, was {width!r}")
    if height is None:
        height = min(0.56 * WIDTHS[width], max(2.4, 0.85 * WIDTHS[width] / ncols)) * kwargs.get(
            "nrows", 1
        )
    return plt.subplots(
        ncols=ncols, figsize=(WIDTHS[width], height), layout="constrained", **kwargs
    )


def filled(color: str) -> dict[str, Any]:
    """How an area that is data looks: a light filling, so that a curve shows on it, in an outline that all can see."""
    return {"facecolor": (color, 0.35), "edgecolor": color, "linewidth": 0.9}


def density_histogram(ax: Axes, values: ArrayLike, bins: Any = 60, **kwargs: Any) -> Any:
    """Draw a histogram of unit area, `filled` in the colour of data; returns what `Axes.hist` returns."""
    color = kwargs.pop("color", COLORS["data"])
    style = {"histtype": "stepfilled", **filled(color), **kwargs}
    return ax.hist(np.asarray(values), bins=bins, density=True, **style)


def law_curve(
    ax: Axes,
    law: Law,
    *,
    color: str = COLORS["theory"],
    label: str | None = None,
    mass: float = 1.0,
    **kwargs: Any,
) -> Line2D:
    """Draw a law's density over its support, scaled to the share `mass` of all values that follow the law."""
    if not 0 < mass <= 1:
        raise ValueError(f"mass should lie in (0, 1], was {mass!r}")
    support = getattr(law, "support", None)
    low, high = support() if support is not None else law.ppf(np.array([1e-5, 1 - 1e-5]))
    # Densely near both ends, where the density rises like a square root (or, at c = 1, falls from infinity).
    x = low + (high - low) * (1 - np.cos(np.linspace(0, np.pi, 401))) / 2
    y = np.asarray(law.pdf(x), dtype=float)
    finite = np.isfinite(y)
    (line,) = ax.plot(x[finite], mass * y[finite], color=color, label=label, **kwargs)
    return line


def threshold_line(
    ax: Axes, x: float, *, color: str = COLORS["ink"], label: str | None = None, **kwargs: Any
) -> Line2D:
    """Draw a threshold: a vertical line through the whole height of the axes."""
    return ax.axvline(float(x), color=color, label=label, **{"linewidth": 1.5, **kwargs})


@dataclass(frozen=True)
class Table:
    """Rows that a page shows as a real table (mathematics allowed) and a terminal as text."""

    rows: tuple[Mapping[str, Any], ...]

    def _repr_markdown_(self) -> str:
        header = list(self.rows[0])
        lines = [
            header,
            ["---"] * len(header),
            *([row[key] for key in header] for row in self.rows),
        ]
        # A bar in a cell, of |x| say, would end the cell.
        return "\n".join(
            "| " + " | ".join(str(cell).replace("|", r"\|") for cell in line) + " |"
            for line in lines
        )

    def __repr__(self) -> str:
        return self._repr_markdown_()


def table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Make a table from rows that all have the keys of the first; the keys are its head."""
    if not rows:
        raise ValueError("rows should hold at least one row, was empty")
    for row in rows:
        if list(row) != list(rows[0]):
            raise ValueError(f"rows should all have the keys {list(rows[0])}, one had {list(row)}")
    return Table(tuple(rows))
