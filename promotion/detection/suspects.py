"""Labels that the models themselves put in doubt, and what is seen without them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from promotion.detection.evaluation import coco_evaluation
from promotion.detection.matching import CORNERS, pairwise_iou
from promotion.detection.seen import Seen, see
from promotion.facts import Fact

# As sure as a model has to be for its false alarm to be held against the annotation.
SURE = 0.5
# Two boxes are of one thing.
SAME_IOU = 0.5


class SuspectedLabel(Fact):
    """A box where an annotation is suspected to be wrong, in pixels of its image.

    `kind` is hotcoco's: with a single class `missing_annotation`, a sure detection where nothing is
    annotated. `score` is the highest confidence of the `runs` that show it.
    """

    image: str
    kind: str
    box: tuple[float, float, float, float]
    score: float
    runs: int


def suspected_labels(runs: Sequence[Seen]) -> list[SuspectedLabel]:
    """What more than half of these runs hold against the annotations of their split, surest first.

    Of each run, hotcoco's image diagnostics are asked, from a confidence of 0.5 and of its
    operating threshold on. As more than half must agree, no one of two equally large sides has the
    word.
    """
    by_image: dict[str, list[list[tuple[int, SuspectedLabel]]]] = {}
    doubts = [(number, one) for number, run in enumerate(runs) for one in _doubts(run)]
    for number, one in sorted(doubts, key=lambda doubt: -doubt[1].score):
        bundles = by_image.setdefault(one.image, [])
        known = next((bundle for bundle in bundles if _same(bundle[0][1], one)), None)
        if known is None:
            bundles.append([(number, one)])
        else:
            known.append((number, one))
    found = [
        bundle[0][1].model_copy(update={"runs": len({number for number, _ in bundle})})
        for bundles in by_image.values()
        for bundle in bundles
    ]
    agreed = [one for one in found if 2 * one.runs > len(runs)]
    return sorted(agreed, key=lambda one: -one.score)


def without_suspects(seen: Seen, suspects: Sequence[SuspectedLabel]) -> Seen:
    """The same run, where a detection of what is suspected to be unannotated counts for nothing.

    A detection that finds an annotated person stays what it is.
    """
    finds = np.zeros(len(seen.detections), bool)
    finds[seen.matches.row[seen.matches.person >= 0]] = True
    names = seen.detections["image"].to_numpy()
    corners = seen.detections[CORNERS].to_numpy(float)
    left = np.ones(len(finds), bool)
    for image in {one.image for one in suspects}:
        here = np.flatnonzero((names == image) & ~finds)
        boxes = _boxes([one for one in suspects if one.image == image])
        left[here[(pairwise_iou(corners[here], boxes) >= SAME_IOU).any(axis=1)]] = False
    again = see(seen.ground_truth, seen.detections[left], seen.threshold)
    return replace(again, groups=seen.groups)


def _doubts(run: Seen) -> Iterator[SuspectedLabel]:
    """The label errors that hotcoco suspects by one run."""
    evaluation = coco_evaluation(run.ground_truth, run.detections)
    if evaluation is None:
        return
    found = evaluation.image_diagnostics(iou_thr=SAME_IOU, score_thr=max(SURE, run.threshold))
    corners = run.detections[CORNERS].to_numpy(float)
    for one in found["label_errors"]:
        x0, y0, x1, y1 = corners[one["dt_id"] - 1].tolist()
        yield SuspectedLabel(
            image=run.matches.images[one["image_id"] - 1],
            kind=one["type"],
            box=(x0, y0, x1, y1),
            score=one["dt_score"],
            runs=1,
        )


def _same(one: SuspectedLabel, other: SuspectedLabel) -> bool:
    return bool(pairwise_iou(_boxes([one]), _boxes([other]))[0, 0] >= SAME_IOU)


def _boxes(suspects: Sequence[SuspectedLabel]) -> NDArray[np.float64]:
    return np.array([one.box for one in suspects], float)
