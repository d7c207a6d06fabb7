"""How a model errs: other operating points, calibration, kinds of error, sizes of persons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast

import numpy as np
import pandas as pd

from promotion.detection.detector import MOST_BOXES
from promotion.detection.evaluation import (
    LOWEST_THRESHOLD,
    choose_threshold,
    coco_evaluation,
    curve_of,
)
from promotion.detection.seen import Seen
from promotion.facts import Fact
from promotion.metrics import precision_and_recall
from promotion.study.policy import OperatingPoint

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


class RulePoint(Fact):
    """The operating point that a rule chooses on val, with precision and recall there."""

    rule: OperatingPoint
    threshold: float
    precision: float
    recall: float

    @property
    def out_of_reach(self) -> bool:
        """Whether no threshold reaches the rule's floor, so that this is the nearest point."""
        held = self.recall if self.rule.rule == "recall_floor" else self.precision
        return self.rule.floor is not None and held < self.rule.floor


class Bin(Fact):
    """Detections of about the same confidence: its mean, the share that is right, their number."""

    confidence: float
    right: float
    count: int


class ErrorKind(Fact):
    """One kind of error: how often it occurs, and the AP@50 that mending it would give.

    The latter is None where there is no detection to tell it from.
    """

    name: str
    count: int
    cost: float | None


class SizeFacts(Fact):
    """Persons of one size: their number, and the mAP@50-95 on them (None: there is none)."""

    name: str
    persons: int
    ap: float | None


class Diagnosis(Fact):
    """What the numbers of a model hide, on test; `points` are on val.

    `ece` is the expected calibration error; `boxes_per_image` is at the operating threshold, and
    `most_boxes` what the detector can show at most.
    """

    points: list[RulePoint]
    ece: float
    bins: list[Bin]
    errors: list[ErrorKind]
    sizes: list[SizeFacts]
    boxes_per_image: float
    most_boxes: int


def diagnose(val: Seen, test: Seen, rule: OperatingPoint) -> Diagnosis:
    """Diagnose a model from what it saw on val and on test."""
    usable = test.detections[test.detections["confidence"] >= LOWEST_THRESHOLD]
    ece, bins = _calibration(test.ground_truth, usable)
    return Diagnosis(
        points=[_point(val, other) for other in _rules(rule)],
        ece=ece,
        bins=bins,
        errors=_errors(test.ground_truth, test.shown),
        sizes=_sizes(test.ground_truth, test.detections),
        boxes_per_image=len(test.shown) / test.images,
        most_boxes=MOST_BOXES,
    )


def _rules(chosen: OperatingPoint) -> Sequence[OperatingPoint]:
    """The study's rule first, then the others, with a floor of one half."""
    others = [
        OperatingPoint(rule=name, floor=None if name == "f1" else USUAL_FLOOR) for name in RULES
    ]
    return [chosen, *(other for other in others if other.rule != chosen.rule)]


def _point(val: Seen, rule: OperatingPoint) -> RulePoint:
    threshold = choose_threshold(curve_of(val.matches), rule)
    precision, recall = precision_and_recall(val.matches, np.ones((1, val.images)), threshold)
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
        missed = len(truth.dropna())
        return [
            ErrorKind(name=name, count=missed if name == "Miss" else 0, cost=None)
            for name in ERROR_KINDS
        ]
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
