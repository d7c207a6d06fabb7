"""A trained model as MLflow lists it: from its run, with its parameters, metrics and datasets."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus, Metric, Run
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from promotion.store.names import Tag

MODEL_TYPE = "detector"
# Its weights are artifacts of its run; what serves it comes with its registration.
EXTERNAL = "mlflow.model.isExternal"
KEPT_TAGS = (
    Tag.USER,
    Tag.SOURCE,
    Tag.SOURCE_TYPE,
    Tag.STUDY,
    Tag.CONFIGURATION,
    Tag.WEIGHTS_SHA256,
)


@dataclass(frozen=True)
class MeasuredOn:
    """A dataset as MLflow knows it: a name and a digest."""

    name: str
    digest: str


def list_model(client: MlflowClient, run: Run) -> LoggedModel:
    """List the model that a run trained, with the run's name, parameters and source."""
    tags = run.data.tags
    model = client.create_logged_model(
        run.info.experiment_id,
        # MLflow takes no point in a model's name.
        name=run.info.run_name.replace(".", "_"),
        source_run_id=run.info.run_id,
        tags={
            EXTERNAL: "true",
            **{key: tags[key] for key in KEPT_TAGS if key in tags},
        },
        params=dict(run.data.params),
        model_type=MODEL_TYPE,
    )
    client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, step=0)])
    return client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)


def listed_model(client: MlflowClient, run: Run) -> LoggedModel | None:
    """The model that a run listed; None for a run that listed none, or whose model was deleted."""
    outputs = run.outputs.model_outputs if run.outputs else []
    try:
        return client.get_logged_model(outputs[0].model_id) if outputs else None
    except MlflowException:
        return None


def log_measures(
    client: MlflowClient, run_id: str, measures: Mapping[MeasuredOn | None, Mapping[str, float]]
) -> None:
    """Log metrics of a run and of its model, by the dataset that they were measured on.

    NaN is not a measurement and is left out.
    """
    model = listed_model(client, client.get_run(run_id))
    now = int(time.time() * 1000)
    metrics = [
        Metric(
            key=key,
            value=value,
            timestamp=now,
            step=0,
            model_id=model.model_id if model else None,
            dataset_name=dataset.name if dataset else None,
            dataset_digest=dataset.digest if dataset else None,
            run_id=run_id,
        )
        for dataset, values in measures.items()
        for key, value in values.items()
        if value == value
    ]
    client.log_batch(run_id, metrics=metrics)
