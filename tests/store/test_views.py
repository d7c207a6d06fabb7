"""MLflow's interface opens on what a study is about; links name views that it has."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from mlflow.tracking import MlflowClient

from promotion.store import (
    Role,
    Tag,
    links,
    log_parameters,
    make_readable,
    readable,
    start_run,
)
from promotion.store.names import ExperimentTag
from promotion.study import Study
from tests.builders import connect_to


@pytest.fixture
def client(empty_store: Path, tmp_path: Path, smoke: Study) -> MlflowClient:
    shutil.copy(empty_store, tmp_path)
    return connect_to(tmp_path, smoke.experiment)


def test_an_experiment_is_one_of_model_training_with_the_study_s_views(
    client: MlflowClient, smoke: Study
) -> None:
    assert readable(client) == []
    make_readable(client, smoke)
    (experiment,) = readable(client)
    assert experiment.tags[ExperimentTag.KIND] == "custom_model_development"
    for address in links("http://127.0.0.1:5000", experiment.experiment_id).values():
        asked = parse_qs(urlsplit(urlsplit(address).fragment).query)
        assert asked["workflowType"] == ["machine_learning"]
        for view in asked.get("viewStateShareKey", []):
            assert json.loads(experiment.tags[ExperimentTag.view(view)])["selectedColumns"]


def test_the_views_name_what_the_study_sweeps(client: MlflowClient, smoke: Study) -> None:
    make_readable(client, smoke)
    (experiment,) = readable(client)
    view = json.loads(experiment.tags[ExperimentTag.view("grid")])
    assert view["compareRunCharts"][0]["selectedParams"] == ["imgsz", "seed"]
    assert "params.`imgsz`" in view["selectedColumns"]
    assert "params.`lr0`" not in view["selectedColumns"]


def test_the_views_filter_keeps_trainings_and_nothing_else(
    client: MlflowClient, smoke: Study
) -> None:
    """Among twelve trainings stood seven runs without a metric."""
    make_readable(client, smoke)
    (experiment,) = readable(client)
    for role in (Role.DATASET, Role.VARIANT, Role.DECISION):
        run_id = start_run(client, smoke.experiment, role, {Tag.ROLE: role})
        log_parameters(client, run_id, {"imgsz": 96})
    view = json.loads(experiment.tags[ExperimentTag.view("trainings")])
    found = client.search_runs(
        [experiment.experiment_id],
        view["searchFilter"],
        order_by=[f"{view['orderByKey']} DESC"],
    )
    assert [run.info.run_name for run in found] == [Role.VARIANT]


def test_views_that_are_there_are_not_written_again(
    client: MlflowClient, smoke: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_readable(client, smoke)
    monkeypatch.setattr(client, "set_experiment_tag", lambda *_: pytest.fail("written again"))
    make_readable(client, smoke)
