"""A home that was moved or copied: MLflow stores absolute places, which then are rewritten.

MLflow knows no artifact root relative to its database. The embedded store notes its home in itself;
opened elsewhere, every place below the old home is made one below the new, so that a copy never
reads, or writes, the original. Note and places change in one transaction: a kill leaves both as
they were, and a power cut too.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

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
    """Make the embedded store of a home, once there is one, speak of where the home is now."""
    if not database.exists():
        return
    here = home.resolve().as_uri()
    with closing(sqlite3.connect(database)) as store:
        before = _noted(store) or _recorded(store)
        if before == here and _noted(store):
            return
        with store:
            store.execute("CREATE TABLE IF NOT EXISTS promotion_home (place TEXT NOT NULL)")
            store.execute("DELETE FROM promotion_home")
            store.execute("INSERT INTO promotion_home VALUES (?)", (here,))
            if before and before != here:
                _rewrite(store, before, here)


def _noted(store: sqlite3.Connection) -> str:
    """The home that the store was opened in last; empty if it was never noted."""
    if not _columns(store, "promotion_home"):
        return ""
    noted = store.execute("SELECT place FROM promotion_home").fetchone()
    return noted[0] if noted else ""


def _recorded(store: sqlite3.Connection) -> str:
    """The home that an experiment's artifacts were put in; empty if there is none."""
    if not _columns(store, "experiments"):
        return ""
    rows = store.execute("SELECT name, artifact_location FROM experiments").fetchall()
    ends = [(f"/artifacts/{name}", place or "") for name, place in rows]
    return next((place.removesuffix(end) for end, place in ends if place.endswith(end)), "")


def _rewrite(store: sqlite3.Connection, before: str, here: str) -> None:
    """Name the home by where it is in every place, once: it may have moved below itself."""
    now = {before: here, _path(before): _path(here)}
    # A place begins with the home, and ends with it or goes on below it: others may be alike.
    home = re.compile(rf'(?:{re.escape(before)}|(?<![\w./-]){re.escape(_path(before))})(?=[/"]|$)')
    store.create_function("moved", 1, lambda value: home.sub(lambda found: now[found[0]], value))
    for table, column in PLACES:
        if column in _columns(store, table):
            store.execute(
                f"UPDATE {table} SET {column} = moved({column}) "
                f"WHERE instr({column}, ?) OR instr({column}, ?)",
                tuple(now),
            )


def _columns(store: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in store.execute(f"PRAGMA table_info({table})")}


def _path(uri: str) -> str:
    """A file URI as the path that tags hold."""
    return url2pathname(urlsplit(uri).path)
