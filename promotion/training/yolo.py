"""Ultralytics as the product uses it: settings kept apart, and no code run that a file brings.

A checkpoint and a label cache are pickles, which can call anything when they are read. Here they
are read with the classes of a detector alone. Import this module before Ultralytics.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from promotion.training import environment  # isort: skip

# Ultralytics sets OMP_NUM_THREADS to 1 if it is imported before torch.
import torch  # isort: skip

import numpy as np
from ultralytics.data import dataset
from ultralytics.models import YOLO
from ultralytics.nn import tasks
from ultralytics.utils import LOGGER, torch_utils

from promotion.errors import PromotionError

KINDS = {
    "segment": "a segmentation model",
    "classify": "an image classifier",
    "pose": "a pose model",
    "obb": "a detector of oriented boxes",
}
MOST_NAMES = 3
# What NumPy's arrays and numbers are made of; a label cache holds nothing else that is called.
_ARRAYS = {
    (f"numpy.{core}.multiarray", name)
    for core in ("core", "_core")
    for name in ("_reconstruct", "scalar")
} | {("numpy", "ndarray"), ("numpy", "dtype")}


def open_checkpoint(path: Path) -> YOLO:
    """A detector's checkpoint as Ultralytics' own model; nothing in the file is run.

    Raises:
        PromotionError: it is no checkpoint, not of a YOLO detector, or of one that diverged.
    """
    with quiet("ERROR"):
        try:
            model = YOLO(str(path))
        except Exception as error:
            raise PromotionError(_refusal(path)) from error
    network: Any = model.model
    kind = type(network).__name__
    if kind != tasks.DetectionModel.__name__:
        what = KINDS.get(model.task or "", f"a model of another kind ({kind})")
        raise PromotionError(
            f"{path} is {what}; training starts from a YOLO detector: name a detection "
            "checkpoint, such as yolov8n.pt"
        )
    lost = not_finite(network)
    if lost:
        raise PromotionError(
            f"{path}: {lost} holds NaN or infinity, as a training that diverged leaves it; name "
            "another checkpoint"
        )
    return model


def not_finite(network: torch.nn.Module) -> str:
    """The name of the first weights with a value that is NaN or infinite; empty without one."""
    weights = network.state_dict().items()
    return next((name for name, values in weights if not torch.isfinite(values).all()), "")


def class_names(path: Path) -> dict[int, str]:
    """The names of a detector's classes, by their index.

    Raises:
        PromotionError: it is no checkpoint, or not of a YOLO detector.
    """
    names = open_checkpoint(path).names or {}
    # A page shows them as code, in one line.
    return {index: re.sub(r"[`\s]+", " ", str(name))[:80] for index, name in names.items()}


def load_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint's content, made of the classes that Ultralytics knows and of no others."""
    load: Any = tasks.torch_safe_load
    content: dict[str, Any] = load(str(path), safe_only=True)[0]
    return content


def read_label_cache(path: Path) -> dict[str, Any]:
    """Ultralytics' cache of labels: arrays, numbers and text. It scans the labels if this raises.

    Raises:
        OSError: there is none.
        ValueError: it is no NumPy file.
        pickle.UnpicklingError: it holds something else.
    """
    with Path(path).open("rb") as file:
        np.lib.format.read_magic(file)
        np.lib.format.read_array_header_1_0(file)
        content: dict[str, Any] = _ArraysOnly(file).load().item()
    return content


@contextmanager
def quiet(level: str = "WARNING") -> Iterator[None]:
    """Keep Ultralytics' progress out of the notebook; its warnings stay, unless told otherwise."""
    before = LOGGER.level
    LOGGER.setLevel(level)
    try:
        yield
    finally:
        LOGGER.setLevel(before)


class _ArraysOnly(pickle.Unpickler):
    """Reads NumPy's arrays and plain values, and refuses whatever else a pickle names."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ARRAYS:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a label cache")
        return super().find_class(module, name)


def _refusal(path: Path) -> str:
    """Why a file was not opened, in one line."""
    names = _foreign_names(path)
    if not names:
        return f"{path} is not a checkpoint of Ultralytics; name a .pt file that Ultralytics saved"
    named = ", ".join(names[:MOST_NAMES])
    return (
        f"{path} asks for {named}, which no YOLO checkpoint needs: it was refused and nothing in "
        "it was run; name a checkpoint that Ultralytics saved, from someone you trust"
    )


def _foreign_names(path: Path) -> list[str]:
    """What a checkpoint would have Python call, beside torch and Ultralytics."""
    try:
        names = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except Exception:  # It is no archive of torch's.
        return []
    return sorted(one for one in names if not one.startswith(("torch.", "ultralytics.")))


def _restrict() -> None:
    """Close what the environment leaves open: an earlier import, stripping, label caches."""
    libraries: tuple[Any, ...] = (tasks, torch_utils, dataset)
    network, stripping, labels = libraries
    network.SAFE_LOAD = True
    stripping.torch_load = lambda file, **_: load_checkpoint(file)
    labels.load_dataset_cache_file = read_label_cache


_restrict()
environment.leave_threads_alone()
