"""The Model Registry: aliases are the truth, a transition happens whole, and history is kept.

MLflow changes one alias at a time, so a transition first writes down what it will do. Whoever comes
next finds what a killed process left and finishes it. The note is a registered model of its own,
there only during a transition: creating one is what MLflow does atomically, so it is the lock too.
"""

from __future__ import annotations

import platform
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Literal

import mlflow
import pooch
from mlflow.entities import model_registry
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode
from pydantic import Field, ValidationError

from promotion.checksums import digest_of
from promotion.errors import RegistryError
from promotion.facts import Fact, Note
from promotion.locks import alone
from promotion.registry.model import RegisteredModel
from promotion.store import (
    PREVIOUS,
    PRODUCTION,
    STAGING,
    VersionTag,
    every_page,
    moment,
    user_and_machine,
)

Place = Literal["staging", "production", "left", "none"]
Action = Literal["stage", "promote", "withdraw", "approve", "rollback"]
Aliases = dict[str, str]

ALIASES = (PREVIOUS, PRODUCTION, STAGING)
ASKED_BY_A_PERSON = ("approve", "rollback")
EVENT, HOST = "event", "host"
# A transition takes a second; a note this old from another machine is that of a dead process.
LEASE = timedelta(minutes=5)
PATIENCE_S = 60.0
AGAIN = "run the same command again"
# MLflow takes neither + nor ( in the key of a tag, and SQL servers cut long values.
LONGEST_REASON = 500


class Event(Fact):
    """A transition: what was done to which version, by whom, when (UTC) and why.

    `because` are the facts behind a reason that no person gave; `before` and `after` map aliases to
    version numbers. `previous` is the digest of the event before it, so that a forged or deleted
    one shows.
    """

    action: Action
    version: str
    who: str
    when: str
    why: str
    because: Note | None = None
    before: Aliases
    after: Aliases
    previous: str = ""

    @property
    def digest(self) -> str:
        """What the next event says of this one."""
        return digest_of(self.model_dump(mode="json"))


class History(Fact):
    """All transitions, newest first, and what is wrong with their record.

    `damaged` counts records that cannot be read, `broken` events whose predecessor is not the one
    they were made after; `by_hand` maps aliases that somebody else moved to where they stand.
    """

    events: list[Event]
    damaged: int = 0
    broken: int = 0
    by_hand: Aliases = Field(default={})


def versions(model: RegisteredModel) -> list[ModelVersion]:
    """All versions of the registered model, newest first."""
    named = f"name = '{model.name}'"
    found = every_page(lambda token: model.client.search_model_versions(named, page_token=token))
    return sorted(found, key=lambda one: int(one.version), reverse=True)


def version(model: RegisteredModel, number: str) -> ModelVersion:
    """The version of this number.

    Raises:
        RegistryError: there is none.
    """
    found = next((one for one in versions(model) if str(one.version) == number), None)
    if found is None:
        raise RegistryError(f"{model.name} has no version {number}")
    return found


def aliases(model: RegisteredModel) -> Aliases:
    """The version's number of each alias; none if nothing was ever registered."""
    models = model.client.search_registered_models(f"name = '{model.name}'")
    return {alias: str(number) for model in models for alias, number in model.aliases.items()}


def history(model: RegisteredModel) -> list[Event]:
    """All transitions of all versions that can be read, newest first."""
    return read_history(model).events


def read_history(model: RegisteredModel) -> History:
    """All transitions, newest first, checked against each other and against the aliases."""
    events, damaged = [], 0
    for one in versions(model):
        for key, value in one.tags.items():
            if key.startswith(f"{EVENT}."):
                event = _readable(value)
                damaged += event is None
                events += [event] if event else []
    events.sort(key=lambda event: event.when, reverse=True)
    broken = sum(later.previous not in ("", earlier.digest) for later, earlier in pairwise(events))
    if events and events[-1].previous:
        broken += 1
    now, expected = aliases(model), events[0].after if events else {}
    moved = {
        alias: now.get(alias, "") for alias in ALIASES if now.get(alias) != expected.get(alias)
    }
    return History(events=events, damaged=damaged, broken=broken, by_hand=moved)


def _readable(value: str) -> Event | None:
    try:
        return Event.model_validate_json(value)
    except ValidationError:
        return None


