"""What the written markup owes its readers: figures that can be heard and cited, links that lead somewhere, no raw TeX.

These need no browser, so `make book` checks them; `tools/check_browser.py` looks at the rest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

WORDS_OF_ALT = 8
VOID = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"
}  # fmt: skip
# What a formula looks like that nobody rendered.
RAW_TEX = re.compile(
    r"\$\$|\\\(|\\\[|\\begin\{|\\(?:frac|sqrt|sum|int|sigma|lambda|theta|nu|mathrm|operatorname|hat|le|ge)(?![a-z])"
    r"|\$[^$\s][^$\n]*[\\^_][^$\n]*\$"
)
# Text of these is shown as it stands.
LITERAL = ("code", "pre", "script", "style", "annotation", "textarea")
MARKS = ("article", "figcaption", "pasted", *LITERAL)


@dataclass
class Image:
    """An image of the article, and what it stands in."""

    attributes: dict[str, str]
    figure: Figure | None
    pasted: bool  # shown again from another page; its caption is the page's own

    @property
    def name(self) -> str:
        return (self.figure.id if self.figure else "") or self.attributes.get("src", "")[-24:]


@dataclass
class Figure:
    id: str
    number: bool = False
    caption: str = ""


@dataclass
class Article(HTMLParser):
    """Collects of one page: its ids, links, images, and the words of its article."""

    source: str
    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[str] = []
        self._depth = dict.fromkeys(MARKS, 0)  # how many elements of each kind are open
        self._figures: list[Figure] = []
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if "id" in values:
            self.ids.add(values["id"])
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        kind = tag
        if tag == "figure":
            self._figures.append(Figure(values.get("id", "")))
        elif tag == "div" and "figure-from" in values.get("class", "").split():
            kind = "pasted"
        elif (
            "caption-number" in values.get("class", "")
            and self._depth["figcaption"]
            and self._figures
        ):
            self._figures[-1].number = True
        if tag == "img" and self._depth["article"]:
            figure = self._figures[-1] if self._figures else None
            self.images.append(Image(values, figure, self._depth["pasted"] > 0))
        if tag not in VOID:
            self._open.append(kind)
            if kind in self._depth:
                self._depth[kind] += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        kinds = {tag, "pasted"} if tag == "div" else {tag}
        if kinds.isdisjoint(self._open):
            return
        while True:
            closed = self._open.pop()
            if closed in self._depth:
                self._depth[closed] -= 1
            if closed == "figure":
                self._figures.pop()
            if closed in kinds:
                return

    def handle_data(self, data: str) -> None:
        if self._depth["figcaption"] and self._figures:
            self._figures[-1].caption += data
        if self._depth["article"] and not any(self._depth[tag] for tag in LITERAL):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def figure_problems(article: Article) -> list[str]:
    found = []
    for image in article.images:
        here = f"image {image.name}"
        if len(image.attributes.get("alt", "").split()) < WORDS_OF_ALT:
            found.append(
                f"{here}: alternative text of fewer than {WORDS_OF_ALT} words: "
                f"{image.attributes.get('alt', '')!r}"
            )
        if not (image.attributes.get("width") and image.attributes.get("height")):
            found.append(f"{here}: no width and height")
        if image.pasted:
            continue
        if image.figure is None:
            found.append(f"{here}: in no figure")
        elif not (image.figure.number and image.figure.caption.strip()):
            found.append(f"{here}: no number or no caption")
    return found


def raw_tex(article: Article) -> list[str]:
    return [
        f"raw TeX: … {article.text[max(0, hit.start() - 30) : hit.end() + 30]} …"
        for hit in RAW_TEX.finditer(article.text)
    ]


def link_problems(html: Path, articles: dict[Path, Article]) -> list[str]:
    """Links inside the site that lead to no file, or to no place on a page. `articles` by their file."""
    found = []
    for page, article in articles.items():
        here = page.relative_to(html).as_posix()
        for link in dict.fromkeys(article.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            if target.is_dir():
                target /= "index.html"
            if not target.is_file():
                found.append(f"{here}: link to {link}, which is not there")
            elif (
                parts.fragment
                and target in articles
                and unquote(parts.fragment) not in articles[target].ids
            ):
                found.append(f"{here}: link to {link}, a place that is not on that page")
    return found


def article_problems(html: Path, pages: list[Path]) -> list[str]:
    """All of these problems, of the pages (files below `html`) given."""
    articles = {page.resolve(): Article(page.read_text("utf8")) for page in pages}
    html = html.resolve()
    found = []
    for page, article in articles.items():
        here = page.relative_to(html).with_suffix("").as_posix()
        found += [f"{here}: {line}" for line in figure_problems(article) + raw_tex(article)]
    return found + link_problems(html, articles)
