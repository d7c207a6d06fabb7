"""What a user's folder may hold: each fault is an error that names the file, once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from promotion.datasets import PreparedDataset, prepare
from promotion.datasets.sources.street_scenes import draw_splits
from promotion.datasets.yolo import read_grey, read_labels
from promotion.errors import DatasetError
from promotion.study import Dataset
from tests.builders import own_folder

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    draw_splits(folder, "day", {"train": 5, "val": 3, "test": 3}, 8)
    return folder


@pytest.fixture
def folder(drawn: Path, tmp_path: Path) -> Path:
    return own_folder(drawn, tmp_path / "own")


def prepared(folder: Path) -> PreparedDataset:
    return prepare(Dataset(source="folder", path=folder), folder.parent / "home")


def fault(folder: Path) -> str:
    """The one line that a folder is refused with."""
    with pytest.raises(DatasetError) as refused:
        prepared(folder)
    (line,) = str(refused.value).splitlines()
    return line


def first(folder: Path, part: str, split: str) -> Path:
    return sorted((folder / part / split).iterdir())[0]


BOX = "0 0.5 0.5 0.2 0.4\n"


@pytest.mark.parametrize("again", [BOX, "\n" + BOX, "0 0.5005 0.5 0.2 0.4\n"])
def test_a_person_annotated_twice_is_refused_by_file_and_lines(folder: Path, again: str) -> None:
    label = first(folder, "labels", "train")
    label.write_text("0 0.2 0.2 0.1 0.1\n" + BOX + again, encoding="utf-8")
    line = fault(folder)
    number = 4 if again.startswith("\n") else 3
    assert f"labels/train/{label.name}:{number}: the box of line 2 again" in line


def test_two_persons_who_nearly_hide_each_other_pass(folder: Path) -> None:
    first(folder, "labels", "train").write_text(BOX + "0 0.51 0.5 0.22 0.4\n", encoding="utf-8")
    prepared(folder)


def test_a_picture_of_400_megapixels_is_refused_before_it_is_decoded(folder: Path) -> None:
    path = folder / "images" / "val" / "huge.png"
    Image.new("1", (20_000, 20_000)).save(path)
    assert "images/val/huge.png: more than 50,000,000 pixels" in fault(folder)
    Image.new("1", (8_000, 8_000)).save(path)
    assert "images/val/huge.png: 8000 x 8000, more than 50,000,000 pixels" in fault(folder)


def test_a_picture_that_training_would_drop_is_refused(folder: Path) -> None:
    Image.new("RGB", (200, 9)).save(folder / "images" / "train" / "thin.png")
    assert "images/train/thin.png: 200 x 9, a side under 10 pixels" in fault(folder)


def test_folders_are_not_dropped_in_silence(folder: Path) -> None:
    (folder / "images" / "test" / "night.jpg").mkdir()
    assert "images/test/night.jpg is a folder" in fault(folder)


def test_other_suffixes_are_not_dropped_in_silence(folder: Path) -> None:
    for suffix in ("TIF", "bmp", "gif", "heic"):
        (folder / "images" / "test" / f"a.{suffix}").write_bytes(b"II*")
    line = fault(folder)
    assert "images/test/a.TIF is no .jpg, .jpeg, .png or .webp file" in line
    assert "(and 3 more like this)" in line


def test_what_a_system_leaves_in_folders_is_not_a_fault(folder: Path) -> None:
    for name in (".DS_Store", "Thumbs.db", "._a.jpg"):
        if name != "._a.jpg":
            (folder / "images" / "test" / name).write_bytes(b"x")
    prepared(folder)


def test_another_format_under_a_picture_s_name_is_refused(folder: Path) -> None:
    path = first(folder, "images", "val")
    with Image.open(path) as picture:
        picture.save(path.with_suffix(".tif"))
    path.with_suffix(".tif").replace(path)
    assert f"images/val/{path.name}: unreadable (no JPEG, PNG or WebP)" in fault(folder)


def test_a_wrong_folder_of_labels_is_told_once(folder: Path) -> None:
    for label in (folder / "labels" / "train").iterdir():
        label.write_text("17 0.5 0.5 0.2 0.2\n", encoding="utf-8")
    line = fault(folder)
    assert "class 17 is out of range" in line
    assert "(and 4 more like this)" in line


def test_labels_that_are_not_text_are_named(folder: Path) -> None:
    label = first(folder, "labels", "val")
    label.write_bytes(bytes(range(256)))
    assert f"labels/val/{label.name}: not a YOLO label file (it is not text)" in fault(folder)


def test_a_folder_in_the_place_of_labels_is_named(folder: Path) -> None:
    label = first(folder, "labels", "val")
    label.unlink()
    label.mkdir()
    assert f"labels/val/{label.name}: not a YOLO label file" in fault(folder)


def test_two_pictures_that_share_a_label_file_are_named(folder: Path) -> None:
    path = first(folder, "images", "train")
    pixels = np.random.default_rng(1).integers(0, 255, (60, 60, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(path.with_suffix(".png"))
    line = fault(folder)
    assert f"{path.name} and {path.stem}.png share labels/train/{path.stem}.txt" in line


def test_a_changed_slices_file_changes_the_dataset(folder: Path) -> None:
    before = prepared(folder).manifest.digest
    (folder / "slices.csv").write_text("image,weather\na.jpg,wet\n", encoding="utf-8")
    assert prepared(folder).manifest.digest != before


def test_training_reads_a_folder_of_links_and_leaves_the_user_s_own_alone(folder: Path) -> None:
    from promotion.training.trainer import _warm_label_caches, quiet

    def listing() -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*")}

    # What Ultralytics mends in place: a JPEG without its end mark.
    torn = first(folder, "images", "train")
    torn.write_bytes(torn.read_bytes() + b"\0\0")
    found, before = prepared(folder), listing()
    with quiet():
        _warm_label_caches(found.data_yaml)
    assert listing() == before
    assert list(found.data_yaml.parent.rglob("*.cache"))
    label = first(folder, "labels", "train")
    label.write_text("0 0.5 0.5 0.3 0.3\n", encoding="utf-8")
    again = prepared(folder)
    assert not list(again.data_yaml.parent.rglob("*.cache"))
    assert (again.data_yaml.parent / "links" / "labels" / "train" / label.name).read_text(
        encoding="utf-8"
    ) == label.read_text(encoding="utf-8")


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_any_bytes_are_labels_or_a_value_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_bytes(content)
    line = ""
    try:
        assert read_labels(path).shape[1] == 5
    except ValueError as error:
        line = str(error)
    assert "\n" not in line


@given(st.binary(max_size=300), st.sampled_from([b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n"]))
def test_any_bytes_are_a_picture_or_a_dataset_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, start: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jpg"
    path.write_bytes(start + content)
    with pytest.raises(DatasetError) as refused:
        read_grey(path)
    assert "\n" not in str(refused.value)


LABEL = st.lists(st.one_of(st.integers(0, 2), st.floats()).map(str), min_size=4, max_size=6).map(
    " ".join
)


@given(st.lists(LABEL, max_size=4).map("\n".join))
def test_any_numbers_are_checked_in_lines(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    from promotion.datasets.labels import check_label

    folder = tmp_path_factory.getbasetemp() / "numbers"
    (folder / "labels" / "train").mkdir(parents=True, exist_ok=True)
    (folder / "labels" / "train" / "a.txt").write_text(text, encoding="utf-8")
    for found in check_label(folder, folder / "images" / "train" / "a.jpg"):
        assert "\n" not in found.line
        assert found.line.startswith("labels/train/a.txt")