def place_of(model: RegisteredModel, number: str) -> Place:
    """Where a version stands: staged, in Production, gone from Production, or in none of these."""
    found = aliases(model)
    if found.get(PRODUCTION) == number:
        return "production"
    if any(event.action in ("promote", "approve") for event in _events(model, number)):
        return "left"
    return "staging" if found.get(STAGING) == number else "none"


def champion_of(model: RegisteredModel, number: str) -> str | None:
    """The version that this one stands against: in Production, or before it was there itself."""
    found = aliases(model)
    in_place = found.get(PRODUCTION)
    return found.get(PREVIOUS) if in_place == number else in_place


def stage(
    model: RegisteredModel, number: str, why: str, because: Note | None = None
) -> Event | None:
    """Give a new version the alias `staging`; one that was staged before keeps its place."""

    def plan(before: Aliases) -> Aliases:
        return {**before, STAGING: number}

    if _events(model, number):
        recover(model)
        return None
    return _transition(model, "stage", lambda before: number, plan, why, because)


def promote(
    model: RegisteredModel, number: str, why: str, because: Note | None = None
) -> Event | None:
    """Move `production` to the staged version; the one that was there becomes `previous`."""

    def plan(before: Aliases) -> Aliases:
        if before.get(PRODUCTION) == number:
            return before
        if before.get(STAGING) != number:
            raise RegistryError(
                f"version {number} is not staged any more; run `python -m promotion canary` again"
            )
        return _with_in_production(before, number)

    return _transition(model, "promote", lambda before: number, plan, why, because)


def withdraw(
    model: RegisteredModel, number: str, why: str, because: Note | None = None
) -> Event | None:
    """Take the alias `staging` from a version; Production stays as it is."""

    def plan(before: Aliases) -> Aliases:
        return _without(before, STAGING) if before.get(STAGING) == number else before

    return _transition(model, "withdraw", lambda before: number, plan, why, because)


def approve(model: RegisteredModel, why: str) -> Event:
    """Put the staged version in Production, as a person who agrees to it.

    Raises:
        RegistryError: no version is staged, or the canary has not said *go*.
    """

    def staged(before: Aliases) -> str:
        if STAGING not in before:
            raise RegistryError("nothing to approve: no version has the alias staging")
        number = before[STAGING]
        if version(model, number).tags.get(VersionTag.CANARY) != "go":
            raise RegistryError(
                f"version {number} cannot be approved: the canary has not said go; "
                "run `python -m promotion canary` first"
            )
        return number

    def plan(before: Aliases) -> Aliases:
        return _with_in_production(before, before[STAGING])

    event = _transition(model, "approve", staged, plan, why)
    assert event is not None
    return event


def roll_back(model: RegisteredModel, why: str) -> Event:
    """Put `previous` back in Production.

    Raises:
        RegistryError: there is nothing to go back to.
    """

    def leaving(before: Aliases) -> str:
        if PREVIOUS not in before or PRODUCTION not in before:
            raise RegistryError(
                "nothing to go back to: no version has the alias previous; "
                "`python -m promotion status` shows what there is"
            )
        return before[PRODUCTION]

    def plan(before: Aliases) -> Aliases:
        return {**_without(before, PREVIOUS), PRODUCTION: before[PREVIOUS]}

    event = _transition(model, "rollback", leaving, plan, why)
    assert event is not None
    return event


def recover(model: RegisteredModel) -> None:
    """Finish what a killed process left half done; do nothing if there is nothing.

    Raises:
        RegistryError: another machine is at work in the registry.
    """
    with _one_at_a_time(model):
        _finish_what_was_left(model)


def _transition(
    model: RegisteredModel,
    action: Action,
    subject: Callable[[Aliases], str],
    plan: Callable[[Aliases], Aliases],
    why: str,
    because: Note | None = None,
) -> Event | None:
    """Carry a change of aliases out, whole; None if there is nothing to change."""
    with _one_at_a_time(model):
        left = _finish_what_was_left(model)
        if left and left.action == action and action in ASKED_BY_A_PERSON:
            # The same command, given again after it was killed.
            return left
        _begin(model)
        try:
            before = aliases(model)
            number = subject(before)
            after = plan(before)
        except BaseException:
            model.client.delete_registered_model(model.transition)
            raise
        if after == before:
            model.client.delete_registered_model(model.transition)
            return None
        past = history(model)
        event = Event(
            action=action,
            version=number,
            who=user_and_machine(),
            when=moment(past[0].when if past else ""),
            why=textwrap.shorten(why, LONGEST_REASON),
            because=because,
            before=before,
            after=after,
            previous=past[0].digest if past else "",
        )
        model.client.set_registered_model_tag(model.transition, EVENT, event.model_dump_json())
        _carry_out(model, event)
        return event


