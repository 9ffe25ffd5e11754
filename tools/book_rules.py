"""The book's rules, read from its sources without building it. Each function returns the problems that it finds.

`tests/book/test_rules.py` applies them to the book, and shows that each fails on a broken snippet.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from dependencies import code_of

ROLE = re.compile(r"\{([a-z:]+)\}`([^`]+)`")
FIRST_CELL = (
    'if "google.colab" in sys.modules:\n'
    "    !git clone -q --depth 1 {url} book\n"
    '    %pip install -q myst-nb "./book[nets]"\n'
    "    %env RMT_RESULTS=book/results"
)


@dataclass(frozen=True)
class Cell:
    line: int
    options: dict[str, Any]
    code: str

    @property
    def figure(self) -> dict[str, Any] | None:
        return (self.options.get("mystnb") or {}).get("figure")

    @property
    def tree(self) -> ast.Module:
        return ast.parse(code_of([self.code]))


@dataclass(frozen=True)
class Page:
    """One source: its code cells, and its prose with the captions of its figures."""

    name: str
    text: str

    @classmethod
    def read(cls, path: Path, root: Path) -> Page:
        return cls(path.relative_to(root).with_suffix("").as_posix(), path.read_text("utf8"))

    @cached_property
    def _split(self) -> tuple[list[Cell], str]:
        cells: list[Cell] = []
        prose = self.text.splitlines()
        start = prose.index("---", 1) + 1 if prose[:1] == ["---"] else 0
        prose[:start] = [""] * start
        fences: list[str] = []  # the directives that are open
        code: tuple[int, str] | None = None  # where a block of code began, and its fence
        for number, line in enumerate(prose[start:], start):
            match = re.match(r"^(`{3,}|:{3,})(.*)$", line)
            if code is not None:
                if match and match[1] == code[1] and not match[2].strip():
                    block, opened = self.text.splitlines()[code[0] : number], code[0]
                    prose[opened : number + 1] = [""] * len(block) + [""]
                    if block[0].removeprefix(code[1]).startswith("{code-cell}"):
                        options, source = _options(block[1:])
                        cells.append(Cell(opened + 1, options, source))
                        caption = ((options.get("mystnb") or {}).get("figure") or {}).get("caption")
                        prose[opened] = " ".join((caption or "").split())
                    code = None
            elif match and fences and match[1] == fences[-1] and not match[2].strip():
                fences.pop()
            elif match and re.match(r"\{(?!code)", match[2]):
                fences.append(match[1])
            elif match:
                code = (number, match[1])
        return cells, "\n".join(prose)

    @property
    def cells(self) -> list[Cell]:
        return self._split[0]

    @property
    def prose(self) -> str:
        """The text without code, its line numbers kept."""
        return self._split[1]

    @property
    def is_chapter(self) -> bool:
        return self.name.startswith("chapters/")

    def roles(self, *kinds: str) -> Iterator[tuple[str, str]]:
        """(kind, target) of each role in the prose, of `kinds` or of those that begin with ``kind*``."""
        for kind, content in ROLE.findall(self.prose):
            if any(kind == k or (k.endswith("*") and kind.startswith(k[:-1])) for k in kinds):
                named = re.search(r"<([^>]+)>$", content)
                yield kind, (named[1] if named else content).strip()


def _options(lines: list[str]) -> tuple[dict[str, Any], str]:
    if lines and lines[0] == "---":
        end = lines.index("---", 1)
        return yaml.safe_load("\n".join(lines[1:end])) or {}, "\n".join(lines[end + 1 :])
    count = 0
    while count < len(lines) and re.match(r"^:[a-z-]+:", lines[count]):
        count += 1
    options = {}
    for line in lines[:count]:
        key, _, value = line[1:].partition(":")
        options[key] = yaml.safe_load(value) if value.strip() else None
    return options, "\n".join(lines[count:])


# Figures ------------------------------------------------------------------------------------------


def figures(page: Page) -> list[str]:
    """Each cell that draws is a numbered figure with caption and alternative text, and has no title."""
    found = []
    for cell in page.cells:
        here = f"{page.name}:{cell.line}"
        draws = re.search(r"\bplotting\.figure\(|\bplt\.(subplots|figure|show)\(", cell.code)
        if cell.figure is None:
            if draws and "remove-cell" not in (cell.options.get("tags") or []):
                found.append(f"{here}: draws, but has no mystnb figure block")
            continue
        if not re.fullmatch(r"fig-[a-z0-9-]+", str(cell.figure.get("name", ""))):
            found.append(
                f"{here}: the figure's name should be fig-…, is {cell.figure.get('name')!r}"
            )
        if len(str(cell.figure.get("caption") or "").split()) < 5:
            found.append(f"{here}: the figure has no caption")
        alt = str((cell.options["mystnb"].get("image") or {}).get("alt") or "")
        if len(alt.split()) < 8 or "$" in alt:
            found.append(f"{here}: alternative text should be 8 words or more, without mathematics")
        last = cell.code.rstrip().splitlines()[-1] if cell.code.strip() else ""
        if not (last.strip().startswith("plt.show()") or last.rstrip().endswith(";")):
            found.append(
                f"{here}: should end with plt.show(), so that the figure is its only output"
            )
        if re.search(r"\.(set_title|suptitle)\(|\bplt\.title\(|\.set\([^)]*\btitle=", cell.code):
            found.append(f"{here}: a title in the plot; the caption carries it")
    return found


# Exercises ----------------------------------------------------------------------------------------


GRADES = ("easy", "medium", "hard", "project")
# Words by which an exercise asks for a proof.
PROOF = re.compile(r"\b(?:[Pp]rove|[Ss]how (?:that|for)|[Dd]erive)\b")
# Words by which an exercise asks for a function: "write `f(x, y)`", "write a function".
FUNCTION = re.compile(r"\b[Ww]rite (?:a function\b|`\w+\()")
EXERCISE = re.compile(
    r"^(`{3,})\{exercise\}[^\n]*\n((?::[^\n]*\n)*)(.*?)^\1 *$", re.MULTILINE | re.DOTALL
)


def exercises(page: Page, at_least: int = 4, at_most: int = 6) -> list[str]:
    """Each exercise has a grade, and a folded solution whose last cell checks something; one asks for a proof."""
    found = []
    starts = list(EXERCISE.finditer(page.text))
    if page.is_chapter and not at_least <= len(starts) <= at_most:
        found.append(
            f"{page.name}: {len(starts)} exercises, should be {at_least} to {at_most} in a chapter"
        )
    if page.is_chapter and not any(PROOF.search(start[3]) for start in starts):
        found.append(f"{page.name}: no exercise asks for a proof")
    for start in starts:
        label = re.search(r":label: *(\S+)", start[2])
        grade = re.search(r":class: *(.*)", start[2])
        if label is None:
            found.append(f"{page.name}: an exercise without :label:")
            continue
        if grade is None or grade[1].strip() not in GRADES:
            found.append(
                f"{page.name}: exercise {label[1]} needs a grade, :class: {', '.join(GRADES)}"
            )
        found += _solution(page, label[1])
    return found


def grades(page: Page) -> list[str]:
    """A chapter has an exercise to begin with, and one to grow by."""
    found = set(
        re.findall(r"^`{3,}\{exercise\}[^\n]*\n(?::[^\n]*\n)*?:class: *(\w+)", page.text, re.M)
    )
    if not page.is_chapter:
        return []
    return [
        f"{page.name}: no exercise is {' or '.join(some)}"
        for some in (["easy"], ["hard", "project"])
        if not found & set(some)
    ]


def _solution(page: Page, label: str) -> list[str]:
    solution = re.search(
        rf"^(`{{3,}})\{{solution-start\}} {re.escape(label)}\n(.*?)^`{{3,}}\{{solution-end\}}",
        page.text,
        re.M | re.S,
    )
    if solution is None:
        return [f"{page.name}: exercise {label} has no solution"]
    found = []
    if ":class: dropdown" not in solution[2].split("\n```")[0]:
        found.append(f"{page.name}: the solution of {label} should be folded (:class: dropdown)")
    words = re.sub(r"^(`{3,})\{code-cell\}.*?^\1 *$", "", solution[2], flags=re.M | re.S)
    if len(re.findall(r"[A-Za-z]{2,}", words)) < 10:
        found.append(f"{page.name}: the solution of {label} should be explained in words")
    first, last = (page.text.count("\n", 0, solution.end(k)) + 1 for k in (1, 0))
    cells = [
        cell
        for cell in page.cells
        if first < cell.line < last and "remove-cell" not in (cell.options.get("tags") or [])
    ]
    if not cells or not _checks(cells[-1].tree):
        found.append(f"{page.name}: the last cell of the solution of {label} asserts nothing")
    return found


def self_checks(pages: Iterable[Page], tasks: Iterable[str]) -> list[str]:
    """Each task has one cell, tagged self-check, that hands over three dots, and a solution that passes it."""
    waiting: list[str] = []
    passed: list[str] = []
    found = []
    for page in pages:
        for cell in page.cells:
            tree = cell.tree
            tagged = (cell.options.get("tags") or []) == ["self-check"]
            asserted = {
                id(inner)
                for node in ast.walk(tree)
                if isinstance(node, ast.Assert)
                for inner in ast.walk(node)
            }
            for node in ast.walk(tree):
                if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "check"):
                    continue
                name, function = (*node.args, None)[:2]
                name = name.value if isinstance(name, ast.Constant) else None
                dots = isinstance(function, ast.Constant) and function.value is ...
                if tagged != dots:
                    found.append(
                        f"{page.name}:{cell.line}: three dots belong in a cell tagged self-check, "
                        "a function in a solution"
                    )
                elif tagged:
                    waiting.append(str(name))
                elif id(node) in asserted:
                    passed.append(str(name))
    for name in sorted({*tasks, *waiting, *passed}):
        if waiting.count(name) != 1 or name not in tasks:
            found.append(f"self-check {name}: in {waiting.count(name)} exercises, should be in one")
        if name not in passed:
            found.append(f"self-check {name}: no solution asserts that it passes")
    return found


def functions_asked(pages: Iterable[Page], tasks: Mapping[str, str]) -> list[str]:
    """An exercise that asks for a function has a self-check, and says with which arguments the check calls it."""
    found = []
    for page in pages:
        for start in EXERCISE.finditer(page.text):
            here = f"{page.name}:{page.text.count(chr(10), 0, start.start()) + 1}"
            statement = " ".join(start[3].split())
            until_solution = page.text[start.end() :].partition("{solution-start}")[0]
            named = re.findall(r'^check\("([^"]+)", \.\.\.\)', until_solution, re.M)
            if FUNCTION.search(statement) and not named:
                found.append(f"{here}: asks for a function, but has no self-check")
            for name in named:
                arguments = re.match(r"\w+(\([^)]*\))", tasks.get(name, ""))
                if not FUNCTION.search(statement):
                    found.append(f"{here}: has the self-check {name}, but asks for no function")
                elif arguments and not re.search(rf"`\w+{re.escape(arguments[1])}`", statement):
                    found.append(f"{here}: {name} is called with {arguments[1]}; say so")
    return found


def _checks(tree: ast.AST) -> bool:
    return any(
        isinstance(node, ast.Assert)
        or (isinstance(node, ast.Attribute) and node.attr.startswith("assert_"))
        for node in ast.walk(tree)
    )


# Labels, terms, citations, glued numbers ----------------------------------------------------------


def labels_defined(page: Page) -> list[str]:
    names = re.findall(r"^\(([^)\s]+)\)=$", page.prose, re.M)
    names += re.findall(r"^:(?:label|name): *(\S+)", page.prose, re.M)
    names += re.findall(r"^```\{table-caption\} (\S+)$", page.prose, re.M)
    names += re.findall(r"^(?:.*\S)?\$\$ *\(([^)\s]+)\) *$", page.prose, re.M)
    return names + [str(cell.figure.get("name")) for cell in page.cells if cell.figure]


def labels_used(page: Page) -> list[str]:
    used = [target for _, target in page.roles("ref", "numref", "eq", "prf:ref")]
    used += re.findall(r"\{(?:figure-from|button-ref|solution-start)\} +(\S+)", page.prose)
    return used


def labels(pages: Iterable[Page]) -> list[str]:
    """Every label used exists, and none is defined twice."""
    pages = list(pages)
    defined: dict[str, str] = {}
    found = []
    for page in pages:
        for label in labels_defined(page):
            if label in defined:
                found.append(f"{page.name}: label {label} is also defined in {defined[label]}")
            defined[label] = page.name
    for page in pages:
        found += [
            f"{page.name}: no label {label}" for label in labels_used(page) if label not in defined
        ]
    return found


def glossary_terms(pages: Iterable[Page]) -> set[str]:
    terms: set[str] = set()
    for page in pages:
        for block in re.findall(r"^```\{glossary\}\n(.*?)^```$", page.prose, re.M | re.S):
            terms |= {line.strip() for line in block.splitlines() if re.match(r"^[^\s:]", line)}
    return terms


def terms(pages: Iterable[Page]) -> list[str]:
    """Every term used is defined; every term defined is used outside the glossary."""
    pages = list(pages)
    defined = {term.lower(): term for term in glossary_terms(pages)}
    used: set[str] = set()
    found = []
    for page in pages:
        for _, term in page.roles("term"):
            if not page.name.endswith("glossary"):
                used.add(term.lower())
            if term.lower() not in defined:
                found.append(f"{page.name}: the glossary has no {term!r}")
    return found + [
        f"glossary: {defined[term]!r} is used nowhere" for term in sorted(set(defined) - used)
    ]


def bibliography(text: str) -> dict[str, dict[str, str]]:
    """Key -> fields of each entry of a .bib file."""
    entries = {}
    for key, body in re.findall(r"^@\w+\{([^,\s]+),\n(.*?)^\}", text, re.M | re.S):
        entries[key] = dict(re.findall(r"^\s*(\w+)\s*=\s*[{\"](.*)[}\"],?\s*$", body, re.M))
    return entries


def citations(pages: Iterable[Page], bib: str, exceptions: Iterable[str] = ()) -> list[str]:
    """Every key cited exists; every entry has a DOI or an arXiv number and is cited."""
    entries = bibliography(bib)
    cited: set[str] = set()
    found = []
    for page in pages:
        for _, content in page.roles("cite*"):
            for key in (key.strip() for key in content.split(",")):
                cited.add(key)
                if key not in entries:
                    found.append(f"{page.name}: the bibliography has no {key}")
    for key, fields in entries.items():
        doi, arxiv = fields.get("doi", ""), fields.get("eprint", "")
        is_doi = re.fullmatch(r"10\.\d{4,}/\S+", doi)
        is_arxiv = re.fullmatch(r"\d{4}\.\d{4,5}|[a-z-]+/\d{7}", arxiv)
        if not (is_doi or is_arxiv or key in exceptions):
            found.append(f"bibliography: {key} has neither a DOI nor an arXiv number")
        if key not in cited:
            found.append(f"bibliography: {key} is cited nowhere")
    return found


def glued(page: Page) -> list[str]:
    """Every number that the text takes from a cell is put there by a cell of the same page."""
    patterns = []
    for cell in page.cells:
        for node in ast.walk(cell.tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "glue" and node.args:
                patterns.append(_pattern(node.args[0]))
    found = []
    for _, content in page.roles("glue*"):
        key = content.split(":")[0]
        if not any(re.fullmatch(pattern, key) for pattern in patterns):
            found.append(f"{page.name}: no cell glues {key!r}")
    return found


def _pattern(node: ast.expr) -> str:
    """A regular expression for the keys that an expression may yield: an f-string's gaps are open."""
    if isinstance(node, ast.Constant):
        return re.escape(str(node.value))
    if isinstance(node, ast.JoinedStr):
        return "".join(
            _pattern(part) if isinstance(part, ast.Constant) else ".+" for part in node.values
        )
    return ".+"


