"""Parity: does the model that serves see what the checkpoint saw that was trained?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from promotion.detection import (
    CORNERS,
    LOWEST_CONFIDENCE,
    NMS_IOU,
    Detections,
    pairwise_iou,
    see,
    tabulate,
)
from promotion.facts import Fact
from promotion.registry.contender import Contender
from promotion.registry.serving import PersonDetector

# Both run the same weights; what differs is rounding, resizing and the order of equal boxes.
LEAST_IOU = 0.9
MOST_CONFIDENCE_GAP = 0.05
LEAST_SHARE = 0.99
MOST_MAP_GAP = 0.01


class Parity(Fact):
    """The registered model against its checkpoint on val.

    Of the `boxes` that the checkpoint shows at the operating threshold, `share` have a box of the
    registered model with IoU at least 0.9 and a confidence at most 0.05 away.
    """

    images: int
    boxes: int
    share: float
    median_iou: float
    largest_confidence_gap: float
    checkpoint_map: float
    registered_map: float

    @property
    def map_gap(self) -> float:
        """How much mAP@50 differs, in absolute value."""
        return abs(self.registered_map - self.checkpoint_map)

    @property
    def passed(self) -> bool:
        """Whether the registered model may stand for its checkpoint."""
        return self.share >= LEAST_SHARE and self.map_gap <= MOST_MAP_GAP


def measure_parity(
    registered: PersonDetector,
    checkpoint: Path,
    imgsz: int,
    images: Sequence[Path],
    ground_truth: pd.DataFrame,
    threshold: float,
) -> Parity:
    """Show both models the same pictures and compare their boxes."""
    served = _seen_by_registered(registered, images)
    trained = _seen_by_checkpoint(checkpoint, imgsz, images)
    shown = trained[trained["confidence"] >= threshold]
    overlaps, gaps = _nearest(shown, served)
    agree = (overlaps >= LEAST_IOU) & (gaps <= MOST_CONFIDENCE_GAP)
    return Parity(
        images=len(images),
        boxes=len(shown),
        share=float(agree.mean()) if len(shown) else 1.0,
        median_iou=float(np.median(overlaps)) if len(shown) else 1.0,
        largest_confidence_gap=float(gaps.max(initial=0.0)),
        checkpoint_map=see(ground_truth, trained, threshold).metrics()["mAP50"],
        registered_map=see(ground_truth, served, threshold).metrics()["mAP50"],
    )


def _seen_by_registered(model: PersonDetector, images: Sequence[Path]) -> pd.DataFrame:
    contender = Contender("registered", model, LOWEST_CONFIDENCE)

    def look(path: Path) -> Detections:
        found = contender.see(path.read_bytes())
        return Detections(
            found[CORNERS].to_numpy(np.float32), found["confidence"].to_numpy(np.float32)
        )

    return tabulate(look, images)


def _seen_by_checkpoint(checkpoint: Path, imgsz: int, images: Sequence[Path]) -> pd.DataFrame:
    # Importing torch takes seconds, and only this needs it.
    from promotion.training.yolo import open_checkpoint

    model: Any = open_checkpoint(checkpoint)

    def look(path: Path) -> Detections:
        found = model.predict(
            str(path),
            imgsz=imgsz,
            conf=LOWEST_CONFIDENCE,
            iou=NMS_IOU,
            rect=False,
            device="cpu",
            verbose=False,
        )[0].boxes
        return Detections(found.xyxy.numpy(), found.conf.numpy())

    return tabulate(look, images)


def _nearest(shown: pd.DataFrame, served: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """For each box shown (n,) the IoU of the nearest box served, and the gap of confidence."""
    overlaps, gaps = [], []
    for name, part in shown.groupby("image"):
        other = served[served["image"] == name]
        if other.empty:
            overlaps.append(np.zeros(len(part)))
            gaps.append(np.ones(len(part)))
            continue
        iou = pairwise_iou(part[CORNERS].to_numpy(float), other[CORNERS].to_numpy(float))
        nearest = iou.argmax(axis=1)
        overlaps.append(iou.max(axis=1))
        confidence = other["confidence"].to_numpy(float)[nearest]
        gaps.append(np.abs(part["confidence"].to_numpy(float) - confidence))
    none = np.zeros(0)
    return np.concatenate([none, *overlaps]), np.concatenate([none, *gaps])
