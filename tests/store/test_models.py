"""Every trained model is listed in MLflow, with its source, its metrics and what they are of."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from mlflow.entities import LoggedModelStatus
from mlflow.tracking import MlflowClient

from promotion.store import (
    MeasuredOn,
    Role,
    Tag,
    list_model,
    listed_model,
    log_measures,
    log_parameters,
    log_values,
    start_run,
)
from tests.builders import connect_to

VAL = MeasuredOn("street_scenes_val", "0123456789ab")
NAME = "yolov8n_e1_sz96_lr0.002_s1"


@pytest.fixture
def client(empty_store: Path, tmp_path: Path) -> MlflowClient:
    shutil.copy(empty_store, tmp_path)
    return connect_to(tmp_path, "street_night")


def trained(client: MlflowClient) -> str:
    tags = {Tag.ROLE: Role.VARIANT, Tag.SOURCE: "notebooks/2_train.ipynb"}
    run_id = start_run(client, "street_night", NAME, tags)
    log_parameters(client, run_id, {"imgsz": 96, "lr0": 0.002})
    return run_id


def test_a_model_is_listed_with_its_run_its_parameters_and_its_notebook(
    client: MlflowClient,
) -> None:
    """The models' page held one of twelve trained models, made by ipykernel_launcher.py."""
    run_id = trained(client)
    list_model(client, client.get_run(run_id))
    (listed,) = client.search_logged_models([client.get_run(run_id).info.experiment_id])
    assert (listed.source_run_id, listed.status) == (run_id, LoggedModelStatus.READY)
    assert listed.params == {"imgsz": "96", "lr0": "0.002"}
    assert listed.tags[Tag.SOURCE] == "notebooks/2_train.ipynb"
    assert listed.tags[Tag.SOURCE_TYPE] == "NOTEBOOK"
    assert listed.name == NAME.replace(".", "_")


def test_a_metric_is_of_the_run_and_of_its_model_on_a_dataset(client: MlflowClient) -> None:
    run_id = trained(client)
    model_id = list_model(client, client.get_run(run_id)).model_id
    measures = {VAL: {"mAP50": 0.3, "recall": float("nan")}, None: {"model_mb": 12.1}}
    log_measures(client, run_id, measures)
    assert client.get_run(run_id).data.metrics == {"mAP50": 0.3, "model_mb": 12.1}
    found = {one.key: one for one in client.get_logged_model(model_id).metrics or []}
    assert found["mAP50"].value == 0.3
    assert (found["mAP50"].dataset_name, found["mAP50"].dataset_digest) == (VAL.name, VAL.digest)
    assert found["mAP50"].run_id == run_id
    assert found.keys() == {"mAP50", "model_mb"}


def test_a_run_without_a_model_keeps_its_metrics(client: MlflowClient) -> None:
    """Homes of before have no models; what is measured of their runs must not be lost."""
    run_id = trained(client)
    assert listed_model(client, client.get_run(run_id)) is None
    log_measures(client, run_id, {VAL: {"mAP50": 0.3}})
    assert client.get_run(run_id).data.metrics == {"mAP50": 0.3}


def test_a_model_that_somebody_deleted_stops_nothing(client: MlflowClient) -> None:
    run_id = trained(client)
    client.delete_logged_model(list_model(client, client.get_run(run_id)).model_id)
    assert listed_model(client, client.get_run(run_id)) is None
    log_measures(client, run_id, {VAL: {"mAP50": 0.3}})
    assert client.get_run(run_id).data.metrics == {"mAP50": 0.3}


def test_listing_a_model_costs_less_than_a_tenth_of_a_second(client: MlflowClient) -> None:
    """A study of a thousand variants pays for each of them."""
    values = {f"metric_{number}": 0.5 for number in range(8)}

    def spent(listed: bool) -> float:
        run_id = trained(client)
        began = time.process_time()
        if listed:
            list_model(client, client.get_run(run_id))
            log_measures(client, run_id, {VAL: values})
        else:
            log_values(client, run_id, values)
        return time.process_time() - began

    more = min(spent(True) for _ in range(3)) - min(spent(False) for _ in range(3))
    assert more < 0.1
