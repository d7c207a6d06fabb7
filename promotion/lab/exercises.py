"""The lab's exercises: notebooks of one source, for students without their solutions.

Solutions stand between nbgrader's marks, `### BEGIN SOLUTION` and `### END SOLUTION`, in code, and
a student finds `# YOUR CODE HERE` in their place.
"""

from __future__ import annotations

import re
from pathlib import Path

import nbformat

from promotion.errors import DocumentError
from promotion.paths import ROOT

EXERCISES = ROOT / "exercises"
ANSWERS = "answers.yaml"
SOLUTION = re.compile(r"^([ \t]*)### BEGIN SOLUTION\n.*?^[ \t]*### END SOLUTION$", re.M | re.S)
MARKS = re.compile(r"^[ \t]*### (?:BEGIN|END) SOLUTION\n?", re.M)
BLANK = r"\1# YOUR CODE HERE\n\1raise NotImplementedError"


def write_exercises(folder: Path, solutions: bool) -> list[Path]:
    """Write every exercise and the file of answers into a folder; return their places.

    Raises:
        DocumentError: one of them is there already, so that none is written, or none can be.
    """
    sources = [*sorted(EXERCISES.glob("*.ipynb")), EXERCISES / ANSWERS]
    there = [source.name for source in sources if (folder / source.name).exists()]
    if there:
        raise DocumentError(
            f"{folder} holds {', '.join(there)} already; name another folder, nothing was written"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for source in sources:
            content = source.read_text(encoding="utf-8")
            if source.suffix == ".ipynb":
                content = exercise(content, solutions)
            (folder / source.name).write_text(content, encoding="utf-8")
    except OSError as error:
        raise DocumentError(f"{folder} cannot be written to: {error.strerror}") from None
    return [folder / source.name for source in sources]


def exercise(source: str, solutions: bool) -> str:
    """A notebook of the source, with its solutions or with blanks in their place."""
    notebook = nbformat.reads(source, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            whole = MARKS.sub("", cell.source)
            cell.source = whole if solutions else SOLUTION.sub(BLANK, cell.source)
    return str(nbformat.writes(notebook))
