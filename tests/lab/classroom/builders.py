"""A class as it works: its server, and students who train, write and hand in through MLflow."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import yaml
from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient

from promotion.datasets import Manifest
from promotion.detection import Seen, see
from promotion.execution import StudyFile
from promotion.lab.classroom import Roster, hand_in, read_roster, signed_in, study_of
from promotion.lab.homework import (
    Work,
    costs_of_errors,
    latencies,
    latency_bounds,
    recall_difference,
)
from promotion.lab.review.records import Ran
from promotion.metrics import Array
from promotion.paths import ROOT
from promotion.registry import transitions
from promotion.store import Artifact, Role, Tag, log_fact, log_table
from promotion.study import Study, load_study
from tests.builders import (
    SMOKE,
    clean_environment,
    kill,
    put_in_production,
    random_split,
    registered_in,
)

SETTINGS = (
    "experiment=tp",
    "grid={epochs: [1], imgsz: [320, 416], lr0: [0.01], seed: [1, 2, 3], batch: [8]}",
    "baseline={imgsz: 320}",
)
OF_CLASS = ["--study", str(SMOKE), *(part for one in SETTINGS for part in ("--set", one))]
CANDIDATE, BASELINE = "yolov8n_e1_sz416_lr0.01_s1", "yolov8n_e1_sz320_lr0.01_s1"
SEEDS, THRESHOLD = (1, 2, 3), 0.3
FILE = StudyFile(load_study(SMOKE, SETTINGS), SMOKE, SETTINGS)


class ClassServer:
    """`promotion lab start` on loopback, as a teacher starts it."""

    def __init__(self, home: Path, students: int) -> None:
        self.home, self.students = home, students
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = str(free.getsockname()[1])

    def start(self) -> str:
        """Start it, and return what it said up to where its accounts are made."""
        command = [sys.executable, "-m", "promotion", "lab", "start", "--port", self.port]
        command += ["--students", str(self.students), *OF_CLASS, "--home", str(self.home)]
        environment = {**clean_environment(), "COLUMNS": "200", "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert self.process.stdout
        said = ""
        for line in self.process.stdout:
            said += line.decode()
            if " accounts: " in said:
                return said
        raise AssertionError(said)

    def stop(self) -> None:
        """Stop it and its workers at once."""
        kill(self.process)

    @property
    def roster(self) -> Roster:
        """Who has an account."""
        return read_roster(self.home / "class")


Case = Literal["honest", "copy", "two_seeds", "wrong_claims", "plain", "empty", "hostile"]
Logged = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Student:
    """A student at work: with the luck of their machine, and what they make of it."""

    name: str
    case: Case
    luck: int

    @property
    def works(self) -> bool:
        """Whether they train and hand in."""
        return self.case not in ("empty", "hostile")


def works(student: Student, home: Path, roster: Roster) -> Logged:
    """Train, write and hand in; return the metrics by run, as they were logged."""
    study = study_of(FILE, student.name)
    seeds = (1, 2) if student.case == "two_seeds" else SEEDS
    with signed_in(home, roster.address, student.name, roster.students[student.name]) as client:
        if student.case == "plain":
            return train_plainly(client, study, student.luck)
        logged = train(client, study, student.luck, seeds)
        folder = home / "desks" / student.name
        folder.mkdir(parents=True)
        write(client, study, folder, student.case)
        hand_in(client, study, folder / "answers.yaml")
    return logged


def train_plainly(client: MlflowClient, study: Study, luck: int) -> Logged:
    """The lab's metrics by MLflow alone, as a script of a student's own logs them: no times."""
    found = client.get_experiment_by_name(study.experiment)
    assert found
    rng = np.random.default_rng(luck)
    logged = {}
    for seed in SEEDS:
        name = f"yolov8n_e3_sz320_lr0.01_s{seed}"
        metrics = {key: float(rng.random()) for key in ("mAP50", "mAP50-95", "precision", "recall")}
        run_id = client.create_run(found.experiment_id, run_name=name).info.run_id
        client.log_batch(
            run_id,
            metrics=[Metric(key, value, 0, 0) for key, value in metrics.items()],
            params=[Param("seed", str(seed)), Param("imgsz", "320")],
        )
        client.set_terminated(run_id)
        logged[name] = metrics
    return logged


def train(client: MlflowClient, study: Study, luck: int, seeds: Sequence[int]) -> Logged:
    """Two configurations as the product leaves them, of scenes and detections by this luck."""
    found = client.get_experiment_by_name(study.experiment)
    assert found
    truth, boxes = random_split(luck, ties=False)
    digest = f"d{luck}"
    tags = {Tag.ROLE: Role.DATASET, Tag.DATASET_DIGEST: digest, Tag.COMPLETE: "true"}
    run_id = client.create_run(found.experiment_id, tags=tags).info.run_id
    manifest = Manifest(source="folder", files={}, images={"val": 12}, instances={"val": 30})
    log_table(client, run_id, Artifact.ground_truth("val"), truth)
    log_fact(client, run_id, Artifact.MANIFEST, manifest)
    client.set_terminated(run_id)
    names = [f"yolov8n_e1_sz{imgsz}_lr0.01_s{seed}" for imgsz in (320, 416) for seed in seeds]
    times = np.random.default_rng(luck).gamma(40, 1, (200, len(names)))
    run_id = client.create_run(found.experiment_id, tags={Tag.ROLE: Role.SELECTION}).info.run_id
    log_table(client, run_id, Artifact.LATENCIES, pd.DataFrame(times, columns=names))
    client.set_terminated(run_id)
    logged = {}
    for imgsz in (320, 416):
        for seed in seeds:
            kept = boxes.sample(frac=1.0 if imgsz == 416 else 0.55, random_state=10 * luck + seed)
            name = f"yolov8n_e1_sz{imgsz}_lr0.01_s{seed}"
            costs = {
                "latency_p95_ms": float(np.quantile(times[:, names.index(name)], 0.95)),
                "energy_wh": 0.8 + luck / 13 + seed / 17,
                "train_seconds": 60 + luck / 3 + seed / 19,
            }
            metrics = {**see(truth, kept, THRESHOLD).metrics(), **costs}
            settings = {"epochs": 1, "imgsz": imgsz, "lr0": 0.01, "seed": seed}
            run_id = log(client, found.experiment_id, name, settings, metrics, digest)
            log_table(client, run_id, Artifact.detections("val"), kept)
            client.set_terminated(run_id)
            logged[name] = metrics
    return logged


def log(
    client: MlflowClient,
    experiment: str,
    name: str,
    settings: Mapping[str, object],
    metrics: Mapping[str, float],
    dataset: str,
) -> str:
    """A training run, which is still open."""
    run = client.create_run(experiment, run_name=name)
    ours = {
        Tag.ROLE: Role.VARIANT,
        Tag.FINGERPRINT: run.info.run_id,
        Tag.DATASET_DIGEST: dataset,
        Tag.WEIGHTS_SHA256: run.info.run_id,
        Tag.MEASURED_SHA256: run.info.run_id,
        Tag.ENERGY_METHOD: "estimated",
        Tag.COMPLETE: "true",
    }
    client.log_batch(
        run.info.run_id,
        metrics=[Metric(key, value, 0, 0) for key, value in metrics.items()],
        params=[Param(key, str(value)) for key, value in settings.items()],
        tags=[RunTag(key, value) for key, value in ours.items()],
    )
    return str(run.info.run_id)


DECISION = """# Décision de {author}
## Objectifs et contraintes
- Objectif : rappel
## Candidat promu
- Run : `{candidate}`
- Mesures : rappel = {recall}
## Comparaison
- Alternative : `{baseline}` ; la différence de mAP, de précision et de rappel est dans le hasard.
## Risques et mitigations
- Peu d’images : en annoter davantage.
## Décision
- Promouvoir : non
"""


def write(client: MlflowClient, study: Study, folder: Path, case: Case) -> None:
    """The answers, as a student who works well reads them, and the decision, honest or not."""
    work = Work(study, client, {}, folder)
    assert work.records
    candidate, baseline = work.records.run(CANDIDATE), work.records.run(BASELINE)
    assert candidate
    assert baseline
    read = {name: round(value, 3) for name, value in candidate.metrics.items()}
    seen = [work.records.seen(one, "val") for one in (candidate, baseline)]
    assert seen[0]
    assert seen[1]
    found = recall_difference(seen[0], seen[1])
    assert found
    policy = study.policy
    limited = [one.metric for one in policy.objectives] + [one.measure for one in policy.gates]
    answers = {
        "run": {
            **{"name": CANDIDATE, "dataset": candidate.dataset, "model": "model.onnx"},
            **{name: read[name] for name in ("precision", "recall")},
        },
        "grid": {"best": _best(work.records.runs)},
        "error": {"distinct": 4, "persons": 2, "boxes_per_image": 300},
        "chance": {
            "candidate": CANDIDATE,
            "baseline": BASELINE,
            **dict(zip(("difference", "low", "high"), found, strict=True)),
        },
        "threshold": {"run": CANDIDATE, **_threshold(seen[0])},
        "cost": {
            **{"run": CANDIDATE, "energy_wh": read["energy_wh"], "energy": "estimée"},
            **_latency(next(latencies(client, study.experiment, candidate))),
        },
        "policy": {"reasons": dict.fromkeys(limited, "une personne manquée coûte")},
        "decide": {"document": "decision.md"},
        "registry": {"production": 1, "events": 5},
    }
    (folder / "answers.yaml").write_text(yaml.safe_dump(answers), encoding="utf-8")
    text = DECISION.format(
        author="nous" if case == "copy" else folder.name,
        candidate=CANDIDATE,
        baseline=BASELINE,
        recall=read["recall"],
    )
    if case == "wrong_claims":
        text = re.sub("rappel = .*", f"rappel = {read['recall'] / 2:.3f}, latence faible", text)
    (folder / "decision.md").write_text(text, encoding="utf-8")


def _best(runs: Sequence[Ran]) -> str:
    """The configuration with the best mAP50 over all its seeds."""
    totals = {
        size: sum(one.metrics["mAP50"] for one in runs if f"sz{size}" in one.name)
        for size in (320, 416)
    }
    return f"yolov8n_e1_sz{max(totals, key=lambda size: totals[size])}_lr0.01"


def _threshold(seen: Seen) -> dict[str, float]:
    """The cheapest place, where a missed person costs as much as five false alarms."""
    matches = seen.matches
    shown = max(1, int(np.argmin(costs_of_errors(matches, 5, 1))))
    found = int(matches.found[0][:shown].sum())
    return {
        "missed": 5,
        "alarm": 1,
        "threshold": float(matches.confidence[shown - 1]),
        "precision": found / shown,
        "recall": found / int(matches.persons.sum()),
    }


def _latency(times: Array) -> dict[str, float | None]:
    bounds = latency_bounds(times)
    return {"latency_p95_ms": bounds.value, "low": bounds.low, "high": bounds.high}


def goes_through_the_registry(student: str, home: Path, roster: Roster) -> None:
    """Two versions reach Production, the second one is taken back: five events."""
    study = study_of(FILE, student)
    with signed_in(home, roster.address, student, roster.students[student]) as client:
        model = registered_in(client, study.model.registered_name)
        put_in_production(model)
        put_in_production(model)
        transitions.roll_back(model, "complaints")
