"""The command line's promises: help, exit codes, one line an error, nothing lost."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.conftest import SMOKE, promotion

COMMANDS = (
    "report",
    "run",
    "decide",
    "register",
    "canary",
    "approve",
    "rollback",
    "serve",
    "book",
    "check",
    "audit",
    "lab",
    "status",
    "ui",
)


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_answers_help(command: str) -> None:
    from typer.testing import CliRunner

    from promotion.cli import app

    done = CliRunner().invoke(app, [command, "--help"] if command else ["--help"])
    assert done.exit_code == 0
    assert "--help" in done.stdout


def test_a_typo_in_a_study_exits_with_two_and_one_line(tmp_path: Path) -> None:
    study = tmp_path / "typo.yaml"
    study.write_text(SMOKE.read_text().replace("imgsz: [96, 160]", "imgsz: [96, 415]"))
    done = promotion("run", "--study", str(study), home=tmp_path / "home")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "grid.imgsz[1]: 415 is not a multiple of 32 (try 416)" in done.stderr


def test_a_bad_argument_exits_with_two(tmp_path: Path) -> None:
    assert promotion("run", "--jobs", "0", home=tmp_path).returncode == 2
    assert promotion("run", "--backend", "threads", home=tmp_path).returncode == 2


def test_deciding_before_training_says_what_to_run(tmp_path: Path) -> None:
    done = promotion("decide", "--study", str(SMOKE), home=tmp_path)
    assert done.returncode == 1
    assert "run `promotion run` first" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_dead_tracking_server_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{free.getsockname()[1]}"
    done = promotion(
        "run",
        "--study",
        str(SMOKE),
        home=tmp_path,
        MLFLOW_TRACKING_URI=uri,
        MLFLOW_HTTP_REQUEST_MAX_RETRIES="0",
    )
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert uri in errors[0]
    assert "Traceback" not in done.stderr


def test_missing_weights_are_named(tmp_path: Path) -> None:
    done = promotion("run", "--study", str(SMOKE), "--set", "model.weights=gone.pt", home=tmp_path)
    assert done.returncode == 1
    assert "model.weights: gone.pt is not a file" in done.stderr


def test_a_missing_back_end_names_the_package(tmp_path: Path) -> None:
    done = promotion("run", "--study", str(SMOKE), "--backend", "ray", home=tmp_path)
    assert done.returncode == 1
    assert "pip install 'promotion[ray]'" in done.stderr


@pytest.mark.parametrize(
    ("command", "cause"),
    [
        (("rollback",), "nothing to go back to"),
        (("approve",), "no version has the alias staging"),
        (("serve",), "no version is in Production"),
        (("canary", "--study", "studies/tp.yaml"), "has no section canary"),
        (("canary", "--study", str(SMOKE)), "run `promotion register` first"),
        (("check", "--study", str(SMOKE)), "run `promotion decide` first"),
    ],
)
def test_in_an_empty_home_each_command_says_what_is_missing(
    command: tuple[str, ...], cause: str, tmp_path: Path
) -> None:
    done = promotion(*command, home=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert cause in done.stderr
