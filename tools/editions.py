"""Make the student's and the instructor's edition of the book, each from the same sources.

    python tools/editions.py student [--out DIR]        without solutions: a site and notebooks
    python tools/editions.py instructor [--out DIR]     with solutions open and marking notes

The student's edition has a place for each solution and keeps the self-checks. Its pages show what the book's own cells
computed last: the cells of the solutions are taken out of the record, so nothing of theirs is on any page, and cells
outside solutions never use what a solution computed (the tests see to both). `--execute` runs the student's chapters
anew instead. Both commands need a built book (`make book`).
"""

from __future__ import annotations

import argparse
import html
import re
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import build
import yaml
from book_rules import PROOF, Page
from build import Chapter
from takeaway import notebook_files

ROOT = build.ROOT

# A block that only instructors see, with the empty line behind it; as in book/_ext/course.py, which a test compares.
INSTRUCTORS_ONLY = re.compile(r"^(`{3,})\{(marking|answer)\}[^\n]*\n(.*?)^\1[ ]*\n\n?", re.M | re.S)
EXERCISE = re.compile(r"^(`{3,})\{exercise\} *([^\n]*)\n(.*?)^\1[ ]*$", re.M | re.S)
SOLUTION = re.compile(
    r"^(`{3,})\{solution-start\}[^\n]*\n.*?^(`{3,})\{solution-end\}[^\n]*\n\2[ ]*\n\n?", re.M | re.S
)
STUDENT_README = """\
Write each solution in the cell that has its name. Where a function is asked for, the cell below runs it on cases and
says what is wrong with it. The pages of the book are in `../site`: open `index.html` in a browser."""
INSTRUCTOR_README = """\
Solutions are open, with marking notes below them. The pages are in `../site`: open `index.html` in a browser."""
PLACEHOLDER = "# Your solution: {title}"
PROOF_PLACEHOLDER = "\n# (A proof goes into a text cell of its own.)"


# Texts --------------------------------------------------------------------------------------------


def is_notebook(text: str) -> bool:
    return text.startswith("---\njupytext:")


def reader_text(text: str) -> str:
    """A page without what only instructors see."""
    return INSTRUCTORS_ONLY.sub("", text)


def student_text(text: str) -> str:
    """A page without its solutions and notes; a notebook gets a cell in their place."""
    text = SOLUTION.sub("", reader_text(text))
    if not is_notebook(text):
        return text

    def with_place(match: re.Match[str]) -> str:
        cell = PLACEHOLDER.format(title=re.sub(r"[$\\]", "", match[2]))
        if PROOF.search(match[3]):
            cell += PROOF_PLACEHOLDER
        return f"{match[0]}\n\n```{{code-cell}} ipython3\n:tags: [your-solution]\n\n{cell}\n```"

    return EXERCISE.sub(with_place, text)


def instructor_text(text: str) -> str:
    """A page for a notebook of the instructor's: notes as quotations, which every notebook shows."""

    def quoted(match: re.Match[str]) -> str:
        lines = f"**{match[2].capitalize()}.** {match[3].strip()}".splitlines()
        return "\n".join(f"> {line}".rstrip() for line in lines) + "\n\n"

    return INSTRUCTORS_ONLY.sub(quoted, text)


def kept_cells(text: str) -> list[bool]:
    """For each code cell of a page, in order: is it outside all solutions?"""
    ranges = [
        (text.count("\n", 0, hit.start()) + 1, text.count("\n", 0, hit.end()) + 1)
        for hit in SOLUTION.finditer(text)
    ]
    return [
        not any(first <= cell.line < last for first, last in ranges)
        for cell in Page("page", text).cells
    ]


# Executed notebooks -------------------------------------------------------------------------------


