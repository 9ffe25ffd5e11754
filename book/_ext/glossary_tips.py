"""A term's definition beside the term: shown on hover, on focus and on touch, and read out by a screen reader.

The build puts the definitions of a page's terms, hidden, at its end, and names them as descriptions of the links
(``aria-describedby``). ``term-tips.js`` only shows and places them: without it the links still lead to the glossary.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment


def glossary_pages(env: BuildEnvironment) -> set[str]:
    return {
        entry[0]
        for (kind, _), entry in env.get_domain("std").objects.items()  # type: ignore[attr-defined]
        if kind == "term"
    }


def definitions(app: Sphinx) -> dict[str, str]:
    """Anchor of each term -> its definition as HTML without links."""
    cached = getattr(app, "_term_definitions", None)
    if cached is not None:
        return cached  # type: ignore[no-any-return]
    found = {}
    for page in glossary_pages(app.env):
        tree = app.env.get_and_resolve_doctree(page, app.builder)
        for glossary in tree.findall(addnodes.glossary):
            for item in glossary.findall(nodes.definition_list_item):
                body = next(item.findall(nodes.definition))
                for anchor in (name for term in item.findall(nodes.term) for name in term["ids"]):
                    found[anchor] = as_html(app, body)
    app._term_definitions = found  # type: ignore[attr-defined]
    return found


def as_html(app: Sphinx, definition: nodes.definition) -> str:
    box = nodes.container()
    for paragraph in definition.children:
        box += without_links(paragraph.deepcopy())
    html = app.builder.render_partial(box)["fragment"]  # type: ignore[attr-defined]
    return re.sub(r"^\s*<div[^>]*>|</div>\s*$", "", html).strip()


def without_links(node: nodes.Node) -> nodes.Node:
    """A tip is a description, not a place to go on from: links become their words."""
    for reference in list(node.findall(nodes.reference)):
        words = nodes.inline("", "", *[child.deepcopy() for child in reference.children])
        reference.replace_self(words)
    return node


def with_tips(body: str, page: str, glossary: set[str], meanings: dict[str, str]) -> str:
    """Describe each link to a term, and put the definitions at the page's end, each once."""
    used: list[str] = []

    def describe(match: re.Match[str]) -> str:
        target, anchor = match[2], match[3]
        if target.removesuffix(".html").split("/")[-1] not in {g.split("/")[-1] for g in glossary}:
            return match[0]
        if anchor not in meanings:
            return match[0]
        if anchor not in used:
            used.append(anchor)
        return f'{match[1]} aria-describedby="tip-{anchor}">'

    body = re.sub(r'(<a class="reference internal" href="([^"#]+)#(term-[^"]+)")>', describe, body)
    if not used:
        return body
    tips = "\n".join(
        f'<div class="term-tip" id="tip-{anchor}" role="tooltip" hidden>{meanings[anchor]}</div>'
        for anchor in used
    )
    return f'{body}\n<div class="term-tips">\n{tips}\n</div>\n'


def add_tips(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    tree: nodes.document | None,
) -> None:
    if tree is None or app.builder.format != "html" or "body" not in context:
        return
    pages = glossary_pages(app.env)
    if pagename not in pages:  # there the definitions stand themselves
        context["body"] = with_tips(context["body"], pagename, pages, definitions(app))


def note_terms(app: Sphinx, tree: nodes.document) -> None:
    if any(node["reftype"] == "term" for node in tree.findall(addnodes.pending_xref)):
        app.env.metadata[app.env.docname]["has_terms"] = True


def note_reading(app: Sphinx, env: BuildEnvironment, names: list[str]) -> None:
    env.pages_being_read = set(names)  # type: ignore[attr-defined]


def rewrite_pages(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """When a definition may have changed, all pages that show some are written anew."""
    if glossary_pages(env).isdisjoint(getattr(env, "pages_being_read", set())):
        return []
    return [name for name, data in env.metadata.items() if data.get("has_terms")]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_css_file("reading.css")
    app.add_js_file("term-tips.js", loading_method="defer")
    app.connect("doctree-read", note_terms)
    app.connect("env-before-read-docs", note_reading)
    app.connect("env-updated", rewrite_pages)
    app.connect("html-page-context", add_tips)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
