"""What several tests share: a small dataset, a tracking server, and one executed smoke study."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from promotion.checksums import sha256_of
from promotion.datasets import PreparedDataset, prepare
from promotion.detection import Detector
from promotion.paths import HOME_VARIABLE
from promotion.registry import transitions
from promotion.store import (
    Role,
    Session,
    VersionTag,
    close_session,
    connect,
    open_session,
)
from promotion.study import Dataset, Model, Study, load_study
from promotion.training import starting_weights
from tests.browser import Reader, installed
from tests.builders import (
    SMOKE,
    STARTER,
    CountedReport,
    MlflowServer,
    add_version,
    own_folder,
    promotion,
    put_in_production,
    registry_of,
    report_and_count,
)


@pytest.fixture(autouse=True)
def no_store_of_another_test() -> None:
    """The store and the home are handed on by the environment; a test starts anew."""
    for name in ("MLFLOW_TRACKING_URI", HOME_VARIABLE):
        os.environ.pop(name, None)


@pytest.fixture(scope="session")
def starter(smoke: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starting weights as the artifact that serves, for pictures of 384 pixels."""
    place = tmp_path_factory.mktemp("starter")
    checkpoint = shutil.copy(starting_weights(smoke.model, place), place / "starter.pt")
    # It brings PyTorch, which most tests do without.
    from promotion.training.trainer import export_onnx

    return export_onnx(checkpoint, 384)


@pytest.fixture(scope="session")
def smoke() -> Study:
    return load_study(SMOKE)


@pytest.fixture(scope="session")
def streets(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    """Four street scenes a split."""
    dataset = Dataset(source="street_scenes", train=4, val=4, test=4, seed=5)
    return prepare(dataset, tmp_path_factory.mktemp("streets"))


@pytest.fixture(scope="session")
def exports(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """The starting model as it would be served, at two image sizes."""
    # Ultralytics takes seconds to import, and most tests do without.
    from promotion.training.trainer import export_onnx

    folder = tmp_path_factory.mktemp("exports")
    start = starting_weights(Model(weights=STARTER), folder)
    found = {}
    for imgsz in (96, 320):
        checkpoint = folder / f"{imgsz}.pt"
        checkpoint.write_bytes(start.read_bytes())
        found[imgsz] = export_onnx(checkpoint, imgsz).rename(folder / f"{imgsz}.onnx")
    return found


@pytest.fixture(scope="session")
def detectors(exports: dict[int, Path]) -> dict[int, Detector]:
    return {imgsz: Detector(path) for imgsz, path in exports.items()}


@pytest.fixture
def folder(streets: PreparedDataset, tmp_path: Path) -> Path:
    """A user's own copy of a YOLO-format folder."""
    return own_folder(streets.folder, tmp_path / "own")


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's database as its first use leaves it, which takes seconds."""
    home = tmp_path_factory.mktemp("store")
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    connect(home)
    return home / "mlflow.db"


@pytest.fixture
def home(empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, with an empty store, where a notebook's session would open."""
    place = tmp_path / "home"
    place.mkdir()
    shutil.copy(empty_store, place / "mlflow.db")
    monkeypatch.setenv(HOME_VARIABLE, str(place))
    return place


@pytest.fixture
def session(home: Path) -> Iterator[Session]:
    """A notebook's session of the smoke study."""
    opened = open_session(str(SMOKE), [], "", Role.VARIANT)
    yield opened
    close_session(opened)


@pytest.fixture(scope="session")
def smoke_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which `promotion report` ran on the smoke study."""
    home = tmp_path_factory.mktemp("home")
    done = promotion("report", "--study", str(SMOKE), home=home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 trained, 0 kept from before, 0 failed" in done.stdout
    return home


@pytest.fixture(scope="session")
def counted_report(tmp_path_factory: pytest.TempPathFactory) -> CountedReport:
    """A home for the tests that go on from a report; each works on studies of its own.

    A copy of the smoke home would not do: MLflow stores absolute paths of artifacts, so that a
    copy would write into the original.
    """
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    home = tmp_path_factory.mktemp("changing")
    return report_and_count(home, (prepare, sha256_of, connect))


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    started = MlflowServer(tmp_path_factory.mktemp("server"))
    started.start()
    yield started
    started.stop()


@pytest.fixture(scope="session")
def three_versions(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with versions 1 (previous), 2 (in Production) and 3 (staged, canary said go).

    Version 4 is registered and no more. A test works on a copy of its mlflow.db: there is no
    artifact that the copy could miss.
    """
    home = tmp_path_factory.mktemp("versions")
    shutil.copy(empty_store, home)
    model = registry_of(home)
    put_in_production(model)
    put_in_production(model)
    number = add_version(model)
    transitions.stage(model, number, "third")
    model.client.set_model_version_tag(model.name, number, VersionTag.CANARY, "go")
    add_version(model)
    return home


@pytest.fixture
def registry_home(three_versions: Path, tmp_path: Path) -> Path:
    """A copy of that home, for a test that changes it."""
    shutil.copy(three_versions / "mlflow.db", tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def browser() -> Iterator[Reader]:
    """The system's browser, without a window.

    Not kept for longer than a module: while it runs, so does an event loop, and no other can.
    """
    program = installed()
    if program is None:
        pytest.skip("no Chromium or Chrome is installed: `apt install chromium` brings one")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program)
        yield Reader(started)
        started.close()


# xdist writes the groups into the tests' names, and would do so before they are there.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests that share what takes a minute to make to one worker, and each file to one."""
    for item in items:
        used = set(getattr(item, "fixturenames", ()))
        shared = used & {"smoke_home", "counted_report"}
        group = shared.pop() if shared else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))
