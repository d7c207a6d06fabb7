"""A home that was moved or copied: MLflow stores absolute places, which then are rewritten.

MLflow knows no artifact root relative to its database. The embedded store's home is noted beside
it; opened elsewhere, every place below the old home is made one below the new, so that a copy never
reads, or writes, the original.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from promotion.whole import write_whole

NOTE = "location.txt"
# The columns that hold places, where this version of MLflow has them.
PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("datasets", "dataset_source"),
    ("tags", "value"),
)


def settle(home: Path, database: Path) -> None:
    """Make the embedded store of a home speak of where the home is now."""
    note = home / NOTE
    here = home.resolve().as_uri()
    if database.exists():
        before = note.read_text(encoding="utf-8") if note.exists() else _recorded(database)
        if before and before != here:
            _rewrite(database, before, here)
    if not note.exists() or note.read_text(encoding="utf-8") != here:
        write_whole(note, here)


def _recorded(database: Path) -> str:
    """The home that an experiment's artifacts were put in; empty if there is none."""
    with closing(sqlite3.connect(database)) as store:
        if not _columns(store, "experiments"):
            return ""
        rows = store.execute("SELECT name, artifact_location FROM experiments").fetchall()
    ends = [(f"/artifacts/{name}", place or "") for name, place in rows]
    return next((place.removesuffix(end) for end, place in ends if place.endswith(end)), "")


def _rewrite(database: Path, before: str, here: str) -> None:
    pairs = [(before, here), (_path(before), _path(here))]
    with closing(sqlite3.connect(database)) as store, store:
        for table, column in PLACES:
            if column not in _columns(store, table):
                continue
            for old, new in pairs:
                # A place ends with the home, or goes on below it; another home may begin alike.
                for end in ("/", '"', ""):
                    where = f"{column} = ?" if not end else f"instr({column}, ?) > 0"
                    store.execute(
                        f"UPDATE {table} SET {column} = replace({column}, ?, ?) WHERE {where}",
                        (old + end, new + end, old + end),
                    )


def _columns(store: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in store.execute(f"PRAGMA table_info({table})")}


def _path(uri: str) -> str:
    """A file URI as the path that tags hold."""
    return url2pathname(urlsplit(uri).path)
