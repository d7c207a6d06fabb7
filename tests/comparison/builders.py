"""A study's runs in a real store, none of them trained; detectors that were only simulated."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from promotion.checksums import sha256_of
from promotion.comparison import MetricComparison
from promotion.datasets import (
    PreparedDataset,
    ground_truth,
    images_of,
    record_dataset,
    split_anew,
)
from promotion.detection import Detector, evaluate
from promotion.metrics import Matches
from promotion.store import (
    Artifact,
    Role,
    Session,
    Tag,
    log_parameters,
    log_table,
    log_values,
    open_session,
    set_tags,
    start_run,
)
from tests.builders import SMOKE, Looked

GRID = ["grid.imgsz=[96, 320]"]


def add_dataset(session: Session, streets: PreparedDataset) -> None:
    """A complete dataset run: the session's own."""
    record_dataset(session, streets)
    digest = streets.manifest.digest
    tags = {Tag.ROLE: Role.DATASET, Tag.DATASET_DIGEST: digest, Tag.COMPLETE: "true"}
    set_tags(session.client, session.run_id, tags)


def add_variant(session: Session, streets: PreparedDataset, onnx: Path, name: str) -> str:
    """A complete run of a variant whose model is the starting one, exported at its size."""
    client, study = session.client, session.study
    variant = next(one for one in study.variants if one.run_name == name)
    known = {
        Tag.STUDY: study.name,
        Tag.ROLE: Role.VARIANT,
        Tag.CONFIGURATION: variant.configuration,
    }
    run_id = start_run(client, study.experiment, name, known)
    model = session.scratch / "model.onnx"
    shutil.copy(onnx, model)
    client.log_artifact(run_id, str(model), Artifact.MODEL.rpartition("/")[0])
    own = split_anew(streets, variant.split_seed)
    images, truth = images_of(own.folder, "val"), ground_truth(own.folder, "val")
    seen = evaluate(Detector(onnx), images, truth, study.policy.operating_point)
    if variant.split_seed is not None:
        log_table(client, run_id, Artifact.ground_truth("val"), truth)
    log_table(client, run_id, Artifact.detections("val"), seen.detections)
    log_values(client, run_id, {**seen.metrics(), "energy_wh": 0.1, "train_seconds": 2.0})
    log_parameters(client, run_id, {**variant.parameters, "applied_lr0": variant.lr0})
    digest = sha256_of(onnx)
    made = {
        Tag.WEIGHTS_SHA256: digest,
        Tag.MEASURED_SHA256: digest,
        Tag.PARAMETERS_SHA256: f"parameters of {name}",
        Tag.DATASET_DIGEST: streets.manifest.digest,
        Tag.TRAINING_CODE: "code",
        Tag.ENERGY_METHOD: "estimated",
        Tag.COMPLETE: "true",
    }
    set_tags(client, run_id, made)
    client.set_terminated(run_id, "FINISHED")
    return run_id


def next_notebook(session: Session, role: str) -> Session:
    """The session of the next notebook."""
    return open_session(str(SMOKE), GRID, "", role)


def looked(
    seed: int = 0, images: int = 30, skill: float = 0.6, persons: np.ndarray | None = None
) -> Looked:
    """A detector on a split that is the same for every seed: it finds persons with its skill."""
    split, luck = np.random.default_rng(99), np.random.default_rng(seed)
    persons = split.integers(0, 6, images) if persons is None else persons
    true = np.repeat(np.arange(images), persons)
    found = np.flatnonzero(luck.random(len(true)) < skill)
    false = luck.integers(0, images, images)
    confidence = np.concatenate([luck.beta(5, 2, len(found)), luck.beta(2, 5, len(false))])
    person = np.concatenate([found, np.full(len(false), -1)])
    return shown_by(persons, np.concatenate([true[found], false]), confidence, person)


def shown_by(
    persons: np.ndarray, image: np.ndarray, confidence: np.ndarray, person: np.ndarray
) -> Looked:
    """A run that shows these boxes, each of which finds a person, or none (−1), at every IoU."""
    order = np.argsort(-confidence, kind="stable")
    names = tuple(f"{i:04d}" for i in range(len(persons)))
    hits = np.tile(person[order] >= 0, (10, 1))
    return Looked(
        Matches(names, persons, image[order], confidence[order], hits, order, person[order]), 0.4
    )


def blind(persons: np.ndarray) -> Looked:
    """A run that shows nothing."""
    none = np.zeros(0, int)
    return shown_by(persons, none, np.zeros(0), none)


def by_metric(found: Sequence[MetricComparison]) -> dict[str, MetricComparison]:
    """Comparisons by the names of their metrics."""
    return {one.metric: one for one in found}


def rng(seed: int = 0) -> np.random.Generator:
    """A generator that starts anew."""
    return np.random.default_rng(seed)
