"""Registers the promoted run's model: the artifact that was evaluated, and what led to it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import cv2
import mlflow
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.tracking import MlflowClient
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec

from promotion import registry, serving, tracking
from promotion.checksums import verify
from promotion.decision import Decision
from promotion.document import complete
from promotion.errors import RegistryError
from promotion.evidence import Evidence, MetricComparison, RunFacts
from promotion.parity import Parity
from promotion.study import Policy
from promotion.texts import text
from promotion.tracking import REGISTERED_MODEL, Artifact, Tag, VersionTag

# The column of a server's database; SQLite alone would take more.
MOST_DESCRIPTION = 5000
PACKAGE = Path(__file__).parent
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
    decision: Decision,
    evidence: Evidence,
    policy: Policy,
    dataset_digest: str,
    runs: Sequence[RunFacts],
) -> None:
    """Make sure that nothing which the decision rests on has changed since.

    Raises:
        RegistryError: the data, the runs or the policy are others; the artifact's checksum is
            verified when it is read.
    """
    changed = ""
    if dataset_digest != evidence.dataset_digest:
        changed = f"the dataset ({evidence.dataset_digest[:12]} is now {dataset_digest[:12]})"
    elif {run.run_id for run in runs} != {run.run_id for run in evidence.runs}:
        changed = "the set of trained runs"
    elif policy != decision.policy:
        changed = "the study's policy"
    if changed:
        raise RegistryError(
            f"the decision is not true any more: {changed} changed since it was made; "
            "run `promotion decide` again"
        )


def register(client: MlflowClient, decision: Decision, evidence: Evidence) -> Decision:
    """On *promote*, make the candidate a registered version, without an alias as yet.

    Returns the decision with the version's number. A candidate that is registered already keeps its
    version; on another verdict nothing is done.

    Raises:
        ChecksumError: the artifact is not the one that was evaluated.
        MissingRunsError: the run has lost its artifact.
    """
    if decision.verdict != "promote":
        return decision
    run = evidence.run(decision.candidate.run_name)
    onnx = verify(tracking.artifact(client, run.run_id, Artifact.MODEL), run.weights_sha256)
    known = {found.run_id: str(found.version) for found in registry.versions(client)}
    number = known.get(run.run_id) or _log_model(client, run, onnx, evidence.dataset_digest)
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
        client.set_model_version_tag(REGISTERED_MODEL, number, key, value)
    return decision.model_copy(update={"model_version": number})


def _in_short(found: MetricComparison) -> str:
    """Candidate, baseline, their difference and its interval, on test."""
    low, high = found.interval
    sides = f"{found.candidate:.4f} - {found.baseline:.4f}"
    return f"{sides} = {found.difference:+.4f} [{low:+.4f}, {high:+.4f}]"


def stage(
    client: MlflowClient, decision: Decision, evidence: Evidence, parity: Parity | None
) -> Decision:
    """Give the registered version the alias `staging`, if it sees what its checkpoint sees.

    Returns the decision with what came of it; without a version nothing is done.

    Raises:
        RegistryError: the version sees something else.
    """
    number = decision.model_version
    if number is None or parity is None:
        return decision
    if not parity.passed:
        raise RegistryError(
            f"version {number} is not staged: it does not see what its checkpoint sees "
            f"({parity.share:.1%} of the boxes agree, mAP50 differs by {parity.map_gap:.3f}); "
            "the export is at fault, train the run again"
        )
    registry.stage(client, number, text("event.stage").format(run=decision.candidate.run_name))
    carried_out = {"parity": parity, "place": registry.place_of(client, number)}
    return complete(decision.model_copy(update=carried_out), evidence)


def describe(client: MlflowClient, decision: Decision, document: str) -> None:
    """Make the decision document the description of the version it led to, if any."""
    if decision.model_version:
        shown = document
        if len(document) > MOST_DESCRIPTION:
            rest = text("registered.more").format(run=decision.candidate.run_name)
            shown = document[: MOST_DESCRIPTION - len(rest)] + rest
        client.update_model_version(REGISTERED_MODEL, decision.model_version, shown)


def _fingerprint(client: MlflowClient, run: RunFacts) -> str:
    return str(client.get_run(run.run_id).data.tags[Tag.FINGERPRINT])


def _log_model(client: MlflowClient, run: RunFacts, onnx: Path, dataset_digest: str) -> str:
    """Log the model to the run that trained it, register it, and return the version's number."""
    ended = client.get_run(run.run_id).info.end_time
    facts = {
        "classes": ["person"],
        "imgsz": int(run.params["imgsz"]),
        "run_name": run.run_name,
        "fingerprint": _fingerprint(client, run),
        "dataset_digest": dataset_digest,
    }
    with mlflow.start_run(run_id=run.run_id, nested=True):
        info = mlflow.pyfunc.log_model(
            name=REGISTERED_MODEL,
            python_model=str(PACKAGE / "serving.py"),
            artifacts={serving.MODEL_ARTIFACT: str(onnx)},
            code_paths=[str(PACKAGE)],
            model_config={serving.CHECKSUM: run.weights_sha256},
            metadata=facts,
            signature=_signature(run.metrics["threshold"]),
            input_example=_input_example(),
            pip_requirements=[
                f"{name}=={version(installed)}" for name, installed in SERVING_LIBRARIES.items()
            ],
            registered_model_name=REGISTERED_MODEL,
        )
    # Opening the run again moved its end; its duration is a measurement.
    client.set_terminated(run.run_id, "FINISHED", ended)
    return str(info.registered_model_version)


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
