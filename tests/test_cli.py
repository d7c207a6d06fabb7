"""The command line's promises: help, exit codes, one line an error, nothing lost."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from promotion.cli import app, lab
from promotion.paths import HOME_VARIABLE
from promotion.store import Role, Tag, VersionTag, make_readable, search
from promotion.study import Study, load_study
from tests.builders import (
    REGISTERED_MODEL,
    SCENES,
    SMOKE,
    clean_environment,
    connect_to,
    invoke,
    promotion,
    put_in_production,
    registered_in,
    wait_for,
)

COMMANDS = (
    "report",
    "run",
    "choose",
    "decide",
    "register",
    "canary",
    "approve",
    "rollback",
    "serve",
    "book",
    "check",
    "diff",
    "audit",
    "review",
    "status",
    "ui",
)
LAB_COMMANDS = (
    "lab rerun",
    "lab template",
    "lab exercises",
    "lab check",
    "lab submit",
    "lab start",
    "lab grade",
)
OF_NO_STUDY = ("audit", "ui", "review", "lab template", "lab exercises")
OF_A_STUDY = tuple(name for name in (*COMMANDS, *LAB_COMMANDS) if name not in OF_NO_STUDY)


@pytest.fixture
def home(scenes_home: Path) -> Path:
    return scenes_home


def test_every_command_is_named_here() -> None:
    """A command that this list lacks would answer no help and nobody would know."""
    named = {one.callback.__name__ for one in app.registered_commands if one.callback}
    named |= {f"lab {one.name}" for one in lab.registered_commands}
    assert named == {*COMMANDS, *LAB_COMMANDS}


@pytest.mark.parametrize("command", ["", *COMMANDS, "lab", *LAB_COMMANDS])
def test_every_command_answers_help(command: str) -> None:
    done = CliRunner().invoke(app, [*command.split(), "--help"])
    assert done.exit_code == 0
    assert "--help" in done.stdout
    if command not in ("", "lab"):
        assert "--home" in done.stdout
        assert ("--study" in done.stdout) == (command in OF_A_STUDY)


def test_help_answers_without_the_libraries() -> None:
    """`--help` that imports PyTorch and MLflow takes seconds for three lines of text."""
    program = (
        "import sys, promotion.cli; "
        "print([name for name in ('mlflow', 'torch', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_typo_in_a_study_exits_with_two_and_one_line(tmp_path: Path) -> None:
    study = tmp_path / "typo.yaml"
    study.write_text(SMOKE.read_text().replace("imgsz: [96, 160]", "imgsz: [96, 415]"))
    done = invoke("run", "--study", str(study), home=tmp_path / "home")
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert "grid.imgsz[1]: 415 is not a multiple of 32 (try 416)" in done.stderr


def test_a_bad_argument_exits_with_two(tmp_path: Path) -> None:
    assert invoke("run", "--jobs", "0", home=tmp_path).exit_code == 2
    assert invoke("run", "--backend", "threads", home=tmp_path).exit_code == 2


@pytest.mark.slow
def test_the_home_is_handed_on_to_the_notebooks(home: Path) -> None:
    """Their kernels look for it in the environment; another home would be another store."""
    invoke("status", home=home)
    assert Path(os.environ[HOME_VARIABLE]) == home


def test_deciding_before_training_says_what_to_run(home: Path) -> None:
    done = invoke("decide", *SCENES, home=home)
    assert done.exit_code == 1
    assert "run `python -m promotion run` first" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.end_to_end
def test_choosing_compares_on_val_and_leaves_the_test_closed(changing_home: Path) -> None:
    """A policy is written with the costs in view, and before anyone has seen the test."""
    other = ("--study", str(SMOKE), "--set", "policy.confidence=0.7")
    client = connect_to(changing_home)

    def opened() -> int:
        (dataset,) = search(client, "smoke", {Tag.ROLE: Role.DATASET})
        return sum(Tag.is_opening(key) for key in dataset.data.tags)

    before = opened()
    done = invoke("choose", *other, home=changing_home)
    assert done.exit_code == 0, done.output
    assert "done selection_smoke" in done.stdout
    names = [variant.run_name for variant in load_study(SMOKE).variants]
    chosen, _, baseline = done.stdout.splitlines()[-1].partition("; baseline: ")
    assert baseline in names
    assert chosen.removeprefix("chosen on val: ") in names
    assert opened() == before
    assert "kept selection_smoke" in invoke("choose", *other, home=changing_home).stdout


@pytest.mark.slow
def test_a_dead_tracking_server_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{free.getsockname()[1]}"
    server = {"MLFLOW_TRACKING_URI": uri, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    done = promotion("run", *SCENES, home=tmp_path, **server)
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert uri in errors[0]
    assert "Traceback" not in done.stderr


def test_missing_weights_are_named(home: Path) -> None:
    done = invoke("run", *SCENES, "--set", "model.weights=gone.pt", home=home)
    assert done.exit_code == 1
    assert "model.weights: gone.pt is not a file" in done.stderr


def test_a_missing_back_end_names_the_package(home: Path) -> None:
    done = invoke("run", *SCENES, "--backend", "ray", home=home)
    assert done.exit_code == 1
    assert "pip install 'promotion[ray]'" in done.stderr


@pytest.mark.parametrize(
    ("command", "cause"),
    [
        (("rollback",), "nothing to go back to"),
        (("approve",), "no version has the alias staging"),
        (("serve",), "no version is in Production"),
        (("canary", "--study", "studies/tp.yaml"), "has no section canary"),
        (("canary", *SCENES), "run `python -m promotion register` first"),
        (("register", *SCENES), "run `python -m promotion run` first"),
        (("check", *SCENES), "run `python -m promotion decide` first"),
    ],
)
def test_in_an_empty_home_each_command_says_what_is_missing(
    command: tuple[str, ...], cause: str, home: Path
) -> None:
    done = invoke(*command, home=home)
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert cause in done.stderr


def test_an_empty_registry_is_no_error(home: Path) -> None:
    done = invoke("status", home=home)
    assert done.exit_code == 0
    assert "no version of person-detector is registered" in done.stdout


def test_status_tells_who_stands_where_and_what_happened(registry_home: Path) -> None:
    tags = {
        VersionTag.THRESHOLD: "0.3",
        VersionTag.RUN_NAME: "big_s3",
        VersionTag.VERDICT: "promote",
    }
    client = connect_to(registry_home)
    for number in "1234":
        for key, value in tags.items():
            client.set_model_version_tag(REGISTERED_MODEL, number, key, value)
    done = invoke("status", home=registry_home)
    assert done.exit_code == 0, done.output
    for line in ("production: version 2", "staging: version 3", "previous: version 1"):
        assert line in done.stdout
    assert "stable" in done.stdout


def test_status_and_rollback_are_of_the_study_s_model_alone(registry_home: Path) -> None:
    """On a server that several share, a rollback without a name would be of somebody's model."""
    named = ("--set", "model.registered_name=ana-detector")
    done = invoke("status", *named, home=registry_home)
    assert "no version of ana-detector is registered" in done.stdout
    assert "registered are person-detector; --study names" in done.stdout
    put_in_production(registered_in(connect_to(registry_home), "ana-detector"))
    put_in_production(registered_in(connect_to(registry_home), "ana-detector"))
    done = invoke("rollback", *named, home=registry_home)
    assert "in Production: version 1" in done.stdout
    assert "production: version 2" in invoke("status", home=registry_home).stdout


