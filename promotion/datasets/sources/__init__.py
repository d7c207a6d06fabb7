"""Where pictures come from: one module a source, named as a study names it.

A source writes a YOLO-format folder: `write(folder, dataset, cache)`; `cache` is a folder for what
it downloads. `folder`, a user's own, has nothing to write.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from promotion.checksums import code_digest
from promotion.code import PACKAGE, closure
from promotion.study import CanaryDataset, Dataset

CHECKS = "promotion.datasets.integrity"


class Source(Protocol):
    """What a module of this folder offers."""

    def write(self, folder: Path, dataset: Dataset | CanaryDataset, cache: Path) -> None:
        """Write the pictures and labels of each split of the dataset."""


def source(name: str) -> Source:
    """The source that a study names."""
    return cast(Source, import_module(f"{__name__}.{name}"))


def source_digest(name: str) -> str:
    """The digest of the code that makes a source's pictures, for a user's folder of its checks.

    What is known of a folder that has not changed is known by the checks of that day.
    """
    module = CHECKS if name == "folder" else f"{__name__}.{name}"
    return code_digest(closure(f"import {module}"), PACKAGE)
