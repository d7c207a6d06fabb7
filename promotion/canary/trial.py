"""The canary's edge to MLflow: opens its contenders and pictures, records how it went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from mlflow.tracking import MlflowClient

from promotion.canary.run import CanaryResult, Course, behaviour, run_canary
from promotion.canary.stability import SIDES, Promise, side_metrics
from promotion.comparison import Evidence, load_campaign, load_images
from promotion.datasets import (
    Manifest,
    PreparedDataset,
    check_unseen,
    ground_truth,
    images_of,
    log_input,
    prepare,
    slices_of,
)
from promotion.decision import Decision
from promotion.detection import Seen, Telling, see, telling_images
from promotion.errors import DatasetError, MissingRunsError, RegistryError
from promotion.facts import Note
from promotion.registry import (
    STAGING,
    Contender,
    Event,
    RegisteredModel,
    aliases,
    champion_of,
    open_onnx,
    open_version,
    promote,
    recover,
    registered_model,
    version,
    withdraw,
)
from promotion.registry.registration import Registration
from promotion.store import (
    Artifact,
    Role,
    Session,
    Tag,
    VersionTag,
    artifact,
    experiments,
    hardware,
    load_fact,
    load_table,
    log_fact,
    log_table,
    log_values,
    newest,
    set_tags,
    tested,
)
from promotion.study import Canary


@dataclass(frozen=True)
class Trial:
    """What a canary needs: the contenders, the pictures, and the challenger's behaviour on test."""

    version: str
    challenger: Contender
    champion: Contender
    champion_version: str | None
    dataset: PreparedDataset
    findings: list[Note]
    images: list[Path]
    groups: dict[str, str]
    ground_truth: pd.DataFrame
    promise: Promise


def open_trial(
    session: Session, registration: Registration, decision: Decision, evidence: Evidence
) -> Trial:
    """Load the registered challenger and champion, and pictures that neither has seen.

    The champion is the version in Production; without one, the study's baseline.

    Raises:
        ChecksumError: a model is not the one that was registered or evaluated.
        DatasetError: a picture was seen before.
        RegistryError: nothing is registered, or the study has no canary.
    """
    rules, client = session.study.canary, session.client
    model = registered_model(session)
    if registration.version is None or rules is None:
        missing = "the study has no section canary" if rules is None else "nothing is registered"
        raise RegistryError(f"no canary to run: {missing}")
    dataset = prepare(rules.dataset, session.home)
    log_input(dataset, "canary", "canary")
    digests = [evidence.dataset_digest]
    number = champion_of(model, registration.version)
    if number is None:
        run = evidence.run(decision.baseline.run_name)
        onnx = artifact(client, run.run_id, Artifact.MODEL)
        detector = open_onnx(onnx, run.weights_sha256)
        champion = Contender(run.run_name, detector, run.metrics["threshold"])
    else:
        champion = open_version(model, number)
        digests.append(version(model, number).tags[VersionTag.DATASET_DIGEST])
    run_id = decision.candidate.run_id
    seen = load_table(client, run_id, Artifact.detections("test"))
    challenger = open_version(model, registration.version)
    campaign = load_campaign(session, [run_id])
    return Trial(
        version=registration.version,
        challenger=challenger,
        champion=champion,
        champion_version=number,
        dataset=dataset,
        findings=_check_unseen(session, dataset.manifest, digests),
        images=_in_order(
            images_of(dataset.folder, "canary"),
            dataset.manifest.groups_in("canary"),
            _shown_before(session, registration.version),
            rules.dataset.seed,
        ),
        groups=dataset.manifest.groups_in("canary"),
        ground_truth=ground_truth(dataset.folder, "canary"),
        promise=Promise(
            evidence.test_metrics[decision.candidate.run_name]["precision"],
            behaviour(
                seen[seen["confidence"] >= challenger.threshold],
                [path.name for path in load_images(session, campaign, "test")],
            ),
        ),
    )


def _shown_before(session: Session, number: str) -> list[str]:
    """The names of the pictures that an earlier canary showed this version, as it showed them."""
    earlier = tested(session.client, session.study, number)
    if earlier is None:
        return []
    observations = load_table(session.client, earlier.info.run_id, Artifact.OBSERVATIONS)
    return [str(name) for name in observations["image"]]


def _in_order(
    images: Sequence[Path], groups: Mapping[str, str], shown: Sequence[str], seed: int
) -> list[Path]:
    """The pictures shown before, in their order, then the new ones in an order the seed draws.

    So a canary that is given more pictures goes on with the sequential tests where they stood. The
    pictures of a group stand together, in the order of their names.
    """
    members: dict[str, list[Path]] = {}
    for path in images:
        members.setdefault(groups.get(path.name, path.name), []).append(path)
    drawn = np.random.default_rng(seed).permutation(len(members))
    order = [path for index in drawn for path in list(members.values())[index]]
    place = {name: number for number, name in enumerate(shown)}
    return sorted(order, key=lambda path: place.get(path.name, len(place)))


