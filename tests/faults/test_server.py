"""A tracking server that dies, or hangs, while variants are trained on it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from mlflow.tracking import MlflowClient

from promotion.store import Role, Tag, search
from tests.builders import SCENES, MlflowServer
from tests.faults.builders import (
    PATIENCE_S,
    WORKED,
    at_work,
    family,
    finishes,
    left_of,
    wait_for_kernel,
)

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.trial,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows stops a process by other means"),
]
# A client gives up on a silent server within a minute, not within three.
HASTE = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}


@pytest.fixture
def training(server: MlflowServer, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Variants being trained on a tracking server."""
    where = {"MLFLOW_TRACKING_URI": server.uri, **HASTE}
    with at_work("run", *SCENES, home=tmp_path / "home", **where) as process:
        assert process.stdout is not None
        while not (said := process.stdout.readline()).startswith("done dataset"):
            assert said, "the command ended before it trained"
        yield process


def ends_and_names(training: subprocess.Popen[str], server: MlflowServer) -> None:
    """The driver or a training meets it first; each names the server and what to do."""
    _, errors = training.communicate(timeout=PATIENCE_S)
    assert training.returncode == 1, errors
    assert server.uri in errors
    assert re.search("start the server|see whether the tracking server answers", errors), errors
    assert "Traceback" not in errors


def goes_on(server: MlflowServer, home: Path) -> None:
    """The same command trains what is missing, and no run is left open."""
    said = finishes(home, "run", *SCENES, MLFLOW_TRACKING_URI=server.uri)
    assert "0 failed" in said
    client = MlflowClient(server.uri)
    trained = search(client, "smoke", {Tag.ROLE: Role.VARIANT, Tag.COMPLETE: "true"})
    assert len(trained) == 4
    assert search(client, "smoke", {}, status="RUNNING") == []


def test_a_server_that_is_killed_in_a_training_costs_that_training_at_most(
    training: subprocess.Popen[str], server: MlflowServer, tmp_path: Path
) -> None:
    wait_for_kernel(training, WORKED)
    started = family(training)
    server.stop()
    ends_and_names(training, server)
    assert left_of(started) == []
    server.start()
    goes_on(server, tmp_path / "home")


def test_a_server_that_hangs_is_named_and_not_waited_for_without_end(
    training: subprocess.Popen[str], server: MlflowServer, tmp_path: Path
) -> None:
    wait_for_kernel(training, WORKED)
    root = psutil.Process(server.process.pid)
    served = [root, *root.children(recursive=True)]
    for one in served:
        one.send_signal(signal.SIGSTOP)
    ends_and_names(training, server)
    for one in served:
        one.send_signal(signal.SIGCONT)
    goes_on(server, tmp_path / "home")
