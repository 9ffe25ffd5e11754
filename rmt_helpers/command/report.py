"""Everything that was found in one file, and its three plain forms: a table, JSON, CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from .measure import Finding, Layer, Options, Plan

# Headers of the table, and which columns hold numbers.
_COLUMNS = {
    "layer": False,
    "matrix": False,
    "method": False,
    "σ̂": True,
    "threshold": True,
    "rank": True,
    "Ave_w": True,
    "bulk": False,
    "trust": False,
    "notes": False,
}

_FIELDS = [
    "layer",
    "shape",
    "dtype",
    "rows",
    "columns",
    "method",
    "sigma",
    "threshold",
    "edge",
    "rank",
    "average_alignment",
    "ks",
    "ks_null",
    "verdict",
    "trust",
    "notes",
]


@dataclass(frozen=True)
class Report:
    """What was found in a file.

    Attributes
    ----------
    model : str
        The file's name.
    options : Options
    plan : Plan
    layers : tuple of Layer
        In the order of the file.
    """

    model: str
    options: Options
    plan: Plan
    layers: tuple[Layer, ...]

    @property
    def failed(self) -> int:
        """How many matrices could not be measured, or not by every method."""
        return sum(layer.failed for layer in self.layers)

    def left_out(self) -> str:
        """A line on what was left out on purpose; empty if nothing was."""
        plan = self.plan
        counts = [
            (plan.vectors, "tensor with fewer than two axes", "tensors with fewer than two axes"),
            (plan.integers, "tensor of integers", "tensors of integers"),
            (
                len(plan.small),
                f"matrix with a side below {self.options.min_size}",
                f"matrices with a side below {self.options.min_size}",
            ),
        ]
        parts = [f"{count} {one if count == 1 else many}" for count, one, many in counts if count]
        return "" if not parts else f"Left out: {', '.join(parts)}."

    @property
    def columns(self) -> dict[str, bool]:
        """The headers of the table, and whether a column holds numbers; trust only where it is told."""
        told = "auto" in self.options.methods
        return {name: number for name, number in _COLUMNS.items() if told or name != "trust"}

    def rows(self) -> list[dict[str, str]]:
        """The table's lines by header: one a matrix and method, or one that says what is wrong."""
        empty = dict.fromkeys(self.columns, "")
        found = [row for layer in self.layers for row in _rows(layer)]
        return [{name: row.get(name, "") for name in empty} for row in found]


def dimensions(layer: Layer) -> str:
    """The matrix, and the tensor that it was made from where that is none."""
    rows, columns = layer.matrix
    text = f"{rows}×{columns}"
    return text if len(layer.shape) == 2 else f"{text} ({'×'.join(map(str, layer.shape))})"


def as_text(report: Report) -> str:
    """The table for a terminal without the library rich."""
    columns = report.columns
    lines = [list(columns), *(list(row.values()) for row in report.rows())]
    # The hat of σ̂ takes no room.
    widths = [max(_width(line[k]) for line in lines) for k in range(len(columns))]
    out = []
    for line in lines:
        cells = [
            " " * (width - _width(cell)) + cell if number else cell + " " * (width - _width(cell))
            for cell, width, number in zip(line, widths, columns.values(), strict=True)
        ]
        out.append("  ".join(cells).rstrip())
    return "\n".join(out)


def as_json(report: Report) -> str:
    """Everything, for programs; what is not defined is null."""
    options, plan = report.options, report.plan
    content = {
        "model": report.model,
        "version": own_version(),
        "settings": {
            "methods": list(options.methods),
            "alpha": options.alpha,
            "beta": options.beta,
            "fast": options.fast,
            "min_size": options.min_size,
            "device": options.device,
        },
        "layers": [
            {
                "layer": layer.name,
                "shape": list(layer.shape),
                "dtype": layer.dtype,
                "matrix": list(layer.matrix),
                "problem": layer.problem or None,
                "fits": [_numbers(finding) for finding in layer.findings],
            }
            for layer in report.layers
        ],
        "left_out": {
            "vectors": plan.vectors,
            "integers": plan.integers,
            "small": list(plan.small),
        },
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)


def as_csv(report: Report) -> str:
    """A line a matrix and method; of a matrix without a spectrum one line, its problem in `notes`."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _FIELDS, lineterminator="\n")
    writer.writeheader()
    for layer in report.layers:
        rows, columns = layer.matrix
        facts = {
            "layer": layer.name,
            "shape": "x".join(map(str, layer.shape)),
            "dtype": layer.dtype,
            "rows": rows,
            "columns": columns,
        }
        if not layer.findings:
            writer.writerow(facts | {"notes": layer.problem})
        for finding in layer.findings:
            numbers = _numbers(finding)
            writer.writerow(facts | numbers | {"notes": "; ".join(finding.notes)})
    return text.getvalue()


def own_version() -> str:
    """The package's version."""
    try:
        return version("rmt-helpers")
    except PackageNotFoundError:  # a copy that was never installed
        return "unknown"


def _rows(layer: Layer) -> list[dict[str, str]]:
    first = {"layer": layer.name, "matrix": dimensions(layer)}
    if not layer.findings:
        return [first | {"method": "–", "notes": f"skipped: {layer.problem}"}]
    rows: list[dict[str, str]] = []
    for finding in layer.findings:
        rows.append((first if not rows else {}) | {"method": finding.method})
        fit, bulk = finding.fit, finding.bulk
        if fit is None or bulk is None:
            rows[-1] |= {"notes": f"refused: {finding.notes[0]}"}
            continue
        rows[-1] |= {
            "σ̂": f"{fit.sigma:.4g}",
            "threshold": f"{fit.threshold:.4g}",
            "rank": str(fit.n_signal),
            "Ave_w": "–" if math.isnan(finding.score) else f"{finding.score:.3f}",
            "bulk": f"{bulk.verdict} ({bulk.ks:.3f})",
            "trust": finding.trust,
            "notes": "; ".join(finding.notes),
        }
    return rows


def _numbers(finding: Finding) -> dict[str, Any]:
    fit, bulk = finding.fit, finding.bulk
    if fit is None or bulk is None:
        empty = dict.fromkeys(_FIELDS[_FIELDS.index("sigma") : _FIELDS.index("notes")])
        return {"method": finding.method, **empty, "notes": list(finding.notes)}
    return {
        "method": finding.method,
        "sigma": fit.sigma,
        "threshold": fit.threshold,
        "edge": fit.edge,
        "rank": fit.n_signal,
        "average_alignment": None if math.isnan(finding.score) else finding.score,
        "ks": bulk.ks,
        "ks_null": bulk.ks_null,
        "verdict": bulk.verdict,
        "trust": finding.trust or None,
        "notes": list(finding.notes),
    }


def _width(text: str) -> int:
    return len(text) - text.count("\u0302")
