"""What a reader may take along, in _build/release: notebooks, the site, a PDF, and sums to check them by.

    python tools/release.py                  after `make book`; prints the book, too, where LaTeX is installed
    python tools/release.py --without-pdf

Notebooks hold no outputs and lie beside the package and the stored results, so that they run where nothing else of the
book is. The editions for students and instructors come from `tools/editions.py`, where there is one.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

import notebooks
import pdf
from build import BUILD, ROOT, pages
from editions import reader_text

NAME = "signal-and-noise"
RELEASE = BUILD / "release"
EDITIONS = ("student", "instructor")
NOTES = re.compile(r"`{3,}\{(?:marking|answer)\}")
# The same content gives the same bytes.
WHEN = (1980, 1, 1, 0, 0, 0)

NOTEBOOKS_README = """# {title}: the notebooks

Every chapter as a Jupyter notebook, with the package and the stored results that they read. With Python 3.11 to 3.13:

    python -m venv .venv
    .venv/bin/pip install -e ".[nets]" jupyterlab jupyterlab-myst matplotlib myst-nb
    .venv/bin/jupyter lab chapters

(On Windows, `.venv\\Scripts\\` in place of `.venv/bin/`.) `requirements.txt` lists the versions that the book was built
with. The first chapter that trains a network fetches MNIST once.

The book itself and its sources: {url}
"""

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


def chapter_notebooks() -> dict[str, bytes]:
    """Name -> notebook of each chapter, free of outputs and notes, and not paired with a text that is elsewhere."""
    found = {}
    for page in notebooks.chapters():
        notebook = json.loads(notebooks.notebook_of(reader_text(page.read_text("utf8"))))
        notebook["metadata"].pop("jupytext", None)
        name = page.relative_to(ROOT).with_suffix(".ipynb").as_posix()
        found[name] = (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()
    return found


def tracked(*folders: str) -> dict[str, bytes | Path]:
    """The files of these folders that belong to the book (what git ignores or a run left does not)."""
    names = subprocess.run(
        ["git", "ls-files", "-z", *folders], cwd=ROOT, capture_output=True, check=True
    ).stdout.decode()
    return {name: ROOT / name for name in names.split("\0") if name}


def notebook_files(title: str, url: str) -> dict[str, bytes | Path]:
    beside = tracked("rmt_helpers", "results", "pyproject.toml", "requirements.txt")
    licences = {name: ROOT / name for name in ("LICENSE", "LICENSE-TEXT", "CITATION.cff")}
    readme = NOTEBOOKS_README.format(title=title, url=url).encode()
    return {**chapter_notebooks(), **beside, **licences, "README.md": readme}


def editions(release: Path) -> list[str]:
    """Let `tools/editions.py` make each edition, and pack it. Returns what was made."""
    if importlib.util.find_spec("editions") is None:
        return []
    module = importlib.import_module("editions")
    made = []
    for name in EDITIONS:
        if not hasattr(module, name):
            continue
        with tempfile.TemporaryDirectory() as folder:
            getattr(module, name)(Path(folder))
            write_zip(release / f"{NAME}-{name}.zip", f"{NAME}-{name}", tree(Path(folder)))
        made.append(name)
    return made


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
        cells = json.loads(files[name])["cells"]
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


def site_problems(files: dict[str, bytes], names: Iterable[str]) -> list[str]:
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
        if name.endswith((".md", ".ipynb")) and NOTES.search(content.decode("utf8"))
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


def problems(release: Path) -> list[str]:
    """All that is wrong with a release, each named with its file."""
    found = []
    chapters = [path.relative_to(ROOT) for path in notebooks.chapters()]
    twins = [path.with_suffix(".ipynb").as_posix() for path in chapters]
    htmls = [path.relative_to(ROOT).with_suffix(".html").as_posix() for path in pages()]
    checks = {
        "notebooks": lambda files: notebook_problems(files, twins),
        "site": lambda files: site_problems(files, htmls),
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


def make(release: Path, html: Path, *, with_pdf: bool) -> list[str]:
    """Write everything anew into `release`; returns what was left out, and why."""
    import yaml

    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf8"))
    title, url = config["title"], config["repository"]["url"]
    shutil.rmtree(release, ignore_errors=True)
    release.mkdir(parents=True)
    for name, text in chapter_notebooks().items():
        target = release / "notebooks" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text)
    write_zip(release / f"{NAME}-notebooks.zip", f"{NAME}-notebooks", notebook_files(title, url))
    site: dict[str, bytes | Path] = {**tree(html), "READ ME.txt": SITE_README.encode()}
    write_zip(release / f"{NAME}-site.zip", f"{NAME}-site", site)
    left_out = []
    made = editions(release)
    left_out += [
        f"no {name} edition: tools/editions.py makes none" for name in EDITIONS if name not in made
    ]
    missing = pdf.missing_programs()
    if with_pdf and not missing:
        shutil.copyfile(pdf.make(), release / f"{NAME}.pdf")
    else:
        left_out.append(pdf.advice(missing) if missing else "no PDF: not asked for")
    (release / "SHA256SUMS").write_text(sums(release))
    return left_out


def main() -> int:
    parser = argparse.ArgumentParser(description="Write what readers download.")
    parser.add_argument("--without-pdf", action="store_true")
    arguments = parser.parse_args()
    html = BUILD / "html"
    if not (html / "index.html").is_file():
        print("Nothing to release yet: run make book first.", file=sys.stderr)
        return 1
    left_out = make(RELEASE, html, with_pdf=not arguments.without_pdf)
    found = problems(RELEASE)
    for line in found:
        print(f"problem: {line}", file=sys.stderr)
    if found:
        return 1
    for path in sorted(RELEASE.iterdir()):
        if path.is_file():
            print(f"{path.stat().st_size / 1e6:7.1f} MB  {path.relative_to(ROOT)}")
    for line in left_out:
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
