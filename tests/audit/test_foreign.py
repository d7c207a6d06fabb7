"""Experiments that others made: what can be said of them, and what cannot."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest
from mlflow.tracking import MlflowClient

from promotion.audit import audit, read_experiment
from promotion.datasets import PreparedDataset
from promotion.errors import MissingRunsError
from promotion.lab.published import RATES, RUNS
from promotion.paths import ROOT
from promotion.store import connect
from promotion.store.tracking import tracking_uri
from tests.builders import clean_environment, connect_to, invoke

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that holds the lab's eight runs as Ultralytics' callback logs them."""
    place = tmp_path_factory.mktemp("lab")
    shutil.copy(empty_store, place)
    connect_to(place, "cv_yolo_tiny")
    weights = place / "best.pt"
    weights.write_bytes(b"weights")
    names = ("metrics/mAP50B", "metrics/mAP50-95B", "metrics/precisionB", "metrics/recallB")
    for (imgsz, seed), values in RUNS.items():
        for rate in RATES:
            with mlflow.start_run(run_name=f"yolov8n_e3_sz{imgsz}_lr{rate}_s{seed}"):
                settings = {"imgsz": imgsz, "lr0": rate, "epochs": 3, "optimizer": "auto"}
                mlflow.log_params({**settings, "seed": seed})
                for epoch, part in enumerate((0.5, 1.1, 1.0)):
                    for name, value in zip(names, values, strict=True):
                        mlflow.log_metric(name, value * part, step=epoch)
                mlflow.log_artifact(str(weights), "weights")
    with mlflow.start_run(run_name="died") as died:
        pass
    MlflowClient().set_terminated(died.info.run_id, "FAILED")
    return place


@pytest.fixture
def client(home: Path) -> MlflowClient:
    return connect(home)


def test_the_names_of_ultralytics_are_understood(client: MlflowClient) -> None:
    found = read_experiment(client, "cv_yolo_tiny")
    assert len(found.runs) == 8
    run = next(one for one in found.runs if one.name == "yolov8n_e3_sz416_lr0.01_s42")
    assert run.metrics["mAP50"] == pytest.approx(0.32275)
    assert run.asked["lr0"] == "0.01"
    assert (run.seed, run.registrable, run.measured) == (42, "epoch 1", "epoch 2")
    assert list(found.missing) == ["died"]


def test_the_lab_s_flaws_are_found_in_its_store(client: MlflowClient) -> None:
    outcomes = {one.id: one.passed for one in audit(read_experiment(client, "cv_yolo_tiny"))}
    for identity in (
        "parameter-effect",
        "applied-as-requested",
        "measured-artifact",
        "operating-point",
        "enough-seeds",
        "untrained",
        "complete-grid",
    ):
        assert outcomes[identity] is False, identity
    for identity in ("overlap", "selection-split", "enough-images"):
        assert outcomes[identity] is None, identity
    assert outcomes["seed-effect"] is True


def test_the_command_exits_with_one_on_a_blocking_flaw(home: Path) -> None:
    done = invoke("audit", "--experiment", "cv_yolo_tiny", home=home)
    assert done.exit_code == 1
    assert "parameter-effect" in done.stdout
    assert not done.stderr


WITH_ITS_CALLBACK = """
import sys
from ultralytics import YOLO, settings
settings.update({"mlflow": True})
start, data, folder = sys.argv[1:]
for rate in (0.001, 0.01):
    YOLO(start).train(data=data, project=folder, epochs=2, imgsz=64, batch=4, lr0=rate, plots=False)
"""


def test_what_ultralytics_own_callback_logs_is_read_as_it_was_meant(
    streets: PreparedDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    start = ROOT / "weights" / "street_day_yolov8n.pt"
    script = [WITH_ITS_CALLBACK, str(start), str(streets.data_yaml), str(tmp_path / "trainings")]
    settings = {
        "YOLO_CONFIG_DIR": str(tmp_path),
        "YOLO_OFFLINE": "true",
        "MLFLOW_TRACKING_URI": tracking_uri(tmp_path),
        "MLFLOW_EXPERIMENT_NAME": "callback",
    }
    environment = {**clean_environment(), **settings}
    # Ultralytics logs nothing while a test runs.
    del environment["PYTEST_CURRENT_TEST"]
    subprocess.run([sys.executable, "-c", *script], env=environment, cwd=tmp_path, check=True)
    found = read_experiment(connect(tmp_path), "callback")
    assert [run.asked["lr0"] for run in found.runs] == ["0.001", "0.01"]
    outcomes = {one.id: one.passed for one in audit(found)}
    # With optimizer "auto" Ultralytics takes a rate of its own; it ends with its best weights.
    assert outcomes["applied-as-requested"] is False
    assert outcomes["parameter-effect"] is False
    assert outcomes["measured-artifact"] is True


def test_an_unknown_experiment_is_named_with_those_that_are_there(home: Path) -> None:
    done = invoke("audit", "--experiment", "cv_yolo_tinny", home=home)
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert "cv_yolo_tiny" in done.stderr


def test_an_experiment_without_a_run_cannot_be_audited(client: MlflowClient) -> None:
    client.create_experiment("empty")
    with pytest.raises(MissingRunsError, match="no finished training run"):
        read_experiment(client, "empty")
