"""Nothing of a solution is left in the student's edition; the instructor's shows what the others hide.

Markers are planted in every solution of the real chapters: in words, code, comments, captions, outputs and metadata.
"""

import json
import os
import re
import shutil
import warnings
from pathlib import Path
from types import SimpleNamespace

import book_rules as rules
import build
import course
import editions
import nbformat
import notebooks
import pytest
import release
import yaml
from book_rules import Page
from nbclient import NotebookClient
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

ROOT = build.ROOT
MARK, SEEN = "zyxwsecretmarker", "zyxwvisiblemarker"
CHAPTERS = {
    path.relative_to(ROOT).with_suffix("").as_posix(): path.read_text("utf8")
    for path in build.pages()
    if path.is_relative_to(ROOT / "chapters")
}


def by_chapter(names=CHAPTERS):
    return pytest.mark.parametrize("name", names)


def planted(text):
    """The page with a marker in the words, code and options of each solution, in each note, and one that stays."""

    def mark(match):
        block = match[0]
        # In each cell: a comment, a string, a glued key and a caption.
        block = re.sub(
            r"^(```\{code-cell\}[^\n]*\n)((?:---\n.*?^---\n|:tags:[^\n]*\n\n?)?)",
            lambda m: f'{m[1]}{m[2]}{MARK} = "{MARK} string"  # {MARK}\nglue("{MARK}", 1)\n',
            block,
            flags=re.M | re.S,
        )
        return block.replace(
            ":class: dropdown\n", f":class: dropdown\n:name: {MARK}-label\n", 1
        ).replace("\n\n", f"\n\nWords of {MARK}, and {{glue:text}}`{MARK}`.\n\n", 1)

    text = editions.SOLUTION.sub(mark, text)
    text = editions.INSTRUCTORS_ONLY.sub(lambda m: m[0].replace(m[3], f"{m[3]}\n{MARK}\n"), text)
    return re.sub(r"^(# .*)$", rf"\1 {SEEN}\n\nA paragraph with {SEEN}.", text, count=1, flags=re.M)


def executed(text):
    """The page's notebook as if it had run: every cell of a solution has shown the marker in all the ways there are."""
    from myst_nb.core.read import read_myst_markdown_notebook

    notebook = read_myst_markdown_notebook(text)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, (cell, keep) in enumerate(zip(cells, editions.kept_cells(text), strict=True), 1):
        word = SEEN if keep else MARK
        cell.execution_count = number
        cell.outputs = [
            nbformat.v4.new_output("stream", text=f"{word} {number}\n"),
            nbformat.v4.new_output(
                "display_data",
                {"text/plain": word, "application/papermill.record/text/plain": word},
                metadata={"scrapbook": {"name": word, "mime_prefix": "x"}},
            )
            if not keep
            else nbformat.v4.new_output("stream", text=f"{word}\n"),
        ]
        if not keep:
            cell.metadata["note"] = MARK
    return notebook


