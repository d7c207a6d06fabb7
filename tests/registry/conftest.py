"""What the registry's tests share: one home with a registered model."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from promotion.registry import RegisteredModel
from tests.builders import connect_to, registered_in
from tests.registry.builders import EXPERIMENT, Registered, register_starter


@pytest.fixture(scope="session")
def registered(
    starter: Path, empty_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> Registered:
    """One home for all tests that need a registered model; they leave it as it was."""
    home = tmp_path_factory.mktemp("registered")
    shutil.copy(empty_store, home)
    return register_starter(home, starter)


@pytest.fixture
def client(registered: Registered) -> MlflowClient:
    return connect_to(registered.home, EXPERIMENT)


@pytest.fixture
def model(client: MlflowClient) -> RegisteredModel:
    return registered_in(client)
