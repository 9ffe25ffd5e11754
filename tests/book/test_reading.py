"""What helps to read holds in the book's sources, and each rule and tool fails or acts on a small case of its own."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import book_rules as rules
import chapter_facts
import chapter_map
import glossary_tips
import pytest
import reading_rules
import table_captions
from book_rules import Page
from build import pages
from docutils import nodes
from docutils.core import publish_doctree

import rmt_helpers

ROOT = Path(__file__).resolve().parents[2]
BOOK = [Page.read(path, ROOT) for path in pages() if path.is_file()]
CHAPTERS = [page for page in BOOK if page.is_chapter]
TERMS = rules.glossary_terms(BOOK)
LABELS = {label: page for page in BOOK for label in rules.labels_defined(page)}


def by_name(page):
    return page.name


def tree(text):
    return publish_doctree(text, settings_overrides={"doctitle_xform": False, "report_level": 5})


class TestOpening:
    GOOD = "# T\n\nPromise.\n\n| You need | Where to read it |\n| --- | --- |\n| this | {ref}`a` |\n\n## S\n"

    @pytest.mark.parametrize("page", CHAPTERS, ids=by_name)
    def test_chapters(self, page):
        assert reading_rules.opening(page) == []

    def test_rule_accepts_a_good_one(self):
        assert reading_rules.opening(Page("x", self.GOOD)) == []

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("| You need | Where to read it |", "| You need | Where |"),
            ("Promise.\n", "Promise.\n\n## Too early\n"),
            ("{ref}`a`", "somewhere"),
            ("| this | {ref}`a` |", "| this | |"),
            ("## S\n", "About 20 minutes to read.\n\n## S\n"),
        ],
    )
    def test_rule_fails(self, old, new):
        assert len(reading_rules.opening(Page("x", self.GOOD.replace(old, new)))) == 1


class TestEnding:
    GOOD = (
        "# T\n\n## What to take away\n\n- One.\n- Two.\n- Three.\n\n"
        "**Next.** {ref}`a`.\n\n**Sources.** {cite:t}`b`.\n"
    )

    @pytest.mark.parametrize("page", CHAPTERS, ids=by_name)
    def test_chapters(self, page):
        assert reading_rules.ending(page) == []

    def test_rule_accepts_a_good_one(self):
        assert reading_rules.ending(Page("x", self.GOOD)) == []

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("**Sources.**", "**Sources.** {cite:t}`b`.\n\n## More\n"),
            ("- Three.\n", ""),
            ("- One.\n- Two.\n- Three.\n", "Only this.\n"),
            ("**Next.**", "Next:"),
            ("{ref}`a`", "a"),
            ("{cite:t}`b`", "b"),
        ],
    )
    def test_rule_fails(self, old, new):
        assert len(reading_rules.ending(Page("x", self.GOOD.replace(old, new)))) == 1


class TestTerms:
    @pytest.mark.parametrize("page", CHAPTERS, ids=by_name)
    def test_linked_at_first_use(self, page):
        bare = reading_rules.bare_terms(page, TERMS)
        lines = reading_rules.running_text(page)
        assert [(term, lines.count("\n", 0, at) + 1) for term, at in bare] == []

    @pytest.mark.parametrize(
        "text",
        [
            "the bulk ends",
            "Bulks end",
            "its Weight\nmatrices",
            "a bulk, then {term}`bulk`",
            "- a bulk",
        ],
    )
    def test_rule_fails(self, text):
        page = Page("x", f"# T\n\nPromise.\n\n{text}\n")
        assert len(reading_rules.bare_terms(page, {"bulk", "weight matrix"})) == 1

    @pytest.mark.parametrize(
        "text",
        [
            "a {term}`bulk`, then the bulk",
            "{term}`bulks <bulk>` and bulk",
            "## The bulk",
            "| bulk | x |",
            "`bulk` and $bulk$",
            "a bulky thing",
            "the {term}`bulk law` is one term",
            "```{exercise} E\n:label: ex-a\nThe bulk.\n```",
            "```{marking} ex-a\nThe bulk.\n```",
            "````{solution-start} ex-a\n````\n\nThe bulk.\n\n````{solution-end}\n````",
            "```{table-caption} tab-a\nThe bulk.\n```",
        ],
    )
    def test_rule_lets_pass(self, text):
        page = Page("x", f"# T\n\nPromise with bulk.\n\n{text}\n")
        assert reading_rules.bare_terms(page, {"bulk", "bulk law"}) == []


class TestReferredTo:
    FIGURE = (
        "```{code-cell} ipython3\n---\nmystnb:\n  figure:\n    name: fig-a\n"
        "    caption: |\n      One {caption} of words.\n---\nplt.show()\n```\n\n"
    )
    TABLE = "```{table-caption} tab-a\nOne {caption} of words.\n```\n\n"
    EQUATION = "$$\nx = {caption}\n$$ (eq-a)\n\n"
    STATEMENT = "```{prf:lemma} L\n:label: lem-a\n\nOne {caption} of words.\n```\n\n"
    CASES = (
        (FIGURE, "{numref}`fig-a`"),
        (TABLE, "{numref}`tab-a`"),
        (EQUATION, "{eq}`eq-a`"),
        (STATEMENT, "{prf:ref}`lem-a`"),
        (STATEMENT.replace("```", ":::"), "{prf:ref}`lem-a`"),
    )

    def solution(self, text):
        return f"````{{solution-start}} ex-a\n:class: dropdown\n````\n\n{text}````{{solution-end}}\n````\n\n"

    def test_chapters(self):
        assert reading_rules.not_referred_to(BOOK) == []

    @pytest.mark.parametrize(("block", "reference"), CASES)
    def test_rule(self, block, reference):
        def problems(*texts):
            pages = [Page(f"chapters/{number}", text) for number, text in enumerate(texts)]
            return reading_rules.not_referred_to(pages)

        assert problems(f"{block}As {reference} says.\n") == []
        assert len(problems(block)) == 1
        # Nor by a reference that only a solution has; what a solution shows, it speaks of.
        assert len(problems(block + self.solution(f"As {reference} says.\n\n"))) == 1
        assert problems(self.solution(f"{block}As {reference} says.\n\n")) == []
        assert len(problems(self.solution(block))) == 1

    @pytest.mark.parametrize(("block", "reference"), CASES[:2])
    def test_rule_is_not_content_with_a_caption(self, block, reference):
        text = block.replace("{caption}", reference)
        assert len(reading_rules.not_referred_to([Page("chapters/x", text)])) == 1

    def test_figures_and_tables_are_spoken_of_on_their_page(self):
        for block, reference in self.CASES:
            pages = [Page("chapters/x", block), Page("chapters/y", f"See {reference}.\n")]
            on_another_page = reading_rules.not_referred_to(pages) == []
            assert on_another_page == (not reference.startswith("{numref}"))


@pytest.fixture(scope="module")
def names():
    """Looks names up among all that the package makes public, its wing on networks included."""
    package = {}
    for found in pkgutil.walk_packages(rmt_helpers.__path__, "rmt_helpers."):
        if found.name.endswith("__main__"):
            continue
        for name, thing in vars(importlib.import_module(found.name)).items():
            is_own = getattr(thing, "__module__", "").startswith("rmt_helpers")
            if is_own and (inspect.isfunction(thing) or inspect.isclass(thing)) and name[0] != "_":
                package.setdefault(name, thing)
    return reading_rules.CodeNames(package, {"fit": rmt_helpers.NoiseFit})


class TestNotation:
    def test_page(self, names):
        page = next(page for page in BOOK if page.name == "book/notation")
        entries, malformed = reading_rules.notation_entries(page)
        assert malformed == []
        assert len(entries) > 50
        wrong = [
            f"{page.name}:{entry.line}: {problem}"
            for entry in entries
            for problem in names.problems(entry.code, LABELS[entry.label])
        ]
        assert wrong == []

    def test_every_symbol_once(self):
        page = next(page for page in BOOK if page.name == "book/notation")
        symbols = re.findall(r"^\| (.*?) \| ", page.text, re.M)
        symbols = [symbol for symbol in symbols if symbol not in {"Symbol", "---", "$W = S + R$"}]
        # d and its differences d_i, K and the K-hat of BEMA's authors differ by their marks.
        assert sorted({s for s in symbols if symbols.count(s) > 1}) == []

    @pytest.mark.parametrize(
        "code",
        [
            ["nothing_of_the_kind"],
            ["fit.nothing"],
            ["bema(nothing)"],
            ["bema(W).nothing"],
            ["MarchenkoPastur(c).pdf", ".nothing"],
            ["Spectrum.of(W).nothing"],
            ['"no such text"'],
            ["x, y = bema("],
        ],
    )
    def test_rule_fails(self, names, code):
        assert len(names.problems(code, Page("x", "c = 1\n"))) == 1

    @pytest.mark.parametrize(
        "code",
        [
            ["sigma"],
            ["fit.ks"],
            ["MarchenkoPastur(c, sigma).pdf", ".cdf"],
            ["alignment(fit).left"],
            ["own(x)"],
            ["s, fit = own(x)"],
            ['"fc1"'],
        ],
    )
    def test_rule_lets_pass(self, names, code):
        chapter = Page(
            "x", "```{code-cell} ipython3\ndef own(x):\n    s = x\n    return s, x\n```\n"
        )
        assert names.problems(code, chapter) == []

    @pytest.mark.parametrize(
        "row", ["| $a$ | `a` | what | {ref}`x <ch-x>` |", "| $a$ | a | what | none | here |"]
    )
    def test_form(self, row):
        entries, malformed = reading_rules.notation_entries(Page("x", row))
        assert entries == []
        assert len(malformed) == 1


class TestTime:
    def test_what_takes_time(self):
        words = " ".join(["word"] * 200)
        assert chapter_facts.reading_seconds(tree(words)) == pytest.approx(60)
        formula = nodes.section("", nodes.math_block("", "x = y"))
        assert chapter_facts.reading_seconds(formula) == chapter_facts.PER_FORMULA
        code = tree("::\n\n   a\n\n   b\n")
        assert chapter_facts.reading_seconds(code) == 2 * chapter_facts.PER_CODE_LINE
        picture = tree(".. image:: a.png")
        assert chapter_facts.reading_seconds(picture) == chapter_facts.PER_FIGURE

    def cell(self, **options):
        code = nodes.container("", nodes.literal_block("", "a\nb"), nb_element="cell_code_source")
        output = nodes.container(
            "", nodes.literal_block("", "printed"), nb_element="cell_code_output"
        )
        output += chapter_facts.make_table(["a b"], [[nodes.paragraph("", "c d")]])
        return nodes.section(
            "", nodes.container("", code, output, nb_element="cell_code", **options)
        )

    def test_folded_code_and_print_outs_take_none(self):
        table = chapter_facts.PER_FIGURE
        code = 2 * chapter_facts.PER_CODE_LINE
        assert chapter_facts.reading_seconds(self.cell()) == code + table
        assert chapter_facts.reading_seconds(self.cell(hide_mode="input")) == table

    def test_exercises_take_none(self):
        class exercise_node(nodes.Admonition, nodes.Element): ...

        assert chapter_facts.reading_seconds(exercise_node("", nodes.paragraph("", "a b"))) == 0

    @pytest.mark.parametrize(("seconds", "minutes"), [(10, 1), (630, 10), (1290, 20), (1360, 25)])
    def test_rounding(self, seconds, minutes):
        assert chapter_facts.Facts(seconds, ()).minutes == minutes

    @pytest.mark.parametrize(
        ("seconds", "words"), [(0.2, "1 s"), (24.4, "24 s"), (119, "119 s"), (150, "2.5 min")]
    )
    def test_durations(self, seconds, words):
        assert chapter_facts.in_words(seconds) == words.replace(" ", "\N{NO-BREAK SPACE}")

    def test_page_states_the_rates(self):
        text = (ROOT / "book/map.md").read_text("utf8")
        stated = re.search(
            r"(\d+) words a minute, (\d+) seconds for a displayed formula, "
            r"(\d+) for a figure or a table of results, (\d+) for",
            " ".join(text.split()),
        )
        assert [int(number) for number in stated.groups()] == [
            round(60 / chapter_facts.PER_WORD),
            chapter_facts.PER_FORMULA,
            chapter_facts.PER_FIGURE,
            chapter_facts.PER_CODE_LINE,
        ]


class TestMap:
    GRAPH = {"a": [], "b": ["a"], "c": ["a", "b"]}  # noqa: RUF012

    def test_what_follows_is_left_out(self):
        assert chapter_map.reduced(self.GRAPH) == {"a": [], "b": ["a"], "c": ["b"]}

    def test_a_circle_ends(self):
        assert set(chapter_map.reduced({"a": ["b"], "b": ["a"]})) == {"a", "b"}

    def test_arrows_turn_round(self):
        assert chapter_facts.leads_to(self.GRAPH) == {"a": ["b", "c"], "b": ["c"], "c": []}

    def test_drawing(self):
        titles = {
            "a": "First <one>",
            "b": "A title that is so long that it takes two lines",
            "c": "C",
        }
        links = {name: f"../{name}.html" for name in titles}
        svg = chapter_map.drawing([("I", ["a", "b"]), ("II", ["c"])], self.GRAPH, titles, links)
        assert svg.count("<path") == 2
        assert svg.count("<a ") == 3
        assert "First &lt;one&gt;" in svg
        assert svg.count("<tspan") == 4
        assert 'class="from0 to1"' in svg
        assert 'class="from1 to2"' in svg

    def test_references_of_the_table_only(self):
        page = tree("====== =====\nYou    Where\n====== =====\nx      y\n====== =====\n")
        assert chapter_facts.table_of_needs(page) is None
        page = chapter_facts.make_table(
            chapter_facts.HEAD, [[nodes.paragraph("", "x"), nodes.paragraph()]]
        )
        assert chapter_facts.table_of_needs(nodes.section("", page)) is page
        assert chapter_facts.references_in(page) == ()

    def test_book_has_no_circle_and_nothing_to_unlearn(self):
        """A chapter needs only chapters before it; a look ahead belongs into the text."""
        order = {page.name: place for place, page in enumerate(CHAPTERS)}
        for page in CHAPTERS:
            table = page.text.split(reading_rules.HEAD)[1].split("\n\n")[0]
            for label in re.findall(r"\{(?:prf:)?(?:ref|eq)\}`(?:[^`<]*<)?([^`>]+)>?`", table):
                assert order[LABELS[label].name] < order[page.name], label


class TestTips:
    BODY = (
        '<p><a class="reference internal" href="../../book/glossary.html#term-bulk"><span>bulk</span></a> and '
        '<a class="reference internal" href="../../book/glossary.html#term-bulk"><span>bulk</span></a></p>'
    )

    def test_each_link_is_described_and_each_definition_stands_once(self):
        page = glossary_tips.with_tips(
            self.BODY, "x", {"book/glossary"}, {"term-bulk": "<p>Noise.</p>"}
        )
        assert page.count('aria-describedby="tip-term-bulk"') == 2
        assert page.count('id="tip-term-bulk"') == 1
        assert re.search(r'id="tip-term-bulk" role="tooltip" hidden><p>Noise.</p>', page)

    @pytest.mark.parametrize(
        "body",
        [
            BODY.replace("glossary", "notation"),
            BODY.replace("term-bulk", "term-other"),
            BODY.replace("term-bulk", "section"),
            "<p>bulk</p>",
        ],
    )
    def test_other_links_are_left_alone(self, body):
        assert glossary_tips.with_tips(body, "x", {"book/glossary"}, {"term-bulk": "d"}) == body

    def test_a_definition_loses_its_links(self):
        paragraph = nodes.paragraph(
            "", "see ", nodes.reference("", "", nodes.inline("", "edge"), refuri="x")
        )
        plain = glossary_tips.without_links(paragraph)
        assert plain.astext() == "see edge"
        assert not list(plain.findall(nodes.reference))


class TestTableCaptions:
    def table(self, title=False):
        table = chapter_facts.make_table(["a"], [[nodes.paragraph("", "b")]])
        if title:
            table.insert(0, nodes.title("", "T"))
        return table

    def test_check(self):
        class solution_node(nodes.Admonition, nodes.Element): ...

        bare, titled = self.table(), self.table(title=True)
        needs = chapter_facts.make_table(
            chapter_facts.HEAD, [[nodes.paragraph(), nodes.paragraph()]]
        )
        page = nodes.section("", needs, bare, titled, solution_node("", self.table()))
        assert table_captions.without_caption(page) == [bare]

    def test_a_caption_goes_to_the_next_table(self):
        document = tree("")
        first, second = self.table(), self.table()
        document += [first, table_captions.table_caption("", nodes.Text("C"), name="tab-a"), second]
        table_captions.PlaceCaptions(document).apply()
        assert [child.tagname for child in document.children] == ["table", "table"]
        assert second.children[0].astext() == "C"
        assert second["names"] == ["tab-a"]
        assert not isinstance(first.children[0], nodes.title)
