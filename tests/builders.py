"""What several tests build: tables, matches, evidence, a tracking server, a command's run."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest
from click.testing import Result
from mlflow.tracking import MlflowClient
from scipy.stats import norm
from typer.testing import CliRunner

from promotion import display
from promotion.canary import CRITERIA, CanaryResult, CanaryVerdict
from promotion.cli import app
from promotion.comparison import (
    ConfidenceDistribution,
    Evidence,
    MeasureBounds,
    MetricComparison,
    Opening,
    RunFacts,
    SplitFacts,
    ledger_of,
    summarise,
)
from promotion.datasets import PreparedDataset, prepare
from promotion.execution import StudyFile
from promotion.flow import Flow, Standing
from promotion.metrics import Matches
from promotion.paths import ROOT
from promotion.registry import RegisteredModel, transitions
from promotion.report.publication import Publication
from promotion.store import VersionTag, connect
from promotion.study import Dataset, Policy, load_study

# Children start clean and fast: MLflow is imported once, before they are forked.
processes = multiprocessing.get_context(
    "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
)
if hasattr(processes, "set_forkserver_preload"):
    processes.set_forkserver_preload(["promotion.registry", "tests.builders"])

SMOKE = ROOT / "studies" / "smoke.yaml"
# The smoke study on scenes that are drawn already, as in the fixture `scenes_home`.
SCENES = (
    *("--study", str(SMOKE)),
    *("--set", "dataset={source: street_scenes, train: 4, val: 4, test: 4, seed: 5}"),
)
STARTER = "weights/street_day_yolov8n.pt"


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


def invoke(*arguments: str, home: Path) -> Result:
    """Run a command in this process, without the seconds that a new Python takes to start."""
    display.console.width = 200
    return CliRunner().invoke(app, [*arguments, "--home", str(home)])


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
        # Its workers for jobs take longer to start than it does, and nothing here asks for one.
        environment = {**clean_environment(), "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (self.place / "log").open("a") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
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


def boxes(*rows: tuple[str, float, float, float, float]) -> pd.DataFrame:
    """Ground truth from (image, x0, y0, x1, y1) rows."""
    return pd.DataFrame(rows, columns=["image", "x0", "y0", "x1", "y1"])


def detections(*rows: tuple[str, float, float, float, float, float]) -> pd.DataFrame:
    """Detections from (image, x0, y0, x1, y1, confidence) rows."""
    return pd.DataFrame(rows, columns=["image", "x0", "y0", "x1", "y1", "confidence"])


def random_split(seed: int, ties: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Persons and detections on twelve images; with ties, confidences repeat."""
    rng = np.random.default_rng(seed)
    truth, found = [], []
    for image in (f"{i:02d}.jpg" for i in range(12)):
        count = rng.integers(0, 6)
        corner, size = rng.integers(0, 200, (count, 2)), rng.integers(8, 120, (count, 2))
        persons = np.hstack([corner, corner + size]).astype(float)
        if not count:
            truth.append((image, *[np.nan] * 4))
        truth += [(image, *person) for person in persons]
        noisy = persons[rng.random(count) < 0.8]
        noisy = noisy + rng.normal(0, 5, noisy.shape)
        noisy[:, 2:] = np.maximum(noisy[:, 2:], noisy[:, :2] + 1)
        corner, size = rng.uniform(0, 250, (rng.integers(0, 8), 2)), rng.uniform(10, 90, 2)
        false = np.hstack([corner, corner + size])
        for box in [*noisy, *false]:
            confidence = rng.random()
            found.append((image, *box, round(confidence, 1) if ties else confidence))
    return boxes(*truth), detections(*found)


def random_matches(seed: int, images: int = 30, skill: float = 0.6) -> Matches:
    """A detector on a random split: each person is found with probability `skill`."""
    rng = np.random.default_rng(seed)
    persons = rng.integers(0, 6, images)
    image, confidence, found = [], [], []
    for index, count in enumerate(persons):
        for _ in range(count):
            if rng.random() < skill:
                image.append(index)
                confidence.append(rng.beta(5, 2))
                found.append(True)
        for _ in range(rng.integers(0, 4)):
            image.append(index)
            confidence.append(rng.beta(2, 5))
            found.append(False)
    order = np.argsort(-np.array(confidence), kind="stable")
    hits = np.array(found, bool)[order]
    return Matches(
        tuple(f"{i:03d}" for i in range(images)),
        persons,
        np.array(image)[order],
        np.array(confidence)[order],
        np.tile(hits, (10, 1)),
        row=np.arange(len(order)),
        person=np.where(hits, np.cumsum(hits) - 1, -1),
    )


