"""Pictures that one can move: ``{explorer} spike`` with ``:still: fig-spike``, the figure that stands for it in print.

The controls come from ``book/explorers/NAME.html``. Scripts and style sheet lie there too, not under ``_static``,
from where every page would load them; a page with an explorer loads them, and no other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

SCRIPTS = ("numerics.js", "drawing.js", "explorers.js")
SHEET = "explorers.css"
FRAME = """<div class="explorer" role="group" aria-label="{label}" data-explorer="{name}" data-still="{still}">
{body}<p class="explorer-sentence"></p>
<output class="explorer-spoken" aria-live="polite"></output>
</div>
"""


def source(app: Sphinx) -> Path:
    """Where the scripts and controls lie in the book that is written: an edition has a tree of its own."""
    return Path(app.srcdir) / "book" / "explorers"


class Explorer(SphinxDirective):
    required_arguments = 1
    option_spec: ClassVar = {
        "still": directives.unchanged_required,
        "aria-label": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        body = source(self.env.app) / f"{name}.html"
        missing = {"still", "aria-label"} - self.options.keys()
        if missing or not body.is_file():
            reason = f"no {body.name}" if not missing else f"no :{min(missing)}: is given"
            raise self.error(f"explorer {name!r}: {reason}")
        self.env.note_dependency(str(body))
        self.env.metadata[self.env.docname]["has_explorer"] = True
        html = FRAME.format(
            name=name,
            body=body.read_text("utf8"),
            label=self.options["aria-label"],
            still=self.options["still"],
        )
        return [nodes.raw("", html, format="html")]


def load_on_its_pages(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    if app.env.metadata.get(pagename, {}).get("has_explorer"):
        for script in SCRIPTS:
            app.add_js_file(f"explorers/{script}", loading_method="defer")
        app.add_css_file(f"explorers/{SHEET}")


def copy_assets(app: Sphinx) -> None:
    """Before the pages are written: their links carry a checksum of the file."""
    if app.builder.format != "html":
        return
    folder = Path(app.outdir) / "_static" / "explorers"
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*SCRIPTS, SHEET):
        (folder / name).write_bytes((source(app) / name).read_bytes())


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("explorer", Explorer)
    app.connect("builder-inited", copy_assets)
    app.connect("html-page-context", load_on_its_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