def _check_unseen(session: Session, manifest: Manifest, digests: Sequence[str]) -> list[Note]:
    """The warnings of the canary's pictures; those that a contender's study used are an error."""
    errors, findings = [], list(manifest.findings)
    for digest in dict.fromkeys(digests):
        seen, alike = check_unseen(manifest, _load_manifest(session.client, digest))
        errors += seen
        findings += alike
    if errors:
        raise DatasetError("\n".join(f"canary: {error}" for error in errors))
    return findings


def _load_manifest(client: MlflowClient, digest: str) -> Manifest:
    """The manifest of a dataset by its digest, whichever experiment used it."""
    tags = {Tag.ROLE: Role.DATASET, Tag.DATASET_DIGEST: digest, Tag.COMPLETE: "true"}
    for experiment in experiments(client):
        run = newest(client, experiment, tags)
        if run is not None:
            return load_fact(client, run.info.run_id, Artifact.MANIFEST, Manifest)
    raise MissingRunsError(f"no experiment has the dataset run {digest[:12]}; run the study again")


def record_canary(session: Session, trial: Trial, course: Course) -> CanaryResult:
    """Log the canary: its result, what each model did on each picture, and a value a look."""
    client, run_id, rules = session.client, session.run_id, session.study.canary
    assert rules is not None
    result = CanaryResult(
        verdict=course.verdict,
        version=trial.version,
        challenger=trial.challenger.name,
        champion=trial.champion.name,
        champion_version=trial.champion_version,
        dataset_source=trial.dataset.manifest.source,
        dataset_digest=trial.dataset.manifest.digest,
        dataset_findings=trial.findings,
        images_available=len(trial.images),
        looks=course.looks,
        images_needed=course.images_needed,
        metrics={side: side_metrics(course.observations, side) for side in SIDES},
        rules=rules,
        confidence=session.study.policy.confidence,
        hardware=hardware(),
    )
    log_fact(client, run_id, Artifact.CANARY, result)
    observations = course.observations.rename_axis("image").reset_index()
    log_table(client, run_id, Artifact.OBSERVATIONS, observations)
    slices = slices_of(trial.dataset.folder, "canary")
    log_table(client, run_id, Artifact.slices("canary"), slices)
    for look in course.looks:
        for one in look.criteria:
            client.log_metric(run_id, f"canary/{one.name}", one.value, step=look.images)
    for side, metrics in result.metrics.items():
        values = {f"canary/{side}_{name}": value for name, value in metrics.items()}
        log_values(client, run_id, values)
    tags = {
        Tag.REGISTERED_MODEL: session.study.model.registered_name,
        Tag.VERSION: trial.version,
        Tag.CANARY: course.verdict,
    }
    set_tags(client, run_id, tags)
    return result


def run_trial(trial: Trial, rules: Canary, confidence: float) -> Course:
    """Show both contenders the pictures until the challenger has passed or failed."""
    return run_canary(
        trial.challenger,
        trial.champion,
        trial.images,
        trial.groups,
        trial.ground_truth,
        trial.promise,
        rules,
        confidence,
    )


def seen_by_both(trial: Trial, course: Course) -> dict[str, Seen]:
    """What each contender saw on the pictures it was shown, the challenger first."""
    shown = trial.ground_truth["image"].isin(course.observations.index)
    sides = {"challenger": trial.challenger, "champion": trial.champion}
    return {
        one.name: see(trial.ground_truth[shown], course.detections[side], one.threshold)
        for side, one in sides.items()
    }


def telling_pictures(trial: Trial, models: Mapping[str, Seen]) -> dict[Path, list[Telling]]:
    """The canary's pictures that tell most of the contenders, best first, with their reasons."""
    challenger, champion = models[trial.challenger.name], models[trial.champion.name]
    return telling_images(trial.images, challenger, champion)


def conclude(model: RegisteredModel, result: CanaryResult, approval: bool) -> Event | None:
    """Carry the canary's verdict on the staged version out.

    *go* puts it in Production, unless the policy leaves that to a person's `approval`; *stop* takes
    it out of Staging; *continue* leaves it there. A version that is not staged any more is left
    alone.
    """
    number, verdict, last = result.version, result.verdict, result.last
    if aliases(model).get(STAGING) != number:
        recover(model)
        return None
    model.client.set_model_version_tag(model.name, number, VersionTag.CANARY, verdict)
    why = f"canary {verdict} after {last.images} images and {last.persons} persons"
    because = Note(id=f"canary_{verdict}", facts=facts_of(result))
    if verdict == "stop":
        return withdraw(model, number, why, because)
    if verdict == "go" and not approval:
        return promote(model, number, why, because)
    return None


def facts_of(result: CanaryResult) -> dict[str, object]:
    """How the canary ended, for one sentence: after how much, and why or what is missing."""
    last = result.last
    return {
        "images": last.images,
        "persons": last.persons,
        "champion": result.champion,
        "broken": [one.name for one in last.criteria if one.state == "broken"],
        "open": [one.name for one in last.criteria if one.state == "open"],
        "needed": result.images_needed,
    }
