"""What several tests share: a small dataset, and one executed smoke study."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import psutil
import pytest

from promotion.datasets import PreparedDataset, prepare
from promotion.paths import ROOT
from promotion.study.loading import load_study
from promotion.study.schema import Dataset, Study

SMOKE = ROOT / "studies" / "smoke.yaml"


def clean_environment() -> dict[str, str]:
    """The environment without what tests in this process, or a user's shell, set."""
    ours = ("MLFLOW_", "PROMOTION_", "YOLO_")
    return {key: value for key, value in os.environ.items() if not key.startswith(ours)}


def promotion(*arguments: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user would."""
    return subprocess.run(
        [sys.executable, "-m", "promotion", *arguments, "--home", str(home)],
        cwd=ROOT,
        env={**clean_environment(), "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
    )


@pytest.fixture(autouse=True)
def no_store_of_another_test() -> None:
    """MLflow hands the store that it was pointed to on, by the environment; a test starts anew."""
    os.environ.pop("MLFLOW_TRACKING_URI", None)


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


class MlflowServer:
    """A tracking server on loopback that keeps its artifacts to itself."""

    def __init__(self, place: Path) -> None:
        self.place = place
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = str(free.getsockname()[1])
        self.uri = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, or start again on what it kept; return when it answers."""
        command = [sys.executable, "-m", "mlflow", "server", "--port", self.port, "--workers", "1"]
        command += ["--backend-store-uri", f"sqlite:///{self.place / 'server.db'}"]
        command += ["--artifacts-destination", str(self.place / "artifacts")]
        with (self.place / "log").open("a") as log:
            self.process = subprocess.Popen(
                command, env=clean_environment(), stdout=log, stderr=log
            )
        wait_for(f"{self.uri}/health", self.process)

    def stop(self) -> None:
        """Stop it and its workers at once."""
        kill(self.process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started, on any system."""
    with contextlib.suppress(psutil.NoSuchProcess):
        started = psutil.Process(process.pid)
        for one in [*started.children(recursive=True), started]:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
    process.wait(timeout=30)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a server's process answers."""
    for _ in range(240):
        assert process.poll() is None, f"the server left with code {process.returncode}"
        with contextlib.suppress(OSError), urllib.request.urlopen(url):
            return
        time.sleep(0.5)
    raise TimeoutError(url)


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    started = MlflowServer(tmp_path_factory.mktemp("server"))
    started.start()
    yield started
    started.stop()


def boxes(*rows: tuple[str, float, float, float, float]) -> pd.DataFrame:
    """Ground truth from (image, x0, y0, x1, y1) rows."""
    return pd.DataFrame(rows, columns=["image", "x0", "y0", "x1", "y1"])


def detections(*rows: tuple[str, float, float, float, float, float]) -> pd.DataFrame:
    """Detections from (image, x0, y0, x1, y1, confidence) rows."""
    return pd.DataFrame(rows, columns=["image", "x0", "y0", "x1", "y1", "confidence"])
