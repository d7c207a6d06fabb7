from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from promotion.checksums import sha256_of
from promotion.datasets import PreparedDataset, ground_truth, images_of, prepare
from promotion.datasets.sources.coco128_persons import SUMS_FILE
from promotion.datasets.yolo import labels_of, read_image
from promotion.errors import ChecksumError, DatasetError, DownloadError
from promotion.study.schema import Dataset

COCO = Dataset(source="coco128_persons", train=40, val=10, test=10)


@pytest.fixture
def folder(streets: PreparedDataset, tmp_path: Path) -> Path:
    """A user's own copy of a YOLO-format folder."""
    place = tmp_path / "own"
    for part in ("images", "labels"):
        shutil.copytree(streets.folder / part, place / part)
    return place


def prepare_folder(folder: Path) -> PreparedDataset:
    return prepare(Dataset(source="folder", path=folder), folder.parent / "home")


def first(folder: Path, part: str, split: str) -> Path:
    return sorted((folder / part / split).glob("*.*"))[0]


def test_a_dataset_is_made_once_and_found_again(streets: PreparedDataset) -> None:
    home = streets.folder.parent.parent
    times = {path: path.stat().st_mtime_ns for path in streets.folder.rglob("*.jpg")}
    again = prepare(Dataset(source="street_scenes", train=4, val=4, test=4, seed=5), home)
    assert again.manifest == streets.manifest
    assert times == {path: path.stat().st_mtime_ns for path in streets.folder.rglob("*.jpg")}


def test_a_changed_file_of_a_made_dataset_is_noticed(tmp_path: Path) -> None:
    dataset = Dataset(source="street_scenes", train=1, val=1, test=1)
    made = prepare(dataset, tmp_path)
    first(made.folder, "labels", "val").write_text("0 0.5 0.5 0.2 0.2\n")
    with pytest.raises(DatasetError, match="delete the folder"):
        prepare(dataset, tmp_path)


def test_an_own_folder_is_used_where_it_is(folder: Path, streets: PreparedDataset) -> None:
    found = prepare_folder(folder)
    assert found.folder == folder
    assert found.manifest.digest == streets.manifest.digest
    assert found.manifest.images == {"train": 4, "val": 4, "test": 4}


def test_the_digest_follows_the_labels(folder: Path) -> None:
    before = prepare_folder(folder).manifest.digest
    first(folder, "labels", "test").write_text("0 0.5 0.5 0.2 0.2\n")
    assert prepare_folder(folder).manifest.digest != before


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


def test_a_near_duplicate_in_two_splits_is_a_warning(folder: Path) -> None:
    image = first(folder, "images", "train")
    with Image.open(image) as opened:
        opened.save(folder / "images" / "test" / "again.jpg", quality=60)
    warnings = [f.message for f in prepare_folder(folder).manifest.findings]
    assert any("presque la même image" in warning and image.name in warning for warning in warnings)


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


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is not a folder"):
        prepare(Dataset(source="folder", path=tmp_path / "nowhere"), tmp_path)


copies = os.environ.get("PROMOTION_DATA", "")


@pytest.mark.skipif(not copies, reason="no copy of coco128.zip (PROMOTION_DATA)")
def test_the_lab_s_photographs_split_as_in_the_lab(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMOTION_DATA", copies)
    made = prepare(COCO, tmp_path)
    # The lab's validation split holds 31 persons, its recall of 0.7742 being 24 of them.
    assert made.manifest.instances == {"train": 175, "val": 31, "test": 47}
    for path in images_of(made.folder, "val"):
        with Image.open(path) as image:
            assert image.size == (320, 320)


def test_another_archive_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "coco128.zip").write_bytes(b"not a zip")
    monkeypatch.setenv("PROMOTION_DATA", str(tmp_path))
    with pytest.raises(ChecksumError, match="not a zip archive"):
        prepare(COCO, tmp_path / "home")


def test_without_a_copy_and_a_network_one_line_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PROMOTION_DATA", raising=False)
    monkeypatch.setattr("promotion.datasets.coco128.URL", "http://127.0.0.1:9/coco128.zip")
    with pytest.raises(DownloadError, match="set PROMOTION_DATA to a folder") as caught:
        prepare(COCO, tmp_path)
    assert "\n" not in str(caught.value)


def test_the_committed_manifest_lists_images_and_labels() -> None:
    names = [line.split()[1] for line in SUMS_FILE.read_text().splitlines()]
    assert sum(name.endswith(".jpg") for name in names) == 128
    assert sum(name.endswith(".txt") for name in names) == 128


def test_sha256_of_a_known_file(tmp_path: Path) -> None:
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    assert sha256_of(path).startswith("ba7816bf8f01cfea")
