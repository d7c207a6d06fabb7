"""Scenes: a street is laid out, composed from far to near, and its visible persons are boxed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .backdrop import AMBIENT, Picture, draw_backdrop
from .canvas import Sprite
from .domains import DOMAINS, Domain
from .figure import draw_figure
from .props import FURNITURE, LOOKALIKES, OCCLUDERS, PROPS
from .weather import lay_snow, photograph

Rng = np.random.Generator

SPLITS = {"train": 0, "val": 1, "test": 2, "canary": 3}
SIZES = ((640, 480), (640, 426), (480, 640), (576, 448))
SIZE_SHARES = (0.45, 0.30, 0.15, 0.10)
LEAST_VISIBLE_SHARE = 0.20
LEAST_BOX_PX = (3, 9)
NOBODY = 0
OPAQUE = 0.45


@dataclass(frozen=True)
class Scene:
    """A picture, uint8 BGR (h, w, 3), and its visible persons, float (n, 4), x0 y0 x1 y1 pixels.

    `light` is one of day, overcast, dusk and night; `weather` one of clear, wet, fog and snow.
    """

    picture: NDArray[np.uint8]
    boxes: NDArray[np.float64]
    light: str
    weather: str
    jpeg_quality: int


@dataclass(frozen=True)
class _Place:
    """Something to be drawn: `size_px` is the height an adult would have at that distance."""

    kind: str
    size_px: float
    x: float


@dataclass(frozen=True)
class _Setting:
    """What all objects of one scene share."""

    light: str
    horizon: int
    camera: float
    wet: float
    snow: bool
    shadow: tuple[float, float] | None


def draw_scene(domain: str, split: str, index: int, seed: int = 0) -> Scene:
    """Draw scene number `index` of a split: the same arguments give the same bytes.

    Persons are boxed by their visible pixels, if at least 20 % of them and 9 rows can be seen.
    """
    look = DOMAINS[domain]
    rng = np.random.default_rng([seed, look.number, SPLITS[split], index])
    width, height = SIZES[rng.choice(len(SIZES), p=SIZE_SHARES)]
    setting = _draw_setting(rng, look, height)
    picture = draw_backdrop(rng, width, height, setting.horizon, setting.light)
    if setting.snow:
        lay_snow(rng, picture, setting.horizon, setting.light)
    owners = np.full((height, width), NOBODY, np.int16)
    full_areas: list[int] = []
    for place in sorted(_lay_out(rng, look, width), key=lambda place: place.size_px):
        sprite, full_area = _draw_place(rng, place, look, setting)
        owner = NOBODY
        if place.kind == "person":
            full_areas.append(full_area)
            owner = len(full_areas)
        ground = setting.horizon + place.size_px / setting.camera
        spot = (place.x - sprite.anchor[0], ground - sprite.anchor[1])
        _paste(rng, picture, owners, sprite, spot, owner, setting)
    finished, hazy = photograph(rng, picture, setting.horizon, setting.light, setting.snow, look)
    return Scene(
        picture=finished,
        boxes=_visible_boxes(owners, full_areas),
        light=setting.light,
        weather=_weather(setting, hazy),
        jpeg_quality=int(rng.integers(*look.jpeg_quality)),
    )


def _weather(setting: _Setting, hazy: bool) -> str:
    """The weather in a word; a wet street in haze is wet."""
    if setting.snow:
        return "snow"
    if setting.wet:
        return "wet"
    return "fog" if hazy else "clear"


def _draw_setting(rng: Rng, domain: Domain, height: int) -> _Setting:
    light = str(rng.choice(domain.light))
    cast = light in ("day", "dusk") and rng.uniform() < domain.shadow
    horizon, camera = int(height * rng.uniform(0.25, 0.48)), rng.uniform(0.62, 1.12)
    wet = rng.uniform(0.2, 0.45) if rng.uniform() < domain.wet else 0.0
    shadow = (rng.uniform(-0.9, 0.9), rng.uniform(0.12, 0.4)) if cast else None
    return _Setting(
        light=light,
        horizon=horizon,
        camera=camera,
        wet=wet,
        # A domain without snow draws no number for it: its pictures stay what they were.
        snow=domain.snow > 0 and rng.uniform() < domain.snow,
        shadow=shadow,
    )


def _lay_out(rng: Rng, domain: Domain, width: int) -> list[_Place]:
    """Who and what stands where: persons, sometimes a crowd, props, and things in the way."""
    smallest, largest = domain.person_px
    places = [
        _Place("person", _log_uniform(rng, smallest, largest), rng.uniform(-0.02, 1.02) * width)
        for _ in range(int(rng.integers(domain.persons[0], domain.persons[1] + 1)))
    ]
    if rng.uniform() < domain.crowd:
        centre, size = rng.uniform(0.15, 0.85) * width, _log_uniform(rng, 25, 110)
        for _ in range(int(rng.integers(3, 9))):
            tall = float(np.clip(size * rng.uniform(0.75, 1.3), smallest, largest))
            places.append(_Place("person", tall, centre + rng.normal(0, size * 0.9)))
    obstacles = [
        _Place(
            str(rng.choice(OCCLUDERS)),
            min(person.size_px * rng.uniform(1.05, 1.35), 260),
            person.x + rng.normal(0, 0.12) * person.size_px,
        )
        for person in places
        if rng.uniform() < domain.occlusion
    ]
    kinds = FURNITURE + (2 * LOOKALIKES if rng.uniform() < domain.lookalikes else ())
    props = [
        _Place(str(rng.choice(kinds)), _log_uniform(rng, 25, 230), rng.uniform(0, 1) * width)
        for _ in range(int(rng.integers(domain.props[0], domain.props[1] + 1)))
    ]
    return places + obstacles + props


def _log_uniform(rng: Rng, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _draw_place(rng: Rng, place: _Place, domain: Domain, setting: _Setting) -> tuple[Sprite, int]:
    """The sprite, and for a person the pixels of the body if nothing hid any of it."""
    if place.kind == "person":
        pose = "cycle" if rng.uniform() < domain.cyclists else str(rng.choice(domain.poses))
        size = place.size_px * rng.uniform(0.92, 1.08)
        sprite = draw_figure(rng, size, pose).sprite().shaded(rng, 0.16)
    else:
        dark = setting.light in ("night", "dusk")
        sprite = PROPS[place.kind](rng, place.size_px, dark).sprite().shaded(rng, 0.2)
    return sprite, int((sprite.person > OPAQUE).sum())


def _paste(
    rng: Rng,
    picture: Picture,
    owners: NDArray[np.int16],
    sprite: Sprite,
    spot: tuple[float, float],
    owner: int,
    setting: _Setting,
) -> None:
    """Blend a sprite, its reflection and its shadow into the picture and mark whose pixels show."""
    x, y = round(spot[0]), round(spot[1])
    exposure = rng.uniform(0.75, 1.4) if setting.light == "night" else rng.uniform(0.85, 1.1)
    lit = sprite.colour * np.float32(AMBIENT[setting.light] * exposure)
    if setting.wet:
        mirrored = np.ascontiguousarray(sprite.alpha[::-1]) * np.float32(setting.wet)
        soft = cv2.GaussianBlur(mirrored, (0, 0), max(0.6, 0.012 * len(mirrored))).astype(
            np.float32
        )
        _blend(picture, lit[::-1], soft, x, round(y + 2 * sprite.anchor[1] - len(mirrored)))
    if setting.shadow is not None:
        _cast_shadow(picture, sprite, x, y, *setting.shadow)
    window = _blend(picture, lit, sprite.alpha, x, y)
    if window is None:
        return
    seen, part = window
    opaque = sprite.alpha[part] > OPAQUE
    owners[seen][opaque] = NOBODY
    if owner:
        owners[seen][opaque & (sprite.person[part] > OPAQUE)] = owner


def _cast_shadow(
    picture: Picture, sprite: Sprite, x: int, y: int, slant: float, squash: float
) -> None:
    """Darken the ground under a sheared, flattened copy of the sprite's outline."""
    height, width = sprite.alpha.shape
    foot = sprite.anchor[1]
    reach = abs(slant) * height
    offset = slant * foot + (reach if slant < 0 else 0.0)
    shear = np.array([[1, -slant, offset], [0, squash, 0]], np.float32)
    size = (int(width + reach) + 2, max(2, int(height * squash)))
    shade = cv2.warpAffine(sprite.alpha, shear, size) * np.float32(0.4)
    left = x - (int(reach) if slant < 0 else 0)
    _blend(
        picture,
        np.zeros((*shade.shape, 3), np.float32),
        shade,
        left,
        round(y + foot * (1 - squash)),
    )


