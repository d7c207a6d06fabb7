"""Damage shows and stops nothing: half-made versions, changed files, forged records."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from typer.testing import CliRunner

from promotion import registry
from promotion.cli import app
from promotion.errors import ChecksumError, RegistryError
from promotion.registry import RegisteredModel, open_version, transitions
from promotion.store import PRODUCTION, VersionTag
from tests.builders import add_version, registry_of
from tests.registry.builders import Registered


def status(home: Path) -> str:
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["status", "--home", str(home)])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def copied(registry_home: Path) -> RegisteredModel:
    """A registry of three versions, for a test that damages it."""
    return registry_of(registry_home)


def test_a_half_made_version_is_shown_as_such_and_stops_nothing(
    copied: RegisteredModel, registry_home: Path
) -> None:
    """A registration that was killed leaves a version without a tag."""
    number = add_version(copied)
    assert f"{number}" in status(registry_home)
    assert "half-made" in status(registry_home)
    with pytest.raises(RegistryError, match="only half"):
        open_version(copied, number)


def test_a_reason_with_markup_or_control_characters_is_shown_as_it_is(
    copied: RegisteredModel, registry_home: Path
) -> None:
    """It broke `status` for ever, and reached the terminal."""
    transitions.roll_back(copied, "closing [/red] tag \x1b[31mred\x1b[0m \x07")
    shown = status(registry_home)
    assert "closing [/red] tag" in shown
    assert "\x07" not in shown
    assert "\x1b[31mred" not in shown


def test_a_record_that_cannot_be_read_is_counted_and_hides_no_other(
    copied: RegisteredModel, registry_home: Path
) -> None:
    events = len(registry.history(copied))
    copied.client.set_model_version_tag(copied.name, "1", "event.2026-01-01", "garbage")
    copied.client.set_model_version_tag(copied.name, "2", VersionTag.VERDICT, "banana")
    assert len(registry.history(copied)) == events
    assert "1 records cannot be read" in status(registry_home)


def test_a_deleted_event_shows(copied: RegisteredModel, registry_home: Path) -> None:
    newest, second = registry.history(copied)[:2]
    assert registry.read_history(copied).broken == 0
    key = f"event.{second.when}"
    copied.client.delete_model_version_tag(copied.name, second.version, key)
    assert newest.previous == second.digest
    assert registry.read_history(copied).broken == 1
    assert "do not follow the one before" in status(registry_home)


def test_a_forged_event_shows(copied: RegisteredModel) -> None:
    second = registry.history(copied)[1]
    forged = second.model_copy(update={"who": "somebody else"})
    key = f"event.{second.when}"
    copied.client.set_model_version_tag(copied.name, second.version, key, forged.model_dump_json())
    assert registry.read_history(copied).broken == 1


def test_an_alias_that_somebody_moved_by_hand_is_shown(
    copied: RegisteredModel, registry_home: Path
) -> None:
    assert registry.read_history(copied).by_hand == {}
    copied.client.set_registered_model_alias(copied.name, PRODUCTION, "1")
    assert registry.read_history(copied).by_hand == {PRODUCTION: "1"}
    assert "changed by hand: production is version 1" in status(registry_home)
    copied.client.delete_registered_model_alias(copied.name, PRODUCTION)
    assert "changed by hand: production is no version" in status(registry_home)


def test_garbage_in_a_transition_s_note_stops_nobody(copied: RegisteredModel) -> None:
    name = copied.transition
    tags = {transitions.HOST: transitions.platform.node(), transitions.EVENT: "{"}
    copied.client.create_registered_model(name, tags=tags)
    registry.recover(copied)
    assert not copied.client.search_registered_models(f"name = '{name}'")


def test_status_only_reads_and_waits_for_nobody(
    copied: RegisteredModel, registry_home: Path
) -> None:
    """A transition of another machine, still under way, is left alone."""
    copied.client.create_registered_model(copied.transition, tags={transitions.HOST: "elsewhere"})
    assert "production: version" in status(registry_home)
    assert copied.client.search_registered_models(f"name = '{copied.transition}'")


@pytest.fixture
def files(registered: Registered, tmp_path: Path) -> Iterator[Path]:
    """The stored files of the registered version, which the test may change; then put back."""
    version = registry.version(registry_of(registered.home), registered.number)
    place = Path(mlflow.artifacts.download_artifacts(f"models:/{version.name}/{version.version}"))
    stored = next(p.parent for p in (registered.home / "artifacts").rglob("MLmodel"))
    assert (stored / "serving.py").exists(), place
    shutil.copytree(stored, tmp_path / "kept")
    yield stored
    shutil.rmtree(stored)
    shutil.copytree(tmp_path / "kept", stored)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["serving.py", "MLmodel", "code/promotion/checksums.py"])
def test_a_changed_file_of_a_version_is_refused_before_anything_of_it_runs(
    name: str, registered: Registered, files: Path, tmp_path: Path
) -> None:
    """A payload in the served code ran during the very check of the version."""
    trace = tmp_path / "ran"
    added = f"\nopen({str(trace)!r}, 'w').close()\n" if name.endswith(".py") else "\nx: 1\n"
    changed = files / name
    changed.write_text(changed.read_text(encoding="utf-8") + added, encoding="utf-8")
    with pytest.raises(ChecksumError, match="SHA-256"):
        open_version(registry_of(registered.home), registered.number)
    assert not trace.exists()


@pytest.mark.slow
def test_the_status_of_a_registered_version_has_nothing_to_doubt(registered: Registered) -> None:
    shown = status(registered.home)
    assert "half-made" not in shown
    assert "changed by hand" not in shown
    assert json.dumps(registered.number)[1:-1] in shown
