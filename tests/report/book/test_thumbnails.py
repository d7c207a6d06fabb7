"""The gallery's pictures are light, as the eye sees them, and named by no stranger."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from promotion.report.book.thumbnails import put_thumbnails, thumbnail_names


def test_pictures_are_made_small_and_named_by_their_places(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (900, 1200, 3), dtype=np.uint8)
    pictures = [tmp_path / "'a' & <b>.png", tmp_path / "small.jpg"]
    for picture, side in zip(pictures, (900, 90), strict=True):
        Image.fromarray(noise[:side]).save(picture)
    put_thumbnails(pictures, tmp_path / "pictures")
    made = [tmp_path / "pictures" / name for name in thumbnail_names(pictures)]
    assert sorted((tmp_path / "pictures").iterdir()) == made
    assert [Image.open(one).size for one in made] == [(640, 480), (640, 48)]
    assert made[0].stat().st_size < pictures[0].stat().st_size / 3


def test_a_picture_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    """The boxes are those of the turned picture."""
    picture = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 32)).save(picture, exif=exif)
    put_thumbnails([picture], tmp_path / "pictures")
    assert Image.open(tmp_path / "pictures" / "00001.webp").size == (32, 64)
