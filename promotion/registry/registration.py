"""Registers the promoted run's model: the artifact that was evaluated, and what led to it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import mlflow
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.tracking import MlflowClient
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec

from promotion.checksums import verify
from promotion.code import PACKAGE, closure
from promotion.comparison import (
    Evidence,
    MetricComparison,
    RunFacts,
    load_campaign,
    load_ground_truth,
    load_images,
)
from promotion.datasets import prepare
from promotion.decision import Decision
from promotion.errors import RegistryError
from promotion.facts import Fact, Note
from promotion.registry import serving, transitions
from promotion.registry.contender import files_digest, open_version
from promotion.registry.model import RegisteredModel, registered_model
from promotion.registry.parity import Parity, measure_parity
from promotion.registry.transitions import versions
from promotion.store import (
    Artifact,
    Role,
    Session,
    Tag,
    VersionTag,
    artifact,
    given_or_latest,
    list_model,
    listed_model,
    load_fact,
    log_fact,
)

# The column of a server's database; SQLite alone would take more.
MOST_DESCRIPTION = 5000
# A server draws no windows: OpenCV without them needs no system library.
SERVING_LIBRARIES = {
    "mlflow": "mlflow",
    "numpy": "numpy",
    "onnxruntime": "onnxruntime",
    "opencv-python-headless": "opencv-python",
    "pandas": "pandas",
    "pillow": "pillow",
}


def check_still_true(
    session: Session, decision: Decision, evidence: Evidence, dataset: str, runs: Sequence[str]
) -> None:
    """Make sure that nothing which the decision rests on has changed since.

    `dataset` is the digest of the study's dataset and `runs` are the ids of its trained runs now;
    where they are not given, they are looked up.

    Raises:
        RegistryError: the data, the runs or the policy are others; the artifact's checksum is
            verified when it is read.
    """
    study = session.study
    dataset = dataset or prepare(study.dataset, session.home).manifest.digest
    runs = runs or [run.run_id for run in load_campaign(session, []).runs]
    changed = ""
    if dataset != evidence.dataset_digest:
        changed = f"the dataset ({evidence.dataset_digest[:12]} is now {dataset[:12]})"
    elif set(runs) != {run.run_id for run in evidence.runs}:
        changed = "the set of trained runs"
    elif study.policy != decision.policy:
        changed = "the study's policy"
    if changed:
        raise RegistryError(
            f"the decision is not true any more: {changed} changed since it was made; "
            "run `python -m promotion decide` again"
        )


class Registration(Fact):
    """What registration did with a decision: the version's number and its parity, or None."""

    decision_run: str
    version: str | None
    parity: Parity | None


def register(model: RegisteredModel, decision: Decision, evidence: Evidence) -> str | None:
    """On *promote*, make the candidate a registered version, without an alias as yet.

    Returns the version's number. A candidate that is registered already keeps its version; on
    another verdict nothing is done. One that a killed process left half-made counts for nothing.

    Raises:
        ChecksumError: the artifact is not the one that was evaluated.
        MissingRunsError: the run has lost its artifact.
    """
    if decision.verdict != "promote":
        return None
    client, run = model.client, evidence.run(decision.candidate.run_name)
    onnx = verify(artifact(client, run.run_id, Artifact.MODEL), run.weights_sha256)
    known = {
        found.run_id: str(found.version)
        for found in versions(model)
        if VersionTag.FILES_SHA256 in found.tags
    }
    number = known.get(run.run_id) or _register(model, run, onnx, evidence.dataset_digest)
    tags = {
        VersionTag.RUN_NAME: run.run_name,
        VersionTag.FINGERPRINT: _fingerprint(client, run),
        VersionTag.VERDICT: decision.verdict,
        VersionTag.THRESHOLD: repr(run.metrics["threshold"]),
        VersionTag.WEIGHTS_SHA256: run.weights_sha256,
        VersionTag.DATASET_DIGEST: evidence.dataset_digest,
        VersionTag.STUDY: decision.study,
        **{VersionTag.difference(one.metric): _in_short(one) for one in decision.comparison},
    }
    for key, value in tags.items():
        client.set_model_version_tag(model.name, number, key, value)
    return number


def _in_short(found: MetricComparison) -> str:
    """Candidate, baseline, their difference and its interval, on test."""
    low, high = found.interval
    sides = f"{found.candidate:.4f} - {found.baseline:.4f}"
    return f"{sides} = {found.difference:+.4f} [{low:+.4f}, {high:+.4f}]"


def compare_with_checkpoint(
    session: Session, decision: Decision, evidence: Evidence, number: str | None
) -> Parity | None:
    """The registered version against its checkpoint on val; None if nothing is registered."""
    if number is None:
        return None
    client = session.client
    run = evidence.run(decision.candidate.run_name)
    checkpoint = verify(
        artifact(client, run.run_id, Artifact.CHECKPOINT),
        client.get_run(run.run_id).data.tags[Tag.CHECKPOINT_SHA256],
    )
    campaign = load_campaign(session, [run.run_id])
    contender = open_version(registered_model(session), number)
    return measure_parity(
        contender.model,
        checkpoint,
        int(run.params["imgsz"]),
        load_images(session, campaign, "val"),
        load_ground_truth(session, campaign, "val"),
        contender.threshold,
    )


