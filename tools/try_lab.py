"""Run every chapter in a real JupyterLab, in the environment that Binder gets, and record what memory it takes.

    python tools/try_lab.py [CHAPTER ...] [--folder DIR] [--result results/lab.json]

A copy of the book gets a fresh virtual environment from `.binder/postBuild` (TORCH_INDEX="" where only the registry can
be reached), `.binder/start` starts JupyterLab in it, and a headless Chromium opens one notebook after the other and
chooses Run, Run All Cells. A chapter passes where each cell ran, none with an error, and server and kernel together
stayed below what a Binder server has. Chapters that are not named keep what the record says of them. With `--folder`
the environment is kept, and used again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.request import urlopen

import notebooks
import psutil
from check_browser import NO_BROWSER, QUIET, chromium
from takeaway import tracked

from rmt_helpers.experiments.store import write_whole

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "results" / "lab.json"
LIMIT = 2000  # megabytes: a Binder server has two gigabytes
SHOWN = ("jupyterlab", "jupyterlab-myst", "jupyter-server", "ipykernel", "torch", "numpy")
# What the notebook in front says of itself.
STATE = """() => {
  const panel = window.jupyterapp.shell.currentWidget;
  const model = panel?.content?.model, session = panel?.sessionContext;
  if (!model || !session?.session?.kernel) return null;
  const cells = Array.from(model.cells).filter((cell) => cell.type === "code");
  return {
    path: panel.context.path,
    kernel: session.session.kernel.status,
    cells: cells.length,
    ran: cells.filter((cell) => cell.executionCount !== null).length,
    errors: cells.flatMap((cell) => cell.outputs.toJSON())
      .filter((output) => output.output_type === "error")
      .map((output) => `${output.ename}: ${output.evalue}`),
  };
}"""


def environment(folder: Path) -> dict[str, str]:
    """The environment's variables: its own programs first, no setting of the user's, none left behind."""
    own = folder / ".jupyter"
    return {
        **{key: value for key, value in os.environ.items() if key != "RMT_RESULTS"},
        "PATH": f"{folder / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": str(folder / ".venv"),
        "UV_NO_CACHE": "false",
        "IPYTHONDIR": str(own / "ipython"),
        **{
            f"JUPYTER{name}_DIR": str(own / name.strip("_").lower())
            for name in ("_CONFIG", "_DATA", "_RUNTIME", "LAB_SETTINGS", "LAB_WORKSPACES")
        },
    }


def install(folder: Path) -> None:
    """Copy the book's files into `folder` and make the environment there, as Binder does."""
    for name, path in tracked().items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        assert isinstance(path, Path)
        target.write_bytes(path.read_bytes())
    if not (folder / ".venv" / "bin" / "jupyter").is_file():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder / ".venv"], check=True)
        build = ["bash", ".binder/postBuild"]
        subprocess.run(build, cwd=folder, env=environment(folder), check=True)


