"""Open every page of the built site in a browser and check what only a browser can see.

    python tools/check_browser.py [--site _build/html] [PAGE ...]

In light and in dark: no serious or critical result of axe; the Tab key reaches everything, the focus shows and what
it is on can be read; text and marks of figures stand out from the page, no figure is a white slab; no error in the
console, no request to another host. Once: no sideways scrolling at three widths, a link ends at its target and the
words of figures can be read on a phone, mathematics is rendered and search answers, served and from disk, and a
page weighs no more than it may. Chromium is Playwright's own or one on the PATH.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from check_article import Article
from site_server import serve

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

ROOT = Path(__file__).resolve().parents[1]
AXE = "4.12.1"
WIDTHS = (1400, 768, 360)
PHONE = {"width": 390, "height": 844}
# Pixels that letters in a figure are high at least on that phone; a full-width figure's smallest are 9 points.
SMALLEST = 7.5
# Contrast that figures owe: of text as of any text, of marks as of any graphic (WCAG 1.4.3 and 1.4.11).
CONTRAST = {"text": 4.5, "mark": 3.0}
# Kilobytes that a page may load, figures and data of explorers apart.
LIMITS = {"text": 200, "mathematics": 350, "interactive": 250}
# Pages that no source has: the site writes them.
WRITTEN = ("search", "404")
SEVERE = {"serious", "critical"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = [
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
NO_BROWSER = """No Chromium was found. Get one of these:
    .venv/bin/python -m playwright install chromium
    apt-get install chromium            (Debian; a Chrome on the PATH does as well)"""


def chromium() -> str | None:
    """The browser to use: Playwright's own, else the first on the PATH."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).is_file() else next(filter(None, map(shutil.which, BROWSERS)), None)


def axe() -> str:
    """The source of axe-core, fetched once through npm."""
    target = ROOT / ".cache" / f"axe-{AXE}.min.js"
    if not target.is_file():
        npm = shutil.which("npm", path=f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}")
        if npm is None:
            raise SystemExit("npm, which brings axe-core, is not there: make env installs it")
        target.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            pack = [npm, "pack", "--silent", f"axe-core@{AXE}"]
            subprocess.run(pack, cwd=folder, check=True, stdout=subprocess.DEVNULL)
            shutil.unpack_archive(next(Path(folder).glob("*.tgz")), folder)
            shutil.move(Path(folder) / "package" / "axe.min.js", target)
    return target.read_text("utf8")


@asynccontextmanager
async def browser_at(path: str) -> AsyncIterator[Browser]:
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        root = hasattr(os, "geteuid") and os.geteuid() == 0
        browser = await playwright.chromium.launch(
            executable_path=path, args=[*QUIET, *(["--no-sandbox"] if root else [])]
        )
        yield browser
        await browser.close()


class Watch:
    """What a page asks for and complains of while it is open."""

    def __init__(self, page: Page, base: str) -> None:
        self.base, self.found, self._requests = base, [], []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.found.append(f"script error: {error}"))
        page.on("request", self._request)
        page.on("requestfailed", self._failed)
        page.on("requestfinished", lambda r: self._requests.append(r))

    def _console(self, message: Any) -> None:
        if message.type == "error":
            self.found.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _request(self, request: Any) -> None:
        inside = request.url.startswith((self.base, "data:", "blob:"))
        if not inside:
            self.found.append(f"asks another host for {request.url}")

    def _failed(self, request: Any) -> None:
        # A question for the head alone brings no body, which Chromium calls aborted.
        if request.method != "HEAD":
            self.found.append(f"could not load {request.url}")

    async def weight(self) -> tuple[float, Counter[str]]:
        """Kilobytes loaded, figures and data apart, and the same by kind."""
        kinds: Counter[str] = Counter()
        for request in self._requests:
            size = await request.sizes()
            kinds[request.resource_type] += size["responseBodySize"] + size["responseHeadersSize"]
        light = {"image", "fetch", "xhr"}
        return sum(n for kind, n in kinds.items() if kind not in light) / 1000, kinds


async def opened(
    browser: Browser, base: str, url: str, *, dark: bool, width: int = WIDTHS[0]
) -> tuple[Page, Watch]:
    context = await browser.new_context(
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
        viewport={"width": width, "height": 900},
    )
    page = await context.new_page()
    page.set_default_timeout(120_000)
    watch = Watch(page, base)
    await page.goto(url, wait_until="load")
    await page.add_script_tag(content=(ROOT / "tools" / "check_browser.js").read_text("utf8"))
    await page.evaluate("bookChecks.unfold()")
    await page.evaluate("document.fonts.ready.then(() => null)")
    return page, watch