class TestTexts:
    @by_chapter()
    def test_nothing_of_a_solution_is_left(self, name):
        text = planted(CHAPTERS[name])
        exercises = len(editions.EXERCISE.findall(text))
        assert text.count(MARK) >= 5 * exercises, "planted in every solution"
        student = editions.student_text(text)
        assert MARK not in student
        assert not re.search(r"\{solution-(start|end)\}|\{marking\}|\{answer\}", student)
        assert MARK not in notebooks.notebook_of(student)

    @by_chapter()
    def test_statements_places_and_self_checks_are_kept(self, name):
        text, student = CHAPTERS[name], editions.student_text(CHAPTERS[name])
        statements = [match[0] for match in editions.EXERCISE.finditer(text)]
        assert statements == [match[0] for match in editions.EXERCISE.finditer(student)]
        assert len(re.findall(r"^# Your solution: \S", student, re.M)) == len(statements)
        assert student.count(editions.PROOF_PLACEHOLDER) == sum(
            bool(rules.PROOF.search(statement)) for statement in statements
        )
        assert student.count("[self-check]") == text.count("[self-check]")
        assert len(editions.SOLUTION.findall(text)) == len(statements)

    @by_chapter()
    def test_the_rest_of_the_page_is_unchanged(self, name):
        """All that goes are solutions and notes, all that comes are the places."""
        left = editions.SOLUTION.sub("", editions.INSTRUCTORS_ONLY.sub("", CHAPTERS[name]))
        student = re.sub(
            r"\n\n```\{code-cell\} ipython3\n:tags: \[your-solution\]\n\n(?:#.*\n)+```",
            "",
            editions.student_text(CHAPTERS[name]),
        )
        assert student == left

    @by_chapter()
    def test_no_other_cell_uses_a_solution(self, name):
        """Behind the first solution the only cells outside solutions are self-checks, which use nothing."""
        text = CHAPTERS[name]
        kept = editions.kept_cells(text)
        first = kept.index(False)
        for cell, keep in list(zip(Page(name, text).cells, kept, strict=True))[first:]:
            assert not keep or cell.options.get("tags") == ["self-check"]

    def test_references_and_numbers_of_the_student_need_no_solution(self):
        pages = [
            Page(path.relative_to(ROOT).as_posix(), editions.student_text(path.read_text("utf8")))
            for path in build.pages()
        ]
        assert rules.labels(pages) == []
        assert [problem for page in pages for problem in rules.glued(page)] == []

    def test_the_reference_test_can_fail(self):
        text = (
            "```{exercise} T\n:label: ex-a\nDo.\n```\n\n```{solution-start} ex-a\n```\n\n$$x$$ (eq-hidden)\n\n"
            "```{solution-end}\n```\n\nSee {eq}`eq-hidden`.\n"
        )
        assert rules.labels([Page("a", text)]) == []
        assert rules.labels([Page("a", editions.student_text(text))]) != []


class TestExecuted:
    @by_chapter()
    def test_no_output_or_metadata_of_a_solution_is_left(self, name):
        text = planted(CHAPTERS[name])
        full = executed(text)
        assert MARK in nbformat.writes(full)
        student = editions.without_solutions(full, text)
        written = nbformat.writes(student)
        assert MARK not in written
        code = [cell for cell in student.cells if cell.cell_type == "code"]
        assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
        assert written.count(f"{SEEN} ") >= sum(editions.kept_cells(text))

    def test_a_record_of_another_text_is_refused(self):
        text = next(iter(CHAPTERS.values()))
        full = executed(text)
        full.cells = [cell for cell in full.cells if cell.cell_type != "code"]
        with pytest.raises(ValueError, match="code cells"):
            editions.without_solutions(full, text)
        full = executed(text)
        next(cell for cell in full.cells if cell.cell_type == "code").source = "other"
        with pytest.raises(ValueError, match="does not belong"):
            editions.without_solutions(full, text)


@pytest.fixture(scope="module")
def handed_out(tmp_path_factory):
    """Each edition's notebooks, packed and unpacked again in a folder where nothing else of the book is."""
    found = {}
    for name, change in (
        ("student", editions.student_text),
        ("instructor", editions.instructor_text),
    ):
        folder = tmp_path_factory.mktemp(name)
        editions.write_notebooks(folder / "made" / "notebooks", change, name, "Good luck.")
        release.write_zip(folder / "a.zip", "a", release.tree(folder / "made"))
        shutil.rmtree(folder / "made")
        shutil.unpack_archive(folder / "a.zip", folder)
        found[name] = folder / "a" / "notebooks"
    return found


