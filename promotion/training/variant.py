"""One variant: trained under an energy meter, evaluated on val, logged with what it came from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from promotion.checksums import sha256_of
from promotion.datasets import PreparedDataset, ground_truth, images_of, log_input, measured_on
from promotion.detection import Detector, Seen, evaluate
from promotion.store import (
    Artifact,
    Session,
    Tag,
    library_versions,
    list_model,
    log_measures,
    log_parameters,
    log_table,
    set_tags,
)
from promotion.study import OperatingPoint, Variant
from promotion.training.checkpoints import starting_weights
from promotion.training.energy import Energy, energy_meter

if TYPE_CHECKING:
    from promotion.training.trainer import TrainedModel

EPOCH_METRICS = ("train/box_loss", "metrics/mAP50B")


@dataclass(frozen=True)
class Trained:
    """A variant with its model, what it cost, and the threads it was trained with."""

    variant: Variant
    model: TrainedModel
    energy: Energy
    threads: int


@dataclass(frozen=True)
class Evaluated:
    """What a trained model saw on val; `measured` is the SHA-256 of the file that saw it."""

    seen: Seen
    measured: str


def train_variant(
    session: Session, variant: Variant, dataset: PreparedDataset, threads: int
) -> Trained:
    """Fine-tune the study's starting model as the variant says.

    Raises:
        PromotionError: there is no usable starting model.
    """
    # Importing torch takes seconds, and only training needs it.
    from promotion.training.trainer import train

    start = starting_weights(session.study.model, session.home)
    settings = session.study.training
    with energy_meter() as energy:
        model = train(variant, settings, start, dataset.data_yaml, session.scratch, threads)
    return Trained(variant, model, energy, threads)


def evaluate_variant(trained: Trained, dataset: PreparedDataset, rule: OperatingPoint) -> Evaluated:
    """Show val to the exported model; the study's rule chooses its operating threshold there."""
    detector = Detector(trained.model.onnx, trained.threads)
    images, truth = images_of(dataset.folder, "val"), ground_truth(dataset.folder, "val")
    return Evaluated(evaluate(detector, images, truth, rule), detector.sha256)


def record_variant(
    session: Session, dataset: PreparedDataset, trained: Trained, evaluated: Evaluated
) -> None:
    """Log a variant: settings asked and applied, weights, metrics on val, costs."""
    client, run_id, model = session.client, session.run_id, trained.model
    settings = session.study.training.model_dump()
    asked = {"model": session.study.model.name, **trained.variant.parameters, **settings}
    log_parameters(client, run_id, {**asked, **model.applied, "threads": trained.threads})
    for split, context in (("train", "training"), ("val", "validation")):
        log_input(dataset, split, context)
    for file, path in ((model.onnx, Artifact.MODEL), (model.checkpoint, Artifact.CHECKPOINT)):
        client.log_artifact(run_id, str(file), path.rpartition("/")[0])
    if trained.variant.split_seed is not None:
        # No other run has these pictures in val.
        log_table(client, run_id, Artifact.ground_truth("val"), evaluated.seen.ground_truth)
    log_table(client, run_id, Artifact.detections("val"), evaluated.seen.detections)
    costs = {"energy_wh": trained.energy.watt_hours, "train_seconds": trained.energy.seconds}
    measures = {
        measured_on(dataset.manifest, "val"): evaluated.seen.metrics(),
        measured_on(dataset.manifest, "train"): costs,
        None: {"model_mb": model.onnx.stat().st_size / 1e6},
    }
    tags = {
        Tag.WEIGHTS_SHA256: sha256_of(model.onnx),
        Tag.MEASURED_SHA256: evaluated.measured,
        Tag.CHECKPOINT_SHA256: sha256_of(model.checkpoint),
        Tag.PARAMETERS_SHA256: model.parameters_sha256,
        Tag.ENERGY_METHOD: trained.energy.method,
        Tag.LIBRARIES: json.dumps(library_versions()),
    }
    set_tags(client, run_id, tags)
    list_model(client, client.get_run(run_id))
    log_measures(client, run_id, measures)


def load_history(session: Session, run_id: str = "") -> pd.DataFrame:
    """Training loss and val mAP of a run, as Ultralytics logged them, indexed by epoch."""
    columns = {}
    for metric in EPOCH_METRICS:
        history = session.client.get_metric_history(run_id or session.run_id, metric)
        columns[metric] = pd.Series({point.step + 1: point.value for point in history}, dtype=float)
    return pd.DataFrame(columns)
