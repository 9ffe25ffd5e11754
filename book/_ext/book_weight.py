"""What makes a page open quickly: one small sheet, scripts that wait, fonts and mathematics without what is unused.

The theme loads a score of style sheets and a dozen scripts, one after the other, and nine tenths of their rules fit no
page of this book. When the pages are written, each is given one sheet made of the rules that can apply to it.
"""

from __future__ import annotations

import hashlib
import html
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import tinycss2
from book_site import subset_font
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

LINK = re.compile(r'[ \t]*<link\b[^>]*\brel="stylesheet"[^>]*>\n?')
REMOTE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|//|/)", re.I)
WORD = re.compile(r"[A-Za-z_][\w-]*")
# Scripts put such names together from parts.
COMPOSED = ("bs-",)
NESTED = {"media", "supports", "container", "layer"}
# What the theme measures on every page as soon as it is loaded, which lays all of it out; scrolling.js does it instead.
MEASURED = '"pre, .nboutput > .output_area, .cell_output > .output, .jp-RenderedHTMLCommon"'
NOTHING = '":not(*)"'


ASK = (
    "if (innerWidth >= 1200 && location.protocol !== 'file:') for (const href of %s) document.head.append("
    "Object.assign(document.createElement('link'), "
    "{rel: 'preload', as: 'font', type: 'font/woff2', crossOrigin: '', href}));"
)


# Markup -------------------------------------------------------------------------------------------


def lean(page: str, options: str) -> str:
    """A page whose scripts and pictures wait until they are needed. Doing it twice changes nothing.

    `options` is the content of Sphinx's `documentation_options.js`, which scripts in the page lean on at once.
    """
    # Screen readers are read the MathML; the TeX beside it is for programs, and the page's source holds it.
    page = re.sub(
        r'<annotation encoding="application/x-tex">.*?</annotation>', "", page, flags=re.S
    )
    page = re.sub(r'[ \t]*<link rel="preload" as="script"[^>]*>\n?', "", page)
    page = re.sub(
        r'<script src="[^"]*documentation_options\.js[^"]*"></script>',
        lambda _: f"<script>{options}</script>",
        page,
    )
    page = re.sub(
        r"<script\b(?![^>]*\b(?:defer|async|type)\b)(?=[^>]*\ssrc=)", '<script defer="defer"', page
    )
    pictures = iter(range(page.count("<img")))

    def when_near(match: re.Match[str]) -> str:
        # The first may be what a reader sees first.
        if "_images/" not in match[0] or next(pictures) == 0 or " loading=" in match[0]:
            return match[0]
        return match[0].replace("<img", '<img loading="lazy" decoding="async"', 1)

    return re.sub(r"<img\b[^>]*>", when_near, page)


def fetch_letters(page: str, name: str) -> str:
    """On a desktop, a page with mathematics asks for its main fonts at once: where they come late, lines break anew.

    A phone's slow connection has better things to fetch first. From disk a browser refuses to be asked.
    """
    if 'class="katex"' not in page or "KaTeX_Main-Regular.woff2" in page:
        return page
    folder = posixpath.relpath("vendor/katex/fonts", posixpath.dirname(name) or ".")
    fonts = [f"{folder}/KaTeX_{font}.woff2" for font in ("Main-Regular", "Math-Italic")]
    ask = f"<script>{ASK % fonts}</script>\n"
    return LINK.sub(lambda link: ask + link[0], page, count=1)


# Style sheets -------------------------------------------------------------------------------------


def linked_sheets(page: str, name: str) -> list[str] | None:
    """The sheets that a page loads, as paths from the site's root; None where it loads none or foreign ones."""
    sheets = []
    for tag in LINK.findall(page):
        if own := re.search(r'data-sheets="([^"]*)"', tag):
            sheets += own[1].split()
            continue
        href = re.search(r'href="([^"?]*)', tag)
        if href is None or REMOTE.match(href[1]):
            return None
        sheets.append(posixpath.normpath(posixpath.join(posixpath.dirname(name), href[1])))
    return sheets or None


def link_one(page: str, name: str, sheets: list[str], bundle: str, version: str) -> str:
    """The page with one sheet in the place of its own, which the link names for the next build."""
    href = posixpath.relpath(bundle, posixpath.dirname(name) or ".")
    one = f'<link rel="stylesheet" href="{href}?v={version}" data-sheets="{" ".join(sheets)}" />\n'
    links = iter([one])
    return LINK.sub(lambda _: next(links, ""), page)


def used_names(pages: Iterable[str], scripts: Iterable[str]) -> set[str]:
    """Every class and id that pages have, and every word of a script: it may be a class that the script sets."""
    names: set[str] = set()
    for page in pages:
        for value in set(re.findall(r'\s(?:class|id)="([^"]*)"', page)):
            names.update(html.unescape(value).split())
        for script in set(re.findall(r"<script\b[^>]*>(.+?)</script>", page, re.S)):
            names.update(WORD.findall(script))
    for script in scripts:
        names.update(WORD.findall(script))
    return names


def rules_in_use(css: str, names: set[str]) -> str:
    """The sheet without the rules that ask for a class or an id that is not among the names."""
    rules = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    return "\n".join(_kept(rules, names))


def _kept(rules: list[Any], names: set[str]) -> Iterator[str]:
    for rule in rules:
        if rule.type == "qualified-rule":
            selectors = [s for s in _split(rule.prelude) if _needs(s) <= names | _composed(s)]
            if selectors:
                head = ",".join(tinycss2.serialize(s).strip() for s in selectors)
                yield f"{head}{{{tinycss2.serialize(rule.content).strip()}}}"
        elif rule.type == "at-rule" and rule.lower_at_keyword in NESTED and rule.content:
            inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            body = "\n".join(_kept(inner, names))
            if body:
                yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude).rstrip()}{{{body}}}"
        elif rule.type == "at-rule" and rule.lower_at_keyword != "charset":
            yield rule.serialize()


