"""Print the book: one PDF with working links, by way of LaTeX.

    python tools/pdf.py        into _build/pdf/signal-and-noise.pdf

Run `make book` first: code is not run here. A warning of Sphinx, a reference that LaTeX cannot resolve, a letter that
its fonts lack, a figure that is missing and a link that leads nowhere are errors. `PACKAGES` are Debian's names of what
is needed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

from build import BUILD, KERNEL_ENVIRONMENT, ROOT, pages, write_pages
from check_site import figure_names

PROGRAMS = ("xelatex", "latexmk", "rsvg-convert")
PACKAGES = (
    "texlive-xetex texlive-latex-extra texlive-fonts-recommended latexmk fonts-freefont-otf "
    "librsvg2-bin"
)
NAME = "signal-and-noise"
LEAVES = 8  # a source fills at least so many pages, on average
OUT = BUILD / "pdf"


def missing_programs() -> list[str]:
    return [name for name in PROGRAMS if shutil.which(name) is None]


def advice(missing: list[str]) -> str:
    return f"no PDF: {', '.join(missing)} missing. On Debian or Ubuntu: apt-get install {PACKAGES}"


def log_problems(log: str) -> list[str]:
    """What LaTeX could not do; its log is wrapped at 79 characters."""
    text = re.sub(r"(?<=.{79})\n", "", log)
    undefined = re.findall(r"reference `([^']*)'[^.]*? undefined", text, re.I)
    found = [f"undefined: {name}" for name in undefined]
    found += [f"no letter {hit}" for hit in re.findall(r"Missing character: There is no (.*)", log)]
    found += re.findall(r"^(?:!|\S+\.tex:\d+:) .*", log, re.M)
    return sorted(set(found))


def text_problems(tex: str, figures: list[str]) -> list[str]:
    """Figures that did not reach the print, each with its picture."""
    found = []
    for name in figures:
        blocks = re.findall(r"\\begin\{figure\}(?:(?!\\end\{figure\}).)*", tex, re.S)
        # Its own label: the caption of another figure may refer to it.
        label = re.compile(rf"\\label\{{\\detokenize\{{[^}}]*:{re.escape(name)}\}}\}}")
        mine = [block for block in blocks if label.search(block)]
        if len(mine) != 1 or r"\sphinxincludegraphics" not in mine[0]:
            found.append(f"figure {name} is not in the print")
    return found


def objects(data: bytes) -> bytes:
    """The objects of a PDF that describe it, packed ones unpacked, without pictures, fonts and what pages show."""
    parts = [re.sub(rb"stream\r?\n.*?endstream", b"", data, flags=re.S)]
    for head in re.finditer(rb"/Type\s*/ObjStm[^>]*>>\s*stream\r?\n", data):
        parts.append(zlib.decompressobj().decompress(data[head.end() :]))
    return b"\n".join(parts)


def problems(data: bytes, sources: int) -> list[str]:
    """What is wrong with the print of a book of so many sources, as a file: its pages, its outline, its links."""
    if not data.startswith(b"%PDF-") or b"%%EOF" not in data[-1024:]:
        return ["is no whole PDF"]
    text = objects(data)
    string = rb"(\((?:\\.|[^\\()])*\))"
    found = []
    leaves = len(re.findall(rb"/Type\s*/Page\b", text))
    if leaves < LEAVES * sources:
        found.append(f"has {leaves} pages, fewer than {LEAVES} for each of {sources} sources")
    outline = re.findall(rb"/Title\s*(?:\(|<)[^/]*/A\s*<<\s*/S\s*/GoTo\s*/D\s*" + string, text)
    # The root is the title page's; all others are chapters of the print.
    named = len({target for target in outline if target.startswith(b"(chapter.")})
    if named < sources - 1:
        found.append(f"its outline names {named} of {sources - 1} chapters")
    ends = set(
        re.findall(string + rb"\s*\d+ 0 R", b"".join(re.findall(rb"/Names\s*\[.*?\]", text, re.S)))
    )
    links = re.findall(rb"/S\s*/GoTo\s*/D\s*" + string, text)
    if len(links) <= len(outline):
        found.append("has no link from page to page")
    found += [
        f"a link to {name.decode('latin1')} leads nowhere" for name in sorted({*links} - ends)
    ]
    return found


def typeset(folder: Path) -> str:
    """Run LaTeX as often as it takes; returns its log."""
    run = subprocess.run(
        ["latexmk", "-xelatex", "-interaction=nonstopmode", "-file-line-error", f"{NAME}.tex"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    log = folder / f"{NAME}.log"
    text = log.read_text("utf8", errors="replace") if log.is_file() else run.stdout.decode()
    return text if run.returncode == 0 else f"{text}\n! latexmk ended with {run.returncode}"


def make() -> Path:
    """Write the PDF and return its path; SystemExit where anything is wrong with it."""
    if missing := missing_programs():
        raise SystemExit(advice(missing))
    os.environ.update(KERNEL_ENVIRONMENT)
    if not write_pages(OUT, toc=ROOT / "_toc.yml", strict=True, builder="latex"):
        raise SystemExit("no PDF: each warning above is an error")
    folder = OUT / "latex"
    names = [name for path in pages() for name in figure_names(path.read_text("utf8"))]
    found = text_problems((folder / f"{NAME}.tex").read_text("utf8"), names)
    found += log_problems(typeset(folder))
    if found:
        raise SystemExit("\n".join(f"problem: {line}" for line in found))
    if found := problems((folder / f"{NAME}.pdf").read_bytes(), len(pages())):
        raise SystemExit("\n".join(f"problem: the print {line}" for line in found))
    shutil.copyfile(folder / f"{NAME}.pdf", OUT / f"{NAME}.pdf")
    return OUT / f"{NAME}.pdf"


if __name__ == "__main__":
    print(make())
    sys.exit(0)
