"""The batch: one more variant, one that fails, one that is interrupted; nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from promotion.paths import ROOT
from promotion.store import Artifact, Tag, artifact, search
from tests.builders import clean_environment, connect_to, promotion
from tests.end_to_end.builders import ONE_SEED, STUDY

pytestmark = pytest.mark.end_to_end


def test_one_more_variant_costs_only_itself(changing_home: Path) -> None:
    wider = ("--set", "grid.imgsz=[96,128,160]", *ONE_SEED)
    done = promotion("run", *STUDY, *wider, home=changing_home)
    assert done.returncode == 0, done.stderr
    assert "1 trained, 2 kept from before, 0 failed" in done.stdout


@pytest.mark.trial
@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without a signal")
def test_an_interrupted_batch_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """A night's training must not be lost to a laptop's lid."""
    command = [sys.executable, "-m", "promotion", "run", *STUDY, *ONE_SEED, "--jobs", "1"]
    environment = {**clean_environment(), "PYTHONUNBUFFERED": "1"}
    started = subprocess.Popen(
        [*command, "--home", str(tmp_path)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stdout is not None
    for line in started.stdout:
        if line.startswith("done yolov8n"):
            break
    started.terminate()
    _, errors = started.communicate(timeout=60)
    assert started.returncode == 130, errors
    assert "finished variants are kept" in errors
    done = promotion("run", *STUDY, *ONE_SEED, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 trained, 1 kept from before, 0 failed" in done.stdout


@pytest.mark.trial
def test_a_failed_variant_stops_no_other_and_is_shown(changing_home: Path) -> None:
    # One picture of 32 pixels a batch leaves batch normalisation nothing to average.
    failing = ("--set", "grid.imgsz=[32,96,160]", "--set", "grid.batch=[1]", *ONE_SEED)
    study = (*STUDY, "--set", "name=failing", "--set", "experiment=failing", *failing)
    done = promotion("report", *study, home=changing_home)
    assert done.returncode == 1
    assert "2 trained, 0 kept from before, 1 failed" in done.stdout
    assert "batch=1" in done.stdout
    name = "yolov8n_e1_sz32_lr0.002_s1"
    page = changing_home / "book" / "failing" / "fr" / "notebooks" / "runs" / f"{name}.html"
    assert "batch=1" in page.read_text(encoding="utf-8")
    assert name in (changing_home / "decision.md").read_text(encoding="utf-8")
    client = connect_to(changing_home, "failing")
    run = next(
        run
        for run in search(client, "failing", {Tag.STUDY: "failing"})
        if run.info.run_name == name
    )
    assert run.info.status == "FAILED"
    artifact(client, run.info.run_id, Artifact.NOTEBOOK)
    artifact(client, run.info.run_id, Artifact.TRACEBACK)
