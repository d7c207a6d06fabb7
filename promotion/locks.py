"""Locks between processes: one works, the others wait, and learn for whom."""

from __future__ import annotations

import logging
import os
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from promotion.errors import LockedError

# Whoever waits for so long is told what for.
TOLD_AFTER_S = 10.0
LONGEST_COMMAND = 60


@contextmanager
def alone(place: Path, patience_s: float) -> Iterator[None]:
    """Hold the lock at `place`, which lets go by itself when its holder dies.

    Raises:
        LockedError: another process still holds it after `patience_s` seconds.
    """
    # Anybody may write to a lock that has no mode of its own.
    lock = FileLock(place, mode=0o600)
    try:
        try:
            lock.acquire(timeout=min(TOLD_AFTER_S, patience_s))
        except Timeout:
            if patience_s <= TOLD_AFTER_S:
                raise
            logging.getLogger(__name__).warning("waiting for %s, held by %s", place, holder(place))
            lock.acquire(timeout=patience_s - TOLD_AFTER_S)
    except Timeout:
        since = f" since {patience_s:.0f} s" if patience_s else ""
        raise LockedError(
            f"{holder(place)} holds {place}{since}; wait for it, or end it, then run the same "
            "command again"
        ) from None
    try:
        yield
    finally:
        lock.release()


def holder(place: Path) -> str:
    """Which process has this file open, as in `process 71 (python -m promotion report)`."""
    wanted = str(place.resolve())
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and wanted in {one.path for one in process.open_files()}:
                program, *rest = process.cmdline()
                command = " ".join([Path(program).name, *rest])
                return f"process {process.pid} ({textwrap.shorten(command, LONGEST_COMMAND)})"
    return "a process that this user cannot see"
