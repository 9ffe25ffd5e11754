"""Pages load less than the theme would have them load, and lose nothing that they use."""

import book_weight
import pytest
from book_weight import (
    fetch_letters,
    joined,
    lean,
    link_one,
    linked_sheets,
    rules_in_use,
    used_names,
)
from sphinx.errors import ExtensionError

OPTIONS = "const DOCUMENTATION_OPTIONS = {};"


class TestLean:
    PAGE = """<link rel="preload" as="script" href="_static/bootstrap.js" />
<script src="_static/documentation_options.js?v=1"></script><script src="_static/a.js"></script>
<script>let a = 1;</script><script type="module" src="_static/b.js"></script>
<script data-x="1" src="_static/c.js"></script><script defer src="_static/d.js"></script>
<math><semantics><mi>x</mi><annotation encoding="application/x-tex">x</annotation></semantics></math>
<img src="_static/logo.svg"><img alt="a" src="_images/1.svg"><img alt="b" src="_images/2.svg">"""

    def test_scripts_wait(self):
        page = lean(self.PAGE, OPTIONS)
        assert "preload" not in page
        assert f"<script>{OPTIONS}</script>" in page
        for name in ("a", "c"):
            assert page.count(f"{name}.js") == 1
        assert page.count("defer") == 1 + 2 * 2
        assert '<script type="module" src="_static/b.js">' in page
        assert "<script>let a = 1;</script>" in page

    def test_mathematics_keeps_what_is_read_aloud(self):
        page = lean(self.PAGE, OPTIONS)
        assert "annotation" not in page
        assert "<math><semantics><mi>x</mi></semantics></math>" in page

    def test_pictures_wait_except_the_first(self):
        page = lean(self.PAGE, OPTIONS)
        assert '<img alt="a" src="_images/1.svg">' in page
        assert '<img loading="lazy" decoding="async" alt="b" src="_images/2.svg">' in page
        assert '<img src="_static/logo.svg">' in page

    def test_twice_is_once(self):
        once = lean(self.PAGE, OPTIONS)
        assert lean(once, OPTIONS) == once


class TestRules:
    NAMES = used_names(
        ['<p id="top" class="a b&amp;c">text</p><script>x.classList.add("late")</script>'],
        ["const composed = 'folded';"],
    )

    def test_names_are_those_of_pages_and_scripts(self):
        assert {"top", "a", "b&c", "late", "folded"} <= self.NAMES
        assert "text" not in self.NAMES

    @pytest.mark.parametrize(
        "rule",
        [
            "p{color:red}",
            ".a{color:red}",
            "#top .a > p:hover{color:red}",
            ".late{color:red}",
            ".a:not(.gone){color:red}",
            ":is(.gone, p){color:red}",
            ".bs-tooltip-end{color:red}",
            "html[data-theme=dark] p{color:red}",
            "@media print{.a{color:red}}",
            "@font-face{font-family:X;src:url(x.woff2)}",
            "@keyframes turn{0%{opacity:0}}",
            ":root{--x:1px}",
        ],
    )
    def test_a_rule_in_use_is_kept(self, rule):
        assert rules_in_use(rule, self.NAMES) == rule

    @pytest.mark.parametrize(
        "rule",
        [
            ".gone{color:red}",
            ".a .gone{color:red}",
            "#elsewhere{color:red}",
            ".a.gone:hover{color:red}",
            "@media print{.gone{color:red}}",
            '@charset "utf-8";',
            "/* nothing */",
        ],
    )
    def test_another_goes(self, rule):
        assert rules_in_use(rule, self.NAMES) == ""

    def test_of_several_selectors_those_in_use_stay(self):
        assert rules_in_use(".gone, .a:hover, p{color:red}", self.NAMES) == ".a:hover,p{color:red}"


