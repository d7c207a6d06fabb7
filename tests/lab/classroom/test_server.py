"""The class's server: where it is served, and under which names a student works there."""

from __future__ import annotations

import os
import socket
from configparser import ConfigParser
from dataclasses import replace
from pathlib import Path

import pytest

from promotion.errors import ClassError, StudyError, TrackingError
from promotion.lab.classroom import (
    need_port,
    server_environment,
    settings_of,
    signed_in,
    study_of,
    with_students,
)
from promotion.lab.classroom.server import need_answer
from promotion.study import load_study
from tests.builders import invoke
from tests.lab.classroom.builders import FILE, OF_CLASS


def test_a_student_works_under_names_of_their_own() -> None:
    one, other = study_of(FILE, "student01"), study_of(FILE, "student02")
    assert one.experiment != other.experiment
    assert one.model.registered_name != other.model.registered_name
    assert one.policy == other.policy
    # What the sheet has a student set leads to the same study.
    assert load_study(FILE.path, [*FILE.overrides, *settings_of(FILE.study, "student01")]) == one


def test_the_environment_sets_what_the_sheet_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMOTION_SET", ";".join(settings_of(FILE.study, "student01")))
    of_smoke = ("--study", str(FILE.path))
    done = invoke("status", *of_smoke, home=tmp_path)
    assert "no version of student01_person-detector is registered" in done.stdout
    done = invoke("status", *of_smoke, "--set", "model.registered_name=mine", home=tmp_path)
    assert "no version of mine is registered" in done.stdout


def test_a_name_too_long_for_a_student_says_so() -> None:
    long = replace(FILE, overrides=(*FILE.overrides, f"experiment={'e' * 60}"))
    study = load_study(long.path, long.overrides)
    with pytest.raises(StudyError, match="is not a name"):
        study_of(replace(long, study=study), "student01")


def test_a_port_that_is_taken_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ClassError, match="in use"):
            need_port("127.0.0.1", port)
        done = invoke("lab", "start", "--port", str(port), *OF_CLASS, home=tmp_path)
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "class").exists()


def test_a_server_that_is_away_says_how_it_is_started(tmp_path: Path) -> None:
    with pytest.raises(ClassError, match="lab start"):
        need_answer("http://127.0.0.1:9")


def test_signing_in_leaves_the_environment_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "somebody")
    before = dict(os.environ)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with (
        pytest.raises(TrackingError),
        signed_in(tmp_path, "http://127.0.0.1:9", "student01", "password"),
    ):
        pass
    names = ("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
    assert {name: os.environ.get(name) for name in names} == {
        name: before.get(name) for name in names
    }


def test_nobody_has_a_right_that_was_not_given(tmp_path: Path) -> None:
    folder = tmp_path / "100 % ours"
    folder.mkdir()
    roster = with_students(folder, 1, "http://here")
    variables = server_environment(folder, roster)
    settings = ConfigParser()
    settings.read(variables["MLFLOW_AUTH_CONFIG_PATH"])
    assert settings["mlflow"]["default_permission"] == "NO_PERMISSIONS"
    assert settings["mlflow"]["database_uri"] == f"sqlite:///{folder.as_posix()}/accounts.db"
    assert roster.teacher not in settings["mlflow"].values()
