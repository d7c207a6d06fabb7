"""What several tests share: a small dataset, a tracking server, and one executed smoke study."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from promotion.datasets import PreparedDataset, prepare
from promotion.paths import HOME_VARIABLE
from promotion.study import Dataset, Study, load_study
from tests.builders import SMOKE, MlflowServer, promotion


@pytest.fixture(autouse=True)
def no_store_of_another_test() -> None:
    """The store and the home are handed on by the environment; a test starts anew."""
    for name in ("MLFLOW_TRACKING_URI", HOME_VARIABLE):
        os.environ.pop(name, None)


@pytest.fixture(scope="session")
def smoke() -> Study:
    return load_study(SMOKE)


@pytest.fixture(scope="session")
def streets(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    """Four street scenes a split."""
    dataset = Dataset(source="street_scenes", train=4, val=4, test=4, seed=5)
    return prepare(dataset, tmp_path_factory.mktemp("streets"))


@pytest.fixture(scope="session")
def smoke_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which `promotion report` ran on the smoke study."""
    home = tmp_path_factory.mktemp("home")
    done = promotion("report", "--study", str(SMOKE), home=home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 trained, 0 kept from before, 0 failed" in done.stdout
    return home


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    started = MlflowServer(tmp_path_factory.mktemp("server"))
    started.start()
    yield started
    started.stop()
