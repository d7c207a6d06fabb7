"""The gallery's pictures, small enough to travel with the book; its languages share them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import ImageOps

from promotion.images import open_image

LONGEST_SIDE = 640
QUALITY = 60


def put_thumbnails(pictures: Sequence[Path], place: Path) -> None:
    """Write each picture as a WebP of at most 640 pixels a side, by `thumbnail_names`."""
    place.mkdir(parents=True)
    for picture, name in zip(pictures, thumbnail_names(pictures), strict=True):
        with open_image(picture.read_bytes()) as opened:
            turned = ImageOps.exif_transpose(opened).convert("RGB")
            turned.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            turned.save(place / name, quality=QUALITY, method=4)


def thumbnail_names(pictures: Sequence[Path]) -> list[str]:
    """The names of the thumbnails, in which nothing of a stranger's name is."""
    return [f"{number:05d}.webp" for number in range(1, len(pictures) + 1)]
