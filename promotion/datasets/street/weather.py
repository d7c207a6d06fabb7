"""What lies on the street, and between it and the picture: snow, lamplight, haze, blur, noise."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .backdrop import AMBIENT, PAVEMENT_EDGE, Picture
from .canvas import smooth_noise
from .domains import Domain

Rng = np.random.Generator
GLOW = np.array([90, 150, 190], np.float32)
SNOW = np.array([250, 246, 242], np.float32)


def lay_snow(rng: Rng, picture: Picture, horizon: int, light: str) -> None:
    """Cover the ground of an empty street with snow, thicker here and thinner there, in place."""
    ground = picture[horizon + PAVEMENT_EDGE :]
    height, width = ground.shape[:2]
    cover = np.clip(smooth_noise(rng, height, width, 12, 0.55, 1.05), 0.5, 0.97)[..., None]
    ground *= 1 - cover
    ground += SNOW * np.float32(AMBIENT[light]) * cover


def photograph(
    rng: Rng, picture: Picture, horizon: int, light: str, snow: bool, domain: Domain
) -> tuple[NDArray[np.uint8], bool]:
    """The finished 8-bit picture of a composed scene, as a camera of this domain would see it.

    With it, whether there is haze.
    """
    if light == "night":
        picture = _with_lamplight(rng, picture, horizon)
    if snow:
        picture = _with_flakes(rng, picture, light)
    hazy = rng.uniform() < domain.haze
    if hazy:
        veil = rng.uniform(0.15, 0.45)
        picture = picture * (1 - veil) + 200 * AMBIENT[light] * veil
    if rng.uniform() < domain.low_light and light != "day":
        picture = picture * rng.uniform(0.45, 0.8)
    picture = picture * np.clip(1 + rng.normal(0, 0.035, 3), 0.9, 1.1).astype(np.float32)
    if rng.uniform() < domain.blur:
        picture = _blurred(rng, picture)
    noise = rng.standard_normal(picture.shape, dtype=np.float32) * rng.uniform(*domain.noise)
    return np.clip(picture + noise, 0, 255).astype(np.uint8), hazy


def _with_flakes(rng: Rng, picture: Picture, light: str) -> Picture:
    """Snow in the air: many small soft flakes, few large ones near the camera."""
    height, width = picture.shape[:2]
    flakes = np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(120, 420))):
        centre = int(rng.uniform(0, width)), int(rng.uniform(0, height))
        radius = int(min(4, 1 + rng.exponential(0.7)))
        cv2.circle(flakes, centre, radius, rng.uniform(0.4, 0.95), -1)
    cover = cv2.GaussianBlur(flakes, (0, 0), 0.8)[..., None]
    return picture * (1 - cover) + SNOW * np.float32(AMBIENT[light]) * cover


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
