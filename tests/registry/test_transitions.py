"""What the registry promises: transitions are whole, whoever dies, and history is kept."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from promotion.errors import RegistryError
from promotion.facts import Note
from promotion.registry import PREVIOUS, PRODUCTION, STAGING, RegisteredModel, names
from promotion.registry import transitions as registry
from promotion.store import VersionTag, connect
from tests.builders import (
    MlflowServer,
    add_version,
    before_change,
    put_in_production,
    registered_in,
    registry_of,
)

pytestmark = pytest.mark.slow

DIED = 9
# Children start clean and fast: MLflow is imported once, before they are forked.
processes = multiprocessing.get_context(
    "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
)
if hasattr(processes, "set_forkserver_preload"):
    processes.set_forkserver_preload(["promotion.registry"])


@pytest.fixture
def model(registry_home: Path) -> RegisteredModel:
    return registry_of(registry_home)


TRANSITIONS: dict[str, Callable[[RegisteredModel], object]] = {
    "stage": lambda model: registry.stage(model, "4", "fourth"),
    "promote": lambda model: registry.promote(model, "3", "stable"),
    "approve": lambda model: registry.approve(model, "seen"),
    "withdraw": lambda model: registry.withdraw(model, "3", "recall lost"),
    "rollback": lambda model: registry.roll_back(model, "complaints"),
}
RACES = [("promote",) * 3, ("rollback",) * 3, ("promote", "rollback")]
EVENTS_BEFORE = 5
BEFORE = {PREVIOUS: "1", PRODUCTION: "2", STAGING: "3"}
AFTER = {
    "stage": {PREVIOUS: "1", PRODUCTION: "2", STAGING: "4"},
    "promote": {PREVIOUS: "2", PRODUCTION: "3"},
    "approve": {PREVIOUS: "2", PRODUCTION: "3"},
    "withdraw": {PREVIOUS: "1", PRODUCTION: "2"},
    "rollback": {PRODUCTION: "1", STAGING: "3"},
}


@pytest.mark.parametrize("name", TRANSITIONS)
def test_a_transition_moves_aliases_stages_and_history(name: str, model: RegisteredModel) -> None:
    assert registry.aliases(model) == BEFORE
    assert len(registry.history(model)) == EVENTS_BEFORE
    TRANSITIONS[name](model)
    assert registry.aliases(model) == AFTER[name]
    assert len(registry.history(model)) == EVENTS_BEFORE + 1
    event = registry.history(model)[0]
    assert (event.before, event.after) == (BEFORE, AFTER[name])
    assert event.who
    assert event.why
    stages = {str(one.version): one.current_stage for one in registry.versions(model)}
    assert [v for v, stage in stages.items() if stage == "Production"] == [AFTER[name][PRODUCTION]]
    assert [v for v, stage in stages.items() if stage == "Staging"] == [
        v for alias, v in AFTER[name].items() if alias == STAGING
    ]


@pytest.mark.parametrize("name", ["stage", "promote", "withdraw"])
def test_a_transition_done_again_changes_nothing(name: str, model: RegisteredModel) -> None:
    TRANSITIONS[name](model)
    history = registry.history(model)
    TRANSITIONS[name](model)
    assert registry.history(model) == history
    assert registry.aliases(model) == AFTER[name]


def test_a_version_that_was_withdrawn_is_not_staged_again(model: RegisteredModel) -> None:
    TRANSITIONS["withdraw"](model)
    assert registry.stage(model, "3", "again") is None
    assert registry.aliases(model) == AFTER["withdraw"]
    assert registry.place_of(model, "3") == "none"


def test_a_rollback_that_has_nowhere_to_go_is_refused(model: RegisteredModel) -> None:
    registry.roll_back(model, "complaints")
    with pytest.raises(RegistryError, match="nothing to go back to"):
        registry.roll_back(model, "more complaints")
    assert registry.aliases(model) == AFTER["rollback"]
    assert registry.place_of(model, "2") == "left"


def test_only_what_the_canary_let_go_is_approved(model: RegisteredModel) -> None:
    registry.stage(model, "4", "fourth")
    with pytest.raises(RegistryError, match="the canary has not said go"):
        registry.approve(model, "seen")
    registry.withdraw(model, "4", "no")
    with pytest.raises(RegistryError, match="no version has the alias staging"):
        registry.approve(model, "seen")


def die_at(home: Path, name: str, at: int) -> None:
    model = registry_of(home)
    before_change(model.client, at, lambda: os._exit(DIED))
    TRANSITIONS[name](model)


def long_but(quick: object, every: Iterable[object]) -> list[object]:
    """One of them in each run of the tests, and the others, which take as long, every night."""
    return [pytest.param(one, marks=() if one == quick else pytest.mark.trial) for one in every]


@pytest.mark.parametrize("name", long_but("withdraw", TRANSITIONS))
def test_a_kill_between_any_two_calls_leaves_a_legal_state(
    name: str, three_versions: Path, tmp_path: Path
) -> None:
    died = 0
    for at in range(1, 30):
        home = tmp_path / str(at)
        home.mkdir()
        shutil.copy(three_versions / "mlflow.db", home / "mlflow.db")
        child = processes.Process(target=die_at, args=(home, name, at))
        child.start()
        child.join()
        model = registry_of(home)
        left = registry.aliases(model)
        for alias in (PRODUCTION, PREVIOUS, STAGING):
            assert left.get(alias) in (BEFORE.get(alias), AFTER[name].get(alias)), (at, left)
        assert PRODUCTION in left
        registry.recover(model)
        assert registry.aliases(model) in (BEFORE, AFTER[name])
        if registry.aliases(model) == BEFORE:
            TRANSITIONS[name](model)
        assert registry.aliases(model) == AFTER[name]
        assert len(registry.history(model)) == EVENTS_BEFORE + 1
        assert not model.client.search_registered_models(f"name = '{model.transition}'")
        if child.exitcode == 0:
            break
        assert child.exitcode == DIED
        died += 1
    assert died >= 5


def transit(home: Path, name: str) -> None:
    try:
        TRANSITIONS[name](registry_of(home))
    except RegistryError:
        os._exit(1)


@pytest.mark.parametrize("names", long_but(RACES[-1], RACES))
def test_processes_at_once_leave_one_history(names: tuple[str, ...], registry_home: Path) -> None:
    children = [processes.Process(target=transit, args=(registry_home, name)) for name in names]
    for child in children:
        child.start()
    for child in children:
        child.join()
    model = registry_of(registry_home)
    events = registry.history(model)[:-EVENTS_BEFORE]
    if len(set(names)) == 1:
        assert len(events) == 1
    # Each transition starts where the one before it ended.
    for later, earlier in itertools.pairwise(events):
        assert later.before == earlier.after
    assert registry.aliases(model) == events[0].after


def test_models_of_two_names_know_nothing_of_each_other(model: RegisteredModel) -> None:
    """A student's rollback must not move another's model, nor wait for another's transition."""
    other = registered_in(model.client, "ana-detector")
    first, second = put_in_production(other), put_in_production(other)
    assert (first, second) == ("1", "2")
    assert registry.aliases(model) == BEFORE
    model.client.create_registered_model(model.transition, tags={registry.HOST: "elsewhere"})
    registry.roll_back(other, "complaints")
    assert registry.aliases(other) == {PRODUCTION: "1"}
    assert (registry.aliases(model), len(registry.history(model))) == (BEFORE, EVENTS_BEFORE)
    assert names(model.client) == ["ana-detector", "person-detector"]


