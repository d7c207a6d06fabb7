"""A dataset is made once, known by what it holds, and never trained on after it changed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from promotion.datasets import (
    PreparedDataset,
    prepare,
)
from promotion.errors import DatasetError
from promotion.study import Dataset
from tests.builders import first, prepare_folder

pytestmark = pytest.mark.slow


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


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is not a folder"):
        prepare(Dataset(source="folder", path=tmp_path / "nowhere"), tmp_path)


def test_a_user_s_folder_may_change_and_is_then_another_dataset(folder: Path) -> None:
    before = prepare_folder(folder).manifest.digest
    first(folder, "labels", "test").write_text("0 0.5 0.5 0.2 0.2\n")
    assert prepare_folder(folder).manifest.digest != before


def test_a_dataset_left_half_drawn_is_drawn_anew(tmp_path: Path) -> None:
    dataset = Dataset(source="street_scenes", train=1, val=1, test=1)
    made = prepare(dataset, tmp_path)
    unfinished = made.folder.with_suffix(".unfinished")
    made.folder.rename(unfinished)
    (unfinished / "data.yaml").unlink()
    again = prepare(dataset, tmp_path)
    assert again.manifest == made.manifest
    assert not unfinished.exists()


def test_training_is_told_where_the_pictures_are_whatever_its_settings(
    streets: PreparedDataset,
) -> None:
    told = yaml.safe_load(streets.data_yaml.read_text(encoding="utf-8"))
    for split in ("train", "val", "test"):
        assert (Path(told["path"]) / told[split]).is_dir()
    assert Path(told["path"]).is_absolute()
    assert told["names"] == {0: "person"}


PREPARE = (
    "import sys; from pathlib import Path; from promotion.datasets import prepare;"
    "from promotion.study import Dataset;"
    "made = prepare(Dataset(source='street_scenes', train=1, val=1, test=1), Path(sys.argv[1]));"
    "print(made.manifest.digest)"
)


def test_two_that_need_a_dataset_at_once_make_it_once(tmp_path: Path) -> None:
    order = [sys.executable, "-c", PREPARE, str(tmp_path)]
    both = [subprocess.Popen(order, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    digests = {one.communicate(timeout=60)[0] for one in both}
    assert [one.returncode for one in both] == [0, 0]
    assert len(digests) == 1
    assert len([path for path in (tmp_path / "datasets").iterdir() if path.is_dir()]) == 1
