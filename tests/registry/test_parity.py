"""Parity: the model that serves sees what the checkpoint saw that was trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from promotion.checksums import sha256_of
from promotion.datasets import PreparedDataset, ground_truth, images_of
from promotion.registry import open_onnx
from promotion.registry.parity import LEAST_SHARE, MOST_MAP_GAP, Parity, measure_parity

THRESHOLD = 0.1


def measured(
    starter: Path, streets: PreparedDataset, imgsz: int, threshold: float = THRESHOLD
) -> Parity:
    return measure_parity(
        open_onnx(starter, sha256_of(starter)),
        starter.with_name("starter.pt"),
        imgsz,
        images_of(streets.folder, "val"),
        ground_truth(streets.folder, "val"),
        threshold,
    )


@pytest.mark.slow
def test_an_export_sees_what_its_checkpoint_sees(starter: Path, streets: PreparedDataset) -> None:
    found = measured(starter, streets, 384)
    assert found.images == 4
    assert found.boxes > 4
    assert found.passed, found
    assert found.median_iou > 0.99


@pytest.mark.slow
def test_an_export_of_another_size_does_not_pass(starter: Path, streets: PreparedDataset) -> None:
    """The fault that parity is there to find: the right weights, exported with a wrong setting."""
    assert not measured(starter, streets, 96).passed


@pytest.mark.slow
def test_a_checkpoint_that_shows_nothing_leaves_nothing_to_disagree_on(
    starter: Path, streets: PreparedDataset
) -> None:
    found = measured(starter, streets, 384, threshold=1.0)
    assert (found.boxes, found.share, found.largest_confidence_gap) == (0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("share", "gap", "passed"),
    [
        (LEAST_SHARE, 0.0, True),
        (LEAST_SHARE - 0.01, 0.0, False),
        (1.0, MOST_MAP_GAP / 2, True),
        (1.0, MOST_MAP_GAP * 2, False),
        (1.0, -MOST_MAP_GAP * 2, False),
    ],
)
def test_both_the_boxes_and_the_map_must_agree(share: float, gap: float, passed: bool) -> None:
    found = Parity(
        images=8,
        boxes=50,
        share=share,
        median_iou=1.0,
        largest_confidence_gap=0.0,
        checkpoint_map=0.5,
        registered_map=0.5 + gap,
    )
    assert found.passed is passed
