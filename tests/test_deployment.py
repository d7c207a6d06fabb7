"""The class's server in containers: what can be held of it where there is no Docker."""

from __future__ import annotations

import ast
import re
from configparser import ConfigParser
from typing import Any

import pytest
import yaml
from mlflow.server.auth.config import AuthConfig

from promotion.lab.classroom.server import SETTINGS, TEACHER
from promotion.paths import ROOT

SECRETS = ("DATABASE_PASSWORD", "STORE_PASSWORD", "TEACHER_PASSWORD", "FORMS_KEY")


@pytest.fixture(scope="module")
def text() -> str:
    return (ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def compose(text: str) -> dict[str, Any]:
    return dict(yaml.safe_load(text))


def settings(text: str) -> dict[str, str]:
    parsed = ConfigParser(interpolation=None)
    parsed.read_string(text)
    return dict(parsed["mlflow"])


def test_its_accounts_are_those_of_the_plain_processes(compose: dict[str, Any]) -> None:
    """A server that let everybody read would look the same to who starts it."""
    here = settings(compose["configs"]["accounts.ini"]["content"])
    plain = settings(SETTINGS.format(accounts="sqlite://", teacher=TEACHER))
    assert {**here, "database_uri": ""} == {**plain, "database_uri": ""}
    assert set(here) <= set(AuthConfig._fields)
    served = compose["services"]["mlflow"]
    assert "--app-name=basic-auth" in served["command"]
    assert served["environment"]["MLFLOW_AUTH_CONFIG_PATH"] == "/accounts.ini"
    assert "accounts.ini" in served["configs"]


def test_no_secret_has_a_default_and_git_ignores_where_they_stand(text: str) -> None:
    used = set(re.findall(r"\$\{(\w+)([^}]*)\}", text))
    assert used == {(name, ":?") for name in (*SECRETS, "ADDRESS")}
    commands = text.partition("name: promotion-class")[0]
    assert all(f"{name}=" in commands for name in (*SECRETS, "ADDRESS"))
    assert "/deploy/.env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_only_mlflow_is_reached_from_outside(compose: dict[str, Any]) -> None:
    assert [name for name, one in compose["services"].items() if "ports" in one] == ["mlflow"]


def test_every_image_and_package_is_pinned(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for image in (one["image"] for one in services.values() if "image" in one):
        assert re.fullmatch(r"[a-z/]+:(\d[\w.-]*|RELEASE\.[\w-]+)", image)
    built = services["mlflow"]["build"]["dockerfile_inline"]
    constrained = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    installed = re.search(r"constraints\.txt \\\n(.*)", built)
    assert installed
    for package in installed[1].split():
        assert "==" in package or re.search(f"^{package}==", constrained, re.MULTILINE), package


def test_its_parts_belong_together(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for one in services.values():
        assert set(one.get("depends_on", {})) <= set(services)
        for volume in one.get("volumes", []):
            assert volume.partition(":")[0] in compose["volumes"]
    for name in ("database", "store"):
        assert "healthcheck" in services[name]
    program = services["bucket"]["command"][-1]
    assert ast.parse(program)
    bucket = re.search(r'create_bucket\(Bucket="(\w+)"\)', program)
    assert bucket
    assert f"--artifacts-destination=s3://{bucket[1]}" in services["mlflow"]["command"]
