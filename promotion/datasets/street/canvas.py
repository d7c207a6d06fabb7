"""The drawing surface: shapes in body heights, drawn twice as large as they will be seen.

World units are the height of a standing adult; the origin is the ground between the feet, x to the
right, y upwards. A shape is a convex hull of discs (a limb, a torso, a pole) or a ring (a wheel).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = NDArray[np.float64]
Disc = tuple[float, float, float]

OVERSAMPLING = 2
_SUBPIXEL_BITS = 3
_ANGLES = np.linspace(0, 2 * np.pi, 14, endpoint=False)
_UNIT_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)


@dataclass(frozen=True)
class Hull:
    """The convex hull of discs (x, y, radius), in body heights."""

    discs: Sequence[Disc]
    colour: Colour
    person: bool = False


@dataclass(frozen=True)
class Ring:
    """A circle's outline: centre, radius and thickness, in body heights."""

    x: float
    y: float
    radius: float
    thickness: float
    colour: Colour


Shape = Hull | Ring


def box(x0: float, y0: float, x1: float, y1: float, colour: Colour) -> Hull:
    """An axis-aligned rectangle with sharp corners."""
    return Hull([(x0, y0, 0.0), (x1, y0, 0.0), (x1, y1, 0.0), (x0, y1, 0.0)], colour)


def smooth_noise(
    rng: np.random.Generator, height: int, width: int, cells: int, low: float, high: float
) -> NDArray[np.float32]:
    """A smooth random field of shape (height, width), values about `low` to `high`."""
    grid = rng.uniform(low, high, (max(2, cells), max(2, cells))).astype(np.float32)
    return np.asarray(cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC))


@dataclass(frozen=True)
class Sprite:
    """A drawn object at its final size: what is pasted into a scene.

    `colour` is float32 BGR (h, w, 3); `alpha` and `person` are float32 (h, w) in [0, 1];
    `anchor` is the pixel (x, y) of the ground point.
    """

    colour: NDArray[np.float32]
    alpha: NDArray[np.float32]
    person: NDArray[np.float32]
    anchor: tuple[float, float]

    def shaded(self, rng: np.random.Generator, strength: float) -> Sprite:
        """The same sprite under a side light and with uneven cloth or paint."""
        height, width = self.alpha.shape
        side = 1 + np.linspace(-1, 1, width, dtype=np.float32) * rng.uniform(-strength, strength)
        texture = smooth_noise(rng, height, width, 6, 1 - strength, 1 + strength)
        lit = np.clip(self.colour * (side * texture)[..., None], 0, 255)
        return Sprite(lit.astype(np.float32), self.alpha, self.person, self.anchor)


class Canvas:
    """A transparent surface on which the shapes of one object are drawn, far to near."""

    def __init__(self, body_px: float, width: float, height: float, ground: float = 0.12) -> None:
        """Make a surface `width` x `height` body heights large, `ground` of it below the feet."""
        self.scale = body_px * OVERSAMPLING
        self.size = (max(4, round(height * self.scale)), max(4, round(width * self.scale)))
        self.origin = (self.size[1] / 2, (height - ground) * self.scale)
        self.bgra = np.zeros((*self.size, 4), np.uint8)
        self.person = np.zeros(self.size, np.uint8)

    def draw(self, shapes: Iterable[Shape]) -> Canvas:
        """Draw shapes in order; a later one covers an earlier one."""
        for shape in shapes:
            if isinstance(shape, Hull):
                self._fill(shape)
            else:
                self._outline(shape)
        return self

    def _pixels(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack(
            [
                self.origin[0] + points[:, 0] * self.scale,
                self.origin[1] - points[:, 1] * self.scale,
            ],
            axis=1,
        )

    def _fill(self, hull: Hull) -> None:
        discs = np.asarray(hull.discs, float)
        rims = (discs[:, None, :2] + _UNIT_CIRCLE[None] * discs[:, None, 2:]).reshape(-1, 2)
        outline = cv2.convexHull(rims.astype(np.float32))[:, 0].astype(float)
        fixed = np.round(self._pixels(outline) * 2**_SUBPIXEL_BITS).astype(np.int32)
        paint = (*(float(c) for c in np.clip(hull.colour, 0, 255)), 255.0)
        cv2.fillConvexPoly(self.bgra, fixed, paint, shift=_SUBPIXEL_BITS)
        cv2.fillConvexPoly(self.person, fixed, 255 if hull.person else 0, shift=_SUBPIXEL_BITS)

    def _outline(self, ring: Ring) -> None:
        centre = self._pixels(np.array([[ring.x, ring.y]]))[0].astype(int).tolist()
        radius, thickness = int(ring.radius * self.scale), max(1, int(ring.thickness * self.scale))
        paint = (*(float(c) for c in np.clip(ring.colour, 0, 255)), 255.0)
        cv2.circle(self.bgra, centre, radius, paint, thickness)
        cv2.circle(self.person, centre, radius, 0, thickness)

    def stick(self, picture: Canvas, y: float, zoom: float = 1.0, clip: bool = False) -> None:
        """Copy another drawing, its ground point at height `y`; with `clip`, only onto paint."""
        ratio = zoom * self.scale / picture.scale
        copy = cv2.resize(picture.bgra, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)
        left = int(self.origin[0] - picture.origin[0] * ratio)
        top = int(self.origin[1] - y * self.scale - picture.origin[1] * ratio)
        rows = slice(max(0, top), min(self.size[0], top + copy.shape[0]))
        columns = slice(max(0, left), min(self.size[1], left + copy.shape[1]))
        inside = (
            slice(rows.start - top, rows.stop - top),
            slice(columns.start - left, columns.stop - left),
        )
        source = copy[inside]
        target = self.bgra[rows, columns]
        covered = (source[..., 3:] > 127) & ((target[..., 3:] > 0) | (not clip))
        np.copyto(target, source, where=covered)

    def sprite(self) -> Sprite:
        """Crop to what was painted and reduce to the final size; averaging makes edges soft."""
        ys, xs = np.nonzero(self.bgra[..., 3])
        top, left = int(ys.min()), int(xs.min())
        part = np.s_[top : int(ys.max()) + 1, left : int(xs.max()) + 1]
        bgra = self.bgra[part].astype(np.float32)
        size = (
            max(2, round(bgra.shape[1] / OVERSAMPLING)),
            max(2, round(bgra.shape[0] / OVERSAMPLING)),
        )
        small = cv2.resize(bgra, size, interpolation=cv2.INTER_AREA)
        person = cv2.resize(self.person[part], size, interpolation=cv2.INTER_AREA)
        alpha = np.minimum(small[..., 3] / 255, 1)
        # Averaging with empty pixels darkens the rim; dividing by the coverage restores its colour.
        colour = small[..., :3] / np.maximum(alpha, 1e-3)[..., None]
        anchor = (
            (self.origin[0] - left) * size[0] / bgra.shape[1],
            (self.origin[1] - top) * size[1] / bgra.shape[0],
        )
        return Sprite(
            np.asarray(colour, np.float32),
            np.asarray(alpha, np.float32),
            np.asarray(person, np.float32) / np.float32(255),
            anchor,
        )
