"""MLflow's own interface, opened where a study is to be looked at.

An experiment's kind says that models are trained in it; a view is what *Share* leaves behind: a tag
of the experiment, which a link names.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import urlencode

from mlflow.entities import Experiment
from mlflow.tracking import MlflowClient

from promotion.metrics import METRICS
from promotion.store.names import ExperimentTag, Role, Tag
from promotion.store.tracking import every_page
from promotion.study import Study

MODEL_TRAINING = "custom_model_development"
MODE = {"workflowType": "machine_learning"}
TRAININGS, GRID = "trainings", "grid"
PORT = 5000
COSTS = ("latency_p95_ms", "energy_wh")


def make_readable(client: MlflowClient, study: Study, experiment: str = "") -> None:
    """Have a study's experiment, or this one, open as model training, with the views of links."""
    found = client.get_experiment_by_name(experiment or study.experiment)
    assert found is not None
    views = _views(study.grid.swept)
    tags = {ExperimentTag.view(name): json.dumps(view) for name, view in views.items()}
    tags[ExperimentTag.KIND] = MODEL_TRAINING
    for key, value in tags.items():
        if found.tags.get(key) != value:
            client.set_experiment_tag(found.experiment_id, key, value)


def interface(client: MlflowClient, port: int = PORT) -> str:
    """Where MLflow's interface on this store is: on its server, or where `promotion ui` starts."""
    uri = str(client.tracking_uri)
    return uri.rstrip("/") if uri.startswith("http") else f"http://127.0.0.1:{port}"


def readable(client: MlflowClient) -> list[Experiment]:
    """The experiments that have these views."""
    found = every_page(lambda token: client.search_experiments(page_token=token))
    return [one for one in found if ExperimentTag.view(TRAININGS) in one.tags]


def links(base: str, experiment_id: str) -> dict[str, str]:
    """Where an experiment is to be looked at, on the interface at `base`."""
    runs = f"{base}/#/experiments/{experiment_id}/runs?"
    table, chart = {"viewStateShareKey": TRAININGS}, {"viewStateShareKey": GRID}
    return {
        "trainings": runs + urlencode({**table, **MODE}),
        "grid": runs + urlencode({**chart, "compareRunsMode": "CHART", **MODE}),
        "models": f"{base}/#/experiments/{experiment_id}/models?{urlencode(MODE)}",
    }


def run_link(base: str, experiment_id: str, run_id: str) -> str:
    """Where a run is to be looked at."""
    return f"{base}/#/experiments/{experiment_id}/runs/{run_id}?{urlencode(MODE)}"


def registry_link(base: str, name: str = "", number: str = "") -> str:
    """Where the registry, a registered model in it, or one of its versions is to be looked at."""
    place = f"/{name}{f'/versions/{number}' if number else ''}" if name else ""
    return f"{base}/#/models{place}?{urlencode(MODE)}"


def _views(swept: Sequence[str]) -> dict[str, dict[str, object]]:
    """The table of the trainings alone, and the grid in parallel coordinates."""
    trainings: dict[str, object] = {
        "searchFilter": f"tags.`{Tag.ROLE}` = '{Role.VARIANT}'",
        "orderByKey": f"metrics.`{METRICS[0]}`",
        "orderByAsc": False,
        "selectedColumns": [
            *(f"params.`{name}`" for name in swept),
            *(f"metrics.`{name}`" for name in (*METRICS, *COSTS)),
            f"tags.`{Tag.ROLE}`",
        ],
    }
    chart = {
        "type": "PARALLEL",
        "uuid": GRID,
        "metricSectionId": GRID,
        "isGenerated": False,
        "deleted": False,
        "runsCountToCompare": 10,
        "showAllRuns": True,
        "selectedParams": list(swept),
        "selectedMetrics": ["recall", METRICS[0]],
    }
    section = {"uuid": GRID, "name": GRID, "display": True, "isReordered": False}
    section |= {"columns": 1, "cardHeight": 380}
    return {
        TRAININGS: trainings,
        GRID: {**trainings, "compareRunCharts": [chart], "compareRunSections": [section]},
    }