# Numbers ------------------------------------------------------------------------------------------


def typed_numbers(page: Page) -> list[tuple[int, str, str]]:
    """(line, number, line of text) of each decimal number or percentage in the prose that may be a result.

    Results come from cells. What may be typed: mathematics, code and tables (settings, constants,
    derivations), what an exercise asks, levels of intervals and quantiles, and a setting, which is
    a number that also stands in the page's code.
    """
    text = page.prose
    for pattern in (
        r"\$\$[^$]*\$\$",  # mathematics
        r"\$[^$]+\$",
        r"\{[a-z:]+\}`[^`]*`",  # roles, glued numbers among them
        r"`[^`\n]+`",  # code
        r"\]\([^)\n]*\)|<?https?:[^\s>]*",  # addresses
        r"^\|.*$",  # tables
        r"^(`{3,})\{exercise(?:.|\n)*?^\1 *$",
        r"\b\d+(?:–\d+)? % (?:confidence |prediction )?(?:interval|quantile|level|range|threshold|band)s?\b",
        r"^ *(?::[a-z-]+:|`{3,}|:{3,}).*$",  # directives and their options
        r"Python \d\.\d+(?: (?:to|or|and) \d\.\d+)?",
        r"CC BY(?:-\w+)* \d\.\d",
    ):
        text = re.sub(pattern, lambda hit: re.sub(r"[^\n]", " ", hit[0]), text, flags=re.M)
    lines = page.prose.splitlines()
    settings = {
        float(node.value)
        for cell in page.cells
        for node in ast.walk(cell.tree)
        if isinstance(node, ast.Constant) and type(node.value) in (int, float)
    }
    found = []
    for number, line in enumerate(text.splitlines()):
        for match in re.finditer(r"(?<![\w.])(\d+\.\d+|\d+(?= ?%))( ?%)?(?!\w|\.\d)", line):
            value = float(match[1])
            meant = {value / 100, round(1 - value / 100, 9), value} if match[2] else {value}
            if settings.isdisjoint(meant):
                found.append((number + 1, match[1], lines[number].strip()))
    return found


