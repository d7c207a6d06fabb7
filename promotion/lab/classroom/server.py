"""One MLflow server for a class, with MLflow's own accounts, and what each account may touch."""

from __future__ import annotations

import os
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode
from mlflow.server import get_app_client
from mlflow.tracking import MlflowClient

from promotion.errors import ClassError
from promotion.execution import StudyFile
from promotion.lab.classroom.roster import Roster
from promotion.store import connect, make_readable
from promotion.study import Study, load_study
from promotion.whole import write_whole

APP, TEACHER = "basic-auth", "teacher"
WORKERS, PATIENCE_S = 2, 120
# A password is hashed 600,000 times, a third of a second a request: what a worker has verified
# counts for a minute.
SETTINGS = """[mlflow]
default_permission = NO_PERMISSIONS
database_uri = {accounts}
admin_username = {teacher}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
auth_cache_ttl_seconds = 60
"""


def address_of(host: str, port: int) -> str:
    """Where the class's server answers."""
    return f"http://{host}:{port}"


def server_arguments(folder: Path, host: str, port: int) -> list[str]:
    """What MLflow's command line takes to serve the class in this folder.

    Only pages of the server itself may change anything: a browser names it as the origin.
    """
    address = address_of(host, port)
    return [
        *("server", "--app-name", APP, "--workers", str(WORKERS)),
        *("--host", host, "--port", str(port), "--uvicorn-opts", "--log-level=warning"),
        *("--allowed-hosts", f"{host}:{port}", "--cors-allowed-origins", address),
        *("--backend-store-uri", _database(folder / "mlflow.db")),
        *("--artifacts-destination", str(folder / "artifacts")),
    ]


def server_environment(folder: Path, roster: Roster) -> dict[str, str]:
    """The variables that the server starts with; its settings are written into the folder."""
    settings = folder / "accounts.ini"
    accounts = _database(folder / "accounts.db").replace("%", "%%")
    write_whole(settings, SETTINGS.format(accounts=accounts, teacher=TEACHER))
    return {
        "MLFLOW_AUTH_CONFIG_PATH": str(settings),
        "MLFLOW_AUTH_ADMIN_USERNAME": TEACHER,
        "MLFLOW_AUTH_ADMIN_PASSWORD": roster.teacher,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": roster.key,
    }


def _database(place: Path) -> str:
    return f"sqlite:///{place.as_posix()}"


def need_port(host: str, port: int) -> None:
    """Refuse an address that cannot be served at.

    Raises:
        ClassError: it is no address of this machine, or another program has it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as tried:
            # A server that ended a moment ago is not in the way.
            if os.name != "nt":
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind((host, port))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ClassError(
            f"nothing can be served at {host}:{port} ({reason}); name another --host or --port"
        ) from None


def wait_until_up(address: str, runs: Callable[[], bool]) -> None:
    """Wait until the server answers.

    Raises:
        ClassError: its process ended, or it does not answer within two minutes.
    """
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        if not runs():
            raise ClassError(f"MLflow's server for {address} ended; its last lines above say why")
        if _answers(address):
            return
        time.sleep(0.3)
    raise ClassError(f"no MLflow server answers at {address} after {PATIENCE_S} s")


def need_answer(address: str) -> None:
    """Refuse a class whose server does not answer.

    Raises:
        ClassError: it does not.
    """
    if not _answers(address):
        raise ClassError(f"no MLflow server answers at {address}; `promotion lab start` starts it")


def _answers(address: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"{address}/health", timeout=5):
        return True
    return False


@contextmanager
def signed_in(home: Path, address: str, name: str, password: str) -> Iterator[MlflowClient]:
    """The class's server as this account sees it.

    Raises:
        TrackingError: it does not answer, or does not know this account with this password.
    """
    account: Mapping[str, str] = {
        "MLFLOW_TRACKING_URI": address,
        "MLFLOW_TRACKING_USERNAME": name,
        "MLFLOW_TRACKING_PASSWORD": password,
    }
    before = {key: os.environ.get(key) for key in account}
    os.environ.update(account)
    try:
        yield connect(home)
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


def settings_of(study: Study, student: str) -> tuple[str, str]:
    """What this student overrides in the study: the names that are theirs on the server."""
    return (
        f"experiment={student}_{study.experiment}",
        f"model.registered_name={student}_{study.model.registered_name}",
    )


def study_of(file: StudyFile, student: str) -> Study:
    """The study under the names that are this student's on the server.

    Raises:
        StudyError: with the student's before it, a name is none.
    """
    return load_study(file.path, [*file.overrides, *settings_of(file.study, student)])


def enrol(client: MlflowClient, roster: Roster, file: StudyFile) -> None:
    """Make each student's account, experiment and registered model, where they are not there yet.

    A student writes to the experiment, but neither deletes from it nor lets others in, and owns
    the registered model. An account that is there gets the roster's password back.

    Raises:
        StudyError: with a student's before it, a name of the study is none.
    """
    accounts = get_app_client(APP, client.tracking_uri)
    for name, password in roster.students.items():
        if not _made(partial(accounts.create_user, name, password)):
            accounts.update_user_password(name, password)
        theirs = study_of(file, name)
        experiment = client.get_experiment_by_name(theirs.experiment)
        number = (
            experiment.experiment_id if experiment else client.create_experiment(theirs.experiment)
        )
        make_readable(client, theirs)
        grant = partial(accounts.grant_user_permission, name)
        _made(partial(grant, "experiment", number, "EDIT"))
        model = theirs.model.registered_name
        _made(partial(client.create_registered_model, model))
        _made(partial(grant, "registered_model", model, "MANAGE"))


def _made(make: Callable[[], object]) -> bool:
    """Whether it was made now; not, where it was there already."""
    try:
        make()
    except MlflowException as error:
        if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS):
            raise
        return False
    return True
