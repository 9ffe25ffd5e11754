"""What readers download is whole, and each check fails on a download that is not. The print itself: make pdf."""

import json
import os
import re
import subprocess
import sys
import tomllib
import zlib
from pathlib import Path
from urllib.parse import urlsplit

import notebooks
import pdf
import pytest
import release
import yaml
from book_pdf import pages_before_chapters
from book_share import SIZE, card_name, draw_card, not_found, share_tags
from book_site import image_size

ROOT = Path(__file__).resolve().parents[2]
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text("utf8"))
URL = CONFIG["repository"]["url"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A release of the real notebooks and of a site of two pages; the editions need an executed book."""
    folder = tmp_path_factory.mktemp("release")
    html = folder / "html"
    (html / "_static").mkdir(parents=True)
    for name, text in SITE.items():
        (html / name).parent.mkdir(parents=True, exist_ok=True)
        (html / name).write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(release, "EDITIONS", {})
        release.make(folder / "release", html, with_pdf=False)
    return folder / "release"


SITE = {
    "index.html": '<meta http-equiv="Refresh" content="0; url=a.html" />',
    "a.html": '<a href="b/c.html#x">c</a><link href="_static/x.css?v=1"><a href="https://example.org/">out</a>',
    "b/c.html": '<a href="../a.html">a</a><script>"<a href=\\"d.html\\">"</script><a href="#x">x</a>',
    "search.html": "",
    "404.html": '<a href="/root/index.html">start</a>',
    "searchindex.js": 'Search.setIndex({"docnames":["a","b/c"]})',
    "_static/x.css": "",
}


class TestNotebooks:
    def test_all_are_there(self, made):
        files = release.contents(made / "signal-and-noise-notebooks.zip")
        twins = [
            page.relative_to(ROOT).with_suffix(".ipynb").as_posix() for page in notebooks.chapters()
        ]
        assert release.notebook_problems(files, twins) == []
        assert all((made / "notebooks" / name).is_file() for name in twins)

    def test_package_and_results_lie_beside_them(self, made, tmp_path):
        for name, content in release.contents(made / "signal-and-noise-notebooks.zip").items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(content)
        code = (
            "import rmt_helpers; from rmt_helpers.experiments.store import results_folder;"
            "print(rmt_helpers.__file__, results_folder())"
        )
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        environment.pop("RMT_RESULTS", None)
        out = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path / "chapters",
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        assert [Path(name).relative_to(tmp_path) for name in out] == [
            Path("rmt_helpers/__init__.py"),
            Path("results"),
        ]

    @pytest.mark.parametrize(
        ("name", "cells"),
        [
            ("a.ipynb", [{"cell_type": "code", "outputs": [1]}]),
            ("a.ipynb", [{"cell_type": "markdown"}]),
            ("b.ipynb", [{"cell_type": "code", "outputs": []}]),
            (
                "a.ipynb",
                [{"cell_type": "code"}, {"cell_type": "markdown", "source": "```{marking} ex-a"}],
            ),
        ],
    )
    def test_rule_fails(self, name, cells):
        good = {
            "README.md": b"",
            "pyproject.toml": b"",
            "rmt_helpers/__init__.py": b"",
            "LICENSE": b"",
            "results/x": b"",
        }
        files = {**good, name: json.dumps({"cells": cells}).encode()}
        assert len(release.notebook_problems(files, ["a.ipynb"])) == 1

    def test_rule_misses_what_they_need(self):
        assert len(release.notebook_problems({}, [])) == 5


class TestSite:
    FILES = {name: text.encode() for name, text in SITE.items()}  # noqa: RUF012

    def test_is_packed_whole(self, made):
        files = release.contents(made / "signal-and-noise-site.zip")
        assert set(files) == {*SITE, "READ ME.txt"}
        assert release.site_problems(files, ["a.html", "b/c.html"]) == []

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("a.html", '<a href="/a.html">from the root of a server</a>'),
            ("a.html", '<a href="../a.html">out of the archive</a>'),
            ("b/c.html", '<img src="d.png">'),
            ("searchindex.js", 'Search.setIndex({"docnames":["a"]})'),
            ("_sources/a.md", "```{marking} ex-a\nTwo points.\n```"),
            ("_sources/a.ipynb", '{"source": "```{answer}"}'),
        ],
    )
    def test_rule_fails(self, name, text):
        files = {**self.FILES, name: text.encode()}
        assert len(release.site_problems(files, ["a.html", "b/c.html"])) == 1

    @pytest.mark.parametrize("name", ["index.html", "search.html", "404.html", "b/c.html"])
    def test_rule_misses_a_page(self, name):
        files = {key: text for key, text in self.FILES.items() if key != name}
        assert f"{name} is missing" in release.site_problems(files, ["a.html", "b/c.html"])


def edition(cells, **more):
    """The files of a made edition: one notebook of these cells, and the site of two pages."""
    notebook = {"cells": [{"cell_type": "code", "source": text} for text in cells], **more}
    return {
        "notebooks/a.ipynb": json.dumps(notebook).encode(),
        **{f"notebooks/{name}": b"" for name in NEEDED},
        **{f"site/{name}": text.encode() for name, text in SITE.items()},
    }


NEEDED = ("README.md", "pyproject.toml", "rmt_helpers/__init__.py", "LICENSE", "results/x")
STUDENT = ("```{exercise} A", "# Your solution: A")
INSTRUCTOR = ("```{exercise} A", "```{solution-start} ex-a", "> **Marking.** Two points.")


class TestEditions:
    def found(self, files, name):
        return release.edition_problems(files, name, ["a.ipynb"], ["a.html", "b/c.html"])

    @pytest.mark.parametrize(("name", "cells"), [("student", STUDENT), ("instructor", INSTRUCTOR)])
    def test_a_whole_one_passes(self, name, cells):
        assert self.found(edition(cells), name) == []

    @pytest.mark.parametrize(
        ("name", "cells"),
        [
            ("student", STUDENT[:1]),
            ("student", [*STUDENT, "```{solution-start} ex-a"]),
            ("student", [*STUDENT, "> **Marking.** Two points."]),
            ("instructor", [*INSTRUCTOR, "# Your solution: A"]),
            ("instructor", INSTRUCTOR[:2]),
            ("instructor", INSTRUCTOR[::2]),
        ],
    )
    def test_rule_fails(self, name, cells):
        assert len(self.found(edition(cells), name)) == 1

    def test_a_notebook_without_its_text_is_not_paired(self):
        files = edition(STUDENT, metadata={"jupytext": {"formats": "md:myst,ipynb"}})
        assert len(self.found(files, "student")) == 1

    @pytest.mark.parametrize(
        "lost", [f"notebooks/{NEEDED[2]}", "notebooks/results/x", "site/b/c.html"]
    )
    def test_nothing_may_be_missing(self, lost):
        files = {name: text for name, text in edition(STUDENT).items() if name != lost}
        assert self.found(files, "student") != []

    def test_notes_are_in_the_sources_of_the_instructors_pages_alone(self):
        note = {"site/_sources/a.md": b"```{marking} ex-a"}
        assert self.found({**edition(INSTRUCTOR), **note}, "instructor") == []
        assert len(self.found({**edition(STUDENT), **note}, "student")) == 1


class TestRelease:
    def test_same_content_same_bytes(self, tmp_path):
        for name in ("a.zip", "b.zip"):
            release.write_zip(tmp_path / name, "x", {"b": b"2", "a": b"1"})
        assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()

    def test_sums(self, made):
        assert release.sum_problems(made) == []
        extra = made / "extra.txt"
        extra.write_text("")
        try:
            assert release.sum_problems(made) != []
        finally:
            extra.unlink()

    def test_without_latex_it_says_what_to_do(self, monkeypatch, tmp_path, capsys):
        (tmp_path / "html").mkdir()
        (tmp_path / "html" / "index.html").write_text("")
        monkeypatch.setattr(release, "BUILD", tmp_path)
        monkeypatch.setattr(release, "RELEASE", tmp_path / "release")
        monkeypatch.setattr(release.pdf, "missing_programs", lambda: ["xelatex"])
        monkeypatch.setattr(sys, "argv", ["release.py"])
        assert release.main() == 1
        said = capsys.readouterr().err
        assert "texlive-xetex" in said
        assert "PDF=no" in said
        assert not (tmp_path / "release").exists()

    def test_editions_are_packed(self, monkeypatch, tmp_path):
        def student(out):
            (out / "a.ipynb").write_text("{}")

        monkeypatch.setattr(release, "EDITIONS", {"student": student})
        release.pack_editions(tmp_path)
        packed = release.contents(tmp_path / "signal-and-noise-student.zip")
        assert packed == {"a.ipynb": b"{}"}

    @pytest.mark.parametrize("with_pdf", [True, False])
    def test_empty_folder_is_no_release(self, tmp_path, with_pdf):
        found = release.problems(tmp_path, with_pdf=with_pdf)
        for kind in ("notebooks", "site", "student", "instructor"):
            assert f"signal-and-noise-{kind}.zip is missing" in found
        assert "SHA256SUMS is missing" in found
        assert ("signal-and-noise.pdf is missing" in found) == with_pdf

    def test_one_version(self):
        number = release.version()
        citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf8"))
        assert citation["version"] == number
        assert f"\n## [{number}]" in (ROOT / "CHANGELOG.md").read_text("utf8")
        assert tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))["project"]["version"]

    def test_archive_says_what_the_citation_says(self):
        archive = json.loads((ROOT / ".zenodo.json").read_text("utf8"))
        citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf8"))
        assert archive["title"] == citation["title"] == CONFIG["title"]
        assert archive["description"] == " ".join(citation["abstract"].split())
        assert archive["keywords"] == citation["keywords"]
        assert [item["name"] for item in archive["creators"]] == [
            item["name"] for item in citation["authors"]
        ]

    @pytest.mark.parametrize(
        "path",
        sorted((ROOT / ".github").rglob("*.yml")),
        ids=lambda path: path.name,
    )
    def test_workflows_and_issue_forms_are_read(self, path):
        form = yaml.safe_load(path.read_text("utf8"))
        assert isinstance(form, dict)
        if path.parent.name == "ISSUE_TEMPLATE" and path.name != "config.yml":
            ids = [item["id"] for item in form["body"] if item["type"] != "markdown"]
            assert len(ids) == len(set(ids)) > 0
            assert all(item["attributes"]["label"] for item in form["body"])

    @pytest.mark.parametrize(
        ("name", "job", "commands"),
        [
            ("ci.yml", "book", ["make book", "make check-site", "make release PDF=no"]),
            ("ci.yml", "pdf", ["tools/pdf.py", "make pdf"]),
            (
                "release.yml",
                "release",
                ["make test", "make release", "make check-site", "gh release"],
            ),
        ],
    )
    def test_workflows_check_what_they_publish(self, name, job, commands):
        workflow = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text("utf8"))
        ran = "\n".join(step.get("run", "") for step in workflow["jobs"][job]["steps"])
        places = [ran.find(command) for command in commands]
        assert -1 not in places
        assert places == sorted(places)

    def test_problem_form_asks_for_reproduction(self):
        form = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE/problem.yml").read_text("utf8"))
        (field,) = [item for item in form["body"] if item.get("id") == "reproduce"]
        assert field["validations"]["required"]


class TestPrint:
    FIGURE = r"""\begin{figure}[htbp]\sphinxincludegraphics{{a}.pdf}\caption{c}
\label{\detokenize{chapters/x:fig-a}}\end{figure}"""

    def test_figures(self):
        assert pdf.text_problems(self.FIGURE, ["fig-a"]) == []
        assert len(pdf.text_problems(self.FIGURE, ["fig-b"])) == 1
        assert len(pdf.text_problems(self.FIGURE.replace("graphics", ""), ["fig-a"])) == 1

    def test_a_caption_may_refer_to_another_figure(self):
        other = self.FIGURE.replace("fig-a", "fig-b").replace(
            r"\caption{", r"\caption{\hyperref[\detokenize{chapters/a:fig-a}]{Figure 1} "
        )
        assert other.count("fig-a") == 1
        assert pdf.text_problems(self.FIGURE + other, ["fig-a", "fig-b"]) == []

    @pytest.mark.parametrize(
        "log",
        [
            "LaTeX Warning: Reference `equation:x' on page 9 undefined on input line 1.",
            "LaTeX Warning: Hyper reference `chapters/noise/marchenko-pastur:ch-mp' on page \n"
            "9 undefined on input line 1.",
            "Missing character: There is no ᵀ (U+1D40) in font [FreeMono]",
            "./signal-and-noise.tex:12: Undefined control sequence.",
            "! Emergency stop.",
        ],
    )
    def test_log(self, log):
        assert len(pdf.log_problems(log)) == 1
        assert pdf.log_problems("Overfull \\hbox\nOutput written on a.xdv") == []

    @pytest.mark.parametrize("packed", [True, False])
    def test_a_whole_file_passes(self, packed):
        assert pdf.problems(self.printed(packed=packed), 2) == []

    @pytest.mark.parametrize(
        ("old", "new", "says"),
        [
            (b"(chapter.1)1 0 R", b"", "a link to (chapter.1) leads nowhere"),
            (b"/Type/Page/", b"/Type/Pages/", "has 0 pages"),
            (b"/Title(One)", b"", "its outline names 0 of 1 chapters"),
            (b"/Annot/A<</S/GoTo", b"/Annot/A<</S/URI", "no link from page to page"),
            (b"%%EOF", b"", "no whole PDF"),
        ],
    )
    def test_rule_fails(self, old, new, says):
        good = self.printed(packed=False)
        assert old in good
        (found,) = pdf.problems(good.replace(old, new), 2)
        assert says in found

    def printed(self, packed):
        """What the checks read of a print of a title page and one chapter."""
        leaf = b"<</Type/Page/Annots[<</Type/Annot/A<</S/GoTo/D(a\\(b\\))>>>>]>>\n"
        content = leaf * (2 * pdf.LEAVES) + (
            b"<</Title(One)/A<</S/GoTo/D(chapter.1)>>>>\n"
            b"<</Limits[(a)(chapter.1)]/Names[(a\\(b\\))1 0 R(chapter.1)1 0 R]>>\n"
        )
        if packed:
            content = (
                b"1 0 obj\n<</Type/ObjStm/N 1/First 5>>\nstream\n"
                + zlib.compress(content)
                + b"\nendstream\nendobj\n"
            )
        return b"%PDF-1.5\n" + content + b"%%EOF\n"

    def test_advice_names_what_is_missing(self, monkeypatch):
        monkeypatch.setattr(pdf, "missing_programs", lambda: ["xelatex"])
        with pytest.raises(SystemExit, match=r"xelatex missing.*texlive-xetex"):
            pdf.make()

    def test_chapters_keep_their_numbers(self):
        front = [{"caption": "a", "chapters": [1, 2]}, {"caption": "b", "chapters": [3]}]
        numbered = {"caption": "c", "numbered": 2, "chapters": [4]}
        assert pages_before_chapters({"parts": [*front, numbered, front[0]]}) == 3


class TestShared:
    def test_address_follows_from_the_repository(self):
        owner, name = urlsplit(URL).path.strip("/").split("/")
        assert CONFIG["html"]["baseurl"] == f"https://{owner}.github.io/{name}"

    def test_card(self, tmp_path):
        title = "A title of many words, " * 12
        path = tmp_path / card_name(title, "Chapter 1")
        draw_card(path, title, "Chapter 1", "The book")
        assert image_size(path) == SIZE
        assert path.stat().st_size < 100_000
        assert [file.name for file in tmp_path.iterdir()] == [path.name]

    def test_card_name_follows_the_words(self):
        assert len({card_name(*words) for words in [("a", ""), ("b", ""), ("a", "c")]}) == 3

    def test_tags(self):
        tags = share_tags("https://x.org/a.html", 'A "b"', "", "https://x.org/a.png", "Book")
        assert 'property="og:title" content="A &quot;b&quot;"' in tags
        assert 'property="og:image" content="https://x.org/a.png"' in tags
        assert "og:description" not in tags

    def test_page_for_lost_readers_needs_no_other_file(self, tmp_path):
        (tmp_path / "_static").mkdir()
        (tmp_path / "_static" / "favicon.svg").write_text("<svg/>")
        page = not_found(tmp_path, "https://x.org/deep/book", "A & B")
        assert "A &amp; B" in page
        links = re.findall(r'(?:href|action|src)="([^"]*)"', page)
        assert sorted(link for link in links if not link.startswith("data:")) == [
            "/deep/book/index.html",
            "/deep/book/search.html",
        ]
        assert "$" not in page