def _carry_out(model: RegisteredModel, event: Event) -> None:
    """Do what the note says; done again, it changes nothing."""
    now = aliases(model)
    for alias in ALIASES:
        target = event.after.get(alias)
        if target is None and alias in now:
            model.client.delete_registered_model_alias(model.name, alias)
        elif target is not None and now.get(alias) != target:
            model.client.set_registered_model_alias(model.name, alias, target)
    _mirror_stages(model, event.after)
    key = f"{EVENT}.{event.when}"
    model.client.set_model_version_tag(model.name, event.version, key, event.model_dump_json())
    model.client.delete_registered_model(model.transition)


def _begin(model: RegisteredModel) -> None:
    try:
        model.client.create_registered_model(model.transition, tags={HOST: platform.node()})
    except MlflowException as error:
        if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS):
            raise
        raise RegistryError("another machine is changing the registry just now; " + AGAIN) from None


def _finish_what_was_left(model: RegisteredModel) -> Event | None:
    """Carry out what a killed process began; None if there is nothing, or nothing legible."""
    note = _note(model)
    if note is None:
        return None
    begun = datetime.fromtimestamp(note.creation_timestamp / 1000, UTC)
    host = note.tags.get(HOST, "another machine")
    # On this machine nobody else is at work now; another one is given time, by whichever clock.
    if host != platform.node() and abs(datetime.now(UTC) - begun) < LEASE:
        until = f"{begun + LEASE:%H:%M:%S}"
        raise RegistryError(
            f"{host} is changing the registry, and has until {until} UTC to end that; {AGAIN} then"
        )
    event = _readable(note.tags.get(EVENT, ""))
    if event is not None:
        _carry_out(model, event)
    else:
        # Nothing was begun, or nobody can read what.
        model.client.delete_registered_model(model.transition)
    return event


def _note(model: RegisteredModel) -> model_registry.RegisteredModel | None:
    found = model.client.search_registered_models(f"name = '{model.transition}'")
    return found[0] if found else None


@contextmanager
def _one_at_a_time(model: RegisteredModel) -> Iterator[None]:
    """Let one process of this machine change this model; a killed one lets go by itself."""
    uri = mlflow.get_registry_uri()
    name = f"registry-{digest_of({'registry': uri, 'model': model.name})[:16]}.lock"
    embedded = uri.removeprefix("sqlite:///")
    # Beside the store, or in a folder of this user's own: anybody may write to the common one.
    place = Path(embedded).parent if embedded != uri else Path(pooch.os_cache("promotion"))
    place.mkdir(parents=True, exist_ok=True)
    with alone(place / name, PATIENCE_S):
        yield


def _mirror_stages(model: RegisteredModel, after: Mapping[str, str]) -> None:
    """Set MLflow's deprecated stages beside the aliases; to be dropped with them."""
    if not hasattr(model.client, "transition_model_version_stage"):
        return
    stages = {PREVIOUS: "Archived", STAGING: "Staging", PRODUCTION: "Production"}
    wanted = {after[alias]: stage for alias, stage in stages.items() if alias in after}
    for one in versions(model):
        number, now = str(one.version), one.current_stage
        target = wanted.get(number, "None" if now == "None" else "Archived")
        if now != target:
            model.client.transition_model_version_stage(model.name, number, target)


def _events(model: RegisteredModel, number: str) -> list[Event]:
    return [event for event in history(model) if event.version == number]


def _with_in_production(before: Aliases, number: str) -> Aliases:
    after = {**_without(before, STAGING), PRODUCTION: number}
    if PRODUCTION in before:
        after[PREVIOUS] = before[PRODUCTION]
    return after


def _without(found: Aliases, alias: str) -> Aliases:
    return {key: number for key, number in found.items() if key != alias}
