"""Runs every test that feeds the product something bad, and prints SECURITY.md's table.

`python -m tests.hostile` takes about five minutes, and needs Chromium for what is read in a page.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import pytest

from tests.hostile.texts import TEXTS


@dataclass
class Door:
    """Where something bad comes in: the tests that bring it, and what its sender sees.

    `each` is how many inputs a test of it stands for.
    """

    name: str
    tests: tuple[str, ...]
    seen: str
    each: int = 1
    inputs: int = 0
    harmful: int = 0
    skipped: int = 0


FIELDS = len(TEXTS)
STUDY_FAULTS = (
    "a_number", "a_seed", "a_truth", "what_the_trainer", "two_learning", "a_grid", "an_experiment",
    "a_name", "a_key", "a_file", "many_faults", "what_was_found", "a_fault",
)  # fmt: skip
DOORS = (
    Door(
        "study files and `--set`",
        tuple(f"tests/study/test_hostile_files.py::test_{name}" for name in STUDY_FAULTS),
        "one line that names key and mend, exit 2",
    ),
    Door(
        "pictures",
        ("tests/hostile/test_files.py::test_a_picture", "tests/test_images.py::test_no_other"),
        "one line that names the file, exit 1",
    ),
    Door("labels", ("tests/hostile/test_files.py::test_a_label",), "the same, with file and line"),
    Door("tables of slices", ("tests/hostile/test_files.py::test_a_table",), "the same"),
    Door(
        "archives",
        ("tests/hostile/test_files.py::test_an_archive",),
        "one line; nothing is unpacked",
    ),
    Door(
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
    Door(
        "requests to the server",
        ("tests/serving/test_question.py::test_anything",),
        "400, one line that repeats nothing",
    ),
    Door(
        "texts in experiments of others, in the terminal",
        ("tests/hostile/test_terminal.py::test_an_audit",),
        "the text, on one line",
        each=FIELDS,
    ),
    Door(
        "texts in errors, reasons and documents, in the terminal",
        (
            "tests/hostile/test_terminal.py::test_a_line",
            "tests/hostile/test_terminal.py::test_a_reason",
            "tests/hostile/test_terminal.py::test_a_document",
        ),
        "the text, on one line",
    ),
    Door(
        "texts in plots",
        ("tests/hostile/test_terminal.py::test_a_plot",),
        "the text, no formula",
    ),
    Door(
        "texts in the book, read in Chromium",
        ("tests/hostile/test_pages.py",),
        "the text; no script, no template, no request",
        each=FIELDS,
    ),
)


class Counter:
    """Counts, for pytest, how the inputs of each door ended."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        door = next((d for d in DOORS if report.nodeid.startswith(d.tests)), None)
        if door is None:
            return
        if report.skipped:
            door.skipped += door.each
        elif report.failed:
            door.harmful += door.each
        elif report.when == "call":
            door.inputs += door.each


def table() -> str:
    """The doors as Markdown, with their sums."""
    rows = ["| Where it comes in | Inputs | What is seen | Harmful |", "|---|---:|---|---:|"]
    rows += [f"| {d.name} | {d.inputs + d.harmful} | {d.seen} | {d.harmful} |" for d in DOORS]
    inputs, harmful = sum(d.inputs + d.harmful for d in DOORS), sum(d.harmful for d in DOORS)
    return "\n".join([*rows, f"| **together** | **{inputs}** | | **{harmful}** |"])


if __name__ == "__main__":
    files = sorted({test.partition("::")[0] for door in DOORS for test in door.tests})
    status = pytest.main(["-q", "--no-header", *files], plugins=[Counter()])
    print(table())
    sys.exit(status or any(door.skipped for door in DOORS))
