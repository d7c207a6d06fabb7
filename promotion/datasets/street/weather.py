"""What lies between the street and the picture: lamplight, haze, blur and sensor noise."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .backdrop import AMBIENT, Picture
from .domains import Domain

Rng = np.random.Generator
GLOW = np.array([90, 150, 190], np.float32)


def photograph(
    rng: Rng, picture: Picture, horizon: int, light: str, domain: Domain
) -> NDArray[np.uint8]:
    """The finished 8-bit picture of a composed scene, as a camera of this domain would see it."""
    if light == "night":
        picture = _with_lamplight(rng, picture, horizon)
    if rng.uniform() < domain.haze:
        veil = rng.uniform(0.15, 0.45)
        picture = picture * (1 - veil) + 200 * AMBIENT[light] * veil
    if rng.uniform() < domain.low_light and light != "day":
        picture = picture * rng.uniform(0.45, 0.8)
    picture = picture * np.clip(1 + rng.normal(0, 0.035, 3), 0.9, 1.1).astype(np.float32)
    if rng.uniform() < domain.blur:
        picture = _blurred(rng, picture)
    noise = rng.standard_normal(picture.shape, dtype=np.float32) * rng.uniform(*domain.noise)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def _with_lamplight(rng: Rng, picture: Picture, horizon: int) -> Picture:
    height, width = picture.shape[:2]
    ys, xs = np.ogrid[:height, :width]
    for _ in range(int(rng.integers(1, 5))):
        x, y = rng.uniform(0, width), rng.uniform(horizon * 0.3, height * 0.8)
        radius, strength = rng.uniform(40, 160), rng.uniform(0.2, 0.6)
        pool = np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / (2 * radius**2)) * strength
        picture = picture + GLOW * pool[..., None].astype(np.float32)
    return picture


def _blurred(rng: Rng, picture: Picture) -> Picture:
    """Out of focus, or moved while the shutter was open."""
    if rng.uniform() < 0.5:
        return cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.6, 1.8)).astype(np.float32)
    length = int(rng.integers(3, 9))
    centre = ((length - 1) / 2, (length - 1) / 2)
    turn = cv2.getRotationMatrix2D(centre, rng.uniform(0, 180), 1)
    line = np.zeros((length, length), np.float32)
    line[length // 2] = 1
    kernel = cv2.warpAffine(line, turn, (length, length)).astype(np.float32)
    kernel /= max(float(kernel.sum()), 1e-3)
    return cv2.filter2D(picture, -1, kernel).astype(np.float32)
