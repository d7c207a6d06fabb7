"""MLflow, the only bus: connecting to it, finding runs in it, reading and writing them."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import mlflow
import pandas as pd
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.store.entities import PagedList
from mlflow.tracking import MlflowClient
from mlflow.tracking.context.registry import resolve_tags
from pydantic import BaseModel

from promotion.errors import MissingRunsError, TrackingError, mend
from promotion.locks import alone
from promotion.store.environment import code_version, hardware
from promotion.store.location import settle
from promotion.store.names import Role, Tag
from promotion.study import Study

Found = TypeVar("Found")
Value = TypeVar("Value", bound=BaseModel)
NEWEST = ["attributes.start_time DESC"]
# Opening the store takes seconds; whoever holds its lock for longer hangs.
PATIENCE_S = 60.0
# A server with accounts says so where one has no right.
REFUSALS = ("UNAUTHENTICATED", "PERMISSION_DENIED")


def tracking_uri(home: Path) -> str:
    """MLFLOW_TRACKING_URI when it is set, else the SQLite store of this home."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{(home / 'mlflow.db').as_posix()}"


def connect(home: Path, experiment: str | None = None) -> MlflowClient:
    """Point MLflow at the store of this home and, if named, open (or make) the experiment.

    Raises:
        TrackingError: the tracking server does not answer, or the embedded store cannot be opened.
        LockedError: another process hangs while it opens the embedded store.
    """
    home.mkdir(parents=True, exist_ok=True)
    # A dead server is told at once; MLflow's default keeps trying for minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
    uri = tracking_uri(home)
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    embedded = uri.startswith("sqlite:")
    try:
        # A first client makes and migrates the embedded store, which two cannot do at once.
        # A home that is mounted to be read only is read as it is.
        opens = embedded and os.access(home, os.W_OK)
        with alone(home / "mlflow.lock", PATIENCE_S) if opens else nullcontext():
            if opens:
                _check_store(home)
                settle(home, home / "mlflow.db")
            client = MlflowClient()
            if experiment is None:
                client.search_experiments(max_results=1)
            elif client.get_experiment_by_name(experiment) is None:
                location = (home / "artifacts" / experiment).as_uri() if embedded else None
                client.create_experiment(experiment, artifact_location=location)
        if experiment is not None:
            mlflow.set_experiment(experiment)
    except (MlflowException, sqlite3.Error, OSError) as error:
        reason = str(error).splitlines()[0][:160]
        if embedded:
            help = mend(reason) or "put a copy back, or name another --home"
            raise TrackingError(
                f"the store {home / 'mlflow.db'} cannot be opened ({reason}); {help}"
            ) from None
        if getattr(error, "error_code", "") in REFUSALS:
            raise TrackingError(
                f"MLflow at {uri} refuses ({reason}); see MLFLOW_TRACKING_USERNAME, "
                "MLFLOW_TRACKING_PASSWORD, and whether the experiment is yours"
            ) from None
        raise TrackingError(
            f"MLflow does not answer at {uri} ({reason}); start the server, or unset "
            "MLFLOW_TRACKING_URI to use the embedded store"
        ) from None
    return client


def _check_store(home: Path) -> None:
    """A power cut can leave an empty file, which MLflow would take for a store to be made.

    Raises:
        TrackingError: the store holds nothing, though the home has artifacts, or is no file.
    """
    database, artifacts = home / "mlflow.db", home / "artifacts"
    if database.is_dir():
        raise TrackingError(f"the store {database} is a folder; move it, or name another --home")
    if database.exists() and not database.stat().st_size and artifacts.exists():
        raise TrackingError(
            f"the store {database} is empty, but {artifacts} is not; put a copy back, or delete "
            "the empty file to begin anew"
        )


def start_run(client: MlflowClient, experiment: str, run_name: str, tags: Mapping[str, str]) -> str:
    """Create a run that is not yet complete and return its id."""
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    # What MLflow itself would tag a run with: the user, the source, the commit.
    context = {**resolve_tags(), Tag.SOURCE_TYPE: "NOTEBOOK"}
    tags = {**context, **tags, Tag.CODE_VERSION: code_version(), Tag.HARDWARE: hardware()}
    run = client.create_run(
        found.experiment_id, _start(client, found.experiment_id), tags, run_name
    )
    return str(run.info.run_id)


def _start(client: MlflowClient, experiment_id: str) -> int:
    """Now, in milliseconds, or just after the newest run's start where a clock went back."""
    earlier = client.search_runs([experiment_id], max_results=1, order_by=NEWEST)
    return max([int(time.time() * 1000), *(int(run.info.start_time) + 1 for run in earlier)])


def every_page(ask: Callable[[str | None], PagedList[Found]]) -> list[Found]:
    """All that a search of MLflow finds; `ask` takes the token of a page and returns the page."""
    page = ask(None)
    found = list(page)
    while page.token:
        page = ask(page.token)
        found += page
    return found


def experiments(client: MlflowClient) -> list[str]:
    """The names of all experiments of the store."""
    found = every_page(lambda token: client.search_experiments(page_token=token))
    return [experiment.name for experiment in found]


