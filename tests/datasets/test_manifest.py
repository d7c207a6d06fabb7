"""The manifest and the ground truth say what the pictures hold, no more and no less."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import ExifTags, Image

from promotion.datasets import (
    SPLITS,
    PreparedDataset,
    ground_truth,
    labels_of,
    read_image,
)
from tests.builders import first, prepare_folder


def test_the_digest_follows_the_labels(folder: Path) -> None:
    before = prepare_folder(folder).manifest.digest
    first(folder, "labels", "test").write_text("0 0.5 0.5 0.2 0.2\n")
    assert prepare_folder(folder).manifest.digest != before


def test_ground_truth_keeps_images_without_a_person(folder: Path) -> None:
    first(folder, "labels", "val").write_text("")
    table = ground_truth(folder, "val")
    assert table["image"].nunique() == 4
    assert table.groupby("image")["x0"].apply(lambda x: x.isna().all()).sum() == 1


def test_boxes_follow_a_photograph_that_its_camera_turned(folder: Path) -> None:
    image = first(folder, "images", "val")
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    with Image.open(image) as opened:
        opened.resize((200, 100)).save(image, exif=turned)
    labels_of(image).write_text("0 0.5 0.5 1 1\n")
    table = ground_truth(folder, "val")
    box = table.loc[table["image"] == image.name, ["x0", "y0", "x1", "y1"]].to_numpy()[0]
    assert box.tolist() == [0, 0, 100, 200]
    assert read_image(image).shape[:2] == (200, 100)


def test_the_digest_follows_the_pictures_and_their_names(folder: Path) -> None:
    before = prepare_folder(folder).manifest.digest
    image = first(folder, "images", "train")
    labels_of(image).rename(labels_of(image).with_name("moved.txt"))
    image.rename(image.with_name("moved.jpg"))
    assert prepare_folder(folder).manifest.digest != before


def test_the_manifest_counts_what_the_splits_hold(streets: PreparedDataset) -> None:
    for split in SPLITS:
        truth = ground_truth(streets.folder, split)
        assert streets.manifest.images[split] == truth["image"].nunique() == 4
        assert streets.manifest.instances[split] == len(truth.dropna())


def test_boxes_are_in_pixels_of_the_picture(folder: Path) -> None:
    image = first(folder, "images", "val")
    height, width = read_image(image).shape[:2]
    labels_of(image).write_text("0 0.5 0.5 0.5 0.25\n")
    truth = ground_truth(folder, "val")
    box = truth.loc[truth["image"] == image.name, ["x0", "y0", "x1", "y1"]].to_numpy()[0]
    assert box == pytest.approx([width / 4, height * 3 / 8, width * 3 / 4, height * 5 / 8])
