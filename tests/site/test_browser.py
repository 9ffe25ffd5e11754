"""Each check of a page in a browser fails on a page broken on purpose, and a good page passes them all."""

import asyncio
import os
import shutil
from pathlib import Path

import check_browser
import matplotlib
import pytest
from check_browser import (
    dark_problems,
    disk_problems,
    light_problems,
    search_problems,
    target_problems,
)
from matplotlib.figure import Figure
from site_server import serve

FONT = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "cmr10.ttf"
STYLE = """
  :root { --book-paper: #fff }
  @font-face { font-family: KaTeX_Main; src: url(font.ttf) }
  html { background: #fff; color: #111 }
  a { color: #04c }
  .katex { font-family: KaTeX_Main }
  .katex-mathml { position: absolute; width: 1px; overflow: hidden }
  :focus-visible { outline: 3px solid #06c }
  @media (prefers-color-scheme: dark) {
    html { background: #111; color: #eee }
    a { color: #9cf }
    img { filter: invert(.88) hue-rotate(180deg) }
  }
"""
HEAD = f"""<!doctype html><html lang="en"><head><title>A page</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><style>{STYLE}</style></head>
<body><main><article><h1>A page</h1><p>Some words and <a href="#end">a link</a>.</p>"""
TAIL = '<p id="end">The end.</p></article></main></body></html>'
FIGURE = '<figure id="fig"><img src="{}" width="200" height="100" alt="a line that rises from left to right"></figure>'
FORMULA = (
    '<span class="math"><span class="katex"><span class="katex-mathml">x</span>'
    '<span class="katex-html">x</span></span></span>'
)


