"""What the end-to-end tests ask of a home: its decision, its runs, its reports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import mlflow
from mlflow.tracking import MlflowClient

from promotion.report.publication import Publication
from promotion.store import Tag, search
from tests.builders import SMOKE, promotion

STUDY = ("--study", str(SMOKE))
ONE_SEED = ("--set", "grid.seed=[1]")


def published(home: Path) -> Publication:
    """What stands in the home's decision.json."""
    return Publication.model_validate_json((home / "decision.json").read_text(encoding="utf-8"))


def carry_out(
    home: Path, *changes: str, commands: Sequence[str] = ("run", "decide", "register", "canary")
) -> Publication:
    """Run these commands on a changed study; what is published in the end."""
    for command in commands:
        done = promotion(command, *STUDY, *changes, home=home)
        assert done.returncode == 0, done.stdout + done.stderr
    return published(home)


def runs(client: MlflowClient, role: str) -> list[mlflow.entities.Run]:
    """The complete runs of a role in the smoke experiment."""
    return search(client, "smoke", {Tag.ROLE: role, Tag.COMPLETE: "true"})
