"""The control: how much of the machine is left to the canary while it asks nothing."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor

SECONDS = 0.1
# The hash of so many bytes takes a fraction of a millisecond, outside the interpreter's lock.
BLOCK = bytes(1 << 16)


def share_free(cores: int) -> float:
    """The share of `cores` cores that this process gets when it wants them all, in (0, 1].

    Work of a known need, one thread a core for a tenth of a second: its processor time over the
    time that passed. It is 1 on an idle machine, whatever its speed; on two cores that one other
    process wants too, about 2/3. To be called while this process does nothing else.
    """
    began, used = time.perf_counter(), time.process_time()

    def work(_: int) -> None:
        while time.perf_counter() - began < SECONDS:
            hashlib.sha256(BLOCK)

    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(work, range(cores)))
    used, passed = time.process_time() - used, time.perf_counter() - began
    return min(1.0, used / (passed * cores))
