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
    """Kill all that this process started, and all that those started.

    Python's and joblib's trackers of semaphores are left: they end with this process, and without
    them its last words would be that it tidies up what another tracker never heard of.
    """
    children = [one for one in psutil.Process().children(recursive=True) if not _is_tracker(one)]
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    psutil.wait_procs(children, timeout=KILL_SECONDS)


def _is_tracker(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return any("resource_tracker" in word for word in process.cmdline())
    return False
