"""The works that a chapter cites, listed at its end; and at each entry of the book's list, the pages that cite it."""

from __future__ import annotations

from typing import Any

from chapter_facts import CHAPTERS, joined, link
from docutils import nodes
from pybtex.plugin import find_plugin
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinxcontrib.bibtex.transforms import node_text_transform


def works_cited(env: BuildEnvironment, name: str) -> list[Any]:
    """The entries that a page cites, in the order of the book's list, each once."""
    domain = env.get_domain("cite")
    keys = {
        target.key
        for reference in domain.citation_refs  # type: ignore[attr-defined]
        if reference.docname == name
        for target in reference.targets
    }
    return [citation for citation in domain.citations if citation.key in keys]  # type: ignore[attr-defined]


def cited_in(env: BuildEnvironment) -> dict[str, list[str]]:
    """For each key, the chapters that cite it, in reading order."""
    found: dict[str, list[str]] = {}
    relations = env.collect_relations()
    page = env.config.root_doc
    while page is not None:
        if page.startswith(CHAPTERS):
            for work in works_cited(env, page):
                found.setdefault(work.key, []).append(page)
        page = relations[page][2] if page in relations else None
    return found


class ListWorks(SphinxPostTransform):
    default_priority = 8  # after the book's own list is made (5), before references are resolved

    def run(self, **kwargs: Any) -> None:
        env = self.env
        if env.docname.startswith(CHAPTERS):
            sections = list(self.document.findall(nodes.section))
            works = works_cited(env, env.docname)
            if works and sections:
                sections[-1] += heading("Works cited in this chapter")
                sections[-1] += nodes.bullet_list(
                    "", *[self.entry(work) for work in works], classes=["chapter-works"]
                )
        elif any(self.document.findall(nodes.citation)):
            cited = cited_in(env)
            names = {work.citation_id: work.key for work in env.get_domain("cite").citations}  # type: ignore[attr-defined]
            for entry in self.document.findall(nodes.citation):
                pages = cited.get(names.get((entry.get("ids") or [""])[0], ""), [])
                if pages:
                    line = nodes.inline(classes=["cited-in"])
                    line += nodes.Text(" Cited in ")
                    line += joined(link(env, page) for page in pages)
                    line += nodes.Text(".")
                    entry.children[-1] += line

    def entry(self, work: Any) -> nodes.list_item:
        paragraph = find_plugin("pybtex.backends", "docutils")().paragraph(work.formatted_entry)
        node_text_transform(paragraph)
        return nodes.list_item("", paragraph)


def heading(text: str) -> nodes.rubric:
    """A heading that the table of contents does not show."""
    rubric = nodes.rubric("", text)
    rubric["heading-level"] = 3
    return rubric


def rewrite_pages(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """The book's list is written anew when other pages cite other works."""
    now = cited_in(env)
    before = getattr(env, "works_cited_in", None)
    env.works_cited_in = now  # type: ignore[attr-defined]
    if now == before:
        return []
    return sorted({key.docname for key in env.get_domain("cite").bibliographies})  # type: ignore[attr-defined]


def setup(app: Sphinx) -> dict[str, bool]:
    app.setup_extension("sphinxcontrib.bibtex")
    app.add_post_transform(ListWorks)
    app.connect("env-updated", rewrite_pages, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
