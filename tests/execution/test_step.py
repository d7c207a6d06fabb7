"""A step's notebook is executed by papermill; how it went is in its run, whatever happened."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from mlflow.tracking import MlflowClient

from promotion.errors import PromotionError
from promotion.execution import (
    Outcome,
    Step,
    StudyFile,
    close_interrupted,
    raise_if_failed,
    run_step,
)
from promotion.store import Artifact, Role, Tag, artifact, connect, start_run
from promotion.study import Study
from tests.builders import SMOKE

PARAMETERS = "study: str = ''\noverrides: list = []\nrun_id: str = ''\nseed: int = 0"


@pytest.fixture
def client(home: Path) -> MlflowClient:
    return connect(home, "smoke")


def step(folder: Path, *cells: str) -> Step:
    """A step whose notebook has these cells."""
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    book = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    first = nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})
    book.cells = [first, *map(nbformat.v4.new_code_cell, cells)]
    path = folder / "own.ipynb"
    nbformat.write(book, path)
    return Step(Role.VARIANT, "own", path, "print", {"seed": 7}, {Tag.CONFIGURATION: "own"})


def test_an_executed_notebook_is_an_artifact_of_its_complete_run(
    client: MlflowClient, smoke: Study, home: Path, tmp_path: Path
) -> None:
    says = "import os; print(seed, study, overrides, os.environ['PROMOTION_HOME'])"
    file = StudyFile(smoke, SMOKE, ("grid.seed=[7]",))
    outcome = run_step(client, file, step(tmp_path, says), home)
    assert outcome.status == "done"
    run = client.get_run(outcome.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.tags[Tag.COMPLETE] == "true"
    assert run.data.tags[Tag.FINGERPRINT] == "print"
    assert run.data.tags[Tag.CONFIGURATION] == "own"
    assert run.data.tags[Tag.HOME] == str(home)
    executed = artifact(client, outcome.run_id, Artifact.NOTEBOOK).read_text(encoding="utf-8")
    assert f"7 {SMOKE} ['grid.seed=[7]'] {home}" in executed


def test_a_failed_notebook_leaves_what_it_had_done_and_why_it_failed(
    client: MlflowClient, smoke: Study, home: Path, tmp_path: Path
) -> None:
    fails = step(tmp_path, "print('so far')", "raise ValueError('no light')")
    outcome = run_step(client, StudyFile(smoke, SMOKE), fails, home)
    assert (outcome.status, outcome.error) == ("failed", "ValueError: no light")
    run = client.get_run(outcome.run_id)
    assert run.info.status == "FAILED"
    assert Tag.COMPLETE not in run.data.tags
    assert run.data.tags[Tag.ERROR] == "ValueError: no light"
    partial = artifact(client, outcome.run_id, Artifact.NOTEBOOK).read_text(encoding="utf-8")
    assert "so far" in partial
    assert "no light" in artifact(client, outcome.run_id, Artifact.TRACEBACK).read_text()
    assert not (home / "scratch" / outcome.run_id).exists()


def test_runs_that_a_killed_batch_left_running_are_closed_and_those_of_others_are_not(
    client: MlflowClient, home: Path
) -> None:
    ours = start_run(client, "smoke", "ours", {Tag.HOME: str(home)})
    done = start_run(client, "smoke", "done", {Tag.HOME: str(home)})
    client.set_terminated(done, "FINISHED")
    theirs = start_run(client, "smoke", "theirs", {Tag.HOME: "/elsewhere"})
    close_interrupted(client, "smoke", home)
    assert client.get_run(ours).info.status == "KILLED"
    assert client.get_run(ours).data.tags[Tag.ERROR] == "interrupted"
    assert client.get_run(done).info.status == "FINISHED"
    assert client.get_run(theirs).info.status == "RUNNING"


def test_each_failed_step_is_told_on_a_line_of_its_own() -> None:
    fine = Outcome("fine", Role.VARIANT, "done", "1")
    raise_if_failed([fine])
    failed = [Outcome(name, Role.VARIANT, "failed", "2", error="E: no") for name in "ab"]
    with pytest.raises(PromotionError) as caught:
        raise_if_failed([fine, *failed])
    assert str(caught.value).splitlines() == ["a failed: E: no", "b failed: E: no"]
