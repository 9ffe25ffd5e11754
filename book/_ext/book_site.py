"""What the theme leaves to be done: stale outputs, scripts that nobody needs, and markup that readers' tools need."""

from __future__ import annotations

import atexit
import logging
import re
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform

# Pixels on the page per pixel of a figure's own size: all figures are shown at one scale.
FIGURE_SCALE = 1.1


# A browser may start a line between a formula and a mark that touches it.
BEFORE = re.compile(r"[(\[“‘]+$")
COMPOUND = re.compile(r"(?<![-\w])(\w+(?:-\w+)+)(?![^<]*>)")
AFTER = re.compile(r"^(?:[)\]’”.,;:!?%…]+|-[a-z]+\b[.,;:]?|’s\b)")


class KeepWithFormula(SphinxPostTransform):
    """Keep a comma on the line of the formula that it follows, and an opening bracket with the one that it precedes."""

    default_priority = 700
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        for formula in list(self.document.findall(nodes.math)):
            parent = formula.parent
            place = parent.index(formula)
            box = nodes.inline(classes=["with-formula"])
            before = parent[place - 1] if place else None
            after = parent[place + 1] if place + 1 < len(parent) else None
            if isinstance(before, nodes.Text) and (mark := BEFORE.search(before)):
                parent[place - 1] = nodes.Text(before[: mark.start()])
                box += nodes.Text(mark[0])
            box += formula.deepcopy()
            if isinstance(after, nodes.Text) and (mark := AFTER.match(after)):
                parent[place + 1] = nodes.Text(after[mark.end() :])
                box += nodes.Text(mark[0])
            if len(box) > 1:
                parent[place] = box


# The space between a number and what belongs to it, in "5 %", "64 × 128", "0.58 ± 0.02" and "≤ 1.05".
UNIT = re.compile(r"(?<=\d)\s(?=[%±×])|(?<=[±×≤≥])\s(?=\d|$)|(?<=\d)(?=%(?!\w))")
# The same in a narrow column: behind the sign of an error, and before "%".
ERROR = re.compile(r"(?<=±)\s(?=\d)|(?<=\d)\s?(?=%(?!\w))")


class KeepWithNumber(SphinxPostTransform):
    """No line begins with "%", "×" or "±", and "5%" of a cell that computes is "5 %" as in the text.

    In a cell of a table a new line may begin with an error, "± 0.02": the column may be too narrow for both.
    """

    default_priority = 720
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        for node in list(self.document.findall(nodes.Text)):
            if within(node, nodes.literal, nodes.literal_block, nodes.math, nodes.math_block):
                continue
            unit = ERROR if "±" in node and within(node, nodes.entry) else UNIT
            place = node.parent.index(node)
            # The number itself may be one that a cell computed.
            before = node.parent[place - 1].astext()[-1:] if place else ""
            kept = unit.sub("\N{NO-BREAK SPACE}", before + node)[len(before) :]
            if kept != node:
                node.parent.replace(node, nodes.Text(kept))


# A number with its error or interval, in "0.58 ± 0.02", "46 [43, 48]" and "−0.5 (−1.1 to +0.2)*".
MEASURED = re.compile(r"[−+]?\d[\d.,]*\s?%?\s*(±|\[|\()[\s\d.,−+%±]*(to\s[\d.,−+]+)?\s?%?[\])]?\*?")


class KindsOfEntries(SphinxPostTransform):
    """Cells of tables that hold numbers, phrases or sentences are known to the style sheet: on a phone a number with
    its error stays in a line, and words have room."""

    default_priority = 730
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        for entry in self.document.findall(nodes.entry):
            text = entry.astext()
            if MEASURED.fullmatch(text):
                entry["classes"].append("number")
            elif len(text) > 14:
                entry["classes"].append("sentence" if len(text) > 48 else "phrase")


def within(node: nodes.Node, *kinds: type[nodes.Node]) -> bool:
    while (node := node.parent) is not None:
        if isinstance(node, kinds):
            return True
    return False


# A hyphen before a number, also one that keeps a cell on its line, unless it ties two words or belongs to an exponent.
HYPHEN = re.compile(r"(?<![\w.–‑-])[-‑](?=\.?\d)")
# What was rounded to zero.
SIGNED_ZERO = re.compile(r"(?<![\w.–‑-])[-‑−](?=0\.0+(?!\d))")


class MinusSigns(SphinxPostTransform):
    """A negative number that a cell computed has a minus sign, in sentences and in tables, and a zero has none."""

    default_priority = 710

    def run(self, **kwargs: Any) -> None:
        for node in list(self.document.findall(nodes.Text)):
            shown = HYPHEN.sub("−", SIGNED_ZERO.sub("", node))
            if shown != node and self.is_computed(node):
                node.parent.replace(node, nodes.Text(shown))

    @staticmethod
    def is_computed(node: nodes.Node) -> bool:
        while (node := node.parent) is not None:
            if isinstance(node, (nodes.literal, nodes.literal_block, nodes.math, nodes.math_block)):
                return False
            if isinstance(node, nodes.entry) or "pasted-text" in getattr(
                node, "attributes", {}
            ).get("classes", ()):
                return True
        return False


