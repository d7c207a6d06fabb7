"""Integrity checks: what would make a comparison on this dataset wrong or weak."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from pathlib import Path

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from promotion.datasets.manifest import Manifest
from promotion.datasets.yolo import images_of, labels_of, read_labels
from promotion.facts import Note

# Of the 64 bits of a perceptual hash; unrelated photographs differ by about 32.
NEAR_DUPLICATE_BITS = 4
TOLERANCE = 1e-3


def check_integrity(
    folder: Path, splits: Iterable[str], sums: Mapping[str, str]
) -> tuple[list[str], list[Note], dict[str, str]]:
    """Check every image and label of a dataset folder; `sums` are its files' SHA-256.

    Errors: an empty split, a split without any person, an unreadable image, a label out of range,
    one image in two splits. Warnings: near duplicates in two splits.
    Returns the errors, a line each, the warnings, and the perceptual hash of each readable image,
    by its path below the folder.
    """
    errors: list[str] = []
    hashes: dict[str, str] = {}
    for split in splits:
        images = images_of(folder, split)
        if not images:
            errors.append(f"split {split} is empty: put images in images/{split}")
            continue
        for path in images:
            errors += _check_label(folder, path)
            name = path.relative_to(folder).as_posix()
            try:
                hashes[name] = _perceptual_hash(path)
            except (UnidentifiedImageError, OSError, SyntaxError) as error:
                reason = str(error).splitlines()[0]
                errors.append(f"{name}: unreadable ({reason}); replace or remove it")
        if not any(len(_labels_or_none(path)) for path in images):
            errors.append(f"split {split} has no labelled person; label some")
    errors += _same_image_in_two_splits(sums)
    return errors, list(_near_duplicates_in_two_splits(hashes)), hashes


def check_unseen(new: Manifest, seen: Manifest) -> tuple[list[str], list[Note]]:
    """Whether pictures are new to a model: errors for those of `seen`, warnings for near ones."""
    known = {digest: name for name, digest in seen.files.items() if name.startswith("images/")}
    errors = [
        f"{name} was seen before, as {known[digest]}; remove it"
        for name, digest in new.files.items()
        if digest in known
    ]
    warnings = [
        _alike("nearly_seen", one, other, bits)
        for one, other, bits in near_duplicates(new.hashes, seen.hashes)
        if new.files[one] != seen.files[other]
    ]
    return errors, warnings


def _alike(identity: str, one: str, other: str, bits: int) -> Note:
    places = {"one": one.removeprefix("images/"), "other": other.removeprefix("images/")}
    return Note(id=identity, facts={**places, "bits": bits})


def _perceptual_hash(path: Path) -> str:
    with Image.open(path) as image:
        image.load()
        return str(imagehash.phash(image))


def _labels_or_none(path: Path) -> np.ndarray:
    try:
        return read_labels(labels_of(path))
    except ValueError:
        return np.zeros((0, 5))


def _check_label(folder: Path, image: Path) -> Iterator[str]:
    name = labels_of(image).relative_to(folder)
    try:
        labels = read_labels(labels_of(image))
    except ValueError as error:
        yield f"{name}: not a YOLO label file ({error})"
        return
    for line, (label, x, y, width, height) in enumerate(labels, start=1):
        if label != 0:
            yield f"{name}:{line}: class {label:g} is out of range: the one class is 0, person"
        corners = np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2])
        inside = (corners >= -TOLERANCE).all() and (corners <= 1 + TOLERANCE).all()
        if not inside or width <= 0 or height <= 0:
            yield f"{name}:{line}: the box {x:g} {y:g} {width:g} {height:g} is not inside the image"


def _same_image_in_two_splits(sums: Mapping[str, str]) -> Iterator[str]:
    places = defaultdict(list)
    for name, digest in sums.items():
        if name.startswith("images/"):
            places[digest].append(name)
    for names in places.values():
        if len({name.split("/")[1] for name in names}) > 1:
            yield f"the same image in two splits: {', '.join(names)}; keep one"


def _near_duplicates_in_two_splits(hashes: Mapping[str, str]) -> Iterator[Note]:
    splits: dict[str, dict[str, str]] = defaultdict(dict)
    for name, found in hashes.items():
        splits[name.split("/")[1]][name] = found
    for one, other in combinations(splits.values(), 2):
        for first, second, bits in near_duplicates(one, other):
            yield _alike("nearly_same", first, second, bits)


def near_duplicates(
    one: Mapping[str, str], other: Mapping[str, str]
) -> Iterator[tuple[str, str, int]]:
    """Pairs of images whose perceptual hashes nearly agree, with the bits that differ.

    `one` and `other` map names to hashes; an image is no pair with itself.
    """
    if not one or not other:
        return
    distance = (_bits(one.values())[:, None] != _bits(other.values())[None]).sum(axis=2)
    names, others = list(one), list(other)
    for i, j in zip(*np.nonzero(distance <= NEAR_DUPLICATE_BITS), strict=True):
        if names[i] != others[j]:
            yield names[i], others[j], int(distance[i, j])


def _bits(hashes: Iterable[str]) -> NDArray[np.bool_]:
    return np.array([imagehash.hex_to_hash(found).hash.ravel() for found in hashes])
