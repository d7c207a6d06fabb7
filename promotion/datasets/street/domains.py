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
    light=("dusk", "night"),
    persons=(0, 9),
    person_px=(40, 250),
    poses=("stand", "walk", "walk", "run", "talk", "sit", "bend", "wave", "phone"),
    props=(3, 8),
    crowd=0.15,
    occlusion=0.15,
    lookalikes=0.40,
    cyclists=0.10,
    wet=0.35,
    snow=0.0,
    shadow=0.6,
    haze=0.15,
    low_light=0.10,
    blur=0.25,
    noise=(2, 10),
    jpeg_quality=(40, 85),
)
WINTER = Domain(
    number=3,
    light=("day", "overcast", "overcast", "dusk"),
    persons=(0, 10),
    person_px=(24, 230),
    poses=("stand", "walk", "walk", "run", "talk", "bend", "phone"),
    props=(3, 9),
    crowd=0.20,
    occlusion=0.20,
    lookalikes=0.60,
    cyclists=0.20,
    wet=0.0,
    snow=1.0,
    shadow=0.2,
    haze=0.30,
    low_light=0.20,
    blur=0.30,
    noise=(2, 12),
    jpeg_quality=(40, 80),
)
BUSY = Domain(
    number=4,
    light=("day", "overcast", "dusk"),
    persons=(1, 10),
    person_px=(18, 250),
    poses=("stand", "walk", "walk", "run", "talk", "sit", "bend", "wave", "phone"),
    props=(3, 9),
    crowd=0.25,
    occlusion=0.25,
    lookalikes=0.50,
    cyclists=0.12,
    wet=0.20,
    snow=0.0,
    shadow=0.6,
    haze=0.15,
    low_light=0.30,
    blur=0.30,
    noise=(0, 13),
    jpeg_quality=(35, 95),
)
DOMAINS = {"day": DAY, "night": NIGHT, "winter": WINTER, "busy": BUSY}
