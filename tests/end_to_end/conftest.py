"""What the end-to-end tests read: the store of the home that no test changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from tests.builders import connect_to


@pytest.fixture
def client(smoke_home: Path) -> MlflowClient:
    return connect_to(smoke_home, "smoke")
