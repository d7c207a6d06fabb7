"""Draws train and val anew from the two together; test, which claims rest on, stays what it is."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator

from promotion.datasets.groups import joined
from promotion.datasets.likeness import near_duplicates
from promotion.datasets.manifest import Manifest, count_split
from promotion.datasets.preparation import (
    PATIENCE_S,
    PreparedDataset,
    link_files,
    write_absolute_data_yaml,
)
from promotion.datasets.yolo import split_of
from promotion.errors import DatasetError
from promotion.locks import alone

DRAWN_ANEW = ("train", "val")


def split_anew(dataset: PreparedDataset, seed: int | None) -> PreparedDataset:
    """The dataset with other pictures in train and val, drawn by the seed; None: as it was made.

    Test is the same to the byte. The splits keep their sizes as nearly as groups allow: pictures of
    one group, near duplicates and mirror images stay together.

    Raises:
        DatasetError: train or val would hold no person.
    """
    if seed is None:
        return dataset
    place = dataset.data_yaml.parent / f"split-{seed}"
    names = _places(dataset.manifest, seed)
    splits = list(dataset.manifest.images)
    with alone(place.with_suffix(".lock"), PATIENCE_S):
        link_files(dataset.folder, names, splits, place, dataset.manifest.digest)
        data_yaml = write_absolute_data_yaml(place, splits, place / "training.yaml")
    counts = {split: count_split(place, split) for split in splits}
    for split in DRAWN_ANEW:
        if not counts[split][1]:
            raise DatasetError(
                f"grid.split_seed: with {seed} split {split} holds no person; name another"
            )
    manifest = Manifest(
        source=dataset.manifest.source,
        files={target: dataset.manifest.files[name] for target, name in names.items()},
        images={split: images for split, (images, _) in counts.items()},
        instances={split: persons for split, (_, persons) in counts.items()},
    )
    return PreparedDataset(place, data_yaml, manifest)


def _places(manifest: Manifest, seed: int) -> dict[str, str]:
    """Each file of the dataset by where it lies in the split drawn by this seed."""
    on_val = _drawn_to_val(manifest, seed)
    places = {}
    for name in manifest.files:
        kind, split, file = name.split("/")
        if split in DRAWN_ANEW:
            split = "val" if file.rpartition(".")[0] in on_val else "train"
        places[f"{kind}/{split}/{file}"] = name
    return places


def _drawn_to_val(manifest: Manifest, seed: int) -> set[str]:
    """The stems of the pictures that the seed draws to val, whole groups as long as they fit."""
    members: dict[str, list[str]] = defaultdict(list)
    for name, group in _together(manifest).items():
        members[group].append(name)
    groups = sorted(members)
    random.Random(seed).shuffle(groups)
    chosen: set[str] = set()
    for group in groups:
        if len(chosen) + len(members[group]) <= manifest.images["val"]:
            chosen |= {name.rpartition("/")[2].rpartition(".")[0] for name in members[group]}
    return chosen


def _together(manifest: Manifest) -> dict[str, str]:
    """The pictures of train and val, each with the group that no split may cut."""
    hashes, mirrored = (
        {name: found for name, found in table.items() if split_of(name) in DRAWN_ANEW}
        for table in (manifest.hashes, manifest.mirrored)
    )
    return joined(
        hashes,
        [
            *_of_one_group(manifest, hashes),
            *((one, other) for one, other, _ in near_duplicates(hashes, hashes)),
            *((one, other) for one, other, _ in near_duplicates(mirrored, hashes)),
        ],
    )


def _of_one_group(manifest: Manifest, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each of these pictures that shares a group, with the first of that group."""
    first: dict[str, str] = {}
    for name in names:
        if name in manifest.groups:
            yield name, first.setdefault(manifest.groups[name], name)
