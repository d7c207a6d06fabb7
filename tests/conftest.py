"""What several tests share: a small dataset, a tracking server, and one executed smoke study."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
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
    put_in_production,
    registry_of,
    report_and_count,
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first, so that no worker is left with one at the end.

    The very first makes the smoke study's report, which the others of its kind wait for.
    """
    marks: dict[Path, set[str]] = {}
    for item in items:
        marks.setdefault(item.path, set()).update(mark.name for mark in item.iter_markers())
    whole = [path for path, names in marks.items() if "end_to_end" in names]
    slow = [path for path, names in marks.items() if "slow" in names and path not in whole]
    order = {path: place for place, path in enumerate([*whole[:1], *slow, *whole[1:]])}
    items.sort(key=lambda item: order.get(item.path, len(order)))


def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the workers of one session find what one of them made."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


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
def scenes_home(empty_store: Path, streets: PreparedDataset, tmp_path: Path) -> Path:
    """A home in which nothing was done yet but to draw the four street scenes a split."""
    place = tmp_path / "scenes"
    place.mkdir()
    shutil.copy(empty_store, place)
    shutil.copytree(streets.folder.parent, place / "datasets")
    return place


@pytest.fixture
def session(home: Path) -> Iterator[Session]:
    """A notebook's session of the smoke study."""
    opened = open_session(str(SMOKE), [], "", Role.VARIANT)
    yield opened
    close_session(opened)


@pytest.fixture(scope="session")
def counted_report(tmp_path_factory: pytest.TempPathFactory) -> CountedReport:
    """The smoke study's whole flow, run once for all workers; no test changes its home."""
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    shared = shared_folder(tmp_path_factory)
    with FileLock(shared / "smoke.lock"):
        kept = shared / "smoke.pickle"
        if not kept.exists():
            report = report_and_count(shared / "smoke", (prepare, sha256_of, connect))
            kept.write_bytes(pickle.dumps(report))
        return pickle.loads(kept.read_bytes())


@pytest.fixture(scope="session")
def smoke_home(counted_report: CountedReport) -> Path:
    """A home in which the smoke study's report was made, and which no test changes."""
    return counted_report.home


@pytest.fixture
def changing_home(smoke_home: Path, tmp_path: Path) -> Path:
    """A copy of that home, for a test that goes on from there."""
    return shutil.copytree(smoke_home, tmp_path / "home")


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
