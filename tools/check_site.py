"""What must hold of the written pages, whatever the build said: each line returned is a problem.

Several faults leave a build green: a backend that draws nothing, a page that is missing, an output that is a traceback,
mathematics that did not render, a style sheet or script from another host.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from check_article import article_problems

# What a browser fetches by itself when it opens the page; an <a href> is followed by the reader alone.
FETCHED = {
    "script": ("src",),
    "link": ("href",),
    "img": ("src", "srcset"),
    "source": ("src", "srcset"),
    "iframe": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "video": ("src", "poster"),
    "audio": ("src",),
    "track": ("src",),
    "input": ("src",),
    "use": ("href", "xlink:href"),
    "image": ("href", "xlink:href"),
}
# <link rel=…> that names a page and fetches nothing.
NAMED_ONLY = {"canonical", "index", "search", "next", "prev", "author", "license"}
REMOTE = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:)?//", re.I)
REMOTE_IN_STYLE = re.compile(
    r"""(?:url\(\s*['"]?|@import\s+['"])\s*((?:[a-z]+:)?//[^'")\s]+)""", re.I
)
REMOTE_IN_SCRIPT = re.compile(
    r"""(?:\.src\s*=|fetch\(|import\(|importScripts\(|_URL\s*=)\s*['"`]((?:https?:)?//[^'"`]+)"""
)


class Page(HTMLParser):
    """Collects of one page: remote requests, figures with their images, and inline scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.remote: list[str] = []
        self.figures: dict[str, int] = {}
        self._figure: str | None = None
        self._inside: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if not (tag == "link" and set(values.get("rel", "").split()) & NAMED_ONLY):
            self.remote += [
                values[name] for name in FETCHED.get(tag, ()) if REMOTE.match(values.get(name, ""))
            ]
        self.remote += REMOTE_IN_STYLE.findall(values.get("style", ""))
        if tag == "figure":
            self._figure = values.get("id", "")
            self.figures[self._figure] = 0
        elif tag == "img" and self._figure is not None:
            self.figures[self._figure] += 1
        elif tag in {"script", "style"}:
            self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == "figure":
            self._figure = None
        elif tag in {"script", "style"}:
            self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside == "style":
            self.remote += REMOTE_IN_STYLE.findall(data)
        elif self._inside == "script":
            self.remote += REMOTE_IN_SCRIPT.findall(data)


def figure_names(source: str) -> list[str]:
    """The names that a page's source gives to figures computed in its cells."""
    blocks = re.findall(r"^```\{code-cell\}[^\n]*\n---\n(.*?)^---$", source, re.M | re.S)
    names = [
        re.search(r"^  figure:\n(?:    .*\n|\n)*?    name: *(\S+)", block, re.M) for block in blocks
    ]
    return [match[1] for match in names if match is not None]


def problems_on_page(text: str, figures: list[str]) -> list[str]:
    page = Page(text)
    found = [f"asks another host for {url}" for url in page.remote]
    for name in figures:
        images = page.figures.get(name)
        if images != 1:
            found.append(
                f"figure {name}: "
                + ("missing" if images is None else f"{images} images, should be 1")
            )
    if 'class="output traceback' in text or "Traceback (most recent call last)" in text:
        found.append("shows a traceback")
    if "katex-error" in text:
        errors = re.findall(r'class="katex-error"[^>]*title="([^"]*)"', text)
        found.append(f"mathematics that KaTeX does not know: {'; '.join(errors)}")
    return found


def problems(html: Path, root: Path, sources: list[Path]) -> list[str]:
    """All problems of a built site."""
    found, pages = [], []
    for source in sources:
        name = source.relative_to(root).with_suffix("").as_posix()
        page = html / f"{name}.html"
        if not page.is_file():
            found.append(f"{name}: no page was written")
            continue
        pages.append(page)
        text = page.read_text("utf8")
        found += [
            f"{name}: {line}"
            for line in problems_on_page(text, figure_names(source.read_text("utf8")))
        ]
    found += article_problems(html, pages)
    for sheet in html.rglob("*.css"):
        urls = REMOTE_IN_STYLE.findall(sheet.read_text("utf8"))
        found += [f"{sheet.relative_to(html)}: asks another host for {url}" for url in urls]
    for needed in ("index.html", "vendor/katex/katex.min.css", "searchindex.js"):
        if not (html / needed).is_file():
            found.append(f"{needed} is missing")
    return found
