"""Rules of reading, found in the sources: what a chapter opens and ends with, its terms, its tables, the notation page.

Like `book_rules`, each function returns the problems that it finds; `tests/book/test_reading.py` applies them.
"""

from __future__ import annotations

import ast
import inspect
import re
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from book_rules import Page, labels_defined

HEAD = "| You need | Where to read it |"


def opening(page: Page) -> list[str]:
    """A chapter's table of what one needs: before the first section, in the one form, and without typed times."""
    found = []
    lines = page.text.splitlines()
    here = [number for number, line in enumerate(lines) if line.startswith("| You need")]
    if len(here) != 1 or lines[here[0]] != HEAD:
        return [f"{page.name}: should have one table with the head {HEAD!r}"]
    section = next((n for n, line in enumerate(lines) if line.startswith("## ")), len(lines))
    if here[0] > section:
        found.append(
            f"{page.name}: the table of what one needs should stand before the first section"
        )
    row = here[0] + 2
    while row < len(lines) and lines[row].startswith("|"):
        cells = [cell.strip() for cell in lines[row].strip("|").split(" | ")]
        if len(cells) != 2 or not all(cells):
            found.append(f"{page.name}:{row + 1}: a row should say what and where")
        elif not re.match(r"\{(?:prf:)?ref\}`|\{eq\}`|any (?:introduction|course) ", cells[1]):
            found.append(f"{page.name}:{row + 1}: 'where' should be a reference, or 'any course …'")
        row += 1
    if re.search(r"\bminutes to read\b|\b[Rr]eading takes\b", page.prose):
        found.append(f"{page.name}: the time to read is typed; the build computes it")
    return found


def ending(page: Page) -> list[str]:
    """A chapter's last section: what to take away, what comes next, and from whom it is."""
    sections = re.split(r"^## ", page.text, flags=re.M)
    title, _, text = sections[-1].partition("\n")
    if title != "What to take away":
        return [f"{page.name}: the last section should be 'What to take away', is {title!r}"]
    found = []
    message = text.split("**Next.**")[0]
    points = re.findall(r"^- ", message, re.M)
    sentences = re.findall(r"[.!?](?=\s|$)", message)
    if points and not 3 <= len(points) <= 5:
        found.append(f"{page.name}: {len(points)} points to take away, should be three to five")
    if not points and len(sentences) < 3:
        found.append(f"{page.name}: too little to take away: {len(sentences)} sentences")
    after = re.search(r"^\*\*Next\.\*\* (.*?)^\*\*Sources\.\*\* (.*)\Z", text, re.M | re.S)
    if after is None:
        return [*found, f"{page.name}: should end with '**Next.** …' and '**Sources.** …'"]
    if "{ref}`" not in after[1]:
        found.append(f"{page.name}: what comes next should be a reference")
    if "{cite" not in after[2]:
        found.append(f"{page.name}: the sources should be cited")
    return found


# Terms --------------------------------------------------------------------------------------------


def running_text(page: Page) -> str:
    """The prose where a reader meets terms in order, everything else blanked, positions kept.

    Blanked: headings, the promise under the title, captions, tables, exercises with their solutions and notes,
    directives' heads and options, mathematics, code, and roles other than ``{term}``.
    """
    lines = page.prose.splitlines()
    for cell in page.cells:
        lines[cell.line - 1] = " " * len(lines[cell.line - 1])
    text = "\n".join(lines)

    def blank(pattern: str, flags: int = re.M) -> None:
        nonlocal text
        text = re.sub(pattern, lambda hit: re.sub(r"[^\n]", " ", hit[0]), text, flags=flags)

    blank(r"^# [^\n]*\n+(?:[^\n]+\n)+")
    blank(r"^(`{3,})\{(?:exercise|marking)\}.*?^\1$", re.M | re.S)
    blank(
        r"^`{3,}\{(?:exercise|solution)-start\}.*?^`{3,}\{(?:exercise|solution)-end\}", re.M | re.S
    )
    blank(r"^(`{3,})\{(?:table-caption|figure-from|figure)\}.*?^\1$", re.M | re.S)
    blank(r"^#+ .*$|^\|.*$|^ *:[a-z-]+:.*$|^ *(?:`{3,}|:{3,}).*$")
    blank(r"\$\$[^$]*\$\$|\$[^$]+\$", re.S)
    # Roles and code in one go: the backtick that ends the one must not begin the other.
    text = re.sub(
        r"(?:\{[a-z:]+\})?`[^`]*`",
        lambda hit: hit[0] if hit[0].startswith("{term}") else re.sub(r"[^\n]", " ", hit[0]),
        text,
    )
    blank(r"\]\([^)\n]*\)")
    return text


def forms(term: str) -> str:
    """A pattern for a term in the text, singular and plural, over a line break too."""
    words = [re.escape(word) for word in term.split()]
    if term.endswith("matrix"):
        words[-1] = "matri(?:x|ces)"
    else:
        words[-1] += "(?:s|es)?"
    return r"(?<![\w-])" + r"[\s]+".join(words) + r"(?![\w-])"


