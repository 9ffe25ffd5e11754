"""The book's rules hold in its sources, and each of them fails on a snippet that breaks it."""

import re
from pathlib import Path

import book_rules as rules
import notebooks
import pytest
import yaml
from book_rules import Page
from build import pages

from rmt_helpers.selfcheck import tasks

ROOT = Path(__file__).resolve().parents[2]
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text("utf8"))
URL = CONFIG["repository"]["url"]
BOOK = [Page.read(path, ROOT) for path in pages() if path.is_file()]
CHAPTERS = [page for page in BOOK if page.is_chapter]
BIB = (ROOT / "book" / "references.bib").read_text("utf8")

# Published without a DOI, and not on arXiv: the entry carries the publisher's page.
NO_IDENTIFIER = {"krogh1991", "srivastava2014", "glorot2010"}

# (page, number): why it may stand in the prose although no cell of the page made it.
TYPED = {
    ("chapters/noise/lens", "0.1"): "the default level of bema, not a result",
}

# From the ground up (DESIGN): a room imports from those before it.
ROOMS = [
    "_checks",
    "tracy_widom",
    "laws",
    "spectrum",
    "spikes",
    "thresholds",
    "alignment",
    "elsewhere",
    "statistics",
    "selfcheck/task",
    "selfcheck/noise",
    "selfcheck/edge",
    "selfcheck/threshold",
    "selfcheck/broadening",
    "selfcheck/score",
    "selfcheck/networks",
    "selfcheck/measures",
    "selfcheck/recovery",
    "selfcheck/cost",
    "selfcheck/course",
    "selfcheck",
    "nets/_checks",
    "nets/_sources",
    "nets/data",
    "nets/transforms",
    "nets/architectures",
    "nets/dropout",
    "nets/config",
    "nets/convolutions",
    "nets/stack",
    "nets/passes",
    "nets/training",
    "nets/layers",
    "nets/lowrank",
    "nets/responses",
    "nets/reconstruct",
    "nets/magnitude",
    "nets/penalty",
    "nets/compress",
    "nets/adamw",
    "nets/thinning",
    "nets/hessian",
    "nets/encoder",
    "nets/checkpoint",
    "command/stored",
    "command/measure",
    "command/report",
    "command/terminal",
    "command/page",
    "command/main",
    "command",
    "experiments/fingerprint",
    "experiments/store",
    "experiments/machine",
    "experiments/runner",
    "experiments/measures",
    "experiments/plans",
    "experiments/catalogue",
    "experiments/networks",
    "experiments/texts",
    "experiments/null",
    "experiments/elsewhere",
    "experiments/largest",
    "experiments/batches",
    "experiments/failures",
    "experiments/estimators",
    "experiments/truth",
    "experiments/bulk",
    "experiments/layers",
    "experiments/encoder",
    "experiments/choice",
    "experiments/peers",
    "experiments/filtering",
    "experiments/compression",
    "experiments/responses",
    "experiments/memorise",
    "experiments/decay",
    "experiments/ridge",
    "experiments/grokking",
    "experiments/stopping",
    "experiments/switching",
    "experiments/tails",
    "experiments/hessian",
    "experiments/reproduction",
    "experiments/__main__",
    "experiments",
    "verdicts/claim",
    "verdicts/planned",
    "verdicts/elsewhere",
    "verdicts/tables",
    "verdicts/paper",
    "verdicts/review",
    "verdicts/cited",
    "verdicts/which",
    "verdicts/compression",
    "verdicts/memorise",
    "verdicts/grokking",
    "verdicts/stopping",
    "verdicts/switching",
    "verdicts/tails",
    "verdicts",
    "plotting",
]


def by_name(page):
    return page.name


def cell(code, options=""):
    return f"```{{code-cell}} ipython3\n{options}{code}\n```\n"