async def axe_problems(page: Page, source: str) -> list[str]:
    await page.evaluate(source)
    options = {"resultTypes": ["violations"], "preload": False}
    result = await page.evaluate("options => axe.run(document, options)", options)
    return [
        f"axe {rule['id']} ({rule['impact']}), {len(rule['nodes'])} times: {rule['nodes'][0]['html'][:140]}"
        for rule in result["violations"]
        if rule["impact"] in SEVERE
    ]


async def keyboard_problems(page: Page) -> list[str]:
    """Walk through the whole page with the Tab key, as fast as the browser can follow."""
    await page.evaluate("bookChecks.walk()")
    for _ in range(200):
        await asyncio.gather(*(page.keyboard.press("Tab") for _ in range(25)))
        found = await page.evaluate("bookChecks.met()")
        if found is not None:
            return found
    return ["the Tab key comes to no end"]


async def slab_problems(page: Page) -> list[str]:
    """Figures whose own background is not that of the page."""
    from PIL import Image

    found = []
    for image in await page.evaluate("bookChecks.images()"):
        shot = await page.screenshot(clip=image["box"], full_page=True)
        picture = Image.open(io.BytesIO(shot)).convert("RGB")
        width, height = picture.size
        corners = [(2, 2), (width - 3, 2), (2, height - 3), (width - 3, height - 3)]
        far = max(
            abs(a - b)
            for corner in corners
            for a, b in zip(picture.getpixel(corner), image["paper"], strict=True)
        )
        if far > 12:
            found.append(f"figure {image['name']} does not take the page's background")
    return found


def weight_problems(kilobytes: float, kind: str) -> list[str]:
    limit = LIMITS[kind]
    over = kilobytes > limit
    return [f"{kilobytes:.0f} kB, and a page of {kind} may load {limit}"] if over else []


async def kind_of(page: Page) -> str:
    """What a page may load goes by what it is for: one with something to move may hold formulas as well."""
    if await page.locator("article input[type=range]").count():
        return "interactive"
    return "mathematics" if await page.locator("article .katex").count() else "text"


async def light_problems(
    browser: Browser, base: str, name: str, source: str
) -> tuple[list[str], float]:
    page, watch = await opened(browser, base, f"{base}/{name}.html", dark=False)
    kilobytes, _ = await watch.weight()
    found = weight_problems(kilobytes, await kind_of(page))
    found += await page.evaluate("bookChecks.mathematics()")
    found += await page.evaluate("contrast => bookChecks.figures(contrast)", CONTRAST)
    found += await axe_problems(page, source)
    found += await keyboard_problems(page)
    found += await page.evaluate("bookChecks.mouseOnly()")
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 900})
        found += await page.evaluate("bookChecks.overflow()")
    await page.set_viewport_size(PHONE)
    found += await page.evaluate("limit => bookChecks.smallText(limit)", SMALLEST)
    await page.context.close()
    return found + watch.found, kilobytes


async def dark_problems(browser: Browser, base: str, name: str, source: str) -> list[str]:
    page, watch = await opened(browser, base, f"{base}/{name}.html", dark=True)
    found = await page.evaluate("contrast => bookChecks.figures(contrast)", CONTRAST)
    found += await axe_problems(page, source)
    found += await keyboard_problems(page)
    found += await slab_problems(page)
    await page.context.close()
    return [f"{line} (dark)" for line in found + watch.found]


async def disk_problems(browser: Browser, site: Path, name: str) -> list[str]:
    base = site.as_uri()
    page, watch = await opened(browser, base, f"{base}/{name}.html", dark=False)
    found = await page.evaluate("bookChecks.mathematics()")
    await page.context.close()
    return [f"{line} (from disk)" for line in found + watch.found]