def kept(matches: Matches, luck: np.ndarray) -> Matches:
    """The same boxes on the same images, of which only these still find their person."""
    return replace(matches, found=matches.found & luck, person=np.where(luck, matches.person, -1))


def everyone(matches: Matches) -> np.ndarray:
    """Weights that count each image once."""
    return np.ones((1, len(matches.images)))


@dataclass(frozen=True)
class Looked:
    """A run as the statistics see it, without the tables that its matches came from."""

    matches: Matches
    threshold: float
    groups: np.ndarray | None = None


POLICY = Policy.model_validate(
    {
        "objectives": [
            {"metric": "mAP50", "smallest_gain": 0.02},
            {"metric": "recall", "smallest_gain": 0.05},
        ],
        "gates": [{"measure": "latency_p95_ms", "at_most": 50}],
    }
)


def run(configuration: str, seed: int, map50: float, **changes: object) -> RunFacts:
    """A run of a configuration, with this mAP@50 on val."""
    costs = {"latency_p50_ms": 10.0, "latency_p95_ms": 20.0, "energy_wh": 0.5}
    imgsz = "384" if configuration == "big" else "256"
    params = {"epochs": "4", "imgsz": imgsz, "lr0": "0.01", "batch": "16", "optimizer": "SGD"}
    facts: dict[str, object] = {
        "run_name": f"{configuration}_s{seed}",
        "run_id": f"id-{configuration}-{seed}",
        "configuration": configuration,
        "params": {**params, "seed": str(seed), "applied_lr0": "0.01"},
        "metrics": {
            "mAP50": map50,
            "mAP50-95": map50 / 2,
            "precision": 0.8,
            "recall": 0.6,
            "threshold": 0.3,
            "train_seconds": 60.0,
            **costs,
        },
        "weights_sha256": f"sha-{configuration}-{seed}",
        "measured_sha256": f"sha-{configuration}-{seed}",
        "dataset_digest": "d" * 64,
        "training_code": "code",
        "parameters_sha256": f"sha-{configuration}-{seed}",
    }
    return RunFacts.model_validate({**facts, **changes})


def law_above(value: float, probability: float) -> ConfidenceDistribution:
    """What a true difference may be, if it exceeds this value with this probability."""
    scale = 0.01
    centre = value + scale * float(norm.ppf(probability))
    return ConfidenceDistribution(centre=centre, scale=scale, freedom=1e6, low=-1.0, high=1.0)


def compared(
    metric: str, gain: float, better: float, law: ConfidenceDistribution | None = None
) -> MetricComparison:
    """A metric that the candidate gains this much in, and better than nothing this surely."""
    return MetricComparison(
        metric=metric,
        candidate=0.5 + gain,
        baseline=0.5,
        difference=gain,
        law=law or law_above(0.0, better),
        interval=(gain - 0.02, gain + 0.02),
        candidate_interval=(0.45, 0.6),
        baseline_interval=(0.4, 0.55),
        candidate_seed_sd=0.01,
        baseline_seed_sd=0.01,
        image_error=0.008,
        seed_error=0.006,
        probability_better=better,
        collapsed=[],
    )


DIAGNOSIS = {
    "points": [],
    "ece": 0.1,
    "bins": [],
    "errors": [],
    "sizes": [],
    "boxes_per_image": 4.0,
    "most_boxes": 300,
}


def opening(question: str = "q", **changes: object) -> Opening:
    """One opening of a test."""
    facts: dict[str, object] = {
        "question": question,
        "sequence": question,
        "when": "2026-01-01T00:00:00Z",
        "who": "somebody@somewhere",
        "study": "default",
        "candidate": "big",
        "baseline": "small",
        "seeds": 3,
        "policy": "p",
    }
    return Opening.model_validate({**facts, **changes})


