"""Slices: the parts of a split on which a model may do worse, such as the pictures by night."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from promotion.datasets.yolo import images_of, labels_of, read_labels
from promotion.errors import DatasetError
from promotion.outside import visible
from promotion.study.policy import LONGEST_NAME, is_plain

# What a picture's name does not say: its light and its weather, in a user's folder also its clip.
SLICES_FILE = "slices.csv"
CROWDING = "crowding"
UNKNOWN = "unknown"
# Of the columns that there are, so many characters tell which file it is.
MOST_SHOWN = 200
# The most persons that each crowding has; more are the last one.
_CROWDS = ((0, "0"), (3, "1-3"), (9, "4-9"))
_CROWD = "10+"


def slices_of(folder: Path, split: str) -> pd.DataFrame:
    """The slices of each picture of a split: one row a picture, one column a way to slice.

    The columns are `image`, `crowding` (how many persons: 0, 1-3, 4-9 or 10+) and those of the
    dataset's slices.csv, which for drawn scenes are `light` and `weather`; what that file does not
    say of a picture is `unknown`.

    Raises:
        DatasetError: slices.csv cannot be read, or names a slice by what is no name.
    """
    paths = images_of(folder, split)
    table = pd.DataFrame({"image": [path.name for path in paths]})
    table[CROWDING] = [crowding(len(read_labels(labels_of(path)))) for path in paths]
    written = read_slices(folder)
    for column in written:
        _refuse_markup(folder / SLICES_FILE, [str(column), *written[column].dropna().unique()])
        table[str(column)] = table["image"].map(written[column]).fillna(UNKNOWN).astype(str)
    return table


def _refuse_markup(path: Path, names: Iterable[str]) -> None:
    """Tables, plots and pages show these names as they are."""
    for name in names:
        if not is_plain(name):
            raise DatasetError(
                f"{path}: {name[:LONGEST_NAME]!r} does not name a slice: use words, without the "
                f"signs of a markup, at most {LONGEST_NAME} characters"
            )


def crowding(persons: int) -> str:
    """How crowded a picture with so many persons is."""
    return next((name for most, name in _CROWDS if persons <= most), _CROWD)


def write_slices(folder: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Write the slices.csv of a dataset: one row a picture, its file's name as `image`."""
    text = pd.DataFrame(rows).to_csv(index=False, lineterminator="\n")
    (folder / SLICES_FILE).write_text(text, encoding="utf-8", newline="")


def read_slices(folder: Path, columns: Iterable[str] = ()) -> pd.DataFrame:
    """The dataset's slices.csv, indexed by the pictures' names; empty if there is none.

    Raises:
        DatasetError: it cannot be read, or one of the `columns` is missing.
    """
    path = folder / SLICES_FILE
    needed = ["image", *columns]
    if not path.exists():
        if len(needed) > 1:
            raise DatasetError(f"{path}: not there; it holds the columns {', '.join(needed)}")
        return pd.DataFrame()
    if not path.is_file():
        raise DatasetError(f"{path}: is no file; replace or remove it")
    try:
        table = pd.read_csv(path, dtype=str)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise DatasetError(f"{path}: not a table ({reason})") from None
    missing = [column for column in needed if column not in table]
    if missing:
        there = visible(", ".join(map(str, table)))[:MOST_SHOWN]
        raise DatasetError(f"{path}: no column {missing[0]}; there are {there}")
    return table.drop_duplicates("image").set_index("image")
