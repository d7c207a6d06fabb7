"""Which files a piece of code depends on: the closure of its imports within the package.

A list kept by hand is wrong as soon as somebody forgets it; the imports are what Python itself
follows. An import inside a function counts, one for type checkers alone does not.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
FOR_TYPE_CHECKERS = ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def closure(code: str, package: Path = PACKAGE, without: Iterable[str] = ()) -> list[Path]:
    """The package's files that this code imports, and those that they import, sorted.

    A name that a folder offers in its `__init__` leads to the file that defines it. `without` names
    folders or modules of the package (as `report`) that are not followed.
    """
    left_out = {package / name for name in without}
    found: set[Path] = set()
    waiting = list(_imported(code, package, package))
    while waiting:
        file = waiting.pop()
        if file in found or left_out & {file.with_suffix(""), *file.parents}:
            continue
        found.add(file)
        waiting += _imported(file.read_text(encoding="utf-8"), file.parent, package)
    return sorted(found)


def _imported(code: str, folder: Path, package: Path) -> Iterator[Path]:
    """The files that code in this folder imports; in a folder's own names, what defines them."""
    for node in _imports(ast.parse(code)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _module(_place(alias.name, package))
            continue
        target = _target(node, folder, package)
        if target is not None:
            for alias in node.names:
                yield from _definition(alias.name, target, package)


def _imports(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and ast.unparse(node.test) in FOR_TYPE_CHECKERS:
            yield from _imports(ast.Module(node.orelse, []))
        else:
            yield from _imports(node)


def _place(name: str, package: Path) -> Path | None:
    """Where a dotted name of the package lies, without a suffix."""
    first, *rest = name.split(".")
    return package.joinpath(*rest) if first == package.name else None


def _target(node: ast.ImportFrom, folder: Path, package: Path) -> Path | None:
    """The module or folder that a `from … import` names, without a suffix."""
    if not node.level:
        return _place(node.module or "", package)
    base = folder.joinpath(*[".."] * (node.level - 1)).resolve()
    return base.joinpath(*(node.module or "").split(".")) if node.module else base


def _module(place: Path | None) -> Iterator[Path]:
    if place is None:
        return
    if place.with_suffix(".py").is_file():
        yield place.with_suffix(".py")
    elif (place / "__init__.py").is_file():
        yield place / "__init__.py"


def _definition(name: str, target: Path, package: Path) -> Iterator[Path]:
    """The file that `from target import name` gets its name from."""
    offered = target / "__init__.py"
    if not offered.is_file():
        yield from _module(target)
        return
    inside = list(_module(target / name))
    if inside:
        yield from inside
        return
    for node in _imports(ast.parse(offered.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and name in {a.asname or a.name for a in node.names}:
            source = _target(node, target, package)
            original = next(a.name for a in node.names if (a.asname or a.name) == name)
            if source is not None:
                yield from _definition(original, source, package)
            return
    yield offered