MEASURED = {
    "mAP50": MeasureBounds(value=0.55, low=0.5, high=0.6),
    "precision": MeasureBounds(value=0.8, low=0.75, high=0.85),
    "recall": MeasureBounds(value=0.6, low=0.55, high=0.65),
    "latency_p50_ms": MeasureBounds(value=10.0, low=9.0, high=11.0),
    "latency_p95_ms": MeasureBounds(value=20.0, low=18.0, high=25.0),
    "energy_wh": MeasureBounds(value=0.5, low=0.1, high=0.9),
    "seed_spread": MeasureBounds(value=0.01, low=0.006, high=0.044),
}


def evidence(worth: float = 0.99, not_lost: float = 0.99, **changes: object) -> Evidence:
    """A clean study; mAP@50 is gained with probability `worth`, recall kept with `not_lost`."""
    runs = [run("big", s, 0.5 + s / 100) for s in (1, 2, 3)]
    runs += [run("small", s, 0.4 + s / 100) for s in (1, 2, 3)]
    test = {"mAP50": 0.55, "mAP50-95": 0.3, "precision": 0.8, "recall": 0.6, "threshold": 0.3}
    facts: dict[str, object] = {
        "study": "default",
        "dataset_source": "street_scenes",
        "dataset_digest": "d" * 64,
        "dataset_findings": [],
        "splits": {s: SplitFacts(images=100, persons=600) for s in ("train", "val", "test")},
        "runs": runs,
        "configurations": summarise(runs),
        "failed": [],
        "candidate_configuration": "big",
        "baseline_configuration": "small",
        "candidate_run": "big_s3",
        "baseline_run": "small_s3",
        "test_metrics": {one.run_name: test for one in runs},
        "measured": MEASURED,
        "baseline_measured": MEASURED,
        "comparison": [
            compared("mAP50", 0.05, worth, law_above(0.02, worth)),
            compared("mAP50-95", 0.03, 0.9),
            compared("precision", 0.0, 0.5),
            compared("recall", 0.01, 0.6, law_above(-0.05, not_lost)),
        ],
        "slices": [],
        "ledger": ledger_of([opening()], POLICY),
        "untrained": {
            "name": "yolov8n_e0_sz256",
            "person_class": "person",
            "val_metrics": test,
            "test_metrics": test,
            "comparison": [compared("mAP50", 0.1, 0.9999)],
        },
        "incumbent": None,
        "optimism": 0.004,
        "diagnoses": {one.run_name: DIAGNOSIS for one in runs},
        "labels": {"suspects": [], "comparison": []},
        "confidence": 0.95,
        "replicates": 2000,
        "energy_method": "estimated",
        "hardware": "a processor × 2, 24 GiB",
        "code_version": "abc",
    }
    return Evidence.model_validate({**facts, **changes})


def prepare_folder(folder: Path) -> PreparedDataset:
    """A user's own folder, checked and ready for training."""
    return prepare(Dataset(source="folder", path=folder), folder.parent / "home")


def first(folder: Path, part: str, split: str) -> Path:
    """The first image, or label file, of a split."""
    return sorted((folder / part / split).glob("*.*"))[0]


# Beyond any policy that is tried.
SURE = 1 - 1e-9


def spread(mean: float, sd: float) -> Evidence:
    """A difference of mAP@50 known to ± sd; the other metrics are beyond doubt."""
    law = ConfidenceDistribution(centre=mean, scale=sd, freedom=1e6, low=-1.0, high=1.0)
    others = evidence(not_lost=SURE).comparison[1:]
    known = compared("mAP50", mean, law.probability_above(0.0), law)
    return evidence(comparison=[known, *others])


def connect_to(home: Path, experiment: str | None = None) -> MlflowClient:
    """The store of this home, whichever the process was connected to before."""
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    return connect(home, experiment)


# What a study that names no other calls its registered model.
REGISTERED_MODEL = "person-detector"


def registered_in(client: MlflowClient, name: str = REGISTERED_MODEL) -> RegisteredModel:
    """The registered model of this name in a store."""
    return RegisteredModel(client, name)


def registry_of(home: Path) -> RegisteredModel:
    """The registered model in the store of this home."""
    return registered_in(connect_to(home))


def add_version(model: RegisteredModel, run_id: str | None = None) -> str:
    """A version without a model: the registry's transitions never open one."""
    client, name = model.client, model.name
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    return str(client.create_model_version(name, "s3://models/none", run_id).version)


