"""MLflow stores as others fill them, made quickly."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

import mlflow
from mlflow.tracking import MlflowClient

from promotion.store import connect


def filled(
    home: Path,
    experiment: str,
    runs: Sequence[tuple[str, Mapping[str, object], Mapping[str, float]]],
) -> MlflowClient:
    """A store with runs in this experiment: their names, parameters and metrics."""
    client = connect(home, experiment)
    for name, parameters, metrics in runs:
        with mlflow.start_run(run_name=name):
            mlflow.log_params(dict(parameters))
            mlflow.log_metrics(dict(metrics))
    return client


def repeat_in_place(home: Path, run_id: str, copies: int) -> None:
    """Copies of a run, row by row, as MLflow's own calls would take minutes for thousands.

    Each copy has a seed and metrics of its own.
    """
    store = sqlite3.connect(home / "mlflow.db")
    with store:
        for table in ("runs", "params", "metrics", "latest_metrics", "tags"):
            columns = [row[1] for row in store.execute(f"PRAGMA table_info({table})")]
            rows = store.execute(f"SELECT * FROM {table} WHERE run_uuid = ?", (run_id,)).fetchall()
            marks = ", ".join("?" * len(columns))
            store.executemany(
                f"INSERT INTO {table} VALUES ({marks})",
                (
                    [
                        _changed(table, dict(zip(columns, row, strict=True)), column, number)
                        for column in columns
                    ]
                    for number in range(1, copies + 1)
                    for row in rows
                ),
            )
    store.close()


def _changed(table: str, row: dict[str, object], column: str, number: int) -> object:
    if column == "run_uuid":
        return f"{number:032x}"
    if table == "runs" and column == "artifact_uri":
        return str(row[column]).replace(str(row["run_uuid"]), f"{number:032x}")
    if table == "params" and column == "value" and row["key"] in ("seed", "lr0"):
        return str(number if row["key"] == "seed" else number % 50 / 1000)
    if table in ("metrics", "latest_metrics") and column == "value":
        return float(str(row[column])) / (1 + number / 1e5)
    return row[column]