GOOD_FIGURE = """---
mystnb:
  figure:
    name: fig-x
    caption: |
      One caption of five words.
  image:
    alt: Eight words say here what is to be seen.
---
"""


class TestPages:
    def test_table_of_contents_names_existing_pages(self):
        assert [path for path in pages() if not path.is_file()] == []

    def test_every_chapter_is_in_the_table_of_contents(self):
        assert {path.resolve() for path in (ROOT / "chapters").rglob("*.md")} <= set(pages())

    @pytest.mark.parametrize("chapter", notebooks.chapters(), ids=lambda path: path.stem)
    def test_pair_agrees(self, chapter):
        twin = chapter.with_suffix(".ipynb")
        assert twin.is_file(), "make notebooks"
        assert twin.read_text("utf8") == notebooks.notebook_text(chapter), "make notebooks"

    def test_changed_text_changes_the_notebook(self, tmp_path):
        text = notebooks.chapters()[0].read_text("utf8")
        (tmp_path / "a.md").write_text(text, "utf8")
        (tmp_path / "b.md").write_text(text + "\n" + cell("1 + 1"), "utf8")
        assert notebooks.notebook_text(tmp_path / "a.md") != notebooks.notebook_text(
            tmp_path / "b.md"
        )

    @pytest.mark.parametrize("page", CHAPTERS, ids=by_name)
    def test_chapter_has_its_parts(self, page):
        assert re.search(r"^\(ch-[a-z0-9-]+\)=\n# \S", page.text, re.M), "a label before the title"
        assert re.search(r"^\| *You need", page.text, re.M), "a table of what one needs to know"
        assert re.search(r"^## What to take away$", page.text, re.M), "a closing section"


class TestFigures:
    @pytest.mark.parametrize("page", BOOK, ids=by_name)
    def test_have_name_caption_and_alternative_text(self, page):
        assert rules.figures(page) == []

    def test_rule_accepts_a_good_figure(self):
        page = Page("x", cell("fig, ax = plotting.figure()\nplt.show()", GOOD_FIGURE))
        assert rules.figures(page) == []
        assert rules.labels_defined(page) == ["fig-x"]

    @pytest.mark.parametrize(
        ("old", "new", "complaint"),
        [
            ("fig-x", "Figure_x", "name"),
            ("One caption of five words.", "Short.", "caption"),
            ("Eight words say here", "Words", "alternative text"),
            ("what is to be seen", "what $x$ is to be seen", "alternative text"),
            ("plt.show()", "ax.plot(x)", "plt.show"),
            ("plt.show()", "ax.set_title('t')\nplt.show()", "title"),
        ],
    )
    def test_rule_fails(self, old, new, complaint):
        good = cell("fig, ax = plotting.figure()\nplt.show()", GOOD_FIGURE)
        (problem,) = rules.figures(Page("x", good.replace(old, new)))
        assert complaint in problem

    def test_rule_fails_on_a_drawing_that_is_no_figure(self):
        assert rules.figures(Page("x", cell("plt.show()")))


