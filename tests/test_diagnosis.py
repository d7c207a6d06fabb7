from __future__ import annotations

import numpy as np
import pytest

from promotion.comparison.statistics import precision_band
from promotion.detection.diagnosis import diagnose
from promotion.detection.matching import match
from promotion.metrics import RECALL_LEVELS
from promotion.report import plots, tables
from promotion.study.policy import OperatingPoint
from tests.conftest import boxes, detections

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


def test_each_kind_of_error_is_counted() -> None:
    found = diagnose((TRUTH, FOUND), (TRUTH, FOUND), 0.4, RULE)
    assert {one.name: one.count for one in found.errors} == {
        "Loc": 1,
        "Dupe": 1,
        "Bkg": 1,
        "Miss": 1,
    }
    assert found.boxes_per_image == 2.5


def test_persons_are_told_apart_by_their_size() -> None:
    sizes = {one.name: one for one in diagnose((TRUTH, FOUND), (TRUTH, FOUND), 0.4, RULE).sizes}
    assert [sizes[name].persons for name in ("small", "medium", "large")] == [1, 2, 1]
    assert sizes["small"].ap == pytest.approx(1)
    assert sizes["medium"].ap == pytest.approx(0)
    nobody = diagnose((TRUTH, FOUND), (TRUTH[:1], FOUND[:1]), 0.4, RULE)
    assert nobody.sizes[2].ap is None


def test_the_study_s_rule_comes_first_and_each_keeps_its_floor() -> None:
    points = diagnose((TRUTH, FOUND), (TRUTH, FOUND), 0.4, RULE).points
    assert [one.rule.rule for one in points] == ["precision_floor", "f1", "recall_floor"]
    assert points[0].precision >= 0.6
    assert points[2].recall >= 0.5
    assert not points[2].out_of_reach


def test_a_floor_out_of_reach_is_said_to_be() -> None:
    rule = OperatingPoint(rule="recall_floor", floor=0.9)
    found = diagnose((TRUTH, FOUND), (TRUTH, FOUND), 0.4, rule)
    assert found.points[0].out_of_reach
    assert "hors d’atteinte" in tables.points(found).index[0]


def test_a_model_that_shows_nothing_has_a_diagnosis() -> None:
    found = diagnose((TRUTH, FOUND), (TRUTH, detections()), 0.4, RULE)
    assert (found.ece, found.bins, found.errors, found.boxes_per_image) == (0.0, [], [], 0.0)


def test_confidences_that_tell_the_truth_are_calibrated() -> None:
    rng = np.random.default_rng(0)
    truth, found = [], []
    for number in range(400):
        confidence = rng.uniform(0.05, 0.95)
        truth.append((f"{number}", 0, 0, 50, 50))
        shift = 0 if rng.random() < confidence else 200
        found.append((f"{number}", shift, 0, 50 + shift, 50, confidence))
    table = (boxes(*truth), detections(*found))
    assert diagnose(table, table, 0.4, RULE).ece < 0.08


def test_the_band_holds_the_curve_and_narrows_with_more_images() -> None:
    rng = np.random.default_rng(0)

    def width(images: int) -> float:
        truth = boxes(*((str(n), 0, 0, 50, 50) for n in range(images)))
        shifts = np.random.default_rng(1).random(images) < 0.4
        found = detections(
            *(
                (str(n), 200 * s, 0, 50 + 200 * s, 50, c)
                for n, s, c in zip(range(images), shifts, rng.random(images), strict=True)
            )
        )
        low, high = precision_band(match(truth, found), 0.95, rng, 200)
        assert low.shape == high.shape == RECALL_LEVELS.shape
        assert (low <= high).all()
        return float((high - low).mean())

    assert width(400) < width(40)


def test_tables_and_plots_show_a_diagnosis() -> None:
    found = diagnose((TRUTH, FOUND), (TRUTH, FOUND), 0.4, RULE)
    assert len(tables.points(found)) == 3
    assert len(tables.error_kinds({"a": found, "b": found})) == 4
    assert len(tables.sizes({"a": found})) == 3
    assert plots.reliability({"a": (found, plots.CANDIDATE)}).axes
