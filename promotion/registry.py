"""The Model Registry: registers the promoted run, once, under the alias `staging`."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import cv2
import mlflow
import numpy as np
import pandas as pd
from mlflow.entities.model_registry import ModelVersion
from mlflow.models import ModelSignature
from mlflow.tracking import MlflowClient
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec

from promotion import serving, tracking
from promotion.checksums import verify
from promotion.decision import Decision
from promotion.evidence import Evidence
from promotion.texts import text
from promotion.tracking import REGISTERED_MODEL, Artifact, Tag

# The column of a server's database; SQLite alone would take more.
MOST_DESCRIPTION = 5000
STAGING = "staging"
STAGING_STAGE = "Staging"
PACKAGE = Path(__file__).parent
SERVING_LIBRARIES = ("mlflow", "onnxruntime", "numpy", "opencv-python", "pandas")


def register(client: MlflowClient, decision: Decision, evidence: Evidence) -> str | None:
    """Register the candidate with alias `staging` if the verdict is *promote*, else do nothing.

    Returns the version's number. A candidate that is registered already keeps its version.

    Raises:
        ChecksumError: the artifact is not the one that was evaluated.
        MissingRunsError: the run has lost its artifact.
    """
    if decision.verdict != "promote":
        return None
    run = evidence.run(decision.candidate.run_name)
    onnx = verify(tracking.artifact(client, run.run_id, Artifact.MODEL), run.weights_sha256)
    found = _version_of(client, run.run_id)
    if found is None:
        number = _log_model(client, run.run_id, onnx, run.metrics["threshold"])
    else:
        number = str(found.version)
    tags = {
        "run_name": run.run_name,
        "fingerprint": client.get_run(run.run_id).data.tags[Tag.FINGERPRINT],
        "verdict": decision.verdict,
        "threshold": repr(run.metrics["threshold"]),
        "weights_sha256": run.weights_sha256,
        "dataset_digest": evidence.dataset_digest,
        "study": decision.study,
    }
    for key, value in tags.items():
        client.set_model_version_tag(REGISTERED_MODEL, number, key, value)
    client.set_registered_model_alias(REGISTERED_MODEL, STAGING, number)
    _mirror_stage(client, number)
    return number


def describe(client: MlflowClient, decision: Decision, document: str) -> None:
    """Make the decision document the description of the version it led to, if any."""
    if decision.model_version:
        shown = document
        if len(document) > MOST_DESCRIPTION:
            rest = text("registered.more").format(run=decision.candidate.run_name)
            shown = document[: MOST_DESCRIPTION - len(rest)] + rest
        client.update_model_version(REGISTERED_MODEL, decision.model_version, shown)


def _version_of(client: MlflowClient, run_id: str) -> ModelVersion | None:
    versions = client.search_model_versions(f"name = '{REGISTERED_MODEL}'")
    return next((found for found in versions if found.run_id == run_id), None)


def _log_model(client: MlflowClient, run_id: str, onnx: Path, threshold: float) -> str:
    """Log the model to the run that trained it, register it, and return the version's number."""
    ended = client.get_run(run_id).info.end_time
    with mlflow.start_run(run_id=run_id, nested=True):
        info = mlflow.pyfunc.log_model(
            name=REGISTERED_MODEL,
            python_model=str(PACKAGE / "serving.py"),
            artifacts={serving.MODEL_ARTIFACT: str(onnx)},
            code_paths=[str(PACKAGE)],
            signature=_signature(threshold),
            input_example=_input_example(),
            pip_requirements=[f"{name}=={version(name)}" for name in SERVING_LIBRARIES],
            registered_model_name=REGISTERED_MODEL,
        )
    # Opening the run again moved its end; its duration is a measurement.
    client.set_terminated(run_id, "FINISHED", ended)
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


def _mirror_stage(client: MlflowClient, number: str) -> None:
    """Set the deprecated stage beside the alias, while MLflow still has stages."""
    if hasattr(client, "transition_model_version_stage"):
        client.transition_model_version_stage(REGISTERED_MODEL, number, STAGING_STAGE)


def versions(client: MlflowClient) -> list[ModelVersion]:
    """All versions of the registered model, newest first."""
    found = client.search_model_versions(f"name = '{REGISTERED_MODEL}'")
    return sorted(found, key=lambda one: int(one.version), reverse=True)


def aliases(client: MlflowClient) -> dict[str, str]:
    """The version's number of each alias; none if nothing was ever registered."""
    models = client.search_registered_models(f"name = '{REGISTERED_MODEL}'")
    return {alias: str(number) for model in models for alias, number in model.aliases.items()}
