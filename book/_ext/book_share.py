"""What a page shows of itself elsewhere: title, description and picture for who shares it; and a page for lost readers.

The picture (a social card) is drawn when the book is built, one a page, and only where its words have changed. Other
sites need whole addresses: `html.baseurl` in `_config.yml` is where the book is published.
"""

from __future__ import annotations

import base64
import hashlib
import re
import textwrap
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlsplit

from book_site import escape
from docutils import nodes
from sphinx.application import Sphinx

SIZE = (1200, 630)
FOLDER = "cards"
# Read at once: an edition brings its own copy of this file, which is gone when the next edition is made.
NOT_FOUND = Template(Path(__file__).with_name("not_found.html").read_text("utf8"))
# Part of each file's name, so that a changed design draws all cards anew.
DESIGN = "1"

PAPER, INK, SOFT, BULK, SIGNAL = "#0f1525", "#f0f3f8", "#9ba7b6", "#7f93ad", "#ff8f7e"


def card_name(title: str, kicker: str) -> str:
    return hashlib.sha256("\0".join((DESIGN, title, kicker)).encode()).hexdigest()[:16] + ".png"


def draw_card(path: Path, title: str, kicker: str, book: str) -> None:
    """The page's title beside what the book is about: a bulk of noise, and signals beyond its edge."""
    import matplotlib as mpl
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from rmt_helpers import MarchenkoPastur

    law = MarchenkoPastur(0.5)
    low, high = law.support()
    x = np.linspace(low, high, 400)
    figure = Figure(figsize=(SIZE[0] / 100, SIZE[1] / 100), dpi=100, facecolor=PAPER)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 0.34))
    axes.set_axis_off()
    axes.set(xlim=(-0.35, 5.2), ylim=(0, 1.05))
    axes.fill_between(x, law.pdf(x), color=BULK, alpha=0.55, linewidth=0)
    axes.plot(x, law.pdf(x), color=BULK, linewidth=2.5)
    axes.vlines([3.5, 4.1, 4.9], 0, [0.5, 0.34, 0.22], color=SIGNAL, linewidth=7, capstyle="round")
    left, right, most = 0.055, 0.945, 3
    with mpl.rc_context({"font.serif": ["DejaVu Serif"], "font.sans-serif": ["DejaVu Sans"]}):
        say: dict[str, Any] = {"parse_math": False, "va": "top", "ha": "left"}
        above = " · ".join(part for part in (book if book != title else "", kicker) if part)
        figure.text(left, 0.91, above, color=SOFT, size=22, family="sans-serif", **say)
        for size in (56, 48, 40, 34):
            lines = textwrap.wrap(title, int(1150 / size), max_lines=most, placeholder=" …")
            text = figure.text(
                left,
                0.79,
                "\n".join(lines),
                color=INK,
                size=size,
                family="serif",
                weight="bold",
                linespacing=1.2,
                **say,
            )
            box = text.get_window_extent()
            cut = lines[-1].endswith(" …")
            if not cut and box.x1 <= right * SIZE[0] and box.y0 >= 0.38 * SIZE[1]:
                break
            if size != 34:
                text.remove()
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    figure.savefig(beside, format="png", facecolor=PAPER, metadata={"Software": None})
    beside.replace(path)


def share_tags(address: str, title: str, description: str, picture: str, book: str) -> str:
    properties = {
        "og:type": "article",
        "og:site_name": book,
        "og:title": title,
        "og:description": description,
        "og:url": address,
        "og:image": picture,
        "og:image:width": str(SIZE[0]),
        "og:image:height": str(SIZE[1]),
        "og:image:alt": f"The title, {title}, above a hump of noise with three separate bars, the signal, beside it",
    }
    tags = [
        f'<meta property="{key}" content="{escape(value)}" />'
        for key, value in properties.items()
        if value
    ]
    return "\n".join([*tags, '<meta name="twitter:card" content="summary_large_image" />', ""])


def add_tags(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """After `book_site`, whose description is used again."""
    base = app.config.html_baseurl
    if doctree is None or not base or pagename not in app.env.titles:
        return
    title = app.env.titles[pagename].astext()
    number = app.env.toc_secnumbers.get(pagename, {}).get("")
    kicker = f"Chapter {number[0]}" if number else ""
    card = card_name(title, kicker)
    app.env.cards = getattr(app.env, "cards", {})  # type: ignore[attr-defined]
    app.env.cards[pagename] = (card, title, kicker)  # type: ignore[attr-defined]
    described = re.search(
        r'<meta name="description" content="([^"]*)"', context.get("metatags", "")
    )
    tags = share_tags(
        f"{base.rstrip('/')}/{pagename}.html",
        title,
        "",
        f"{base.rstrip('/')}/{FOLDER}/{card}",
        app.config.html_title,
    )
    if described:  # it is escaped already
        tags = f'<meta property="og:description" content="{described[1]}" />\n' + tags
    context["metatags"] = context.get("metatags", "") + tags


def not_found(out: Path, base: str, title: str) -> str:
    """The page that a server shows for an address without a page; it asks for no other file."""
    icon = base64.b64encode((out / "_static" / "favicon.svg").read_bytes()).decode()
    root = urlsplit(base).path.rstrip("/") + "/"
    return NOT_FOUND.substitute(
        title=escape(title), root=root, icon=f"data:image/svg+xml;base64,{icon}"
    )


def write_files(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.name != "html":
        return
    out, book = Path(app.outdir), app.config.html_title
    (out / "404.html").write_text(not_found(out, app.config.html_baseurl, book), "utf8")
    cards = {
        name: card
        for name, card in getattr(app.env, "cards", {}).items()
        if name in app.env.found_docs
    }
    for name, title, kicker in cards.values():
        if not (out / FOLDER / name).is_file():
            draw_card(out / FOLDER / name, title, kicker, book)
    wanted = {name for name, _, _ in cards.values()}
    for path in (out / FOLDER).glob("*"):
        if path.name not in wanted:
            path.unlink()


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("html-page-context", add_tags, priority=950)
    app.connect("build-finished", write_files, priority=800)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
