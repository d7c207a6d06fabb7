"""The canary's verdict, carried out: who enters Production, who leaves Staging, who waits."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from promotion import registry
from promotion.canary import (
    CRITERIA,
    CanaryResult,
    CanaryVerdict,
    Criterion,
    Look,
    conclude,
    facts_of,
)
from promotion.canary.trial import _in_order
from promotion.errors import RegistryError
from promotion.registry import PREVIOUS, PRODUCTION
from promotion.store import VersionTag
from promotion.study import Study
from tests.builders import before_change, connect_to

AFTER = {
    "go": {PREVIOUS: "2", PRODUCTION: "3"},
    "stop": {PREVIOUS: "1", PRODUCTION: "2"},
}
STATES = {"go": "held", "stop": "broken", "continue": "open"}


def result(verdict: CanaryVerdict, smoke: Study, version: str = "3") -> CanaryResult:
    """A canary of the staged version that ended so, by its first criterion alone."""
    criteria = [
        Criterion.model_validate(
            {
                "name": name,
                "value": 0.0,
                "bounds": (-0.1, 0.1),
                "limit": -0.1,
                "evidence_for": 1.0,
                "evidence_against": 0.0,
                "state": "held" if number else STATES[verdict],
                "units": 30,
            }
        )
        for number, name in enumerate(CRITERIA)
    ]
    return CanaryResult(
        verdict=verdict,
        version=version,
        challenger=f"person-detector v{version}",
        champion="person-detector v2",
        champion_version="2",
        dataset_source="street_scenes",
        dataset_digest="c" * 64,
        dataset_findings=[],
        images_available=120,
        looks=[Look(images=30, persons=90, criteria=criteria, verdict=verdict)],
        images_needed=200 if verdict == "continue" else None,
        metrics={"challenger": {"recall": 0.7}, "champion": {"recall": 0.6}},
        rules=smoke.canary,
        confidence=0.95,
        hardware="a processor",
    )


@pytest.fixture
def client(registry_home: Path) -> MlflowClient:
    return connect_to(registry_home)


def test_go_puts_the_version_in_production_and_says_why(client: MlflowClient, smoke: Study) -> None:
    event = conclude(client, result("go", smoke), approval=False)
    assert event is not None
    assert registry.aliases(client) == AFTER["go"]
    assert event.why == "canary go after 30 images and 90 persons"
    assert event.because is not None
    assert (event.because.id, event.because.facts["persons"]) == ("canary_go", 90)


def test_stop_takes_it_out_of_staging_and_leaves_production_alone(
    client: MlflowClient, smoke: Study
) -> None:
    """A bad candidate must cost nobody the version that serves."""
    conclude(client, result("stop", smoke), approval=False)
    assert registry.aliases(client) == AFTER["stop"]
    event = registry.history(client)[0]
    assert event.action == "withdraw"
    assert event.because is not None
    assert event.because.facts["broken"] == [CRITERIA[0]]
    assert registry.version(client, "3").tags[VersionTag.CANARY] == "stop"


def test_an_open_canary_leaves_the_version_where_it_is(client: MlflowClient, smoke: Study) -> None:
    before, history = registry.aliases(client), registry.history(client)
    assert conclude(client, result("continue", smoke), approval=False) is None
    assert (registry.aliases(client), registry.history(client)) == (before, history)
    with pytest.raises(RegistryError, match="the canary has not said go"):
        registry.approve(client, "impatient")


def test_with_approval_a_go_waits_for_a_person(client: MlflowClient, smoke: Study) -> None:
    assert conclude(client, result("go", smoke), approval=True) is None
    assert registry.place_of(client, "3") == "staging"
    registry.approve(client, "seen")
    assert registry.place_of(client, "3") == "production"
    assert registry.history(client)[0].why == "seen"


def test_the_verdict_on_a_version_that_is_not_staged_moves_nothing(
    client: MlflowClient, smoke: Study
) -> None:
    """A canary that ran long must not push aside what was put in Production meanwhile."""
    before = registry.aliases(client)
    assert conclude(client, result("go", smoke, version="4"), approval=False) is None
    assert registry.aliases(client) == before
    assert VersionTag.CANARY not in registry.version(client, "4").tags


@pytest.mark.parametrize("verdict", ["go", "stop"])
def test_a_verdict_carried_out_again_changes_nothing(
    verdict: CanaryVerdict, client: MlflowClient, smoke: Study
) -> None:
    conclude(client, result(verdict, smoke), approval=False)
    after, history = registry.aliases(client), registry.history(client)
    assert conclude(client, result(verdict, smoke), approval=False) is None
    assert (registry.aliases(client), registry.history(client)) == (after, history)


@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("verdict", ["go", "stop"])
def test_a_verdict_that_was_cut_off_anywhere_is_finished_by_doing_it_again(
    verdict: CanaryVerdict, at: int, client: MlflowClient, smoke: Study
) -> None:
    """Whoever kills the canary in its last second must not leave two versions in Production."""

    def die() -> None:
        raise KeyboardInterrupt

    broken = MlflowClient()
    before_change(broken, at, die)
    with pytest.raises(KeyboardInterrupt):
        conclude(broken, result(verdict, smoke), approval=False)
    conclude(client, result(verdict, smoke), approval=False)
    assert registry.aliases(client) == AFTER[verdict]
    last = [one.action for one in registry.history(client)[:2]]
    assert last == [{"go": "promote", "stop": "withdraw"}[verdict], "stage"]


def test_the_facts_of_a_canary_name_what_broke_or_what_is_open(smoke: Study) -> None:
    assert facts_of(result("stop", smoke))["broken"] == [CRITERIA[0]]
    still = facts_of(result("continue", smoke))
    assert (still["open"], still["needed"]) == ([CRITERIA[0]], 200)
    assert facts_of(result("go", smoke))["broken"] == facts_of(result("go", smoke))["open"] == []


def test_a_canary_that_goes_on_shows_first_what_it_showed_before() -> None:
    """The sequential tests hold only if no result chose the order of the pictures."""
    images = [Path(f"{number:02d}.jpg") for number in range(20)]
    first = _in_order(images[:8], {}, [], seed=3)
    assert first == _in_order(images[:8], {}, [], seed=3)
    assert first != images[:8]
    longer = _in_order(images, {}, [path.name for path in first], seed=3)
    assert longer[:8] == first
    assert sorted(longer) == images
