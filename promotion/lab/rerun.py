"""The lab run again as its students ran it: Ultralytics left to itself, and their own logging."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import mlflow
import pandas as pd

from promotion.audit import (
    Experiment,
    OperatingFacts,
    RecallCounts,
    known_to_the_start,
    read_experiment,
)
from promotion.checksums import digest_of
from promotion.comparison import SplitFacts
from promotion.datasets import PreparedDataset, prepare
from promotion.detection import MOST_BOXES
from promotion.store import Role, Tag, connect, make_readable, newest
from promotion.study import Study, Variant
from promotion.training import starting_point
from promotion.training.trainer import own_callbacks_only
from promotion.training.yolo import open_checkpoint, quiet

COLUMNS = {
    "mAP50": "metrics/mAP50(B)",
    "mAP50-95": "metrics/mAP50-95(B)",
    "precision": "metrics/precision(B)",
    "recall": "metrics/recall(B)",
}


def run_again(study: Study, home: Path, done: Callable[[Variant], None]) -> Experiment:
    """Train the study's variants as the lab did, and read the experiment as the lab judged it.

    The lab logged the last epoch's metrics and kept `best.pt`. A variant that is in MLflow already
    is not trained again. The runs go to the study's experiment with the suffix `_as_in_the_lab`.
    """
    experiment = f"{study.experiment}_as_in_the_lab"
    client = connect(home, experiment)
    make_readable(client, study, experiment)
    dataset = prepare(study.dataset, home)
    start = starting_point(study.model, home)
    # What cannot be opened is found before any run is begun.
    open_checkpoint(start.path)
    for variant in study.variants:
        facts = {
            "parameters": variant.parameters,
            "start": start.sha256,
            "dataset": dataset.manifest.digest,
        }
        fingerprint = digest_of(facts)
        if newest(client, experiment, {Tag.FINGERPRINT: fingerprint, Tag.COMPLETE: "true"}) is None:
            tags = {Tag.ROLE: Role.VARIANT, Tag.FINGERPRINT: fingerprint}
            with mlflow.start_run(run_name=variant.run_name, tags=tags):
                _train_and_log(variant, start.path, dataset, home / "lab" / variant.run_name)
                mlflow.set_tag(Tag.COMPLETE, "true")
        done(variant)
    return _as_judged(read_experiment(client, experiment), study, dataset)


def _train_and_log(variant: Variant, start: Path, dataset: PreparedDataset, folder: Path) -> None:
    """What a student's loop does for one variant, inside its MLflow run."""
    mlflow.log_params(variant.parameters)
    with quiet(), own_callbacks_only():
        open_checkpoint(start).train(
            data=str(dataset.data_yaml),
            project=str(folder.parent.resolve()),
            name=folder.name,
            exist_ok=True,
            device="cpu",
            plots=False,
            verbose=False,
            **variant.parameters,
        )
    last = pd.read_csv(folder / "results.csv", skipinitialspace=True).iloc[-1]
    mlflow.log_metrics({name: float(last[column]) for name, column in COLUMNS.items()})
    mlflow.log_artifact(str(folder / "results.csv"))
    mlflow.log_artifact(str(folder / "weights" / "best.pt"), "weights")


def _as_judged(found: Experiment, study: Study, dataset: PreparedDataset) -> Experiment:
    """The experiment with what the lab's document adds: one split for everything, the best run."""
    images, persons = dataset.manifest.images["val"], dataset.manifest.instances["val"]
    variants = {variant.run_name: variant for variant in study.variants}
    runs = [run for run in found.runs if run.name in variants]
    candidate = max(runs, key=lambda run: run.metrics["mAP50"])
    baseline = next(
        run
        for run in runs
        if variants[run.name].configuration == study.baseline_configuration
        and run.seed == candidate.seed
    )
    hits, base = (round(run.metrics["recall"] * persons) for run in (candidate, baseline))
    boxes = hits / max(candidate.metrics["precision"], 1e-9)
    return found.model_copy(
        update={
            "runs": runs,
            "constraints": dict(study.policy.constraints),
            "splits": {"val": SplitFacts(images=images, persons=persons)},
            "selected_on": "val",
            "claimed_on": "val",
            "counts": RecallCounts(candidate=hits, baseline=base, persons=persons, images=images),
            "operating": OperatingFacts(
                threshold=None, boxes_per_image=boxes / images, most_boxes=MOST_BOXES
            ),
            "overlaps": dataset.manifest.findings,
            "known_to_the_start": known_to_the_start(study.dataset.source, study.model.weights),
            "confidence": study.policy.confidence,
        }
    )
