"""What Ultralytics leaves in an MLflow run: the arguments, the results, the weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from promotion.audit.experiment import applied_settings
from promotion.audit.names import PARAMETER_NAMES, logged_as, settings
from promotion.store import Tag, artifact
from promotion.study.reading import parse

BEST_WEIGHTS, LAST_WEIGHTS = "best.pt", "last.pt"
ARGUMENTS, RESULTS = "args.yaml", "results.csv"


def asked_and_applied(
    client: MlflowClient, run: Run, kept: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """What was asked of a training, and what was applied, as far as the run tells."""
    logged = settings(
        {name: value for name, value in run.data.params.items() if not name.startswith("applied_")}
    )
    if ARGUMENTS not in kept:
        return logged, applied_settings(run.data.params)
    # Ultralytics logs its parameters after it replaced some; the file has them as they were asked.
    written = artifact(client, run.info.run_id, kept[ARGUMENTS]).read_text("utf-8")
    asked = {key: str(value) for key, value in parse(written).items()}
    return settings(asked), {name: logged[name] for name in PARAMETER_NAMES if name in logged}


def weights(
    client: MlflowClient, run: Run, kept: Mapping[str, str]
) -> tuple[str | None, str | None]:
    """The weights kept and the weights measured, as far as the run tells: checksums, or epochs."""
    tags = run.data.tags
    if Tag.WEIGHTS_SHA256 in tags:
        return tags[Tag.WEIGHTS_SHA256], tags.get(Tag.MEASURED_SHA256)
    logged = _judged_by(logged_as(run.data.metrics))
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


def _judged_by(names: Mapping[str, str]) -> str | None:
    """The metric that the best epoch is chosen by, under its logged name."""
    return names.get("mAP50-95") or names.get("mAP50")


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
    column = _judged_by(logged_as(map(str, rows.columns)))
    if column is None:
        return {}, None
    epochs = dict(enumerate(rows[column].tolist()))
    # The file keeps five digits.
    same = [epoch for epoch, found in epochs.items() if abs(found - value) <= 1e-5]
    return epochs, max(same, default=None)


def _best(epochs: Mapping[int, float]) -> int:
    return max(epochs, key=lambda epoch: epochs[epoch])
