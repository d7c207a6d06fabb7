"""The end of a worker: with its supervisor, and within seconds."""

from __future__ import annotations

import multiprocessing
import os
import threading

# What a photograph in hand may still take; nobody waits for its boxes.
LAST_SECONDS = 1.0


def end_with_parent() -> None:
    """Let this process end as soon as the one that started it does, however that ended."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True, name="parent").start()


def end_soon() -> None:
    """Let this process end within `LAST_SECONDS`, whatever its threads still do."""
    timer = threading.Timer(LAST_SECONDS, os._exit, (0,))
    timer.daemon = True
    timer.start()
