from __future__ import annotations

import contextlib
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from promotion.detection.evaluation import (
    LOWEST_THRESHOLD,
    Curve,
    choose_threshold,
    coco_metrics,
    curve_of,
    evaluate,
)
from promotion.detection.matching import IOU_THRESHOLDS, match, pairwise_iou
from promotion.metrics import average_precision
from promotion.study.policy import OperatingPoint
from tests.conftest import boxes, detections


def random_split(seed: int, ties: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Persons and detections on twelve images; with ties, confidences repeat."""
    rng = np.random.default_rng(seed)
    truth, found = [], []
    for image in (f"{i:02d}.jpg" for i in range(12)):
        count = rng.integers(0, 6)
        corner, size = rng.integers(0, 200, (count, 2)), rng.integers(8, 120, (count, 2))
        persons = np.hstack([corner, corner + size]).astype(float)
        if not count:
            truth.append((image, *[np.nan] * 4))
        truth += [(image, *person) for person in persons]
        noisy = persons[rng.random(count) < 0.8]
        noisy = noisy + rng.normal(0, 5, noisy.shape)
        noisy[:, 2:] = np.maximum(noisy[:, 2:], noisy[:, :2] + 1)
        corner, size = rng.uniform(0, 250, (rng.integers(0, 8), 2)), rng.uniform(10, 90, 2)
        false = np.hstack([corner, corner + size])
        for box in [*noisy, *false]:
            confidence = rng.random()
            found.append((image, *box, round(confidence, 1) if ties else confidence))
    return boxes(*truth), detections(*found)


def by_pycocotools(truth: pd.DataFrame, found: pd.DataFrame) -> np.ndarray:
    """pycocotools' AP at the ten IoU thresholds."""
    numbers = {name: i for i, name in enumerate(sorted(truth["image"].unique()), 1)}

    def rows(table: pd.DataFrame) -> list[dict[str, object]]:
        return [
            {
                "id": i,
                "image_id": numbers[row.image],
                "category_id": 1,
                "iscrowd": 0,
                "bbox": [row.x0, row.y0, row.x1 - row.x0, row.y1 - row.y0],
                "area": (row.x1 - row.x0) * (row.y1 - row.y0),
                "score": getattr(row, "confidence", 1.0),
            }
            for i, row in enumerate(table.dropna().itertuples(), 1)
        ]

    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "info": {},
            "images": [{"id": i} for i in numbers.values()],
            "categories": [{"id": 1, "name": "person"}],
            "annotations": rows(truth),
        }
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(rows(found)), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation.eval["precision"][:, :, 0, 0, 2].mean(axis=1)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 100_000), st.booleans())
def test_hotcoco_and_our_core_agree_with_pycocotools(seed: int, ties: bool) -> None:
    truth, found = random_split(seed, ties)
    expected = by_pycocotools(truth, found)
    matches = match(truth, found)
    ours = average_precision(matches, np.ones((1, len(matches.images))))[:, 0]
    assert ours == pytest.approx(expected, abs=1e-9)
    theirs = coco_metrics(truth, found)
    assert theirs["mAP50"] == pytest.approx(expected[0], abs=1e-9)
    assert theirs["mAP50-95"] == pytest.approx(expected.mean(), abs=1e-9)


def test_a_person_is_found_once() -> None:
    truth = boxes(("a", 0, 0, 10, 10))
    found = detections(("a", 0, 0, 10, 10, 0.9), ("a", 0, 0, 10, 10, 0.8))
    assert match(truth, found).found[0].tolist() == [True, False]


def test_the_looser_box_is_found_at_looser_overlaps_only() -> None:
    matches = match(boxes(("a", 0, 0, 10, 10)), detections(("a", 0, 0, 10, 7, 0.9)))
    assert matches.found[:, 0].tolist() == [threshold <= 0.7 for threshold in IOU_THRESHOLDS]


def test_detections_on_unknown_images_are_refused() -> None:
    with pytest.raises(ValueError, match="without ground truth"):
        match(boxes(("a", 0, 0, 1, 1)), detections(("b", 0, 0, 1, 1, 0.5)))


def test_overlap_of_known_boxes() -> None:
    one = np.array([[0.0, 0, 10, 10]])
    other = np.array([[0.0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]])
    assert pairwise_iou(one, other)[0] == pytest.approx([1, 1 / 3, 0])


def curve() -> Curve:
    """Precision falls and recall rises as the threshold sinks."""
    return Curve(
        np.array([0.9, 0.5, 0.2, 0.005]),
        np.array([1.0, 0.8, 0.5, 0.1]),
        np.array([0.2, 0.6, 0.7, 1.0]),
    )


def test_f1_chooses_the_best_balance() -> None:
    assert choose_threshold(curve(), OperatingPoint()) == 0.5


def test_a_precision_floor_gives_the_most_recall_above_it() -> None:
    assert choose_threshold(curve(), OperatingPoint(rule="precision_floor", floor=0.5)) == 0.2


def test_a_recall_floor_gives_the_most_precision_above_it() -> None:
    assert choose_threshold(curve(), OperatingPoint(rule="recall_floor", floor=0.65)) == 0.2


def test_a_floor_out_of_reach_gives_the_nearest_point() -> None:
    assert choose_threshold(curve(), OperatingPoint(rule="recall_floor", floor=0.95)) == 0.2


def test_the_threshold_is_never_zero() -> None:
    # The lab's flaw: every confidence tiny, so that the best F1 lies at confidence zero.
    tiny = Curve(np.array([0.002, 0.001]), np.array([0.01, 0.008]), np.array([0.1, 0.77]))
    assert choose_threshold(tiny, OperatingPoint()) == LOWEST_THRESHOLD


def test_equal_confidences_share_a_point() -> None:
    truth = boxes(("a", 0, 0, 10, 10))
    found = detections(("a", 0, 0, 10, 10, 0.5), ("a", 50, 50, 60, 60, 0.5))
    only = curve_of(match(truth, found))
    assert only.confidence.tolist() == [0.5]
    assert only.precision.tolist() == [0.5]


def test_evaluate_names_the_lab_s_metrics_and_the_threshold() -> None:
    truth = boxes(("a", 0, 0, 10, 10), ("a", 20, 20, 40, 40))
    found = detections(("a", 0, 0, 10, 10, 0.9), ("a", 50, 50, 60, 60, 0.6))
    metrics = evaluate(truth, found, 0.5)
    assert set(metrics) == {"mAP50", "mAP50-95", "precision", "recall", "threshold"}
    assert (metrics["precision"], metrics["recall"]) == (0.5, 0.5)


def test_a_blind_detector_scores_zero() -> None:
    metrics = evaluate(boxes(("a", 0, 0, 10, 10)), detections(), 0.5)
    assert [metrics[name] for name in ("mAP50", "precision", "recall")] == [0, 0, 0]