class TestHandedOut:
    """Who gets the notebooks of an edition gets all that they need, and no solution."""

    @pytest.mark.parametrize("name", ["student", "instructor"])
    def test_they_are_whole(self, handed_out, name):
        folder = handed_out[name]
        twins = [
            page.relative_to(ROOT).with_suffix(".ipynb").as_posix() for page in notebooks.chapters()
        ]
        files = {name: path.read_bytes() for name, path in release.tree(folder).items()}
        assert release.notebook_problems(files, twins) == []
        readme = (folder / "README.md").read_text("utf8")
        assert f"({name} edition)" in readme
        assert "Good luck." in readme
        assert ("Marking." in (folder / twins[-1]).read_text("utf8")) == (name == "instructor")

    def test_a_chapter_runs_to_its_end(self, handed_out):
        """Package and results are those beside the notebook, and the self-check runs on them."""
        folder = handed_out["student"]
        notebook = nbformat.read(folder / "chapters" / "threshold" / "alignment.ipynb", 4)
        notebook.cells += [
            nbformat.v4.new_code_cell(
                "import rmt_helpers\n"
                "from rmt_helpers.experiments.store import results_folder\n"
                "print(rmt_helpers.__file__, results_folder())"
            )
        ]
        environment = {
            **{key: value for key, value in os.environ.items() if key != "RMT_RESULTS"},
            # What `pip install -e .` would do in an environment of its own.
            "PYTHONPATH": str(folder),
        }
        client = NotebookClient(
            notebook,
            timeout=300,
            kernel_name="python3",
            resources={"metadata": {"path": str(folder / "chapters" / "threshold")}},
        )
        client.execute(env=environment)
        said = notebook.cells[-1].outputs[0].text.split()
        assert [Path(path).relative_to(folder).as_posix() for path in said] == [
            "rmt_helpers/__init__.py",
            "results",
        ]
        checks = [c for c in notebook.cells if "self-check" in c.metadata.get("tags", [])]
        assert checks
        assert all("nothing to check yet" in str(cell.outputs) for cell in checks)

    def test_what_lies_beside_them_holds_no_solution(self, handed_out):
        """A line that any code may have is no solution; two of one, or all that one has, would be."""
        folder = handed_out["student"]
        beside = "\n".join(
            editions.readable(path)
            for part in ("rmt_helpers", "results")
            for path in sorted((folder / part).rglob("*"))
            if path.suffix in {".py", ".json", ".csv"}
        )
        assert "def bema(" in beside
        for name, text in CHAPTERS.items():
            for match in editions.SOLUTION.finditer(text):
                own = editions.secrets(text) - editions.secrets(text.replace(match[0], ""))
                found = {line for line in own if line in beside}
                assert len(found) < min(2, len(own)), (name, found)


BUILT = ("chapters/noise/spikes", "chapters/threshold/broadening")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    from jupyter_cache import get_cache
    from jupyter_cache.base import CacheBundleIn

    folder = tmp_path_factory.mktemp("edition")
    tree = folder / "book"
    editions.copy_sources(
        tree, lambda text: editions.student_text(planted(text)), editions.for_students
    )
    root, other = BUILT
    (tree / "_toc.yml").write_text(
        yaml.safe_dump({"format": "jb-book", "root": root, "chapters": [{"file": other}]})
    )
    cache = get_cache(str(folder / "cache"))
    for name in BUILT:
        text = planted(CHAPTERS[name])
        notebook = editions.without_solutions(executed(text), text)
        bundle = CacheBundleIn(notebook, str(tree / f"{name}.md"), data={})
        cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Sphinx's own extensions are full of them
        build.write_pages(
            folder,
            toc=tree / "_toc.yml",
            strict=False,  # references to the other chapters lead nowhere here
            root=tree,
            cache=folder / "cache",
            more={"book_edition": "student", "html_math_renderer": "mathjax"},
        )
    return folder / "html"


class TestSite:
    """Two real chapters, planted, as the student's site writes them."""

    def test_no_file_holds_the_marker(self, site):
        files = [path for path in site.rglob("*") if path.is_file()]
        texts = {path.relative_to(site).as_posix(): editions.readable(path) for path in files}
        for name in (*(f"{name}.html" for name in BUILT), "searchindex.js"):
            assert SEEN in texts[name], f"{name} is searched in vain"
        assert any(SEEN in text for name, text in texts.items() if name.startswith("_sources/"))
        assert [name for name, text in texts.items() if MARK in text.lower()] == []
        pickles = [path for path in files if path.suffix in {".doctree", ".pickle"}]
        assert [path.name for path in pickles if MARK.encode() in path.read_bytes()] == []

    def test_the_page_is_one_to_work_on(self, site):
        page = editions.readable(site / f"{BUILT[0]}.html")
        assert "# Your solution: Two cosines" in page
        assert 'check("cosines", ...)' in page
        assert "student edition" in page
        assert "Solution to" not in page

    def test_no_button_leads_to_the_solutions(self, site):
        url = yaml.safe_load((ROOT / "_config.yml").read_text("utf8"))["repository"]["url"]
        page = (site / f"{BUILT[0]}.html").read_text("utf8")
        links = re.findall(r'href="([^"]*)"', page)
        assert [
            link for link in links if url in link or "mybinder" in link or "colab" in link
        ] == []


