"""Evaluates a detector on a split: its detections, its curve, and its operating point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import hotcoco
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from promotion.datasets.yolo import read_image
from promotion.detection.detector import Detections, Detector
from promotion.detection.matching import CORNERS, match
from promotion.detection.seen import Seen
from promotion.metrics import Matches
from promotion.study.policy import OperatingPoint

# An operating point below this is a detector that shows everything; the policy never chooses it.
LOWEST_THRESHOLD = 0.01


@dataclass(frozen=True)
class Curve:
    """Precision and recall at IoU 0.5 for every confidence that occurs, highest first."""

    confidence: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]


def detect_split(detector: Detector, images: Sequence[Path]) -> pd.DataFrame:
    """All detections of a split, one row a box: image, x0, y0, x1, y1 (pixels), confidence."""
    return tabulate(lambda path: detector.detect(read_image(path)), images)


def tabulate(look: Callable[[Path], Detections], images: Sequence[Path]) -> pd.DataFrame:
    """What a model sees on each picture, as `detect_split` gives it; `look` shows it one."""
    parts = []
    for path in images:
        found = look(path)
        part = pd.DataFrame(found.boxes.astype(float), columns=CORNERS)
        part.insert(0, "image", path.name)
        parts.append(part.assign(confidence=found.confidences.astype(float)))
    return pd.concat(parts, ignore_index=True)


def coco_evaluation(
    ground_truth: pd.DataFrame, detections: pd.DataFrame
) -> hotcoco.COCOeval | None:
    """hotcoco's evaluation of a split, accumulated; None without a person or without a box."""
    names = {name: number for number, name in enumerate(sorted(ground_truth["image"].unique()), 1)}
    persons = ground_truth.dropna()
    truth = hotcoco.COCO(
        {
            "images": [{"id": number} for number in names.values()],
            "categories": [{"id": 1, "name": "person"}],
            "annotations": [
                {"id": number, "image_id": names[str(image)], "category_id": 1, "iscrowd": 0}
                | {"bbox": [x0, y0, x1 - x0, y1 - y0], "area": (x1 - x0) * (y1 - y0)}
                for number, (image, x0, y0, x1, y1) in enumerate(
                    persons.itertuples(index=False, name=None), start=1
                )
            ],
        }
    )
    if persons.empty or detections.empty:
        return None
    size = detections[["x1", "y1"]].to_numpy() - detections[["x0", "y0"]].to_numpy()
    rows = np.column_stack(
        [
            detections["image"].map(names),
            detections[["x0", "y0"]],
            size,
            detections["confidence"],
            np.ones(len(detections)),
        ]
    )
    evaluation = hotcoco.COCOeval(truth, truth.load_res(rows.astype(float)), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    return evaluation


def curve_of(matches: Matches) -> Curve:
    """The precision–recall curve at IoU 0.5; equal confidences share one point."""
    last_of_ties = np.append(
        np.flatnonzero(np.diff(matches.confidence)), len(matches.confidence) - 1
    )
    if not len(matches.confidence):
        last_of_ties = np.zeros(0, int)
    hits = np.cumsum(matches.found[0])[last_of_ties]
    return Curve(
        matches.confidence[last_of_ties],
        hits / (last_of_ties + 1),
        hits / max(1, int(matches.persons.sum())),
    )


def choose_threshold(curve: Curve, rule: OperatingPoint) -> float:
    """The confidence threshold that the policy's rule chooses on a curve (of val).

    `f1` maximises F1; `precision_floor` the recall among points at or above the floor of precision;
    `recall_floor` the reverse. Where no point reaches the floor, the nearest to it is taken. The
    threshold is never below 0.01: at confidence zero every box is kept, and precision and recall
    describe no usable detector.
    """
    usable = curve.confidence >= LOWEST_THRESHOLD
    if not usable.any():
        return LOWEST_THRESHOLD
    confidence, precision, recall = (
        values[usable] for values in (curve.confidence, curve.precision, curve.recall)
    )
    if rule.rule == "f1":
        total = precision + recall
        score = np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)
    else:
        held, free = (precision, recall) if rule.rule == "precision_floor" else (recall, precision)
        score = np.where(held >= (rule.floor or 0), 1 + free, held)
    return float(confidence[int(np.argmax(score))])


def evaluate(
    detector: Detector, images: Sequence[Path], ground_truth: pd.DataFrame, rule: OperatingPoint
) -> Seen:
    """What a model sees on val, at the operating threshold that the rule chooses there."""
    detections = detect_split(detector, images)
    matches = match(ground_truth, detections)
    return Seen(ground_truth, detections, choose_threshold(curve_of(matches), rule), matches)
