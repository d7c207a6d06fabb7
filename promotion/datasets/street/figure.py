"""Figures: a skeleton in three dimensions, dressed, and drawn from the far limb to the near one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .canvas import Canvas, Colour, Disc, Hull, Ring, Shape, box
from .palette import CLOTH, HAIR, RUBBER, SHOE, SKIN, pick
from .poses import POSES, Pose

Point = NDArray[np.float64]
Rng = np.random.Generator

HIP, TORSO = 0.50, 0.31
THIGH, SHIN = 0.235, 0.225
UPPER_ARM, FOREARM = 0.155, 0.14
GARMENTS = ("tee", "jumper", "coat", "dress", "skirt", "shorts")
GARMENT_SHARES = (0.20, 0.32, 0.20, 0.08, 0.07, 0.13)


@dataclass(frozen=True)
class Build:
    """A body: girth (1 = average) and half widths at shoulders and hips, head size."""

    girth: float
    shoulder: float
    hip: float
    head: float

    @classmethod
    def random(cls, rng: Rng) -> Build:
        """A body drawn at random; one in eight is a child."""
        girth = rng.uniform(0.85, 1.3)
        child = rng.uniform() < 0.12
        return cls(
            girth,
            shoulder=0.105 * girth * rng.uniform(0.9, 1.1),
            hip=0.072 * girth,
            head=(1.35 if child else 1.0) * rng.uniform(0.95, 1.08),
        )

    @property
    def limb(self) -> float:
        """The radius of a limb, in body heights."""
        return 0.045 * self.girth


@dataclass(frozen=True)
class Outfit:
    """The colours and the cut of what a figure wears."""

    garment: str
    skin: Colour
    hair: Colour
    top: Colour
    bottom: Colour
    shoe: Colour
    bare_legs: bool
    long_hair: bool
    hat: Colour | None
    bag: Colour | None

    @classmethod
    def random(cls, rng: Rng) -> Outfit:
        """An outfit drawn at random."""
        dark = rng.uniform() < 0.6
        return cls(
            garment=str(rng.choice(GARMENTS, p=GARMENT_SHARES)),
            skin=pick(rng, SKIN, 7),
            hair=pick(rng, HAIR, 8),
            top=pick(rng, CLOTH),
            bottom=pick(rng, CLOTH[:8] if dark else CLOTH) * 0.9,
            shoe=pick(rng, SHOE),
            bare_legs=rng.uniform() < 0.7,
            long_hair=rng.uniform() < 0.3,
            hat=pick(rng, CLOTH) if rng.uniform() < 0.2 else None,
            bag=pick(rng, CLOTH) if rng.uniform() < 0.25 else None,
        )

    def cast(self, material: Colour) -> Outfit:
        """The same outfit as a sculptor would make it: one material throughout."""
        return replace(
            self,
            skin=material,
            top=material,
            shoe=material,
            hair=material * 0.8,
            bottom=material * 0.92,
            hat=None,
            bag=None,
        )

    @property
    def sleeve(self) -> Colour:
        """The colour of the forearm."""
        return self.skin if self.garment == "tee" else self.top

    @property
    def thigh(self) -> Colour:
        """The colour of the upper leg."""
        return self.bottom if self.garment == "shorts" else self.calf

    @property
    def calf(self) -> Colour:
        """The colour of the lower leg."""
        uncovered = self.garment in ("dress", "skirt", "shorts") and self.bare_legs
        return self.skin if uncovered else self.bottom


@dataclass(frozen=True)
class Part:
    """Shapes at one depth (towards the viewer is positive)."""

    depth: float
    shapes: Sequence[Shape]


class Skeleton:
    """Joint positions of a posed body, turned by `yaw` (0 faces the viewer)."""

    def __init__(self, pose: Pose, build: Build, yaw: float) -> None:
        self.pose, self.build, self.yaw = pose, build, yaw
        self.hip_height = HIP + pose.drop

    def turned(self, x: float, y: float, z: float) -> Point:
        """A point of the body's own frame (x across, z forwards) as (x, y, depth) on screen."""
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        return np.array([x * cos + z * sin, y, -x * sin + z * cos])

    def spine(self, x: float, along: float, z: float = 0.0) -> Point:
        """A point on the leaning trunk, `along` body heights above the hips."""
        lean = self.pose.lean
        return self.turned(x, self.hip_height + along * np.cos(lean), z + along * np.sin(lean))

    def leg(self, side: int) -> tuple[Point, Point, Point, Point]:
        """Hip, knee, ankle and toe of the left (0) or right (1) leg."""
        thigh, knee = self.pose.thighs[side], self.pose.knees[side]
        start = (self._sign(side) * self.build.hip * 0.75, self.hip_height, 0.0)
        hip, joint, ankle = self._chain(start, (THIGH, SHIN), (thigh, thigh - knee), 0.02)
        return hip, joint, ankle, ankle + self.turned(0, -0.012, 0.055)

    def arm(self, side: int) -> tuple[Point, Point, Point]:
        """Shoulder, elbow and hand of the left (0) or right (1) arm."""
        shoulder, elbow = self.pose.shoulders[side], self.pose.elbows[side]
        reach = TORSO * 0.97
        start = (
            self._sign(side) * self.build.shoulder,
            self.hip_height + reach * np.cos(self.pose.lean),
            reach * np.sin(self.pose.lean),
        )
        angles = (shoulder, shoulder + elbow)
        return self._chain(start, (UPPER_ARM, FOREARM), angles, self.pose.spread[side])

    @staticmethod
    def _sign(side: int) -> int:
        return 1 if side == 0 else -1

    def _chain(
        self,
        start: tuple[float, float, float],
        lengths: tuple[float, float],
        angles: tuple[float, float],
        spread: float,
    ) -> tuple[Point, Point, Point]:
        outwards = np.sign(start[0]) * np.sin(spread)
        joints = [np.array(start)]
        for length, angle, flare in zip(lengths, angles, (1.0, 0.4), strict=True):
            step = [outwards * flare, -np.cos(angle) * np.cos(spread), np.sin(angle)]
            joints.append(joints[-1] + length * np.array(step))
        a, b, c = (self.turned(*joint) for joint in joints)
        return a, b, c


