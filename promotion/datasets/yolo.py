"""The YOLO folder format: images/<split>/*.jpg, labels/<split>/*.txt and a data.yaml."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from promotion.errors import DatasetError
from promotion.images import FORMATS, ImageError, decode

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
# A phone's 48 megapixels pass; decoded, a picture ten times as large would fill the memory.
MOST_PIXELS = 50_000_000
# Ultralytics drops smaller pictures from a training without an error.
LEAST_SIDE_PX = 10
# Some 3,000 persons; each box is compared with every other.
MOST_LABEL_BYTES = 128 * 1024


def decode_image(content: bytes, name: str) -> NDArray[np.uint8]:
    """An encoded image as uint8 BGR (h, w, 3).

    Raises:
        DatasetError: the bytes are not a JPEG, PNG or WebP image.
    """
    try:
        return decode(content)
    except ImageError as error:
        raise DatasetError(f"{name}: unreadable image ({error}); replace or remove it") from None


def read_image(path: Path) -> NDArray[np.uint8]:
    """An image file as uint8 BGR (h, w, 3).

    Raises:
        DatasetError: the file is not a JPEG, PNG or WebP image.
    """
    return decode_image(path.read_bytes(), str(path))


def read_grey(path: Path) -> Image.Image:
    """A whole image file in shades of grey, as its file stores it.

    Raises:
        DatasetError: it is no JPEG, PNG or WebP, is damaged, or is too large or too small.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                _refuse_size(image.size)
                image.load()
                return image.convert("L")
    except DatasetError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise DatasetError(f"more than {MOST_PIXELS:,} pixels; make it smaller") from None
    except UnidentifiedImageError:
        raise DatasetError("unreadable (no JPEG, PNG or WebP); replace or remove it") from None
    # A damaged file makes a decoder raise nearly anything.
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DatasetError(f"unreadable ({reason}); replace or remove it") from None


def _refuse_size(size: tuple[int, int]) -> None:
    width, height = size
    if width * height > MOST_PIXELS:
        raise DatasetError(f"{width} x {height}, more than {MOST_PIXELS:,} pixels; make it smaller")
    if min(size) < LEAST_SIDE_PX:
        raise DatasetError(f"{width} x {height}, a side under {LEAST_SIDE_PX} pixels; remove it")


def size_of(path: Path) -> tuple[int, int]:
    """Width and height of an image file as `read_image` decodes it, turned as its camera says."""
    with Image.open(path, formats=FORMATS) as image:
        if ExifTags.Base.Orientation not in image.getexif():
            return image.size
    height, width = read_image(path).shape[:2]
    return width, height


def to_label_lines(boxes: NDArray[np.float64], width: int, height: int, label: int = 0) -> str:
    """Boxes (n, 4), x0 y0 x1 y1 in pixels, as YOLO label lines (class, centre, size; in [0, 1])."""
    lines = []
    for x0, y0, x1, y1 in boxes:
        centre = ((x0 + x1) / 2 / width, (y0 + y1) / 2 / height)
        size = ((x1 - x0) / width, (y1 - y0) / height)
        lines.append(f"{label} {centre[0]:.6f} {centre[1]:.6f} {size[0]:.6f} {size[1]:.6f}\n")
    return "".join(lines)


def write_data_yaml(folder: Path, splits: Sequence[str], names: Sequence[str]) -> None:
    """Write the data.yaml that Ultralytics reads; its paths are relative to the folder."""
    content: dict[str, object] = {split: f"images/{split}" for split in splits}
    content["names"] = dict(enumerate(names))
    (folder / "data.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def images_of(folder: Path, split: str) -> list[Path]:
    """The images of a split, in the order of their names."""
    paths = (folder / "images" / split).glob("*")
    return sorted(path for path in paths if is_image(path))


def split_of(name: str) -> str:
    """The split of an image by its path below the dataset's folder: images/<split>/<file>."""
    return name.split("/")[1]


def is_image(path: Path) -> bool:
    """Whether a file is named like a picture that is read."""
    return path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()


def labels_of(image: Path) -> Path:
    """The label file that belongs to an image; it may not exist (no object)."""
    return image.parents[2] / "labels" / image.parent.name / f"{image.stem}.txt"


def read_labels(path: Path) -> NDArray[np.float64]:
    """Labels (n, 5): class, centre x and y, width, height; a missing file has none.

    Raises:
        ValueError: a line is not five numbers.
    """
    return np.array([values for _, values in numbered_labels(path)], dtype=float).reshape(-1, 5)


def numbered_labels(path: Path) -> list[tuple[int, list[float]]]:
    """The labels of a file, each with the number of its line; empty lines hold none.

    Raises:
        ValueError: a line is not five numbers.
    """
    if not path.exists():
        return []
    # A device or a pipe would be read for ever.
    if not path.is_file():
        raise ValueError("it is no file")
    if path.stat().st_size > MOST_LABEL_BYTES:
        raise ValueError(f"more than {MOST_LABEL_BYTES // 1024} KiB, which no picture's labels are")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError("it is not text") from None
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        values = [float(value) for value in line.split()]
        if len(values) != 5:
            raise ValueError("a line does not have 5 values")
        rows.append((number, values))
    return rows
