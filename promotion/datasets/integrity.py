"""Integrity checks: what would make a comparison on this dataset wrong or weak."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import imagehash
import numpy as np
from PIL import Image, UnidentifiedImageError

from promotion.datasets.manifest import SPLITS, Finding
from promotion.datasets.yolo import images_of, labels_of, read_labels

# Of the 64 bits of a perceptual hash; unrelated photographs differ by about 32.
NEAR_DUPLICATE_BITS = 4
TOLERANCE = 1e-3


def check_integrity(folder: Path, sums: dict[str, str]) -> list[Finding]:
    """Check every image and label of a dataset folder; `sums` are its files' SHA-256.

    Errors: an empty split, an unreadable image, a label out of range, one image in two splits.
    Warnings: near duplicates in two splits, a split without any object.
    """
    findings: list[Finding] = []
    hashes: dict[str, dict[str, imagehash.ImageHash]] = {}
    for split in SPLITS:
        images = images_of(folder, split)
        hashes[split] = {}
        if not images:
            findings.append(_error(f"split {split} is empty: put images in images/{split}"))
            continue
        for path in images:
            findings += _check_label(folder, path)
            try:
                hashes[split][path.name] = _perceptual_hash(path)
            except (UnidentifiedImageError, OSError, SyntaxError) as error:
                reason = str(error).splitlines()[0]
                findings.append(
                    _error(
                        f"{path.relative_to(folder)}: unreadable ({reason}); replace or remove it"
                    )
                )
        if not any(len(_labels_or_none(path)) for path in images):
            findings.append(_warning(f"split {split} has no labelled person"))
    findings += _same_image_in_two_splits(sums)
    findings += _near_duplicates(hashes)
    return findings


def _error(message: str) -> Finding:
    return Finding(severity="error", message=message)


def _warning(message: str) -> Finding:
    return Finding(severity="warning", message=message)


def _perceptual_hash(path: Path) -> imagehash.ImageHash:
    with Image.open(path) as image:
        image.load()
        return imagehash.phash(image)


def _labels_or_none(path: Path) -> np.ndarray:
    try:
        return read_labels(labels_of(path))
    except ValueError:
        return np.zeros((0, 5))


def _check_label(folder: Path, image: Path) -> Iterator[Finding]:
    name = labels_of(image).relative_to(folder)
    try:
        labels = read_labels(labels_of(image))
    except ValueError as error:
        yield _error(f"{name}: not a YOLO label file ({error})")
        return
    for line, (label, x, y, width, height) in enumerate(labels, start=1):
        if label != 0:
            yield _error(
                f"{name}:{line}: class {label:g} is out of range: the one class is 0, person"
            )
        corners = np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2])
        inside = (corners >= -TOLERANCE).all() and (corners <= 1 + TOLERANCE).all()
        if not inside or width <= 0 or height <= 0:
            yield _error(
                f"{name}:{line}: the box {x:g} {y:g} {width:g} {height:g} is not inside the image"
            )


def _same_image_in_two_splits(sums: dict[str, str]) -> Iterator[Finding]:
    places = defaultdict(list)
    for name, digest in sums.items():
        if name.startswith("images/"):
            places[digest].append(name)
    for names in places.values():
        if len({name.split("/")[1] for name in names}) > 1:
            yield _error(f"the same image in two splits: {', '.join(names)}; keep one")


def _near_duplicates(hashes: dict[str, dict[str, imagehash.ImageHash]]) -> Iterator[Finding]:
    for one, other in combinations(SPLITS, 2):
        if not hashes[one] or not hashes[other]:
            continue
        bits_one = np.array([h.hash.ravel() for h in hashes[one].values()])
        bits_other = np.array([h.hash.ravel() for h in hashes[other].values()])
        distance = (bits_one[:, None] != bits_other[None]).sum(axis=2)
        names_one, names_other = list(hashes[one]), list(hashes[other])
        for i, j in zip(*np.nonzero(distance <= NEAR_DUPLICATE_BITS), strict=True):
            yield _warning(
                f"near duplicates: {one}/{names_one[i]} and {other}/{names_other[j]} "
                f"({distance[i, j]} of 64 bits differ)"
            )
