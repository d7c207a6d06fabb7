"""The end of processes: none that a batch started outlives it."""

from __future__ import annotations

import os
import threading
from contextlib import suppress

import psutil

# A killed process leaves at once, unless the system holds it.
KILL_SECONDS = 5.0


def end_with(parent: int) -> None:
    """Let this process end as soon as the one that started it does, however that ended.

    `parent` is the id that the starter gave as its own: by now it may be gone already.
    """

    def wait() -> None:
        with suppress(psutil.NoSuchProcess):
            if os.getppid() == parent:
                psutil.Process(parent).wait()
        os._exit(1)

    threading.Thread(target=wait, daemon=True, name="parent").start()


def end_children() -> None:
    """Kill all that this process started, and all that those started."""
    children = psutil.Process().children(recursive=True)
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    psutil.wait_procs(children, timeout=KILL_SECONDS)
