"""What a reader may take along, in _build/release: notebooks, the site, a PDF, and sums to check them by.

    python tools/release.py                  after `make book`; prints the book, too, which needs LaTeX
    python tools/release.py --without-pdf

Notebooks hold no outputs and lie beside the package and the stored results, so that they run where nothing else of the
book is. The editions for students and instructors come from `tools/editions.py`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

import editions
import notebooks
import pdf
from build import BUILD, ROOT, pages
from editions import reader_text
from takeaway import chapter_notebooks, notebook_files

NAME = "signal-and-noise"
RELEASE = BUILD / "release"
EDITIONS = {"student": editions.student, "instructor": editions.instructor}
NOTES = re.compile(r"`{3,}\{(?:marking|answer)\}")
# The same content gives the same bytes.
WHEN = (1980, 1, 1, 0, 0, 0)

SITE_README = """Open index.html in a browser: everything, search and mathematics too, works from disk.
"""


def version(root: Path = ROOT) -> str:
    return str(tomllib.loads((root / "pyproject.toml").read_text("utf8"))["project"]["version"])


def write_zip(path: Path, folder: str, files: dict[str, bytes | Path]) -> None:
    """Write `files` (name in the archive -> content) below one folder, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            content = files[name]
            entry = zipfile.ZipInfo(f"{folder}/{name}", WHEN)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content.read_bytes() if isinstance(content, Path) else content)
    beside.replace(path)


def tree(folder: Path) -> dict[str, bytes | Path]:
    return {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".buildinfo"
    }


def pack_editions(release: Path) -> None:
    """Let `tools/editions.py` make each edition, and pack it."""
    for name, make_edition in EDITIONS.items():
        with tempfile.TemporaryDirectory() as folder:
            make_edition(Path(folder))
            write_zip(release / f"{NAME}-{name}.zip", f"{NAME}-{name}", tree(Path(folder)))


# Checks -------------------------------------------------------------------------------------------


def contents(path: Path) -> dict[str, bytes]:
    """Name below the archive's one folder -> content."""
    with zipfile.ZipFile(path) as archive:
        return {
            name.partition("/")[2]: archive.read(name)
            for name in archive.namelist()
            if not name.endswith("/")
        }


def notebook_problems(files: dict[str, bytes], chapters: Iterable[str]) -> list[str]:
    found = []
    for name in chapters:
        if name not in files:
            found.append(f"{name} is missing")
            continue
        notebook = json.loads(files[name])
        cells = notebook["cells"]
        if "jupytext" in notebook.get("metadata", {}):
            found.append(f"{name} is paired with a text that is not there")
        if any(cell.get("outputs") for cell in cells):
            found.append(f"{name} holds outputs")
        if not any(cell["cell_type"] == "code" for cell in cells):
            found.append(f"{name} has no code")
        if NOTES.search("\n".join("".join(cell.get("source", "")) for cell in cells)):
            found.append(f"{name} holds notes for instructors")
    needed = ("README.md", "pyproject.toml", "rmt_helpers/__init__.py", "LICENSE")
    found += [f"{name} is missing" for name in needed if name not in files]
    if not any(name.startswith("results/") for name in files):
        found.append("the stored results are missing")
    return found


def site_problems(
    files: dict[str, bytes], names: Iterable[str], *, notes: bool = False
) -> list[str]:
    """Pages that are missing, and links from page to page that lead out of the archive or nowhere."""
    found = [
        f"{name} is missing"
        for name in ["index.html", "search.html", "404.html", "searchindex.js", *names]
        if name not in files
    ]
    index = files.get("searchindex.js", b"").decode()
    found += [
        f"{name}: search does not know it"
        for name in names
        if f'"{name.removesuffix(".html")}"' not in index
    ]
    found += [
        f"{name} holds notes for instructors"
        for name, content in files.items()
        if not notes and name.endswith((".md", ".ipynb")) and NOTES.search(content.decode("utf8"))
    ]
    for page, content in files.items():
        if not page.endswith(".html") or page == "404.html" or page.startswith("_static/"):
            continue
        text = re.sub(r"<script\b[^>]*>.*?</script>", "", content.decode("utf8"), flags=re.S)
        for url in set(re.findall(r'\s(?:href|src)="([^"]*)"', text)):
            target = unquote(re.split(r"[?#]", url)[0])
            if not target or re.match(r"[a-z][a-z0-9+.-]*:", target, re.I):
                continue
            place = resolve(page, target)
            if place is None or (place not in files and f"{place}/index.html" not in files):
                found.append(f"{page}: {url} leads nowhere")
    return found


def resolve(page: str, target: str) -> str | None:
    """The name in the archive that a page's relative link means; None where it leads out of it."""
    if target.startswith("/"):
        return None
    parts = page.split("/")[:-1]
    for part in target.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


