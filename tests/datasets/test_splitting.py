"""Train and val drawn anew: other pictures in each, the same test, no group cut."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from promotion.datasets import PreparedDataset, ground_truth, images_of, prepare, split_anew
from promotion.errors import DatasetError
from promotion.study import Dataset

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    dataset = Dataset(source="street_scenes", train=8, val=4, test=2, seed=5)
    return prepare(dataset, tmp_path_factory.mktemp("drawn"))


def names(dataset: PreparedDataset, split: str) -> set[str]:
    return {path.name for path in images_of(dataset.folder, split)}


def test_without_a_seed_the_dataset_is_as_it_was_made(drawn: PreparedDataset) -> None:
    assert split_anew(drawn, None) is drawn


def test_train_and_val_are_drawn_from_the_two_together_and_test_stays(
    drawn: PreparedDataset,
) -> None:
    one, other = split_anew(drawn, 1), split_anew(drawn, 2)
    pool = names(drawn, "train") | names(drawn, "val")
    for found in (one, other):
        assert found.manifest.images == {"train": 8, "val": 4, "test": 2}
        assert names(found, "train") | names(found, "val") == pool
        assert names(found, "test") == names(drawn, "test")
        assert found.manifest.split_digest("test") == drawn.manifest.split_digest("test")
        assert found.manifest.digest != drawn.manifest.digest
    assert names(one, "val") != names(other, "val")


def test_the_same_seed_draws_the_same_split_and_its_labels_follow(drawn: PreparedDataset) -> None:
    one = split_anew(drawn, 1)
    assert split_anew(drawn, 1).manifest == one.manifest
    before = {name: len(rows) for s in ("train", "val") for name, rows in boxes(drawn, s).items()}
    after = {name: len(rows) for s in ("train", "val") for name, rows in boxes(one, s).items()}
    assert before == after
    told = yaml.safe_load(one.data_yaml.read_text(encoding="utf-8"))
    assert Path(told["path"]) == one.folder


def boxes(dataset: PreparedDataset, split: str) -> dict[str, object]:
    return dict(list(ground_truth(dataset.folder, split).groupby("image")))


def test_a_group_goes_to_one_split_whole_and_so_do_near_duplicates(
    drawn: PreparedDataset,
) -> None:
    names_of_train = [f"images/train/{name}" for name in sorted(names(drawn, "train"))]
    val = next(iter(sorted(names(drawn, "val"))))
    clip, alike = names_of_train[:2], names_of_train[2]
    manifest = drawn.manifest.model_copy(
        update={
            "groups": dict.fromkeys(clip, "clip"),
            "hashes": {**drawn.manifest.hashes, alike: drawn.manifest.hashes[f"images/val/{val}"]},
        }
    )
    moved = 0
    for seed in range(12):
        shutil.rmtree(drawn.folder / f"split-{seed}", ignore_errors=True)
        on_val = names(split_anew(replace(drawn, manifest=manifest), seed), "val")
        assert len({Path(name).name in on_val for name in clip}) == 1
        assert (Path(alike).name in on_val) == (val in on_val)
        moved += Path(alike).name in on_val
        shutil.rmtree(drawn.folder / f"split-{seed}")
    assert 0 < moved < 12


def test_a_home_that_moved_keeps_its_splits(tmp_path: Path) -> None:
    dataset = Dataset(source="street_scenes", train=4, val=4, test=1, seed=5)
    made = split_anew(prepare(dataset, tmp_path / "before"), 3)
    (tmp_path / "before").rename(tmp_path / "after")
    moved = split_anew(prepare(dataset, tmp_path / "after"), 3)
    assert moved.manifest == made.manifest
    assert all(path.read_bytes() for path in images_of(moved.folder, "train"))


def test_a_split_without_a_person_is_refused(tmp_path: Path) -> None:
    dataset = Dataset(source="street_scenes", train=3, val=1, test=1, seed=5)
    made = prepare(dataset, tmp_path)
    for path in (made.folder / "labels" / "train").iterdir():
        path.write_text("")
    refused = []
    for seed in range(6):
        try:
            split_anew(made, seed)
        except DatasetError as error:
            refused.append(str(error))
    assert refused
    assert all("holds no person; name another" in one for one in refused)
