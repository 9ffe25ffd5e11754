"""A hash of the code that an experiment's numbers depend on, and of no other code.

From the experiment's function it follows names through the package, definition by definition, and
hashes what it finds without comments, docstrings, annotations and error texts. So a new method or a
changed plot leaves stored results valid, and a changed formula does not.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = __name__.split(".")[0]

# Their output is checked against published checksums, so they cannot change a number.
_VERIFIED = {f"{PACKAGE}.nets._sources"}

# Parts of a syntax tree that say nothing about what the code does, or that Python versions differ in.
_SILENT = {"annotation", "returns", "ctx", "kind", "type_comment", "type_params"}


def code_fingerprint(function: str) -> str:
    """Return the first 16 digits of a SHA-256 over all definitions that a function can reach.

    Methods count where some reached code names them, so the hash errs on the side of too much.
    Modules are read, never imported: what is stored can be checked where torch is not installed.

    Parameters
    ----------
    function : str
        ``module:name``.

    Raises
    ------
    ValueError
        If it is not defined at the top level of a module of this package.
    """
    module, _, name = function.partition(":")
    if _file(module) is None or name not in _definitions(module):
        raise ValueError(f"function must be a top-level one of {PACKAGE}, was {function!r}")
    reach = _Reach()
    reach.add(module, name)
    digest = hashlib.sha256()
    for (where, what), text in sorted(reach.texts().items()):
        digest.update(f"{where} {what} {text}\n".encode())
    return digest.hexdigest()[:16]


@cache
def _file(module: str) -> Path | None:
    """Where a module of the package lies; None for what is no module, or another package's."""
    first, *inner = module.split(".")
    package = importlib.util.find_spec(first) if first == PACKAGE else None
    if package is None or package.origin is None:
        return None
    path = Path(package.origin).parent.joinpath(*inner)
    places = (path / "__init__.py", path.with_name(f"{path.name}.py"))
    return next((place for place in places if place.is_file()), None)


@cache
def _definitions(module: str) -> dict[str, list[ast.stmt]]:
    """The top-level names of a module and the statements that define each."""
    path = _file(module)
    if path is None:
        raise ValueError(f"module must exist, was {module!r}")
    found: dict[str, list[ast.stmt]] = {}
    for node in ast.parse(path.read_text("utf8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = [node]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name.split(".")[0]: [node] for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            # `_WEIGHTS = _WEIGHTS / 2` refines an earlier statement: both define the name.
            for name in (n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)):
                found.setdefault(name, []).append(node)
    return found


def _source(node: ast.ImportFrom, module: str) -> str:
    """The absolute name of the module that a statement imports from."""
    if not node.level:
        return node.module or ""
    path = _file(module)
    is_package = path is not None and path.name == "__init__.py"
    package = module if is_package else module.rpartition(".")[0]
    for _ in range(node.level - 1):
        package = package.rpartition(".")[0]
    return f"{package}.{node.module}" if node.module else package


@dataclass
class _Reach:
    """The definitions reached so far, and every attribute that some of them names."""

    units: dict[tuple[str, str], list[ast.stmt]] = field(default_factory=dict)
    attributes: set[str] = field(default_factory=set)

    def add(self, module: str, name: str) -> None:
        """Reach one name of a module, through imports to where it is defined."""
        if module.split(".")[0] != PACKAGE or module in _VERIFIED:
            return
        if (module, name) in self.units:
            return
        statements = _definitions(module).get(name, [])
        if any(isinstance(node, ast.ImportFrom) for node in statements):
            self._follow(statements, module, name)
        elif statements and not isinstance(statements[0], ast.Import):
            self.units[module, name] = statements
            self._read(statements, module)

    def _follow(self, statements: list[ast.stmt], module: str, name: str) -> None:
        for node in statements:
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if (alias.asname or alias.name) == name:
                        self.add(_source(node, module), alias.name)

    def _read(self, statements: list[ast.stmt], module: str) -> None:
        """Reach what a definition names; of a class, its methods wait until someone names them."""
        for part in _parts(statements, self.attributes):
            for inner in _walk(part):
                if isinstance(inner, ast.Name):
                    self.add(module, inner.id)
                elif isinstance(inner, ast.Attribute):
                    self._attribute(inner, module)
                elif isinstance(inner, ast.Constant) and str(inner.value).isidentifier():
                    self._attribute(str(inner.value))  # getattr(x, "name")
                elif isinstance(inner, ast.ImportFrom):
                    for alias in inner.names:
                        self.add(_source(inner, module), alias.name)

    def _attribute(self, what: ast.Attribute | str, module: str = "") -> None:
        name = what if isinstance(what, str) else what.attr
        if isinstance(what, ast.Attribute) and isinstance(what.value, ast.Name):
            for origin in _definitions(module).get(what.value.id, []):
                if not isinstance(origin, ast.ImportFrom):
                    continue
                for alias in origin.names:
                    inner = f"{_source(origin, module)}.{alias.name}"
                    if (alias.asname or alias.name) == what.value.id and _file(inner):
                        self.add(inner, name)
        if name not in self.attributes:
            self.attributes.add(name)
            # A method that nobody had named before may now be called.
            for (where, _), unit in list(self.units.items()):
                classes = [node for node in unit if isinstance(node, ast.ClassDef)]
                if any(_name(member) == name for node in classes for member in node.body):
                    self._read(unit, where)

    def texts(self) -> dict[tuple[str, str], str]:
        """The reached definitions as text that depends on nothing but what they do."""
        return {
            key: "".join(_text(part) for part in _parts(statements, self.attributes))
            for key, statements in self.units.items()
        }


def _name(node: ast.AST) -> str | None:
    return node.name if isinstance(node, ast.FunctionDef) else None


def _parts(statements: list[ast.stmt], attributes: set[str]) -> Iterator[ast.AST]:
    """A definition itself; of a class the head, the fields, and the methods that count."""
    for node in statements:
        if not isinstance(node, ast.ClassDef):
            yield node
            continue
        yield from [*node.bases, *node.decorator_list, *node.keywords]
        for member in node.body:
            name = _name(member)
            if name in _FOR_READERS:
                continue
            if name is None or name in attributes or (name[:2] == name[-2:] == "__"):
                yield member


# No number comes from these, and they name what numbers do not depend on.
_FOR_READERS = {"__repr__", "_repr_markdown_"}


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _children(node: ast.AST) -> Iterator[tuple[str, Any]]:
    if isinstance(node, ast.Raise):
        return  # what was raised left no result
    for name, value in ast.iter_fields(node):
        if name in _SILENT or value is None or value == []:
            continue
        if isinstance(value, list):
            value = [item for item in value if not _is_docstring(item)]
        yield name, value


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for _, value in _children(node):
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, ast.AST):
                yield from _walk(item)


def _text(node: Any) -> str:
    if isinstance(node, list):
        return "[" + ",".join(map(_text, node)) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    if _is_docstring(node):
        return ""
    inside = ",".join(f"{name}={_text(value)}" for name, value in _children(node))
    return f"{type(node).__name__}({inside})"
