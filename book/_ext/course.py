"""What the book offers to courses: graded exercises, notes that only instructors see, and how long a session takes.

The grade of an exercise is its `:class:`; the page shows it as a word in the exercise's title. `{marking}` and
`{answer}` are blocks of the instructors' edition and leave nothing in any other (`book_edition`).
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chapter_facts import all_facts, last_run
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

GRADES = ("easy", "medium", "hard", "project")
# A block that only instructors see, with the empty line behind it.
INSTRUCTORS_ONLY = re.compile(r"^(`{3,})\{(marking|answer)\}[^\n]*\n(.*?)^\1[ ]*\n\n?", re.M | re.S)


class GradesInTitles(SphinxPostTransform):
    """Behind each exercise's title comes its grade, as text: it is read, heard and printed."""

    default_priority = 30  # behind sphinx-exercise, which makes the titles

    def run(self, **kwargs: Any) -> None:
        from sphinx_exercise.nodes import is_exercise_node, is_solution_node

        for node in self.document.findall(is_exercise_node):
            for grade in set(GRADES) & set(node["classes"]):
                node.children[0] += nodes.Text(" ")
                node.children[0] += nodes.inline("", grade, classes=["grade"])
        if self.config.book_edition == "instructor":
            for node in self.document.findall(is_solution_node):
                node["classes"] = [name for name in node["classes"] if name != "dropdown"]


class InstructorsOnly(SphinxDirective):
    """`{marking} label` and `{answer}`: a block of the instructors' edition, and nothing elsewhere."""

    has_content = True
    optional_arguments = 1
    title = "Answer"

    def run(self) -> list[nodes.Node]:
        if self.config.book_edition != "instructor":
            return []
        block = nodes.admonition(classes=["instructors-only"])
        block += nodes.title("", self.title)
        self.state.nested_parse(self.content, self.content_offset, block)
        return [block]


class Marking(InstructorsOnly):
    required_arguments, optional_arguments = 1, 0
    title = "Marking"


class SessionNode(nodes.General, nodes.Element):
    """Stands where the table of a session will be, until all pages have been read."""


class Session(SphinxDirective):
    """Chapters, one a line, to be read for one session of a course: minutes, seconds, exercises."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        pages = [line.strip() for line in self.content if line.strip()]
        for page in pages:
            if page not in self.env.found_docs:
                raise self.error(f"session: there is no page {page!r}")
        _with_sessions(self.env).add(self.env.docname)
        return [SessionNode(pages=pages)]


def _with_sessions(env: BuildEnvironment) -> set[str]:
    if not hasattr(env, "pages_with_sessions"):
        env.pages_with_sessions = set()  # type: ignore[attr-defined]
    return env.pages_with_sessions  # type: ignore[attr-defined, no-any-return]


def write_again(app: Sphinx, env: BuildEnvironment) -> Iterable[str]:
    """Another page's words or seconds may have changed."""
    return sorted(_with_sessions(env) & env.found_docs)


class FillSessions(SphinxPostTransform):
    default_priority = 8  # before references are resolved

    def run(self, **kwargs: Any) -> None:
        for node in list(self.document.findall(SessionNode)):
            rows: list[list[nodes.Node]] = []
            minutes, seconds, known = 0, 0.0, True
            for page in node["pages"]:
                text = Path(self.env.doc2path(page)).read_text("utf8")
                facts, ran = all_facts(self.env).get(page), last_run(self.env, page)
                minutes += facts.minutes if facts else 0
                seconds, known = seconds + (ran.seconds if ran else 0.0), known and ran is not None
                rows.append(
                    [
                        self.link(page),
                        nodes.Text("–" if facts is None else str(facts.minutes)),
                        nodes.Text("–" if ran is None else f"{ran.seconds:.0f}"),
                        nodes.Text(", ".join(f"{count} {g}" for g, count in graded(text).items())),
                    ]
                )
            total = [str(minutes), f"{seconds:.0f}" if known else "–", ""]
            rows.append([nodes.strong("", "Together"), *map(nodes.Text, total)])
            head = ["Chapter", "Minutes to read", "Seconds to run", "Exercises"]
            node.replace_self(table(head, rows))

    def link(self, page: str) -> nodes.Node:
        target = posixpath.relpath(page, posixpath.dirname(self.env.docname))
        link = pending_xref(
            refdoc=self.env.docname,
            reftarget=target,
            reftype="doc",
            refdomain="std",
            refexplicit=False,
            refwarn=True,
        )
        link += nodes.inline("", page)
        return link


def table(head: list[str], rows: list[list[nodes.Node]]) -> nodes.table:
    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=1) for _ in head]
    group += nodes.thead("", _row([nodes.Text(word) for word in head]))
    group += nodes.tbody("", *[_row(row) for row in rows])
    return nodes.table("", group, classes=["colwidths-auto", "session"])


def _row(entries: list[nodes.Node]) -> nodes.row:
    return nodes.row("", *[nodes.entry("", nodes.paragraph("", "", entry)) for entry in entries])


def graded(text: str) -> dict[str, int]:
    """How many exercises of each grade a page has, easiest first."""
    found = re.findall(r"^`{3,}\{exercise\}.*\n(?::.*\n)*?:class: *(\w+)", text, re.M)
    return {grade: found.count(grade) for grade in GRADES if grade in found}


def reader_text(text: str) -> str:
    """A page's source without what only instructors see."""
    return INSTRUCTORS_ONLY.sub("", text)


def reader_notebook(text: str) -> str:
    """A notebook, as its file holds it, without what only instructors see."""
    if "{marking}" not in text and "{answer}" not in text:
        return text
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            source = "".join(cell["source"])
            # The block's last fence may be the last line of its cell.
            left = reader_text(f"{source}\n\n").rstrip("\n")
            if left != source.rstrip("\n"):
                cell["source"] = left.splitlines(keepends=True)
    notebook["cells"] = [cell for cell in notebook["cells"] if "".join(cell["source"]).strip()]
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def trim_sources(app: Sphinx, error: Exception | None) -> None:
    """The pages' sources, which readers may download, hold no notes either; the instructors' edition keeps them."""
    if error is not None or app.builder.format != "html" or app.config.book_edition == "instructor":
        return
    for path in sorted(Path(app.outdir, "_sources").rglob("*")):
        if path.is_file():
            text = path.read_text("utf8")
            left = (reader_notebook if ".ipynb" in path.suffixes else reader_text)(text)
            if left != text:
                path.write_text(left, "utf8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("book_edition", "reader", "env")
    app.add_directive("marking", Marking)
    app.add_directive("answer", InstructorsOnly)
    app.add_directive("session", Session)
    app.add_node(SessionNode)
    app.add_post_transform(GradesInTitles)
    app.add_post_transform(FillSessions)
    app.connect("env-updated", write_again)
    app.connect("build-finished", trim_sources)
    return {
        "version": "1",
        "parallel_read_safe": False,
        "parallel_write_safe": True,
        "env_version": 1,
    }
