"""A class on one server: nothing is lost, nobody is in another's work, and the marks are right."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import StringIO
from pathlib import Path

import pytest
import requests
from bs4 import BeautifulSoup
from mlflow.entities import Experiment
from mlflow.exceptions import MlflowException
from mlflow.server import get_app_client
from mlflow.tracking import MlflowClient

from promotion.lab.classroom import TEACHER, Roster, signed_in, study_of
from promotion.store import Artifact, Role, Tag, log_bytes, search
from tests.builders import invoke, processes
from tests.lab.classroom.builders import (
    CANDIDATE,
    FILE,
    OF_CLASS,
    Case,
    ClassServer,
    Logged,
    Student,
    goes_through_the_registry,
    works,
)

AT_ONCE = 5
HOSTILE = '=HYPERLINK("http://x")</li><script>alert(1)</script>'
SMALL: tuple[Case, ...] = ("honest", "copy", "empty")
# The first is copied by the second, and the fifth by the sixth, without times.
WHOLE: tuple[Case, ...] = (
    *("honest", "copy", "two_seeds", "wrong_claims", "plain", "plain", "empty", "hostile"),
    *(["honest"] * 22),
)
COPIED = {"student02": "student01", "student06": "student05"}
OF_A_PAIR = {**COPIED, **{original: copy for copy, original in COPIED.items()}}


@dataclass(frozen=True)
class Class:
    """A class that has worked: who it is, what each logged, and the marks by student."""

    home: Path
    roster: Roster
    cast: Sequence[Student]
    logged: dict[str, Logged]
    marks: dict[str, dict[str, str]]
    page: str

    def of(self, case: Case) -> list[Student]:
        """The students of a case."""
        return [one for one in self.cast if one.case == case]


def cast_of(cases: Sequence[Case]) -> list[Student]:
    """Students by number; a copy has the luck of who is copied."""
    found = []
    for number, case in enumerate(cases, 1):
        name = f"student{number:02}"
        luck = int(COPIED.get(name, name).removeprefix("student"))
        found.append(Student(name, case, 100 + luck))
    return found


def logs_what_acts(home: Path, roster: Roster, name: str) -> None:
    """Names and files that are to act on whoever marks."""
    study = study_of(FILE, name)
    with signed_in(home, roster.address, name, roster.students[name]) as client:
        found = client.get_experiment_by_name(study.experiment)
        assert found
        run = client.create_run(found.experiment_id, run_name=HOSTILE)
        client.log_metric(run.info.run_id, "mAP50", float("nan"))
        client.log_metric(run.info.run_id, "recall", 7.0)
        client.set_terminated(run.info.run_id)
        tags = {Tag.ROLE: Role.SUBMISSION, Tag.COMPLETE: "true"}
        run = client.create_run(found.experiment_id, tags=tags)
        bomb = "a: &a [x, x]\nrun: {name: &b [*a, *a]}\ngrid: {best: [*b, *b]}\n"
        log_bytes(client, run.info.run_id, Artifact.ANSWERS, bomb.encode())
        log_bytes(client, run.info.run_id, Artifact.DECISION_MD, f"# {HOSTILE}\n".encode())


def at_once(students: Sequence[Student], home: Path, roster: Roster) -> dict[str, Logged]:
    """What each logged, several students at work at the same time."""
    with ProcessPoolExecutor(min(AT_ONCE, len(students)), mp_context=processes) as pool:
        done = [pool.submit(works, one, home, roster) for one in students]
        return {one.name: each.result() for one, each in zip(students, done, strict=True)}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(SMALL, id="3", marks=pytest.mark.slow),
        pytest.param(WHOLE, id="30", marks=pytest.mark.trial),
    ],
)
def played(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Class]:
    """A class that has worked, several at once, and was marked."""
    home = tmp_path_factory.mktemp("class")
    cast = cast_of(request.param)
    server = ClassServer(home, len(cast))
    began = time.monotonic()
    server.start()
    try:
        roster = server.roster
        served = time.monotonic()
        at_work = [one for one in cast if one.works]
        logged = at_once(at_work, home, roster)
        goes_through_the_registry(cast[0].name, home, roster)
        for one in cast:
            if one.case == "hostile":
                logs_what_acts(home, roster, one.name)
        worked = time.monotonic()
        marked = invoke("lab", "grade", *OF_CLASS, home=home)
        assert marked.exit_code == 0, marked.output
        sheet = (home / "class" / "marks.csv").read_text(encoding="utf-8-sig")
        rows = {row["Élève"]: row for row in csv.DictReader(StringIO(sheet))}
        page = (home / "class" / "marks.html").read_text(encoding="utf-8")
        ended = time.monotonic()
        print("accounts, work and marks:", served - began, worked - served, ended - worked, "s")
        yield Class(home, roster, cast, logged, rows, page)
    finally:
        server.stop()


def found_on_the_server(played: Class) -> dict[str, Logged]:
    """By student, the metrics of the finished trainings, as the teacher reads them."""
    found: dict[str, Logged] = {}
    with signed_in(played.home, played.roster.address, TEACHER, played.roster.teacher) as client:
        for one in played.cast:
            runs = search(client, study_of(FILE, one.name).experiment, {}, status="FINISHED")
            trained = [run for run in runs if run.data.params]
            found[one.name] = {str(run.info.run_name): dict(run.data.metrics) for run in trained}
    return found


def test_nothing_is_lost(played: Class) -> None:
    found = found_on_the_server(played)
    for one in played.cast:
        assert found[one.name] == played.logged.get(one.name, {}), one
    counts = {"honest": 6, "copy": 6, "two_seeds": 4, "wrong_claims": 6, "plain": 3}
    for one in played.cast:
        assert len(found[one.name]) == counts.get(one.case, 0)


def test_everybody_sees_their_own_experiment_alone(played: Class) -> None:
    for one in played.cast:
        account = (played.home, played.roster.address, one.name, played.roster.students[one.name])
        with signed_in(*account) as client:
            seen = [found.name for found in client.search_experiments()]
            models = [found.name for found in client.search_registered_models()]
        study = study_of(FILE, one.name)
        assert seen == [study.experiment]
        assert models == [study.model.registered_name]


def test_the_marks_are_those_of_what_was_planted(played: Class) -> None:
    first = played.marks["student01"]
    assert len(played.marks) == len(played.cast)
    assert first["Chapitres tenus"] == "9", first
    for one in played.of("honest")[1:]:
        # All but the registry, where only the first one went.
        row = played.marks[one.name]
        assert (row["Chapitres tenus"], row["Registre, canari, retour arrière"]) == (
            "8",
            "à revoir",
        )
        assert row["Affirmations à reprendre"] == ""
    for one in played.of("two_seeds"):
        row = played.marks[one.name]
        assert row["La grille"] == "manque"
        assert "enough-seeds" in row["Défauts de l’expérience"]
    assert "enough-seeds" not in first["Défauts de l’expérience"]
    for one in played.of("wrong_claims"):
        row = played.marks[one.name]
        assert row["Décider"] == "à revoir"
        assert "number" in row["Affirmations à reprendre"]
    for one in played.of("empty"):
        row = played.marks[one.name]
        assert (row["Rendu"], row["Chapitres tenus"]) == ("non", "0")
        assert row["Défauts de l’expérience"] == row["Affirmations à reprendre"] == "inconnu"
    for one in played.of("hostile"):
        row = played.marks[one.name]
        assert (row["Rendu"], row["Chapitres tenus"]) == ("non", "0")
        assert "submission" in row["Illisible"]
    readable = [row["Illisible"] for name, row in played.marks.items() if row["Illisible"]]
    assert len(readable) == len(played.of("hostile"))


def test_copies_are_told_of_both_and_of_nobody_else(played: Class) -> None:
    for one in played.cast:
        row = played.marks[one.name]
        timed, untimed = row["Mêmes runs, temps compris"], row["Mêmes mesures, sans temps"]
        alike = OF_A_PAIR.get(one.name, "") if len(played.cast) > 3 or one.works else ""
        assert (untimed if one.case == "plain" else timed) == alike, one
        assert (timed if one.case == "plain" else untimed) == "", one


def test_what_students_wrote_does_not_act_in_the_marks(played: Class) -> None:
    page = BeautifulSoup(played.page, "html.parser")
    assert page.find("script") is None
    assert len(page.find_all("section")) == len(played.cast)
    cells = [cell for row in played.marks.values() for cell in row.values()]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


def refused(attempt: Callable[[], object]) -> bool:
    """Whether the server said no: to a client, or by the status of its answer."""
    try:
        answer = attempt()
    except MlflowException as error:
        return error.get_http_status_code() in (401, 403, 404)
    if isinstance(answer, requests.Response):
        return answer.status_code in (400, 401, 403, 404)
    # A search that finds nothing.
    return answer is not None and not answer


@dataclass(frozen=True)
class Target:
    """A run of another's, and what stands around it."""

    experiment: Experiment
    run_id: str
    model: str
    file: str = Artifact.detections("val")

    @property
    def folder(self) -> str:
        """The address of the run's files."""
        return f"{self.experiment.experiment_id}/{self.run_id}/artifacts"


