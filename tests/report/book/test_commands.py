"""What a page prints for its reader to type is understood, and the studies it names are there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from promotion.cli import app
from promotion.paths import ROOT

BLOCK = re.compile(r"^```(?:\w*)\n(.*?)^```", re.M | re.S)
PROGRAM = re.compile(r"(?:python -m |\.venv/bin/|^\$?\s*)promotion (?=[a-z])")
NAMED = re.compile(r"studies/\w+\.yaml")


def printed() -> Iterator[tuple[str, str]]:
    """The commands of every page's blocks, with the page's name."""
    chapters = [*(ROOT / "book").rglob("*.md"), *(ROOT / "book" / "templates").glob("*.j2")]
    for page in (ROOT / "README.md", *chapters):
        for block in BLOCK.findall(page.read_text(encoding="utf-8")):
            for line in block.splitlines():
                if PROGRAM.search(line):
                    yield page.name, PROGRAM.split(line)[1]


COMMANDS = sorted(set(printed()))


def refuse_what_is_not_understood(words: list[str]) -> None:
    """Parse a command without running it; click raises a usage error on what it does not know."""
    command, name, parent = get_command(app), "promotion", None
    while hasattr(command, "resolve_command"):
        parent = command.make_context(name, [*words], parent=parent)
        name, command, words = command.resolve_command(parent, words)
    command.make_context(name, words, parent=parent)


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_a_printed_command_is_understood(page: str, line: str) -> None:
    refuse_what_is_not_understood(shlex.split(line, comments=True))
    for study in NAMED.findall(line):
        assert (ROOT / study).is_file(), f"{page}: {study}"


def test_the_pages_print_commands_and_a_wrong_one_is_found() -> None:
    assert len(COMMANDS) > 30
    assert {Path(page).suffix for page, _ in COMMANDS} == {".md", ".j2"}
    for wrong in ("lab chek", "run --studdy a.yaml", "lab check error --set"):
        with pytest.raises(Exception, match=r"No such|requires an argument"):
            refuse_what_is_not_understood(wrong.split())
