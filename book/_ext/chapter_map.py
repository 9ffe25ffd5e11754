"""How the chapters depend on each other: ``{chapter-map}`` draws it, ``{chapter-table}`` says the same in words.

Both come from the chapters' own tables of what a reader needs. The drawing leaves out what follows from the rest: if B
needs A, and C needs B, no line from A to C. It is a page's own SVG with links, so that it follows the theme, a keyboard
walks through it, and nothing is loaded.
"""

from __future__ import annotations

import textwrap
from html import escape
from typing import Any, ClassVar

from chapter_facts import (
    all_facts,
    in_words,
    joined,
    last_run,
    leads_to,
    link,
    make_table,
    needs,
    number,
    short_title,
)
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

# In the drawing's own pixels: as wide as a phone, so that its words are legible there.
WIDTH, LEFT, LINE, GAP, CHARACTERS = 360, 112, 19, 13, 31


def reduced(graph: dict[str, list[str]]) -> dict[str, list[str]]:
    """Only those needs that do not follow from other needs."""
    everything: dict[str, set[str]] = {}

    def below(name: str) -> set[str]:
        if name not in everything:
            everything[name] = set()  # a circle would end here
            everything[name] = {other for need in graph[name] for other in (need, *below(need))}
        return everything[name]

    return {
        name: [
            need
            for need in direct
            if not any(need in below(other) for other in direct if other != need)
        ]
        for name, direct in graph.items()
    }


def drawing(
    parts: list[tuple[str, list[str]]],
    graph: dict[str, list[str]],
    titles: dict[str, str],
    links: dict[str, str],
) -> str:
    """The SVG: chapters below each other in reading order, and an arc from each to those that need it.

    `parts` holds (caption, chapters) in reading order, `graph` what each chapter needs.
    """
    rows: list[str] = []
    at: dict[str, float] = {}
    index: dict[str, int] = {}
    y = 0.0
    for caption, chapters in parts:
        y += LINE + GAP
        rows.append(f'<text class="part" x="{LEFT + 14}" y="{y:.0f}">{escape(caption)}</text>')
        for name in chapters:
            lines = textwrap.wrap(titles[name], CHARACTERS) or [""]
            y += LINE + GAP
            at[name], index[name] = y - 5, len(index)
            words = "".join(
                f'<tspan x="{LEFT + 14}" dy="{LINE if i else 0}">{escape(line)}</tspan>'
                for i, line in enumerate(lines)
            )
            rows.append(
                f'<a class="chapter c{index[name]}" href="{escape(links[name])}">'
                f'<circle cx="{LEFT}" cy="{at[name]:.0f}" r="4"/><text y="{y:.0f}">{words}</text></a>'
            )
            y += LINE * (len(lines) - 1)
    arcs = []
    for name, direct in reduced(graph).items():
        for need in direct:
            top, end = at[need], at[name]
            reach = min(14 + 0.28 * abs(end - top), 1.3 * LEFT)
            arcs.append(
                f'<path class="from{index[need]} to{index[name]}" '
                f'd="M{LEFT - 5} {top:.0f}C{LEFT - reach:.0f} {top:.0f} '
                f'{LEFT - reach:.0f} {end:.0f} {LEFT - 7} {end:.0f}"/>'
            )
    active = ":is(:hover,:focus-visible)"
    marks = "".join(
        f".chapter-map:has(.c{i}{active}) .to{i}{{stroke:var(--book-definition);opacity:1}}"
        f".chapter-map:has(.c{i}{active}) .from{i}{{stroke:var(--book-algorithm);opacity:1}}"
        for i in index.values()
    )
    return (
        f'<svg class="chapter-map" viewBox="0 0 {WIDTH} {y + GAP:.0f}" '
        f'width="{WIDTH}" height="{y + GAP:.0f}" role="group" '
        'aria-label="Map of the chapters; the table below says the same in words">'
        f"<style>.chapter-map:has(.chapter{active}) path{{opacity:.2}}{marks}</style>"
        + "".join(arcs)
        + "".join(rows)
        + "</svg>"
    )


def parts_of(env: BuildEnvironment) -> list[tuple[str, list[str]]]:
    """(caption, chapters) of each part of the table of contents that holds chapters."""
    chapters = all_facts(env)
    found = []
    for toctree in env.get_doctree(env.config.root_doc).findall(addnodes.toctree):
        names = [name for _, name in toctree["entries"] if name in chapters]
        if names:
            found.append((toctree.get("caption") or "", names))
    return found


class chapter_map(nodes.General, nodes.Element):
    """Placeholder for the drawing."""


class chapter_table(nodes.General, nodes.Element):
    """Placeholder for the table."""


class ChapterMap(SphinxDirective):
    """The content is the caption."""

    has_content = True
    option_spec: ClassVar = {"name": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        self.env.metadata[self.env.docname]["shows_all_chapters"] = True
        figure = nodes.figure("", chapter_map(), classes=["chapter-map-figure"])
        self.set_source_info(figure)
        text, _ = self.state.inline_text(" ".join(self.content), self.lineno)
        figure += nodes.caption("", "", *text)
        self.add_name(figure)
        return [figure]


class ChapterTable(SphinxDirective):
    def run(self) -> list[nodes.Node]:
        self.env.metadata[self.env.docname]["shows_all_chapters"] = True
        return [chapter_table()]


class DrawMap(SphinxPostTransform):
    default_priority = 8  # before references are resolved

    def run(self, **kwargs: Any) -> None:
        for node in list(self.document.findall(chapter_map)):
            node.replace_self(self.map())
        for node in list(self.document.findall(chapter_table)):
            node.replace_self(self.table())

    def map(self) -> nodes.raw:
        env = self.env
        graph = needs(env)
        numbers = {name: number(env, name) for name in graph}
        titles = {name: f"{numbers[name]}  {short_title(env, name)}".strip() for name in graph}
        if self.app.builder.format != "html":
            return nodes.raw("", "", format="html")  # the table says the same
        links = {name: self.app.builder.get_relative_uri(env.docname, name) for name in graph}
        parts = [
            (caption, [name for name in names if name in graph]) for caption, names in parts_of(env)
        ]
        return nodes.raw("", drawing(parts, graph, titles, links), format="html")

    def table(self) -> nodes.table:
        env = self.env
        graph = needs(env)
        after = leads_to(graph)
        rows = []
        for name in graph:
            run = last_run(env, name)
            rows.append(
                [
                    nodes.paragraph(
                        "",
                        "",
                        nodes.Text(f"{number(env, name)} "),
                        link(env, name, short_title(env, name)),
                    ),
                    nodes.paragraph("", str(all_facts(env)[name].minutes)),
                    nodes.paragraph("", in_words(run.seconds) if run else "not run"),
                    self.listed(graph[name]),
                    self.listed(after[name]),
                ]
            )
        return make_table(["Chapter", "Minutes to read", "To run", "Needs", "Needed in"], rows)

    def listed(self, names: list[str]) -> nodes.paragraph:
        env = self.env
        if not names:
            return nodes.paragraph("", "no other")
        return nodes.paragraph(
            "",
            "",
            *joined(link(env, name, number(env, name) or short_title(env, name)) for name in names),
        )


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_node(chapter_map)
    app.add_node(chapter_table)
    app.add_directive("chapter-map", ChapterMap)
    app.add_directive("chapter-table", ChapterTable)
    app.add_post_transform(DrawMap)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
