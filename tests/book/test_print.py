"""The print links and numbers as the site does: two pages, an exercise on one and a link to it on the other."""

import pytest
from book_pdf import GAP, LINE, ExerciseLinks, WideTables, number_as_the_site, widths
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

# Jupyter Book's numbering of sections, once it is loaded, works in every Sphinx of the process, and in an old way.
pytestmark = pytest.mark.filterwarnings("ignore:nodes.Node.traverse:PendingDeprecationWarning")

HELD = "14.4\xa0(7.3\xa0to\xa021.5)"
LONG = "Words that are read in lines, one below the other. " * 4
PAGES = {
    "index": "# T\n\n```{toctree}\n:numbered: 2\n\na\nb\nc\n```\n",
    "a": "# A\n\n## Part\n\n```{exercise} Count\n:label: ex-a\n\nProve it.\n```\n",
    "b": "# B\n\nSee {numref}`ex-a`.\n",
    "c": "# C\n\n| what | why |\n| --- | --- |\n"
    + f"| it | {LONG}|\n" * 40
    + f"| 9\xa0of\xa010 | {HELD}|\n"
    + "\n| a | b |\n| --- | --- |\n| 1 | 2 |\n",
}


@pytest.fixture(scope="module")
def tex(tmp_path_factory):
    def written(folder, mended):
        for name, text in PAGES.items():
            (folder / f"{name}.md").write_text(text)
        with docutils_namespace():
            app = Sphinx(
                folder,
                None,
                folder / "out",
                folder / "doctrees",
                "latex",
                confoverrides={
                    "extensions": ["myst_nb", "sphinx_exercise"],
                    "nb_execution_mode": "off",
                    "numfig": True,
                    "numfig_secnum_depth": 2,
                },
                status=None,
                warning=None,
            )
            if mended:
                app.add_post_transform(ExerciseLinks)
                app.add_post_transform(WideTables)
                app.connect("env-check-consistency", number_as_the_site)
            app.build()
        return next((folder / "out").glob("*.tex")).read_text("utf8")

    return {mended: written(tmp_path_factory.mktemp("print"), mended) for mended in (True, False)}


def test_a_link_leads_to_the_exercise_of_another_page(tex):
    assert r"\label{exercise:ex-a}" in tex[True]
    assert r"See \hyperref[exercise:ex-a]{Exercise 1.1}" in tex[True]
    assert r"\hyperref[exercise:ex-a]" not in tex[False]


def test_the_number_is_that_of_the_site(tex):
    assert "Exercise 1.1 (Count)" in tex[True]
    assert "Exercise 1.1.1 (Count)" in tex[False]


class TestWideTables:
    def test_a_long_table_wraps(self, tex):
        assert r"\begin{longtable}{ll}" in tex[False]
        assert r"\begin{longtable}{ll}" not in tex[True]
        assert r"\begin{longtable}{>{\raggedright\arraybackslash}\X{" in tex[True]

    def test_what_held_together_may_break_if_it_is_long(self, tex):
        assert "14.4~(7.3~to~21.5)" in tex[False].replace("\xa0", "~")
        assert "14.4 (7.3 to 21.5)" in tex[True]
        assert "9~of~10" in tex[True].replace("\xa0", "~")

    def test_one_that_fits_is_left_alone(self, tex):
        assert all(r"\begin{tabulary}{\linewidth}[t]{TT}" in text for text in tex.values())
        assert widths([["a", "b"], ["x" * (LINE - 1 - 2 * GAP), "y"]]) is None

    def test_words_stay_whole_and_the_long_get_the_room(self):
        size, found = widths([["verdict", "what was said"], ["reproduced", LONG]])
        assert size == ""
        assert found[0] == len("reproduced")
        assert LINE - 2 * GAP - 2 <= sum(found) <= LINE - 2 * GAP

    def test_a_column_of_one_letter_is_no_narrower_than_any(self):
        size, found = widths([["a", "what was said"], ["9", LONG]])
        assert size == ""
        assert found[0] == 3 < found[1] <= LINE

    def test_numbers_stay_on_a_line_in_smaller_type(self):
        row = ["0.123 ± 0.045"] * 7
        size, found = widths([["difference"] * 7, row])
        assert size == r"\footnotesize"
        assert min(found) >= len(row[0])
        assert widths([["difference"] * 9, ["0.123 ± 0.045"] * 9])[0] == r"\scriptsize"
