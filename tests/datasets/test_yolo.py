"""The YOLO folder format, written and read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from promotion.datasets import (
    images_of,
    labels_of,
    read_image,
    read_labels,
)
from promotion.datasets.yolo import to_label_lines
from promotion.errors import DatasetError
from tests.builders import first


def test_boxes_written_as_labels_are_read_back(tmp_path: Path) -> None:
    boxes = np.array([[10.0, 20, 30, 60], [0, 0, 200, 100]])
    path = tmp_path / "labels.txt"
    path.write_text(to_label_lines(boxes, 200, 100))
    x, y, width, height = read_labels(path)[:, 1:].T * np.array([[200], [100], [200], [100]])
    again = np.column_stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2])
    assert again == pytest.approx(boxes, abs=1e-3)


def test_an_image_without_a_label_file_has_no_person(tmp_path: Path) -> None:
    assert read_labels(tmp_path / "none.txt").shape == (0, 5)
    (tmp_path / "blank.txt").write_text("\n \n")
    assert read_labels(tmp_path / "blank.txt").shape == (0, 5)


def test_labels_lie_beside_the_images_under_the_same_name(folder: Path) -> None:
    for image in images_of(folder, "val"):
        assert labels_of(image).is_file()
        assert labels_of(image).parent == folder / "labels" / "val"


def test_images_of_a_split_come_in_order_and_notes_are_not_among_them(folder: Path) -> None:
    (folder / "images" / "val" / "notes.md").write_text("nothing")
    (folder / "images" / "val" / "0.JPG").write_bytes(first(folder, "images", "val").read_bytes())
    names = [path.name for path in images_of(folder, "val")]
    assert names == sorted(names)
    assert len(names) == 5


def test_what_is_no_image_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no image")
    with pytest.raises(DatasetError, match=r"a\.jpg: unreadable image"):
        read_image(tmp_path / "a.jpg")