async def target_problems(browser: Browser, base: str, name: str) -> list[str]:
    """On a phone, where sections are laid out when the reader comes near, a link ends at its target all the same."""
    context = await browser.new_context(viewport=PHONE)
    page = await context.new_page()
    page.set_default_timeout(120_000)
    await page.goto(f"{base}/{name}.html", wait_until="load")
    names = await page.evaluate(
        "[...document.querySelectorAll('article section[id]')].map(e => e.id)"
    )
    found = []
    if len(names) > 2:
        # Neither the first, which is there from the start, nor the last, which may end below the page's end.
        target = names[len(names) // 2]
        await page.goto("about:blank")
        await page.goto(f"{base}/{name}.html#{target}", wait_until="load")
        place = "id => Math.round(document.getElementById(id).getBoundingClientRect().top)"
        tops = [await page.evaluate(place, target)]
        while len(tops) < 2 or (tops[-1] != tops[-2] and len(tops) < 20):
            await page.wait_for_timeout(250)
            tops.append(await page.evaluate(place, target))
        if not 0 <= tops[-1] < 300:
            found.append(f"a link to #{target} ends {tops[-1]} px from it on a phone")
    await context.close()
    return found


def rare_words(site: Path, names: Iterable[str]) -> dict[str, str]:
    """For each page a word of its text that as few other pages as possible have."""
    texts = {name: Article((site / f"{name}.html").read_text("utf8")).text for name in names}
    words = {name: Counter(re.findall(r"\b[a-z]{6,14}\b", text)) for name, text in texts.items()}
    pages = Counter(word for counts in words.values() for word in counts)
    return {
        name: min(counts, key=lambda word: (pages[word], -counts[word], word))
        for name, counts in words.items()
        if counts
    }


async def search_problems(
    browser: Browser, base: str, words: dict[str, str], patience: int = 60_000
) -> list[str]:
    """Ask the site's own search for a word of each page."""
    found = []
    context = await browser.new_context()
    page = await context.new_page()
    for name, word in words.items():
        await page.goto(f"{base}/search.html?q={quote(word)}")
        hit = f"#search-results a[href*='{name}.html']"
        try:
            await page.wait_for_selector(hit, timeout=patience, state="attached")
        except Exception:
            found.append(f"{name}: search does not find {word!r} at {urlsplit(base).scheme}:")
    await context.close()
    return found


async def check(
    site: Path, names: list[str], path: str, jobs: int, more: Iterable[str] = ()
) -> tuple[list[str], dict[str, float]]:
    """All problems of the pages, and the kilobytes that each of them loads; search need not find `more`."""
    source, site = axe(), site.resolve()
    gate = asyncio.Semaphore(jobs)
    weights: dict[str, float] = {}
    words = rare_words(site, names)
    found: list[str] = []

    async def light(name: str, browser: Browser, base: str) -> list[str]:
        here, weights[name] = await light_problems(browser, base, name, source)
        return here

    async def report(name: str, work: Awaitable[list[str]]) -> None:
        async with gate:
            found.extend(f"{name}: {line}" if name else line for line in await work)

    with serve(site) as base:
        async with browser_at(path) as browser, asyncio.TaskGroup() as group:
            for name in (*names, *more):
                group.create_task(report(name, light(name, browser, base)))
                group.create_task(report(name, dark_problems(browser, base, name, source)))
                group.create_task(report(name, disk_problems(browser, site, name)))
                group.create_task(report(name, target_problems(browser, base, name)))
            for at in (base, site.as_uri()):
                group.create_task(report("", search_problems(browser, at, words)))
    return list(dict.fromkeys(found)), weights


def main() -> int:
    from build import pages

    parser = argparse.ArgumentParser(description="Check the built site in a browser.")
    parser.add_argument("--site", type=Path, default=ROOT / "_build" / "html")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="pages side by side")
    parser.add_argument(
        "pages", nargs="*", metavar="PAGE", help="such as book/index (default: all)"
    )
    arguments = parser.parse_args()
    names = arguments.pages or [p.relative_to(ROOT).with_suffix("").as_posix() for p in pages()]
    more = () if arguments.pages else WRITTEN
    missing = [name for name in (*names, *more) if not (arguments.site / f"{name}.html").is_file()]
    if missing:
        print(
            f"Not in {arguments.site}: {', '.join(missing)}. Run make book first.", file=sys.stderr
        )
        return 1
    path = chromium()
    if path is None:
        print(NO_BROWSER, file=sys.stderr)
        return 1
    start = time.monotonic()
    found, weights = asyncio.run(check(arguments.site, names, path, arguments.jobs, more))
    for line in found:
        print(f"problem: {line}", file=sys.stderr)
    heaviest = max(weights, key=weights.get)
    print(
        f"{len(weights)} pages in light and dark, served and from disk: {len(found)} problems, "
        f"{time.monotonic() - start:.0f} s; heaviest: {heaviest}, {weights[heaviest]:.0f} kB"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
