"""The empty street: sky, facades, pavement, road and crossing."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .canvas import Colour, smooth_noise

Picture = NDArray[np.float32]
Rng = np.random.Generator

SKY = {  # zenith and horizon, BGR
    "day": ((235, 190, 140), (250, 235, 215)),
    "overcast": ((195, 190, 185), (215, 212, 210)),
    "dusk": ((120, 80, 70), (120, 150, 220)),
    "night": ((30, 18, 12), (60, 45, 40)),
}
AMBIENT = {"day": 1.0, "overcast": 0.86, "dusk": 0.6, "night": 0.5}
PAVEMENT_EDGE = 6
LIT_WINDOW, LIT_SHOP = (70, 180, 240), (150, 215, 245)


def draw_backdrop(rng: Rng, width: int, height: int, horizon: int, light: str) -> Picture:
    """Draw an empty street as a float32 BGR picture of shape (height, width, 3)."""
    zenith, haze = (np.array(c, np.float32) for c in SKY[light])
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    picture = np.repeat(zenith * (1 - down) + haze * down, width, axis=1)
    _draw_facades(rng, picture, horizon, AMBIENT[light])
    _draw_ground(rng, picture, horizon, AMBIENT[light])
    picture[horizon + PAVEMENT_EDGE :] *= smooth_noise(
        rng, height - horizon - PAVEMENT_EDGE, width, 9, 0.9, 1.1
    )[..., None]
    picture *= smooth_noise(rng, height, width, 60, 0.95, 1.05)[..., None]
    return picture


def _draw_facades(rng: Rng, picture: Picture, horizon: int, ambient: float) -> None:
    left = -int(rng.uniform(0, 60))
    while left < picture.shape[1]:
        width = int(rng.uniform(60, 190))
        top, foot = int(horizon * rng.uniform(-0.2, 0.75)), horizon + int(rng.uniform(2, 14))
        tint = np.array([rng.uniform(0.7, 1), rng.uniform(0.8, 1), rng.uniform(0.9, 1.15)])
        wall = rng.uniform(90, 190) * tint * ambient
        cv2.rectangle(picture, (left, top), (left + width, foot), wall.tolist(), -1)
        _draw_windows(rng, picture, (left, top, left + width, foot), wall, ambient)
        _draw_shop_front(rng, picture, (left, left + width, foot), wall, ambient)
        left += width + (int(rng.uniform(0, 40)) if rng.uniform() < 0.3 else 0)


def _draw_windows(
    rng: Rng, picture: Picture, wall: tuple[int, int, int, int], colour: Colour, ambient: float
) -> None:
    left, top, right, foot = wall
    pitch_x, pitch_y = int(rng.uniform(16, 34)), int(rng.uniform(20, 38))
    width, height = int(pitch_x * rng.uniform(0.35, 0.65)), int(pitch_y * rng.uniform(0.4, 0.7))
    for y in range(top + 6, foot - 34, pitch_y):
        for x in range(left + 5, right - width - 2, pitch_x):
            lit = ambient < 0.7 and rng.uniform() < 0.35
            pane = LIT_WINDOW if lit else (colour * rng.uniform(0.3, 0.6)).tolist()
            cv2.rectangle(picture, (x, y), (x + width, y + height), pane, -1)


def _draw_shop_front(
    rng: Rng, picture: Picture, wall: tuple[int, int, int], colour: Colour, ambient: float
) -> None:
    left, right, foot = wall
    lit = ambient < 0.7 and rng.uniform() < 0.6
    pane = LIT_SHOP if lit else (colour * rng.uniform(0.35, 0.8)).tolist()
    cv2.rectangle(picture, (left + 4, foot - 28), (right - 6, foot - 4), pane, -1)
    for x in range(left + 4, right - 6, int(rng.uniform(10, 40))):
        thickness = 1 + int(rng.uniform(0, 3))
        cv2.line(picture, (x, foot - 28), (x, foot - 4), (colour * 0.5).tolist(), thickness)


def _draw_ground(rng: Rng, picture: Picture, horizon: int, ambient: float) -> None:
    height, width = picture.shape[:2]
    top = horizon + PAVEMENT_EDGE
    tint = np.array([1, rng.uniform(0.95, 1.02), rng.uniform(0.92, 1.05)])
    pavement = rng.uniform(75, 165) * tint * ambient
    cv2.rectangle(picture, (0, top), (width, height), pavement.tolist(), -1)

    vanishing = int(rng.uniform(0.1, 0.9) * width)
    near_left, near_right = np.sort(rng.uniform(-1.2, 2.2, 2) * width)
    road = np.array(
        [[vanishing, top], [vanishing + 8, top], [near_right, height], [near_left, height]],
        np.int32,
    )
    cv2.fillConvexPoly(picture, road, (pavement * rng.uniform(0.5, 0.8)).tolist())
    for _ in range(int(rng.uniform(2, 12))):
        end = int(rng.uniform(-1.5, 2.5) * width)
        shade, thickness = (pavement * rng.uniform(0.7, 1.2)).tolist(), 1 + int(rng.uniform(0, 2))
        cv2.line(picture, (vanishing, top), (end, height), shade, thickness, cv2.LINE_AA)
    if rng.uniform() < 0.35:
        _draw_crossing(rng, picture, horizon, ambient)


def _draw_crossing(rng: Rng, picture: Picture, horizon: int, ambient: float) -> None:
    height, width = picture.shape[:2]
    y = int(rng.uniform(horizon + 30, height - 10))
    depth, stripe = max(4, (y - horizon) // 9), width // 24
    paint = (np.array([215, 218, 220]) * ambient).tolist()
    for k in range(-2, 16):
        x = int(k * width / 12)
        corners = [
            [x, y],
            [x + stripe, y],
            [x + stripe - depth, y + 2 * depth],
            [x - depth, y + 2 * depth],
        ]
        cv2.fillConvexPoly(picture, np.array(corners, np.int32), paint)
