"""The end of processes: none that a batch started outlives it."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress

import psutil

# A killed process leaves at once, unless the system holds it.
KILL_SECONDS = 5.0
LOOK_SECONDS = 0.5


def end_with(parent: int) -> None:
    """Let this process end as soon as the one that started it does, however that ended.

    `parent` is the id that the starter gave as its own: by now it may be gone already.
    """

    def wait() -> None:
        # A process that was killed stays as a zombie for as long as whoever started it waits for
        # the output that we hold; on POSIX we have another parent then.
        with suppress(psutil.NoSuchProcess):
            started = psutil.Process(parent)
            while os.getppid() == parent and started.is_running():
                time.sleep(LOOK_SECONDS)
        os._exit(1)

    threading.Thread(target=wait, daemon=True, name="parent").start()


def end_children() -> None:
    """Kill all that this process started, and all that those started."""
    children = psutil.Process().children(recursive=True)
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    psutil.wait_procs(children, timeout=KILL_SECONDS)
