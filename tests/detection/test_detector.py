"""The detector as it is served sees what the checkpoint sees, on pictures of any shape."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from promotion.datasets import PreparedDataset, images_of, read_image
from promotion.detection import MOST_BOXES, Detector, pairwise_iou
from promotion.study import Model
from promotion.training import starting_weights
from tests.builders import STARTER

pytestmark = pytest.mark.slow


def test_the_export_sees_what_the_checkpoint_sees(
    streets: PreparedDataset, detectors: dict[int, Detector], tmp_path: Path
) -> None:
    """What is served would otherwise not be what was trained."""
    # Ultralytics takes seconds to import.
    from promotion.training.yolo import open_checkpoint

    detector = detectors[320]
    assert detector.imgsz == 320
    model = open_checkpoint(starting_weights(Model(weights=STARTER), tmp_path))
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


def test_boxes_lie_inside_pictures_of_any_shape(detectors: dict[int, Detector]) -> None:
    rng = np.random.default_rng(0)
    for height, width in ((1, 1), (7, 900), (500, 3), (96, 96)):
        found = detectors[96].detect(rng.integers(0, 255, (height, width, 3), dtype=np.uint8))
        assert (found.boxes >= 0).all()
        assert (found.boxes <= [width, height, width, height]).all()
        assert (np.diff(found.confidences) <= 0).all()
        assert len(found.boxes) <= MOST_BOXES


def test_a_threshold_only_leaves_boxes_out(
    detectors: dict[int, Detector], streets: PreparedDataset
) -> None:
    picture = read_image(images_of(streets.folder, "val")[0])
    everything, sure = (detectors[320].detect(picture, at) for at in (0.05, 0.3))
    assert (sure.confidences >= 0.3).all()
    assert len(sure.boxes) == (everything.confidences >= 0.3).sum()


def test_a_detector_knows_the_file_that_it_was_made_of(
    exports: dict[int, Path], detectors: dict[int, Detector]
) -> None:
    """The audit compares this sum with that of the file that is registered."""
    for imgsz, path in exports.items():
        assert detectors[imgsz].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