def bare_terms(page: Page, terms: Iterable[str]) -> list[tuple[str, int]]:
    """(term, position) of each term whose first use in a page's running text is no link."""
    text = running_text(page)
    linked: dict[str, int] = {}

    def note(match: re.Match[str]) -> str:
        named = re.search(r"<([^>]+)>$", match[1])
        linked.setdefault(
            " ".join((named[1] if named else match[1]).split()).lower(), match.start()
        )
        return " " * len(match[0])

    # Blank the links, so that a term inside another's link is none.
    text = re.sub(r"\{term\}`([^`]+)`", note, text)
    found = []
    for term in sorted(terms, key=len, reverse=True):
        flags = 0 if term.isupper() else re.I
        hits = [hit.start() for hit in re.finditer(forms(term), text, flags)]
        # A longer term uses its words up.
        text = re.sub(forms(term), lambda hit: re.sub(r"[^\n]", " ", hit[0]), text, flags=flags)
        if hits and hits[0] < linked.get(term.lower(), len(text)):
            found.append((term, hits[0]))
    return sorted(found, key=lambda item: item[1])


# Numbers that are referred to ---------------------------------------------------------------------

SOLUTION = re.compile(r"^`{3,}\{solution-start\}.*?^`{3,}\{solution-end\}", re.M | re.S)
NUMBERED = "fig-", "tab-", "eq-"
STATEMENT = re.compile(
    r"^`{3,}\{prf:\w+\}[^\n]*\n:label: *(\S+)|^:{3,}\{prf:\w+\}[^\n]*\n:label: *(\S+)", re.M
)


def numbered(page: Page) -> set[str]:
    """Labels of what a page numbers: figures, tables, equations, and definitions, theorems and their like."""
    statements = {first or second for first, second in STATEMENT.findall(page.prose)}
    return statements | {label for label in labels_defined(page) if label.startswith(NUMBERED)}


def references(page: Page) -> set[str]:
    """What the text refers to; a figure's or a table's caption does not speak of itself."""
    found = set()
    captions = {cell.line: str(cell.figure.get("name")) for cell in page.cells if cell.figure}
    own = ""
    for number, line in enumerate(page.prose.splitlines(), start=1):
        if caption := re.match(r"^`{3,}\{table-caption\} (\S+)$", line):
            own = caption[1]
        elif line.startswith("```"):
            own = ""
        targets = {target for _, target in Page("", line).roles("ref", "numref", "eq", "prf:ref")}
        found |= targets - {own, captions.get(number, "")}
    return found


def not_referred_to(pages: Iterable[Page]) -> list[str]:
    """Whatever a chapter numbers is referred to: figures and tables in the chapter itself, the rest anywhere.

    A reference in a solution is none for what stands outside solutions: students do not have them.
    """
    pages = list(pages)
    outside = [Page(page.name, SOLUTION.sub("", page.text)) for page in pages]
    anywhere = set().union(*map(references, outside))
    found = []
    for page, without in zip(pages, outside, strict=True):
        if not page.is_chapter:  # the stills of the explorers stand in for what the page speaks of
            continue
        shown, here, in_text = numbered(without), references(page), references(without)
        for label in sorted(numbered(page)):
            used = anywhere
            if label not in shown:
                used = here
            elif label.startswith(("fig-", "tab-")):
                used = in_text
            if label not in used:
                found.append(f"{page.name}: the text never refers to {label}")
    return found


# Notation -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """A row of the notation page: its code names, and the label of the chapter that introduces it."""

    line: int
    code: tuple[str, ...]
    label: str


def notation_entries(page: Page) -> tuple[list[Entry], list[str]]:
    """The rows of the notation page, and what is wrong with their form."""
    entries, found = [], []
    for number, line in enumerate(page.text.splitlines(), start=1):
        if not line.startswith("|") or re.match(r"\| *(?:Symbol|---)", line):
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if len(cells) == 4:  # an empty cell in a row without unit
            cells = [part.strip() for part in re.split(r" \|(?= )", line.strip().strip("|"))]
        label = re.search(r"\{ref\}`[^`<]*<([^>]+)>`$", cells[-1])
        code = tuple(re.findall(r"`([^`]+)`", cells[1])) if len(cells) == 5 else ()
        if len(cells) != 5 or not cells[2] or label is None or not (code or cells[1] == "none"):
            found.append(f"{page.name}:{number}: should be symbol, code, meaning, unit, chapter")
            continue
        entries.append(Entry(number, code, label[1]))
    return entries, found


class _Instance:
    """Something of a class; of an unknown one where `cls` is None."""

    def __init__(self, cls: type | None = None) -> None:
        self.cls = cls