def put_in_production(model: RegisteredModel, run_id: str | None = None) -> str:
    """One more version, staged and promoted as after a canary that said go."""
    number = add_version(model, run_id)
    transitions.stage(model, number, "staged")
    model.client.set_model_version_tag(model.name, number, VersionTag.CANARY, "go")
    transitions.promote(model, number, "stable")
    return number


REGISTRY_CHANGES = (
    "create_registered_model",
    "delete_registered_model",
    "set_registered_model_tag",
    "set_registered_model_alias",
    "delete_registered_model_alias",
    "transition_model_version_stage",
    "set_model_version_tag",
)


def before_change(client: MlflowClient, at: int, then: Callable[[], None]) -> None:
    """Call `then` before the change of the registry of this number, counted from 1."""
    seen = 0

    def watched(change: Any) -> Any:
        def call(*positional: Any, **named: Any) -> Any:
            nonlocal seen
            seen += 1
            if seen == at:
                then()
            return change(*positional, **named)

        return call

    for name in REGISTRY_CHANGES:
        setattr(client, name, watched(getattr(client, name)))


@dataclass(frozen=True)
class CountedReport:
    """A report that ran in this process, with the calls by function and first argument."""

    home: Path
    calls: Counter[tuple[str, str]]
    publication: Publication
    standing: Standing


def count_calls(
    patch: pytest.MonkeyPatch, function: Callable[..., Any], calls: Counter[tuple[str, str]]
) -> None:
    """Count the calls of a function in this process, wherever it was imported; it still works."""

    def watched(first: Any, *rest: Any, **named: Any) -> Any:
        calls[(function.__name__, str(first))] += 1
        return function(first, *rest, **named)

    for name, module in list(sys.modules.items()):
        if name.startswith("promotion.") and getattr(module, function.__name__, None) is function:
            patch.setattr(module, function.__name__, watched)


def report_and_count(home: Path, functions: Sequence[Callable[..., Any]]) -> CountedReport:
    """Run the smoke study's whole flow in this process, and count these functions' calls."""
    calls: Counter[tuple[str, str]] = Counter()
    with pytest.MonkeyPatch.context() as patch:
        for function in functions:
            count_calls(patch, function, calls)
        flow = Flow(StudyFile(load_study(SMOKE), SMOKE), home)
        flow.run(2, "loky")
        flow.decide()
        flow.register()
        publication = flow.canary()
        flow.book()
        return CountedReport(home, calls, publication, flow.standing)


STUDY = load_study(ROOT / "studies" / "default.yaml").model_copy(update={"policy": POLICY})
STATES = {"go": "held", "stop": "broken", "continue": "open"}


def canary(verdict: CanaryVerdict, **changes: object) -> CanaryResult:
    """A canary that ended so after one look, by its first criterion alone."""
    criteria = [
        {
            "name": name,
            "value": 0.02,
            "bounds": (-0.1, 0.1),
            "limit": -0.1,
            "evidence_for": 1.0,
            "evidence_against": 0.0,
            "state": "held" if number else STATES[verdict],
            "units": 30,
        }
        for number, name in enumerate(CRITERIA)
    ]
    side = {"recall": 0.7, "precision": 0.8, "latency_p50_ms": 10.0, "latency_p95_ms": 20.0}
    facts: dict[str, object] = {
        "verdict": verdict,
        "version": "3",
        "challenger": "person-detector v3",
        "champion": "person-detector v2",
        "champion_version": "2",
        "dataset_source": "street_scenes",
        "dataset_digest": "c" * 64,
        "dataset_findings": [],
        "images_available": 120,
        "looks": [{"images": 30, "persons": 90, "criteria": criteria, "verdict": verdict}],
        "images_needed": 200 if verdict == "continue" else None,
        "metrics": {"challenger": side, "champion": side},
        "rules": STUDY.canary,
        "confidence": 0.95,
        "hardware": "a processor × 2, 24 GiB",
    }
    return CanaryResult.model_validate({**facts, **changes})


def own_folder(source: Path, place: Path) -> Path:
    """A user's own copy of a YOLO-format folder: its pictures and labels alone."""
    for part in ("images", "labels"):
        shutil.copytree(source / part, place / part)
    return place
