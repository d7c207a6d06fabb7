"""How a model errs is told in full, and a model that shows nothing is told so too."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from promotion.detection import LOWEST_THRESHOLD, diagnose, see
from promotion.metrics import precision_and_recall
from promotion.study import OperatingPoint
from tests.builders import boxes, detections, everyone

TRUTH = boxes(
    ("a", 0, 0, 20, 20),
    ("a", 100, 0, 150, 50),
    ("b", 0, 0, 120, 120),
    ("b", 300, 300, 340, 380),
)
FOUND = detections(
    ("a", 0, 0, 20, 20, 0.9),
    ("a", 0, 0, 20, 19, 0.8),
    ("a", 100, 0, 120, 50, 0.7),
    ("b", 0, 0, 120, 120, 0.6),
    ("b", 500, 0, 560, 60, 0.5),
)
RULE = OperatingPoint(rule="precision_floor", floor=0.6)
SEEN = see(TRUTH, FOUND, 0.4)


def test_each_kind_of_error_is_counted() -> None:
    found = diagnose(SEEN, SEEN, RULE)
    assert {one.name: one.count for one in found.errors} == {
        "Loc": 1,
        "Dupe": 1,
        "Bkg": 1,
        "Miss": 1,
    }
    assert found.boxes_per_image == 2.5


def test_persons_are_told_apart_by_their_size() -> None:
    sizes = {one.name: one for one in diagnose(SEEN, SEEN, RULE).sizes}
    assert [sizes[name].persons for name in ("small", "medium", "large")] == [1, 2, 1]
    assert sizes["small"].ap == pytest.approx(1)
    assert sizes["medium"].ap == pytest.approx(0)
    nobody = diagnose(SEEN, see(TRUTH[:1], FOUND[:1], 0.4), RULE)
    assert nobody.sizes[2].ap is None


def test_the_study_s_rule_comes_first_and_each_keeps_its_floor() -> None:
    points = diagnose(SEEN, SEEN, RULE).points
    assert [one.rule.rule for one in points] == ["precision_floor", "f1", "recall_floor"]
    assert points[0].precision >= 0.6
    assert points[2].recall >= 0.5
    assert not points[2].out_of_reach


def test_a_floor_out_of_reach_is_said_to_be() -> None:
    points = diagnose(SEEN, SEEN, OperatingPoint(rule="recall_floor", floor=0.9)).points
    assert points[0].out_of_reach
    assert not any(point.out_of_reach for point in points[1:])


def test_a_point_s_precision_and_recall_are_those_of_val() -> None:
    for point in diagnose(SEEN, see(TRUTH, detections(), 0.4), RULE).points:
        precision, recall = precision_and_recall(
            SEEN.matches, everyone(SEEN.matches), point.threshold
        )
        assert (point.precision, point.recall) == (precision[0], recall[0])


@pytest.mark.parametrize(
    "nothing", [detections(), detections(("a", 0, 0, 20, 20, 0.3), ("b", 9, 9, 20, 20, 0.005))]
)
def test_a_model_without_a_single_box_to_show_is_told_to_miss_everybody(
    nothing: pd.DataFrame,
) -> None:
    """Four persons are missed: a table without errors would praise a blind model."""
    found = diagnose(see(TRUTH, nothing, 0.4), see(TRUTH, nothing, 0.4), RULE)
    assert {one.name: one.count for one in found.errors} == {
        "Loc": 0,
        "Dupe": 0,
        "Bkg": 0,
        "Miss": 4,
    }
    assert all(one.cost is None for one in found.errors)
    assert found.boxes_per_image == 0


def test_a_model_without_a_single_detection_has_a_diagnosis() -> None:
    blind = see(TRUTH, detections(), 0.4)
    found = diagnose(blind, blind, RULE)
    assert (found.ece, found.bins) == (0.0, [])
    assert [size.persons for size in found.sizes] == [1, 2, 1]
    assert all(size.ap is None for size in found.sizes)
    for point in found.points:
        assert (point.threshold, point.precision, point.recall) == (LOWEST_THRESHOLD, 0, 0)


def test_a_split_without_a_person_has_a_diagnosis() -> None:
    nobody = boxes(("a", *[np.nan] * 4), ("b", *[np.nan] * 4))
    found = diagnose(SEEN, see(nobody, FOUND, 0.4), RULE)
    assert all((size.persons, size.ap) == (0, None) for size in found.sizes)


def test_confidences_that_tell_the_truth_are_calibrated() -> None:
    rng = np.random.default_rng(0)
    truth, found = [], []
    for number in range(400):
        confidence = rng.uniform(0.05, 0.95)
        truth.append((f"{number}", 0, 0, 50, 50))
        shift = 0 if rng.random() < confidence else 200
        found.append((f"{number}", shift, 0, 50 + shift, 50, confidence))
    seen = see(boxes(*truth), detections(*found), 0.4)
    assert diagnose(seen, seen, RULE).ece < 0.08


def test_confidences_that_promise_too_much_are_not_calibrated() -> None:
    truth = boxes(*((f"{n}", 0, 0, 50, 50) for n in range(100)))
    found = detections(
        *((f"{n}", 200 * (n % 2), 0, 50 + 200 * (n % 2), 50, 0.95) for n in range(100))
    )
    seen = see(truth, found, 0.4)
    assert diagnose(seen, seen, RULE).ece == pytest.approx(0.45, abs=0.05)
