"""Writes the embedded dataset: street scenes as a YOLO-format folder, the same bytes for a seed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import cv2
from joblib import Parallel, delayed

from promotion.datasets.slices import write_slices
from promotion.datasets.street import draw_scene
from promotion.datasets.yolo import to_label_lines, write_data_yaml
from promotion.study import CanaryDataset, Dataset


def write(folder: Path, dataset: Dataset | CanaryDataset, cache: Path) -> None:
    """Draw the pictures and labels of each split of a study's dataset; nothing is downloaded."""
    draw_splits(folder, dataset.domain, dataset.sizes, dataset.seed)


def draw_splits(folder: Path, domain: str, sizes: Mapping[str, int], seed: int) -> None:
    """Draw `sizes[split]` pictures a split into `images/<split>` and `labels/<split>` of a folder.

    Every core draws; the pictures do not depend on their number. What a picture's name does not
    say, its light and its weather, stands in slices.csv.
    """
    for split in sizes:
        (folder / "images" / split).mkdir(parents=True, exist_ok=True)
        (folder / "labels" / split).mkdir(parents=True, exist_ok=True)
    rows = Parallel(n_jobs=os.cpu_count() or 1)(
        delayed(_write_scene)(folder, domain, split, index, seed)
        for split, size in sizes.items()
        for index in range(size)
    )
    write_slices(folder, rows)
    write_data_yaml(folder, tuple(sizes), ("person",))


def _write_scene(folder: Path, domain: str, split: str, index: int, seed: int) -> dict[str, str]:
    """Draw one picture; return its row of slices.csv."""
    # OpenCV's own threads would fight joblib's processes.
    cv2.setNumThreads(1)
    scene = draw_scene(domain, split, index, seed)
    height, width = scene.picture.shape[:2]
    name = f"{domain}_{split}_{index:05d}"
    _, jpeg = cv2.imencode(".jpg", scene.picture, [cv2.IMWRITE_JPEG_QUALITY, scene.jpeg_quality])
    (folder / "images" / split / f"{name}.jpg").write_bytes(jpeg.tobytes())
    (folder / "labels" / split / f"{name}.txt").write_text(
        to_label_lines(scene.boxes, width, height), encoding="utf-8"
    )
    return {"image": f"{name}.jpg", "light": scene.light, "weather": scene.weather}
