"""From a decision to Production and back, on the smoke study, as a user runs it."""

from __future__ import annotations

import base64
import json
import shutil
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
import pytest
from mlflow.tracking import MlflowClient

from promotion.checksums import sha256_of
from promotion.comparison.evidence import Evidence
from promotion.datasets.yolo import read_image
from promotion.decision.decision import Decision
from promotion.detection.detector import Detector
from promotion.errors import ChecksumError, RegistryError
from promotion.paths import ROOT
from promotion.registry import registration
from promotion.registry import transitions as registry
from promotion.registry.parity import Parity
from promotion.registry.registration import check_still_true
from promotion.registry.transitions import PREVIOUS, PRODUCTION
from promotion.store import tracking
from promotion.store.tracking import REGISTERED_MODEL, Artifact, Role, VersionTag
from tests.conftest import SMOKE, clean_environment, kill, promotion, wait_for

pytestmark = pytest.mark.end_to_end
STUDY = ("--study", str(SMOKE))
BETTER = ("--set", "name=better", "--set", "grid.imgsz=[96,224]")
WEAKER = ("--set", "name=weaker", "--set", "grid.imgsz=[64,128]", "--set", "baseline.imgsz=64")


@pytest.fixture
def client(smoke_home: Path) -> MlflowClient:
    return tracking.connect(smoke_home, "smoke")


def published(home: Path) -> Decision:
    return Decision.model_validate_json((home / "decision.json").read_text(encoding="utf-8"))


def carry_out(
    home: Path, *changes: str, commands: Sequence[str] = ("run", "decide", "register", "canary")
) -> Decision:
    for command in commands:
        done = promotion(command, *STUDY, *changes, home=home)
        assert done.returncode == 0, done.stdout + done.stderr
    return published(home)


def decided(client: MlflowClient) -> tuple[Decision, Evidence]:
    """The smoke study's decision as it was made, and its evidence."""
    run_id = tracking.latest(client, "smoke", "smoke", Role.DECISION).info.run_id
    decision = tracking.artifact(client, run_id, Artifact.DECISION_JSON).read_text("utf-8")
    evidence = tracking.artifact(client, run_id, Artifact.EVIDENCE).read_text("utf-8")
    return Decision.model_validate_json(decision), Evidence.model_validate_json(evidence)


def test_the_report_ends_in_production_after_a_real_canary(
    smoke_home: Path, client: MlflowClient
) -> None:
    done = promotion("report", *STUDY, home=smoke_home)
    assert "version 1: in Production; canary go after" in done.stdout.replace("\n", " ")
    decision = published(smoke_home)
    assert decision.verdict == "promote"
    assert decision.place == "production"
    assert decision.parity is not None
    assert decision.parity.passed
    assert decision.canary is not None
    assert decision.canary.verdict == "go"
    assert decision.canary.last.images <= decision.canary.images_available
    assert decision.canary.champion == decision.baseline.run_name
    document = (smoke_home / "decision.md").read_text(encoding="utf-8")
    assert document.count("- [x]") == 3
    assert registry.aliases(client)[PRODUCTION] == "1"

    version = registry.version(client, "1")
    assert version.run_id == decision.candidate.run_id
    assert version.current_stage == "Production"
    assert version.description.startswith("# Décision de promotion")
    assert version.tags[VersionTag.VERDICT] == "promote"
    first = decision.comparison[0]
    low, high = first.interval
    told = version.tags[VersionTag.difference(first.metric)]
    assert told.endswith(f"= {first.difference:+.4f} [{low:+.4f}, {high:+.4f}]")
    assert version.tags[VersionTag.CANARY] == "go"
    assert [event.action for event in registry.history(client)] == ["promote", "stage"]


def test_the_book_shows_the_canary_and_the_registry_s_history(smoke_home: Path) -> None:
    pages = {
        name: (smoke_home / "book" / f"{name}.html").read_text(encoding="utf-8")
        for name in ("book/registry", "notebooks/6_canary", "book/index")
    }
    assert "mise en Production" in pages["book/registry"]
    assert "feu vert" in pages["notebooks/6_canary"]
    assert pages["notebooks/6_canary"].count("<img") >= 5
    assert "en Production" in pages["book/index"]


def test_the_product_s_own_experiment_is_audited_whole(smoke_home: Path) -> None:
    done = promotion("audit", "--experiment", "smoke", home=smoke_home)
    assert done.returncode == 0, done.stdout
    assert "unknown" not in done.stdout
    assert "enough-seeds" in done.stdout