class TestLeaks:
    TEXT = (
        "# T\n\nShared words that stand in the text and in the solution as well.\n\n"
        "```{exercise} T\n:label: ex-a\n:class: easy\n\nDo it.\n```\n\n"
        "```{solution-start} ex-a\n:class: dropdown\n```\n\n"
        "Shared words that stand in the text and in the solution as well.\n"
        "These words explain how it is done, and nobody else may see them.\n\n"
        "```{code-cell} ipython3\nvery_secret_result = the_method(applied_to=everything)\n```\n\n"
        "```{solution-end}\n```\n\n```{marking} ex-a\nTwo points for the method, and two more for saying why.\n```\n"
    )

    def test_secrets_are_what_only_a_solution_says(self):
        assert editions.secrets(self.TEXT) == {
            "These words explain how it is done, and nobody else may see them.",
            "very_secret_result = the_method(applied_to=everything)",
            "Two points for the method, and two more for saying why.",
        }

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            (
                "a.html",
                "<p>These words <b>explain</b> how it is done,\nand nobody else may see them.</p>",
            ),
            (
                "b.html",
                "<pre><span>very_secret_result</span> = the_method(applied_to=everything)</pre>",
            ),
            (
                "deep/c.ipynb",
                '"source": "Two points for the method, and two more for saying why.\\n"',
            ),
            ("d.js", "x = 'Two points for the method, and two more for saying why.'"),
        ],
    )
    def test_are_found(self, tmp_path, name, content):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
        (found,) = editions.leaks(tmp_path, [self.TEXT])
        assert found.startswith(name)

    def test_a_clean_edition_passes(self, tmp_path):
        (tmp_path / "a.md").write_text(editions.student_text(self.TEXT))
        assert editions.leaks(tmp_path, [self.TEXT]) == []

    @by_chapter()
    def test_each_solution_of_the_book_has_something_to_look_for(self, name):
        text = CHAPTERS[name]
        for match in editions.SOLUTION.finditer(text):
            statement = text.replace(match[0], "")
            assert editions.secrets(statement) < editions.secrets(text)


class TestInstructor:
    @by_chapter()
    def test_every_exercise_has_marking_notes(self, name):
        text = CHAPTERS[name]
        labels = re.findall(r"^:label: (ex-\S+)$", text, re.M)
        assert re.findall(r"^`{3,}\{marking\} (\S+)$", text, re.M) == labels

    @by_chapter()
    def test_notes_follow_their_solution(self, name):
        text = CHAPTERS[name]
        for match in re.finditer(r"^`{3,}\{marking\} (\S+)$", text, re.M):
            assert re.findall(r"\{solution-start\} (\S+)", text[: match.start()])[-1] == match[1]

    @by_chapter()
    def test_notebooks_show_notes_and_solutions(self, name):
        text = planted(CHAPTERS[name])
        shown = editions.instructor_text(text)
        assert "{marking}" not in shown
        assert shown.count("> **Marking.** ") == text.count("{marking}")
        assert editions.SOLUTION.findall(shown) == editions.SOLUTION.findall(text)

    def test_every_exam_question_has_an_answer(self):
        text = (ROOT / "book" / "instructors.md").read_text("utf8")
        questions = text.split("## Questions for an exam")[1].split("\n## ")[0]
        parts = re.split(r"^\*\*\d+\.\*\* ", questions, flags=re.M)[1:]
        assert len(parts) >= 10
        assert all(len(re.findall(r"^```\{answer\}\n\S", part, re.M)) == 1 for part in parts)

    def test_rubrics_add_up(self):
        text = (ROOT / "book" / "instructors.md").read_text("utf8")
        tables = re.findall(r"^\| Criterion .*\n\|.*\n((?:\|.*\n)+)", text, re.M)
        sums = [
            sum(int(row.split("|")[-2]) for row in table.strip().splitlines()) for table in tables
        ]
        assert sums == [20, 20, 20]


