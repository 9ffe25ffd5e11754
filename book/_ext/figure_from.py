"""Show a figure of another page: ``{figure-from} fig-one`` pastes the image that a chapter computed.

MyST-NB can glue outputs across pages, but only bitmaps, without alternative text and without a caption. This takes
the image of the numbered figure itself (so nothing is drawn or numbered twice) and links it to its chapter. The
directive's content is the caption; ``:alt:`` replaces the alternative text, which otherwise comes along.
"""

from __future__ import annotations

from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

LOGGER = logging.getLogger(__name__)


class pasted_figure(nodes.General, nodes.Element):
    """Placeholder until every chapter has been executed."""


class FigureFrom(SphinxDirective):
    required_arguments = 1
    has_content = True
    option_spec: ClassVar = {"alt": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        box = nodes.container(classes=["figure-from"])
        target = pasted_figure(label=self.arguments[0], alt=self.options.get("alt", ""))
        self.set_source_info(target)
        box += target
        if self.content:
            caption = nodes.container(classes=["figure-from-caption"])
            self.state.nested_parse(self.content, self.content_offset, caption)
            box += caption
        self.env.metadata[self.env.docname]["pastes_figures"] = True
        return [box]


class PasteFigures(SphinxPostTransform):
    default_priority = 6  # before references are resolved (10)

    def run(self, **kwargs: object) -> None:
        labels = self.env.get_domain("std").anonlabels
        for node in list(self.document.findall(pasted_figure)):
            docname, identifier = labels.get(node["label"], ("", ""))
            image = find_image(self.env, docname, identifier)
            if image is None:
                LOGGER.warning("no figure %r to paste", node["label"], location=node)
                node.parent.remove(node)
                continue
            image["alt"] = node["alt"] or image.get("alt", "")
            link = nodes.reference("", "", image, internal=True, classes=["figure-from-link"])
            link["refuri"] = (
                self.app.builder.get_relative_uri(self.env.docname, docname) + f"#{identifier}"
            )
            node.replace_self(link)


def find_image(env: BuildEnvironment, docname: str, identifier: str) -> nodes.image | None:
    """The image inside the figure; a vector image wins where an output offers several formats."""
    if not docname:
        return None
    for figure in env.get_doctree(docname).findall(nodes.figure):
        if identifier in figure["ids"]:
            images = sorted(
                figure.findall(nodes.image), key=lambda image: not image["uri"].endswith(".svg")
            )
            return images[0].deepcopy() if images else None
    return None


def rewrite_pages(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """A page that shows a chapter's figure is written anew whenever anything was."""
    return [name for name, data in env.metadata.items() if data.get("pastes_figures")]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_node(pasted_figure)
    app.add_directive("figure-from", FigureFrom)
    app.add_post_transform(PasteFigures)
    app.connect("env-updated", rewrite_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
