"""The incumbent: the version in Production, which a candidate replaces, on the same test."""

from __future__ import annotations

from mlflow.exceptions import MlflowException

from promotion.checksums import verify
from promotion.comparison.campaign import Campaign, load_ground_truth, load_groups, load_images
from promotion.detection import Detector, Seen, detect_split, see
from promotion.store import (
    PRODUCTION,
    Artifact,
    Session,
    Tag,
    VersionTag,
    artifact,
)


def measure_incumbent(session: Session, campaign: Campaign) -> tuple[str, str, Seen] | None:
    """The number of the version in Production, its run's name and what it sees on test.

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
    return str(version.version), str(run.info.run_name), seen