# Addresses ----------------------------------------------------------------------------------------


def foreign_hosts(text: str) -> list[str]:
    """Addresses in a style sheet, script, picture or extension (the name of a format is none)."""
    urls = re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}[^\s\"'<>)]*", text, re.I)
    return [url for url in urls if "//www.w3.org/" not in url]


def first_cell(page: Page, url: str) -> list[str]:
    """A chapter's first cell makes the package available on Colab, from the book's own repository."""
    if not page.cells or FIRST_CELL.format(url=url) not in page.cells[0].code:
        return [f"{page.name}: the first cell should hold the Colab lines with {url}"]
    if (page.cells[0].options.get("tags") or []) != ["remove-cell"]:
        return [f"{page.name}: the Colab cell should have the tag remove-cell"]
    return []


def other_addresses(text: str, url: str) -> list[str]:
    """Addresses of the book's repository that are not the one of _config.yml."""
    owner, name = url.rstrip("/").split("/")[-2:]
    owners = re.findall(rf"([\w.-]+)/{re.escape(name)}\b", text)
    return [f"{other}/{name}" for other in owners if other != owner]


# The package --------------------------------------------------------------------------------------


def room_problems(files: dict[str, str], rooms: list[str], most_lines: int = 400) -> list[str]:
    """Rooms import upwards only; torch stays in ``nets``, matplotlib in ``plotting``; no room is a hall.

    `files` maps a module's path below the package to its text; `rooms` lists the rooms from the ground up.
    """
    found = []
    for path, text in files.items():
        if len(text.splitlines()) > most_lines:
            found.append(f"{path}: {len(text.splitlines())} lines, should be {most_lines} at most")
        room = _room(path, rooms)
        above = path.split("/")[:-1]
        for node in ast.walk(ast.parse(text)):
            for module in _imported(node, above):
                top = module.split(".")[0]
                if top in {"torch", "torchvision"} and not path.startswith("nets/"):
                    found.append(f"{path}: imports {top}, which belongs in nets/")
                if top == "matplotlib" and path != "plotting.py":
                    found.append(f"{path}: imports matplotlib, which belongs in plotting.py")
                if top == "rmt_helpers" and path != "__init__.py":
                    target = _room("/".join(module.split(".")[1:]) + ".py", rooms)
                    if target is None or room is None:
                        found.append(f"{path}: {module} is in no known room")
                    elif rooms.index(target) > rooms.index(room):
                        found.append(f"{path}: imports {module}, which stands below it")
    return found


def _room(path: str, rooms: list[str]) -> str | None:
    stem = path.removesuffix(".py").removesuffix("/__init__")
    return next(
        (
            room
            for room in sorted(rooms, key=len, reverse=True)
            if f"{stem}/".startswith(f"{room}/")
        ),
        None,
    )


def _imported(node: ast.AST, above: list[str]) -> list[str]:
    """Modules that an import statement names, absolute; `above` is the module's folder below the package."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    if node.level == 0:
        base = node.module or ""
    else:
        folder = above[: len(above) - node.level + 1]
        base = ".".join(["rmt_helpers", *folder, *([node.module] if node.module else [])])
    if base == "rmt_helpers" or (node.level and not node.module):
        return [f"{base}.{alias.name}" for alias in node.names]
    return [base]
