"""What several tests build: tables, matches, evidence, a tracking server, a command's run."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from promotion.comparison import Evidence, MetricComparison, RunFacts, SplitFacts, summarise
from promotion.datasets import PreparedDataset, prepare
from promotion.metrics import Matches
from promotion.paths import ROOT
from promotion.study import Dataset, Policy

# Children start clean and fast: MLflow is imported once, before they are forked.
processes = multiprocessing.get_context(
    "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
)
if hasattr(processes, "set_forkserver_preload"):
    processes.set_forkserver_preload(["promotion.registry", "tests.builders"])

SMOKE = ROOT / "studies" / "smoke.yaml"
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


def compared(metric: str, gain: float, better: float) -> MetricComparison:
    """A metric that the candidate gains this much in."""
    return MetricComparison(
        metric=metric,
        candidate=0.5 + gain,
        baseline=0.5,
        difference=gain,
        interval=(gain - 0.02, gain + 0.02),
        candidate_interval=(0.45, 0.6),
        baseline_interval=(0.4, 0.55),
        candidate_seed_sd=0.01,
        baseline_seed_sd=0.01,
        image_error=0.008,
        seed_error=0.006,
        probability_better=better,
    )


def draws(probability: float) -> list[float]:
    """Plausible differences, this share of them beyond any policy and the rest short of it."""
    beyond = round(1000 * probability)
    return [1.0] * beyond + [-1.0] * (1000 - beyond)


DIAGNOSIS = {
    "points": [],
    "ece": 0.1,
    "bins": [],
    "errors": [],
    "sizes": [],
    "boxes_per_image": 4.0,
    "most_boxes": 300,
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
        "test_intervals": {"mAP50": (0.5, 0.6)},
        "comparison": [
            compared("mAP50", 0.05, worth),
            compared("mAP50-95", 0.03, 0.9),
            compared("precision", 0.0, 0.5),
            compared("recall", 0.01, 0.6),
        ],
        "draws": {
            "mAP50": draws(worth),
            "mAP50-95": draws(0.9),
            "precision": draws(0.5),
            "recall": draws(not_lost),
        },
        "untrained": {
            "name": "yolov8n_e0_sz256",
            "person_class": "person",
            "val_metrics": test,
            "test_metrics": test,
            "comparison": [compared("mAP50", 0.1, 0.99)],
        },
        "optimism": 0.004,
        "diagnoses": {one.run_name: DIAGNOSIS for one in runs},
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
