"""The homes of the end-to-end tests: one that no test changes, and one that they do change."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from tests.builders import connect_to
from tests.end_to_end.builders import report_in


@pytest.fixture(scope="session")
def changing_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reported home for the tests that go on from there; each works on studies of its own.

    A copy of the smoke home would not do: MLflow stores absolute paths of artifacts, so that a
    copy would write into the original.
    """
    return report_in(tmp_path_factory.mktemp("changing"))


@pytest.fixture
def client(smoke_home: Path) -> MlflowClient:
    """The store of the home that no test changes."""
    return connect_to(smoke_home, "smoke")