def stage(
    model: RegisteredModel,
    decision: Decision,
    decision_run: str,
    number: str | None,
    parity: Parity | None,
) -> Registration:
    """Give the registered version the alias `staging`, if it sees what its checkpoint sees.

    Without a version nothing is done.

    Raises:
        RegistryError: the version sees something else.
    """
    if number is None or parity is None:
        return Registration(decision_run=decision_run, version=None, parity=None)
    if not parity.passed:
        raise RegistryError(
            f"version {number} is not staged: it does not see what its checkpoint sees "
            f"({parity.share:.1%} of the boxes agree, mAP50 differs by {parity.map_gap:.3f}); "
            "the export is at fault, train the run again"
        )
    run = decision.candidate.run_name
    because = Note(id="decided", facts={"run": run})
    transitions.stage(model, number, f"decided to promote {run}", because)
    return Registration(decision_run=decision_run, version=number, parity=parity)


def record_registration(session: Session, registration: Registration) -> None:
    """Log what registration did, for the canary and the report to read."""
    log_fact(session.client, session.run_id, Artifact.REGISTRATION, registration)


def load_registration(session: Session, run_id: str) -> Registration:
    """Read what registration did; an empty id takes the study's newest."""
    run_id = given_or_latest(session, run_id, Role.REGISTRATION)
    return load_fact(session.client, run_id, Artifact.REGISTRATION, Registration)


def describe(model: RegisteredModel, number: str | None, document: str, rest: str) -> None:
    """Make the decision document the description of the version it led to, if any.

    Of a long one the beginning is kept, and `rest` says where the whole is.
    """
    if number is None:
        return
    shown = document
    if len(document) > MOST_DESCRIPTION:
        shown = document[: MOST_DESCRIPTION - len(rest)] + rest
    model.client.update_model_version(model.name, number, shown)


def _fingerprint(client: MlflowClient, run: RunFacts) -> str:
    return str(client.get_run(run.run_id).data.tags[Tag.FINGERPRINT])


def _register(model: RegisteredModel, run: RunFacts, onnx: Path, dataset_digest: str) -> str:
    """Make the model that the run listed a version, and return its number.

    What serves it is added to it once, and is the same under every registered name.
    """
    client, trained = model.client, model.client.get_run(run.run_id)
    # A run of before models were listed has none.
    listed = listed_model(client, trained) or list_model(client, trained)
    digest = listed.tags.get(VersionTag.FILES_SHA256)
    if digest is None:
        digest = _make_servable(client, listed.model_id, run, onnx, dataset_digest)
        client.set_logged_model_tags(listed.model_id, {VersionTag.FILES_SHA256: digest})
    made = mlflow.register_model(f"models:/{listed.model_id}", model.name)
    number = str(made.version)
    client.set_model_version_tag(model.name, number, VersionTag.FILES_SHA256, digest)
    return number


def _make_servable(
    client: MlflowClient, model_id: str, run: RunFacts, onnx: Path, dataset_digest: str
) -> str:
    """Give a listed model the files that serve it, and return their digest."""
    facts = {
        "classes": ["person"],
        "imgsz": int(run.params["imgsz"]),
        "run_name": run.run_name,
        "fingerprint": _fingerprint(client, run),
        "dataset_digest": dataset_digest,
    }
    with TemporaryDirectory() as scratch:
        mlflow.pyfunc.log_model(
            model_id=model_id,
            python_model=str(Path(serving.__file__)),
            artifacts={serving.MODEL_ARTIFACT: str(onnx)},
            code_paths=[str(_serving_code(Path(scratch)))],
            model_config={serving.CHECKSUM: run.weights_sha256},
            metadata=facts,
            signature=_signature(run.metrics["threshold"]),
            input_example=_input_example(),
            pip_requirements=[
                f"{name}=={version(installed)}" for name, installed in SERVING_LIBRARIES.items()
            ],
        )
    files = Path(mlflow.artifacts.download_artifacts(f"models:/{model_id}"))
    return files_digest(files)


def _serving_code(folder: Path) -> Path:
    """The package with no more than the modules that a server needs."""
    staged = folder / PACKAGE.name
    for file in closure(f"import {serving.__name__}"):
        copy = staged / file.relative_to(PACKAGE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)
    for place in (staged, *(path for path in staged.rglob("*") if path.is_dir())):
        (place / "__init__.py").touch()
    return staged


def _signature(threshold: float) -> ModelSignature:
    pictures: list[ColSpec | TensorSpec] = [ColSpec(DataType.binary, serving.IMAGE_COLUMN)]
    boxes: list[ColSpec | TensorSpec] = [ColSpec(DataType.long, "image")]
    boxes += [ColSpec(DataType.double, name) for name in serving.OUTPUT_COLUMNS[1:]]
    return ModelSignature(
        inputs=Schema(pictures),
        outputs=Schema(boxes),
        params=ParamSchema([ParamSpec("threshold", DataType.double, threshold)]),
    )


def _input_example() -> pd.DataFrame:
    """A small grey picture: enough to show the format."""
    _, png = cv2.imencode(".png", np.full((32, 32, 3), 128, np.uint8))
    return pd.DataFrame({serving.IMAGE_COLUMN: [png.tobytes()]})