def test_another_machine_s_transition_is_waited_for_then_finished(
    model: RegisteredModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = registered_in(MlflowClient())

    def drop() -> None:
        raise MlflowException("connection lost")

    before_change(broken.client, 4, drop)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("platform.node", lambda: "elsewhere")
        with pytest.raises(MlflowException, match="lost"):
            registry.promote(broken, "3", "stable")
    with pytest.raises(RegistryError, match="elsewhere is changing the registry"):
        registry.roll_back(model, "now")
    monkeypatch.setattr(registry, "LEASE", timedelta(0))
    registry.recover(model)
    assert registry.aliases(model) == AFTER["promote"]
    assert registry.history(model)[0].who.endswith("@elsewhere")


@pytest.mark.trial
def test_a_server_that_drops_in_the_middle_loses_nothing(
    server: MlflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    model = registered_in(connect(tmp_path))
    put_in_production(model)
    number = add_version(model)
    registry.stage(model, number, "second")
    dropped = registered_in(MlflowClient())
    before_change(dropped.client, 4, server.stop)
    with pytest.raises(MlflowException):
        registry.promote(dropped, number, "stable")
    server.start()
    registry.recover(model)
    assert registry.aliases(model) == {PRODUCTION: number, PREVIOUS: "1"}
    assert registry.history(model)[0].action == "promote"


def test_the_facts_behind_a_reason_travel_with_it(model: RegisteredModel) -> None:
    """The report words them; a sentence kept in the registry would be of one language for ever."""
    because = Note(id="decided", facts={"run": "yolov8n_e3_sz416_lr0.01_s42"})
    event = registry.stage(model, "4", "decided to promote", because)
    assert event is not None
    assert registry.history(model)[0].because == because
    assert registry.history(model)[1].because is None


def test_a_reason_of_any_length_and_script_is_kept(model: RegisteredModel) -> None:
    event = registry.roll_back(model, "plaintes répétées\n" * 100)
    assert registry.history(model)[0] == event
    assert event.why.startswith("plaintes répétées plaintes")


def test_the_version_s_tags_tell_what_the_canary_said(model: RegisteredModel) -> None:
    assert registry.version(model, "3").tags[VersionTag.CANARY] == "go"
    assert registry.champion_of(model, "3") == "2"
    assert registry.champion_of(model, "2") == "1"
    with pytest.raises(RegistryError, match="no version 77"):
        registry.version(model, "77")
