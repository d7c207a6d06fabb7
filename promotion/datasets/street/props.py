"""Street furniture and look-alikes: everything in a scene that is not a person.

Sizes are in body heights, as for figures. Statues, mannequins and posters are the hard negatives:
they have a person's shape, and no box.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .canvas import Canvas, Colour, Hull, Shape, box
from .figure import bicycle, draw_figure
from .palette import CLOTH, PLASTIC, RUBBER, SIGN, STONE, WHITE, grey, pick

Rng = np.random.Generator
LAMPLIGHT = np.array([190.0, 235.0, 255.0])


def lamp(rng: Rng, size_px: float, lit: bool) -> Canvas:
    """A lamp post with a short arm."""
    metal = grey(rng, 30, 110)
    top = rng.uniform(1.8, 2.6)
    head = LAMPLIGHT if lit else metal * 1.3
    return Canvas(size_px, 1.2, 2.9).draw(
        [
            Hull([(0, 0, 0.05), (0, 0.25, 0.045)], metal),
            Hull([(0, 0.2, 0.03), (0, top, 0.02)], metal),
            Hull([(0, top, 0.02), (0.3, top + 0.05, 0.02)], metal),
            Hull([(0.28, top + 0.04, 0.05), (0.38, top + 0.02, 0.04)], head),
        ]
    )


def tree(rng: Rng, size_px: float, lit: bool) -> Canvas:
    """A trunk and a crown of leaf clumps."""
    bark = np.array([40.0, 60.0, 85.0]) * rng.uniform(0.6, 1.3)
    trunk = rng.uniform(0.5, 1.0)
    leaf = np.array([40.0, rng.uniform(80, 140), rng.uniform(40, 110)])
    crown: list[Shape] = []
    for _ in range(22):
        angle, reach = rng.uniform(0, 2 * np.pi), np.sqrt(rng.uniform(0, 0.5)) * 0.8
        x, y = np.cos(angle) * reach, trunk + 0.65 + np.sin(angle) * reach * 0.9
        crown.append(Hull([(x, y, rng.uniform(0.12, 0.3))], leaf * rng.uniform(0.6, 1.3)))
    stem = Hull([(0, 0, 0.09), (rng.uniform(-0.05, 0.05), trunk, 0.06)], bark)
    return Canvas(size_px, 2.4, 2.9).draw([stem, *crown])


def bin_(rng: Rng, size_px: float, lit: bool) -> Canvas:
    """A litter bin."""
    paint = grey(rng, 20, 140) * np.array([1.0, rng.uniform(0.8, 1.3), 0.9])
    return Canvas(size_px, 0.9, 1.0).draw(
        [
            Hull(
                [(-0.1, 0.03, 0.03), (0.1, 0.03, 0.03), (-0.13, 0.5, 0.03), (0.13, 0.5, 0.03)],
                paint,
            ),
            Hull([(-0.15, 0.55, 0.03), (0.15, 0.55, 0.03)], paint * 0.6),
        ]
    )


def bollard(rng: Rng, size_px: float, lit: bool) -> Canvas:
    """A short post with a band."""
    paint, width, top = grey(rng, 30, 160), rng.uniform(0.04, 0.08), rng.uniform(0.5, 0.95)
    band = WHITE if rng.uniform() < 0.5 else SIGN[0]
    return Canvas(size_px, 0.6, 1.3).draw(
        [
            Hull([(0, 0, width), (0, top, width)], paint),
            Hull([(0, top * 0.85, width * 1.05), (0, top * 0.9, width * 1.05)], band),
            Hull([(0, top + 0.06, width * 1.1)], paint * 0.8),
        ]
    )


def sign(rng: Rng, size_px: float, lit: bool) -> Canvas:
    """A traffic sign with a small pictogram, which at a distance looks like a head and a body."""
    colour = SIGN[rng.integers(len(SIGN))]
    corners = [(x, y, 0.04) for x in (-0.12, 0.12) for y in (1.3, 1.55)]
    plate = Hull([(0, 1.42, 0.17)] if rng.uniform() < 0.6 else corners, colour)
    return Canvas(size_px, 1.0, 1.9).draw(
        [
            Hull([(0, 0, 0.02), (0, 1.35, 0.02)], grey(rng, 90, 150)),
            plate,
            Hull([(0, 1.52, 0.026)], WHITE),
            Hull([(0, 1.44, 0.035), (0, 1.36, 0.02)], WHITE),
        ]
    )


def bike(rng: Rng, size_px: float, lit: bool) -> Canvas:
    """A parked bicycle."""
    return Canvas(size_px, 1.6, 1.0).draw(bicycle(pick(rng, CLOTH)))


def car(rng: Rng, size_px: float, lit: bool) -> Canvas:
    """A parked car, seen from the side."""
    paint, half = pick(rng, CLOTH, 30), rng.uniform(0.9, 1.25)
    glass = np.array([90.0, 80.0, 70.0])
    body: list[Shape] = [
        Hull(
            [
                (-half, 0.3, 0.12),
                (half, 0.28, 0.12),
                (half * 0.95, 0.5, 0.06),
                (-half * 0.95, 0.52, 0.06),
            ],
            paint,
        ),
        Hull(
            [
                (-half * 0.62, 0.55, 0.03),
                (half * 0.5, 0.55, 0.03),
                (half * 0.25, 0.82, 0.06),
                (-half * 0.45, 0.82, 0.06),
            ],
            paint * 0.9,
        ),
        Hull(
            [
                (-half * 0.5, 0.58, 0.01),
                (-0.05, 0.58, 0.01),
                (-0.05, 0.8, 0.02),
                (-half * 0.4, 0.8, 0.02),
            ],
            glass,
        ),
        Hull(
            [
                (0.03, 0.58, 0.01),
                (half * 0.42, 0.58, 0.01),
                (half * 0.2, 0.8, 0.02),
                (0.03, 0.8, 0.02),
            ],
            glass,
        ),
    ]
    wheels: list[Shape] = []
    for x in (-0.58 * half, 0.58 * half):
        wheels += [Hull([(x, 0.15, 0.16)], RUBBER), Hull([(x, 0.15, 0.08)], np.full(3, 130.0))]
    headlight = Hull([(half * 1.02, 0.42, 0.05)], np.array([200.0, 240.0, 255.0]))
    return Canvas(size_px, 3.0, 1.1).draw([*body, *wheels, headlight])


def poster(rng: Rng, size_px: float, lit: bool) -> Canvas:
    """An advertising panel with a printed figure."""
    paper = rng.uniform(60, 240, 3)
    ink = 255 - paper if rng.uniform() < 0.7 else pick(rng, CLOTH)
    panel = Canvas(size_px, 1.2, 1.7).draw(
        [box(-0.36, 0.1, 0.36, 1.45, grey(rng, 30, 90)), box(-0.32, 0.15, 0.32, 1.4, paper)]
    )
    panel.stick(draw_figure(rng, size_px, "talk", material=ink), 0.24, zoom=0.95, clip=True)
    return panel


def _on_stand(rng: Rng, size_px: float, material: Colour, headless: bool, plinth: bool) -> Canvas:
    pose = str(rng.choice(["stand", "talk", "wave"]))
    base = material * rng.uniform(0.6, 1.0)
    stand = (
        [box(-0.2, -0.02, 0.2, 0.31, base)]
        if plinth
        else [box(-0.02, 0, 0.02, 0.32, base * 0.6), box(-0.12, -0.01, 0.12, 0.02, base * 0.6)]
    )
    stage = Canvas(size_px, 1.6, 1.75)
    stage.stick(draw_figure(rng, size_px, pose, material=material, headless=headless), 0.3)
    return stage.draw(stand)


def statue(rng: Rng, size_px: float, lit: bool) -> Canvas:
    """A stone or bronze figure on a plinth."""
    return _on_stand(rng, size_px, pick(rng, STONE, 8), headless=False, plinth=True)


def mannequin(rng: Rng, size_px: float, lit: bool) -> Canvas:
    """A shop-window dummy, often without a head."""
    return _on_stand(rng, size_px, pick(rng, PLASTIC, 8), rng.uniform() > 0.4, plinth=False)


PROPS: dict[str, Callable[[Rng, float, bool], Canvas]] = {
    "lamp": lamp,
    "tree": tree,
    "bin": bin_,
    "bollard": bollard,
    "sign": sign,
    "bike": bike,
    "car": car,
    "poster": poster,
    "statue": statue,
    "mannequin": mannequin,
}
FURNITURE = ("lamp", "tree", "bin", "bollard", "sign", "bike", "car")
LOOKALIKES = ("statue", "mannequin", "poster")
OCCLUDERS = ("bin", "bollard", "car", "lamp", "sign", "bike")
