"""The starting model, untouched: the alternative that every training has to beat."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from promotion.comparison.bootstrap import MetricComparison
from promotion.comparison.evidence import UntrainedFacts
from promotion.detection import Detector, Seen, detect_split, evaluate, see
from promotion.study import OperatingPoint
from promotion.training import person_class

Split = tuple[Sequence[Path], pd.DataFrame]


@dataclass(frozen=True)
class Untrained:
    """What the starting model sees on val and on test, at the threshold that val chooses.

    `person_class` is the name of the class of its own that stands for a person.
    """

    name: str
    person_class: str
    val: Seen
    test: Seen

    def facts(self, comparison: Sequence[MetricComparison]) -> UntrainedFacts:
        """The facts for the evidence; `comparison` is the candidate less this model, on test."""
        return UntrainedFacts(
            name=self.name,
            person_class=self.person_class,
            val_metrics=self.val.metrics(),
            test_metrics=self.test.metrics(),
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

    `val` and `test` are the images and the ground truth of each split; `folder` receives the
    export.

    Raises:
        PromotionError: none of the checkpoint's classes stands for a person.
    """
    # Importing torch takes seconds, and the other steps do without.
    from promotion.training.trainer import export_onnx
    from promotion.training.yolo import class_names

    checkpoint = Path(shutil.copy(start, folder / "untrained.pt"))
    names = class_names(checkpoint)
    person = person_class(names)
    detector = Detector(export_onnx(checkpoint, imgsz), person=person)
    on_val = evaluate(detector, *val, rule)
    on_test = see(test[1], detect_split(detector, test[0]), on_val.threshold)
    return Untrained(name, names[person], on_val, on_test)
