"""The lab run again as it was: its flaws are found in what its own loop logs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch

# Ultralytics is imported there, with its settings kept apart.
from promotion.lab.rerun import run_again  # isort: skip
from ultralytics.models import YOLO

from promotion.audit import audit
from promotion.paths import ROOT
from promotion.study import Study, load_study
from tests.builders import promotion

pytestmark = pytest.mark.slow

SMALL = {"source": "street_scenes", "train": 8, "val": 4, "test": 4, "seed": 5}


@pytest.fixture(scope="module")
def overrides(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The lab's study on few small pictures, from a checkpoint whose head must start anew."""
    checkpoint = tmp_path_factory.mktemp("start") / "eighty_classes.pt"
    torch.manual_seed(0)
    YOLO("yolov8n.yaml").save(str(checkpoint))
    grid = ["grid.epochs=[2]", "grid.imgsz=[64,96]", "grid.seed=[1]", "baseline.imgsz=64"]
    return [f"dataset={json.dumps(SMALL)}", f"model.weights={checkpoint}", *grid]


@pytest.fixture(scope="module")
def study(overrides: list[str]) -> Study:
    return load_study(ROOT / "studies" / "tp_original.yaml", overrides)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    return tmp_path_factory.mktemp("rerun")


def test_the_lab_s_own_loop_shows_its_flaws(study: Study, home: Path) -> None:
    found = run_again(study, home, lambda _: None)
    assert {run.name for run in found.runs} == {one.run_name for one in study.variants}
    outcomes = {one.id: one.passed for one in audit(found)}
    for identity in (
        "applied-as-requested",
        "selection-split",
        "enough-images",
        "enough-seeds",
        "untrained",
        "constraints",
    ):
        assert outcomes[identity] is False, identity
    # A network that has learnt nothing finds nothing, whatever lr0: nobody is accused by that.
    assert outcomes["parameter-effect"] is None
    assert outcomes["operating-point"] is None
    assert outcomes["measured-artifact"] is not None
    assert outcomes["overlap"] is True


def test_what_was_trained_is_kept(overrides: list[str], home: Path) -> None:
    trained = {path.stat().st_mtime_ns for path in (home / "lab").rglob("best.pt")}
    assert len(trained) == 4
    changes = [part for one in overrides for part in ("--set", one)]
    done = promotion("lab", "rerun", *changes, home=home)
    assert done.returncode == 1, done.stderr
    assert "parameter-effect" in done.stdout
    assert (home / "Ultralytics" / "settings.json").exists()
    assert {path.stat().st_mtime_ns for path in (home / "lab").rglob("best.pt")} == trained
