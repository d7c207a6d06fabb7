"""How long a model takes: latencies, measured interleaved so that all meet the same load."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from promotion.datasets.yolo import read_image
from promotion.detection.detector import Detector

WARM_UP_ROUNDS = 3


def measure_latency(
    detectors: Mapping[str, tuple[Detector, float]],
    images: Sequence[Path],
) -> pd.DataFrame:
    """Milliseconds per image and model at batch 1: one column a model, one row an image.

    `detectors` maps a name to a detector and its operating threshold. The time runs from the
    decoded picture to its final boxes. Every model sees an image before any sees the next, in an
    order that turns with each image, so that a busy machine slows all of them alike.
    """
    names = list(detectors)
    pictures = [read_image(path) for path in images]
    for picture in pictures[:WARM_UP_ROUNDS]:
        for detector, threshold in detectors.values():
            detector.detect(picture, threshold)
    rows = []
    for number, picture in enumerate(pictures):
        shift = number % len(names)
        row = {}
        for name in names[shift:] + names[:shift]:
            detector, threshold = detectors[name]
            began = time.perf_counter_ns()
            detector.detect(picture, threshold)
            row[name] = (time.perf_counter_ns() - began) / 1e6
        rows.append(row)
    return pd.DataFrame(rows, columns=names)


def latency_metrics(
    milliseconds: pd.DataFrame, reference: Sequence[str]
) -> dict[str, dict[str, float]]:
    """p50 and p95 per model, and the median ratio to the reference models on the same image."""
    base = milliseconds[list(reference)].median(axis=1)
    return {
        str(name): {
            "latency_p50_ms": float(np.percentile(column, 50)),
            "latency_p95_ms": float(np.percentile(column, 95)),
            "latency_ratio": float((column / base).median()),
        }
        for name, column in milliseconds.items()
    }
