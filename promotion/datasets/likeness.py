"""Which pictures are alike: perceptual hashes, of a picture and of its mirror image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

# Of the 64 bits of a perceptual hash; unrelated photographs differ by about 32.
NEAR_DUPLICATE_BITS = 4
HASHED_PX, HASH_BITS = 32, 64
# Pairs compared at a time, so that the memory does not grow with the square of the pictures.
PAIRS_AT_ONCE = 4_000_000


def hashes_of(grey: Image.Image) -> tuple[str, str]:
    """The perceptual hashes of a picture and of its mirror image."""
    small = grey.resize((HASHED_PX, HASHED_PX), Image.Resampling.LANCZOS)
    return str(imagehash.phash(small)), str(imagehash.phash(ImageOps.mirror(small)))


def near_duplicates(
    one: Mapping[str, str], other: Mapping[str, str]
) -> Iterator[tuple[str, str, int]]:
    """Pairs of images whose perceptual hashes nearly agree, with the bits that differ.

    `one` and `other` map names to hashes; an image is no pair with itself.
    """
    names, others = list(one), list(other)
    for start, distance in _distances(one.values(), other.values()):
        for i, j in zip(*np.nonzero(distance <= NEAR_DUPLICATE_BITS), strict=True):
            if names[start + i] != others[j]:
                yield names[start + i], others[j], int(distance[i, j])


def nearest(one: Mapping[str, str], other: Mapping[str, str]) -> Iterator[tuple[str, str, int]]:
    """Each image of `one` that has a near duplicate in `other`, with the nearest and its bits."""
    names, others = list(one), list(other)
    for start, distance in _distances(one.values(), other.values()):
        for i, j in enumerate(distance.argmin(axis=1)):
            if distance[i, j] <= NEAR_DUPLICATE_BITS:
                yield names[start + i], others[j], int(distance[i, j])


def repeated(hashes: Mapping[str, str]) -> Iterator[tuple[str, str, int]]:
    """Each image that has a near duplicate before it, with the nearest of these and its bits."""
    names = list(hashes)
    columns = np.arange(len(names))
    for start, distance in _distances(hashes.values(), hashes.values()):
        rows = np.arange(start, start + len(distance))
        before = np.where(columns < rows[:, None], distance, HASH_BITS)
        for i, j in enumerate(before.argmin(axis=1)):
            if before[i, j] <= NEAR_DUPLICATE_BITS:
                yield names[start + i], names[j], int(before[i, j])


def _distances(one: Iterable[str], other: Iterable[str]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """The bits by which all pairs of hashes differ, some rows at a time, with their first row."""
    rows, columns = _packed(one), _packed(other)
    step = max(1, PAIRS_AT_ONCE // max(1, len(columns)))
    for start in range(0, len(rows) if len(columns) else 0, step):
        yield start, np.bitwise_count(rows[start : start + step, None] ^ columns[None])


def _packed(hashes: Iterable[str]) -> NDArray[np.uint64]:
    return np.array([int(found, 16) for found in hashes], np.uint64)
