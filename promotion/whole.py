"""Files that are there whole or not at all."""

from __future__ import annotations

import functools
import os
from pathlib import Path


def write_whole(path: Path, content: str, mode: int = 0o666) -> None:
    """Write a text file (UTF-8), so that neither a kill nor a full disk leaves a part of it.

    Until the new one is whole, the one that was there stays. `mode` is who may do what with it, as
    the system's mask leaves it.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    opener = functools.partial(os.open, mode=mode)
    try:
        with open(unfinished, "w", encoding="utf-8", opener=opener) as file:
            file.write(content)
            file.flush()
            # On the disk before its name is: else a power cut leaves an empty file.
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
