"""Matches detections to persons by COCO's rules, once a run; all metrics are sums over matches."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from promotion.metrics import Matches

CORNERS = ["x0", "y0", "x1", "y1"]
IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
MOST_DETECTIONS = 100

_NONE = np.zeros(0, np.int64)
_NO_DETECTION = (_NONE, np.zeros(0), np.zeros((len(IOU_THRESHOLDS), 0), bool), _NONE, _NONE)


def match(ground_truth: pd.DataFrame, detections: pd.DataFrame) -> Matches:
    """Match a split's detections to its persons, greedily by confidence, as pycocotools does.

    `ground_truth` has image, x0, y0, x1, y1 (missing coordinates: an image without a person);
    `detections` has the same and confidence. At most 100 detections an image count.

    Raises:
        ValueError: detections on an image that the ground truth does not have.
    """
    images = tuple(sorted(ground_truth["image"].unique()))
    unknown = set(detections["image"]) - set(images)
    if unknown:
        raise ValueError(f"detections on images without ground truth: {sorted(unknown)[:3]}")
    # Rows are named by their places, whatever index the tables came with.
    truth = dict(list(ground_truth.reset_index(drop=True).groupby("image")))
    seen = dict(list(detections.reset_index(drop=True).groupby("image")))
    parts = []
    persons = np.zeros(len(images), np.int64)
    for index, name in enumerate(images):
        annotated = truth[name].dropna(subset=CORNERS)
        persons[index] = len(annotated)
        if name not in seen:
            continue
        shown = seen[name].sort_values("confidence", ascending=False, kind="stable")
        shown = shown[:MOST_DETECTIONS]
        found, owner = _match_image(
            annotated[CORNERS].to_numpy(float), shown[CORNERS].to_numpy(float)
        )
        rows = np.append(annotated.index.to_numpy(np.int64), -1)
        parts.append(
            (
                np.full(len(shown), index),
                shown["confidence"].to_numpy(float),
                found,
                shown.index.to_numpy(np.int64),
                rows[owner],
            )
        )
    parts.append(_NO_DETECTION)
    image, confidence, found, row, person = (
        np.concatenate(part, axis=-1) for part in zip(*parts, strict=True)
    )
    order = np.argsort(-confidence, kind="stable")
    return Matches(
        images,
        persons,
        image[order],
        confidence[order],
        found[:, order],
        row[order],
        person[order],
    )


def pairwise_iou(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of boxes (n, 4) and (m, 4): an (n, m) array."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    area_one = np.prod(one[:, 2:] - one[:, :2], axis=1)
    area_other = np.prod(other[:, 2:] - other[:, :2], axis=1)
    union = area_one[:, None] + area_other[None] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))


def _match_image(
    persons: NDArray[np.float64], boxes: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Whether each box (most confident first) finds a free person, for each IoU: (10, n).

    Also which person it finds at the lowest IoU (n,), or −1.
    """
    found = np.zeros((len(IOU_THRESHOLDS), len(boxes)), bool)
    owner = np.full(len(boxes), -1)
    overlap = pairwise_iou(boxes, persons)
    for level, threshold in enumerate(IOU_THRESHOLDS):
        free = np.ones(len(persons), bool)
        for box in np.flatnonzero((overlap >= threshold).any(axis=1)):
            candidates = np.where(free & (overlap[box] >= threshold), overlap[box], -1.0)
            # Of equal overlaps pycocotools takes the last person.
            best = len(candidates) - 1 - int(np.argmax(candidates[::-1]))
            if candidates[best] > 0:
                free[best] = False
                found[level, box] = True
                if level == 0:
                    owner[box] = best
    return found, owner
