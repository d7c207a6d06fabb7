"""A lock that its holder does not let go: who holds it is told, and nothing waits for ever."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from promotion import locks
from promotion.datasets import preparation, prepare
from promotion.errors import LockedError
from promotion.execution import only_one
from promotion.registry import aliases, transitions
from promotion.store import tracking
from promotion.study import Dataset
from tests.builders import invoke, registry_of

pytestmark = pytest.mark.slow

# What a test waits for, in place of a minute or ten.
SOON = 0.2
HOLDS = (
    "import sys, time; from filelock import FileLock; lock = FileLock(sys.argv[1]);"
    "lock.acquire(); print('held', flush=True); time.sleep(600)"
)


@contextmanager
def held(place: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process, which holds a lock and hangs."""
    command = [sys.executable, "-c", HOLDS, str(place)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_the_store_s_lock_names_its_holder(
    registry_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "PATIENCE_S", SOON)
    with held(registry_home / "mlflow.lock") as process:
        done = invoke("status", home=registry_home)
    assert done.exit_code == 1
    assert f"process {process.pid} (" in done.stderr
    assert "wait for it, or end it" in done.stderr
    assert invoke("status", home=registry_home).exit_code == 0


def test_the_registry_s_lock_names_its_holder_and_nothing_moved(
    registry_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = registry_of(registry_home)
    before = aliases(model)
    transitions.recover(model)
    (lock,) = registry_home.glob("registry-*.lock")
    monkeypatch.setattr(transitions, "PATIENCE_S", SOON)
    with held(lock) as process:
        done = invoke("rollback", home=registry_home)
        assert done.exit_code == 1
        assert f"process {process.pid} (" in done.stderr
        assert aliases(model) == before
    assert invoke("rollback", home=registry_home).exit_code == 0


def test_a_dataset_s_lock_is_not_waited_for_without_end(
    scenes_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = Dataset(source="street_scenes", train=4, val=4, test=4, seed=5)
    digest = prepare(dataset, scenes_home).manifest.digest
    (lock,) = (scenes_home / "datasets").glob("*.lock")
    monkeypatch.setattr(preparation, "PATIENCE_S", SOON)
    with held(lock) as process, pytest.raises(LockedError, match=rf"process {process.pid} \("):
        prepare(dataset, scenes_home)
    assert prepare(dataset, scenes_home).manifest.digest == digest


def test_the_home_s_lock_names_the_batch_at_work(tmp_path: Path) -> None:
    with (
        held(tmp_path / "run.lock") as process,
        pytest.raises(LockedError, match=rf"process {process.pid} \("),
        only_one(tmp_path),
    ):
        pass
    with only_one(tmp_path):
        pass


def test_who_waits_is_told_and_goes_on_when_the_holder_dies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(locks, "TOLD_AFTER_S", SOON)
    place = tmp_path / "some.lock"
    with held(place) as process:

        class End(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                process.kill()

        monkeypatch.setattr(logging.getLogger(locks.__name__), "handlers", [End()])
        with locks.alone(place, patience_s=30):
            assert f"held by process {process.pid} (" in caplog.text
