"""The template: written once, readable, and never over a student's work."""

from __future__ import annotations

from pathlib import Path

import pytest

from promotion.lab.review import read_decision
from tests.builders import invoke


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_template_is_written_and_the_review_reads_it(tmp_path: Path, language: str) -> None:
    place = tmp_path / "decision.md"
    done = invoke("lab", "template", str(place), "--language", language, home=tmp_path)
    assert done.exit_code == 0, done.output
    assert read_decision(place)


def test_a_students_work_is_not_written_over(tmp_path: Path) -> None:
    place = tmp_path / "decision.md"
    place.write_text("# mine\n")
    done = invoke("lab", "template", str(place), home=tmp_path)
    assert done.exit_code != 0
    assert done.stderr.count("\n") == 1
    assert "exists" in done.stderr
    assert place.read_text() == "# mine\n"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = invoke("lab", "template", str(tmp_path / "none" / "decision.md"), home=tmp_path)
    assert done.exit_code != 0
    assert done.stderr.count("\n") == 1