def without_solutions(executed: Any, text: str) -> Any:
    """The executed notebook of `student_text(text)`, made from that of `text`."""
    from myst_nb.core.read import read_myst_markdown_notebook

    notebook = read_myst_markdown_notebook(student_text(text), add_source_map=True)
    ran = [cell for cell in executed.cells if cell.cell_type == "code"]
    kept = kept_cells(text)
    if len(ran) != len(kept):
        raise ValueError(
            f"executed must have the {len(kept)} code cells of the text, had {len(ran)}"
        )
    left = iter([cell for cell, keep in zip(ran, kept, strict=True) if keep])
    count = 0
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count  # gaps would tell how many cells a solution has
        if "your-solution" in cell.metadata.get("tags", []):
            continue
        source = next(left)
        if source.source.strip() != cell.source.strip():
            raise ValueError(f"executed does not belong to the text: {cell.source[:60]!r}")
        cell.outputs = [output.copy() for output in source.outputs]
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
    return notebook


def fill_cache(chapters: list[tuple[Chapter, Chapter]], path: Path) -> None:
    """Put into a new cache what the book's cache holds for each full chapter, without the solutions."""
    from jupyter_cache import get_cache
    from jupyter_cache.base import CacheBundleIn

    book, cache = get_cache(str(build.CACHE)), get_cache(str(path))
    for full, student in chapters:
        record = build.record_of(book, full)
        if not build.is_fresh(record, full):
            raise SystemExit(f"{full.name} has not been executed as it is now: run make book first")
        _, executed = book.merge_match_into_notebook(full.notebook)
        notebook = without_solutions(executed, full.path.read_text("utf8"))
        data = {"execution_seconds": record.data["execution_seconds"], "depends": student.depends}
        bundle = CacheBundleIn(notebook, str(student.path), data=data)
        cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


# Trees --------------------------------------------------------------------------------------------


def copy_sources(tree: Path, change: Any = None, settings: Any = None) -> None:
    """Copy what the pages are written from; `change` rewrites each text, `settings` the configuration."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf8"))
    if settings is not None:
        settings(config)
    tree.mkdir(parents=True, exist_ok=True)
    (tree / "_config.yml").write_text(yaml.safe_dump(config, sort_keys=False), "utf8")
    shutil.copy(ROOT / "_toc.yml", tree)
    site = Path(".cache") / "site"  # KaTeX
    if (ROOT / site).is_dir():
        shutil.copytree(ROOT / site, tree / site)
    skip = shutil.ignore_patterns("*.ipynb", "__pycache__", ".ipynb_checkpoints")
    for folder in ("book", "chapters"):
        shutil.copytree(ROOT / folder, tree / folder, ignore=skip)
        for path in sorted((tree / folder).rglob("*.md")) if change is not None else ():
            path.write_text(change(path.read_text("utf8")), "utf8")


def for_students(config: dict[str, Any]) -> None:
    """The public repository holds the solutions, so no button leads there."""
    config["title"] += " (student edition)"
    config["launch_buttons"] = {}
    config.pop("repository", None)
    config["html"] |= {"use_repository_button": False, "use_issues_button": False}
    config["html"].pop("baseurl", None)  # nor any <link> to the published pages


def write_notebooks(out: Path, change: Callable[[str], str], edition: str, more: str) -> None:
    """The notebooks with all that they need to run: who gets this folder has nothing else of the book."""
    title = yaml.safe_load((ROOT / "_config.yml").read_text("utf8"))["title"]
    for name, content in notebook_files(change, title, more, edition).items():
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.read_bytes())


def write_site(tree: Path, out: Path, cache: Path, edition: str) -> None:
    """Write the pages of a tree into `out`, every warning an error."""
    with tempfile.TemporaryDirectory() as folder, build.no_node_left():
        written = build.write_pages(
            Path(folder),
            toc=tree / "_toc.yml",
            strict=True,
            root=tree,
            cache=cache,
            more={"book_edition": edition},
        )
        if not written:
            raise SystemExit(f"The pages of the {edition}'s edition have the warnings above.")
        shutil.copytree(
            Path(folder) / "html", out, ignore=shutil.ignore_patterns(".doctrees", ".buildinfo")
        )


# The two editions ---------------------------------------------------------------------------------


def student(out: Path, *, execute: bool = False, jobs: int = 1) -> None:
    """Write the student's edition: `out/site`, and `out/notebooks` without outputs."""
    shutil.rmtree(out, ignore_errors=True)
    write_notebooks(out / "notebooks", student_text, "student", STUDENT_README)
    with tempfile.TemporaryDirectory() as folder:
        tree, cache = Path(folder) / "book", Path(folder) / "cache"
        copy_sources(tree, student_text, for_students)
        pairs = []
        for path in build.pages():
            full = build.read_chapter(path)
            if full is not None:
                copy = build.read_chapter(tree / path.relative_to(ROOT), tree)
                assert copy is not None
                pairs.append((full, copy))
        if execute:
            if build.execute([copy for _, copy in pairs], jobs, cache):
                raise SystemExit("A chapter does not run without its solutions.")
        else:
            fill_cache(pairs, cache)
        write_site(tree, out / "site", cache, "student")
    found = leaks(out, [path.read_text("utf8") for path in build.pages()])
    if found:
        raise SystemExit("Solutions are left in:\n" + "\n".join(found))


