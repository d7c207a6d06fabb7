"""Groups: pictures that are not independent of each other, such as the frames of one clip."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from promotion.datasets.likeness import near_duplicates
from promotion.datasets.slices import read_slices
from promotion.datasets.yolo import split_of
from promotion.errors import DatasetError
from promotion.study import CanaryDataset, Dataset

# Where pictures are counted as evidence, one is not to be counted twice.
GROUPED_SPLITS = ("test", "canary")


def find_groups(
    dataset: Dataset | CanaryDataset, folder: Path, hashes: Mapping[str, str]
) -> dict[str, str]:
    """The group of each picture that shares one, by its path below the folder.

    As the study's key `group` says: by a pattern in the name or a column of slices.csv. Without the
    key, pictures of a user's folder whose perceptual hashes nearly agree, within test or canary,
    are one group; `hashes` are those of all pictures.

    Raises:
        DatasetError: slices.csv or its column is missing, or a group lies in two splits.
    """
    rule = dataset.group
    if rule == "none" or (rule is None and dataset.source != "folder"):
        return {}
    if rule is None:
        return dict(_alike(hashes))
    if rule.pattern is not None:
        groups = {name: _matched(rule.pattern, name) for name in hashes}
    else:
        column = read_slices(folder, [rule.column or ""])[rule.column]
        groups = {name: str(column.get(Path(name).name, name)) for name in hashes}
    _refuse_cut_groups(folder, groups)
    return groups


def _matched(pattern: str, name: str) -> str:
    """What the pattern's first group, or all of it, matches in a picture's name."""
    found = re.search(pattern, Path(name).name)
    if found is None:
        return name
    return found[1] if found.groups() else found[0]


def _alike(hashes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Groups of near duplicates within a split, each named by its first picture."""
    for split in GROUPED_SPLITS:
        part = {name: h for name, h in hashes.items() if split_of(name) == split}
        groups = joined(part, ((one, other) for one, other, _ in near_duplicates(part, part)))
        members = Counter(groups.values())
        yield from ((name, group) for name, group in groups.items() if members[group] > 1)


def joined(names: Iterable[str], pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The group of each name, called after its first, where pairs of names belong together."""
    first = {name: name for name in names}

    def home(name: str) -> str:
        while first[name] != name:
            name = first[name]
        return name

    for one, other in pairs:
        low, high = sorted((home(one), home(other)))
        first[high] = low
    return {name: home(name) for name in first}


def _refuse_cut_groups(folder: Path, groups: Mapping[str, str]) -> None:
    splits: dict[str, set[str]] = defaultdict(set)
    for name, group in groups.items():
        splits[group].add(split_of(name))
    cut = [(group, places) for group, places in splits.items() if len(places) > 1]
    if cut:
        raise DatasetError(
            "\n".join(
                f"{folder}: group {group} is cut by the splits {', '.join(sorted(places))}; "
                "keep its pictures in one"
                for group, places in cut
            )
        )
