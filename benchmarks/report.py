"""Turn a pytest-benchmark run into the table that the book shows.

    python benchmarks/report.py RUN.json results/benchmarks.json

A row is a ratio of two medians of the same run; its range is the fastest round over the slowest of the other,
and the other way round. A missed goal is written down as missed, and the exit status says so.
"""

import json
import os
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True)
class Goal:
    """A ratio that the project promises: `at_most` for costs, `at_least` for speed-ups."""

    target: str  # the benchmark group
    what: str
    against: str
    sides: tuple[str, str] = ("ours", "other")
    at_most: float | None = None
    at_least: float | None = None
    scale: float = 1.0  # how many of the other's measurements make up the whole

    def ratio(self, ours: float, other: float) -> float:
        cost = ours / (other * self.scale)
        return cost if self.at_least is None else 1 / cost

    @property
    def words(self) -> str:
        return f"≤ {self.at_most:g}" if self.at_least is None else f"≥ {self.at_least:g}"

    def holds(self, ratio: float) -> bool:
        return ratio <= self.at_most if self.at_least is None else ratio >= self.at_least


def goals() -> list[Goal]:
    svd = "`numpy.linalg.svd`, values only"
    loop = "quadrature inside a root search"
    loader = "DataLoader and ToTensor"
    rows = [
        Goal("import", "`import rmt_helpers`", "`import torch`", at_most=0.4),
        Goal("spectrum", "`Spectrum.of`, 512 × 784", svd, at_most=1.05),
        Goal("spectrum", '`Spectrum.of(W, method="gram")`', svd, ("gram", "other"), at_most=0.5),
        Goal("bema 512", "`bema` after the SVD, 512 × 784", svd, at_most=0.03),
        Goal("bema 84", "`bema` after the SVD, 84 × 120", svd, at_most=3),
        Goal("quantiles", "512 Marchenko–Pastur quantiles", loop, at_least=300, scale=64),
    ]
    for model in ("MLP", "small AlexNet"):
        group, bare = f"model {model}", f"bare SVDs of the {model}"
        watcher = f"weightwatcher with `mp_fit`, {model}"
        both = "spectra, `bema` and `gaussian_broadening`"
        rows += [
            Goal(group, "spectra and `bema`", bare, ("bema", "bare"), at_most=1.15),
            Goal(group, both, bare, ("both", "bare"), at_most=1.2),
            Goal(group, "spectra and `bema`", watcher, ("bema", "weightwatcher"), at_least=10),
        ]
        group, what = f"command {model}", f"`rmt-thresholds`, {model}"
        rows += [
            Goal(group, f"{what}, BEMA", bare, ("bema", "bare"), at_most=1.15),
            Goal(group, f"{what}, both methods", bare, ("both", "bare"), at_most=1.2),
            Goal(group, f"{what}, BEMA", watcher, ("bema", "weightwatcher"), at_least=15),
        ]
    for batch, rival, floor in ((16, 1.3, 4), (64, 1.7, 2.2), (256, 1.9, 1.7), (1024, 2.0, 1.7)):
        group, what = f"epoch {batch}", f"an epoch of the MLP, batch {batch}"
        products = "its eight matrix products"
        rows += [
            Goal(group, what, loader, ("ours", "rival"), at_least=rival),
            Goal(group, what, products, ("ours", "floor"), at_most=floor),
        ]
    for model, images, rival in (
        ("LeNet-5", loader, 1.9),
        ("small AlexNet", f"{loader}, RandomCrop and flip", 1.5),
    ):
        what = f"an epoch of the {model}, batch 128"
        rows.append(Goal(f"epoch {model}", what, images, ("ours", "rival"), at_least=rival))
    one_by_one = "one after the other"
    rows.append(Goal("two seeds", "two MLPs side by side, wall time", one_by_one, at_least=1.6))
    for layer, passes in (("fc2", 30), ("fc1", 230)):
        what = f"accuracy at all 513 ranks of {layer.upper()}"
        rows.append(Goal(f"sweep {layer}", what, "one forward pass", at_most=passes))
    return rows


def seconds(run: dict) -> dict[tuple[str, str], tuple[float, float, float]]:
    """Median, least and largest seconds of one call, by group and side."""
    found = {}
    for bench in run["benchmarks"]:
        info, stats = bench["extra_info"], bench["stats"]
        times = (stats[k] / info["repeat"] for k in ("median", "min", "max"))
        found[bench["group"], info["side"]] = tuple(times)
    return found


def main(source: str, destination: str) -> int:
    run = json.loads(Path(source).read_text())
    times = seconds(run)
    rows = []
    for goal in goals():
        ours, other = (times[goal.target, side] for side in goal.sides)
        ratio = goal.ratio(ours[0], other[0])
        low, high = sorted((goal.ratio(ours[1], other[2]), goal.ratio(ours[2], other[1])))
        rows.append(
            {
                "name": "cost" if goal.at_least is None else "speed-up",
                "what": goal.what,
                "against": goal.against,
                "ratio": round(ratio, 4),
                "low": round(low, 4),
                "high": round(high, 4),
                "target": goal.words,
                "ok": goal.holds(ratio),
            }
        )
        mark = "  " if rows[-1]["ok"] else "✗ "
        spread = f"{ratio:.3g} ({low:.3g} to {high:.3g})"
        print(f"{mark}{goal.what} / {goal.against}: {spread}, goal {goal.words}")
    provenance = {
        "date": run["datetime"][:10],
        "processor": run["machine_info"]["cpu"].get("brand_raw", platform.processor()),
        "cores": os.cpu_count(),
        "threads": 1,
        "python": platform.python_version(),
        **{name: version(name) for name in ("numpy", "scipy", "torch", "weightwatcher")},
    }
    beside = Path(destination).with_suffix(".part")
    table = {"provenance": provenance, "rows": rows}
    beside.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n")
    beside.replace(destination)
    return 0 if all(row["ok"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
