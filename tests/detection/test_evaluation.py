"""The operating point is chosen on val by the study's rule, and describes a usable detector."""

from __future__ import annotations

import numpy as np
import pytest

from promotion.datasets import PreparedDataset, ground_truth, images_of
from promotion.detection import (
    LOWEST_THRESHOLD,
    Curve,
    Detector,
    choose_threshold,
    curve_of,
    detect_split,
    evaluate,
    match,
    see,
)
from promotion.detection.evaluation import coco_evaluation
from promotion.metrics import METRICS
from promotion.study import OperatingPoint
from tests.builders import boxes, detections, random_matches, random_split

pytestmark = pytest.mark.slow


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


def test_a_model_that_shows_nothing_works_at_the_lowest_threshold() -> None:
    nothing = curve_of(match(boxes(("a", 0, 0, 10, 10)), detections()))
    assert nothing.confidence.size == 0
    for rule in (OperatingPoint(), OperatingPoint(rule="recall_floor", floor=0.5)):
        assert choose_threshold(nothing, rule) == LOWEST_THRESHOLD


@pytest.mark.parametrize("seed", range(5))
def test_no_other_threshold_has_a_better_f1(seed: int) -> None:
    matches = random_matches(seed)
    found = curve_of(matches)

    def f1(at: float) -> float:
        shown = matches.confidence >= at
        hits = int(matches.found[0][shown].sum())
        return 2 * hits / (int(shown.sum()) + int(matches.persons.sum()))

    chosen = choose_threshold(found, OperatingPoint())
    assert f1(chosen) == pytest.approx(max(f1(at) for at in found.confidence))


def test_a_real_detector_s_split_is_one_row_a_box(
    streets: PreparedDataset, detectors: dict[int, Detector]
) -> None:
    images = images_of(streets.folder, "val")
    table = detect_split(detectors[320], images)
    assert list(table.columns) == ["image", "x0", "y0", "x1", "y1", "confidence"]
    assert set(table["image"]) <= {path.name for path in images}
    assert len(table) > 0


def test_a_model_is_evaluated_on_val_at_the_threshold_that_val_chooses(
    streets: PreparedDataset, detectors: dict[int, Detector]
) -> None:
    images, truth = images_of(streets.folder, "val"), ground_truth(streets.folder, "val")
    seen = evaluate(detectors[320], images, truth, OperatingPoint())
    metrics = seen.metrics()
    assert set(metrics) == {*METRICS, "threshold"}
    assert metrics["threshold"] == choose_threshold(curve_of(seen.matches), OperatingPoint())
    again = see(truth, detect_split(detectors[320], images), seen.threshold)
    assert again.metrics() == metrics
    assert metrics["mAP50"] > 0.1


def test_the_diagnosis_s_evaluator_agrees_with_the_metrics() -> None:
    for seed in range(5):
        truth, found = random_split(seed, ties=False)
        evaluation = coco_evaluation(truth, found)
        assert evaluation is not None
        precision = np.asarray(evaluation.eval["precision"])[:, :, 0, 0, -1]
        assert precision.mean() == pytest.approx(see(truth, found, 0.5).metrics()["mAP50-95"])


def test_the_diagnosis_s_evaluator_needs_a_person_and_a_box() -> None:
    person, nobody = boxes(("a", 0, 0, 10, 10)), boxes(("a", *[np.nan] * 4))
    assert coco_evaluation(person, detections()) is None
    assert coco_evaluation(nobody, detections(("a", 0, 0, 1, 1, 0.5))) is None
