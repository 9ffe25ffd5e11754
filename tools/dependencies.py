"""What a chapter depends on besides its own text, and a hash of it.

Jupyter's execution cache looks at a notebook's code alone. A chapter is also stale when a module that it imports, the
lock, or a stored result has changed. Imports are followed without running anything, name by name through the
package's ``__init__`` files, so that a change in the training loop leaves the chapters on theory alone.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

PACKAGE = "rmt_helpers"


def code_of(cells: Iterable[str]) -> str:
    """The Python of a chapter's code cells: magics and shell lines become `pass`."""
    lines = [line for cell in cells for line in cell.splitlines()]
    return "\n".join(
        line[: len(line) - len(line.lstrip())] + "pass"
        if line.lstrip().startswith(("%", "!"))
        else line
        for line in lines
    )


def modules_used(code: str, root: Path) -> set[Path]:
    """The package's files that running `code` reads, its imports' imports included."""
    found: dict[Path, bool] = {}
    _follow(_imports(code, ""), root, found)
    return set(found)


def dependencies(code: str, root: Path, declared: Iterable[str] = ()) -> list[Path]:
    """All files that `code` depends on: package, lock, stored results, and what the page declares (globs)."""
    files = modules_used(code, root) | {root / "requirements.txt"}
    stored = [f"results/{name}/**/*" for name in experiments_read(code)]
    for pattern in [*stored, *declared]:
        files |= set(root.glob(pattern))
    return sorted(path for path in files if path.is_file() and "__pycache__" not in path.parts)


def experiments_read(code: str) -> list[str]:
    """The experiments whose stored results `code` reads: each ``load_results("name")``."""
    return [
        node.args[0].value
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "load_results"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    ]


def fingerprint(files: Iterable[Path], root: Path) -> str:
    """A hash of names and contents, and of Python's own version."""
    digest = hashlib.sha256(repr(sys.version_info[:2]).encode())
    for path in sorted(files):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(root).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def _imports(code: str, package: str) -> list[tuple[str, str | None]]:
    """(module, name) for each import of the package in `code`; the name is None for a plain ``import module``."""
    found: list[tuple[str, str | None]] = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found += [(alias.name, None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [(_absolute(node, package), alias.name) for alias in node.names]
    return [(module, name) for module, name in found if module.split(".")[0] == PACKAGE]


def _absolute(node: ast.ImportFrom, package: str) -> str:
    above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
    return ".".join([*above, *([node.module] if node.module else [])])


def _follow(imports: list[tuple[str, str | None]], root: Path, found: dict[Path, bool]) -> None:
    """Add to `found` the files behind `imports`; the value says whether a file's own imports were followed."""
    for module, name in imports:
        parts = module.split(".")
        path = _file(module, root)
        if path is None:
            continue  # running the chapter will tell
        # Importing a module runs the __init__ of every package above it.
        for i in range(1, len(parts)):
            above = _file(".".join(parts[:i]), root)
            if above is not None:
                found.setdefault(above, False)
        if name is not None and path.name == "__init__.py":
            inner = (
                (f"{module}.{name}", None)
                if _file(f"{module}.{name}", root)
                else _exports(path, module).get(name)
            )
            if inner is not None:
                found.setdefault(path, False)
                _follow([inner], root, found)
                continue
        if not found.get(path):
            found[path] = True
            package = module if path.name == "__init__.py" else module.rpartition(".")[0]
            _follow(_imports(path.read_text("utf8"), package), root, found)


def _file(module: str, root: Path) -> Path | None:
    stem = root.joinpath(*module.split("."))
    return next(
        (path for path in (stem / "__init__.py", stem.with_suffix(".py")) if path.is_file()), None
    )


def _exports(init: Path, package: str) -> dict[str, tuple[str, str]]:
    """Names that a package's __init__ takes from its modules: name -> (module, name there)."""
    return {
        alias.asname or alias.name: (_absolute(node, package), alias.name)
        for node in ast.parse(init.read_text("utf8")).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