def _disc(point: Point, radius: float, dx: float = 0.0, dy: float = 0.0) -> Disc:
    return float(point[0]) + dx, float(point[1]) + dy, radius


def _body(discs: Sequence[Disc], colour: Colour) -> Hull:
    return Hull(discs, colour, person=True)


def _leg(bones: Skeleton, wear: Outfit, side: int) -> Part:
    hip, knee, ankle, toe = bones.leg(side)
    limb, girth = bones.build.limb, bones.build.girth
    return Part(
        float(hip[2] + knee[2] + ankle[2]) / 3 - 0.03,
        [
            _body([_disc(ankle, 0.023, dy=-0.008), _disc(toe, 0.017, dy=-0.006)], wear.shoe),
            _body([_disc(knee, limb * 0.85), _disc(ankle, 0.025 * girth)], wear.calf),
            _body([_disc(hip, limb * 1.35), _disc(knee, limb * 0.9)], wear.thigh),
        ],
    )


def _arm(bones: Skeleton, wear: Outfit, side: int) -> Part:
    shoulder, elbow, hand = bones.arm(side)
    girth = bones.build.girth
    return Part(
        float(shoulder[2] + elbow[2] + hand[2]) / 3 + 0.01,
        [
            _body([_disc(hand, 0.022)], wear.skin),
            _body([_disc(elbow, 0.027 * girth), _disc(hand, 0.02)], wear.sleeve),
            _body([_disc(shoulder, 0.036 * girth), _disc(elbow, 0.029 * girth)], wear.top * 0.94),
        ],
    )


def _torso(rng: Rng, bones: Skeleton, wear: Outfit) -> Part:
    build = bones.build
    shoulders = [bones.spine(sign * build.shoulder * 0.85, TORSO * 0.97) for sign in (1, -1)]
    hips = [bones.turned(sign * build.hip * 0.7, bones.hip_height, 0) for sign in (1, -1)]
    waist = bones.spine(0, TORSO * 0.45)
    below = wear.top if wear.garment == "coat" else wear.bottom
    shapes = [
        _body([*(_disc(h, build.limb * 1.2) for h in hips), _disc(waist, build.hip * 0.9)], below),
        _body(
            [
                *(_disc(s, 0.04 * build.girth) for s in shoulders),
                _disc(waist, max(0.062 * build.girth, build.hip * 0.85), dy=-0.05),
            ],
            wear.top,
        ),
    ]
    if wear.garment in ("coat", "dress", "skirt"):
        shapes.append(_hem(rng, bones, wear, hips))
    if wear.garment == "jumper" and np.cos(bones.yaw) > 0.3 and rng.uniform() < 0.4:
        neck = (shoulders[0] + shoulders[1]) / 2
        shapes.append(_body([_disc(waist, 0.008, dy=-0.06), _disc(neck, 0.008)], wear.top * 0.6))
    return Part(0.0, shapes)


def _hem(rng: Rng, bones: Skeleton, wear: Outfit, hips: Sequence[Point]) -> Hull:
    """The part of a coat, dress or skirt that hangs below the hips."""
    coat = wear.garment == "coat"
    length = (0.13 if coat else rng.uniform(0.16, 0.26)) * (1 if bones.pose.drop == 0 else 0.3)
    edge = bones.turned(0, bones.hip_height - length, 0.02)
    flare = bones.build.hip * (1.1 if coat else 1.5) * 0.8
    return _body(
        [
            *(_disc(h, bones.build.limb * 1.1, dy=0.04) for h in hips),
            _disc(edge, 0.02, dx=-flare),
            _disc(edge, 0.02, dx=flare),
        ],
        wear.bottom if wear.garment == "skirt" else wear.top,
    )


def _bag(bones: Skeleton, colour: Colour) -> Part:
    low, high = bones.spine(0, TORSO * 0.35, -0.1), bones.spine(0, TORSO * 0.85, -0.1)
    return Part(float(low[2]) * 1.2, [_body([_disc(low, 0.06), _disc(high, 0.055)], colour)])


