"""The identity of a step: its inputs, its notebook, and all code that the notebook leads to."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import nbformat

from promotion.checksums import code_digest, digest_of
from promotion.code import PACKAGE, closure

# The report only shows: nothing that a training measures comes from it.
SHOWS = ("report",)


def notebook_source(path: Path) -> str:
    """A notebook's code cells; its prose may change without consequence."""
    cells = nbformat.read(path, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "code")


@cache
def measuring_code(notebook: Path, package: Path = PACKAGE) -> str:
    """The digest of all code that what a notebook measures can depend on."""
    files = closure(notebook_source(notebook), package, without=SHOWS)
    return code_digest(files, package)


@cache
def showing_code(notebook: Path, templates: Path, package: Path = PACKAGE) -> str:
    """The digest of all code that a notebook leads to, and of the report's templates."""
    files = [*closure(notebook_source(notebook), package), *sorted(templates.glob("*.j2"))]
    return code_digest(files, package.parent)


def fingerprint(role: str, notebook: Path, code: str, **facts: object) -> str:
    """The digest of a step's role, inputs, code and notebook."""
    cells = hashlib.sha256(notebook_source(notebook).encode()).hexdigest()
    return digest_of({"role": role, "code": code, "notebook": cells, **facts})
