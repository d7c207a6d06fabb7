"""What is written to MLflow is found again: all of it, the newest first, by whoever asks."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

from promotion.datasets import Manifest
from promotion.errors import MissingRunsError, TrackingError
from promotion.store import (
    Role,
    Session,
    Tag,
    artifact,
    connect,
    latest,
    load_fact,
    load_table,
    log_bytes,
    log_fact,
    log_parameters,
    log_table,
    log_values,
    newest,
    search,
    set_tags,
    start_run,
    tracking,
)
from promotion.study import load_study
from tests.builders import SMOKE, processes

pytestmark = pytest.mark.slow

EXPERIMENT = "smoke"
MANY = 1_100


@pytest.fixture
def client(home: Path) -> MlflowClient:
    return connect(home, EXPERIMENT)


def started(client: MlflowClient, name: str, **tags: str) -> str:
    return start_run(client, EXPERIMENT, name, {Tag.STUDY: "smoke", **tags})


def finished(client: MlflowClient, name: str, role: str, **tags: str) -> str:
    known = {Tag.ROLE: role, Tag.COMPLETE: "true", **tags}
    return start_run(client, EXPERIMENT, name, {Tag.STUDY: "smoke", **known})


def test_the_tracking_server_of_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking.tracking_uri(tmp_path).startswith("sqlite:///")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert tracking.tracking_uri(tmp_path) == "http://127.0.0.1:5000"


def test_a_server_that_does_not_answer_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TrackingError, match="unset MLFLOW_TRACKING_URI") as caught:
        connect(tmp_path, EXPERIMENT)
    assert "\n" not in str(caught.value)


PROCESSES = 4


def connect_first(home: str, ended: object) -> None:
    """Open a home that nobody has opened yet, in a process of its own."""
    client = connect(Path(home), EXPERIMENT)
    ended.put(client.get_experiment_by_name(EXPERIMENT).experiment_id)  # type: ignore[attr-defined]


def test_processes_may_open_a_fresh_home_at_once(tmp_path: Path) -> None:
    """A batch's workers all do; the database is made once, and the experiment too."""
    ended = processes.Queue()
    workers = [
        processes.Process(target=connect_first, args=(str(tmp_path / "fresh"), ended))
        for _ in range(PROCESSES)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * PROCESSES
    assert len({ended.get(timeout=5) for _ in workers}) == 1


def test_more_runs_than_a_page_holds_are_all_found(client: MlflowClient, home: Path) -> None:
    """MLflow hands a thousand over at a time; a variant beyond them would be trained again."""
    one = started(client, "first")
    copy_run(home / "mlflow.db", one, MANY - 1)
    found = search(client, EXPERIMENT, {Tag.STUDY: "smoke"})
    assert len({run.info.run_id for run in found}) == len(found) == MANY
    times = [run.info.start_time for run in found]
    assert times == sorted(times, reverse=True)
    assert newest(client, EXPERIMENT, {Tag.STUDY: "smoke"}).info.run_id == found[0].info.run_id


def copy_run(database: Path, run_id: str, copies: int) -> None:
    """Write copies of a run into MLflow's tables, each later than the one before."""
    with sqlite3.connect(database) as store:
        for table in ("runs", "tags"):
            columns = [row[1] for row in store.execute(f"PRAGMA table_info({table})")]
            taken = ["run_uuid || :n" if name == "run_uuid" else name for name in columns]
            taken = ["start_time + :n" if name == "start_time" else name for name in taken]
            order = f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(taken)} "
            order += f"FROM {table} WHERE run_uuid = :run"
            store.executemany(order, [{"n": n, "run": run_id} for n in range(1, copies + 1)])
    store.close()


def test_a_search_takes_every_tag_and_the_status_into_account(client: MlflowClient) -> None:
    one = started(client, "one", **{Tag.ROLE: Role.VARIANT})
    started(client, "two", **{Tag.ROLE: Role.DATASET})
    ended = started(client, "three", **{Tag.ROLE: Role.VARIANT})
    client.set_terminated(ended, "FINISHED")
    asked = {Tag.STUDY: "smoke", Tag.ROLE: Role.VARIANT}
    assert {run.info.run_id for run in search(client, EXPERIMENT, asked)} == {one, ended}
    running = search(client, EXPERIMENT, asked, status="RUNNING")
    assert [run.info.run_id for run in running] == [one]


