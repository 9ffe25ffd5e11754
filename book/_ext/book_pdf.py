"""What LaTeX needs and a browser does not: vector figures as PDF files, and pages without what cannot be printed.

Nothing here touches the site. Figures are computed as SVG; `rsvg-convert` (Debian's librsvg2-bin) turns each into a PDF
that stays a vector graphic.
"""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from sphinx import addnodes
from sphinx.addnodes import number_reference
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.environment.collectors.toctree import TocTreeCollector
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.transforms.post_transforms.images import ImageConverter

CONVERTER = "rsvg-convert"

# The document class of sphinx-jupyterbook-latex loads bbm, which lies in a very large font package; the book uses
# none of its letters, so the blackboard letters of amssymb stand in.
BBM = "\\ProvidesPackage{bbm}\n\\RequirePackage{amssymb}\n\\providecommand{\\mathbbm}[1]{\\mathbb{#1}}\n"

PREAMBLE = r"""
% Long words of code break rather than leave the page; a line may be a little loose.
\emergencystretch=3em
\setcounter{tocdepth}{1}
% Chapters have the numbers of the site: what stands before the first of them is numbered i, ii.
% Parts bring theirs along.
\setcounter{chapter}{-FRONT}
\renewcommand{\thechapter}{%
  \ifnum\value{chapter}>0 \arabic{chapter}\else\romannumeral\numexpr\value{chapter}+FRONT\relax\fi}
\renewcommand{\thepart}{}
\renewcommand{\partname}{}
\setcounter{secnumdepth}{1}
% A caption with a citation in it is written to a file, link and all.
\usepackage{etoolbox}
\AtBeginDocument{\robustify\hyperlink}
% Letters that a code font lacks.
\usepackage{newunicodechar}
\newunicodechar{ᵀ}{\ensuremath{^{\mathsf{T}}}}
\newunicodechar{✗}{\ensuremath{\times}}
"""


class VectorFigures(ImageConverter):
    """SVG becomes PDF wherever the builder takes PDF and no SVG (LaTeX does)."""

    default_priority = 90  # before sphinx.ext.imgconverter (100), which would make bitmaps
    conversion_rules = [("image/svg+xml", "application/pdf")]  # noqa: RUF012

    def is_available(self) -> bool:
        return True

    def convert(self, _from: str, _to: str) -> bool:
        program = shutil.which(CONVERTER)
        if program is None:
            raise ExtensionError(f"{CONVERTER} is missing: install librsvg2-bin")
        subprocess.run([program, "--format=pdf", f"--output={_to}", _from], check=True)
        return True


class PrintFolded(SphinxPostTransform):
    """What a page folds away is printed: a reference may lead there."""

    default_priority = 300  # before sphinx_jupyterbook_latex (400), which would leave it out
    formats = ("latex",)

    def run(self, **kwargs: Any) -> None:
        for cell in self.document.findall(nodes.container):
            cell["classes"] = [name for name in cell["classes"] if name != "tag_hide-output"]


class ExerciseLinks(SphinxPostTransform):
    """A link to an exercise of another page leads to the label that sphinx-exercise writes, with its number."""

    default_priority = 23  # after sphinx_exercise (22), which mends those of the same page
    formats = ("latex",)

    def run(self, **kwargs: Any) -> None:
        known = getattr(self.env, "sphinx_exercise_registry", {})
        for link in list(self.document.findall(number_reference)):
            label = link.get("refuri", "").rpartition("#")[2]
            if label not in known or type(link) is not number_reference:
                continue
            page = self.env.toc_fignumbers.get(known[label]["docname"], {})
            number = ".".join(map(str, page.get("exercise", {}).get(label, ())))
            words = f"\\hyperref[exercise:{label}]{{Exercise {number}}}"
            link.replace_self(nodes.raw("", words, format="latex"))


# Letters of the text's size that a line of print holds, and that lie between two columns.
LINE, GAP = 92, 3
SIZES = {"": 1.0, r"\footnotesize": 0.8, r"\scriptsize": 0.7}
# A cell of so few letters, most often a number with its error, stays on one line.
SHORT = 16


def letters(cell: nodes.Node) -> str:
    """What a cell shows, more or less: a command of mathematics is one letter."""
    return " ".join(re.sub(r"\\[a-zA-Z]+|[{}$^_]", "", cell.astext()).split())


