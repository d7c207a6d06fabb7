"""What Ultralytics finds in the environment: import this before it."""

from __future__ import annotations

import os

from promotion.paths import default_home

# Ultralytics keeps its settings in a file of the user's; the report neither reads nor changes it.
os.environ.setdefault("YOLO_CONFIG_DIR", str(default_home()))
os.environ.setdefault("YOLO_OFFLINE", "true")
os.environ.setdefault("YOLO_AUTOINSTALL", "false")
os.environ.setdefault("YOLO_VERBOSE", "false")
# No checkpoint is unpickled freely, by Ultralytics or by torch.
os.environ["ULTRALYTICS_SAFE_LOAD"] = "true"
os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "true"

_threads = os.environ.get("OMP_NUM_THREADS")


def leave_threads_alone() -> None:
    """Take back the one thread that Ultralytics, once imported, leaves to child processes."""
    if _threads is None:
        os.environ.pop("OMP_NUM_THREADS", None)
