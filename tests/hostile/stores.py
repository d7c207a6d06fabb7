"""MLflow stores in which every field that takes a text holds one that acts."""

from __future__ import annotations

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from promotion.store import Tag
from tests.hostile.texts import TEXTS


def log_foreign(client: MlflowClient) -> list[str]:
    """An experiment a text, named by it as far as MLflow lets it; the experiments' names."""
    names = []
    for key, text in TEXTS.items():
        name = text[:400]
        try:
            client.create_experiment(name)
        except MlflowException:
            name = key
            client.create_experiment(name)
        mlflow.set_experiment(name)
        for number in range(2):
            with mlflow.start_run(run_name=text[:400]):
                mlflow.log_params({"note": text, "lr0": number, "optimizer": text[:90]})
                mlflow.log_metrics({"mAP50": 0.3, "latency_p50_ms": 3.0})
                mlflow.set_tags(
                    {
                        Tag.HARDWARE: f"{text[:400]} {number}",
                        Tag.TRAINING_CODE: text[:400],
                        "mlflow.user": text[:400],
                        "mlflow.note.content": text,
                    }
                )
        failed = client.create_run(
            client.get_experiment_by_name(name).experiment_id,
            run_name=text[:400],
            tags={Tag.ERROR: text},
        )
        client.set_terminated(failed.info.run_id, "FAILED")
        names.append(name)
    return names