class TestExercises:
    EXERCISE = (
        "```{exercise} Title\n:label: ex-x-1\n:class: easy\n\nProve it.\n```\n\n"
        "````{solution-start} ex-x-1\n:class: dropdown\n````\n\n"
        "One more than one is two: count both of them, and be sure of it.\n\n"
        + cell("assert 1 + 1 == 2")
        + "\n```{solution-end}\n```\n"
    )

    @pytest.mark.parametrize("page", BOOK, ids=by_name)
    def test_have_checked_solutions(self, page):
        assert rules.exercises(page) == []

    def test_rule_accepts_a_good_exercise(self):
        assert rules.exercises(Page("x", self.EXERCISE)) == []

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (":label: ex-x-1\n", ""),
            ("{solution-start} ex-x-1", "{solution-start} ex-x-2"),
            (":class: dropdown\n", ""),
            ("assert 1 + 1 == 2", "1 + 1 == 2"),
            (":class: easy\n", ""),
            (":class: easy\n", ":class: simple\n"),
            ("One more than one is two: count both of them, and be sure of it.", "See:"),
        ],
    )
    def test_rule_fails(self, old, new):
        assert len(rules.exercises(Page("x", self.EXERCISE.replace(old, new)))) == 1

    @pytest.mark.parametrize(("count", "right"), [(3, False), (4, True), (6, True), (7, False)])
    def test_rule_counts(self, count, right):
        text = "\n".join(self.EXERCISE.replace("ex-x-1", f"ex-x-{k}") for k in range(count))
        assert (rules.exercises(Page("chapters/x", text)) == []) == right

    def test_rule_asks_for_a_proof(self):
        text = "\n".join(self.EXERCISE.replace("ex-x-1", f"ex-x-{k}") for k in range(4))
        (problem,) = rules.exercises(Page("chapters/x", text.replace("Prove it", "Do it")))
        assert "proof" in problem

    @pytest.mark.parametrize("page", CHAPTERS, ids=by_name)
    def test_go_from_easy_to_hard(self, page):
        assert rules.grades(page) == []

    @pytest.mark.parametrize(
        ("given", "right"),
        [
            (["easy", "medium", "hard"], True),
            (["project", "easy"], True),
            (["easy", "medium"], False),
            (["medium", "hard"], False),
        ],
    )
    def test_rule_asks_for_both_ends(self, given, right):
        text = "\n".join(
            self.EXERCISE.replace("ex-x-1", f"ex-x-{k}").replace("easy", grade)
            for k, grade in enumerate(given)
        )
        assert (rules.grades(Page("chapters/x", text)) == []) == right
        assert rules.grades(Page("book/x", text)) == []


class TestSelfChecks:
    GOOD = cell('check("a", ...)', ":tags: [self-check]\n\n") + cell(
        'assert check("a", f).passed\nprint(check("a", g))'
    )

    def test_each_task_is_asked_for_once_and_solved(self):
        assert rules.self_checks(CHAPTERS, tasks()) == []

    def test_rule_accepts_a_good_page(self):
        assert rules.self_checks([Page("x", self.GOOD)], ["a"]) == []

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ('check("a", ...)', 'check("a", f)'),
            (":tags: [self-check]\n\n", ""),
            ('"a", ...', '"b", ...'),
            ("assert ", ""),
            ('"a", f', '"a", ...'),
        ],
    )
    def test_rule_fails(self, old, new):
        assert rules.self_checks([Page("x", self.GOOD.replace(old, new))], ["a"]) != []

    def test_rule_sees_a_task_that_no_chapter_uses(self):
        assert rules.self_checks([Page("x", self.GOOD)], ["a", "b"]) != []


class TestFunctionsAskedFor:
    TASKS = {"a": "f(x, y): their sum"}  # noqa: RUF012
    GOOD = (
        "```{exercise} Sum\n:label: ex\n:class: easy\n\nWrite `my_sum(x,\ny)`, the sum.\n```\n\n"
        + cell('check("a", ...)', ":tags: [self-check]\n\n")
        + "\n```{solution-start} ex\n```\n"
    )

    def test_each_function_that_is_asked_for_has_a_check(self):
        assert rules.functions_asked(CHAPTERS, tasks()) == []

    def test_rule_accepts_a_good_page(self):
        assert rules.functions_asked([Page("x", self.GOOD)], self.TASKS) == []

    @pytest.mark.parametrize(
        ("old", "new", "says"),
        [
            ('check("a", ...)', "", "has no self-check"),
            # The cell of the next exercise is not this one's.
            (
                "```\n\n```{code-cell}",
                "```\n\n```{solution-start}\n```{code-cell}",
                "has no self-check",
            ),
            ("`my_sum(x,\ny)`", "a function of two numbers", "is called with (x, y)"),
            ("(x,\ny)", "(y, x)", "is called with (x, y)"),
            ("Write `my_sum(x,\ny)`, the sum", "Add x and y", "asks for no function"),
        ],
    )
    def test_rule_fails(self, old, new, says):
        assert old in self.GOOD
        (found,) = rules.functions_asked([Page("x", self.GOOD.replace(old, new))], self.TASKS)
        assert says in found


