"""The manifest: what a dataset holds, file by file, and the digest that names it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from pydantic import BaseModel

from promotion.checksums import sha256_of
from promotion.datasets.slices import SLICES_FILE
from promotion.datasets.yolo import images_of, labels_of, read_labels, size_of
from promotion.errors import DatasetError
from promotion.facts import Note

SPLITS = ("train", "val", "test")
GROUND_TRUTH_COLUMNS = ["image", "x0", "y0", "x1", "y1"]


class Manifest(BaseModel):
    """The files of a dataset with their SHA-256, its splits, and what the checks warn of.

    `hashes` are the perceptual hashes of the images and `mirrored` those of their mirror images, by
    which near duplicates are known; `groups` names the group of each image that shares one.
    """

    source: str
    files: dict[str, str]
    images: dict[str, int]
    instances: dict[str, int]
    hashes: dict[str, str] = {}
    mirrored: dict[str, str] = {}
    groups: dict[str, str] = {}
    findings: list[Note] = []

    def only(self, splits: Iterable[str]) -> Manifest:
        """The manifest of some of the splits."""
        kept = tuple(f"{kind}/{split}/" for kind in ("images", "labels") for split in splits)
        names = {"files", "hashes", "mirrored", "groups"}
        return self.model_copy(
            update={
                field: {
                    name: one for name, one in getattr(self, field).items() if name.startswith(kept)
                }
                for field in names
            }
            | {"images": {split: count for split, count in self.images.items() if split in splits}}
        )

    def groups_in(self, split: str) -> dict[str, str]:
        """The groups of a split's images, by their names; an image without one is its own."""
        place = f"images/{split}/"
        return {
            name.removeprefix(place): group
            for name, group in self.groups.items()
            if name.startswith(place)
        }

    def independent(self, split: str) -> int:
        """How many independent groups of images a split holds."""
        grouped = self.groups_in(split)
        return self.images[split] - len(grouped) + len(set(grouped.values()))

    def split_digest(self, split: str) -> str:
        """The SHA-256 of a split's files, whatever their names: equal digests, equal evidence."""
        parts = (f"images/{split}/", f"labels/{split}/")
        sums = sorted(found for name, found in self.files.items() if name.startswith(parts))
        return hashlib.sha256("\n".join(sums).encode()).hexdigest()

    @property
    def digest(self) -> str:
        """The SHA-256 of all names and sums: equal digests mean equal data."""
        lines = "".join(f"{name} {digest}\n" for name, digest in sorted(self.files.items()))
        return hashlib.sha256(lines.encode()).hexdigest()


def file_sums(folder: Path, splits: Iterable[str]) -> dict[str, str]:
    """The SHA-256 of every image and label file of these splits, by its path below the folder.

    Raises:
        DatasetError: a file cannot be read.
    """
    paths = [
        path
        for split in splits
        for image in images_of(folder, split)
        for path in (image, labels_of(image))
        if path.is_file()
    ]
    try:
        return {path.relative_to(folder).as_posix(): sha256_of(path) for path in paths}
    except OSError as error:
        raise DatasetError(f"{error.filename}: cannot be read ({error.strerror})") from None


def slices_sum(folder: Path) -> dict[str, str]:
    """The SHA-256 of the user's own slices.csv, by its name; nothing where there is none."""
    path = folder / SLICES_FILE
    return {SLICES_FILE: sha256_of(path)} if path.is_file() else {}


def count_split(folder: Path, split: str) -> tuple[int, int]:
    """The numbers of images and of labelled objects of a split."""
    images = images_of(folder, split)
    return len(images), sum(len(read_labels(labels_of(image))) for image in images)


def ground_truth(folder: Path, split: str) -> pd.DataFrame:
    """The boxes of a split, in pixels, one row a box: image, x0, y0, x1, y1.

    An image without a box has one row with missing coordinates, so that it counts as an image.
    """
    rows: list[tuple[object, ...]] = []
    for path in images_of(folder, split):
        width, height = size_of(path)
        labels = read_labels(labels_of(path))
        if not len(labels):
            rows.append((path.name, None, None, None, None))
        for _, x, y, w, h in labels:
            box = (
                (x - w / 2) * width,
                (y - h / 2) * height,
                (x + w / 2) * width,
                (y + h / 2) * height,
            )
            rows.append((path.name, *box))
    table = pd.DataFrame(rows, columns=GROUND_TRUTH_COLUMNS)
    return table.astype(dict.fromkeys(GROUND_TRUTH_COLUMNS[1:], float))
