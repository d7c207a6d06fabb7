"""The campaign: the complete runs of a study's grid as MLflow holds them, and what they saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from promotion.checksums import verify
from promotion.comparison.evidence import FailedVariant, RunFacts, by_configuration
from promotion.datasets import Manifest, measured_on
from promotion.detection import Detector, Seen, latency_metrics, measure_latency, see
from promotion.errors import MissingRunsError
from promotion.store import (
    Artifact,
    Role,
    Session,
    Tag,
    artifact,
    load_fact,
    load_table,
    log_measures,
    newest,
    search,
)
from promotion.study import Study
from promotion.training import load_history

LATENCY_IMAGES = 100


@dataclass(frozen=True)
class Campaign:
    """The complete runs of a study's grid, those that are missing, and the dataset's run."""

    runs: list[RunFacts]
    failed: list[FailedVariant]
    dataset_run: Run
    energy_methods: set[str]

    @property
    def energy_method(self) -> str:
        """Whether all energies were measured by a meter, or some estimated."""
        return "measured" if self.energy_methods == {"measured"} else "estimated"

    def images(self, split: str) -> int:
        """The number of images of a split."""
        return int(self.dataset_run.data.metrics[f"{split}_images"])

    def persons(self, split: str) -> int:
        """The number of persons of a split."""
        return int(self.dataset_run.data.metrics[f"{split}_persons"])

    def run(self, run_name: str) -> RunFacts:
        """The run of this name."""
        return next(run for run in self.runs if run.run_name == run_name)

    @property
    def rivals(self) -> int:
        """How many configurations val can choose from, the baseline being none."""
        return len({run.configuration for run in self.runs}) - 1

    def members(self, configuration: str) -> list[RunFacts]:
        """The runs of one configuration."""
        return by_configuration(self.runs).get(configuration, [])


def load_campaign(session: Session, run_ids: Sequence[str]) -> Campaign:
    """Read the runs of a study from MLflow.

    `run_ids` names the runs; without them the newest complete run of each variant is taken.

    Raises:
        MissingRunsError: MLflow has no complete run of the study, or no dataset run.
    """
    client, study = session.client, session.study
    if run_ids:
        found = [client.get_run(run_id) for run_id in run_ids]
    else:
        tags = {Tag.STUDY: study.name, Tag.ROLE: Role.VARIANT, Tag.COMPLETE: "true"}
        found = search(client, study.experiment, tags)
    by_name = {run.info.run_name: run for run in reversed(found)}
    runs = [by_name[v.run_name] for v in study.variants if v.run_name in by_name]
    if not runs:
        raise MissingRunsError(
            f"experiment {study.experiment} has no complete run of study {study.name}; "
            "run `python -m promotion run` first"
        )
    return Campaign(
        runs=[_facts(run) for run in runs],
        failed=_failures(client, study, {run.info.run_name for run in runs}),
        dataset_run=_dataset_run(client, study, runs[0].data.tags[Tag.DATASET_DIGEST]),
        energy_methods={run.data.tags[Tag.ENERGY_METHOD] for run in runs},
    )


def load_ground_truth(session: Session, campaign: Campaign, split: str) -> pd.DataFrame:
    """The annotated boxes of a split, from the dataset's run."""
    run_id = campaign.dataset_run.info.run_id
    return load_table(session.client, run_id, Artifact.ground_truth(split))


def load_images(session: Session, campaign: Campaign, split: str) -> list[Path]:
    """The pictures of a split, from the dataset's run."""
    run_id = campaign.dataset_run.info.run_id
    return sorted(artifact(session.client, run_id, Artifact.images(split)).iterdir())


def load_manifest(session: Session, campaign: Campaign) -> Manifest:
    """The manifest of the runs' dataset."""
    run_id = campaign.dataset_run.info.run_id
    return load_fact(session.client, run_id, Artifact.MANIFEST, Manifest)


def load_groups(session: Session, campaign: Campaign, split: str) -> dict[str, str]:
    """The groups of a split's images that share one, by the images' names."""
    return load_manifest(session, campaign).groups_in(split)


def load_slices(session: Session, campaign: Campaign, split: str) -> pd.DataFrame:
    """The slices of each picture of a split, indexed by its name: one column a way to slice."""
    run_id = campaign.dataset_run.info.run_id
    return load_table(session.client, run_id, Artifact.slices(split)).set_index("image")


def load_detector(session: Session, run: RunFacts) -> Detector:
    """A run's model, verified to be the one evaluated.

    Raises:
        ChecksumError: the artifact changed since its run.
    """
    path = artifact(session.client, run.run_id, Artifact.MODEL)
    return Detector(verify(path, run.weights_sha256))


