"""What a model saw is one value: its metrics, its pictures and its counts never disagree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promotion.detection import CORNERS, see, telling_images
from promotion.metrics import METRICS
from tests.builders import boxes, detections, random_split

NOWHERE = (np.nan, np.nan, np.nan, np.nan)
TRUTH = boxes(
    ("a", 0, 0, 10, 10),
    ("a", 20, 20, 40, 40),
    ("b", *NOWHERE),
    ("c", 0, 0, 50, 50),
)
FOUND = detections(
    ("a", 0, 0, 10, 10, 0.9),
    ("a", 50, 50, 60, 60, 0.6),
    ("a", 20, 20, 40, 40, 0.3),
    ("b", 5, 5, 9, 9, 0.8),
)


def test_the_lab_s_metrics_and_the_threshold_are_named() -> None:
    metrics = see(TRUTH, FOUND, 0.5).metrics()
    assert set(metrics) == {*METRICS, "threshold"}
    assert (metrics["precision"], metrics["recall"]) == (pytest.approx(1 / 3),) * 2
    assert metrics["threshold"] == 0.5


def test_what_is_shown_has_at_least_the_threshold() -> None:
    assert see(TRUTH, FOUND, 0.6).shown["confidence"].tolist() == [0.9, 0.6, 0.8]


def test_an_image_without_a_person_counts_as_an_image() -> None:
    assert see(TRUTH, FOUND, 0.5).images == 3


def rows(part: np.ndarray) -> list[list[float]]:
    return part.tolist()


def test_a_picture_shows_persons_found_persons_missed_and_false_alarms() -> None:
    found, missed, false = see(TRUTH, FOUND, 0.5).on_picture("a")
    assert rows(found) == [[0, 0, 10, 10]]
    assert rows(missed) == [[20, 20, 40, 40]]
    assert rows(false) == [[50, 50, 60, 60]]


def test_a_lower_threshold_shows_more_of_the_picture() -> None:
    found, missed, _ = see(TRUTH, FOUND, 0.2).on_picture("a")
    assert rows(found) == [[0, 0, 10, 10], [20, 20, 40, 40]]
    assert rows(missed) == []


def test_a_picture_without_a_person_can_only_hold_false_alarms() -> None:
    found, missed, false = see(TRUTH, FOUND, 0.5).on_picture("b")
    assert rows(found) == rows(missed) == []
    assert rows(false) == [[5, 5, 9, 9]]


def test_a_picture_on_which_nothing_is_shown_only_misses() -> None:
    found, missed, false = see(TRUTH, FOUND, 0.5).on_picture("c")
    assert (rows(found), rows(missed), rows(false)) == ([], [[0, 0, 50, 50]], [])
    blind = see(TRUTH, detections(), 0.5).on_picture("a")
    assert [len(part) for part in blind] == [0, 2, 0]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 100_000), st.floats(0.01, 0.99))
def test_the_pictures_add_up_to_the_metrics(seed: int, threshold: float) -> None:
    """A reader who counts the boxes drawn finds the precision and the recall that are told."""
    truth, boxes_found = random_split(seed, ties=False)
    seen = see(truth, boxes_found, threshold)
    parts = [[len(part) for part in seen.on_picture(image)] for image in seen.matches.images]
    found, missed, false = (sum(column) for column in zip(*parts, strict=True))
    assert found + missed == len(truth.dropna())
    assert found + false == len(seen.shown)
    assert seen.balance().sum() == found - false
    metrics = seen.metrics()
    if found + missed:
        assert metrics["recall"] == pytest.approx(found / (found + missed))
    assert metrics["precision"] == pytest.approx(found / max(1, found + false))


def paths(names: str) -> list[Path]:
    return [Path("test") / name for name in names]


def test_the_telling_images_are_the_best_the_worst_and_the_fullest() -> None:
    """In this order, whatever the folder's: the pages name them so."""
    truth = boxes(*((name, 0, 0, 10, 10) for name in "bcd"), *[("a", 20, 20, 30, 30)] * 3)
    gains = detections(("d", 0, 0, 10, 10, 0.9), ("c", 50, 50, 60, 60, 0.9))
    told = telling_images(paths("abcd"), see(truth, gains, 0.5), see(truth, detections(), 0.5))
    assert list(told.items()) == [
        (Path("test/d"), ["best"]),
        (Path("test/c"), ["worst"]),
        (Path("test/a"), ["fullest"]),
    ]


def test_an_image_that_tells_twice_is_shown_once() -> None:
    truth = boxes(("a", 0, 0, 10, 10))
    one = see(truth, detections(), 0.5)
    assert telling_images(paths("a"), one, one) == {Path("test/a"): ["best", "worst", "fullest"]}


def test_detections_on_unknown_images_are_refused() -> None:
    with pytest.raises(ValueError, match="without ground truth"):
        see(TRUTH, detections(("z", 0, 0, 1, 1, 0.5)), 0.5)


def test_the_tables_stay_as_they_came() -> None:
    seen = see(TRUTH, FOUND, 0.5)
    pd.testing.assert_frame_equal(seen.detections[CORNERS], FOUND[CORNERS])
    assert seen.ground_truth is TRUTH
