"""Rules of reading, found in the sources: what a chapter opens and ends with, its terms, its tables, the notation page.

Like `book_rules`, each function returns the problems that it finds; `tests/book/test_reading.py` applies them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from book_rules import Page

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
        found.append(f"{page.name}: the table of what one needs should stand before the first section")
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

    Blanked: headings, the promise under the title, captions, tables, exercises with their solutions, directives' heads and options, mathematics, code, and
    roles other than ``{term}``.
    """
    lines = page.prose.splitlines()
    for cell in page.cells:
        lines[cell.line - 1] = " " * len(lines[cell.line - 1])
    text = "\n".join(lines)

    def blank(pattern: str, flags: int = re.M) -> None:
        nonlocal text
        text = re.sub(pattern, lambda hit: re.sub(r"[^\n]", " ", hit[0]), text, flags=flags)

    blank(r"^# [^\n]*\n+(?:[^\n]+\n)+")
    blank(r"^(`{3,})\{exercise\}.*?^\1$", re.M | re.S)
    blank(r"^`{3,}\{(?:exercise|solution)-start\}.*?^`{3,}\{(?:exercise|solution)-end\}", re.M | re.S)
    blank(r"^(`{3,})\{(?:table-caption|figure-from|figure)\}.*?^\1$", re.M | re.S)
    blank(r"^#+ .*$|^\|.*$|^ *:[a-z-]+:.*$|^ *(?:`{3,}|:{3,}).*$")
    blank(r"\$\$[^$]*\$\$|\$[^$]+\$", re.S)
    blank(r"\{(?!term\})[a-z:]+\}`[^`]*`|(?<!\})`[^`\n]+`|\]\([^)\n]*\)")
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
        linked.setdefault(" ".join((named[1] if named else match[1]).split()).lower(), match.start())
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
