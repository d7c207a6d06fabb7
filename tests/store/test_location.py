"""A home that was moved or copied works where it is, and leaves the original alone."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from promotion.store import artifact, log_bytes
from promotion.store.location import PLACES, settle
from tests.builders import clean_environment, connect_to

CONTENT = b"what was measured"


@pytest.fixture
def original(empty_store: Path, tmp_path: Path) -> tuple[Path, str]:
    """A home with one run that has an artifact, and the run's id."""
    home = tmp_path / "original"
    home.mkdir()
    shutil.copy(empty_store, home / "mlflow.db")
    client = connect_to(home, "moving")
    experiment = client.get_experiment_by_name("moving")
    run_id = client.create_run(experiment.experiment_id, tags={"promotion.home": str(home)}).info
    log_bytes(client, run_id.run_id, "kept/content.bin", CONTENT)
    return home, run_id.run_id


@pytest.mark.parametrize("name", ["elsewhere", "with spaces", "été " + "é" * 60])
def test_a_copy_reads_its_own_files_with_the_original_gone(
    original: tuple[Path, str], name: str, tmp_path: Path
) -> None:
    home, run_id = original
    copy = tmp_path / "below" / name
    shutil.copytree(home, copy)
    shutil.rmtree(home)
    client = connect_to(copy, "moving")
    assert artifact(client, run_id, "kept/content.bin").read_bytes() == CONTENT
    assert client.get_run(run_id).data.tags["promotion.home"] == str(copy)
    assert not home.exists()


@pytest.mark.slow
def test_a_copy_does_not_write_to_the_original(original: tuple[Path, str], tmp_path: Path) -> None:
    home, run_id = original
    copy = tmp_path / "original-copy"
    shutil.copytree(home, copy)
    # MLflow remembers where a run's artifacts are; another command is another process.
    script = (
        "from promotion.store import connect, log_bytes; from pathlib import Path; "
        f"client = connect(Path({str(copy)!r}), 'moving'); "
        f"log_bytes(client, {run_id!r}, 'kept/more.bin', b'more')"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env=clean_environment())
    assert not list(home.rglob("more.bin"))
    assert list(copy.rglob("more.bin"))
    before = connect_to(home, "moving").get_run(run_id).info.artifact_uri
    assert Path(before.removeprefix("file://")).is_relative_to(home)


def test_a_home_of_before_is_moved_by_what_its_experiments_say(
    original: tuple[Path, str], tmp_path: Path
) -> None:
    """Homes that were made before places were noted have no note."""
    home, run_id = original
    moved = tmp_path / "moved"
    home.rename(moved)
    with closing(sqlite3.connect(moved / "mlflow.db")) as store:
        store.execute("DROP TABLE promotion_home")
    client = connect_to(moved, "moving")
    assert artifact(client, run_id, "kept/content.bin").read_bytes() == CONTENT
    with closing(sqlite3.connect(moved / "mlflow.db")) as store:
        places = store.execute("SELECT artifact_location FROM experiments").fetchall()
    assert not any(str(home) + "/" in str(place) for (place,) in places)


def killed_before_change(number: int, home: Path) -> bool:
    """Open a home in a process that dies before its change of the store of this number, if any."""
    left = number

    class Store(sqlite3.Connection):
        def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
            nonlocal left
            left -= statement.startswith(("CREATE", "DELETE", "INSERT", "UPDATE"))
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
            return super().execute(statement, *values)

    child = os.fork()
    if not child:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sqlite3, "connect", functools.partial(sqlite3.connect, factory=Store))
            try:
                settle(home, home / "mlflow.db")
            finally:
                os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without a signal")
def test_a_home_that_moved_below_itself_is_named_once_whatever_kills_come_between(
    original: tuple[Path, str], tmp_path: Path
) -> None:
    home, run_id = original
    # A note that merely names a place alike is left as it is.
    connect_to(home).set_tag(run_id, "note", f"see {home}-of-ana/x and /mnt{home}/y")
    below = home / "kept"
    shutil.copytree(home, tmp_path / "aside")
    shutil.rmtree(home)
    shutil.move(tmp_path / "aside", below)
    kills = 0
    while killed_before_change(kills + 1, below):
        kills += 1
    assert kills > len(PLACES)
    client = connect_to(below, "moving")
    run = client.get_run(run_id)
    assert run.info.artifact_uri.startswith(f"{below.as_uri()}/artifacts/")
    assert run.data.tags["promotion.home"] == str(below)
    assert run.data.tags["note"] == f"see {home}-of-ana/x and /mnt{home}/y"
    assert artifact(client, run_id, "kept/content.bin").read_bytes() == CONTENT