def widths(rows: list[list[str]]) -> tuple[str, list[int]] | None:
    """Size of type and widths for a table too wide for a line, header first; None where it fits as it is."""
    columns = list(zip(*rows, strict=True))
    full = [max(map(len, column)) for column in columns]
    gaps = GAP * len(columns)
    if sum(full) + gaps <= LINE:
        return None
    least = [
        max(
            *(len(word) for cell in column for word in cell.split()),
            *(len(cell) for cell in column[1:] if len(cell) <= SHORT),
            3,
        )
        for column in columns
    ]
    size, room = next(
        (
            (size, int(LINE / by - gaps))
            for size, by in SIZES.items()
            if sum(least) + gaps <= LINE / by
        ),
        (list(SIZES)[-1], sum(least)),
    )
    # A column of a letter or two is as wide as the least, too.
    full = [max(most, small) for most, small in zip(full, least, strict=True)]
    # What is left goes to those that would use it, the longest not in proportion: a long cell is read in lines anyway.
    wants = [math.sqrt(most - small) for most, small in zip(full, least, strict=True)]
    spare, total = room - sum(least), sum(wants) or 1.0
    return size, [
        small + min(most - small, round(spare * want / total))
        for most, small, want in zip(full, least, wants, strict=True)
    ]


class WideTables(SphinxPostTransform):
    """A table wider than a line gets columns that wrap, and smaller type where that is not enough.

    Sphinx itself wraps no table of more than thirty rows, and lets numbers of narrow columns run into each other.
    """

    default_priority = 300
    formats = ("latex",)

    def run(self, **kwargs: Any) -> None:
        for table in list(self.document.findall(nodes.table)):
            rows = [
                [letters(entry) for entry in row.findall(nodes.entry)]
                for row in table.findall(nodes.row)
            ]
            if len({len(row) for row in rows}) != 1 or (found := widths(rows)) is None:
                continue
            # On the site a long cell may hold together and the table scrolls; paper does not.
            for entry in table.findall(nodes.entry):
                if len(letters(entry)) > SHORT:
                    for text in list(entry.findall(nodes.Text)):
                        text.parent.replace(
                            text, nodes.Text(text.replace("\N{NO-BREAK SPACE}", " "))
                        )
            size, columns = found
            spec = addnodes.tabular_col_spec()
            spec["spec"] = "".join(
                rf">{{\raggedright\arraybackslash}}\X{{{width}}}{{{sum(columns)}}}"
                for width in columns
            )
            before: list[nodes.Node] = [spec]
            after: list[nodes.Node] = []
            if size:
                before.insert(0, nodes.raw("", rf"\begingroup{size}", format="latex"))
                after.append(nodes.raw("", r"\endgroup", format="latex"))
            parent, place = table.parent, table.parent.index(table)
            parent[place : place + 1] = [*before, table, *after]


def number_as_the_site(app: Sphinx, env: BuildEnvironment) -> None:
    """Theorems and exercises have the numbers of the site: Exercise 5.3, not 5.11.3.

    Figures and equations are numbered by LaTeX, for which sphinx_jupyterbook_latex counts the parts as a level.
    """
    if app.builder.format == "latex":
        depth = app.config.numfig_secnum_depth
        app.config.numfig_secnum_depth = 1  # type: ignore[attr-defined]
        TocTreeCollector().assign_figure_numbers(env)
        app.config.numfig_secnum_depth = depth  # type: ignore[attr-defined]


def pages_before_chapters(contents: dict[str, Any]) -> int:
    """How many pages the table of contents names before its first numbered part."""
    count = 0
    for part in contents.get("parts", []):
        if part.get("numbered"):
            break
        count += len(part["chapters"])
    return count


def latex_settings(app: Sphinx, config: Config) -> None:
    """Settings of the print alone; they are left alone when the site is built."""
    contents = yaml.safe_load(Path(app.srcdir, config.external_toc_path).read_text("utf8"))
    front = str(pages_before_chapters(contents))
    config.latex_use_xindy = False  # type: ignore[attr-defined]
    config.latex_domain_indices = False  # type: ignore[attr-defined]
    config.latex_show_urls = "no"  # type: ignore[attr-defined]
    config.latex_elements = {  # type: ignore[attr-defined]
        **config.latex_elements,
        "papersize": "a4paper",
        "pointsize": "10pt",
        "figure_align": "htbp",
        "extraclassoptions": "openany,oneside",
        "printindex": "",
        "preamble": config.latex_elements.get("preamble", "") + PREAMBLE.replace("FRONT", front),
    }


def write_stand_in(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "latex":
        (Path(app.outdir) / "bbm.sty").write_text(BBM, "utf8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_post_transform(VectorFigures)
    app.add_post_transform(PrintFolded)
    app.add_post_transform(ExerciseLinks)
    app.add_post_transform(WideTables)
    app.connect("env-check-consistency", number_as_the_site)
    app.connect("config-inited", latex_settings, priority=900)
    app.connect("build-finished", write_stand_in)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