class CodeNames:
    """Says whether a code name of the notation page exists: in the package, or in the chapter that introduces it.

    Parameters
    ----------
    package : dict
        Public functions and classes of the package by name.
    known : dict
        Objects that the page's code names stand for, such as ``fit``, by class.
    """

    def __init__(self, package: Mapping[str, Any], known: Mapping[str, type]) -> None:
        self.package = package
        self.known = known
        self.parameters = {
            name
            for thing in package.values()
            for callable_ in (thing, *_methods(thing))
            for name in _parameters(callable_)
        }
        self.strings = "\n".join(
            inspect.getsource(module)
            for module in {inspect.getmodule(thing) for thing in package.values()}
            if module is not None
        )

    def problems(self, code: Iterable[str], chapter: Page) -> list[str]:
        found: list[str] = []
        names, functions = _defined(chapter)
        text = "\n".join(cell.code for cell in chapter.cells)
        before = ""
        for span in code:
            whole = span
            if span.startswith("."):  # goes on from the one before
                whole = before.rpartition(".")[0] + span
            before = whole
            try:
                node = ast.parse(whole).body[0]
            except SyntaxError:
                found.append(f"{span}: no Python")
                continue
            if isinstance(node, ast.Assign):
                for target in ast.walk(node.targets[0]):
                    if isinstance(target, ast.Name) and target.id not in names | set(self.known):
                        found.append(f"{span}: {chapter.name} has no {target.id}")
            value = node.value  # type: ignore[attr-defined]
            try:
                self._resolve(value, names, functions, text)
            except LookupError as problem:
                found.append(f"{span}: {problem.args[0]}")
        return found

    def _resolve(
        self, node: ast.expr, names: set[str], functions: Mapping[str, list[str]], text: str
    ) -> Any:
        def again(inner: ast.expr) -> Any:
            return self._resolve(inner, names, functions, text)

        if isinstance(node, ast.Name):
            if node.id in self.package:
                return self.package[node.id]
            if node.id in self.known:
                return _Instance(self.known[node.id])
            if node.id in self.parameters or node.id in names or node.id in functions:
                return _Instance()
            raise LookupError(f"neither the package nor the chapter has {node.id}")
        if isinstance(node, ast.Constant):
            everything = self.strings + text
            if isinstance(node.value, str) and not (
                f'"{node.value}"' in everything or _spelled(node.value, everything)
            ):
                raise LookupError(f"nothing is called {node.value!r}")
            return _Instance()
        if isinstance(node, ast.Attribute):
            base = again(node.value)
            cls = base if inspect.isclass(base) else getattr(base, "cls", None)
            if cls is None:
                raise LookupError(f"of what is .{node.attr}?")
            if not (
                hasattr(cls, node.attr) or node.attr in getattr(cls, "__dataclass_fields__", {})
            ):
                raise LookupError(f"{cls.__name__} has no {node.attr}")
            return getattr(cls, node.attr, _Instance())
        if isinstance(node, ast.Call):
            called = again(node.func)
            local = functions.get(getattr(node.func, "id", ""))
            accepted = (
                local
                if isinstance(called, _Instance) and local is not None
                else _parameters(called)
            )
            for argument in node.args:
                if isinstance(argument, ast.Name) and argument.id not in accepted:
                    raise LookupError(f"{ast.unparse(node.func)} has no parameter {argument.id}")
                if not isinstance(argument, ast.Name | ast.Constant):
                    for name in (n.id for n in ast.walk(argument) if isinstance(n, ast.Name)):
                        if name not in self.parameters | names | set(functions):
                            raise LookupError(f"neither the package nor the chapter has {name}")
            return _Instance(_returned(called))
        if isinstance(node, ast.Subscript):
            return again(node.value)
        raise LookupError(f"cannot be read: {ast.unparse(node)}")


def _spelled(name: str, text: str) -> bool:
    """Names like ``0.query`` are put together from a number and a word."""
    return bool(re.match(r"\d+\.", name)) and f'"{name.split(".", 1)[1]}"' in text


def _parameters(thing: Any) -> list[str]:
    try:
        return list(inspect.signature(thing).parameters)
    except (TypeError, ValueError):
        return []


def _methods(thing: Any) -> list[Any]:
    if not inspect.isclass(thing):
        return []
    return [
        value for name, value in inspect.getmembers(thing, callable) if not name.startswith("_")
    ]


def _returned(thing: Any) -> type | None:
    if inspect.isclass(thing):
        return thing
    try:
        hint = typing.get_type_hints(thing).get("return")
    except (NameError, TypeError):
        return None
    if hint is typing.Self:
        return getattr(thing, "__self__", None)  # type: ignore[no-any-return]
    return hint if inspect.isclass(hint) else None


def _defined(page: Page) -> tuple[set[str], dict[str, list[str]]]:
    """Names that a chapter's cells assign or take as parameters, and its functions with their parameters."""
    names: set[str] = set()
    functions: dict[str, list[str]] = {}
    for cell in page.cells:
        for node in ast.walk(cell.tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
            elif isinstance(node, ast.FunctionDef):
                functions[node.name] = [
                    a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
                ]
                names |= set(functions[node.name])
            elif isinstance(node, ast.Lambda):
                names |= {a.arg for a in node.args.args}
            elif isinstance(node, ast.keyword) and node.arg:
                names.add(node.arg)
            elif isinstance(node, ast.alias):
                names.add((node.asname or node.name).split(".")[0])
    return names, functions
