"""The checks of the built site see what they are for, and tidying a page mends it."""

import subprocess
import sys

import pytest
from book_site import (
    ERROR,
    HYPHEN,
    MEASURED,
    SIGNED_ZERO,
    UNIT,
    MinusSigns,
    first_sentence,
    image_size,
    start_renderer,
    tidy,
)
from check_site import figure_names, problems, problems_on_page
from docutils import nodes
from docutils.core import publish_doctree
from sphinxcontrib import katex

FIGURE = '<figure class="x" id="fig-x"><img alt="a" src="_images/x.svg"/><figcaption>c</figcaption></figure>'

# Taken before any test builds a page, which replaces it.
LIBRARYS_START = katex.KaTeXServer.start_server_process.__func__


def test_a_good_page_passes():
    page = FIGURE + '<a href="https://example.org/">out</a><script src="_static/a.js"></script>'
    assert problems_on_page(page, ["fig-x"]) == []


@pytest.mark.parametrize(
    "page",
    [
        '<script src="https://cdn.example.org/a.js"></script>',
        '<link rel="stylesheet" href="//cdn.example.org/a.css">',
        '<link rel="preload" as="font" href="https://example.org/a.woff2">',
        '<img alt="" src="http://example.org/a.png">',
        '<div style="background: url(https://example.org/a.png)"></div>',
        "<style>@import 'https://example.org/a.css';</style>",
        '<script>fetch("https://example.org/a")</script>',
        '<script>const THEBE_JS_URL = "https://example.org/a.js"</script>',
        '<iframe src="https://example.org/"></iframe>',
        '<div class="output traceback highlight-none"></div>',
        "<pre>Traceback (most recent call last):</pre>",
        '<span class="katex-error" title="Undefined control sequence">x</span>',
    ],
)
def test_a_broken_page_fails(page):
    assert len(problems_on_page(page, [])) == 1


@pytest.mark.parametrize(
    "page",
    [
        "",
        FIGURE.replace("fig-x", "fig-y"),
        FIGURE.replace('<img alt="a" src="_images/x.svg"/>', ""),
    ],
)
def test_a_missing_figure_fails(page):
    assert len(problems_on_page(page, ["fig-x"])) == 1


def test_a_missing_page_and_a_foreign_style_sheet_fail(tmp_path):
    source = tmp_path / "a.md"
    source.write_text("# A\n")
    html = tmp_path / "html"
    (html / "vendor/katex").mkdir(parents=True)
    for name in ("index.html", "vendor/katex/katex.min.css", "searchindex.js"):
        (html / name).write_text("")
    assert problems(html, tmp_path, [source]) == ["a: no page was written"]
    (html / "a.html").write_text("<p>a</p>")
    assert problems(html, tmp_path, [source]) == []
    (html / "b.css").write_text("@font-face {src: url('https://example.org/f.woff2')}")
    assert len(problems(html, tmp_path, [source])) == 1


def test_figure_names():
    block = "---\nmystnb:\n  figure:\n    name: fig-a\n    caption: |\n      x\n  image:\n    alt: y\n---\nplt.show()\n"
    assert figure_names(f"# T\n\n```{{code-cell}} ipython3\n{block}```\n") == ["fig-a"]
    assert figure_names("```{code-cell} ipython3\n---\ntags: [a]\n---\nname: 1\n```\n") == []


class TestTidy:
    PAGE = """<meta name="viewport" content="a" /><meta name="viewport" content="b"/>
<link rel="preload" as="font" type="font/woff2" crossorigin href="a.woff2" />
<script src="_static/vendor/fontawesome/6.5.2/js/all.min.js?digest=1"></script>
<summary aria-label="Toggle hidden content"><span>Show</span></summary>
<pre>code</pre><img alt="a" src="_images/x.svg" style="width: 100%;" /><img alt="b" src="y.png" />"""

    def test_removes_and_mends(self):
        page = tidy(self.PAGE, lambda source: (100, 50))
        assert page.count("viewport") == 1
        for gone in ("all.min.js", "preload", "aria-label"):
            assert gone not in page
        assert '<pre tabindex="0">' in page
        assert page.count('width="100" height="50"') == 2
        assert 'style="max-width: min(100%, 110px); width: 100%;"' in page

    def test_twice_is_once(self):
        once = tidy(self.PAGE, lambda source: (100, 50))
        assert tidy(once, lambda source: (100, 50)) == once

    def test_a_formula_may_break_between_its_parts(self):
        part = '<span class="base">a</span>'
        formula = f'<span class="katex-html" aria-hidden="true">{part}{part}</span>'
        page = tidy(formula, lambda source: None)
        assert page.count("<wbr/>") == 1
        assert f"{part}<wbr/>{part}" in page
        assert tidy(page, lambda source: None) == page

    def test_a_compound_in_a_title_is_one_word(self):
        title = '<h1><span class="section-number">1. </span>Low-rank parts<a class="headerlink" href="#a-b">#</a></h1>'
        page = tidy(title, lambda source: None)
        assert (
            '</span><span class="one-word">Low-rank</span> parts<a class="headerlink" href="#a-b">'
            in page
        )
        assert tidy(page, lambda source: None) == page

    def test_unknown_size_is_left_alone(self):
        assert '<img alt="b" src="y.png" />' in tidy(self.PAGE, lambda source: None)