def instructor(out: Path) -> None:
    """Write the instructor's edition: `out/site`, and `out/notebooks` with solutions and notes."""
    shutil.rmtree(out, ignore_errors=True)
    write_notebooks(out / "notebooks", instructor_text, "instructor's", INSTRUCTOR_README)

    def settings(config: dict[str, Any]) -> None:
        config["title"] += " (instructor's edition)"

    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "book"
        copy_sources(tree, None, settings)
        write_site(tree, out / "site", build.CACHE, "instructor")


# What must not be left ----------------------------------------------------------------------------


def secrets(text: str) -> set[str]:
    """Lines of code and prose of the solutions and notes of a page that stand nowhere else on it."""
    hidden = [match[0] for match in SOLUTION.finditer(text)]
    hidden += [match[3] for match in INSTRUCTORS_ONLY.finditer(text)]
    lines = {_plain(line) for block in hidden for line in block.splitlines()}
    left = _plain(student_text(text))
    # Shorter ones, or ones with markup, are no evidence: they come up by chance or look different on a page.
    return {
        line for line in lines if len(line) >= 30 and not re.search(r"[{}`$*]", line)
    } - _found_in(left, lines)


def _found_in(text: str, lines: Iterable[str]) -> set[str]:
    return {line for line in lines if line in text}


def _plain(text: str) -> str:
    return " ".join(text.split())


def readable(path: Path) -> str:
    """A file's text as one reads it: tags stripped from pages, the inventory unpacked."""
    data = path.read_bytes()
    if path.name == "objects.inv":
        return zlib.decompress(data.split(b"\n", 4)[4]).decode()
    text = data.decode("utf8", errors="ignore")
    if path.suffix == ".html":
        text = html.unescape(re.sub(r"<[^>]*>", "", text))
    elif path.suffix == ".ipynb":
        text = text.replace('\\"', '"').replace("\\n", " ")
    return _plain(text)


def leaks(out: Path, texts: Iterable[str]) -> list[str]:
    """Files below `out` that hold a line of a solution of `texts`, with that line."""
    hidden = set().union(*map(secrets, texts))
    shown = {_plain(line) for text in texts for line in student_text(text).splitlines()}
    hidden -= shown
    found = []
    for path in sorted(out.rglob("*")):
        if path.suffix in {".html", ".md", ".txt", ".js", ".json", ".ipynb", ".inv", ".svg"}:
            text = readable(path)
            found += [f"{path.relative_to(out)}: {line}" for line in _found_in(text, hidden)]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Make an edition of the book.")
    parser.add_argument("edition", choices=("student", "instructor"))
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: _build/EDITION")
    parser.add_argument("--execute", action="store_true", help="run the student's chapters anew")
    parser.add_argument("--jobs", type=int, default=1, help="kernels side by side")
    arguments = parser.parse_args()
    out = (arguments.out or build.BUILD / arguments.edition).resolve()
    build.prepare()
    if arguments.edition == "student":
        student(out, execute=arguments.execute, jobs=arguments.jobs)
    else:
        instructor(out)
    print(f"The {arguments.edition}'s edition: {(out / 'site' / 'index.html').as_uri()}")
    print(f"Its notebooks: {out / 'notebooks'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
