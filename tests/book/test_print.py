"""The print links and numbers as the site does: two pages, an exercise on one and a link to it on the other."""

import pytest
from book_pdf import ExerciseLinks, number_as_the_site
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

# Jupyter Book's numbering of sections, once it is loaded, works in every Sphinx of the process, and in an old way.
pytestmark = pytest.mark.filterwarnings("ignore:nodes.Node.traverse:PendingDeprecationWarning")

PAGES = {
    "index": "# T\n\n```{toctree}\n:numbered: 2\n\na\nb\n```\n",
    "a": "# A\n\n## Part\n\n```{exercise} Count\n:label: ex-a\n\nProve it.\n```\n",
    "b": "# B\n\nSee {numref}`ex-a`.\n",
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