def edition_problems(
    files: dict[str, bytes], edition: str, chapters: Iterable[str], pages: Iterable[str]
) -> list[str]:
    """An edition has a whole site and whole notebooks; who gets it sees what is meant for them, and no more."""
    parts: dict[str, dict[str, bytes]] = {"notebooks": {}, "site": {}}
    for name, content in files.items():
        part, _, rest = name.partition("/")
        if part in parts:
            parts[part][rest] = content
    notes = edition == "instructor"
    found = [
        *notebook_problems(parts["notebooks"], chapters),
        *site_problems(parts["site"], pages, notes=notes),
    ]
    for name in chapters:
        text = parts["notebooks"].get(name, b"").decode("utf8")
        exercises = text.count("{exercise}")
        for what, mark, due in (
            ("solutions", "{solution-start}", notes),
            ("marking notes", "**Marking.**", notes),
            ("places for solutions", "# Your solution:", not notes),
        ):
            if text.count(mark) != due * exercises:
                found.append(f"{name}: {text.count(mark)} {what} for {exercises} exercises")
    return found


def problems(release: Path, *, with_pdf: bool) -> list[str]:
    """All that is wrong with a release, each named with its file."""
    found = []
    chapters = [path.relative_to(ROOT) for path in notebooks.chapters()]
    twins = [path.with_suffix(".ipynb").as_posix() for path in chapters]
    htmls = [path.relative_to(ROOT).with_suffix(".html").as_posix() for path in pages()]
    checks = {
        "notebooks": lambda files: notebook_problems(files, twins),
        "site": lambda files: site_problems(files, htmls),
        "student": lambda files: edition_problems(files, "student", twins, htmls),
        "instructor": lambda files: edition_problems(files, "instructor", twins, htmls),
    }
    for kind, check in checks.items():
        path = release / f"{NAME}-{kind}.zip"
        if not path.is_file():
            found.append(f"{path.name} is missing")
        else:
            found += [f"{path.name}: {line}" for line in check(contents(path))]
    found += [
        f"notebooks/{name} is missing"
        for name in twins
        if not (release / "notebooks" / name).is_file()
    ]
    if with_pdf:
        path = release / f"{NAME}.pdf"
        if not path.is_file():
            found.append(f"{path.name} is missing")
        else:
            found += [
                f"{path.name}: {line}" for line in pdf.problems(path.read_bytes(), len(htmls))
            ]
    return found + sum_problems(release)


def sums(release: Path) -> str:
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}"
        for path in sorted(release.iterdir())
        if path.is_file() and path.name != "SHA256SUMS"
    ]
    return "\n".join(lines) + "\n"


def sum_problems(release: Path) -> list[str]:
    path = release / "SHA256SUMS"
    if not path.is_file():
        return ["SHA256SUMS is missing"]
    return [] if path.read_text() == sums(release) else ["SHA256SUMS does not fit the files"]


def make(release: Path, html: Path, *, with_pdf: bool) -> None:
    """Write everything anew into `release`."""
    import yaml

    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf8"))
    title, url = config["title"], config["repository"]["url"]
    shutil.rmtree(release, ignore_errors=True)
    release.mkdir(parents=True)
    for name, text in chapter_notebooks(reader_text).items():
        target = release / "notebooks" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text)
    files = notebook_files(reader_text, title, f"The book itself and its sources: {url}")
    write_zip(release / f"{NAME}-notebooks.zip", f"{NAME}-notebooks", files)
    site: dict[str, bytes | Path] = {**tree(html), "READ ME.txt": SITE_README.encode()}
    write_zip(release / f"{NAME}-site.zip", f"{NAME}-site", site)
    pack_editions(release)
    if with_pdf:
        shutil.copyfile(pdf.make(), release / f"{NAME}.pdf")
    (release / "SHA256SUMS").write_text(sums(release))


def main() -> int:
    parser = argparse.ArgumentParser(description="Write what readers download.")
    parser.add_argument("--without-pdf", action="store_true")
    arguments = parser.parse_args()
    html = BUILD / "html"
    if not (html / "index.html").is_file():
        print("Nothing to release yet: run make book first.", file=sys.stderr)
        return 1
    with_pdf = not arguments.without_pdf
    if with_pdf and (missing := pdf.missing_programs()):
        print(f"{pdf.advice(missing)}\nWithout it: make release PDF=no", file=sys.stderr)
        return 1
    make(RELEASE, html, with_pdf=with_pdf)
    found = problems(RELEASE, with_pdf=with_pdf)
    for line in found:
        print(f"problem: {line}", file=sys.stderr)
    if found:
        return 1
    for path in sorted(RELEASE.iterdir()):
        if path.is_file():
            print(f"{path.stat().st_size / 1e6:7.1f} MB  {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
