"""A store with a study's runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from promotion.datasets import PreparedDataset
from promotion.store import (
    Role,
    Session,
    close_session,
    open_session,
)
from tests.builders import SMOKE
from tests.comparison.builders import GRID, add_dataset, add_variant


@pytest.fixture
def empty(home: Path) -> Iterator[Session]:
    """A session of a study whose grid fits the exported models."""
    opened = open_session(str(SMOKE), GRID, "", Role.DATASET)
    yield opened
    close_session(opened)


@pytest.fixture
def filled(empty: Session, streets: PreparedDataset, exports: dict[int, Path]) -> Session:
    """A store with the whole grid of runs, none of them trained."""
    add_dataset(empty, streets)
    for variant in empty.study.variants:
        add_variant(empty, streets, exports[variant.imgsz], variant.run_name)
    return empty