def test_the_registered_model_says_what_it_is(client: MlflowClient) -> None:
    model = mlflow.pyfunc.load_model(f"models:/{REGISTERED_MODEL}/1")
    metadata = model.metadata
    assert metadata.signature is not None
    assert metadata.saved_input_example_info is not None
    assert metadata.metadata["classes"] == ["person"]
    assert metadata.metadata["dataset_digest"] == decided(client)[1].dataset_digest
    place = Path(mlflow.artifacts.download_artifacts(f"models:/{REGISTERED_MODEL}/1"))
    requirements = (place / "requirements.txt").read_text(encoding="utf-8")
    assert "onnxruntime==" in requirements
    assert "torch" not in requirements
    assert "ultralytics" not in requirements
    assert not list(place.rglob("*.pkl"))


def test_what_stands_is_registered_and_staged_only_once(client: MlflowClient) -> None:
    decision, evidence = decided(client)
    before = registry.versions(client), registry.history(client), registry.aliases(client)
    again = registration.register(client, decision, evidence)
    assert again.model_version == "1"
    parity = published(tracking_home(client)).parity
    assert registration.stage(client, again, evidence, parity).place == "production"
    after = registry.versions(client), registry.history(client), registry.aliases(client)
    assert [str(one.version) for one in after[0]] == [str(one.version) for one in before[0]]
    assert after[1:] == before[1:]


def tracking_home(client: MlflowClient) -> Path:
    return Path(client.tracking_uri.removeprefix("sqlite:///")).parent


@pytest.mark.parametrize("verdict", ["reject", "inconclusive"])
def test_other_verdicts_register_nothing(verdict: str, client: MlflowClient) -> None:
    decision, evidence = decided(client)
    before = len(registry.versions(client))
    refused = decision.model_copy(update={"verdict": verdict})
    assert registration.register(client, refused, evidence).model_version is None
    assert len(registry.versions(client)) == before


def test_a_decision_that_is_not_true_any_more_is_refused(client: MlflowClient) -> None:
    decision, evidence = decided(client)
    policy, digest, runs = decision.policy, evidence.dataset_digest, evidence.runs
    check_still_true(decision, evidence, policy, digest, runs)
    with pytest.raises(RegistryError, match="the dataset"):
        check_still_true(decision, evidence, policy, "0" * 64, runs)
    with pytest.raises(RegistryError, match="the set of trained runs"):
        check_still_true(decision, evidence, policy, digest, runs[1:])
    stricter = policy.model_copy(update={"confidence": 0.99})
    with pytest.raises(RegistryError, match="the study's policy"):
        check_still_true(decision, evidence, stricter, digest, runs)


def test_the_command_refuses_a_decision_that_is_not_true_any_more(smoke_home: Path) -> None:
    done = promotion("register", *STUDY, "--set", "policy.confidence=0.7", home=smoke_home)
    assert done.returncode == 1
    assert "the study's policy changed since it was made" in done.stderr
    done = promotion("check", *STUDY, "--set", "policy.confidence=0.7", home=smoke_home)
    assert done.returncode == 1
    assert "has no decision on its current data, runs and policy" in done.stderr


def test_an_artifact_that_changed_since_evaluation_is_not_registered(
    client: MlflowClient,
) -> None:
    decision, evidence = decided(client)
    other = evidence.run(decision.candidate.run_name).model_copy(
        update={"weights_sha256": "0" * 64}
    )
    runs = [other if run.run_name == other.run_name else run for run in evidence.runs]
    with pytest.raises(ChecksumError):
        registration.register(client, decision, evidence.model_copy(update={"runs": runs}))


def test_a_model_unlike_its_checkpoint_is_not_staged(client: MlflowClient) -> None:
    decision, evidence = decided(client)
    decision = decision.model_copy(update={"model_version": "1"})
    poor = Parity(
        images=8,
        boxes=50,
        share=0.8,
        median_iou=0.9,
        largest_confidence_gap=0.4,
        checkpoint_map=0.3,
        registered_map=0.25,
    )
    with pytest.raises(RegistryError, match="does not see what its checkpoint sees"):
        registration.stage(client, decision, evidence, poor)


WITHOUT_TORCH = """
import sys
class Absent:
    def find_spec(self, name, *_):
        if name in ("torch", "torchvision", "ultralytics"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
"""


