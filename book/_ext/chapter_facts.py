"""What the build knows of each chapter: how long it takes to read and to run, and which chapters it needs.

Nothing of it is typed. Minutes come from the chapter's words, formulas, figures and lines of code; seconds from the
record of its last run; what it needs from its own table, whose head is "You need". The time is written below that
table, and the chapters that lead on from this one at its end. ``{chapter-status}`` lists all chapters' last runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

LOGGER = logging.getLogger(__name__)

CHAPTERS = "chapters/"
HEAD = ["You need", "Where to read it"]

# Seconds that a reader of technical text spends; `book/map.md` states them, and a test compares.
PER_WORD = 60 / 200
PER_FORMULA = 15
PER_FIGURE = 20
PER_CODE_LINE = 2


@dataclass(frozen=True)
class Facts:
    """Of one chapter: seconds of reading, and (domain, kind, label) of each reference in its table of needs."""

    reading: float
    needs: tuple[tuple[str, str, str], ...]

    @property
    def minutes(self) -> int:
        """To the next five above twenty: a finer number would be a pretence."""
        minutes = self.reading / 60
        return max(1, round(minutes) if minutes < 20 else 5 * round(minutes / 5))


# Reading ------------------------------------------------------------------------------------------


def reading_seconds(tree: nodes.Node) -> float:
    """Time to read a page: its words, displayed formulas, figures, tables of results, and the code that is shown.

    Exercises and their solutions, folded code and printed output do not count.
    """
    seconds = 0.0
    for node in _read(tree):
        if isinstance(node, nodes.Text):
            seconds += PER_WORD * len(node.astext().split())
        elif isinstance(node, nodes.math):
            seconds += PER_WORD
        elif isinstance(node, nodes.math_block):
            seconds += PER_FORMULA
        elif isinstance(node, nodes.image | nodes.tgroup):
            seconds += PER_FIGURE
        elif isinstance(node, nodes.literal_block):
            seconds += PER_CODE_LINE * sum(
                bool(line.strip()) for line in node.astext().splitlines()
            )
    return seconds


def _read(node: nodes.Node) -> Iterator[nodes.Node]:
    """The nodes that a reader stops at, each once."""
    if isinstance(
        node, nodes.Text | nodes.math | nodes.math_block | nodes.literal_block | nodes.image
    ):
        yield node
        return
    if isinstance(node, nodes.Invisible):
        return
    if type(node).__name__.startswith(("exercise", "solution")):
        return
    in_output = False
    if isinstance(node, nodes.Element):
        if {"exercise", "solution"} & set(node.get("classes", [])):
            return
        if node.get("nb_element") == "cell_code_source" and _is_folded(node.parent):
            return
        in_output = node.get("nb_element") == "cell_code_output"
        if isinstance(node, nodes.tgroup) and any(
            isinstance(above, nodes.container) and above.get("nb_element") == "cell_code_output"
            for above in all_above(node)
        ):
            yield node  # a table of results is looked at like a figure, not read word by word
            return
    if in_output:
        # Of what a cell shows, figures and tables count, each as one; print-outs do not.
        for inner in node.findall(lambda n: isinstance(n, nodes.figure | nodes.tgroup)):
            if isinstance(inner, nodes.tgroup):
                yield inner
            else:
                yield from _read(inner)
        return
    for child in node.children:
        yield from _read(child)


def all_above(node: nodes.Node) -> Iterator[nodes.Node]:
    """The nodes that hold this one, from the inside out."""
    while node.parent is not None:
        node = node.parent
        yield node


def _is_folded(cell: nodes.Element | None) -> bool:
    mode = cell.get("hide_mode", "") if cell is not None else ""
    return mode == "all" or "input" in mode


# Needs --------------------------------------------------------------------------------------------


def table_of_needs(tree: nodes.Element) -> nodes.table | None:
    """The first table whose head is "You need | Where to read it"."""
    for table in tree.findall(nodes.table):
        head = next(table.findall(nodes.thead), None)
        if head is not None and [entry.astext() for entry in head.findall(nodes.entry)] == HEAD:
            return table
    return None


def references_in(table: nodes.table) -> tuple[tuple[str, str, str], ...]:
    found = []
    for body in table.findall(nodes.tbody):
        for row in body.children:
            for xref in row.children[1].findall(addnodes.pending_xref):
                found.append((xref.get("refdomain", ""), xref["reftype"], xref["reftarget"]))
    return tuple(found)


def page_of(env: BuildEnvironment, domain: str, kind: str, label: str) -> str | None:
    """The page on which a label stands."""
    if kind == "eq":
        return env.get_domain("math").equations.get(label, (None,))[0]  # type: ignore[attr-defined]
    if domain == "prf":
        return getattr(env, "proof_list", {}).get(label, {}).get("docname")
    return env.get_domain("std").anonlabels.get(label.lower(), (None,))[0]  # type: ignore[attr-defined]


def all_facts(env: BuildEnvironment) -> dict[str, Facts]:
    if not hasattr(env, "chapter_facts"):
        env.chapter_facts = {}  # type: ignore[attr-defined]
    return env.chapter_facts  # type: ignore[attr-defined,no-any-return]


def reading_order(env: BuildEnvironment) -> list[str]:
    """The chapters, in the order of the table of contents."""
    relations = env.collect_relations()
    order, page = [], env.config.root_doc
    while page is not None:
        if page in all_facts(env):
            order.append(page)
        page = relations[page][2] if page in relations else None
    return order


def needs(env: BuildEnvironment) -> dict[str, list[str]]:
    """For each chapter, in reading order, the chapters that its table names."""
    order = reading_order(env)
    found = {}
    for name in order:
        pages = {page_of(env, *label) for label in all_facts(env)[name].needs} - {name}
        found[name] = [page for page in order if page in pages]
    return found


def leads_to(graph: dict[str, list[str]]) -> dict[str, list[str]]:
    """The same arrows, followed the other way."""
    return {name: [other for other in graph if name in graph[other]] for name in graph}


# Runs ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    seconds: float
    date: datetime
    depends: str  # hash of everything that the run depended on


def last_run(env: BuildEnvironment, name: str) -> Run | None:
    """The run whose outputs the page shows; None where it was never run (in a preview)."""
    from jupyter_cache import get_cache
    from myst_nb.sphinx_ import NbMetadataCollector

    data = NbMetadataCollector.get_exec_data(env, name)
    if data is None or data["runtime"] is None:
        return None
    cache = get_cache(env.mystnb_config.execution_cache_path)  # type: ignore[attr-defined]
    made = {record.created.timestamp(): record for record in cache.list_cache_records()}
    record = made.get(data["mtime"])
    return Run(
        data["runtime"],
        datetime.fromtimestamp(data["mtime"], UTC),
        record.data.get("depends", "") if record is not None else "",
    )


def in_words(seconds: float) -> str:
    """A duration with as many digits as it deserves, on one line."""
    if seconds < 119.5:
        return f"{max(1, round(seconds))}\N{NO-BREAK SPACE}s"
    return f"{seconds / 60:.1f}\N{NO-BREAK SPACE}min"


# On the page --------------------------------------------------------------------------------------


def link(env: BuildEnvironment, name: str, text: str | None = None) -> addnodes.pending_xref:
    """A link to a page, by its title."""
    xref = addnodes.pending_xref(
        refdomain="std",
        reftype="doc",
        reftarget=f"/{name}",
        refdoc=env.docname,
        refexplicit=True,
        refwarn=True,
    )
    xref += nodes.inline("", text or env.titles[name].astext())
    return xref


def label_link(env: BuildEnvironment, label: str, text: str) -> addnodes.pending_xref:
    xref = addnodes.pending_xref(
        refdomain="std",
        reftype="ref",
        reftarget=label,
        refdoc=env.docname,
        refexplicit=True,
        refwarn=True,
    )
    xref += nodes.inline("", text)
    return xref


def joined(parts: Iterable[nodes.Node]) -> list[nodes.Node]:
    parts = list(parts)
    found: list[nodes.Node] = []
    for number, part in enumerate(parts):
        if number:
            found.append(nodes.Text(" and " if number == len(parts) - 1 else ", "))
        found.append(part)
    return found


class chapter_status(nodes.General, nodes.Element):
    """Placeholder until every chapter has been read."""


class ChapterStatus(SphinxDirective):
    def run(self) -> list[nodes.Node]:
        self.env.metadata[self.env.docname]["shows_all_chapters"] = True
        return [chapter_status()]


class WriteFacts(SphinxPostTransform):
    default_priority = 7  # before works are listed (8) and references are resolved (9 and 10)

    def run(self, **kwargs: Any) -> None:
        for node in list(self.document.findall(chapter_status)):
            node.replace_self(self.status())
        if self.env.docname in all_facts(self.env):
            self.time_below_the_table()
            self.what_leads_on()

    def time_below_the_table(self) -> None:
        table = table_of_needs(self.document)
        if table is None:
            return  # the rules of the book's sources tell of it
        minutes = all_facts(self.env)[self.env.docname].minutes
        run = last_run(self.env, self.env.docname)
        line = nodes.paragraph(classes=["chapter-time"])
        line += nodes.strong("", f"About {minutes} minutes to read")
        line += nodes.Text(", exercises apart")
        if run is not None:
            line += nodes.Text("; ")
            line += nodes.strong("", f"{in_words(run.seconds)} to run")
            line += nodes.Text(", measured")
        line += nodes.Text(" (")
        line += label_link(self.env, "chapter-map-times", "how")
        line += nodes.Text(").")
        table.parent.insert(table.parent.index(table) + 1, line)

    def what_leads_on(self) -> None:
        after = leads_to(needs(self.env)).get(self.env.docname, [])
        sections = list(self.document.findall(nodes.section))
        if not after or not sections:
            return
        line = nodes.paragraph(classes=["chapter-leads-to"])
        line += nodes.strong("", "Needed in")
        line += nodes.Text(" ")
        line += joined(link(self.env, name) for name in after)
        line += nodes.Text(" (")
        line += label_link(self.env, "chapter-map", "the map")
        line += nodes.Text(").")
        sections[-1] += line

    def status(self) -> nodes.table:
        rows = []
        for name in reading_order(self.env):
            run = last_run(self.env, name)
            rows.append(
                [
                    nodes.paragraph("", "", link(self.env, name)),
                    nodes.paragraph("", f"{run.seconds:.0f}" if run else "not run"),
                    nodes.paragraph("", f"{run.date:%Y-%m-%d %H:%M}" if run else ""),
                    nodes.paragraph("", "", nodes.literal("", run.depends[:12]))
                    if run and run.depends
                    else nodes.paragraph(),
                ]
            )
        return make_table(
            ["Chapter", "Seconds to run", "Run (UTC)", "Depends on, fingerprint"], rows
        )


def make_table(head: list[str], rows: list[list[nodes.Element]]) -> nodes.table:
    table = nodes.table(classes=["colwidths-auto"])
    group = nodes.tgroup(cols=len(head))
    table += group
    group += [nodes.colspec(colwidth=1) for _ in head]
    top = nodes.row("", *[nodes.entry("", nodes.paragraph("", text)) for text in head])
    group += nodes.thead("", top)
    group += nodes.tbody(
        "", *[nodes.row("", *[nodes.entry("", cell) for cell in row]) for row in rows]
    )
    return table


# Collecting ---------------------------------------------------------------------------------------


def collect(app: Sphinx, tree: nodes.document) -> None:
    name = app.env.docname
    if not name.startswith(CHAPTERS):
        return
    table = table_of_needs(tree)
    all_facts(app.env)[name] = Facts(
        reading_seconds(tree), references_in(table) if table is not None else ()
    )


def forget(app: Sphinx, env: BuildEnvironment, name: str) -> None:
    all_facts(env).pop(name, None)


def merge(app: Sphinx, env: BuildEnvironment, names: set[str], other: BuildEnvironment) -> None:
    all_facts(env).update(
        {name: all_facts(other)[name] for name in names if name in all_facts(other)}
    )


def rewrite_pages(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Pages on all chapters are written anew whenever anything was; chapters, when what leads on from them changed."""
    now = {
        name: (tuple(after), env.titles[name].astext())
        for name, after in leads_to(needs(env)).items()
    }
    before = getattr(env, "chapters_led_to", {})
    env.chapters_led_to = now  # type: ignore[attr-defined]
    changed = [
        name
        for name in now
        if before and (now[name] != before.get(name) or _titles(now, before, name))
    ]
    return changed + [name for name, data in env.metadata.items() if data.get("shows_all_chapters")]


def _titles(now: dict[str, Any], before: dict[str, Any], name: str) -> bool:
    """Whether a chapter that `name` leads to has another title than before."""
    return any(now[other][1] != before.get(other, ("", ""))[1] for other in now[name][0])


def short_title(env: BuildEnvironment, name: str) -> str:
    """The title up to a colon, where it has one."""
    return env.titles[name].astext().split(":")[0]


def number(env: BuildEnvironment, name: str) -> str:
    return ".".join(map(str, env.toc_secnumbers.get(name, {}).get("", ())))


def part_of(name: str) -> str:
    return PurePosixPath(name).parent.name


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_node(chapter_status)
    app.add_directive("chapter-status", ChapterStatus)
    app.add_post_transform(WriteFacts)
    app.connect("doctree-read", collect)
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", merge)
    app.connect("env-updated", rewrite_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