def load_seen(
    session: Session, campaign: Campaign, runs: Sequence[RunFacts], split: str
) -> dict[str, Seen]:
    """What each run saw on a split where it was evaluated, by run name.

    A run whose train and val were drawn for it alone brings the annotations of its val.
    """
    client = session.client
    truth = load_ground_truth(session, campaign, split)
    groups = load_groups(session, campaign, split)
    drawn = load_groups(session, campaign, "train") | groups
    seen = {}
    for run in runs:
        own = split == "val" and run.split_seed is not None
        seen[run.run_name] = see(
            load_table(client, run.run_id, Artifact.ground_truth(split)) if own else truth,
            load_table(client, run.run_id, Artifact.detections(split)),
            run.metrics["threshold"],
            drawn if own else groups,
        )
    return seen


def load_val(session: Session, campaign: Campaign) -> dict[str, list[Seen]]:
    """What every run saw on val, by configuration."""
    seen = load_seen(session, campaign, campaign.runs, "val")
    return {
        name: [seen[run.run_name] for run in members]
        for name, members in by_configuration(campaign.runs).items()
    }


def load_histories(session: Session, campaign: Campaign) -> dict[str, pd.DataFrame]:
    """Training loss and val mAP of every run by epoch, by run name."""
    return {run.run_name: load_history(session, run.run_id) for run in campaign.runs}


def measure_latencies(session: Session, campaign: Campaign) -> pd.DataFrame:
    """Milliseconds per image of val and run, measured now, interleaved: one column a run."""
    detectors = {
        run.run_name: (load_detector(session, run), run.metrics["threshold"])
        for run in campaign.runs
    }
    return measure_latency(detectors, load_images(session, campaign, "val")[:LATENCY_IMAGES])


def record_latency(session: Session, campaign: Campaign, milliseconds: pd.DataFrame) -> Campaign:
    """Log each run's latency, relative to the baseline's runs too; the campaign with them."""
    reference = [run.run_name for run in campaign.members(session.study.baseline_configuration)]
    found = latency_metrics(milliseconds, reference or list(milliseconds.columns))
    val = measured_on(load_manifest(session, campaign), "val")
    for run in campaign.runs:
        log_measures(session.client, run.run_id, {val: found[run.run_name]})
    runs = [
        run.model_copy(update={"metrics": {**run.metrics, **found[run.run_name]}})
        for run in campaign.runs
    ]
    return replace(campaign, runs=runs)


def _facts(run: Run) -> RunFacts:
    tags = run.data.tags
    return RunFacts(
        run_name=run.info.run_name,
        run_id=run.info.run_id,
        configuration=tags[Tag.CONFIGURATION],
        params=run.data.params,
        metrics=run.data.metrics,
        weights_sha256=tags[Tag.WEIGHTS_SHA256],
        measured_sha256=tags[Tag.MEASURED_SHA256],
        parameters_sha256=tags[Tag.PARAMETERS_SHA256],
        dataset_digest=tags[Tag.DATASET_DIGEST],
        training_code=tags[Tag.TRAINING_CODE],
    )


def _failures(client: MlflowClient, study: Study, complete: set[str]) -> list[FailedVariant]:
    tags = {Tag.STUDY: study.name, Tag.ROLE: Role.VARIANT}
    runs = search(client, study.experiment, tags)
    last = {run.info.run_name: run for run in reversed(runs)}
    missing = [v.run_name for v in study.variants if v.run_name not in complete]
    return [_failed(name, last.get(name)) for name in missing]


def _failed(name: str, run: Run | None) -> FailedVariant:
    # A complete run that the current data and code do not take any more counts as none.
    if run is None or Tag.COMPLETE in run.data.tags:
        return FailedVariant(run_name=name, reason="absent")
    error = run.data.tags.get(Tag.ERROR)
    if error is None or run.info.status == "KILLED":
        return FailedVariant(run_name=name, reason="interrupted")
    return FailedVariant(run_name=name, reason="failed", error=error)


def _dataset_run(client: MlflowClient, study: Study, digest: str) -> Run:
    tags = {Tag.ROLE: Role.DATASET, Tag.DATASET_DIGEST: digest, Tag.COMPLETE: "true"}
    found = newest(client, study.experiment, tags)
    if found is None:
        raise MissingRunsError(
            f"experiment {study.experiment} has no dataset run {digest[:12]}; "
            "run `python -m promotion run` first"
        )
    return found
