"""The starting model, untouched: the alternative that every training has to beat."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from promotion.detector import Detector
from promotion.evaluation import choose_threshold, curve_of, detect_split, evaluate
from promotion.evidence import MetricComparison, UntrainedFacts
from promotion.matching import match
from promotion.study import OperatingPoint

Split = tuple[Sequence[Path], pd.DataFrame]


@dataclass(frozen=True)
class Untrained:
    """What the starting model sees on val and on test, at the threshold that val chooses."""

    name: str
    threshold: float
    val_metrics: dict[str, float]
    test_metrics: dict[str, float]
    test_detections: pd.DataFrame

    def facts(self, comparison: Sequence[MetricComparison]) -> UntrainedFacts:
        """The facts for the evidence; `comparison` is the candidate less this model, on test."""
        return UntrainedFacts(
            name=self.name,
            val_metrics=self.val_metrics,
            test_metrics=self.test_metrics,
            comparison=list(comparison),
        )


def measure_untrained(
    name: str,
    start: Path,
    imgsz: int,
    folder: Path,
    val: Split,
    test: Split,
    rule: OperatingPoint,
) -> Untrained:
    """Export the starting checkpoint as a variant would be, and evaluate it alike.

    Class 0 of the checkpoint is taken for the person, as in COCO. `val` and `test` are the images
    and the ground truth of each split; `folder` receives the export.
    """
    # Importing torch takes seconds, and the other steps do without.
    from promotion.training import export_onnx

    checkpoint = Path(shutil.copy(start, folder / "untrained.pt"))
    detector = Detector(export_onnx(checkpoint, imgsz))
    on_val, on_test = (detect_split(detector, images) for images, _ in (val, test))
    threshold = choose_threshold(curve_of(match(val[1], on_val)), rule)
    return Untrained(
        name=name,
        threshold=threshold,
        val_metrics=evaluate(val[1], on_val, threshold),
        test_metrics=evaluate(test[1], on_test, threshold),
        test_detections=on_test,
    )