def _head(bones: Skeleton, wear: Outfit, look: float, with_face: bool) -> Part:
    """Head and neck, looking in direction `look` (radians, 0 towards the viewer)."""
    size = bones.build.head
    centre, neck = bones.spine(0, TORSO + 0.135, 0.012), bones.spine(0, TORSO + 0.02)
    sideways, towards = float(np.sin(look)), float(np.cos(look))
    nape = -0.07 if wear.long_hair else -0.008
    shapes = [
        _body([_disc(neck, 0.03), _disc(centre, 0.028, dy=-0.03)], wear.skin * 0.88),
        _body(
            [
                _disc(centre, 0.056 * size, dx=-sideways * 0.016, dy=0.018),
                _disc(centre, 0.045 * size, dx=-sideways * 0.02, dy=nape),
            ],
            wear.hair,
        ),
    ]
    if towards > -0.35:
        front = sideways * 0.018
        shapes.append(
            _body(
                [
                    _disc(centre, 0.043 * size, dx=front, dy=0.004),
                    _disc(centre, 0.031 * size, dx=front, dy=-0.03),
                ],
                wear.skin,
            )
        )
        if with_face:
            shapes += _face(centre, wear.skin, sideways, towards)
    if wear.hat is not None:
        crown = _disc(centre, 0.05 * size, dx=-sideways * 0.005, dy=0.036)
        shapes.append(_body([crown, _disc(centre, 0.018, dx=sideways * 0.05, dy=0.03)], wear.hat))
    return Part(0.03 if bones.pose.lean < 0.4 else float(centre[2]), shapes)


def _face(centre: Point, skin: Colour, sideways: float, towards: float) -> list[Hull]:
    eyes = [
        _body(
            [_disc(centre, 0.006, dx=sideways * 0.03 + e * 0.018 * towards, dy=0.004)], skin * 0.3
        )
        for e in (-1, 1)
    ]
    corners = [sideways * 0.034 + c * 0.01 * towards for c in (-1, 1)]
    return [*eyes, _body([_disc(centre, 0.004, dx=c, dy=-0.036) for c in corners], skin * 0.55)]


def _bench(rng: Rng, facing_away: bool) -> Part:
    wood = pick(rng, CLOTH[[0, 5, 9, 14]])
    shapes: list[Shape] = [
        box(-0.3, 0.2, 0.3, 0.24, wood),
        box(-0.27, 0, -0.23, 0.2, wood * 0.7),
        box(0.23, 0, 0.27, 0.2, wood * 0.7),
    ]
    if not facing_away:
        shapes.append(box(-0.3, 0.36, 0.3, 0.5, wood * 0.85))
    return Part(-0.5, shapes)


def bicycle(colour: Colour, direction: float = 1.0) -> list[Shape]:
    """A bicycle seen from the side, its front wheel towards `direction`."""
    wheels: list[Shape] = [Ring(x, 0.17, 0.17, 0.018, RUBBER) for x in (-0.3, 0.3)]
    tubes = (
        ((-0.3, 0.17), (-0.08, 0.45)),
        ((-0.08, 0.45), (0.02, 0.17)),
        ((0.02, 0.17), (0.24, 0.46)),
        ((-0.08, 0.42), (0.23, 0.44)),
        ((0.3, 0.17), (0.22, 0.58)),
        ((-0.3, 0.17), (0.02, 0.17)),
    )
    frame = [Hull([(x * direction, y, 0.014) for x, y in tube], colour) for tube in tubes]
    return [*wheels, *frame]


def draw_figure(
    rng: Rng, height_px: float, pose: str, material: Colour | None = None, headless: bool = False
) -> Canvas:
    """Draw one person, or with `material` a statue or dummy of one.

    The canvas's person mask marks the body alone: a bench or a bicycle is not part of a person.
    """
    cycling = pose == "cycle"
    yaw = rng.uniform(0, 2 * np.pi)
    if cycling:
        yaw = float(rng.choice([np.pi / 2, -np.pi / 2])) + rng.uniform(-0.3, 0.3)
    bones = Skeleton(POSES[pose](rng), Build.random(rng), yaw)
    wear = Outfit.random(rng)
    if material is not None:
        wear = wear.cast(material)
    look = yaw + rng.uniform(-0.6, 0.6)

    parts = [_leg(bones, wear, side) for side in (0, 1)]
    parts += [_arm(bones, wear, side) for side in (0, 1)]
    parts.append(_torso(rng, bones, wear))
    if wear.bag is not None:
        parts.append(_bag(bones, wear.bag))
    if not headless:
        parts.append(_head(bones, wear, look, with_face=height_px > 70))
    if pose == "sit":
        parts.append(_bench(rng, facing_away=np.cos(yaw) < 0))
    if cycling:
        parts.append(Part(0.02, bicycle(pick(rng, CLOTH), float(np.sign(np.sin(yaw))))))

    canvas = Canvas(height_px, width=1.6, height=1.4)
    for part in sorted(parts, key=lambda part: part.depth):
        canvas.draw(part.shapes)
    if material is not None:
        canvas.person[:] = 0
    return canvas