def test_image_size(tmp_path):
    points, box, other = (tmp_path / name for name in ("a.svg", "b.svg", "c.txt"))
    points.write_text('<?xml version="1.0"?><svg width="72pt" height="36pt" viewBox="0 0 72 36"/>')
    box.write_text('<svg xmlns="x" viewBox="0 0 32 16"/>')
    other.write_text("")
    assert image_size(points) == (96, 48)
    assert image_size(box) == (32, 16)
    assert image_size(other) is None
    assert image_size(tmp_path / "none.svg") is None
    png = tmp_path / "d.png"
    png.write_bytes(
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (3).to_bytes(4, "big") + (2).to_bytes(4, "big")
    )
    assert image_size(png) == (3, 2)


def test_description_is_the_first_paragraph_cut_at_a_word():
    tree = publish_doctree("T\n=\n\n" + "word " * 60, settings_overrides={"doctitle_xform": False})
    text = first_sentence(tree)
    assert len(text) <= 160
    assert text.endswith("word …")


class TestRenderer:
    """Node's socket has a file before Node listens to it; a program that takes its time stands in for Node."""

    LATE = (
        "import socket, sys, time; s = socket.socket(socket.AF_UNIX)\n"
        "s.bind(sys.argv[1]); time.sleep({}); s.listen()"
    )

    @staticmethod
    def server(code):
        class Server(katex.KaTeXServer):
            @classmethod
            def build_command(cls, socket=None, port=None):
                return [sys.executable, "-c", code, str(socket)]

        return Server

    @pytest.fixture
    def started(self, monkeypatch):
        processes = []

        class Popen(subprocess.Popen):
            def __init__(self, *args, **kwargs):
                super().__init__(*args, **kwargs)
                processes.append(self)

        monkeypatch.setattr(subprocess, "Popen", Popen)
        monkeypatch.setattr(katex, "Popen", Popen)
        yield processes
        for process in processes:
            process.kill()
            process.communicate()

    def test_waits_until_it_listens(self, tmp_path, started):
        code = self.LATE.format(0.5) + "; time.sleep(60)"
        process, connection = start_renderer(self.server(code), tmp_path, 30)
        connection.close()
        assert started == [process]

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    def test_the_library_does_not(self, tmp_path, started):
        """When this fails, the library has mended it, and ours can go."""
        server = self.server(self.LATE.format(5))
        with pytest.raises(ConnectionRefusedError):
            LIBRARYS_START(server, tmp_path, 30)

    @pytest.mark.parametrize("code", ["import time; time.sleep(60)", "raise SystemExit(1)"])
    def test_leaves_none_behind(self, tmp_path, started, code):
        with pytest.raises(katex.KaTeXError):
            start_renderer(self.server(code), tmp_path, 0.5)
        assert started[0].returncode is not None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0.3 % of it", "0.3~% of it"),
        ("0.3\n% of it", "0.3~% of it"),
        ("0.58 ± 0.02", "0.58~±~0.02"),
        ("9 ± ", "9~±~"),
        ("64 × 128", "64~×~128"),
        ("≤ 1.05", "≤~1.05"),
        ("10.2% of it", "10.2~% of it"),
        ("a%20b 5%20", "a%20b 5%20"),
        ("where % and ± stand alone", "where % and ± stand alone"),
    ],
)
def test_a_line_does_not_begin_with_per_cent(text, shown):
    assert UNIT.sub("~", text) == shown


def test_in_a_table_an_error_may_begin_a_line():
    assert ERROR.sub("~", "87.9 ± 0.5 %") == "87.9 ±~0.5~%"


@pytest.mark.parametrize(
    ("text", "measured"),
    [
        ("0.58 ± 0.02", True),
        ("87.9 ± 0.5 %", True),
        ("46 [43, 48]", True),
        ("−0.5 (−1.1 to +0.2)*", True),
        ("−0.71 (−0.83, −0.18)", True),
        ("46", False),
        ("12 (7 kinds)", False),
        ("MLP, 0.58 ± 0.02", False),
    ],
)
def test_a_number_with_its_error_is_known(text, measured):
    assert bool(MEASURED.fullmatch(text)) == measured


class TestMinusSigns:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("-0.80", "−0.80"),
            ("(-0.30 to 0.76)", "(−0.30 to 0.76)"),
            ("-.5", "−.5"),
            ("‑0.2", "−0.2"),
            ("CIFAR‑10", "CIFAR‑10"),
            ("CIFAR-10", "CIFAR-10"),
            ("1e-05", "1e-05"),
            ("2026-11-24", "2026-11-24"),
            ("784-512-10", "784-512-10"),
            ("--json", "--json"),
        ],
    )
    def test_before_a_number_alone(self, text, shown):
        assert HYPHEN.sub("−", text) == shown

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("-0.1 (-0.2 to −0.0)", "-0.1 (-0.2 to 0.0)"),
            ("-0.00", "0.00"),
            ("‑0.0", "0.0"),
            ("-0.004", "-0.004"),
            ("10-0.0", "10-0.0"),
        ],
    )
    def test_not_before_a_zero(self, text, shown):
        assert SIGNED_ZERO.sub("", text) == shown

    def test_of_what_a_cell_computed(self):
        number = nodes.inline("", "-1", classes=["pasted-text"])
        entry = nodes.entry(
            "", nodes.paragraph("", "-1"), nodes.paragraph("", "", nodes.literal("", "-1"))
        )
        kept = nodes.paragraph("", "-1")
        assert MinusSigns.is_computed(number[0])
        assert MinusSigns.is_computed(entry[0][0])
        assert not MinusSigns.is_computed(entry[1][0][0])
        assert not MinusSigns.is_computed(kept[0])