def search(
    client: MlflowClient, experiment: str, tags: Mapping[str, str], status: str = ""
) -> list[Run]:
    """All runs of an experiment with these tags, newest first; none if it does not exist.

    `status`, where given, is MLflow's own, as in RUNNING.
    """
    asked = _question(client, experiment, tags, status)
    if asked is None:
        return []
    return every_page(lambda token: client.search_runs(*asked, page_token=token, order_by=NEWEST))


def newest(client: MlflowClient, experiment: str, tags: Mapping[str, str]) -> Run | None:
    """The newest run of an experiment with these tags."""
    asked = _question(client, experiment, tags)
    found = client.search_runs(*asked, max_results=1, order_by=NEWEST) if asked else []
    return found[0] if found else None


def _question(
    client: MlflowClient, experiment: str, tags: Mapping[str, str], status: str = ""
) -> tuple[list[str], str] | None:
    """What to ask MLflow for the runs with these tags; None without such an experiment."""
    found = client.get_experiment_by_name(experiment)
    if found is None:
        return None
    conditions = [f"tags.`{key}` = {_quoted(value)}" for key, value in tags.items()]
    if status:
        conditions.append(f"attributes.status = '{status}'")
    return [found.experiment_id], " and ".join(conditions)


def _quoted(value: str) -> str:
    """A value as MLflow's filters take it: a home may lie in a folder like `Cours d'été`."""
    return f'"{value}"' if "'" in value else f"'{value}'"


def latest(client: MlflowClient, experiment: str, study: str, role: str) -> Run:
    """The newest complete run of a role in a study.

    Raises:
        MissingRunsError: there is none.
    """
    tags = {Tag.STUDY: study, Tag.ROLE: role, Tag.COMPLETE: "true"}
    run = newest(client, experiment, tags)
    if run is None:
        raise MissingRunsError(
            f"experiment {experiment} has no {role} run of study {study}; "
            "run `python -m promotion report` first"
        )
    return run


def tested(client: MlflowClient, study: Study, number: str) -> Run | None:
    """The newest complete canary run of a version of the study's registered model."""
    tags = {
        Tag.ROLE: Role.CANARY,
        Tag.REGISTERED_MODEL: study.model.registered_name,
        Tag.VERSION: number,
        Tag.COMPLETE: "true",
    }
    return newest(client, study.experiment, tags)


def log_table(client: MlflowClient, run_id: str, path: str, table: pd.DataFrame) -> None:
    """Log a table as a Parquet artifact."""
    buffer = BytesIO()
    table.to_parquet(buffer, index=False)
    log_bytes(client, run_id, path, buffer.getvalue())


def log_bytes(client: MlflowClient, run_id: str, path: str, content: bytes) -> None:
    """Log bytes as an artifact with this path."""
    folder, _, name = path.rpartition("/")
    with tempfile.TemporaryDirectory() as scratch:
        local = Path(scratch) / name
        local.write_bytes(content)
        client.log_artifact(run_id, str(local), folder or None)


def log_fact(client: MlflowClient, run_id: str, path: str, fact: BaseModel) -> None:
    """Log a value as a JSON artifact."""
    log_bytes(client, run_id, path, fact.model_dump_json(indent=1).encode())


def load_fact(client: MlflowClient, run_id: str, path: str, kind: type[Value]) -> Value:
    """Read a value of this kind from a JSON artifact.

    Raises:
        MissingRunsError: the run has no such artifact, or a damaged one.
    """
    found = artifact(client, run_id, path)
    try:
        return kind.model_validate_json(found.read_bytes())
    except ValueError:
        raise _damaged(run_id, path) from None


def load_table(client: MlflowClient, run_id: str, path: str) -> pd.DataFrame:
    """Read a Parquet artifact.

    Raises:
        MissingRunsError: the run has no such artifact, or a damaged one.
    """
    found = artifact(client, run_id, path)
    try:
        return pd.read_parquet(found)
    except (ValueError, OSError):
        raise _damaged(run_id, path) from None


def _damaged(run_id: str, path: str) -> MissingRunsError:
    return MissingRunsError(
        f"artifact {path} of run {run_id} is damaged; put a copy back, or delete the run in MLflow "
        "and run the study again"
    )


def artifact(client: MlflowClient, run_id: str, path: str) -> Path:
    """The local path of an artifact (a copy, unless the store is on this machine).

    Raises:
        MissingRunsError: the run has no such artifact.
    """
    try:
        return Path(client.download_artifacts(run_id, path))
    except (MlflowException, OSError):
        raise MissingRunsError(
            f"run {run_id} has no artifact {path}; delete the run in MLflow and run the study again"
        ) from None


def log_values(client: MlflowClient, run_id: str, values: Mapping[str, float]) -> None:
    """Log metrics of a run; NaN is not a measurement and is left out."""
    for name, value in values.items():
        if value == value:
            client.log_metric(run_id, name, value)


def log_parameters(client: MlflowClient, run_id: str, values: Mapping[str, object]) -> None:
    """Log parameters of a run."""
    for name, value in values.items():
        client.log_param(run_id, name, value)


def set_tags(client: MlflowClient, run_id: str, tags: Mapping[str, str]) -> None:
    """Set several tags of a run."""
    for key, value in tags.items():
        client.set_tag(run_id, key, value)
