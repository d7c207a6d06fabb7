"""Matches detections to persons by COCO's rules, once a run; all metrics are sums over matches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
MOST_DETECTIONS = 100


@dataclass(frozen=True)
class Matches:
    """All detections of a split, most confident first, and whether each one finds a person.

    `images` (I,) names the images and `persons` (I,) counts the persons in each; per detection,
    `image` (D,) is an index into them, `confidence` (D,) its confidence, and `found` (10, D)
    whether it matches a person at IoU 0.50, 0.55, … 0.95.
    """

    images: tuple[str, ...]
    persons: NDArray[np.int64]
    image: NDArray[np.int64]
    confidence: NDArray[np.float64]
    found: NDArray[np.bool_]


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
    corners = ["x0", "y0", "x1", "y1"]
    truth = {
        name: part[corners].dropna().to_numpy(float) for name, part in ground_truth.groupby("image")
    }
    seen = dict(list(detections.groupby("image")))
    persons, owners, confidences, founds = [], [], [], []
    for index, name in enumerate(images):
        boxes = truth[name]
        persons.append(len(boxes))
        if name not in seen:
            continue
        part = seen[name].sort_values("confidence", ascending=False, kind="stable")[
            :MOST_DETECTIONS
        ]
        owners.append(np.full(len(part), index))
        confidences.append(part["confidence"].to_numpy(float))
        founds.append(_match_image(boxes, part[corners].to_numpy(float)))
    if not owners:
        none = np.zeros(0)
        return Matches(
            images,
            np.array(persons),
            none.astype(int),
            none,
            np.zeros((len(IOU_THRESHOLDS), 0), bool),
        )
    confidence = np.concatenate(confidences)
    order = np.argsort(-confidence, kind="stable")
    return Matches(
        images,
        np.array(persons),
        np.concatenate(owners)[order],
        confidence[order],
        np.concatenate(founds, axis=1)[:, order],
    )


def precision_and_recall(
    matches: Matches, weights: NDArray[np.float64], threshold: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Precision and recall at IoU 0.5 of the detections with at least `threshold` confidence.

    `weights` (replicates, images) count each image; both have shape (replicates,). A detector that
    shows nothing has precision 0; without a person recall is NaN.
    """
    kept = matches.confidence >= threshold
    images = len(matches.images)
    shown = np.bincount(matches.image[kept], minlength=images)
    hits = np.bincount(matches.image[kept & matches.found[0]], minlength=images)
    found, boxes = weights @ hits, weights @ shown
    precision = np.divide(found, boxes, out=np.zeros_like(found), where=boxes > 0)
    with np.errstate(invalid="ignore"):
        return precision, found / (weights @ matches.persons)


def pairwise_iou(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of boxes (n, 4) and (m, 4): an (n, m) array."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    area_one = np.prod(one[:, 2:] - one[:, :2], axis=1)
    area_other = np.prod(other[:, 2:] - other[:, :2], axis=1)
    union = area_one[:, None] + area_other[None] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))


def _match_image(persons: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each box (most confident first) finds a free person, for each IoU: (10, n)."""
    found = np.zeros((len(IOU_THRESHOLDS), len(boxes)), bool)
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
    return found
