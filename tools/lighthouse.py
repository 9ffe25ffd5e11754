"""Measure a few pages with Lighthouse, as a phone and as a desktop, and keep the medians in results/lighthouse.json.

    python tools/lighthouse.py [--runs 3]

The site is served compressed from this machine. Lighthouse itself simulates the slow connection and processor of a
phone, yet a busy machine lowers the scores: measure when little else runs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from check_browser import NO_BROWSER, QUIET, chromium
from site_server import serve

ROOT = Path(__file__).resolve().parents[1]
LIGHTHOUSE = "13.5.0"
RESULT = ROOT / "results" / "lighthouse.json"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
AUDITS = {
    "largest_paint_s": ("largest-contentful-paint", 1000),
    "blocking_ms": ("total-blocking-time", 1),
    "layout_shift": ("cumulative-layout-shift", 1),
    "kilobytes": ("total-byte-weight", 1000),
}


def goals(kind: str, device: str) -> dict[str, float]:
    """What a page should reach: scores at least, seconds to the largest paint at most."""
    full = dict.fromkeys(CATEGORIES[1:], 100.0)
    if device == "desktop":
        return {"performance": 98.0, **full}
    fast = kind == "text"
    return {"performance": 95.0 if fast else 90.0, **full, "largest_paint_s": 2.5 if fast else 3.0}


def missed(row: dict[str, Any]) -> list[str]:
    """The goals that a row of the table does not reach."""
    return [
        name
        for name, goal in goals(row["kind"], row["device"]).items()
        if (row[name] > goal if name == "largest_paint_s" else row[name] < goal)
    ]


def kind_of(page: str) -> str:
    return "mathematics" if 'class="katex"' in page else "text"


def sample(html: Path) -> dict[str, str]:
    """The landing page, a page of text, the heaviest chapter, and each page with something to move."""
    chapters = sorted((html / "chapters").rglob("*.html"), key=lambda path: path.stat().st_size)
    chosen = {"landing page": "book/index", "text": "book/how-to-use"}
    if chapters:
        chosen["heaviest chapter"] = chapters[-1].relative_to(html).with_suffix("").as_posix()
    control = re.compile(r'<input[^>]*type="range"')
    moving = [
        path.relative_to(html).with_suffix("").as_posix()
        for path in sorted(html.rglob("*.html"))
        if control.search(path.read_text("utf8"))
    ]
    if moving:
        chosen["explorer"] = moving[0]
    return chosen


def tool() -> list[str]:
    """The command, installed once with npm, run by the Node of the environment."""
    home = ROOT / ".cache" / "lighthouse"
    script = home / "node_modules" / "lighthouse" / "cli" / "index.js"
    package = script.parent.parent / "package.json"
    if not package.is_file() or json.loads(package.read_text())["version"] != LIGHTHOUSE:
        home.mkdir(parents=True, exist_ok=True)
        npm = str(ROOT / ".venv" / "bin" / "npm")
        options = ["--silent", "--no-audit", "--no-fund", "--prefix", str(home)]
        subprocess.run([npm, "install", *options, f"lighthouse@{LIGHTHOUSE}"], check=True)
    return [str(ROOT / ".venv" / "node" / "node"), str(script)]


def measure(command: list[str], url: str, device: str, browser: str) -> dict[str, float]:
    flags = ["--headless=new", *QUIET]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        flags.append("--no-sandbox")
    options = ["--quiet", "--output=json", f"--chrome-flags={' '.join(flags)}"]
    options += ["--preset=desktop"] if device == "desktop" else []
    done = subprocess.run(
        [*command, url, *options],
        env={**os.environ, "CHROME_PATH": browser},
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    report = json.loads(done.stdout)
    scores = {name: 100 * report["categories"][name]["score"] for name in CATEGORIES}
    numbers = {
        name: report["audits"][audit]["numericValue"] / unit
        for name, (audit, unit) in AUDITS.items()
    }
    return {**scores, **numbers}


def summary(runs: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(median(run[name] for run in runs), 3) for name in runs[0]}


def commit(root: Path = ROOT) -> str:
    """What was measured, as git knows it: pages change more often than they are measured."""
    describe = ["git", "-C", str(root), "describe", "--always", "--abbrev=10", "--exclude=*"]
    done = subprocess.run([*describe, "--dirty= and changes"], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure pages with Lighthouse.")
    parser.add_argument("--site", type=Path, default=ROOT / "_build" / "html")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--result", type=Path, default=RESULT)
    arguments = parser.parse_args()
    if not (arguments.site / "index.html").is_file():
        print(f"No site in {arguments.site}: run make book first.", file=sys.stderr)
        return 1
    browser = chromium()
    if browser is None:
        print(NO_BROWSER, file=sys.stderr)
        return 1
    command, rows = tool(), []
    with serve(arguments.site) as base:
        for what, page in sample(arguments.site).items():
            kind = kind_of((arguments.site / f"{page}.html").read_text("utf8"))
            for device in ("phone", "desktop"):
                runs = [
                    measure(command, f"{base}/{page}.html", device, browser)
                    for _ in range(arguments.runs)
                ]
                row = {"what": what, "page": page, "kind": kind, "device": device, **summary(runs)}
                row["spread"] = [
                    min(r["performance"] for r in runs),
                    max(r["performance"] for r in runs),
                ]
                row["missed"] = missed(row)
                rows.append(row)
                print(
                    f"{what:17s} {device:8s} {' / '.join(f'{row[name]:.0f}' for name in CATEGORIES)}"
                    f"   paint {row['largest_paint_s']:.1f} s   missed: {', '.join(row['missed']) or 'none'}",
                    flush=True,
                )
    version = subprocess.run([browser, "--version"], capture_output=True, text=True).stdout.strip()
    provenance = {
        "commit": commit(),
        "lighthouse": LIGHTHOUSE,
        "browser": " ".join(re.findall(r"^\w+ [\d.]+", version)) or version,
        "date": time.strftime("%Y-%m-%d"),
        "runs": arguments.runs,
        "machine": f"{platform.system()}, {platform.machine()}, {os.cpu_count()} cores",
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "served": "gzip, from the same machine",
    }
    text = json.dumps({"provenance": provenance, "rows": rows}, indent=1)
    arguments.result.write_text(text + "\n", "utf8")
    return 1 if any(row["missed"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