Window = tuple[slice, slice]


def _blend(
    picture: Picture, colour: NDArray[np.float32], alpha: NDArray[np.float32], x: int, y: int
) -> tuple[Window, Window] | None:
    """Blend at (x, y) in place; return the windows of picture and sprite, None if outside."""
    height, width = picture.shape[:2]
    left, top = max(0, x), max(0, y)
    right, bottom = min(width, x + alpha.shape[1]), min(height, y + alpha.shape[0])
    if right <= left or bottom <= top:
        return None
    seen = (slice(top, bottom), slice(left, right))
    part = (slice(top - y, bottom - y), slice(left - x, right - x))
    cover = alpha[part][..., None]
    picture[seen] = picture[seen] * (1 - cover) + colour[part] * cover
    return seen, part


def _visible_boxes(owners: NDArray[np.int16], full_areas: list[int]) -> NDArray[np.float64]:
    boxes = []
    for owner, full_area in enumerate(full_areas, start=1):
        ys, xs = np.nonzero(owners == owner)
        if len(ys) == 0 or len(ys) < LEAST_VISIBLE_SHARE * full_area:
            continue
        left, top, right, bottom = xs.min(), ys.min(), xs.max() + 1, ys.max() + 1
        if right - left >= LEAST_BOX_PX[0] and bottom - top >= LEAST_BOX_PX[1]:
            boxes.append((left, top, right, bottom))
    return np.array(boxes, float).reshape(-1, 4)
