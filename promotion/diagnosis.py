"""How a model errs: other operating points, calibration, kinds of error, sizes of persons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast

import numpy as np
import pandas as pd

from promotion.detector import MOST_BOXES
from promotion.evaluation import LOWEST_THRESHOLD, choose_threshold, coco_evaluation, curve_of
from promotion.evidence import Bin, Diagnosis, ErrorKind, RulePoint, SizeFacts
from promotion.matching import match, precision_and_recall
from promotion.study import OperatingPoint

RULES: tuple[Literal["f1", "precision_floor", "recall_floor"], ...] = (
    "f1",
    "precision_floor",
    "recall_floor",
)
USUAL_FLOOR = 0.5
# COCO's limits between small, medium and large, in square pixels.
AREAS = {"small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, np.inf)}
# The kinds of TIDE (Bolya et al., ECCV 2020) that a single class can show.
ERROR_KINDS = ("Loc", "Dupe", "Bkg", "Miss")


def diagnose(
    val: tuple[pd.DataFrame, pd.DataFrame],
    test: tuple[pd.DataFrame, pd.DataFrame],
    threshold: float,
    rule: OperatingPoint,
) -> Diagnosis:
    """Diagnose a model from (ground truth, detections) on val and on test."""
    truth, detections = test
    shown = detections[detections["confidence"] >= threshold]
    images = truth["image"].nunique()
    usable = detections[detections["confidence"] >= LOWEST_THRESHOLD]
    ece, bins = _calibration(truth, usable)
    return Diagnosis(
        points=[_point(val, other) for other in _rules(rule)],
        ece=ece,
        bins=bins,
        errors=_errors(truth, shown),
        sizes=_sizes(truth, detections),
        boxes_per_image=len(shown) / images,
        most_boxes=MOST_BOXES,
    )


def _rules(chosen: OperatingPoint) -> Sequence[OperatingPoint]:
    """The study's rule first, then the others, with a floor of one half."""
    others = [
        OperatingPoint(rule=name, floor=None if name == "f1" else USUAL_FLOOR) for name in RULES
    ]
    return [chosen, *(other for other in others if other.rule != chosen.rule)]


def _point(val: tuple[pd.DataFrame, pd.DataFrame], rule: OperatingPoint) -> RulePoint:
    matches = match(*val)
    threshold = choose_threshold(curve_of(matches), rule)
    everyone = np.ones((1, len(matches.images)))
    precision, recall = precision_and_recall(matches, everyone, threshold)
    return RulePoint(
        rule=rule,
        threshold=threshold,
        precision=float(precision[0]),
        recall=float(recall[0]),
    )


def _calibration(truth: pd.DataFrame, detections: pd.DataFrame) -> tuple[float, list[Bin]]:
    evaluation = coco_evaluation(truth, detections)
    if evaluation is None:
        return 0.0, []
    found = evaluation.calibration()
    bins = [
        Bin(confidence=one["avg_confidence"], right=one["avg_accuracy"], count=one["count"])
        for one in found["bins"]
        if one["count"]
    ]
    return float(found["ece"]), bins


def _errors(truth: pd.DataFrame, shown: pd.DataFrame) -> list[ErrorKind]:
    evaluation = coco_evaluation(truth, shown)
    if evaluation is None:
        return []
    found = evaluation.tide_errors()
    return [
        ErrorKind(name=name, count=found["counts"][name], cost=found["delta_ap"][name])
        for name in ERROR_KINDS
    ]


def _sizes(truth: pd.DataFrame, detections: pd.DataFrame) -> list[SizeFacts]:
    persons = truth.dropna()
    areas = (persons["x1"] - persons["x0"]) * (persons["y1"] - persons["y0"])
    evaluation = coco_evaluation(truth, detections)
    precision = None
    if evaluation is not None:
        # Precision at (IoU, recall level, class, area, boxes an image); areas: all, then by size.
        precision = cast(dict[str, Any], evaluation.eval)["precision"][:, :, 0, 1:, -1]
    facts = []
    for number, (name, (low, high)) in enumerate(AREAS.items()):
        count = int(((areas >= low) & (areas < high)).sum())
        ap = float(precision[:, :, number].mean()) if precision is not None and count else None
        facts.append(SizeFacts(name=name, persons=count, ap=ap))
    return facts
