"""What an exercise opens is the student's own: their study, their home, their two runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from promotion.errors import DocumentError, MissingRunsError
from promotion.lab.workbook import STUDY_VARIABLE, open_workbook
from promotion.paths import HOME_VARIABLE
from promotion.study.loading import SET_VARIABLE
from tests.builders import connect_to
from tests.lab.review.builders import OURS, our_store

GRID = "grid={{epochs: [1], imgsz: [320, 416], lr0: [0.01], seed: [{seeds}], batch: [8]}}"


@pytest.fixture(scope="module")
def place(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("workbook")
    shutil.copy(empty_store, home)
    connect_to(home)
    our_store(home)
    return home


@pytest.fixture(autouse=True)
def settings(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a class: the study of the notebook, with what the environment overrides in it."""
    monkeypatch.setenv(HOME_VARIABLE, str(place))
    monkeypatch.setenv(STUDY_VARIABLE, "studies/smoke.yaml")
    overrides = (f"experiment={OURS}", GRID.format(seeds="1, 2"), "baseline={imgsz: 320}")
    monkeypatch.setenv(SET_VARIABLE, ";".join(overrides))


def test_the_two_runs_share_a_seed_and_one_is_of_the_baseline() -> None:
    work = open_workbook("studies/default.yaml")
    assert work.baseline.name == "yolov8n_e1_sz320_lr0.01_s1"
    assert work.candidate.name == "yolov8n_e1_sz416_lr0.01_s1"
    assert work.records.seen(work.candidate, "val") is not None


def test_a_run_that_is_not_trained_yet_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    overrides = (f"experiment={OURS}", GRID.format(seeds="7, 8"), "baseline={imgsz: 320}")
    monkeypatch.setenv(SET_VARIABLE, ";".join(overrides))
    with pytest.raises(MissingRunsError, match=r"sz320_lr0\.01_s7 is not trained; run"):
        _ = open_workbook("studies/default.yaml").baseline


def test_without_a_run_there_is_nothing_to_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SET_VARIABLE)
    with pytest.raises(DocumentError, match="no experiment smoke"):
        open_workbook("studies/default.yaml")