def _split(tokens: list[Any]) -> list[list[Any]]:
    """A list of selectors, one by one."""
    found: list[list[Any]] = [[]]
    for token in tokens:
        if token.type == "literal" and token.value == ",":
            found.append([])
        elif token.type != "comment":
            found[-1].append(token)
    return found


def _needs(selector: list[Any]) -> set[str]:
    """Classes and ids that an element must have; what stands in brackets, as in :not(.x), it need not."""
    return {
        token.value
        for before, token in zip([None, *selector], selector, strict=False)
        if token.type == "hash"
        or (
            token.type == "ident"
            and before is not None
            and before.type == "literal"
            and before.value == "."
        )
    }


def _composed(selector: list[Any]) -> set[str]:
    return {name for name in _needs(selector) if name.startswith(COMPOSED)}


def joined(site: Path, sheets: Iterable[str], bundle: str) -> str:
    """The sheets' text in one, imports in their places, addresses as seen from the bundle."""
    return "\n".join(_with_imports(site, name, posixpath.dirname(bundle)) for name in sheets)


def _with_imports(site: Path, name: str, here: str) -> str:
    text = re.sub(r"/\*.*?\*/", "", (site / name).read_text("utf8"), flags=re.S)
    folder = posixpath.dirname(name)

    def imported(match: re.Match[str]) -> str:
        return _with_imports(site, posixpath.normpath(posixpath.join(folder, match[2])), here)

    def moved(match: re.Match[str]) -> str:
        if REMOTE.match(match[2]) or match[2].startswith("#"):
            return match[0]
        place = posixpath.relpath(posixpath.join(folder, match[2]), here)
        return f"url({match[1]}{place}{match[1]})"

    text = re.sub(r"url\((['\"]?)([^)'\"]+)\1\)", moved, text)
    return re.sub(r"@import (['\"])([^'\"]+)\1;", imported, text)


# Fonts --------------------------------------------------------------------------------------------


def letters(page: str) -> set[str]:
    """The letters of a page's mathematics."""
    found: set[str] = set()
    for part in page.split('class="katex-html"')[1:]:
        depth = 1
        for tag, text in re.findall(r"(</?span\b|>)([^<>]*)", part):
            depth += {"<span": 1, "</span": -1}.get(tag, 0)
            if depth == 0:
                break
            if tag == ">":
                found.update(html.unescape(text))
    return found


def subset_mathematics(fonts: Path, whole: Path, used: set[str]) -> None:
    """Write anew each font of KaTeX with the letters that the book uses; `whole` holds the fonts as they came."""
    for font in sorted(fonts.glob("*.woff2")):
        font.write_bytes((whole / font.name).read_bytes())
        subset_font(font, {ord(letter) for letter in used})


# All together -------------------------------------------------------------------------------------


def lighten(site: Path, whole_fonts: Path | None) -> None:
    """Make every page of a written site load less."""
    options = (site / "_static" / "documentation_options.js").read_text("utf8").strip()
    pages = {
        path: path.read_text("utf8") for path in site.rglob("*.html") if "_static" not in path.parts
    }
    texts = {path: lean(text, options) for path, text in pages.items()}
    names = used_names(
        texts.values(), (script.read_text("utf8") for script in (site / "_static").rglob("*.js"))
    )
    theme = site / "_static" / "scripts" / "pydata-sphinx-theme.js"
    theme.write_text(let_it_wait(theme.read_text("utf8")), "utf8")
    bundle = _bundles(site, names)
    for path, text in texts.items():
        name = path.relative_to(site).as_posix()
        sheets = linked_sheets(text, name)
        # A sheet that is not there is another check's to tell (tools/check_site.py).
        if sheets is not None and all((site / sheet).is_file() for sheet in sheets):
            text = fetch_letters(link_one(text, name, sheets, *bundle(sheets)), name)
        if text != pages[path]:
            path.write_text(text, "utf8")
    fonts = site / "vendor" / "katex" / "fonts"
    if whole_fonts is not None and fonts.is_dir():
        subset_mathematics(fonts, whole_fonts, set().union(*map(letters, texts.values())))


def let_it_wait(script: str) -> str:
    """The theme's script, which no longer measures everything that may scroll. Doing it twice changes nothing."""
    if MEASURED not in script and NOTHING not in script:
        raise ExtensionError("pydata-sphinx-theme.js is another one than book_weight knows")
    return script.replace(MEASURED, NOTHING)


def _bundles(site: Path, names: set[str]) -> Callable[[list[str]], tuple[str, str]]:
    """A function that writes the sheet of a list of sheets, once, and returns its name and its version."""
    made: dict[tuple[str, ...], tuple[str, str]] = {}

    def bundle(sheets: list[str]) -> tuple[str, str]:
        key = tuple(sheets)
        if key not in made:
            name = f"_static/page-{_digest(' '.join(sheets))}.css"
            text = rules_in_use(joined(site, sheets, name), names)
            (site / name).write_text(text, "utf8")
            made[key] = (name, _digest(text))
        return made[key]

    return bundle


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def finish(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.format != "html":
        return
    folders = [Path(app.confdir, folder) for folder in app.config.html_extra_path]
    whole = [
        fonts for folder in folders if (fonts := folder / "vendor" / "katex" / "fonts").is_dir()
    ]
    lighten(Path(app.outdir), whole[0] if whole else None)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("build-finished", finish, priority=950)  # after book_site has mended the pages
    return {"parallel_read_safe": True, "parallel_write_safe": True}
