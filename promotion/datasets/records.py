"""What MLflow is told of a dataset: its manifest, its annotations, its pictures, its splits."""

from __future__ import annotations

import mlflow

from promotion.datasets.manifest import SPLITS, Manifest, ground_truth
from promotion.datasets.preparation import PreparedDataset
from promotion.datasets.slices import slices_of
from promotion.store import (
    Artifact,
    MeasuredOn,
    Session,
    Tag,
    log_fact,
    log_table,
    log_values,
    set_tags,
)

EVALUATION_SPLITS = ("val", "test")


def record_dataset(session: Session, dataset: PreparedDataset) -> None:
    """Log the manifest, and the ground truth, slices and pictures that later steps look at."""
    client, run_id, manifest = session.client, session.run_id, dataset.manifest
    log_fact(client, run_id, Artifact.MANIFEST, manifest)
    set_tags(client, run_id, {Tag.TEST_DIGEST: manifest.split_digest("test")})
    for split in EVALUATION_SPLITS:
        truth = ground_truth(dataset.folder, split)
        log_table(client, run_id, Artifact.ground_truth(split), truth)
        log_table(client, run_id, Artifact.slices(split), slices_of(dataset.folder, split))
        client.log_artifacts(run_id, str(dataset.folder / "images" / split), Artifact.images(split))
    for split in SPLITS:
        log_input(dataset, split, "preparation")
        counts = {
            f"{split}_images": manifest.images[split],
            f"{split}_persons": manifest.instances[split],
        }
        log_values(client, run_id, counts)


def log_input(dataset: PreparedDataset, split: str, context: str) -> None:
    """Attach a split to the active run as an MLflow dataset, named by its digest."""
    boxes, known = ground_truth(dataset.folder, split), measured_on(dataset.manifest, split)
    found = mlflow.data.from_pandas(  # type: ignore[attr-defined]
        boxes,
        source=dataset.folder.as_uri(),
        name=known.name,
        digest=known.digest,
    )
    mlflow.log_input(found, context=context)


def measured_on(manifest: Manifest, split: str) -> MeasuredOn:
    """What MLflow calls a split of a dataset."""
    return MeasuredOn(f"{manifest.source}_{split}", manifest.digest[:12])


def person_heights(dataset: PreparedDataset) -> dict[str, list[float]]:
    """The heights of all annotated persons in pixels, a split each."""
    heights = {}
    for split in SPLITS:
        boxes = ground_truth(dataset.folder, split).dropna()
        heights[split] = (boxes["y1"] - boxes["y0"]).tolist()
    return heights
