"""Captions and numbers for tables: ``{table-caption}`` belongs to the table that follows it.

A table that a cell computes cannot stand inside Sphinx's ``{table}`` directive. This one stands before a cell, or
before a written table, and gives the next table on the page its caption, its number and the name by which the text
refers to it.
"""

from __future__ import annotations

from typing import Any, ClassVar

from chapter_facts import CHAPTERS, all_above, table_of_needs
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

LOGGER = logging.getLogger(__name__)


class table_caption(nodes.General, nodes.Element):
    """Placeholder until the table that follows has been read."""


class TableCaption(SphinxDirective):
    required_arguments = 1
    has_content = True
    option_spec: ClassVar = {"class": directives.class_option}

    def run(self) -> list[nodes.Node]:
        self.assert_has_content()
        text, messages = self.state.inline_text(" ".join(self.content), self.lineno)
        node = table_caption("", *text, name=self.arguments[0])
        self.set_source_info(node)
        return [node, *messages]


class PlaceCaptions(SphinxTransform):
    default_priority = 400  # before labels and numbers are collected

    def apply(self, **kwargs: Any) -> None:
        order = list(self.document.findall(lambda n: isinstance(n, table_caption | nodes.table)))
        for place, node in enumerate(order):
            if not isinstance(node, table_caption):
                continue
            table = order[place + 1] if place + 1 < len(order) else None
            node.parent.remove(node)
            if not isinstance(table, nodes.table) or isinstance(table.children[0], nodes.title):
                LOGGER.warning("no table follows the caption %r", node["name"], location=node)
                continue
            title = nodes.title("", "", *node.children)
            title.source, title.line = node.source, node.line
            table.insert(0, title)
            name = nodes.fully_normalize_name(node["name"])
            table["names"].append(name)
            self.document.note_explicit_target(table, table)


def without_caption(tree: nodes.Element) -> list[nodes.table]:
    """Tables that have no caption, leaving out the one of needs and those of exercises and their solutions."""
    exempt = table_of_needs(tree)
    return [
        table
        for table in tree.findall(nodes.table)
        if table is not exempt
        and not isinstance(table.children[0], nodes.title)
        and not any(
            type(above).__name__.startswith(("exercise", "solution")) for above in all_above(table)
        )
    ]


def check(app: Sphinx, tree: nodes.document) -> None:
    if app.env.docname.startswith(CHAPTERS):
        for table in without_caption(tree):
            LOGGER.warning(
                "a table without a caption: %r",
                " ".join(table.astext().split())[:60],
                location=table,
            )


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_node(table_caption)
    app.add_directive("table-caption", TableCaption)
    app.add_transform(PlaceCaptions)
    app.connect("doctree-read", check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