Attempts = dict[str, Callable[[], object]]


def readings(client: MlflowClient, at: Target, signed: tuple[str, str]) -> Attempts:
    """Every way to read what is another's: by MLflow's client, and by its addresses."""
    number, run_id, address = at.experiment.experiment_id, at.run_id, client.tracking_uri
    files = f"{address}/api/2.0/mlflow-artifacts/artifacts"
    get = partial(requests.get, auth=signed, timeout=30)
    whole = {"run_id": run_id, "path": at.file}
    return {
        "the experiment": lambda: client.get_experiment(number),
        "its name": lambda: client.get_experiment_by_name(at.experiment.name),
        "its runs": lambda: list(client.search_runs([number])),
        "a run": lambda: client.get_run(run_id),
        "a metric's history": lambda: client.get_metric_history(run_id, "recall"),
        "the list of files": lambda: client.list_artifacts(run_id),
        "a file": lambda: client.download_artifacts(run_id, at.file),
        "the model": lambda: client.get_registered_model(at.model),
        "a version": lambda: client.get_model_version(at.model, "1"),
        "a file's address": lambda: get(f"{files}/{at.folder}/{at.file}"),
        "a folder's address": lambda: get(files, params={"path": at.folder}),
        "a page's file": lambda: get(f"{address}/get-artifact", params=whole),
    }


