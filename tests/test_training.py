from __future__ import annotations

from pathlib import Path

import mlflow
import numpy as np
import pytest
from ultralytics import YOLO

from promotion.datasets import PreparedDataset, images_of
from promotion.datasets.yolo import read_image
from promotion.detection.detector import Detector
from promotion.detection.matching import pairwise_iou
from promotion.study.schema import Model, Study, Training
from promotion.training.checkpoints import starting_weights
from promotion.training.trainer import TrainedModel, export_onnx, train

STARTER = Model(weights="weights/street_day_yolov8n.pt")


@pytest.fixture
def store(tmp_path: Path) -> str:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("training")
    return uri


def train_smoke(
    smoke: Study, streets: PreparedDataset, folder: Path, **changes: object
) -> TrainedModel:
    variant = smoke.variants[0].model_copy(update=changes)
    start = starting_weights(STARTER, folder)
    folder.mkdir()
    return train(variant, Training(nbs=8), start, streets.data_yaml, folder, threads=1)


def test_a_seed_gives_the_same_weights_twice_and_another_seed_others(
    smoke: Study, streets: PreparedDataset, tmp_path: Path
) -> None:
    one = train_smoke(smoke, streets, tmp_path / "one")
    again = train_smoke(smoke, streets, tmp_path / "again")
    other = train_smoke(smoke, streets, tmp_path / "other", seed=2)
    assert one.parameters_sha256 == again.parameters_sha256
    assert one.parameters_sha256 != other.parameters_sha256


def test_the_requested_learning_rate_is_applied_and_read_back(
    smoke: Study, streets: PreparedDataset, tmp_path: Path
) -> None:
    asked = train_smoke(smoke, streets, tmp_path / "asked", lr0=0.003)
    assert asked.applied["applied_lr0"] == pytest.approx(0.003)
    assert asked.applied["applied_optimizer"] == "SGD"
    ignored = train_smoke(smoke, streets, tmp_path / "auto", lr0=0.003, optimizer="auto")
    assert ignored.applied["applied_lr0"] != pytest.approx(0.003)


def test_the_active_run_receives_a_value_an_epoch(
    smoke: Study, streets: PreparedDataset, tmp_path: Path, store: str
) -> None:
    with mlflow.start_run() as run:
        train_smoke(smoke, streets, tmp_path / "logged", epochs=2)
    history = mlflow.MlflowClient(store).get_metric_history(run.info.run_id, "metrics/mAP50B")
    assert [point.step for point in history] == [0, 1]


def test_the_export_sees_what_the_checkpoint_sees(streets: PreparedDataset, tmp_path: Path) -> None:
    start = starting_weights(STARTER, tmp_path)
    checkpoint = tmp_path / "checkpoint.pt"
    checkpoint.write_bytes(start.read_bytes())
    detector = Detector(export_onnx(checkpoint, 320))
    assert detector.imgsz == 320
    model = YOLO(str(start))
    seen = 0
    for path in images_of(streets.folder, "val"):
        ours = detector.detect(read_image(path), 0.25)
        theirs = model.predict(path, imgsz=320, conf=0.25, iou=0.7, rect=False, verbose=False)
        boxes = theirs[0].boxes.xyxy.numpy().astype(float)
        assert len(ours.boxes) == len(boxes)
        if len(boxes):
            overlap = pairwise_iou(ours.boxes.astype(float), boxes)
            assert (overlap.max(axis=1) > 0.9).all()
            order = overlap.argmax(axis=1)
            assert ours.confidences == pytest.approx(theirs[0].boxes.conf.numpy()[order], abs=0.02)
            seen += len(boxes)
    assert seen > 0


def test_boxes_lie_inside_pictures_of_any_shape(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint.pt"
    checkpoint.write_bytes(starting_weights(STARTER, tmp_path).read_bytes())
    detector = Detector(export_onnx(checkpoint, 96))
    rng = np.random.default_rng(0)
    for height, width in ((1, 1), (7, 900), (500, 3), (96, 96)):
        found = detector.detect(rng.integers(0, 255, (height, width, 3), dtype=np.uint8))
        assert (found.boxes >= 0).all()
        assert (found.boxes <= [width, height, width, height]).all()
        assert (np.diff(found.confidences) <= 0).all()
