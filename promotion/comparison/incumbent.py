"""The incumbent: the version in Production, which a candidate replaces, on the same test."""

from __future__ import annotations

from dataclasses import dataclass

from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from promotion.checksums import verify
from promotion.comparison.campaign import (
    Campaign,
    load_ground_truth,
    load_groups,
    load_images,
    load_manifest,
)
from promotion.datasets import Manifest, pictures_seen
from promotion.detection import Detector, Seen, detect_split, see
from promotion.store import (
    PRODUCTION,
    Artifact,
    Role,
    Session,
    Tag,
    VersionTag,
    artifact,
    experiments,
    load_fact,
    newest,
)


@dataclass(frozen=True)
class Incumbent:
    """The version in Production, what it sees on test, and how much of it it knew.

    `known` is the share of these that its training or its choice used, or that resemble one of
    them; None where nobody can tell. On its own study's test it knows what the candidate knows.
    """

    number: str
    run_name: str
    seen: Seen
    known: float | None


def measure_incumbent(session: Session, campaign: Campaign) -> Incumbent | None:
    """The version in Production on the campaign's test.

    None where nothing is in Production, or nothing that can be read any more.

    Raises:
        ChecksumError: its artifact is not the one that was registered.
    """
    client, name = session.client, session.study.model.registered_name
    try:
        version = client.get_model_version_by_alias(name, PRODUCTION)
        run = client.get_run(str(version.run_id))
    except MlflowException:
        return None
    tags = version.tags
    if VersionTag.THRESHOLD not in tags or Tag.WEIGHTS_SHA256 not in run.data.tags:
        return None
    onnx = artifact(client, run.info.run_id, Artifact.MODEL)
    detector = Detector(verify(onnx, run.data.tags[Tag.WEIGHTS_SHA256]))
    table = detect_split(detector, load_images(session, campaign, "test"))
    seen = see(
        load_ground_truth(session, campaign, "test"),
        table,
        float(tags[VersionTag.THRESHOLD]),
        load_groups(session, campaign, "test"),
    )
    known = _known_share(session, campaign, version)
    return Incumbent(str(version.version), str(run.info.run_name), seen, known)


def _known_share(session: Session, campaign: Campaign, version: ModelVersion) -> float | None:
    manifest = load_manifest(session, campaign)
    digest = version.tags.get(VersionTag.DATASET_DIGEST, "")
    if digest == manifest.digest:
        return 0.0
    wanted = {Tag.ROLE: Role.DATASET, Tag.DATASET_DIGEST: digest, Tag.COMPLETE: "true"}
    for experiment in experiments(session.client):
        run = newest(session.client, experiment, wanted)
        if run is not None:
            own = load_fact(session.client, run.info.run_id, Artifact.MANIFEST, Manifest)
            known = pictures_seen(manifest.only(("test",)), own.only(("train", "val")))
            return known / manifest.images["test"]
    return None
