"""Checks a label file: five numbers a line, a known class, a box inside, nobody twice."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np

from promotion.datasets.faults import Fault
from promotion.datasets.yolo import labels_of, numbered_labels

TOLERANCE = 1e-3
# Two boxes that agree so well are one person: in a crowd of COCO's photographs the nearest pair
# agrees by less.
SAME_BOX_IOU = 0.95


def check_label(folder: Path, image: Path) -> Iterator[Fault]:
    """What is wrong with the label file of an image."""
    path = labels_of(image)
    name = path.relative_to(folder).as_posix()
    try:
        labels = numbered_labels(path)
    except (ValueError, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        yield Fault("format", f"{name}: not a YOLO label file ({reason})")
        return
    for line, values in labels:
        yield from _check_values(f"{name}:{line}", values)
    for (line, one), (again, other) in combinations(labels, 2):
        iou = _iou(one, other)
        if iou > SAME_BOX_IOU:
            said = f"the box of line {line} again (IoU {iou:.2f}); remove one of the two"
            yield Fault("twice", f"{name}:{again}: {said}")


def _check_values(place: str, values: list[float]) -> Iterator[Fault]:
    label, *box = values
    if label != 0:
        said = f"class {label:g} is out of range: the one class is 0, person"
        yield Fault("class", f"{place}: {said}")
    x0, y0, x1, y1 = _corners(box)
    inside = min(x0, y0) >= -TOLERANCE and max(x1, y1) <= 1 + TOLERANCE
    if not (inside and np.isfinite(box).all() and min(box[2:]) > 0):
        shown = " ".join(f"{value:g}" for value in box)
        yield Fault("box", f"{place}: the box {shown} is not inside the image")


def _corners(box: list[float]) -> tuple[float, float, float, float]:
    x, y, width, height = box
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _iou(one: list[float], other: list[float]) -> float:
    """The intersection over union of two labels' boxes; 0 for those of two classes."""
    if one[0] != other[0]:
        return 0.0
    a, b = _corners(one[1:]), _corners(other[1:])
    shared = max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(
        0.0, min(a[3], b[3]) - max(a[1], b[1])
    )
    union = one[3] * one[4] + other[3] * other[4] - shared
    return shared / union if union > 0 else 0.0