class TestReferences:
    def test_every_label_used_is_defined_once(self):
        assert rules.labels(BOOK) == []

    def test_glossary(self):
        assert rules.terms(BOOK) == []

    def test_bibliography(self):
        assert rules.citations(BOOK, BIB, NO_IDENTIFIER) == []

    def test_exceptions_are_needed(self):
        fields = rules.bibliography(BIB)
        assert all("url" in fields[key] and "doi" not in fields[key] for key in NO_IDENTIFIER)

    @pytest.mark.parametrize("page", BOOK, ids=by_name)
    def test_every_number_in_the_text_comes_from_a_cell(self, page):
        assert rules.glued(page) == []

    @pytest.mark.parametrize(
        "used",
        ["{ref}`a`", "{numref}`text <a>`", "{eq}`a`", "{prf:ref}`a`", "```{figure-from} a\n```"],
    )
    @pytest.mark.parametrize(
        "defined", ["(a)=\n# T", "$$\nx\n$$ (a)", "$$x$$ (a)", "```{prf:theorem} T\n:label: a\n```"]
    )
    def test_label_rule(self, used, defined):
        assert rules.labels([Page("x", f"{used}\n\n{defined}\n")]) == []
        assert rules.labels([Page("x", f"{used}\n")]) != []
        assert rules.labels([Page("x", defined), Page("y", defined)]) != []

    def test_term_rule(self):
        glossary = Page(
            "book/glossary",
            "```{glossary}\nbulk\n  What noise fills, see {term}`edge`.\n\nedge\n  Its end.\n```\n",
        )
        assert rules.terms([glossary, Page("x", "{term}`bulk`, {term}`edges <edge>`")]) == []
        assert rules.terms([glossary, Page("x", "{term}`bulk`")]) != []
        assert rules.terms([glossary, Page("x", "{term}`bulk` {term}`edge` {term}`spike`")]) != []

    def test_citation_rule(self):
        bib = "@article{a,\n  doi = {10.1000/x},\n}\n"
        assert rules.citations([Page("x", "{cite:t}`a`")], bib) == []
        assert rules.citations([Page("x", "{cite}`a,b`")], bib) != []
        assert rules.citations([Page("x", "")], bib) != []
        assert rules.citations([Page("x", "{cite}`a`")], bib.replace("doi", "note")) != []

    def test_glue_rule(self):
        page = cell('glue("x-a", 1)\nfor k in names:\n    glue(f"x-{k}-n", 2)')
        assert rules.glued(Page("x", page + "{glue:text}`x-a` {glue:text}`x-b-n:.2f`")) == []
        assert rules.glued(Page("x", page + "{glue:text}`x-b`")) != []


class TestNumbers:
    @pytest.mark.parametrize("page", CHAPTERS, ids=by_name)
    def test_no_result_is_typed(self, page):
        typed = [hit for hit in rules.typed_numbers(page) if (page.name, hit[1]) not in TYPED]
        assert typed == []

    def test_exceptions_are_needed(self):
        typed = {(page.name, hit[1]) for page in CHAPTERS for hit in rules.typed_numbers(page)}
        assert set(TYPED) <= typed

    @pytest.mark.parametrize(
        "text", ["an accuracy of 98.4 %", "keeps 12 % of them", "σ is 0.042 here"]
    )
    def test_rule_fails_on_a_typed_result(self, text):
        assert len(rules.typed_numbers(Page("x", text))) == 1

    @pytest.mark.parametrize(
        "text",
        [
            "{glue:text}`x:.3f` of them",
            "$\\beta = 0.1$ and `alpha=0.2`",
            "$$\n0.45\n$$ (eq-x)",
            "| setting | 0.01 |",
            "with 95 % confidence intervals",
            "the rate 0.5 was chosen\n\n" + cell("rate = 0.5"),
            "half, 50 %, of them\n\n" + cell("rate = 0.5"),
            cell("x = 98.4"),
        ],
    )
    def test_rule_lets_settings_and_mathematics_pass(self, text):
        assert rules.typed_numbers(Page("x", text)) == []