@contextmanager
def lab(folder: Path) -> Iterator[tuple[str, str, psutil.Process]]:
    """JupyterLab on a port of its own: its address, its token, its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    command = ["bash", ".binder/start", "jupyter", "lab", "--no-browser", "--ip=127.0.0.1"]
    command += [f"--port={port}", f"--IdentityProvider.token={token}", "--expose-app-in-browser"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    with (folder / "lab.log").open("w") as log:
        server = subprocess.Popen(
            command, cwd=folder, env=environment(folder), stdout=log, stderr=subprocess.STDOUT
        )
        try:
            url = f"http://127.0.0.1:{port}"
            for _ in range(120):
                try:
                    urlopen(f"{url}/api?token={token}", timeout=5).close()
                    break
                except (URLError, OSError):
                    if server.poll() is not None:
                        break
                    time.sleep(1)
            else:
                server.kill()
            if server.poll() is not None:
                raise SystemExit(f"JupyterLab did not start:\n{(folder / 'lab.log').read_text()}")
            yield url, token, psutil.Process(server.pid)
        finally:
            server.terminate()
            server.wait(60)


def peaks(server: psutil.Process) -> tuple[int, int]:
    """The most memory that the server, and what it started, ever held, in MB (Linux keeps the mark)."""

    def peak(process: psutil.Process) -> int:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:  # it has ended
            return 0
        marks = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
        return round(int(marks[0]) * 1024 / 1e6) if marks else 0

    return peak(server), sum(map(peak, server.children(recursive=True)))


def run_all(
    page: Page, name: str, server: psutil.Process, url: str, token: str, wait: float
) -> dict[str, Any]:
    """Open a notebook, run it by the menu, and wait until its kernel rests."""
    page.goto(f"{url}/lab/tree/{name}?reset&token={token}")

    def state() -> dict[str, Any] | None:
        found: dict[str, Any] | None = page.evaluate(STATE)
        return found if found is not None and found["path"] == name else None

    def until(done: Any, seconds: float) -> dict[str, Any]:
        end, found = time.monotonic() + seconds, None
        while time.monotonic() < end:
            found = state()
            if found is not None and done(found):
                return found
            page.wait_for_timeout(500)
        raise TimeoutError(f"{name}: {found} after {seconds:.0f} s")

    page.wait_for_function("() => window.jupyterapp !== undefined", timeout=120_000)
    until(lambda found: found["kernel"] == "idle" and found["cells"] > 0, 180)
    start = time.monotonic()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    try:
        rests = until(
            lambda found: (
                found["kernel"] == "idle" and (found["ran"] == found["cells"] or found["errors"])
            ),
            wait,
        )
    except TimeoutError as error:  # the other chapters still get their turn
        rests = {"cells": 0, "ran": 0, **(state() or {}), "errors": [str(error)]}
    seconds = time.monotonic() - start
    own, kernel = peaks(server)
    page.evaluate("() => window.jupyterapp.commands.execute('kernelmenu:shutdown')")
    end = time.monotonic() + 60
    while server.children() and time.monotonic() < end:
        page.wait_for_timeout(200)
    return {
        "chapter": name.removeprefix("chapters/").removesuffix(".ipynb"),
        "cells": rests["cells"],
        "ran": rests["ran"],
        "errors": rests["errors"],
        "seconds": round(seconds),
        "server_mb": own,
        "kernel_mb": kernel,
        "date": time.strftime("%Y-%m-%d"),
        "commit": said("git", "rev-parse", "--short=12", "HEAD"),
    }


def missed(row: dict[str, Any]) -> list[str]:
    """What a chapter did not do."""
    found = [str(error) for error in row["errors"]]
    if row["ran"] < row["cells"]:
        found.append(f"{row['cells'] - row['ran']} cells did not run")
    if (memory := row["server_mb"] + row["kernel_mb"]) >= LIMIT:
        found.append(f"{memory} MB")
    return found


def said(*command: str) -> str:
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()


def provenance(folder: Path, browser: str) -> dict[str, Any]:
    code = (
        "import json, importlib.metadata as m, sys;"
        f"print(json.dumps({{n: m.version(n) for n in {SHOWN!r}}} | {{'python': sys.version.split()[0]}}))"
    )
    python = str(folder / ".venv" / "bin" / "python")

    return {
        "browser": " ".join(said(browser, "--version").split()[:2]),
        "versions": json.loads(said(python, "-c", code)),
        "machine": f"{platform.system()}, {platform.machine()}, {os.cpu_count()} cores",
        "limit_mb": LIMIT,
    }


def main() -> int:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description="Run every chapter in JupyterLab.")
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER", help="such as noise/lens")
    parser.add_argument("--folder", type=Path, help="where the environment is made and kept")
    parser.add_argument("--result", type=Path, default=RESULT)
    parser.add_argument("--wait", type=float, default=1800, help="seconds for a chapter, at most")
    arguments = parser.parse_args()
    if (browser := chromium()) is None:
        print(NO_BROWSER, file=sys.stderr)
        return 1
    names = [f"chapters/{name}.ipynb" for name in arguments.chapters] or [
        page.relative_to(ROOT).with_suffix(".ipynb").as_posix()
        for page in notebooks.chapters()
        if page.is_relative_to(ROOT / "chapters")
    ]
    rows: dict[str, dict[str, Any]] = {}
    if arguments.chapters and arguments.result.is_file():
        rows = {row["chapter"]: row for row in json.loads(arguments.result.read_text())["rows"]}
    tried = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = (arguments.folder or Path(temporary)).resolve()
        install(folder)
        about = provenance(folder, browser)
        with lab(folder) as (url, token, server), sync_playwright() as playwright:
            root = hasattr(os, "geteuid") and os.geteuid() == 0
            window = playwright.chromium.launch(
                executable_path=browser, args=[*QUIET, *(["--no-sandbox"] if root else [])]
            )
            for name in names:
                page = window.new_page()
                row = run_all(page, name, server, url, token, arguments.wait)
                page.close(run_before_unload=False)
                tried.append(row)
                rows[row["chapter"]] = row
                record = {"provenance": about, "rows": [rows[key] for key in sorted(rows)]}
                write_whole(arguments.result, (json.dumps(record, indent=1) + "\n").encode())
                print(
                    f"{row['chapter']:28s} {row['ran']:3d} of {row['cells']:3d} cells {row['seconds']:5d} s   "
                    f"server {row['server_mb']} MB, kernel {row['kernel_mb']} MB   "
                    f"missed: {', '.join(missed(row)) or 'nothing'}",
                    flush=True,
                )
            window.close()
    return 1 if any(map(missed, tried)) else 0


if __name__ == "__main__":
    sys.exit(main())
