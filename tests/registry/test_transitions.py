"""What the registry promises: transitions are whole, whoever dies, and history is kept."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from promotion.errors import RegistryError
from promotion.registry import transitions as registry
from promotion.registry.transitions import PREVIOUS, PRODUCTION, STAGING
from promotion.store import tracking
from promotion.store.tracking import REGISTERED_MODEL, VersionTag
from tests.conftest import MlflowServer

DIED = 9
CHANGES = (
    "create_registered_model",
    "delete_registered_model",
    "set_registered_model_tag",
    "set_registered_model_alias",
    "delete_registered_model_alias",
    "transition_model_version_stage",
    "set_model_version_tag",
)
# Children start clean and fast: MLflow is imported once, before they are forked.
processes = multiprocessing.get_context(
    "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
)
if hasattr(processes, "set_forkserver_preload"):
    processes.set_forkserver_preload(["promotion.registry"])


def connect(home: Path) -> MlflowClient:
    """The store of this home, whichever the process was connected to before."""
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    return tracking.connect(home)


def add_version(client: MlflowClient) -> str:
    """A version without a model: the registry's transitions never open one."""
    if not client.search_registered_models(f"name = '{REGISTERED_MODEL}'"):
        client.create_registered_model(REGISTERED_MODEL)
    return str(client.create_model_version(REGISTERED_MODEL, source="s3://models/none").version)


def put_in_production(client: MlflowClient) -> str:
    number = add_version(client)
    registry.stage(client, number, "first")
    registry.conclude(client, number, "go", "stable", approval=False)
    return number


@pytest.fixture(scope="module")
def champion_and_staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with versions 1 (previous), 2 (in Production) and 3 (staged, canary said go)."""
    home = tmp_path_factory.mktemp("registry")
    client = connect(home)
    put_in_production(client)
    put_in_production(client)
    number = add_version(client)
    registry.stage(client, number, "third")
    registry.conclude(client, number, "go", "stable", approval=True)
    add_version(client)
    return home


@pytest.fixture
def home(champion_and_staged: Path, tmp_path: Path) -> Path:
    shutil.copy(champion_and_staged / "mlflow.db", tmp_path / "mlflow.db")
    return tmp_path


@pytest.fixture
def client(home: Path) -> MlflowClient:
    return connect(home)


TRANSITIONS: dict[str, Callable[[MlflowClient], object]] = {
    "stage": lambda client: registry.stage(client, "4", "fourth"),
    "promote": lambda client: registry.promote(client, "3", "stable"),
    "approve": lambda client: registry.approve(client, "seen"),
    "stop": lambda client: registry.conclude(client, "3", "stop", "recall lost", approval=False),
    "rollback": lambda client: registry.roll_back(client, "complaints"),
}
EVENTS_BEFORE = 5
BEFORE = {PREVIOUS: "1", PRODUCTION: "2", STAGING: "3"}
AFTER = {
    "stage": {PREVIOUS: "1", PRODUCTION: "2", STAGING: "4"},
    "promote": {PREVIOUS: "2", PRODUCTION: "3"},
    "approve": {PREVIOUS: "2", PRODUCTION: "3"},
    "stop": {PREVIOUS: "1", PRODUCTION: "2"},
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


@pytest.mark.parametrize("name", ["stage", "promote", "stop"])
def test_a_transition_done_again_changes_nothing(name: str, client: MlflowClient) -> None:
    TRANSITIONS[name](client)
    history = registry.history(client)
    TRANSITIONS[name](client)
    assert registry.history(client) == history
    assert registry.aliases(client) == AFTER[name]


def test_a_version_that_was_stopped_is_not_staged_again(client: MlflowClient) -> None:
    TRANSITIONS["stop"](client)
    assert registry.stage(client, "3", "again") is None
    assert registry.aliases(client) == AFTER["stop"]
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


def test_with_approval_a_go_waits_for_a_person(client: MlflowClient) -> None:
    registry.stage(client, "4", "fourth")
    assert registry.conclude(client, "4", "go", "stable", approval=True) is None
    assert registry.place_of(client, "4") == "staging"
    registry.approve(client, "seen")
    assert registry.place_of(client, "4") == "production"
    assert registry.history(client)[0].why == "seen"


def count_changes(client: MlflowClient, at: int, then: Callable[[], None]) -> None:
    """Call `then` before the change of this number, counted from 1."""
    seen = 0

    def watched(change: Any) -> Any:
        def call(*positional: Any, **named: Any) -> Any:
            nonlocal seen
            seen += 1
            if seen == at:
                then()
            return change(*positional, **named)

        return call

    for name in CHANGES:
        setattr(client, name, watched(getattr(client, name)))


def die_at(home: Path, name: str, at: int) -> None:
    client = connect(home)
    count_changes(client, at, lambda: os._exit(DIED))
    TRANSITIONS[name](client)


@pytest.mark.parametrize("name", TRANSITIONS)
def test_a_kill_between_any_two_calls_leaves_a_legal_state(
    name: str, champion_and_staged: Path, tmp_path: Path
) -> None:
    died = 0
    for at in range(1, 30):
        home = tmp_path / str(at)
        home.mkdir()
        shutil.copy(champion_and_staged / "mlflow.db", home / "mlflow.db")
        child = processes.Process(target=die_at, args=(home, name, at))
        child.start()
        child.join()
        client = connect(home)
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
        TRANSITIONS[name](connect(home))
    except RegistryError:
        os._exit(1)


@pytest.mark.parametrize("names", [("promote",) * 3, ("rollback",) * 3, ("promote", "rollback")])
def test_processes_at_once_leave_one_history(names: tuple[str, ...], home: Path) -> None:
    children = [processes.Process(target=transit, args=(home, name)) for name in names]
    for child in children:
        child.start()
    for child in children:
        child.join()
    client = connect(home)
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

    count_changes(broken, 4, drop)
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


def test_a_server_that_drops_in_the_middle_loses_nothing(
    server: MlflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    client = tracking.connect(tmp_path)
    put_in_production(client)
    number = add_version(client)
    registry.stage(client, number, "second")
    dropped = MlflowClient()
    count_changes(dropped, 4, server.stop)
    with pytest.raises(MlflowException):
        registry.promote(dropped, number, "stable")
    server.start()
    registry.recover(client)
    assert registry.aliases(client) == {PRODUCTION: number, PREVIOUS: "1"}
    assert registry.history(client)[0].action == "promote"


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