@pytest.mark.slow
def test_output_that_a_narrow_encoding_lacks_stops_nothing(registry_home: Path) -> None:
    """On Windows, what is piped or redirected has 256 characters, and no narrow space."""
    reason = "≥ 3\u202f% de plaintes → retour"
    done = promotion("rollback", "--why", reason, home=registry_home, PYTHONIOENCODING="cp1252")
    assert done.returncode == 0, done.stderr
    done = promotion("status", home=registry_home, PYTHONIOENCODING="cp1252")
    assert done.returncode == 0, done.stderr
    assert "de plaintes" in done.stdout


@pytest.mark.slow
def test_ui_names_what_there_is_to_see_and_leaves_nothing_running(home: Path, smoke: Study) -> None:
    """A student who stopped it had nine servers on the machine, and a port that was taken."""
    make_readable(connect_to(home, smoke.experiment), smoke)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "promotion", "ui", "--home", str(home), "--port", str(port)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=clean_environment()
    ) as server:
        wait_for(f"http://127.0.0.1:{port}", server)
        started = psutil.Process(server.pid).children(recursive=True)
        server.send_signal(signal.SIGTERM)
        shown = server.communicate(timeout=30)[0].decode()
    # A system under load takes note late of who has ended.
    left = psutil.wait_procs(started, timeout=10)[1]
    assert not left
    assert f"smoke, trainings: http://127.0.0.1:{port}/#/experiments/" in shown
    assert "registered models: " in shown


def test_a_rollback_and_an_approval_leave_their_reasons(registry_home: Path) -> None:
    done = invoke("approve", "--why", "vu", home=registry_home)
    assert done.exit_code == 0
    assert "approve: version 3" in done.stdout
    done = invoke("rollback", "--why", "plaintes", home=registry_home)
    assert done.exit_code == 0
    assert "in Production: version 2" in done.stdout


def test_an_unexpected_error_is_one_line_and_debug_shows_where(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A traceback is for who mends the program; who runs it gets a line and a way to see more."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("nobody thought of this")

    monkeypatch.setattr("promotion.registry.versions", broken)
    done = invoke("status", home=home)
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert "unexpected ZeroDivisionError: nobody thought of this; --debug" in done.stderr
    assert isinstance(invoke("status", "--debug", home=home).exception, ZeroDivisionError)


@pytest.mark.slow
def test_the_program_starts_as_a_module_and_keeps_its_exit_code(tmp_path: Path) -> None:
    """What the other tests ask of the app holds for the program that a user starts."""
    done = promotion("run", "--study", "gone.yaml", home=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "studies here: studies/default.yaml" in done.stderr
    started = subprocess.run(
        [sys.executable, "-m", "promotion"],
        env=clean_environment(),
        capture_output=True,
        text=True,
    )
    assert "Usage" in started.stdout + started.stderr
