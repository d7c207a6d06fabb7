"""The homes of the end-to-end tests: one that no test changes, and one that they do change."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from tests.builders import CountedReport, connect_to


@pytest.fixture
def changing_home(counted_report: CountedReport) -> Path:
    """A reported home for the tests that go on from there; each works on studies of its own."""
    return counted_report.home


@pytest.fixture
def client(smoke_home: Path) -> MlflowClient:
    """The store of the home that no test changes."""
    return connect_to(smoke_home, "smoke")
