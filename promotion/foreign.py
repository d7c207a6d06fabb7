"""Reads any MLflow experiment for the audit, also one that this product did not make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from promotion import tracking
from promotion.errors import MissingRunsError
from promotion.evidence import Evidence
from promotion.experiment import AuditedRun, Experiment, experiment_of
from promotion.study import Study
from promotion.tracking import Artifact, Role, Tag

# The product's and the lab's names first, then those of Ultralytics' MLflow callback.
METRIC_NAMES = {
    "mAP50": ("mAP50", "metrics/mAP50B", "metrics/mAP50(B)", "map50", "val/mAP50"),
    "mAP50-95": ("mAP50-95", "metrics/mAP50-95B", "metrics/mAP50-95(B)", "map", "val/mAP50-95"),
    "precision": ("precision", "metrics/precisionB", "metrics/precision(B)", "val/precision"),
    "recall": ("recall", "metrics/recallB", "metrics/recall(B)", "val/recall"),
    "latency_p95_ms": ("latency_p95_ms",),
    "energy_wh": ("energy_wh",),
}
PARAMETER_NAMES = {
    "epochs": ("epochs", "num_epochs"),
    "imgsz": ("imgsz", "img_size", "image_size"),
    "lr0": ("lr0", "lr", "learning_rate"),
    "batch": ("batch", "batch_size"),
    "optimizer": ("optimizer",),
    "seed": ("seed", "random_state"),
}
Value = TypeVar("Value")
BEST_WEIGHTS, LAST_WEIGHTS = "best.pt", "last.pt"


def read_experiment(client: MlflowClient, name: str) -> Experiment:
    """The experiment of this name, as far as it can be read; the product's own is read whole.

    Raises:
        MissingRunsError: there is no such experiment, or it has no finished training run.
    """
    found = client.get_experiment_by_name(name)
    if found is None:
        known = ", ".join(sorted(one.name for one in client.search_experiments()))
        raise MissingRunsError(f"no experiment {name} in this store; there are: {known}")
    compared = tracking.search(
        client, name, {Tag.ROLE: Role.COMPARISON, Tag.COMPLETE: "true"}, most=1
    )
    if compared:
        return _own_experiment(client, compared[0].info.run_id)
    every = tracking.search(client, name, {})
    trainings = [run for run in every if run.data.tags.get(Tag.ROLE, Role.VARIANT) == Role.VARIANT]
    finished = [run for run in trainings if run.info.status == "FINISHED"]
    if not finished:
        raise MissingRunsError(f"experiment {name} has no finished training run to audit")
    newest = {run.info.run_name: run for run in reversed(finished)}
    return Experiment(
        name=name,
        runs=[_audited(client, run) for run in newest.values()],
        missing={
            run.info.run_name: run.data.tags.get(Tag.ERROR, run.info.status)
            for run in trainings
            if run.info.run_name not in newest
        },
        constraints={},
    )


def _own_experiment(client: MlflowClient, run_id: str) -> Experiment:
    """The experiment behind the newest comparison."""
    evidence, study = (
        tracking.artifact(client, run_id, path).read_text(encoding="utf-8")
        for path in (Artifact.EVIDENCE, Artifact.STUDY)
    )
    settings = Study.model_validate_json(study)
    found = Evidence.model_validate_json(evidence)
    return experiment_of(found, settings.policy, settings.model.weights)


def _audited(client: MlflowClient, run: Run) -> AuditedRun:
    tags, parameters = run.data.tags, run.data.params
    asked = _named(parameters, PARAMETER_NAMES)
    inputs = run.inputs.dataset_inputs if run.inputs else []
    datasets = sorted({one.dataset.digest for one in inputs})
    registrable, measured = _weights(client, run)
    return AuditedRun(
        name=run.info.run_name,
        seed=int(float(asked["seed"])) if "seed" in asked else None,
        asked=asked,
        applied={
            key.removeprefix("applied_"): value
            for key, value in parameters.items()
            if key.startswith("applied_")
        },
        metrics=_named(run.data.metrics, METRIC_NAMES),
        parameters=tags.get(Tag.PARAMETERS_SHA256),
        registrable=registrable,
        measured=measured,
        dataset=tags.get(Tag.DATASET_DIGEST) or ", ".join(datasets) or None,
        code=tags.get(Tag.TRAINING_CODE) or tags.get("mlflow.source.git.commit"),
    )


def _named(values: Mapping[str, Value], names: Mapping[str, Sequence[str]]) -> dict[str, Value]:
    """The values under the product's own names; the first known name of each wins."""
    found = {}
    for ours, theirs in names.items():
        known = next((name for name in theirs if name in values), None)
        if known is not None:
            found[ours] = values[known]
    return found


def _weights(client: MlflowClient, run: Run) -> tuple[str | None, str | None]:
    """The weights kept and the weights measured, as far as the run tells: checksums, or epochs."""
    tags = run.data.tags
    if Tag.WEIGHTS_SHA256 in tags:
        return tags[Tag.WEIGHTS_SHA256], tags.get(Tag.MEASURED_SHA256)
    names = METRIC_NAMES["mAP50-95"]
    logged = next((name for name in names if name in run.data.metrics), None)
    kept = _files(client, run.info.run_id)
    if logged is None or not kept & {BEST_WEIGHTS, LAST_WEIGHTS}:
        return None, None
    history = client.get_metric_history(run.info.run_id, logged)
    last = max(history, key=lambda point: point.step).step
    best = max(history, key=lambda point: point.value).step
    registrable = best if BEST_WEIGHTS in kept else last
    return f"epoch {registrable}", f"epoch {last}"


def _files(client: MlflowClient, run_id: str, folder: str | None = None) -> set[str]:
    """The names of all artifacts of a run."""
    names: set[str] = set()
    for entry in client.list_artifacts(run_id, folder):
        if entry.is_dir:
            names |= _files(client, run_id, entry.path)
        else:
            names.add(entry.path.rpartition("/")[2])
    return names
