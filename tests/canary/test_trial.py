"""The canary's verdict, carried out: who enters Production, who leaves Staging, who waits."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from promotion import registry
from promotion.canary import (
    CRITERIA,
    CanaryVerdict,
    conclude,
    facts_of,
)
from promotion.canary.trial import _in_order
from promotion.errors import RegistryError
from promotion.registry import PREVIOUS, PRODUCTION
from promotion.store import VersionTag
from tests.builders import before_change, canary, connect_to

AFTER = {
    "go": {PREVIOUS: "2", PRODUCTION: "3"},
    "stop": {PREVIOUS: "1", PRODUCTION: "2"},
}


@pytest.fixture
def client(registry_home: Path) -> MlflowClient:
    return connect_to(registry_home)


def test_go_puts_the_version_in_production_and_says_why(client: MlflowClient) -> None:
    event = conclude(client, canary("go"), approval=False)
    assert event is not None
    assert registry.aliases(client) == AFTER["go"]
    assert event.why == "canary go after 30 images and 90 persons"
    assert event.because is not None
    assert (event.because.id, event.because.facts["persons"]) == ("canary_go", 90)


def test_stop_takes_it_out_of_staging_and_leaves_production_alone(client: MlflowClient) -> None:
    """A bad candidate must cost nobody the version that serves."""
    conclude(client, canary("stop"), approval=False)
    assert registry.aliases(client) == AFTER["stop"]
    event = registry.history(client)[0]
    assert event.action == "withdraw"
    assert event.because is not None
    assert event.because.facts["broken"] == [CRITERIA[0]]
    assert registry.version(client, "3").tags[VersionTag.CANARY] == "stop"


def test_an_open_canary_leaves_the_version_where_it_is(client: MlflowClient) -> None:
    before, history = registry.aliases(client), registry.history(client)
    assert conclude(client, canary("continue"), approval=False) is None
    assert (registry.aliases(client), registry.history(client)) == (before, history)
    with pytest.raises(RegistryError, match="the canary has not said go"):
        registry.approve(client, "impatient")


def test_with_approval_a_go_waits_for_a_person(client: MlflowClient) -> None:
    assert conclude(client, canary("go"), approval=True) is None
    assert registry.place_of(client, "3") == "staging"
    registry.approve(client, "seen")
    assert registry.place_of(client, "3") == "production"
    assert registry.history(client)[0].why == "seen"


def test_the_verdict_on_a_version_that_is_not_staged_moves_nothing(client: MlflowClient) -> None:
    """A canary that ran long must not push aside what was put in Production meanwhile."""
    before = registry.aliases(client)
    assert conclude(client, canary("go", version="4"), approval=False) is None
    assert registry.aliases(client) == before
    assert VersionTag.CANARY not in registry.version(client, "4").tags


@pytest.mark.parametrize("verdict", ["go", "stop"])
def test_a_verdict_carried_out_again_changes_nothing(
    verdict: CanaryVerdict, client: MlflowClient
) -> None:
    conclude(client, canary(verdict), approval=False)
    after, history = registry.aliases(client), registry.history(client)
    assert conclude(client, canary(verdict), approval=False) is None
    assert (registry.aliases(client), registry.history(client)) == (after, history)


@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("verdict", ["go", "stop"])
def test_a_verdict_that_was_cut_off_anywhere_is_finished_by_doing_it_again(
    verdict: CanaryVerdict, at: int, client: MlflowClient
) -> None:
    """Whoever kills the canary in its last second must not leave two versions in Production."""

    def die() -> None:
        raise KeyboardInterrupt

    broken = MlflowClient()
    before_change(broken, at, die)
    with pytest.raises(KeyboardInterrupt):
        conclude(broken, canary(verdict), approval=False)
    conclude(client, canary(verdict), approval=False)
    assert registry.aliases(client) == AFTER[verdict]
    last = [one.action for one in registry.history(client)[:2]]
    assert last == [{"go": "promote", "stop": "withdraw"}[verdict], "stage"]


def test_the_facts_of_a_canary_name_what_broke_or_what_is_open() -> None:
    assert facts_of(canary("stop"))["broken"] == [CRITERIA[0]]
    still = facts_of(canary("continue"))
    assert (still["open"], still["needed"]) == ([CRITERIA[0]], 200)
    assert facts_of(canary("go"))["broken"] == facts_of(canary("go"))["open"] == []


def test_a_canary_that_goes_on_shows_first_what_it_showed_before() -> None:
    """The sequential tests hold only if no result chose the order of the pictures."""
    images = [Path(f"{number:02d}.jpg") for number in range(20)]
    first = _in_order(images[:8], {}, [], seed=3)
    assert first == _in_order(images[:8], {}, [], seed=3)
    assert first != images[:8]
    longer = _in_order(images, {}, [path.name for path in first], seed=3)
    assert longer[:8] == first
    assert sorted(longer) == images