class TestAddresses:
    @pytest.mark.parametrize("page", CHAPTERS, ids=by_name)
    def test_first_cell(self, page):
        assert rules.first_cell(page, URL) == []

    def test_first_cell_rule(self):
        code = rules.FIRST_CELL.format(url=URL)
        assert rules.first_cell(Page("x", cell(code, ":tags: [remove-cell]\n\n")), URL) == []
        assert rules.first_cell(Page("x", cell(code)), URL) != []
        assert (
            rules.first_cell(
                Page("x", cell(code, ":tags: [remove-cell]\n\n")), "https://github.com/a/b"
            )
            != []
        )

    @pytest.mark.parametrize(
        "name",
        ["README.md", "CITATION.cff", "CONTRIBUTING.md", "pyproject.toml", "book/how-to-use.md"],
    )
    def test_one_address(self, name):
        text = (ROOT / name).read_text("utf8")
        assert rules.other_addresses(text, URL) == []

    def test_citation_gives_the_address(self):
        citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf8"))
        assert citation["repository-code"] == URL

    def test_address_rule(self):
        assert (
            rules.other_addresses("https://github.com/someone/b/", "https://github.com/a/b") != []
        )

    @pytest.mark.parametrize(
        "path",
        [
            p
            for d in ("_static", "_ext", "explorers")
            for p in sorted((ROOT / "book" / d).rglob("*"))
            if p.suffix in {".css", ".html", ".js", ".svg", ".py"}
        ],
        ids=lambda p: p.name,
    )
    def test_site_files_name_no_host(self, path):
        assert rules.foreign_hosts(path.read_text("utf8")) == []

    @pytest.mark.parametrize(
        "text", ["@import url(//fonts.example.org/x.css)", 'fetch("https://cdn.example.com/a.js")']
    )
    def test_host_rule(self, text):
        assert rules.foreign_hosts(text) != []


class TestRooms:
    FILES = {  # noqa: RUF012
        path.relative_to(ROOT / "rmt_helpers").as_posix(): path.read_text("utf8")
        for path in (ROOT / "rmt_helpers").rglob("*.py")
    }

    def test_package(self):
        assert rules.room_problems(self.FILES, ROOMS) == []

    @pytest.mark.parametrize(
        ("path", "text"),
        [
            ("laws.py", "import torch"),
            ("spikes.py", "def f():\n    import torchvision"),
            ("alignment.py", "import matplotlib.pyplot as plt"),
            ("laws.py", "from .spectrum import Spectrum"),
            ("spectrum.py", "from rmt_helpers import alignment"),
            ("thresholds/bema.py", "from ..alignment import alignment"),
            ("nets/data.py", "from .training import train"),
            ("laws.py", "\n" * 401),
        ],
    )
    def test_rule_fails(self, path, text):
        assert len(rules.room_problems({path: text}, ROOMS)) == 1

    @pytest.mark.parametrize(
        ("path", "text"),
        [
            ("spectrum.py", "from .laws import MarchenkoPastur"),
            ("thresholds/bema.py", "from ..spectrum import Spectrum\nfrom .fit import NoiseFit"),
            ("nets/layers.py", "import torch\nfrom ..spectrum import Spectrum"),
        ],
    )
    def test_rule_lets_upward_imports_pass(self, path, text):
        assert rules.room_problems({path: text}, ROOMS) == []
