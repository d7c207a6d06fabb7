"""The canary's edge to MLflow: opens its contenders and pictures, records how it went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from mlflow.tracking import MlflowClient

from promotion import registry, tracking
from promotion.canary import (
    SIDES,
    CanaryResult,
    Contender,
    Course,
    Promise,
    behaviour,
    side_metrics,
)
from promotion.datasets import Manifest, PreparedDataset, ground_truth, images_of, prepare
from promotion.datasets.integrity import check_unseen
from promotion.decision import Decision
from promotion.document import canary_sentence, complete
from promotion.errors import DatasetError, MissingRunsError, RegistryError
from promotion.evidence import Evidence
from promotion.records import load_campaign, load_images, log_input
from promotion.serving import open_onnx
from promotion.session import Session
from promotion.tracking import Artifact, Role, Tag, VersionTag


@dataclass(frozen=True)
class Trial:
    """What a canary needs: the contenders, the pictures, and the challenger's behaviour on test."""

    challenger: Contender
    champion: Contender
    champion_version: str | None
    dataset: PreparedDataset
    warnings: list[str]
    images: list[Path]
    ground_truth: pd.DataFrame
    promise: Promise


def open_trial(session: Session, decision: Decision, evidence: Evidence) -> Trial:
    """Load the registered challenger and champion, and pictures that neither has seen.

    The champion is the version in Production; without one, the study's baseline.

    Raises:
        ChecksumError: a model is not the one that was registered or evaluated.
        DatasetError: a picture was seen before.
        RegistryError: nothing is registered, or the study has no canary.
    """
    rules, client = session.study.canary, session.client
    if decision.model_version is None or rules is None:
        missing = "the study has no section canary" if rules is None else "nothing is registered"
        raise RegistryError(f"no canary to run: {missing}")
    dataset = prepare(rules.dataset, session.home)
    log_input(dataset, "canary", "canary")
    digests = [evidence.dataset_digest]
    number = registry.champion_of(client, decision.model_version)
    if number is None:
        run = evidence.run(decision.baseline.run_name)
        onnx = tracking.artifact(client, run.run_id, Artifact.MODEL)
        model = open_onnx(onnx, run.weights_sha256)
        champion = Contender(run.run_name, model, run.metrics["threshold"])
    else:
        champion = registry.open_version(client, number)
        digests.append(registry.version(client, number).tags[VersionTag.DATASET_DIGEST])
    run_id = decision.candidate.run_id
    seen = tracking.load_table(client, run_id, Artifact.detections("test"))
    challenger = registry.open_version(client, decision.model_version)
    campaign = load_campaign(session, [run_id])
    return Trial(
        challenger=challenger,
        champion=champion,
        champion_version=number,
        dataset=dataset,
        warnings=_check_unseen(session, dataset.manifest, digests),
        images=_in_order(
            images_of(dataset.folder, "canary"),
            _shown_before(session, decision.model_version),
            rules.dataset.seed,
        ),
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
    earlier = tracking.tested(session.client, session.study.experiment, number)
    if earlier is None:
        return []
    observations = tracking.load_table(session.client, earlier.info.run_id, Artifact.OBSERVATIONS)
    return [str(name) for name in observations["image"]]


def _in_order(images: Sequence[Path], shown: Sequence[str], seed: int) -> list[Path]:
    """The pictures shown before, in their order, then the new ones in an order the seed draws.

    So a canary that is given more pictures goes on with the sequential tests where they stood.
    """
    place = {name: number for number, name in enumerate(shown)}
    drawn = [images[index] for index in np.random.default_rng(seed).permutation(len(images))]
    return sorted(drawn, key=lambda path: place.get(path.name, len(place)))


def _check_unseen(session: Session, manifest: Manifest, digests: Sequence[str]) -> list[str]:
    """The warnings of the canary's pictures; those that a contender's study used are an error."""
    findings = list(manifest.findings)
    for digest in dict.fromkeys(digests):
        findings += check_unseen(manifest, _load_manifest(session.client, digest))
    seen = [finding.message for finding in findings if finding.severity == "error"]
    if seen:
        raise DatasetError("\n".join(f"canary: {message}" for message in seen))
    return [finding.message for finding in findings]


def _load_manifest(client: MlflowClient, digest: str) -> Manifest:
    """The manifest of a dataset by its digest, whichever experiment used it."""
    tags = {Tag.ROLE: Role.DATASET, Tag.DATASET_DIGEST: digest, Tag.COMPLETE: "true"}
    for experiment in client.search_experiments():
        for run in tracking.search(client, experiment.name, tags, most=1):
            path = tracking.artifact(client, run.info.run_id, Artifact.MANIFEST)
            return Manifest.model_validate_json(path.read_text(encoding="utf-8"))
    raise MissingRunsError(f"no experiment has the dataset run {digest[:12]}; run the study again")


def record_canary(
    session: Session, decision: Decision, trial: Trial, course: Course
) -> CanaryResult:
    """Log the canary: its result, what each model did on each picture, and a value a look."""
    client, run_id, rules = session.client, session.run_id, session.study.canary
    assert rules is not None
    assert decision.model_version is not None
    result = CanaryResult(
        verdict=course.verdict,
        version=decision.model_version,
        challenger=trial.challenger.name,
        champion=trial.champion.name,
        champion_version=trial.champion_version,
        dataset_source=trial.dataset.manifest.source,
        dataset_digest=trial.dataset.manifest.digest,
        dataset_warnings=trial.warnings,
        images_available=len(trial.images),
        looks=course.looks,
        images_needed=course.images_needed,
        metrics={side: side_metrics(course.observations, side) for side in SIDES},
        rules=rules,
        confidence=session.study.policy.confidence,
        hardware=tracking.hardware(),
    )
    tracking.log_bytes(client, run_id, Artifact.CANARY, result.model_dump_json(indent=1).encode())
    observations = course.observations.rename_axis("image").reset_index()
    tracking.log_table(client, run_id, Artifact.OBSERVATIONS, observations)
    for look in course.looks:
        for one in look.criteria:
            client.log_metric(run_id, f"canary/{one.name}", one.value, step=look.images)
    for side, metrics in result.metrics.items():
        tracking.log_values(
            client, run_id, {f"canary/{side}_{name}": value for name, value in metrics.items()}
        )
    tracking.set_tags(
        client, run_id, {Tag.VERSION: decision.model_version, Tag.CANARY: course.verdict}
    )
    return result


def conclude(
    session: Session, decision: Decision, evidence: Evidence, result: CanaryResult
) -> Decision:
    """Carry the canary's verdict out in the registry; the decision with what came of it."""
    client, number = session.client, result.version
    approval = session.study.policy.approval
    registry.conclude(client, number, result.verdict, canary_sentence(result), approval)
    carried_out = {"canary": result, "place": registry.place_of(client, number)}
    return complete(decision.model_copy(update=carried_out), evidence)