class TestDirectives:
    """The extension on a page of its own, in each edition."""

    PAGE = (
        "# T\n\n```{exercise} Count\n:label: ex-a\n:class: hard\n\nProve it.\n```\n\n"
        "```{solution-start} ex-a\n:class: dropdown\n```\n\nIt follows.\n\n```{solution-end}\n```\n\n"
        f"```{{marking}} ex-a\nThree points for {MARK}.\n```\n\n```{{answer}}\nForty-two {MARK}.\n```\n"
    )

    def written(self, folder, edition, page=PAGE):
        (folder / "index.md").write_text(page)
        with docutils_namespace():  # directives of these pages are no other test's
            app = Sphinx(
                folder,
                None,
                folder / "out",
                folder / "doctrees",
                "html",
                confoverrides={
                    "extensions": ["myst_nb", "sphinx_exercise", "course"],
                    "nb_execution_mode": "off",
                    "numfig": True,
                    "book_edition": edition,
                    "html_theme": "basic",
                },
                status=None,
                warning=None,
            )
            app.build()
        return (folder / "out" / "index.html").read_text("utf8"), (
            folder / "out" / "searchindex.js"
        ).read_text("utf8")

    @pytest.mark.parametrize("edition", ["reader", "student"])
    def test_notes_leave_nothing_behind(self, tmp_path, edition):
        html, index = self.written(tmp_path, edition)
        assert MARK not in html
        assert MARK not in index
        assert re.search(r'class="[^"]*\bdropdown\b[^"]*"', html)

    @pytest.mark.parametrize("edition", ["reader", "student"])
    def test_nor_do_they_in_the_sources_that_are_downloaded(self, tmp_path, edition):
        self.written(tmp_path, edition)
        (source,) = (tmp_path / "out" / "_sources").iterdir()
        assert source.read_text("utf8").rstrip() == editions.reader_text(self.PAGE).rstrip()
        assert MARK not in source.read_text("utf8")

    @pytest.mark.parametrize("name", CHAPTERS)
    def test_nor_in_a_notebook_that_is_downloaded(self, name):
        notebook = notebooks.notebook_of(CHAPTERS[name])
        left = json.loads(course.reader_notebook(notebook))
        text = "\n".join("".join(cell["source"]) for cell in left["cells"])
        assert not course.INSTRUCTORS_ONLY.search(text)
        assert "{marking}" not in text

        def words(book):
            cells = ["".join(cell["source"]) for cell in book["cells"]]
            return "\n".join(cells).split()

        # All else is there, in its order.
        assert words(left) == words(
            json.loads(notebooks.notebook_of(editions.reader_text(CHAPTERS[name])))
        )

    def test_the_same_blocks_are_meant_everywhere(self):
        assert course.INSTRUCTORS_ONLY == editions.INSTRUCTORS_ONLY

    def test_the_instructor_sees_notes_and_open_solutions(self, tmp_path):
        html, _ = self.written(tmp_path, "instructor")
        (source,) = (tmp_path / "out" / "_sources").iterdir()
        assert source.read_text("utf8") == self.PAGE
        assert html.count(MARK) == 2
        assert "Marking" in html
        assert "Answer" in html
        assert not re.search(r'class="[^"]*\bdropdown\b[^"]*"', html)

    def test_the_grade_is_a_word_in_the_title(self, tmp_path):
        html, _ = self.written(tmp_path, "reader")
        title = re.search(r'<p class="admonition-title">(.*?)</p>', html, re.S)[1]
        assert re.sub(r"<[^>]*>", "", title).endswith("(Count) hard")

    def test_a_session_names_pages_that_exist(self, tmp_path):
        page = self.PAGE + "\n```{session}\nindex\n```\n"
        html, _ = self.written(tmp_path, "reader", page)
        cells = [
            re.sub(r"<[^>]*>", "", cell).strip()
            for cell in re.findall(r"<td>(.*?)</td>", html, re.S)
        ]
        # This page is no chapter, so nobody has counted its minutes.
        assert cells == ["T", "–", "–", "1 hard", "Together", "0", "–", ""]
        html, _ = self.written(tmp_path, "reader", page.replace("\nindex\n", "\nnowhere\n"))
        assert 'class="session' not in html


def test_grades_are_those_of_the_rules():
    assert course.GRADES == rules.GRADES
    for text in CHAPTERS.values():
        assert sum(course.graded(text).values()) == len(editions.EXERCISE.findall(text))


def test_unexecuted_chapters_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "CACHE", tmp_path / "empty")
    chapter = build.read_chapter(ROOT / f"{next(iter(CHAPTERS))}.md")
    with pytest.raises(SystemExit, match="run make book first"):
        editions.fill_cache([(chapter, SimpleNamespace())], tmp_path / "new")
