"""On what a result was made: the commit, the machine, the versions of the libraries."""

from __future__ import annotations

import getpass
import os
import platform
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

import cpuinfo
import psutil

from promotion.paths import ROOT

HARDWARE_VARIABLE = "PROMOTION_HARDWARE"
# So fine, and of one width, that moments sort by it in their order.
WHEN = "%Y-%m-%dT%H:%M:%S.%fZ"
LIBRARIES = (
    "torch",
    "torchvision",
    "ultralytics",
    "numpy",
    "opencv-python",
    "onnxruntime",
    "hotcoco",
)


def code_version() -> str:
    """The commit of the checkout, with `+` if it has changes; the package version without git."""
    try:
        ask = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--abbrev=12"]
        answer = subprocess.run(ask, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return version("promotion")
    return answer.stdout.strip()


def moment(last: str) -> str:
    """Now, or just after `last` (none if empty) where the clock that gave it is ahead.

    So what comes later sorts later, even when a clock went back.
    """
    now = datetime.now(UTC)
    if last:
        now = max(now, datetime.fromisoformat(last) + timedelta(microseconds=1))
    return now.strftime(WHEN)


def user_and_machine() -> str:
    """Who is at work, and where, as in `ana@lab-3`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return f"{user}@{platform.node()}"


def hardware() -> str:
    """Processor, cores and memory of this machine, on one line.

    Asking the processor for its name takes a second: the processes that this one starts are told.
    """
    known = os.environ.get(HARDWARE_VARIABLE)
    if known is None:
        memory = psutil.virtual_memory().total / 2**30
        name = cpuinfo.get_cpu_info().get("brand_raw") or platform.machine()
        known = f"{name} × {os.cpu_count()}, {memory:.0f} GiB"
        os.environ[HARDWARE_VARIABLE] = known
    return known


def library_versions(names: Iterable[str] = LIBRARIES) -> dict[str, str]:
    """The installed versions of the libraries that can change a result."""
    return {name: version(name) for name in names}