def changes(client: MlflowClient, at: Target, own: Target, signed: tuple[str, str]) -> Attempts:
    """Every way to change what is another's, or who may, and to take it for one's own."""
    number, run_id, address = at.experiment.experiment_id, at.run_id, client.tracking_uri
    files = f"{address}/api/2.0/mlflow-artifacts/artifacts"
    place, (name, password) = f"{files}/{at.folder}/{at.file}", signed
    climbing = f"{files}/{own.experiment.experiment_id}/%2e%2e/{at.folder}/{at.file}"
    ask = partial(requests.request, auth=signed, timeout=30)
    accounts = get_app_client("basic-auth", address)
    made = client.create_model_version
    return {
        "start a run": lambda: client.create_run(number),
        "log a metric": lambda: client.log_metric(run_id, "recall", 1.0),
        "log a parameter": lambda: client.log_param(run_id, "stolen", 1),
        "tag a run": lambda: client.set_tag(run_id, "stolen", "1"),
        "end a run": lambda: client.set_terminated(run_id, "FAILED"),
        "delete a run": lambda: client.delete_run(run_id),
        "log a file": lambda: log_bytes(client, run_id, "stolen.txt", b"x"),
        "tag the experiment": lambda: client.set_experiment_tag(number, "stolen", "1"),
        "rename the experiment": lambda: client.rename_experiment(number, "stolen"),
        "delete the experiment": lambda: client.delete_experiment(number),
        "delete one's own": lambda: client.delete_experiment(own.experiment.experiment_id),
        "move an alias": lambda: client.set_registered_model_alias(at.model, "production", "1"),
        "delete the model": lambda: client.delete_registered_model(at.model),
        "add a version": lambda: made(at.model, "s3://models/none"),
        "register a run": lambda: made(own.model, f"runs:/{run_id}/evaluation", run_id),
        "copy a version": lambda: made(own.model, f"models:/{at.model}/1"),
        "make an account": lambda: accounts.create_user("other", password),
        "set a password": lambda: accounts.update_user_password("student01", password),
        "become an administrator": lambda: accounts.update_user_admin(name, True),
        "take a right": lambda: accounts.grant_user_permission(
            name, "experiment", number, "MANAGE"
        ),
        "let a friend in": lambda: accounts.grant_user_permission(
            "student01", "experiment", own.experiment.experiment_id, "READ"
        ),
        "delete an account": lambda: accounts.delete_user("student01"),
        "put a file": lambda: ask("PUT", place, data=b"x"),
        "delete a file": lambda: ask("DELETE", place),
        "list all": lambda: ask("GET", files, params={"path": ""}),
        "climb from one's own": lambda: ask("GET", climbing),
        "come without an account": lambda: requests.get(
            f"{address}/api/2.0/mlflow/runs/get", params={"run_id": run_id}, timeout=30
        ),
    }