def pages_with_new_outputs(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> Iterable[str]:
    """Pages whose text is unchanged but whose code was run again since they were read."""
    from jupyter_cache import get_cache
    from myst_nb.sphinx_ import NbMetadataCollector

    cache = get_cache(env.mystnb_config.execution_cache_path)  # type: ignore[attr-defined]
    runs = {record.created.timestamp() for record in cache.list_cache_records()}
    last = {name: NbMetadataCollector.get_exec_data(env, name) for name in env.found_docs}
    return [name for name, run in last.items() if run is not None and run["mtime"] not in runs]


def give_renderer_time(app: Sphinx) -> None:
    """On a busy machine the mathematics renderer may need longer than its five seconds."""
    from sphinxcontrib import katex

    katex.STARTUP_TIMEOUT = katex.RENDER_TIMEOUT = 60.0
    katex.KaTeXServer.start_server_process = classmethod(start_renderer)


def start_renderer(
    server: Any, folder: Path, timeout: float
) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start Node and connect to it.

    The library connects as soon as the socket's file is there, which is a moment before Node listens to it: now and
    then the build fails so, and leaves a Node that keeps its pipes open.
    """
    path = folder / "katex.sock"
    command = server.build_command(socket=path)
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder)
    end = time.monotonic() + timeout
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        while True:
            try:
                connection.connect(str(path))
                return process, connection
            except (FileNotFoundError, ConnectionRefusedError):
                if process.poll() is not None or time.monotonic() > end:
                    raise server.timeout_error(timeout) from None
                time.sleep(0.002)
    except BaseException:
        connection.close()
        process.kill()
        process.wait()
        raise


def stop_renderer(app: Sphinx, error: Exception | None) -> None:
    """End it with the build, not with the interpreter, so that the build can see that it ended."""
    from sphinxcontrib.katex import KaTeXServer

    server = KaTeXServer.katex_server
    if server is not None:
        atexit.unregister(KaTeXServer.terminate)
        KaTeXServer.katex_server = None
        server.terminate()
        server.process.wait()


def trim_page(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Drop the live-cell script (declared twice, and an error on every page); add a description for search engines."""
    for kind in ("script_files", "css_files"):
        context[kind] = [
            file
            for file in context[kind]
            if "thebe"
            not in f"{getattr(file, 'filename', file)} {getattr(file, 'attributes', '')}".lower()
        ]
    if doctree is not None and (first := first_sentence(doctree)):
        context["metatags"] = (
            context.get("metatags", "") + f'<meta name="description" content="{escape(first)}" />\n'
        )


def first_sentence(doctree: nodes.document) -> str:
    """The page's first paragraph in plain words, cut at 160 characters."""
    for paragraph in doctree.findall(nodes.paragraph):
        if isinstance(paragraph.parent, nodes.section) and not list(paragraph.findall(nodes.math)):
            text = " ".join(paragraph.astext().split())
            return text if len(text) <= 160 else text[:157].rsplit(" ", 1)[0] + " …"
    return ""


def escape(text: str) -> str:
    return (
        text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
    )


def finish(app: Sphinx, error: Exception | None) -> None:
    """Tidy the written pages, and cut the icon fonts down to the icons that they show."""
    if error is not None or app.builder.format != "html":
        return
    out = Path(app.outdir)
    pages = {
        path: path.read_text("utf8") for path in out.rglob("*.html") if "_static" not in path.parts
    }
    for path, text in pages.items():
        pages[path] = tidy(text, lambda source, folder=path.parent: image_size(folder / source))
        if pages[path] != text:
            path.write_text(pages[path], "utf8")
    subset_icons(out / "_static", "\n".join(pages.values()))


def tidy(html: str, size_of: Callable[[str], tuple[float, float] | None]) -> str:
    """Remove what a page loads in vain and mend its markup. Doing it twice changes nothing."""
    # Icons come as fonts; the script that draws them again weighs half a megabyte.
    html = re.sub(r'\s*<script src="[^"]*fontawesome[^"]*\.js[^"]*"></script>', "", html)
    # The fonts are a few kilobytes after subsetting, and preloading them fails from disk.
    html = re.sub(r'\s*<link rel="preload" as="font"[^>]*>', "", html)
    html = re.sub(
        r'(<meta name="viewport"[^>]*>)(.*?)\s*<meta name="viewport"[^>]*>',
        r"\1\2",
        html,
        flags=re.S,
    )
    # The visible words name the control; a label that differs hides them from who speaks to the page.
    html = html.replace('<summary aria-label="Toggle hidden content">', "<summary>")
    html = html.replace('title="Search" aria-label="Search" data-bs', 'title="Search" data-bs')
    # A list's children are items.
    html = html.replace('role="doc-biblioentry"', 'role="listitem"')
    # A compound in a title is one word: a line does not end at its hyphen.
    html = re.sub(r"<h1>(?:(?!one-word|</h1>).)*</h1>", whole_words, html, flags=re.S)
    # A formula may break between its parts, and only there: not before the comma that stands in one box with it.
    html = html.replace('</span><span class="base">', '</span><wbr/><span class="base">')
    # Code scrolls sideways on a phone, so a keyboard must reach it.
    html = html.replace("<pre>", '<pre tabindex="0">')

    def with_size(match: re.Match[str]) -> str:
        tag = match[0]
        source = re.search(r'src="([^"]+)"', tag)
        if source is None or re.search(r"\sheight=", tag):
            return tag
        size = size_of(source[1])
        if size is None:
            return tag
        width, height = size
        tag = tag.replace("<img", f'<img width="{width:.0f}" height="{height:.0f}"', 1)
        if "_images/" in source[1] and source[1].endswith(".svg"):
            style = f"max-width: min(100%, {FIGURE_SCALE * width:.0f}px);"
            tag = (
                re.sub(r'style="', f'style="{style} ', tag)
                if "style=" in tag
                else tag[:4] + f' style="{style}"' + tag[4:]
            )
        return tag

    return re.sub(r"<img\b[^>]*>", with_size, html)


def whole_words(title: re.Match[str]) -> str:
    return COMPOUND.sub(r'<span class="one-word">\1</span>', title[0])


def image_size(path: Path) -> tuple[float, float] | None:
    """Width and height in CSS pixels of an SVG or PNG file."""
    if not path.is_file():
        return None
    if path.suffix == ".png":
        return struct.unpack(">II", path.read_bytes()[16:24])
    if path.suffix != ".svg":
        return None
    head = path.read_text("utf8")[:2000]
    unit = {"pt": 4 / 3, "px": 1.0, "": 1.0, "in": 96.0}
    sides = [
        re.search(rf'<svg[^>]*\s{side}="([\d.]+)(pt|px|in|)"', head, re.S)
        for side in ("width", "height")
    ]
    if all(sides):
        return tuple(float(side[1]) * unit[side[2]] for side in sides)  # type: ignore[return-value, index]
    box = re.search(r'viewBox="[\d.-]+ [\d.-]+ ([\d.]+) ([\d.]+)"', head)
    return (float(box[1]), float(box[2])) if box else None


def subset_icons(static: Path, pages: str) -> None:
    """Keep of the icon fonts, and of their style sheet, the icons that pages, scripts or styles name."""
    own = [path.read_text("utf8") for path in static.rglob("*.css") if "vendor" not in path.parts]
    scripts = [path.read_text("utf8") for path in (static / "scripts").glob("*.js")]
    names = set(re.findall(r"\bfa-([a-z0-9-]+)", "\n".join([pages, *scripts])))
    points = {int(code, 16) for text in own for code in re.findall(r"\\(f[0-9a-f]{3})", text)}

    def keep(rule: re.Match[str]) -> str:
        if names.isdisjoint(re.findall(r"\.fa-([a-z0-9-]+)", rule[1])):
            return ""
        points.add(int(rule[2], 16))
        return rule[0]

    for sheet in (static / "vendor").glob("fontawesome/*/css/all.min.css"):
        css = sheet.read_text("utf8")
        css = re.sub(r'((?:\.fa-[a-z0-9-]+:{1,2}before,?)+)\{content:"\\([0-9a-f]+)"\}', keep, css)
        css = re.sub(r',url\([^)]*\.ttf\) format\("truetype"\)', "", css)
        sheet.write_text(css, "utf8")
        for font in sorted((sheet.parent.parent / "webfonts").iterdir()):
            if font.suffix == ".woff2":
                subset_font(font, points)
            else:
                font.unlink()


def subset_font(path: Path, points: set[int]) -> None:
    from fontTools import subset

    logging.getLogger("fontTools").setLevel(logging.WARNING)
    options = subset.Options(flavor="woff2", ignore_missing_unicodes=True, notdef_outline=False)
    with subset.load_font(str(path), options) as font:
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=points)
        subsetter.subset(font)
        subset.save_font(font, str(path), options)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_post_transform(KeepWithFormula)
    app.add_post_transform(MinusSigns)
    app.add_post_transform(KeepWithNumber)
    app.add_post_transform(KindsOfEntries)
    app.connect("env-get-outdated", pages_with_new_outputs)
    app.connect("builder-inited", give_renderer_time)
    app.connect("html-page-context", trim_page, priority=900)
    app.connect("build-finished", stop_renderer)
    app.connect("build-finished", finish, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
