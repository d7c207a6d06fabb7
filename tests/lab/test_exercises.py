"""The exercises: a student's have no solution, a teacher's run and agree with the product."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import nbformat
import pytest

from promotion.lab.exercises import EXERCISES, exercise
from promotion.lab.homework import CHAPTERS, read_answers
from promotion.lab.workbook import STUDY_VARIABLE
from promotion.paths import HOME_VARIABLE
from tests.builders import invoke


def test_a_students_files_hold_no_solution(tmp_path: Path) -> None:
    done = invoke("lab", "exercises", str(tmp_path / "lab"), home=tmp_path)
    assert done.exit_code == 0, done.output
    for source in EXERCISES.glob("*.ipynb"):
        written = (tmp_path / "lab" / source.name).read_text(encoding="utf-8")
        cells = nbformat.reads(source.read_text(encoding="utf-8"), as_version=4).cells
        hidden = [cell.source for cell in cells if "### BEGIN SOLUTION" in cell.source]
        assert hidden
        for cell in hidden:
            _, _, rest = cell.partition("### BEGIN SOLUTION\n")
            for line in rest.partition("### END SOLUTION")[0].rstrip().splitlines():
                assert json.dumps(line.strip())[1:-1] not in written, line
        assert "SOLUTION" not in written
        assert written.count("YOUR CODE HERE") >= len(hidden)
        assert all(not cell.get("outputs") for cell in cells)


def test_the_answers_to_fill_have_a_section_a_chapter_and_no_answer(tmp_path: Path) -> None:
    answers = read_answers(EXERCISES / "answers.yaml")
    assert list(answers) == list(CHAPTERS)
    given = {value for section in answers.values() for value in section.values() if value}
    assert given == {"decision.md"}


def test_a_students_work_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "answers.yaml").write_text("run: {name: mine}\n")
    done = invoke("lab", "exercises", str(tmp_path), home=tmp_path)
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert (tmp_path / "answers.yaml").read_text() == "run: {name: mine}\n"
    assert [one.name for one in tmp_path.glob("*.ipynb")] == []


def execute(name: str, solutions: bool) -> None:
    """Run a notebook's code here, cell by cell, without the seconds that a kernel takes."""
    content = exercise((EXERCISES / name).read_text(encoding="utf-8"), solutions)
    names: dict[str, object] = {}
    with warnings.catch_warnings():
        for cell in nbformat.reads(content, as_version=4).cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, name, "exec"), names)


@pytest.mark.slow
@pytest.mark.parametrize("name", [one.name for one in EXERCISES.glob("*.ipynb")])
def test_the_solutions_hold_and_the_blanks_stop(
    smoke_home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Their last cells hold what a student finds against what the product does."""
    monkeypatch.setenv(HOME_VARIABLE, str(smoke_home))
    monkeypatch.setenv(STUDY_VARIABLE, "studies/smoke.yaml")
    execute(name, solutions=True)
    with pytest.raises(NotImplementedError):
        execute(name, solutions=False)
