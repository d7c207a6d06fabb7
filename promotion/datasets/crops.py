"""Pictures cut out of other pictures, also turned, mirrored, resized or encoded anew.

A picture is sketched by a few hundred ORB features. Pictures that share rare features are
candidates; a candidate is confirmed where one picture, laid over the other by the move that the
features tell, shows the same pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

Sketch = NDArray[np.int64]
Grey = NDArray[np.uint8]

SKETCHED_PX, FEATURES = 256, 250
# Features are compared by keys of some of their 256 bits; twelve keys forgive wrong bits.
FEATURE_BITS, KEY_BITS, KEYS = 256, 24, 12
# What so many pictures show, such as the corner of a window, tells none of them apart.
MOST_SHARED = 12
# Unrelated pictures share about 12 keys, a crop of half the area more than 30.
LEAST_SHARED_KEYS = 20
CONFIRMED_PX, CONFIRMING_FEATURES = 400, 500
LEAST_INLIERS = 12
# The share of the smaller picture that must lie in the other, and how well the two agree there.
LEAST_COVERED, LEAST_CORRELATION = 0.85, 0.8
NO_FEATURES = np.zeros((0, FEATURE_BITS // 8), np.uint8)


def _key_weights() -> NDArray[np.float64]:
    """What turns a feature's bits into its keys: for each key a number of its own for some bits."""
    weights = np.zeros((FEATURE_BITS, KEYS))
    rng = np.random.default_rng(0)
    for key in range(KEYS):
        bits = rng.choice(FEATURE_BITS, KEY_BITS, replace=False)
        weights[bits, key] = 2.0 ** np.arange(KEY_BITS)
    return weights


_KEYS = _key_weights()


def sketch(grey: Image.Image) -> Sketch:
    """The keys of a picture's features: one row a feature, one column a key."""
    found = _features(_within(grey, SKETCHED_PX), FEATURES)[1]
    return (np.unpackbits(found, axis=1) @ _KEYS).astype(np.int64)


def find_crops(
    later: Mapping[str, Sketch],
    mirrored: Mapping[str, Sketch],
    earlier: Mapping[str, Sketch],
    read: Callable[[str], Image.Image],
) -> Iterator[tuple[str, str]]:
    """Pictures of `later` that are part of one of `earlier`, or the other way round.

    `mirrored` are the sketches of the mirror images of `later`; `read` gives a picture by its name.
    """
    if not later or not earlier:
        return
    names, others = [*later, *mirrored], list(earlier)
    found: set[str] = set()
    for i, j in _candidates([*later.values(), *mirrored.values()], list(earlier.values())):
        name, flipped = names[i], i >= len(later)
        if name in found:
            continue
        picture = ImageOps.mirror(read(name)) if flipped else read(name)
        if shows_the_same(picture, read(others[j])):
            found.add(name)
            yield name, others[j]


def shows_the_same(one: Image.Image, other: Image.Image) -> bool:
    """Whether one picture is part of the other, after a turn and a change of scale."""
    a, b = _within(one, CONFIRMED_PX), _within(other, CONFIRMED_PX)
    move = _move(a, b)
    if move is None:
        return False
    there = np.asarray(cv2.warpAffine(a, move, b.shape[::-1]), np.uint8)
    seen = cv2.warpAffine(np.full_like(a, 255), move, b.shape[::-1]) > 127
    scale = float(np.hypot(move[0, 0], move[0, 1]))
    covered = seen.sum() / max(1.0, min(a.size * scale**2, b.size))
    return bool(covered >= LEAST_COVERED and _correlation(there[seen], b[seen]) > LEAST_CORRELATION)


def _within(grey: Image.Image, side: int) -> Grey:
    """A picture as an array, made smaller where its longer side exceeds `side` pixels."""
    pixels = np.asarray(grey, np.uint8)
    scale = side / max(pixels.shape)
    if scale < 1:
        smaller = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        return np.asarray(smaller, np.uint8)
    return pixels


def _features(picture: Grey, most: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """The places and the descriptors of a picture's features."""
    detector = cv2.ORB.create(nfeatures=most, fastThreshold=10)
    points, found = detector.detectAndCompute(picture, None)
    places = np.array([point.pt for point in points], np.float32).reshape(-1, 2)
    return places, NO_FEATURES if found is None else np.asarray(found, np.uint8)


def _candidates(rows: Sequence[Sketch], columns: Sequence[Sketch]) -> list[tuple[int, int]]:
    """Each picture of `rows` with the one of `columns` that shares most keys, if many are shared.

    In the order of the rows.
    """
    owners, others = _owners(rows), _owners(columns)
    one, other = np.concatenate(rows), np.concatenate(columns)
    found = [
        _pairs(_distinct(one[:, key], owners), _distinct(other[:, key], others), len(columns))
        for key in range(KEYS)
    ]
    pairs, shared = np.unique(np.concatenate(found), return_counts=True)
    many = shared >= LEAST_SHARED_KEYS
    pairs, shared = pairs[many], shared[many]
    order = np.argsort(shared, kind="stable")
    # Of the pairs of one picture the last, which shares most, stays.
    best = dict(divmod(int(pair), len(columns)) for pair in pairs[order])
    return sorted(best.items())


def _owners(sketches: Sequence[Sketch]) -> NDArray[np.int64]:
    """The picture of each feature."""
    return np.repeat(np.arange(len(sketches)), [len(one) for one in sketches])


Keyed = tuple[NDArray[np.int64], NDArray[np.int64]]


def _distinct(keys: NDArray[np.int64], owners: NDArray[np.int64]) -> Keyed:
    """The distinct keys of each picture, in order, with their pictures."""
    size = int(owners.max(initial=0)) + 1
    both = np.sort(keys * size + owners)
    keys, owners = np.divmod(both[np.diff(both, prepend=-1) > 0], size)
    return keys, owners


def _pairs(one: Keyed, other: Keyed, columns: int) -> NDArray[np.int64]:
    """All pairs of pictures that share a key which few pictures have: row x columns + column."""
    keys, owners = one
    first, last = (np.searchsorted(other[0], keys, side) for side in ("left", "right"))
    here = np.searchsorted(keys, keys, "right") - np.searchsorted(keys, keys, "left")
    count = last - first
    rare = (count > 0) & (count <= MOST_SHARED) & (here <= MOST_SHARED)
    first, count, owners = first[rare], count[rare], owners[rare]
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    partners = other[1][np.repeat(first, count) + within]
    return np.asarray(np.repeat(owners, count) * columns + partners, np.int64)


def _move(one: Grey, other: Grey) -> NDArray[np.float64] | None:
    """The shift, turn and scale that lays one picture over the other, if the features tell one."""
    places, found = _features(one, CONFIRMING_FEATURES)
    others, known = _features(other, CONFIRMING_FEATURES)
    matches = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(found, known)
    if len(matches) < LEAST_INLIERS:
        return None
    start = places[[match.queryIdx for match in matches]]
    end = others[[match.trainIdx for match in matches]]
    move, inliers = cv2.estimateAffinePartial2D(start, end, ransacReprojThreshold=4.0)
    if move is None or int(inliers.sum()) < LEAST_INLIERS:
        return None
    return np.asarray(move, float)


def _correlation(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    a, b = (values - values.mean() for values in (one.astype(float), other.astype(float)))
    norm = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / norm if norm else 0.0
