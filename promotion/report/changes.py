"""What changed from one decision to the next: origin, policy, who stands, numbers, verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from pydantic import ValidationError

from promotion.errors import MissingRunsError, PromotionError, RegistryError
from promotion.facts import Fact
from promotion.registry import PRODUCTION, RegisteredModel, aliases
from promotion.report.publication import Publication
from promotion.store import Artifact, Role, Tag, VersionTag, artifact, search

Aspect = Literal[
    "verdict", "origin", "policy", "side", "metric", "difference", "gate", "canary", "audit"
]
ORIGIN = ("when", "code", "dataset", "hardware")
PUBLISHING = (Role.CANARY, Role.REGISTRATION, Role.DECISION)


class Change(Fact):
    """One thing that is not as it was: what it is about, its name, and both values.

    None stands for what one of the decisions has not: a gate that is new, a finding that is gone.
    """

    aspect: Aspect
    name: str
    before: Any
    after: Any


def changes(before: Publication, after: Publication) -> list[Change]:
    """What changed between two decisions, the verdict first; nothing where nothing did."""
    return [
        Change(aspect=aspect, name=name, before=old.get(name), after=new.get(name))
        for aspect, old, new in _aspects(before, after)
        for name in {**new, **old}
        if old.get(name) != new.get(name)
    ]


def _aspects(
    before: Publication, after: Publication
) -> Iterator[tuple[Aspect, Mapping[str, Any], Mapping[str, Any]]]:
    told: dict[Aspect, Any] = {
        "verdict": lambda one: {"verdict": one.verdict},
        "origin": lambda one: one.origin.model_dump(include=set(ORIGIN)),
        "policy": lambda one: one.policy.rules,
        "side": lambda one: {
            "candidate": one.candidate.run_name,
            "baseline": one.baseline.run_name,
        },
        "metric": lambda one: one.candidate.metrics,
        "difference": lambda one: {
            found.metric: [found.difference, *found.interval] for found in one.comparison
        },
        "gate": lambda one: {gate.name: gate.state for gate in one.gates},
        "canary": lambda one: {"canary": one.canary.verdict} if one.canary else {},
        "audit": lambda one: {found.id: str(found.passed).lower() for found in one.audit},
    }
    for aspect, tell in told.items():
        yield aspect, tell(before), tell(after)


def read_publication(model: RegisteredModel, reference: str) -> Publication:
    """A decision by what names it: a decision.json, the id of its run, or `production`.

    Raises:
        PromotionError: the file is not a decision's.
        MissingRunsError: no run with this id holds a decision.
        RegistryError: nothing is in Production, or its decision is gone.
    """
    if reference == PRODUCTION:
        return _of_production(model)
    path = Path(reference)
    if path.is_file():
        return _parse(path.read_bytes(), str(path))
    try:
        found = artifact(model.client, reference, Artifact.DECISION_JSON)
    except (MissingRunsError, MlflowException):
        raise MissingRunsError(
            f"{reference[:80]} is no decision: give a decision.json, the id of a run that holds "
            "one, or `production`"
        ) from None
    return _parse(found.read_bytes(), f"run {reference}")


def _of_production(model: RegisteredModel) -> Publication:
    """The newest that was published of the version in Production."""
    number = aliases(model).get(PRODUCTION)
    if number is None:
        raise RegistryError("no version is in Production; run `python -m promotion report` first")
    client = model.client
    version = client.get_model_version(model.name, number)
    study = version.tags.get(VersionTag.STUDY, "")
    if version.run_id:
        source = client.get_run(version.run_id)
        experiment = client.get_experiment(source.info.experiment_id).name
        for publication in published_of(client, experiment, study):
            if publication.model_version == number:
                return publication
    raise RegistryError(f"the decision that led to version {number} is not in MLflow")


def published_of(client: MlflowClient, experiment: str, study: str) -> Iterator[Publication]:
    """What was published of a study, the newest first: after a canary, a registration, a decision.

    Raises:
        PromotionError: one of them cannot be read.
    """
    for role in PUBLISHING:
        for run in search(
            client, experiment, {Tag.STUDY: study, Tag.ROLE: role, Tag.COMPLETE: "true"}
        ):
            found = artifact(client, run.info.run_id, Artifact.DECISION_JSON)
            yield _parse(found.read_bytes(), f"run {run.info.run_id}")


class Decided(Fact):
    """A decision of a study as it was last published, and its run."""

    run_id: str
    publication: Publication


def decisions_of(
    client: MlflowClient, experiment: str, study: str
) -> tuple[list[Decided], list[str]]:
    """A study's decisions, the newest first, and the runs of those that cannot be read any more.

    What a decision's registration and its canary published later stands for it: all three were
    made from the same, of the same candidate.
    """
    last: dict[str, Publication] = {}
    found, unreadable = [], []
    for role in PUBLISHING:
        for run in search(
            client, experiment, {Tag.STUDY: study, Tag.ROLE: role, Tag.COMPLETE: "true"}
        ):
            try:
                content = artifact(client, run.info.run_id, Artifact.DECISION_JSON).read_bytes()
                publication = _parse(content, f"run {run.info.run_id}")
            except PromotionError:
                if role == Role.DECISION:
                    unreadable.append(run.info.run_id)
                continue
            key = publication.origin.model_dump_json() + publication.candidate.run_id
            last.setdefault(key, publication)
            if role == Role.DECISION:
                found.append(Decided(run_id=run.info.run_id, publication=last.pop(key)))
    return found, unreadable


def _parse(content: bytes, name: str) -> Publication:
    try:
        return Publication.model_validate_json(content)
    except ValidationError:
        raise PromotionError(
            f"{name} holds no decision that this version can read; "
            "`python -m promotion decide` makes it anew"
        ) from None
