"""The starting model is measured as a variant is: training has to beat what is really there."""

from __future__ import annotations

from pathlib import Path

import pytest

from promotion.comparison.untrained import measure_untrained
from promotion.datasets import PreparedDataset, ground_truth, images_of
from promotion.detection import Detector, evaluate
from promotion.study import Model, OperatingPoint
from promotion.training import starting_weights
from tests.builders import STARTER, compared

pytestmark = pytest.mark.slow


def test_the_starting_model_sees_what_its_export_sees_at_the_threshold_that_val_chose(
    streets: PreparedDataset, detectors: dict[int, Detector], tmp_path: Path
) -> None:
    val, test = (
        (images_of(streets.folder, split), ground_truth(streets.folder, split))
        for split in ("val", "test")
    )
    start = starting_weights(Model(weights=STARTER), tmp_path)
    before = start.read_bytes()
    found = measure_untrained("start", start, 96, tmp_path, val, test, OperatingPoint())
    assert start.read_bytes() == before
    expected = evaluate(detectors[96], *val, OperatingPoint())
    assert found.val.metrics() == pytest.approx(expected.metrics())
    assert found.test.threshold == found.val.threshold
    facts = found.facts([compared("mAP50", 0.1, 0.99)])
    assert facts.test_metrics == found.test.metrics()
    assert facts.difference("mAP50").difference == 0.1