class Server:
    """`promotion serve` where importing PyTorch or Ultralytics fails."""

    def __init__(self, home: Path, place: Path) -> None:
        (place / "sitecustomize.py").write_text(WITHOUT_TORCH)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.uri = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "promotion", "serve", "--port", str(port)]
        with (place / "log").open("w") as log:
            self.process = subprocess.Popen(
                [*command, "--home", str(home)],
                cwd=ROOT,
                env={**clean_environment(), "PYTHONPATH": str(place)},
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
def served(smoke_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(smoke_home, tmp_path_factory.mktemp("serve"))
    yield server
    kill(server.process)


@pytest.fixture
def photograph(smoke_home: Path) -> Path:
    return sorted((smoke_home / "datasets").glob("*/images/val/*.jpg"))[0]


def test_the_served_model_gives_the_boxes_that_were_evaluated(
    served: Server, photograph: Path, client: MlflowClient
) -> None:
    status, answer = served.show(photograph.read_bytes())
    assert status == 200
    decision, _ = decided(client)
    onnx = tracking.artifact(client, decision.candidate.run_id, Artifact.MODEL)
    threshold = decision.candidate.metrics["threshold"]
    direct = Detector(onnx).detect(read_image(photograph), threshold)
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
    whole = photograph.read_bytes()
    huge = cv2.imencode(".png", np.zeros((8000, 8000, 3), np.uint8))[1].tobytes()
    for answer, cause in (
        (served.show(b"no image at all"), "not an image"),
        (served.show(b""), "not an image"),
        (served.show(whole[: len(whole) // 2]), "not a whole image"),
        (served.show(huge), "8000 × 8000 pixels"),
        (served.show(whole, column="picture"), "missing inputs"),
        (served.show(whole, params={"threshold": 7}), "out of range"),
        (served.ask({"dataframe_split": {"columns": ["image"], "data": [[3]]}}), "image"),
        (served.ask({"wrong": 1}), "dataframe_split"),
    ):
        assert 400 <= answer[0] < 500, answer
        assert cause in json.dumps(answer[1], ensure_ascii=False), answer
    assert served.show(whole)[0] == 200


def test_what_does_not_verify_is_not_served(
    smoke_home: Path, client: MlflowClient, tmp_path: Path
) -> None:
    place = Path(mlflow.artifacts.download_artifacts(f"models:/{REGISTERED_MODEL}/1"))
    onnx = next(place.rglob("*.onnx"))
    good, stored = onnx.read_bytes(), sorted((smoke_home / "artifacts").rglob(onnx.name))
    same = [path for path in stored if sha256_of(path) == sha256_of(onnx)]
    try:
        for path in same:
            path.write_bytes(good + b"\0")
        done = promotion("serve", home=smoke_home)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert "SHA-256" in done.stderr
    finally:
        for path in same:
            path.write_bytes(good)


def seen_before(home: Path, place: Path) -> tuple[str, str]:
    """The override that makes a study's own val pictures its canary."""
    source = next((home / "datasets").glob("*/images/val"))
    for kind in ("images", "labels"):
        shutil.copytree(source.parents[1] / kind / "val", place / kind / "canary")
    return "--set", f"canary.dataset={{source: folder, path: {place}}}"


def test_a_better_one_replaces_a_worse_one_is_stopped_and_previous_comes_back(
    smoke_home: Path, client: MlflowClient, tmp_path: Path
) -> None:
    asking = (*BETTER, "--set", "policy.approval=true")
    better = carry_out(smoke_home, *asking)
    assert better.canary is not None
    assert better.canary.champion == f"{REGISTERED_MODEL} v1"
    assert (better.verdict, better.canary.verdict, better.place) == ("promote", "go", "staging")
    assert "en attente d’approbation" in (smoke_home / "decision.md").read_text(encoding="utf-8")
    first, second = "1", better.model_version
    assert promotion("approve", "--why", "vu", home=smoke_home).returncode == 0
    assert registry.aliases(client) == {PRODUCTION: second, PREVIOUS: first}
    done = promotion("canary", *STUDY, *asking, home=smoke_home)
    assert "in Production" in done.stdout
    assert published(smoke_home).place == "production"
    assert promotion("approve", home=smoke_home).returncode == 1

    carry_out(smoke_home, *WEAKER, commands=("run", "decide", "register"))
    staged = registry.aliases(client)
    seen = seen_before(smoke_home, tmp_path)
    done = promotion("canary", *STUDY, *WEAKER, *seen, home=smoke_home)
    assert done.returncode == 1
    assert "was seen before" in done.stderr
    assert registry.aliases(client) == staged

    worse = carry_out(smoke_home, *WEAKER, commands=("canary",))
    assert worse.canary is not None
    assert (worse.verdict, worse.canary.verdict, worse.place) == ("promote", "stop", "none")
    assert worse.canary.last.images < worse.canary.images_available
    assert registry.aliases(client) == {PRODUCTION: second, PREVIOUS: first}
    assert registry.history(client)[0].action == "withdraw"

    done = promotion("rollback", "--why", "plaintes", home=smoke_home)
    assert done.returncode == 0, done.stderr
    assert registry.aliases(client) == {PRODUCTION: first}
    again = promotion("rollback", home=smoke_home)
    assert again.returncode == 1
    assert "nothing to go back to" in again.stderr
    shown = promotion("status", home=smoke_home).stdout
    assert "production: version 1" in shown
    assert "plaintes" in shown
    for event in registry.history(client):
        assert event.action in shown

    history = registry.history(client)
    assert carry_out(smoke_home, *asking).place == "left"
    assert registry.history(client) == history
