"""Runs every test that feeds the product something bad, and prints SECURITY.md's table.

`python -m tests.hostile` takes about five minutes, and needs Chromium for what is read in a page.
"""

from __future__ import annotations

import sys

from tests.counting import Kind, count
from tests.hostile.texts import TEXTS

FIELDS = len(TEXTS)
STUDY_FAULTS = (
    "a_number", "a_seed", "a_truth", "what_the_trainer", "two_learning", "a_grid", "an_experiment",
    "a_name", "a_key", "a_file", "many_faults", "what_was_found", "a_fault",
)  # fmt: skip
DOORS = (
    Kind(
        "study files and `--set`",
        tuple(f"tests/study/test_hostile_files.py::test_{name}" for name in STUDY_FAULTS),
        "one line that names key and mend, exit 2",
    ),
    Kind(
        "pictures",
        ("tests/hostile/test_files.py::test_a_picture", "tests/test_images.py::test_no_other"),
        "one line that names the file, exit 1",
    ),
    Kind("labels", ("tests/hostile/test_files.py::test_a_label",), "the same, with file and line"),
    Kind("tables of slices", ("tests/hostile/test_files.py::test_a_table",), "the same"),
    Kind(
        "archives",
        ("tests/hostile/test_files.py::test_an_archive",),
        "one line; nothing is unpacked",
    ),
    Kind(
        "checkpoints",
        (
            "tests/training/test_safe_loading.py::test_a_planted",
            "tests/training/test_safe_loading.py::test_the_command",
            "tests/training/test_safe_loading.py::test_a_payload",
            "tests/training/test_starting_model.py::test_a_checkpoint",
            "tests/training/test_starting_model.py::test_what",
            "tests/training/test_starting_model.py::test_an",
        ),
        "one line that says what it is; no code runs",
    ),
    Kind(
        "requests to the server",
        ("tests/serving/test_question.py::test_anything",),
        "400, one line that repeats nothing",
    ),
    Kind(
        "texts in experiments of others, in the terminal",
        ("tests/hostile/test_terminal.py::test_an_audit",),
        "the text, on one line",
        each=FIELDS,
    ),
    Kind(
        "texts in errors, reasons and documents, in the terminal",
        (
            "tests/hostile/test_terminal.py::test_a_line",
            "tests/hostile/test_terminal.py::test_a_reason",
            "tests/hostile/test_terminal.py::test_a_document",
        ),
        "the text, on one line",
    ),
    Kind(
        "texts in plots",
        ("tests/hostile/test_terminal.py::test_a_plot",),
        "the text, no formula",
    ),
    Kind(
        "texts in the book, read in Chromium",
        ("tests/hostile/test_pages.py",),
        "the text; no script, no template, no request",
        each=FIELDS,
    ),
)


def table() -> str:
    """The doors as Markdown, with their sums."""
    rows = ["| Where it comes in | Inputs | What is seen | Harmful |", "|---|---:|---|---:|"]
    rows += [f"| {door.name} | {door.tried} | {door.seen} | {door.failed} |" for door in DOORS]
    inputs, harmful = sum(door.tried for door in DOORS), sum(door.failed for door in DOORS)
    return "\n".join([*rows, f"| **together** | **{inputs}** | | **{harmful}** |"])


if __name__ == "__main__":
    status = count(DOORS)
    print(table())
    sys.exit(status)
