"""What makes a comparison wrong is an error that names its file; what weakens it, a warning."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from promotion.datasets import (
    PreparedDataset,
    labels_of,
    prepare,
)
from promotion.errors import DatasetError
from promotion.study import CanaryDataset
from tests.builders import first, prepare_folder


def test_a_corrupt_image_is_named(folder: Path) -> None:
    image = first(folder, "images", "val")
    image.write_bytes(image.read_bytes()[:200])
    with pytest.raises(DatasetError, match=rf"images/val/{image.name}: unreadable"):
        prepare_folder(folder)


def test_an_empty_split_is_named(folder: Path) -> None:
    shutil.rmtree(folder / "images" / "test")
    with pytest.raises(DatasetError, match="split test is empty"):
        prepare_folder(folder)


def test_a_split_without_a_person_is_named(folder: Path) -> None:
    for label in (folder / "labels" / "test").glob("*"):
        label.write_text("", encoding="utf-8")
    with pytest.raises(DatasetError, match="split test has no labelled person"):
        prepare_folder(folder)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0 1.2 0.5 0.2 0.2", "is not inside the image"),
        ("0 0.5 0.5 0 0.2", "is not inside the image"),
        ("3 0.5 0.5 0.2 0.2", "class 3 is out of range"),
        ("0 0.5 0.5 0.2", "not a YOLO label file"),
        ("person 0.5 0.5 0.2 0.2", "not a YOLO label file"),
    ],
)
def test_a_bad_label_is_named_with_its_file(folder: Path, line: str, reason: str) -> None:
    label = first(folder, "labels", "train")
    label.write_text(line + "\n")
    with pytest.raises(DatasetError, match=reason) as caught:
        prepare_folder(folder)
    assert f"labels/train/{label.name}" in str(caught.value)


def test_the_same_image_in_two_splits_is_an_error(folder: Path) -> None:
    image = first(folder, "images", "train")
    shutil.copy(image, folder / "images" / "test" / "copy.jpg")
    with pytest.raises(DatasetError, match="the same image in two splits"):
        prepare_folder(folder)


def near_copy(image: Path, place: Path) -> None:
    """The same picture, compressed again: other bytes, nearly the same look."""
    with Image.open(image) as opened:
        opened.save(place, quality=60)


def test_every_fault_of_a_folder_has_a_line(folder: Path) -> None:
    first(folder, "labels", "train").write_text("3 0.5 0.5 0.2 0.2\n")
    first(folder, "labels", "val").write_text("0 0.5 0.5 0.2\n")
    with pytest.raises(DatasetError) as caught:
        prepare_folder(folder)
    assert len(str(caught.value).splitlines()) == 2


def canary_of(folder: Path, *images: Path) -> PreparedDataset:
    """Production pictures: copies of these."""
    for image in images:
        for path in (image, labels_of(image)):
            part = "images" if path == image else "labels"
            (folder / part / "canary").mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / part / "canary" / path.name)
    return prepare(CanaryDataset(source="folder", path=folder), folder.parent / "canary_home")