def drawing(line="#204060", text="#203040", paper="none"):
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="200" height="100" viewBox="0 0 200 100">
    <g id="figure_1"><path d="M0 0H200V100H0Z" fill="{paper}"/>
    <g id="line2d_1"><path d="M20 80L180 20" style="fill: none; stroke: {line}; stroke-width: 2"/></g>
    <g id="text_1"><path d="M20 10h30v10h-30z" style="fill: {text}"/></g></g></svg>"""


AREAS = FIGURE.replace('"fig"', '"areas"')
GOOD = (
    f"<p>{FORMULA}</p><button>Do it</button><pre tabindex='0'>code</pre>"
    f"{FIGURE.format('good.svg')}{AREAS.format('areas.svg')}"
    "<script>if (location.protocol === 'http:') fetch('good.svg', { method: 'HEAD' })</script>"
)
# A script hides what has just taken the focus; the Tab key goes on behind it.
FLEETING = (
    "<a href='#end'>a</a><button onfocus='this.blur(); this.hidden = true'>b</button>"
    "<a href='#end'>c</a><a href='#end'>d</a>"
)
# What the page holds, and what the checks should say of it, in light, in dark or from disk.
BROKEN = {
    "name": ("<button></button>", "axe button-name"),
    "pale": ('<p style="color: #aaa; background: #fff">pale</p>', "axe color-contrast"),
    "pale-in-dark": (
        "<style>@media (prefers-color-scheme: dark) { .x { color: #444 } }</style><p class='x'>pale</p>",
        "axe color-contrast (serious), 1 times:",
    ),
    "console": ("<script>console.error('no')</script>", "console: no"),
    "script": ("<script>undefinedFunction()</script>", "script error"),
    "host": ('<script src="http://other.invalid/a.js"></script>', "asks another host"),
    "refused": (
        '<script src="http://127.0.0.1:1/a.js"></script>',
        "could not load http://127.0.0.1:1",
    ),
    "lost": ('<script src="lost.js"></script>', "console: Failed to load resource"),
    "lost-image": (FIGURE.format("lost.svg"), "did not load"),
    "wide": ("<div style='width: 1000px'>wide</div>", "scrolls sideways"),
    "cut": (
        "<style>html, body { overflow-x: hidden }</style><div style='width: 1000px'>wide</div>",
        "sticks out of a window",
    ),
    "beginning": (
        "<div class='math' style='display: flex; justify-content: center; overflow: auto'>"
        "<div class='katex-display'><span class='katex'><span class='katex-html'>"
        "<span class='base' style='display: block; width: 2000px'>x</span></span></span></div></div>",
        "a formula begins out of reach",
    ),
    "raw": (r'<span class="math">\(x\)</span>', "mathematics not rendered"),
    "no-font": (
        f"<style>.katex {{ font-family: serif }}</style>{FORMULA}",
        "the fonts of the mathematics did not load",
    ),
    "no-style": (
        f"<style>.katex-mathml {{ position: static }}</style>{FORMULA}",
        "the style sheet of the mathematics did not load",
    ),
    "absolute": (
        f'<style>.katex-mathml {{ position: static }}</style><link rel="stylesheet" href="/k.css">{FORMULA}',
        "the style sheet of the mathematics did not load (from disk)",
    ),
    "no-ring": ("<a href='#end' style='outline: none'>here</a>", "focus does not show"),
    "faint-ring": ("<a href='#end' style='outline-color: #eee'>here</a>", "focus does not show"),
    "mouse": ("<div onclick='1' style='cursor: pointer'>press</div>", "only a mouse can use it"),
    "order": ("<a href='#end' tabindex='3'>first</a>", "breaks the order of the Tab key"),
    "away": (
        "<a href='#end' onfocus='this.blur()'>here</a>",
        "the Tab key does not reach: <a> here",
    ),
    "trap": (
        "<button onkeydown='event.preventDefault()'>a</button><button>b</button>",
        "the Tab key does not reach: <button> b",
    ),
    "hidden": (
        "<a href='#end' style='position: fixed; left: -900px'>here</a>",
        "the Tab key leads out of sight",
    ),
    "unread": (
        "<style>.y:focus { color: #ddd }</style><a href='#end' class='y'>here</a>",
        "words of contrast 1.36 where the focus is: <a.y> here",
    ),
    # As a skip link is: off the page until it has the focus, so axe does not look at it.
    "unread-in-dark": (
        "<style>.z { position: fixed; top: -9em } .z:focus { top: 0 }"
        "@media (prefers-color-scheme: dark) { .z { color: #222 } }</style><a href='#end' class='z'>skip</a>",
        "words of contrast 1.19 where the focus is: <a.z> skip (dark)",
    ),
    "heavy": ('<script src="heavy.js"></script>', "kB, and a page of text may load"),
    "heavy-slider": (
        f"{FORMULA}<label>x <input type='range'></label><script src='heavy.js'></script>",
        "kB, and a page of interactive may load",
    ),
    "faint-line": (FIGURE.format("line.svg"), "line rgb(204, 204, 204) has contrast"),
    "faint-cloud": (
        FIGURE.format("cloud.svg"),
        "line rgb(32, 64, 96) at opacity 0.40 has contrast",
    ),
    # Each a colour's strong mark and its faint ones.
    "faint-beside-strong": (
        FIGURE.format("both.svg"),
        "line rgb(32, 64, 96) at opacity 0.40 has contrast",
    ),
    "faint-bars": (FIGURE.format("bars.svg"), "mark rgb(32, 64, 96) at opacity 0.30 has contrast"),
    "faint-picture": (
        "<svg role='img' aria-label='Bars'><path d='M0 0h9v9z' style='fill: #888; opacity: .4'/></svg>",
        "picture Bars: mark rgb(136, 136, 136) at opacity 0.40 has contrast",
    ),
    "empty-picture": ("<svg role='img' aria-label='Bars'></svg>", "picture Bars stays empty"),
    "pale-line": (FIGURE.format("pale.svg"), "line rgb(248, 248, 248) has contrast"),
    "faint-hairline": (FIGURE.format("hairline.svg"), "line rgb(153, 153, 153) has contrast"),
    "faint-text": (FIGURE.format("text.svg"), "text rgb(153, 153, 153) has contrast"),
    "dark-line": (
        f"<style>@media (prefers-color-scheme: dark) {{ img {{ filter: none }} }}</style>{FIGURE.format('good.svg')}",
        "line rgb(32, 64, 96) has contrast",
    ),
    "small-text": (
        FIGURE.format("small.svg"),
        "figure fig: letters of 3.5 px in a window of 390",
    ),
    "small-text-in-picture": (
        "<svg role='img' aria-label='Bars' viewBox='0 0 90 20' width='45'>"
        "<text y='12' style='font-size: 12px'>a</text></svg>",
        "picture Bars: letters of 6.0 px in a window of 390",
    ),
    "slab": (FIGURE.format("slab.svg"), "does not take the page's background"),
}
# Long pages, on which a link to a section is followed: a good one, and one that scrolls away.
LONG = "".join(f"<section id='s{k}'><p style='height: 900px'>{k}</p></section>" for k in range(5))
TARGETS = {
    "leads": (LONG, []),
    "misses": (
        f"{LONG}<script>setInterval(() => scrollTo(0, 0), 20)</script>",
        ["a link to #s2 ends"],
    ),
    "short": ("<section id='s0'>a</section>", []),
}
# Broken in these alone.
IN_DARK = ("pale-in-dark", "dark-line", "unread-in-dark", "slab")
FROM_DISK = ("absolute",)


@pytest.fixture(scope="module")
def browser():
    path = check_browser.chromium()
    if path is None:
        assert not os.environ.get("CI"), "continuous integration must have a browser"
        pytest.skip("no Chromium here; tools/check_browser.py says how to get one")
    return path


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = tmp_path_factory.mktemp("site")
    shutil.copy(FONT, site / "font.ttf")
    (site / "k.css").write_text(".katex-mathml { position: absolute !important }")
    (site / "heavy.js").write_bytes(b"//" + os.urandom(300_000).hex().encode())
    for name, colours in {
        "good": {},
        "line": {"line": "#cccccc"},
        "pale": {"line": "#f8f8f8"},
        "text": {"text": "#999999"},
        "slab": {"paper": "#ffffff"},
    }.items():
        (site / f"{name}.svg").write_text(drawing(**colours))
    stroke = '<path d="M20 80L180 20" style="fill: none; stroke: #204060; stroke-width: 2'
    assert stroke in drawing()
    many = 40 * f'{stroke}; opacity: 0.4"/>'
    (site / "cloud.svg").write_text(drawing().replace(f'{stroke}"/>', many))
    (site / "both.svg").write_text(drawing().replace(f'{stroke}"/>', f'{stroke}"/>{many}'))
    bar = '<g id="{}"><path d="M20 20h90v60h-90z" style="fill: #204060; opacity: 0.3{}"/></g></svg>'
    outlined = "; opacity: 1; fill-opacity: 0.3; stroke: #204060"
    for name, marks in {
        "bars": bar.format("patch_3", ""),
        "areas": bar.format("patch_3", outlined).replace("</svg>", bar.format("background", "")),
    }.items():
        (site / f"{name}.svg").write_text(drawing().replace("</svg>", marks))
    # By Matplotlib itself, whose way to draw a letter the check knows.
    small = Figure(figsize=(4, 2))
    small.text(0.1, 0.5, "small", fontsize=5)
    small.savefig(site / "small.svg", transparent=True)
    (site / "hairline.svg").write_text(
        drawing("#999999").replace("stroke-width: 2", "stroke-width: 0.4")
    )
    good = {"good": (GOOD, ""), "fleeting": (FLEETING, "")}
    for name, (body, _) in {**good, **BROKEN, **TARGETS}.items():
        (site / f"{name}.html").write_text(HEAD + body + TAIL)
    (site / "search.html").write_text(
        "<!doctype html><div id='search-results'></div><script>if (location.search === '?q=rises')"
        "document.querySelector('div').innerHTML = '<a href=\"good.html\">A page</a>'</script>"
    )
    return site


@pytest.fixture(scope="module")
def results(site, browser):
    """What the checks say of every page, in one browser."""
    source = check_browser.axe()

    async def look():
        found = {}
        with serve(site) as base:
            async with check_browser.browser_at(browser) as chromium:
                for name in ("good", "fleeting", *BROKEN):
                    light, _ = await light_problems(chromium, base, name, source)
                    found[name] = {"light": light}
                for name in ("good", *IN_DARK):
                    found[name]["dark"] = await dark_problems(chromium, base, name, source)
                for name in ("good", *FROM_DISK):
                    found[name]["disk"] = await disk_problems(chromium, site, name)
                for name in TARGETS:
                    found[name] = {"target": await target_problems(chromium, base, name)}
                found["search"] = [
                    await search_problems(chromium, at, words, patience=3000)
                    for words in ({"good": "rises"}, {"good": "falls"})
                    for at in (base, site.as_uri())
                ]
        return found

    return asyncio.run(look())


def test_a_good_page_passes(results):
    assert results["good"] == {"light": [], "dark": [], "disk": []}


def test_a_walk_goes_on_where_the_focus_was_lost(results):
    assert results["fleeting"] == {"light": []}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_page_fails(results, name):
    lines = [line for kind in results[name].values() for line in kind]
    assert any(BROKEN[name][1] in line for line in lines)


@pytest.mark.parametrize("name", [*IN_DARK, *FROM_DISK])
def test_what_a_look_in_light_would_miss(results, name):
    assert results[name]["light"] == []


@pytest.mark.parametrize("name", TARGETS)
def test_a_link_ends_at_its_target(results, name):
    lines, expected = results[name]["target"], TARGETS[name][1]
    assert len(lines) == len(expected)
    assert all(line.startswith(start) for line, start in zip(lines, expected, strict=True))


def test_search(results):
    served, disk, not_served, not_on_disk = results["search"]
    assert served == disk == []
    assert len(not_served) == len(not_on_disk) == 1


@pytest.mark.parametrize(("kind", "limit"), check_browser.LIMITS.items())
def test_weight(kind, limit):
    assert check_browser.weight_problems(limit, kind) == []
    assert len(check_browser.weight_problems(limit + 1, kind)) == 1


def test_rare_words(tmp_path):
    for name, words in {"a": "common common singular", "b": "common spectrum"}.items():
        (tmp_path / f"{name}.html").write_text(f"<article><p>{words}</p></article>")
    assert check_browser.rare_words(tmp_path, ["a", "b"]) == {"a": "singular", "b": "spectrum"}
