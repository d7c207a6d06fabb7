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
from promotion.registry import PREVIOUS, PRODUCTION, RegisteredModel
from promotion.store import VersionTag
from tests.builders import before_change, canary, registered_in, registry_of

pytestmark = pytest.mark.slow

AFTER = {
    "go": {PREVIOUS: "2", PRODUCTION: "3"},
    "stop": {PREVIOUS: "1", PRODUCTION: "2"},
}


@pytest.fixture
def model(registry_home: Path) -> RegisteredModel:
    return registry_of(registry_home)


def test_go_puts_the_version_in_production_and_says_why(model: RegisteredModel) -> None:
    event = conclude(model, canary("go"), approval=False)
    assert event is not None
    assert registry.aliases(model) == AFTER["go"]
    assert event.why == "canary go after 30 images and 90 persons"
    assert event.because is not None
    assert (event.because.id, event.because.facts["persons"]) == ("canary_go", 90)


def test_stop_takes_it_out_of_staging_and_leaves_production_alone(model: RegisteredModel) -> None:
    """A bad candidate must cost nobody the version that serves."""
    conclude(model, canary("stop"), approval=False)
    assert registry.aliases(model) == AFTER["stop"]
    event = registry.history(model)[0]
    assert event.action == "withdraw"
    assert event.because is not None
    assert event.because.facts["broken"] == [CRITERIA[0]]
    assert registry.version(model, "3").tags[VersionTag.CANARY] == "stop"


def test_an_open_canary_leaves_the_version_where_it_is(model: RegisteredModel) -> None:
    before, history = registry.aliases(model), registry.history(model)
    assert conclude(model, canary("continue"), approval=False) is None
    assert (registry.aliases(model), registry.history(model)) == (before, history)
    with pytest.raises(RegistryError, match="the canary has not said go"):
        registry.approve(model, "impatient")


def test_with_approval_a_go_waits_for_a_person(model: RegisteredModel) -> None:
    assert conclude(model, canary("go"), approval=True) is None
    assert registry.place_of(model, "3") == "staging"
    registry.approve(model, "seen")
    assert registry.place_of(model, "3") == "production"
    assert registry.history(model)[0].why == "seen"


def test_the_verdict_on_a_version_that_is_not_staged_moves_nothing(model: RegisteredModel) -> None:
    """A canary that ran long must not push aside what was put in Production meanwhile."""
    before = registry.aliases(model)
    assert conclude(model, canary("go", version="4"), approval=False) is None
    assert registry.aliases(model) == before
    assert VersionTag.CANARY not in registry.version(model, "4").tags


@pytest.mark.parametrize("verdict", ["go", "stop"])
def test_a_verdict_carried_out_again_changes_nothing(
    verdict: CanaryVerdict, model: RegisteredModel
) -> None:
    conclude(model, canary(verdict), approval=False)
    after, history = registry.aliases(model), registry.history(model)
    assert conclude(model, canary(verdict), approval=False) is None
    assert (registry.aliases(model), registry.history(model)) == (after, history)


@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("verdict", ["go", "stop"])
def test_a_verdict_that_was_cut_off_anywhere_is_finished_by_doing_it_again(
    verdict: CanaryVerdict, at: int, model: RegisteredModel
) -> None:
    """Whoever kills the canary in its last second must not leave two versions in Production."""

    def die() -> None:
        raise KeyboardInterrupt

    broken = registered_in(MlflowClient())
    before_change(broken.client, at, die)
    with pytest.raises(KeyboardInterrupt):
        conclude(broken, canary(verdict), approval=False)
    conclude(model, canary(verdict), approval=False)
    assert registry.aliases(model) == AFTER[verdict]
    last = [one.action for one in registry.history(model)[:2]]
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
