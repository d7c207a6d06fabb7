"""Boxes are matched to persons by COCO's rules, and each match says which row it came from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promotion.detection import match, pairwise_iou
from promotion.detection.matching import IOU_THRESHOLDS
from tests.builders import boxes, detections, random_split


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


def test_at_most_a_hundred_boxes_of_a_picture_count() -> None:
    """As in COCO: who floods a picture with boxes gains nothing."""
    noise = [("a", 50, 50, 60, 60, 0.9)] * 100
    matches = match(boxes(("a", 0, 0, 10, 10)), detections(*noise, ("a", 0, 0, 10, 10, 0.5)))
    assert len(matches.confidence) == 100
    assert not matches.found.any()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 100_000), st.booleans())
def test_a_match_names_the_rows_of_its_box_and_of_its_person(seed: int, ties: bool) -> None:
    """Pictures with their boxes would otherwise show other boxes than those that were counted."""
    truth, found = random_split(seed, ties)
    # Tables that were filtered keep an index of their own; rows are places all the same.
    truth.index, found.index = truth.index[::-1], found.index + 100
    matches = match(truth, found)
    names = np.array(matches.images)[matches.image]
    corners = ["x0", "y0", "x1", "y1"]
    assert (found["image"].to_numpy()[matches.row] == names).all()
    assert (found["confidence"].to_numpy()[matches.row] == matches.confidence).all()
    hits = matches.found[0]
    assert ((matches.person >= 0) == hits).all()
    persons = matches.person[hits]
    assert len(set(persons)) == len(persons)
    assert (truth["image"].to_numpy()[persons] == names[hits]).all()
    ours = found[corners].to_numpy()[matches.row[hits]]
    theirs = truth[corners].to_numpy()[persons]
    assert (np.diag(pairwise_iou(ours, theirs)) >= 0.5).all() if hits.any() else True
