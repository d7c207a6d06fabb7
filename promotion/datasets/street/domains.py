"""The domains of the street scenes: what a camera at one place and time is likely to see."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Domain:
    """Chances in [0, 1] and ranges from which a scene of this domain is drawn."""

    number: int
    light: tuple[str, ...]
    persons: tuple[int, int]
    person_px: tuple[float, float]
    poses: tuple[str, ...]
    props: tuple[int, int]
    crowd: float
    occlusion: float
    lookalikes: float
    cyclists: float
    wet: float
    snow: float
    shadow: float
    haze: float
    low_light: float
    blur: float
    noise: tuple[float, float]
    jpeg_quality: tuple[int, int]


DAY = Domain(
    number=1,
    light=("day", "day", "overcast"),
    persons=(1, 7),
    person_px=(26, 260),
    poses=("stand", "walk", "walk", "run", "talk"),
    props=(2, 6),
    crowd=0.10,
    occlusion=0.09,
    lookalikes=0.10,
    cyclists=0.0,
    wet=0.05,
    snow=0.0,
    shadow=0.6,
    haze=0.05,
    low_light=0.0,
    blur=0.15,
    noise=(0, 5),
    jpeg_quality=(70, 95),
)
NIGHT = Domain(
    number=2,
    light=("day", "overcast", "dusk", "night"),
    persons=(0, 12),
    person_px=(12, 250),
    poses=("stand", "walk", "walk", "run", "talk", "sit", "bend", "wave", "phone"),
    props=(4, 10),
    crowd=0.40,
    occlusion=0.30,
    lookalikes=0.60,
    cyclists=0.15,
    wet=0.35,
    snow=0.0,
    shadow=0.6,
    haze=0.20,
    low_light=0.45,
    blur=0.45,
    noise=(2, 16),
    jpeg_quality=(22, 80),
)
WINTER = Domain(
    number=3,
    light=("day", "overcast", "overcast", "dusk"),
    persons=(0, 10),
    person_px=(14, 230),
    poses=("stand", "walk", "walk", "run", "talk", "bend", "phone"),
    props=(3, 9),
    crowd=0.30,
    occlusion=0.25,
    lookalikes=0.60,
    cyclists=0.20,
    wet=0.0,
    snow=1.0,
    shadow=0.2,
    haze=0.30,
    low_light=0.30,
    blur=0.40,
    noise=(3, 16),
    jpeg_quality=(25, 75),
)
DOMAINS = {"day": DAY, "night": NIGHT, "winter": WINTER}
