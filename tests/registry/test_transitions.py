"""What the registry promises: transitions are whole, whoever dies, and history is kept."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from promotion.errors import RegistryError
from promotion.facts import Note
from promotion.registry import PREVIOUS, PRODUCTION, STAGING
from promotion.registry import transitions as registry
from promotion.store import VersionTag, connect
from tests.builders import MlflowServer, add_version, before_change, connect_to, put_in_production

DIED = 9
# Children start clean and fast: MLflow is imported once, before they are forked.
processes = multiprocessing.get_context(
    "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
)
if hasattr(processes, "set_forkserver_preload"):
    processes.set_forkserver_preload(["promotion.registry"])


@pytest.fixture
def client(registry_home: Path) -> MlflowClient:
    return connect_to(registry_home)


TRANSITIONS: dict[str, Callable[[MlflowClient], object]] = {
    "stage": lambda client: registry.stage(client, "4", "fourth"),
    "promote": lambda client: registry.promote(client, "3", "stable"),
    "approve": lambda client: registry.approve(client, "seen"),
    "withdraw": lambda client: registry.withdraw(client, "3", "recall lost"),
    "rollback": lambda client: registry.roll_back(client, "complaints"),
}
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
def test_a_transition_moves_aliases_stages_and_history(name: str, client: MlflowClient) -> None:
    assert registry.aliases(client) == BEFORE
    assert len(registry.history(client)) == EVENTS_BEFORE
    TRANSITIONS[name](client)
    assert registry.aliases(client) == AFTER[name]
    assert len(registry.history(client)) == EVENTS_BEFORE + 1
    event = registry.history(client)[0]
    assert (event.before, event.after) == (BEFORE, AFTER[name])
    assert event.who
    assert event.why
    stages = {str(one.version): one.current_stage for one in registry.versions(client)}
    assert [v for v, stage in stages.items() if stage == "Production"] == [AFTER[name][PRODUCTION]]
    assert [v for v, stage in stages.items() if stage == "Staging"] == [
        v for alias, v in AFTER[name].items() if alias == STAGING
    ]


@pytest.mark.parametrize("name", ["stage", "promote", "withdraw"])
def test_a_transition_done_again_changes_nothing(name: str, client: MlflowClient) -> None:
    TRANSITIONS[name](client)
    history = registry.history(client)
    TRANSITIONS[name](client)
    assert registry.history(client) == history
    assert registry.aliases(client) == AFTER[name]


def test_a_version_that_was_withdrawn_is_not_staged_again(client: MlflowClient) -> None:
    TRANSITIONS["withdraw"](client)
    assert registry.stage(client, "3", "again") is None
    assert registry.aliases(client) == AFTER["withdraw"]
    assert registry.place_of(client, "3") == "none"


def test_a_rollback_that_has_nowhere_to_go_is_refused(client: MlflowClient) -> None:
    registry.roll_back(client, "complaints")
    with pytest.raises(RegistryError, match="nothing to go back to"):
        registry.roll_back(client, "more complaints")
    assert registry.aliases(client) == AFTER["rollback"]
    assert registry.place_of(client, "2") == "left"


def test_only_what_the_canary_let_go_is_approved(client: MlflowClient) -> None:
    registry.stage(client, "4", "fourth")
    with pytest.raises(RegistryError, match="the canary has not said go"):
        registry.approve(client, "seen")
    registry.withdraw(client, "4", "no")
    with pytest.raises(RegistryError, match="no version has the alias staging"):
        registry.approve(client, "seen")


def die_at(home: Path, name: str, at: int) -> None:
    client = connect_to(home)
    before_change(client, at, lambda: os._exit(DIED))
    TRANSITIONS[name](client)


@pytest.mark.slow
@pytest.mark.parametrize("name", TRANSITIONS)
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
        client = connect_to(home)
        left = registry.aliases(client)
        for alias in (PRODUCTION, PREVIOUS, STAGING):
            assert left.get(alias) in (BEFORE.get(alias), AFTER[name].get(alias)), (at, left)
        assert PRODUCTION in left
        registry.recover(client)
        assert registry.aliases(client) in (BEFORE, AFTER[name])
        if registry.aliases(client) == BEFORE:
            TRANSITIONS[name](client)
        assert registry.aliases(client) == AFTER[name]
        assert len(registry.history(client)) == EVENTS_BEFORE + 1
        assert not client.search_registered_models(f"name = '{registry.TRANSITION}'")
        if child.exitcode == 0:
            break
        assert child.exitcode == DIED
        died += 1
    assert died >= 5


def transit(home: Path, name: str) -> None:
    try:
        TRANSITIONS[name](connect_to(home))
    except RegistryError:
        os._exit(1)


@pytest.mark.slow
@pytest.mark.parametrize("names", [("promote",) * 3, ("rollback",) * 3, ("promote", "rollback")])
def test_processes_at_once_leave_one_history(names: tuple[str, ...], registry_home: Path) -> None:
    children = [processes.Process(target=transit, args=(registry_home, name)) for name in names]
    for child in children:
        child.start()
    for child in children:
        child.join()
    client = connect_to(registry_home)
    events = registry.history(client)[:-EVENTS_BEFORE]
    if len(set(names)) == 1:
        assert len(events) == 1
    # Each transition starts where the one before it ended.
    for later, earlier in itertools.pairwise(events):
        assert later.before == earlier.after
    assert registry.aliases(client) == events[0].after


def test_another_machine_s_transition_is_waited_for_then_finished(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = MlflowClient()

    def drop() -> None:
        raise MlflowException("connection lost")

    before_change(broken, 4, drop)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("platform.node", lambda: "elsewhere")
        with pytest.raises(MlflowException, match="lost"):
            registry.promote(broken, "3", "stable")
    with pytest.raises(RegistryError, match="another machine"):
        registry.roll_back(client, "now")
    monkeypatch.setattr(registry, "LEASE", timedelta(0))
    registry.recover(client)
    assert registry.aliases(client) == AFTER["promote"]
    assert registry.history(client)[0].who.endswith("@elsewhere")


@pytest.mark.slow
def test_a_server_that_drops_in_the_middle_loses_nothing(
    server: MlflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    client = connect(tmp_path)
    put_in_production(client)
    number = add_version(client)
    registry.stage(client, number, "second")
    dropped = MlflowClient()
    before_change(dropped, 4, server.stop)
    with pytest.raises(MlflowException):
        registry.promote(dropped, number, "stable")
    server.start()
    registry.recover(client)
    assert registry.aliases(client) == {PRODUCTION: number, PREVIOUS: "1"}
    assert registry.history(client)[0].action == "promote"


def test_the_facts_behind_a_reason_travel_with_it(client: MlflowClient) -> None:
    """The report words them; a sentence kept in the registry would be of one language for ever."""
    because = Note(id="decided", facts={"run": "yolov8n_e3_sz416_lr0.01_s42"})
    event = registry.stage(client, "4", "decided to promote", because)
    assert event is not None
    assert registry.history(client)[0].because == because
    assert registry.history(client)[1].because is None


def test_a_reason_of_any_length_and_script_is_kept(client: MlflowClient) -> None:
    event = registry.roll_back(client, "plaintes répétées\n" * 100)
    assert registry.history(client)[0] == event
    assert event.why.startswith("plaintes répétées plaintes")


def test_the_version_s_tags_tell_what_the_canary_said(client: MlflowClient) -> None:
    assert registry.version(client, "3").tags[VersionTag.CANARY] == "go"
    assert registry.champion_of(client, "3") == "2"
    assert registry.champion_of(client, "2") == "1"
    with pytest.raises(RegistryError, match="no version 77"):
        registry.version(client, "77")
