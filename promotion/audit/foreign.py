"""Reads any MLflow experiment for the audit, also one that this product did not make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import pandas as pd
import yaml
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from promotion.audit.experiment import AuditedRun, Experiment, applied_settings, experiment_of
from promotion.comparison import Evidence
from promotion.errors import MissingRunsError
from promotion.metrics import MEASURES
from promotion.store import Artifact, Role, Tag, artifact, load_fact, newest, search
from promotion.study import Study

# The product's and the lab's names first, then those of Ultralytics' MLflow callback.
METRIC_NAMES = {one.name: (one.name, *one.aliases) for one in MEASURES.values()}
PARAMETER_NAMES = {
    "epochs": ("epochs", "num_epochs"),
    "imgsz": ("imgsz", "img_size", "image_size"),
    "lr0": ("lr0", "lr", "learning_rate"),
    "batch": ("batch", "batch_size"),
    "optimizer": ("optimizer",),
    "seed": ("seed", "random_state"),
}
Value = TypeVar("Value")
# The files that Ultralytics leaves.
BEST_WEIGHTS, LAST_WEIGHTS = "best.pt", "last.pt"
ARGUMENTS, RESULTS = "args.yaml", "results.csv"


def read_experiment(client: MlflowClient, name: str) -> Experiment:
    """The experiment of this name, as far as it can be read; the product's own is read whole.

    Raises:
        MissingRunsError: there is no such experiment, or it has no finished training run.
    """
    found = client.get_experiment_by_name(name)
    if found is None:
        known = ", ".join(sorted(one.name for one in client.search_experiments()))
        raise MissingRunsError(f"no experiment {name} in this store; there are: {known}")
    compared = newest(client, name, {Tag.ROLE: Role.DIAGNOSIS, Tag.COMPLETE: "true"})
    if compared is not None:
        return _own_experiment(client, compared.info.run_id)
    every = search(client, name, {})
    trainings = [run for run in every if run.data.tags.get(Tag.ROLE, Role.VARIANT) == Role.VARIANT]
    finished = [run for run in trainings if run.info.status == "FINISHED"]
    if not finished:
        raise MissingRunsError(f"experiment {name} has no finished training run to audit")
    last = {_identity(run): run for run in reversed(finished)}
    return Experiment(
        name=name,
        runs=[_audited(client, run) for run in last.values()],
        missing={
            run.info.run_name: run.data.tags.get(Tag.ERROR, run.info.status)
            for run in trainings
            if _identity(run) not in last
        },
        constraints={},
    )


def _identity(run: Run) -> tuple[str, ...]:
    """What a run that was started again has in common with its first start."""
    return run.info.run_name, *_named(run.data.params, PARAMETER_NAMES).values()


def _own_experiment(client: MlflowClient, run_id: str) -> Experiment:
    """The experiment behind the newest comparison."""
    study = load_fact(client, run_id, Artifact.STUDY, Study)
    evidence = load_fact(client, run_id, Artifact.EVIDENCE, Evidence)
    return experiment_of(evidence, study.policy, study.model.weights)


def _audited(client: MlflowClient, run: Run) -> AuditedRun:
    tags = run.data.tags
    kept = _files(client, run.info.run_id)
    asked, applied = _settings(client, run, kept)
    inputs = run.inputs.dataset_inputs if run.inputs else []
    datasets = sorted({one.dataset.digest for one in inputs})
    registrable, measured = _weights(client, run, kept)
    return AuditedRun(
        name=run.info.run_name,
        seed=int(float(asked["seed"])) if "seed" in asked else None,
        asked=asked,
        applied=applied,
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


def _settings(
    client: MlflowClient, run: Run, kept: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """What was asked of a training, and what was applied, as far as the run tells."""
    logged = _named(run.data.params, PARAMETER_NAMES)
    if ARGUMENTS not in kept:
        return logged, applied_settings(run.data.params)
    # Ultralytics logs its parameters after it replaced some; the file has them as they were asked.
    written = artifact(client, run.info.run_id, kept[ARGUMENTS]).read_text("utf-8")
    asked = {key: str(value) for key, value in yaml.safe_load(written).items()}
    return _named(asked, PARAMETER_NAMES), logged


def _weights(
    client: MlflowClient, run: Run, kept: Mapping[str, str]
) -> tuple[str | None, str | None]:
    """The weights kept and the weights measured, as far as the run tells: checksums, or epochs."""
    tags = run.data.tags
    if Tag.WEIGHTS_SHA256 in tags:
        return tags[Tag.WEIGHTS_SHA256], tags.get(Tag.MEASURED_SHA256)
    names = METRIC_NAMES["mAP50-95"]
    logged = next((name for name in names if name in run.data.metrics), None)
    if logged is None or not kept.keys() & {BEST_WEIGHTS, LAST_WEIGHTS}:
        return None, None
    epochs, measured = _logged_epochs(client, run, logged)
    if not epochs and RESULTS in kept:
        table = artifact(client, run.info.run_id, kept[RESULTS])
        epochs, measured = _epochs_of_results(table, run.data.metrics[logged])
    if not epochs or measured is None:
        return None, None
    registrable = _best(epochs) if BEST_WEIGHTS in kept else max(epochs)
    return f"epoch {registrable}", f"epoch {measured}"


def _logged_epochs(
    client: MlflowClient, run: Run, logged: str
) -> tuple[dict[int, float], int | None]:
    """The metric by epoch, and the epoch whose weights the last value is of.

    Ultralytics ends with one more value: that of its best weights. It stands at a step that saw no
    training or, in earlier versions, beside that of the last epoch.
    """
    points = client.get_metric_history(run.info.run_id, logged)
    points = sorted(points, key=lambda point: (point.step, point.timestamp))
    if len(points) < 2:
        return {}, None
    losses = [name for name in run.data.metrics if name.startswith("train/")]
    trained = client.get_metric_history(run.info.run_id, losses[0]) if losses else points
    last = max(point.step for point in trained)
    of_best = points[-1].step > last or points[-2].step == points[-1].step
    epochs = {point.step: point.value for point in points[: -1 if of_best else None]}
    return epochs, _best(epochs) if of_best else max(epochs)


def _epochs_of_results(table: Path, value: float) -> tuple[dict[int, float], int | None]:
    """The metric by epoch from Ultralytics' results.csv, and the last epoch with this value."""
    rows = pd.read_csv(table, skipinitialspace=True)
    column = next((name for name in METRIC_NAMES["mAP50-95"] if name in rows), None)
    if column is None:
        return {}, None
    epochs = dict(enumerate(rows[column].tolist()))
    # The file keeps five digits.
    same = [epoch for epoch, found in epochs.items() if abs(found - value) <= 1e-5]
    return epochs, max(same, default=None)


def _best(epochs: Mapping[int, float]) -> int:
    return max(epochs, key=lambda epoch: epochs[epoch])


def _files(client: MlflowClient, run_id: str, folder: str | None = None) -> dict[str, str]:
    """The paths of all artifacts of a run, by their names."""
    paths: dict[str, str] = {}
    for entry in client.list_artifacts(run_id, folder):
        if entry.is_dir:
            paths |= _files(client, run_id, entry.path)
        else:
            paths[entry.path.rpartition("/")[2]] = entry.path
    return paths
