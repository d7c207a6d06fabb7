"""The colours of people and their clothes, in OpenCV's blue-green-red order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .canvas import Colour

SKIN = np.array(
    [
        [168, 196, 232],
        [155, 188, 226],
        [134, 172, 224],
        [90, 130, 190],
        [66, 98, 150],
        [48, 70, 112],
        [36, 50, 82],
    ],
    float,
)
HAIR = np.array(
    [[20, 20, 25], [30, 45, 70], [50, 80, 120], [110, 160, 200], [150, 150, 155], [35, 50, 130]],
    float,
)
CLOTH = np.array(
    [
        [40, 40, 45],
        [120, 70, 40],
        [60, 45, 40],
        [45, 45, 150],
        [70, 120, 60],
        [150, 150, 150],
        [225, 225, 225],
        [60, 150, 200],
        [150, 90, 130],
        [80, 100, 120],
        [30, 70, 110],
        [180, 140, 80],
        [40, 190, 230],
        [100, 60, 170],
        [95, 105, 90],
    ],
    float,
)
SHOE = CLOTH[[0, 2, 6, 9]]
STONE = np.array(
    [[150, 155, 158], [90, 120, 100], [60, 85, 110], [205, 210, 215], [55, 60, 62]], float
)
PLASTIC = np.array([[225, 230, 235], [40, 40, 44], [150, 190, 220]], float)
SIGN = np.array([[40, 40, 200], [190, 90, 30], [40, 190, 230], [60, 140, 60]], float)
WHITE = np.full(3, 240.0)
RUBBER = np.array([25.0, 25.0, 28.0])


def pick(rng: np.random.Generator, palette: NDArray[np.float64], jitter: float = 18.0) -> Colour:
    """One colour of a palette, slightly off, as no two coats are the same blue."""
    colour: Colour = palette[rng.integers(len(palette))] + rng.normal(0, jitter, 3)
    return np.clip(colour, 5, 250)


def grey(rng: np.random.Generator, low: float, high: float) -> Colour:
    """A grey between `low` and `high` with a faint tint."""
    return np.clip(rng.uniform(low, high) + rng.normal(0, 6, 3), 0, 255)