class TestSheets:
    HEAD = """  <link href="../_static/a.css?digest=1" rel="stylesheet" />
  <link rel="stylesheet" type="text/css" href="../_static/../vendor/b.css" />
  <link rel="icon" href="../_static/i.svg"/>
"""

    def test_of_a_page(self):
        assert linked_sheets(self.HEAD, "book/x.html") == ["_static/a.css", "vendor/b.css"]
        assert linked_sheets("<p>", "x.html") is None
        assert linked_sheets('<link rel="stylesheet" href="https://a/b.css">', "x.html") is None

    def test_one_link_that_the_next_build_reads(self):
        sheets = linked_sheets(self.HEAD, "book/x.html")
        page = link_one(self.HEAD, "book/x.html", sheets, "_static/page-1.css", "v1")
        assert page.count('rel="stylesheet"') == 1
        assert 'href="../_static/page-1.css?v=v1"' in page
        assert "i.svg" in page
        assert linked_sheets(page, "book/x.html") == sheets
        assert link_one(page, "book/x.html", sheets, "_static/page-1.css", "v1") == page

    def test_joined_with_addresses_that_still_lead_there(self, tmp_path):
        (tmp_path / "_static" / "sub").mkdir(parents=True)
        (tmp_path / "vendor").mkdir()
        (tmp_path / "_static" / "sub" / "a.css").write_text('@import "../basic.css";\n.a{}')
        (tmp_path / "_static" / "basic.css").write_text(".b{background:url(i.png)}")
        (tmp_path / "vendor" / "k.css").write_text(
            ".c{src:url(fonts/k.woff2);mask:url('data:x')} /* .d */"
        )
        text = joined(tmp_path, ["_static/sub/a.css", "vendor/k.css"], "_static/page.css")
        assert ".b{background:url(i.png)}\n.a{}" in text
        assert "url(../vendor/fonts/k.woff2)" in text
        assert "url('data:x')" in text
        assert ".d" not in text


def test_fonts_are_asked_for_where_there_is_mathematics():
    head = '<link rel="stylesheet" href="../_static/page-1.css" />\n'
    formula = '<span class="katex">x</span>'
    page = fetch_letters(head + formula, "book/x.html")
    assert "'../vendor/katex/fonts/KaTeX_Math-Italic.woff2'" in page
    assert page.endswith(head + formula)
    assert fetch_letters(page, "book/x.html") == page
    assert fetch_letters(head, "book/x.html") == head


def test_letters_of_mathematics_alone():
    page = (
        '<p>words <span class="katex"><span class="katex-mathml">m</span><span class="katex-html">'
        '<span class="base"><span>ν</span><span>&lt;</span></span></span></span> z</p>'
    )
    assert book_weight.letters(page) == {"ν", "<"}


def test_the_theme_measures_nothing_on_loading():
    script = f"document.querySelectorAll({book_weight.MEASURED}).forEach(f)"
    patched = book_weight.let_it_wait(script)
    assert book_weight.MEASURED not in patched
    assert book_weight.let_it_wait(patched) == patched
    with pytest.raises(ExtensionError, match="another one"):
        book_weight.let_it_wait("")


class TestLighten:
    PAGE = """<link rel="stylesheet" href="_static/a.css?v=1" /><link rel="stylesheet" href="_static/b.css" />
<script src="_static/documentation_options.js"></script><p class="used">text</p>"""

    @pytest.fixture
    def site(self, tmp_path):
        (tmp_path / "_static" / "scripts").mkdir(parents=True)
        (tmp_path / "_static" / "documentation_options.js").write_text(OPTIONS)
        theme = tmp_path / "_static" / "scripts" / "pydata-sphinx-theme.js"
        theme.write_text(book_weight.MEASURED)
        (tmp_path / "_static" / "a.css").write_text(".used{color:red}.gone{color:red}")
        (tmp_path / "_static" / "b.css").write_text("p{color:blue}")
        (tmp_path / "index.html").write_text(self.PAGE)
        return tmp_path

    def test_one_sheet_of_what_is_used(self, site):
        book_weight.lighten(site, None)
        page = (site / "index.html").read_text()
        (sheet,) = (site / "_static").glob("page-*.css")
        assert page.count("stylesheet") == 1
        assert sheet.name in page
        assert sheet.read_text() == ".used{color:red}\np{color:blue}"

    def test_the_next_build_finds_new_names(self, site):
        book_weight.lighten(site, None)
        (site / "new.html").write_text(self.PAGE.replace("used", "gone"))
        book_weight.lighten(site, None)
        (sheet,) = (site / "_static").glob("page-*.css")
        assert ".gone" in sheet.read_text()
        versions = {
            (site / name).read_text().split("?v=")[1][:8] for name in ("index.html", "new.html")
        }
        assert len(versions) == 1

    def test_a_missing_sheet_is_left_to_the_check_of_the_site(self, site):
        (site / "_static" / "b.css").unlink()
        book_weight.lighten(site, None)
        assert (site / "index.html").read_text().count("stylesheet") == 2
