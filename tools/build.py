"""Build the book: execute what is stale, write the pages, and check what was written.

    python tools/build.py                                        the book, into _build/html
    python tools/build.py --only chapters/noise/lens.md --out /tmp/preview     one page, quickly

The first runs every chapter whose text, package modules, lock or stored results have changed since it last ran, several
kernels side by side, one thread each; the pages are then written with every warning an error. The second runs one page
and writes it with what the other chapters last computed, so that references and numbers are the book's own; it prints
the warnings of that page alone.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from dependencies import PACKAGE, code_of, dependencies, fingerprint

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "_build"
CACHE = BUILD / ".jupyter_cache"

# Kernels inherit these. One thread each, because several run side by side; nothing of the reader's own settings.
KERNEL_ENVIRONMENT = {
    **dict.fromkeys(
        ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"], "1"
    ),
    "PYTHONHASHSEED": "0",
    "JUPYTER_PREFER_ENV_PATH": "1",
    "IPYTHONDIR": str(BUILD / ".ipython"),
}


def pages(toc: Path = ROOT / "_toc.yml") -> list[Path]:
    """The sources that the table of contents names, in reading order."""
    found: list[str] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            found.extend(node[key] for key in ("root", "file") if key in node)
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(yaml.safe_load(toc.read_text("utf8")))
    return [ROOT / f"{name}.md" for name in found]


@dataclass
class Chapter:
    """A page with code, as MyST-NB reads it, and the hash of what it depends on."""

    path: Path
    notebook: Any
    depends: str
    needs_data: bool
    root: Path = ROOT

    @property
    def name(self) -> str:
        return self.path.relative_to(self.root).with_suffix("").as_posix()


def read_chapter(path: Path, root: Path = ROOT) -> Chapter | None:
    """None where the page has no code to run; `root` is the folder of the book that it belongs to."""
    from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook

    text = path.read_text("utf8")
    if not is_myst_markdown_notebook(text):
        return None
    notebook = read_myst_markdown_notebook(text, add_source_map=True, path=path)
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    if not cells:
        return None
    files = dependencies(code_of(cells), ROOT, notebook.metadata.get("depends", ()))
    data = ROOT / PACKAGE / "nets" / "data.py"
    return Chapter(path, notebook, fingerprint(files, ROOT), data in files, root)


def record_of(cache: Any, chapter: Chapter) -> Any | None:
    """What the cache holds for this very text, fresh or stale."""
    try:
        return cache.match_cache_notebook(chapter.notebook)
    except KeyError:
        return None


def is_fresh(record: Any | None, chapter: Chapter) -> bool:
    return record is not None and record.data.get("depends") == chapter.depends


def execute(chapters: list[Chapter], jobs: int, path: Path = CACHE) -> list[str]:
    """Run the stale chapters, longest first, and keep their outputs in the cache. Returns the failures."""
    from jupyter_cache import get_cache
    from jupyter_cache.base import CacheBundleIn
    from jupyter_cache.executors.utils import single_nb_execution

    cache = get_cache(str(path))
    stale = [chapter for chapter in chapters if not is_fresh(record_of(cache, chapter), chapter)]
    if not stale:
        print(f"{len(chapters)} chapters with code, none to execute")
        return []
    if any(chapter.needs_data for chapter in stale):
        # Once, here: kernels side by side would both fetch it.
        subprocess.run(
            [sys.executable, "-c", f"from {PACKAGE}.nets import data; data.load('mnist')"],
            check=True,
        )

    last = {
        record.uri: record.data.get("execution_seconds", 0) for record in cache.list_cache_records()
    }
    unknown = {True: float("inf"), False: 1e6}  # a chapter on networks is likely to be a long one
    stale.sort(key=lambda chapter: -last.get(str(chapter.path), unknown[chapter.needs_data]))
    timeout = yaml.safe_load((ROOT / "_config.yml").read_text("utf8"))["execute"]["timeout"]

    def run(chapter: Chapter) -> Any:
        return single_nb_execution(
            chapter.notebook,
            cwd=str(chapter.path.parent),
            timeout=timeout,
            allow_errors=False,
            extra_arguments=["--log-level=ERROR"],
        )

    failures = []
    print(
        f"{len(chapters)} chapters with code, {len(stale)} to execute, {jobs} side by side",
        flush=True,
    )
    with ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(run, chapter): chapter for chapter in stale}
        for future in as_completed(futures):
            chapter, result = futures[future], future.result()
            if result.err is not None:
                failures.append(f"{chapter.name}: a cell failed\n{result.err}")
                print(
                    f"  {chapter.name:34s} FAILED after {result.time:6.1f} s\n{result.err}",
                    flush=True,
                )
                continue
            data = {"execution_seconds": result.time, "depends": chapter.depends}
            bundle = CacheBundleIn(result.nb, str(chapter.path), data=data)
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
            print(f"  {chapter.name:34s} {result.time:6.1f} s", flush=True)
    return failures


def write_pages(
    out: Path,
    *,
    toc: Path,
    strict: bool,
    skip: list[str] | None = None,
    builder: str = "html",
    root: Path = ROOT,
    cache: Path = CACHE,
    more: dict[str, Any] | None = None,
) -> bool:
    """Write the pages below ``out / builder``. Code is not run here: the cache holds its outputs.

    An edition has its sources, its cache and settings of its own: `root`, `cache`, `more`.
    """
    from jupyter_book.sphinx import build_sphinx
    from sphinx.util.console import nocolor

    if not sys.stderr.isatty():
        nocolor()
    overrides = {
        "external_toc_path": str(toc),
        "latex_individualpages": False,
        "nb_execution_cache_path": str(cache),
        "nitpicky": True,
        **({"nb_execution_excludepatterns": skip} if skip else {}),
        # MyST-NB prints no vector graphics unless told to; book_pdf converts them.
        **(
            {"nb_mime_priority_overrides": [["latex", "image/svg+xml", 5]]}
            if builder == "latex"
            else {}
        ),
        **(more or {}),
    }
    status = build_sphinx(
        root,
        out / builder,
        builder=builder,
        path_config=root / "_config.yml",
        noconfig=True,
        confoverrides=overrides,
        warningiserror=strict,
        keep_going=True,
        quiet=True,
    )
    return status == 0


@contextlib.contextmanager
def no_node_left() -> Iterator[None]:
    """Fail where the mathematics renderer outlives the build: it would keep pipes open, and callers waiting."""
    import psutil

    mark = os.environ["BOOK_BUILD"] = uuid.uuid4().hex
    yield
    left = []
    for process in psutil.process_iter(["name"]):
        with contextlib.suppress(psutil.Error):
            if "node" in process.info["name"] and process.environ().get("BOOK_BUILD") == mark:
                left.append(process)
    if left:
        raise SystemExit(
            f"Node outlived the build: {[process.pid for process in left]}. Is its launcher on the PATH?"
        )


def build(jobs: int) -> int:
    from check_site import problems

    start = time.monotonic()
    sources = pages()
    missing = [str(path.relative_to(ROOT)) for path in sources if not path.is_file()]
    if missing:
        print(f"_toc.yml names pages that do not exist: {', '.join(missing)}", file=sys.stderr)
        return 1
    chapters = [chapter for path in sources if (chapter := read_chapter(path)) is not None]
    failures = execute(chapters, jobs)
    if failures:
        print(
            f"\n{len(failures)} of {len(chapters)} chapters failed; the pages were not written.",
            file=sys.stderr,
        )
        return 1
    executed = time.monotonic()
    with no_node_left():
        written = write_pages(BUILD, toc=ROOT / "_toc.yml", strict=True)
    if not written:
        print("\nThe pages have the warnings above; each is an error.", file=sys.stderr)
        return 1
    found = problems(BUILD / "html", ROOT, sources)
    for line in found:
        print(f"problem: {line}", file=sys.stderr)
    if found:
        return 1
    now = time.monotonic()
    print(f"executed in {executed - start:.0f} s, written and checked in {now - executed:.0f} s")
    print(f"The book: {(BUILD / 'html' / 'index.html').as_uri()}  (make serve shows it)")
    return 0


def preview(page: Path, out: Path, jobs: int) -> int:
    from jupyter_cache import get_cache

    chapter = read_chapter(page)
    if chapter is not None and execute([chapter], jobs):
        return 1
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text("utf8"))
    for part in contents["parts"]:
        part["chapters"] = [
            item for item in part["chapters"] if (ROOT / f"{item['file']}.md").is_file()
        ]
    contents["parts"] = [part for part in contents["parts"] if part["chapters"]]
    cache, skip = get_cache(str(CACHE)), []
    for path in pages():
        # The others are shown with their last outputs, fresh or not, and never run.
        if (
            path.is_file()
            and (other := read_chapter(path)) is not None
            and record_of(cache, other) is None
        ):
            skip.append(other.name)
    out.mkdir(parents=True, exist_ok=True)
    toc = out / "_toc.yml"
    toc.write_text(yaml.safe_dump(contents, sort_keys=False))
    warnings = io.StringIO()
    with no_node_left(), contextlib.redirect_stderr(warnings):
        write_pages(out, toc=toc, strict=False, skip=[f"{name}.md" for name in skip])
    text = re.sub(r"\x1b\[[0-9;]*m", "", warnings.getvalue())
    name = page.relative_to(ROOT).with_suffix("").as_posix()
    html = out / "html" / f"{name}.html"
    mine = [line for line in text.splitlines() if f"{name}.md" in line or f"{name}:" in line]
    print("\n".join(mine) or "no warnings on this page")
    if not html.is_file():
        print(text, file=sys.stderr)
        return 1
    print(html.as_uri())
    return 0


def prepare() -> None:
    """Set what kernels and the mathematics renderer inherit, and fetch what pages need of KaTeX."""
    os.environ.update(KERNEL_ENVIRONMENT)
    node = ROOT / ".venv" / "node"
    os.environ["PATH"] = (
        f"{node}{os.pathsep}{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    )
    os.environ.pop("MPLBACKEND", None)  # the kernels' inline backend draws the figures
    subprocess.run(["bash", str(ROOT / "tools" / "katex.sh")], check=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the book.")
    parser.add_argument("--only", type=Path, metavar="PAGE", help="preview this page of _toc.yml")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the preview goes")
    parser.add_argument(
        "--jobs",
        type=int,
        default=min(4, os.cpu_count() or 1),
        help="kernels side by side (default: cores, at most 4)",
    )
    arguments = parser.parse_args()
    if (arguments.only is None) != (arguments.out is None):
        parser.error("--only and --out go together")
    prepare()
    if arguments.only is not None:
        return preview(arguments.only.resolve(), arguments.out.resolve(), arguments.jobs)
    return build(arguments.jobs)


if __name__ == "__main__":
    sys.exit(main())