def read_by_a_version(
    client: MlflowClient, at: Target, own: Target, signed: tuple[str, str]
) -> bool:
    """Whether a version of one's own model opens another's files, at which it points."""
    try:
        made = client.create_model_version(own.model, f"mlflow-artifacts:/{at.folder}/evaluation")
    except MlflowException:
        return False
    page = f"{client.tracking_uri}/model-versions/get-artifact"
    asked = {"name": own.model, "version": made.version, "path": "detections_val.parquet"}
    return not refused(lambda: requests.get(page, params=asked, auth=signed, timeout=30))


def target(played: Class, name: str) -> Target:
    """A run of this student, or only their experiment and model, as the teacher finds them."""
    study = study_of(FILE, name)
    with signed_in(played.home, played.roster.address, TEACHER, played.roster.teacher) as teacher:
        experiment = teacher.get_experiment_by_name(study.experiment)
        runs = [
            one for one in search(teacher, study.experiment, {}) if one.info.run_name == CANDIDATE
        ]
    return Target(experiment, runs[0].info.run_id if runs else "", study.model.registered_name)


def test_whoever_tries_is_kept_out_of_another_s_work(played: Class) -> None:
    intruder = next(one for one in played.cast if one.case == "empty").name
    at, own = target(played, "student01"), target(played, intruder)
    before = found_on_the_server(played)
    address, passwords = played.roster.address, played.roster.students
    teacher = (played.home, address, TEACHER, played.roster.teacher)
    with signed_in(*teacher) as client:
        tags, model = client.get_run(at.run_id).data.tags, client.get_registered_model(at.model)
    owner, signed = ("student01", passwords["student01"]), (intruder, passwords[intruder])
    with signed_in(played.home, address, *owner) as client:
        # The ways are ways: who may go them gets there.
        closed = [name for name, read in readings(client, at, owner).items() if refused(read)]
        assert closed == []
    with signed_in(played.home, address, *signed) as client:
        attempts = {**readings(client, at, signed), **changes(client, at, own, signed)}
        assert [name for name, attempt in attempts.items() if not refused(attempt)] == []
        assert not read_by_a_version(client, at, own, signed)
    assert found_on_the_server(played) == before
    with signed_in(*teacher) as client:
        assert client.get_run(at.run_id).data.tags == tags
        assert client.get_registered_model(at.model).aliases == model.aliases
        assert client.get_experiment(at.experiment.experiment_id).tags == at.experiment.tags
        assert {one.path for one in client.list_artifacts(at.run_id)} == {"evaluation"}


def test_run_again_the_class_is_as_it_was(played: Class) -> None:
    """A second `lab start` on the running server, as after an evening: by its address."""
    before = played.roster
    with signed_in(played.home, before.address, TEACHER, before.teacher):
        done = invoke(
            *("lab", "start", "--students", str(len(played.cast))), *OF_CLASS, home=played.home
        )
    assert done.exit_code == 0, done.output
    assert f"{len(played.cast)} accounts" in done.stdout
    with signed_in(played.home, before.address, "student01", before.students["student01"]) as one:
        assert len(one.search_experiments()) == 1
    assert found_on_the_server(played) == {**{one.name: {} for one in played.cast}, **played.logged}


def test_who_has_no_right_is_told_what_to_look_at(
    played: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", played.roster.address)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "student01")
    for password in ("wrong", played.roster.students["student01"]):
        # With the right one, the study's own experiment is still another's.
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", password)
        done = invoke(
            "lab", "check", "run", *OF_CLASS, "--set", "experiment=student02_tp", home=played.home
        )
        assert done.exit_code == 1
        assert done.stderr.count("\n") == 1
        assert "MLFLOW_TRACKING_PASSWORD" in done.stderr