def test_an_experiment_that_is_not_there_has_no_runs(client: MlflowClient) -> None:
    assert search(client, "nothing", {}) == []
    assert newest(client, "nothing", {}) is None


@pytest.mark.parametrize(
    "place", ["/srv/ana/.promotion", "C:\\Users\\ana\\.promotion", "/srv/Cours d'été/.promotion"]
)
def test_a_run_is_found_by_a_home_as_systems_name_them(client: MlflowClient, place: str) -> None:
    run_id = started(client, "one", **{Tag.HOME: place})
    (found,) = search(client, EXPERIMENT, {Tag.HOME: place}, status="RUNNING")
    assert found.info.run_id == run_id


def test_the_latest_run_of_a_role_is_complete_and_of_the_study(client: MlflowClient) -> None:
    with pytest.raises(MissingRunsError, match="no decision run of study smoke"):
        latest(client, EXPERIMENT, "smoke", Role.DECISION)
    kept = finished(client, "old", Role.DECISION)
    started(client, "half", **{Tag.ROLE: Role.DECISION})
    finished(client, "other", Role.DECISION, **{Tag.STUDY: "other"})
    assert latest(client, EXPERIMENT, "smoke", Role.DECISION).info.run_id == kept


def test_a_version_s_canary_is_found_by_its_number(client: MlflowClient) -> None:
    study = load_study(SMOKE, [f"experiment={EXPERIMENT}"])
    assert tracking.tested(client, study, "1") is None
    tags = {Tag.REGISTERED_MODEL: "person-detector", Tag.VERSION: "1"}
    run_id = finished(client, "canary", Role.CANARY, **tags)
    found = tracking.tested(client, study, "1")
    assert found is not None
    assert found.info.run_id == run_id
    assert tracking.tested(client, study, "11") is None
    other = load_study(SMOKE, [f"experiment={EXPERIMENT}", "model.registered_name=ana"])
    assert tracking.tested(client, other, "1") is None


def test_a_run_says_on_what_it_was_made_and_is_not_complete(client: MlflowClient) -> None:
    tags = client.get_run(started(client, "one")).data.tags
    assert tags[Tag.CODE_VERSION]
    assert "GiB" in tags[Tag.HARDWARE]
    assert tags["mlflow.user"]
    assert Tag.COMPLETE not in tags


def test_tables_facts_and_bytes_come_back_as_they_were(session: Session) -> None:
    client, run_id = session.client, session.run_id
    table = pd.DataFrame({"image": ["a", "b"], "x0": [0.1, float("nan")]})
    log_table(client, run_id, "evaluation/t.parquet", table)
    pd.testing.assert_frame_equal(load_table(client, run_id, "evaluation/t.parquet"), table)
    fact = Manifest(source="folder", files={"a": "b"}, images={"val": 1}, instances={"val": 2})
    log_fact(client, run_id, "manifest.json", fact)
    assert load_fact(client, run_id, "manifest.json", Manifest) == fact
    log_bytes(client, run_id, "a/b/c.bin", b"\x00\x01")
    assert artifact(client, run_id, "a/b/c.bin").read_bytes() == b"\x00\x01"


def test_an_artifact_that_is_gone_is_told_with_its_run(session: Session) -> None:
    with pytest.raises(MissingRunsError, match=f"run {session.run_id} has no artifact gone.json"):
        load_fact(session.client, session.run_id, "gone.json", Manifest)


def test_what_is_not_a_number_is_no_measurement(session: Session) -> None:
    log_values(session.client, session.run_id, {"energy_wh": float("nan"), "recall": 0.5})
    log_parameters(session.client, session.run_id, {"imgsz": 96})
    set_tags(session.client, session.run_id, {Tag.VERDICT: "promote"})
    data = session.client.get_run(session.run_id).data
    assert data.metrics == {"recall": 0.5}
    assert data.params == {"imgsz": "96"}
    assert data.tags[Tag.VERDICT] == "promote"
