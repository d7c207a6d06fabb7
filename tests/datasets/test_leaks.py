"""Copies of training pictures among those of the evaluation: found, and refused where many."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from promotion.datasets import LEAKS, Manifest, check_unseen, pictures_seen, prepare
from promotion.datasets.sources.street_scenes import draw_splits
from promotion.errors import DatasetError
from promotion.study import Dataset
from tests.builders import own_folder

pytestmark = pytest.mark.slow

Change = Callable[[Image.Image], Image.Image]


def resized(picture: Image.Image) -> Image.Image:
    return picture.resize((picture.width * 2 // 3, picture.height * 2 // 3))


def cropped(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    return picture.crop((width // 10, height // 6, width * 9 // 10, height))


def mirrored_crop(picture: Image.Image) -> Image.Image:
    return ImageOps.mirror(cropped(picture))


CHANGES: dict[str, tuple[Change, str]] = {
    "resized": (resized, "nearly_same"),
    "mirrored": (ImageOps.mirror, "mirrored"),
    "cropped": (cropped, "cropped"),
    "mirrored crop": (mirrored_crop, "cropped"),
}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    draw_splits(folder, "day", {"train": 12, "val": 6, "test": 8}, 3)
    return folder


@pytest.fixture
def folder(drawn: Path, tmp_path: Path) -> Path:
    return own_folder(drawn, tmp_path / "own")


def manifest_of(folder: Path) -> Manifest:
    return prepare(Dataset(source="folder", path=folder), folder.parent / "home").manifest


def pictures(folder: Path, split: str) -> list[Path]:
    return sorted((folder / "images" / split).iterdir())


def copy_into(folder: Path, source: Path, split: str, name: str, change: Change) -> None:
    """A changed copy of a picture under another name, with a label of its own."""
    with Image.open(source) as picture:
        change(picture).save(folder / "images" / split / f"{name}.jpg", quality=60)
    (folder / "labels" / split / f"{name}.txt").write_text("0 0.5 0.5 0.2 0.2\n", encoding="utf-8")


def test_scenes_drawn_apart_are_not_alike(folder: Path) -> None:
    assert manifest_of(folder).findings == []


@pytest.mark.parametrize("kind", sorted(CHANGES))
@pytest.mark.parametrize("split", ["val", "test"])
def test_half_a_split_taken_from_train_is_refused_in_one_line(
    folder: Path, split: str, kind: str
) -> None:
    for number, source in enumerate(pictures(folder, "train")[:6]):
        copy_into(folder, source, split, f"copy{number}", CHANGES[kind][0])
    with pytest.raises(DatasetError, match=f"split {split}: [56] of ") as refused:
        manifest_of(folder)
    assert "\n" not in str(refused.value)
    assert "copy" in str(refused.value)


@pytest.mark.parametrize("kind", sorted(CHANGES))
def test_a_copy_below_the_share_is_a_warning(
    folder: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("promotion.datasets.leaks.MOST_LEAKED", 0.5)
    change, identity = CHANGES[kind]
    copy_into(folder, pictures(folder, "train")[0], "test", "copy", change)
    (found,) = manifest_of(folder).findings
    assert found.id == identity
    assert found.id in LEAKS
    assert found.facts["one"] == "test/copy.jpg"
    assert found.facts["other"] == f"train/{pictures(folder, 'train')[0].name}"


def test_one_file_under_two_names_is_a_warning(folder: Path) -> None:
    first = pictures(folder, "test")[0]
    shutil.copy(first, first.with_name("twin.jpg"))
    (found,) = manifest_of(folder).findings
    assert (found.id, found.facts) == (
        "same_file",
        {"one": "test/twin.jpg", "other": f"test/{first.name}"},
    )


def test_a_picture_held_twice_in_two_forms_is_a_warning(folder: Path) -> None:
    copy_into(folder, pictures(folder, "train")[0], "train", "zz", resized)
    (found,) = manifest_of(folder).findings
    assert (found.id, found.facts["one"]) == ("nearly_twice", "train/zz.jpg")
    assert found.id not in LEAKS


def test_of_many_pictures_held_twice_some_are_named_and_the_rest_counted(folder: Path) -> None:
    first = pictures(folder, "train")[0]
    for number in range(14):
        shutil.copy(first, first.with_name(f"twin{number}.jpg"))
    *named, rest = manifest_of(folder).findings
    assert len(named) == 10
    assert (rest.id, rest.facts) == ("more_twice", {"more": 4})


def test_a_canary_of_pictures_seen_in_another_form_is_refused(folder: Path) -> None:
    seen = manifest_of(folder)
    other = {name: found for name, found in seen.hashes.items() if "/test/" in name}
    files = {name: f"of {name}" for name in other}
    new = Manifest(
        source="folder",
        files=files,
        images={"canary": len(other)},
        instances={},
        hashes=dict.fromkeys(other, "0" * 16),
        mirrored=other,
    )
    errors, _ = check_unseen(new, seen)
    (line,) = errors
    assert f"{len(other)} of {len(other)} pictures were seen before" in line


def test_pictures_that_a_model_knew_are_counted_copied_or_mirrored(folder: Path) -> None:
    """Another study's test, two of whose pictures the version in Production was trained on."""
    theirs = manifest_of(folder).only(("train", "val"))
    test = manifest_of(folder).only(("test",))
    assert len(test.files) == 2 * test.images["test"]
    assert pictures_seen(test, theirs) == 0
    one, two = pictures(folder, "train")[:2]
    with Image.open(two) as picture:
        ImageOps.mirror(picture).save(folder / "images/test/mirror.jpg", quality=90)
    two.unlink()
    shutil.move(one, folder / "images/test/copy.jpg")
    for path, name in ((one, "copy"), (two, "mirror")):
        label = folder / "labels" / "train" / f"{path.stem}.txt"
        shutil.move(label, folder / "labels" / "test" / f"{name}.txt")
    assert pictures_seen(manifest_of(folder).only(("test",)), theirs) == 2
