"""Serving: the shipped code is enough, it gives the evaluated boxes, and it refuses rubbish."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from promotion.checksums import sha256_of
from promotion.datasets import PreparedDataset, images_of, read_image
from promotion.detection import Detector
from promotion.errors import ChecksumError
from promotion.paths import ROOT
from promotion.registry import PersonDetector, open_onnx, open_version
from promotion.registry.serving import IMAGE_COLUMN
from tests.builders import (
    REGISTERED_MODEL,
    clean_environment,
    connect_to,
    invoke,
    kill,
    registered_in,
    wait_for,
)
from tests.registry.builders import Registered

pytestmark = pytest.mark.slow
# What trains is absent where the command line serves; where MLflow serves alone, more is.
NO_TRAINING = ("torch", "torchvision", "ultralytics")
SHIPPED_ALONE = (*NO_TRAINING, "hotcoco", "papermill")


def forbid(modules: Sequence[str], place: Path) -> dict[str, str]:
    """The environment of a process in which importing any of these fails."""
    program = f"""
import sys
class Absent:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in {tuple(modules)}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
"""
    (place / "sitecustomize.py").write_text(program)
    return {**clean_environment(), "PYTHONPATH": str(place)}


@pytest.fixture(scope="session")
def photograph(streets: PreparedDataset) -> Path:
    return images_of(streets.folder, "val")[0]


@pytest.fixture
def model_folder(registered: Registered, client: MlflowClient) -> Path:
    address = f"models:/{REGISTERED_MODEL}/{registered.number}"
    return Path(mlflow.artifacts.download_artifacts(address))


def test_the_shipped_code_holds_only_what_serving_needs(model_folder: Path) -> None:
    """One import too many, and a server must install what trained the model."""
    code = model_folder / "code"
    shipped = {path.relative_to(code).as_posix() for path in code.rglob("*.py")}
    assert {name for name in shipped if not name.endswith("__init__.py")} == {
        "promotion/checksums.py",
        "promotion/detection/detector.py",
        "promotion/errors.py",
        "promotion/images.py",
        "promotion/registry/serving.py",
    }
    for name in shipped:
        if name.endswith("__init__.py"):
            assert (code / name).read_bytes() == b"", name


LOAD = """
import sys
import mlflow, pandas
model = mlflow.pyfunc.load_model(sys.argv[1])
photograph = open(sys.argv[2], "rb").read()
boxes = model.predict(pandas.DataFrame({"image": [photograph]}), params={"threshold": 0.1})
import promotion
print(promotion.__file__)
print(len(boxes))
"""


def test_the_model_loads_where_nothing_of_a_training_machine_is(
    model_folder: Path, photograph: Path, tmp_path: Path
) -> None:
    """It runs on its own code, in a process where each of these imports fails."""
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(model_folder), str(photograph)],
        cwd=tmp_path,
        env=forbid(SHIPPED_ALONE, tmp_path),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    code, boxes = done.stdout.split("\n")[-3:-1]
    assert Path(code).is_relative_to(model_folder)
    assert int(boxes) > 0


def shown(model: PersonDetector, content: bytes, threshold: float = 0.1) -> pd.DataFrame:
    return model.predict(None, pd.DataFrame({IMAGE_COLUMN: [content]}), {"threshold": threshold})


def test_the_detector_gives_the_boxes_of_the_evaluation(starter: Path, photograph: Path) -> None:
    """A server that saw other boxes would make every figure of the report untrue."""
    served = shown(open_onnx(starter, sha256_of(starter)), photograph.read_bytes())
    direct = Detector(starter).detect(read_image(photograph), 0.1)
    assert len(served)
    assert served["confidence"].tolist() == pytest.approx(direct.confidences.tolist())
    corners = served[["x0", "y0", "x1", "y1"]].to_numpy()
    assert corners == pytest.approx(direct.boxes, abs=1e-3)


def test_a_photograph_that_is_none_is_refused_with_its_row(starter: Path, photograph: Path) -> None:
    model, whole = open_onnx(starter, sha256_of(starter)), photograph.read_bytes()
    huge = cv2.imencode(".png", np.zeros((8000, 8000, 3), np.uint8))[1].tobytes()
    for content, cause in (
        (b"no image at all", "row 0: not an image"),
        (whole[: len(whole) // 2], "row 0: not a whole image"),
        (huge, "8000 × 8000 pixels"),
    ):
        with pytest.raises(MlflowException, match=cause):
            shown(model, content)
    with pytest.raises(MlflowException, match="out of range"):
        shown(model, whole, threshold=7)


def test_a_model_whose_file_changed_is_not_opened(starter: Path, tmp_path: Path) -> None:
    changed = tmp_path / "model.onnx"
    changed.write_bytes(starter.read_bytes() + b"\0")
    with pytest.raises(ChecksumError):
        open_onnx(changed, sha256_of(starter))


def test_a_registered_version_opens_as_a_server_opens_it(
    registered: Registered, client: MlflowClient, starter: Path, photograph: Path
) -> None:
    opened = open_version(registered_in(client), registered.number)
    assert opened.name == f"{REGISTERED_MODEL} v{registered.number}"
    assert opened.threshold == 0.3
    served = opened.see(photograph.read_bytes())
    expected = Detector(starter).detect(read_image(photograph), 0.3)
    assert served["confidence"].tolist() == pytest.approx(expected.confidences.tolist())


class Server:
    """`promotion serve` where importing PyTorch or Ultralytics fails."""

    def __init__(self, home: Path, place: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.uri = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "promotion", "serve", "--port", str(port)]
        with (place / "log").open("w") as log:
            self.process = subprocess.Popen(
                [*command, "--home", str(home)],
                cwd=ROOT,
                env=forbid(NO_TRAINING, place),
                stdout=log,
                stderr=log,
            )
        wait_for(f"{self.uri}/ping", self.process)

    def ask(self, body: object) -> tuple[int, Any]:
        """A client in plain Python: the status and the answer."""
        request = urllib.request.Request(
            f"{self.uri}/invocations",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def show(self, content: bytes, column: str = "image", **rest: object) -> tuple[int, Any]:
        """Send one photograph."""
        data = [[base64.b64encode(content).decode()]]
        return self.ask({"dataframe_split": {"columns": [column], "data": data}, **rest})


@pytest.fixture(scope="module")
def served(registered: Registered, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(registered.home, tmp_path_factory.mktemp("serve"))
    yield server
    kill(server.process)


def test_the_served_model_gives_the_boxes_that_were_evaluated(
    served: Server, photograph: Path, starter: Path
) -> None:
    status, answer = served.show(photograph.read_bytes())
    assert status == 200
    direct = Detector(starter).detect(read_image(photograph), 0.3)
    rows = answer["predictions"]
    assert rows
    assert [row["confidence"] for row in rows] == pytest.approx(direct.confidences.tolist())
    assert [[row[edge] for edge in ("x0", "y0", "x1", "y1")] for row in rows] == [
        pytest.approx(box.tolist(), abs=1e-3) for box in direct.boxes
    ]
    assert {row["image"] for row in rows} == {0}


def test_a_client_may_ask_for_another_threshold(served: Server, photograph: Path) -> None:
    _, usual = served.show(photograph.read_bytes())
    status, more = served.show(photograph.read_bytes(), params={"threshold": 0.01})
    assert status == 200
    assert len(more["predictions"]) > len(usual["predictions"])


def test_bad_requests_get_a_clear_4xx_and_the_server_lives(
    served: Server, photograph: Path
) -> None:
    """A client's mistake must name itself, and must not take the server from the others."""
    whole = photograph.read_bytes()
    huge = cv2.imencode(".png", np.zeros((8000, 8000, 3), np.uint8))[1].tobytes()
    for answer, cause in (
        (served.show(b"no image at all"), "not an image"),
        (served.show(b""), "not an image"),
        (served.show(whole[: len(whole) // 2]), "not a whole image"),
        (served.show(huge), "8000 × 8000 pixels"),
        (served.show(whole, column="picture"), "columns"),
        (served.show(whole, params={"threshold": 7}), "out of range"),
        (served.ask({"dataframe_split": {"columns": ["image"], "data": [[3]]}}), "image"),
        (served.ask({"wrong": 1}), "dataframe_split"),
    ):
        assert 400 <= answer[0] < 500, answer
        assert cause in json.dumps(answer[1], ensure_ascii=False), answer
    assert served.show(whole)[0] == 200


def test_what_does_not_verify_is_not_served(registered: Registered, starter: Path) -> None:
    """A damaged disk or a changed file is one line at the start, not wrong boxes for weeks."""
    connect_to(registered.home)
    stored = sorted((registered.home / "artifacts").rglob("*.onnx"))
    same = [path for path in stored if sha256_of(path) == sha256_of(starter)]
    assert len(same) > 1
    try:
        for path in same:
            path.write_bytes(starter.read_bytes() + b"\0")
        done = invoke("serve", home=registered.home)
        assert done.exit_code == 1
        assert done.stderr.count("\n") == 1
        assert "SHA-256" in done.stderr
    finally:
        for path in same:
            path.write_bytes(starter.read_bytes())
