"""On what a result was made: the commit, the machine, the versions of the libraries."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version

import cpuinfo
import psutil

from promotion.paths import ROOT

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


@cache
def hardware() -> str:
    """Processor, cores and memory of this machine, on one line."""
    memory = psutil.virtual_memory().total / 2**30
    name = cpuinfo.get_cpu_info().get("brand_raw") or platform.machine()
    return f"{name} × {os.cpu_count()}, {memory:.0f} GiB"


def library_versions(names: Iterable[str] = LIBRARIES) -> dict[str, str]:
    """The installed versions of the libraries that can change a result."""
    return {name: version(name) for name in names}
