"""Writes what a step found to its MLflow run, and reads back what later steps need."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import mlflow
import pandas as pd
from matplotlib.figure import Figure
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from promotion import registration, registry, tracking
from promotion.checkpoints import starting_weights
from promotion.checksums import sha256_of, verify
from promotion.comparison import Confirmation, Selection, intervals_on_test, summarise
from promotion.costs import Energy, latency_metrics
from promotion.datasets import Manifest, PreparedDataset, ground_truth, prepare
from promotion.datasets.manifest import SPLITS
from promotion.decision import Decision
from promotion.detector import Detector
from promotion.diagnosis import diagnose
from promotion.document import complete, render
from promotion.errors import MissingRunsError
from promotion.evaluation import detect_split, evaluate
from promotion.evidence import (
    Diagnosis,
    Evidence,
    FailedVariant,
    RunFacts,
    SplitFacts,
    UntrainedFacts,
)
from promotion.parity import Parity, measure_parity
from promotion.session import Session
from promotion.statistics import REPLICATES
from promotion.study import Study, Variant
from promotion.texts import text
from promotion.tracking import Artifact, Role, Tag
from promotion.untrained import Untrained, measure_untrained

if TYPE_CHECKING:
    # Importing torch and ultralytics takes seconds, and only training needs them.
    from promotion.training import TrainedModel

EVALUATION_SPLITS = ("val", "test")


def record_dataset(session: Session, dataset: PreparedDataset) -> None:
    """Log the manifest, the ground truth and the pictures that later steps look at."""
    client, run_id, manifest = session.client, session.run_id, dataset.manifest
    tracking.log_bytes(client, run_id, Artifact.MANIFEST, manifest.model_dump_json().encode())
    for split in EVALUATION_SPLITS:
        truth = ground_truth(dataset.folder, split)
        tracking.log_table(client, run_id, Artifact.ground_truth(split), truth)
        client.log_artifacts(run_id, str(dataset.folder / "images" / split), Artifact.images(split))
    for split in SPLITS:
        log_input(dataset, split, "preparation")
        tracking.log_values(
            client,
            run_id,
            {
                f"{split}_images": manifest.images[split],
                f"{split}_persons": manifest.instances[split],
            },
        )


def person_heights(dataset: PreparedDataset) -> dict[str, list[float]]:
    """The heights of all annotated persons in pixels, a split each."""
    heights = {}
    for split in SPLITS:
        boxes = ground_truth(dataset.folder, split).dropna()
        heights[split] = (boxes["y1"] - boxes["y0"]).tolist()
    return heights


def log_input(dataset: PreparedDataset, split: str, context: str) -> None:
    """Attach a split to the active run as an MLflow dataset, named by its digest."""
    boxes = ground_truth(dataset.folder, split)
    found = mlflow.data.from_pandas(  # type: ignore[attr-defined]
        boxes,
        source=dataset.folder.as_uri(),
        name=f"{dataset.manifest.source}_{split}",
        digest=dataset.manifest.digest[:12],
    )
    mlflow.log_input(found, context=context)


def record_variant(
    session: Session,
    variant: Variant,
    dataset: PreparedDataset,
    model: TrainedModel,
    metrics: dict[str, float],
    detections: pd.DataFrame,
    measured: str,
    energy: Energy,
    threads: int,
) -> None:
    """Log a trained variant: settings asked and applied, weights, metrics on val, costs.

    `measured` is the SHA-256 of the model that the detections are of.
    """
    client, run_id = session.client, session.run_id
    settings = session.study.training.model_dump()
    asked = {"model": session.study.model.name, **variant.parameters, **settings}
    tracking.log_parameters(client, run_id, {**asked, **model.applied, "threads": threads})
    for split, context in (("train", "training"), ("val", "validation")):
        log_input(dataset, split, context)
    for file, path in ((model.onnx, Artifact.MODEL), (model.checkpoint, Artifact.CHECKPOINT)):
        client.log_artifact(run_id, str(file), path.rpartition("/")[0])
    tracking.log_table(client, run_id, Artifact.detections("val"), detections)
    costs = {"energy_wh": energy.watt_hours, "train_seconds": energy.seconds}
    tracking.log_values(client, run_id, {**metrics, **costs})
    tracking.set_tags(
        client,
        run_id,
        {
            Tag.WEIGHTS_SHA256: sha256_of(model.onnx),
            Tag.MEASURED_SHA256: measured,
            Tag.CHECKPOINT_SHA256: sha256_of(model.checkpoint),
            Tag.PARAMETERS_SHA256: model.parameters_sha256,
            Tag.ENERGY_METHOD: energy.method,
            Tag.LIBRARIES: json.dumps(tracking.library_versions()),
        },
    )


@dataclass(frozen=True)
class Campaign:
    """The complete runs of a study's grid, those that are missing, and the dataset's run."""

    runs: list[RunFacts]
    failed: list[FailedVariant]
    dataset_run: Run
    energy_methods: set[str]

    def images(self, split: str) -> int:
        """The number of images of a split."""
        return int(self.dataset_run.data.metrics[f"{split}_images"])

    def persons(self, split: str) -> int:
        """The number of persons of a split."""
        return int(self.dataset_run.data.metrics[f"{split}_persons"])

    def run(self, run_name: str) -> RunFacts:
        """The run of this name."""
        return next(run for run in self.runs if run.run_name == run_name)

    def side(
        self, opened: Mapping[str, tuple[pd.DataFrame, float]], configuration: str
    ) -> list[tuple[pd.DataFrame, float]]:
        """What the runs of one configuration saw on test."""
        members = [run for run in self.runs if run.configuration == configuration]
        return [opened[run.run_name] for run in members]


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
        found = tracking.search(client, study.experiment, tags)
    newest = {run.info.run_name: run for run in reversed(found)}
    runs = [newest[v.run_name] for v in study.variants if v.run_name in newest]
    if not runs:
        raise MissingRunsError(
            f"experiment {study.experiment} has no complete run of study {study.name}; "
            "run `promotion run` first"
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
    return tracking.load_table(session.client, run_id, Artifact.ground_truth(split))


def load_images(session: Session, campaign: Campaign, split: str) -> list[Path]:
    """The pictures of a split, from the dataset's run."""
    run_id = campaign.dataset_run.info.run_id
    folder = tracking.artifact(session.client, run_id, Artifact.images(split))
    return sorted(folder.iterdir())


def load_detectors(session: Session, runs: Sequence[RunFacts]) -> dict[str, tuple[Detector, float]]:
    """Each run's model, verified to be the one evaluated, with its operating threshold.

    Raises:
        ChecksumError: an artifact changed since its run.
    """
    detectors = {}
    for run in runs:
        path = tracking.artifact(session.client, run.run_id, Artifact.MODEL)
        detector = Detector(verify(path, run.weights_sha256))
        detectors[run.run_name] = (detector, run.metrics["threshold"])
    return detectors


def record_latency(session: Session, campaign: Campaign, milliseconds: pd.DataFrame) -> Campaign:
    """Log each run's latency, relative to the baseline's runs too; the campaign with them."""
    baseline = session.study.baseline_configuration
    reference = [run.run_name for run in campaign.runs if run.configuration == baseline]
    found = latency_metrics(milliseconds, reference or list(milliseconds.columns))
    for run in campaign.runs:
        tracking.log_values(session.client, run.run_id, found[run.run_name])
    runs = [
        run.model_copy(update={"metrics": {**run.metrics, **found[run.run_name]}})
        for run in campaign.runs
    ]
    return replace(campaign, runs=runs)


def open_test(
    session: Session, campaign: Campaign, configurations: Sequence[str]
) -> dict[str, tuple[pd.DataFrame, float]]:
    """Detections and threshold on test of every run of these configurations, by run name.

    The test split is looked at here for the first time, and only by what val has chosen. A run
    that was tested before keeps its detections: the model and the pictures are the same.
    """
    client = session.client
    truth = load_ground_truth(session, campaign, "test")
    images = load_images(session, campaign, "test")
    opened = {}
    for run in campaign.runs:
        if run.configuration not in configurations:
            continue
        path, threshold = Artifact.detections("test"), run.metrics["threshold"]
        if any(f.path == path for f in client.list_artifacts(run.run_id, path.rpartition("/")[0])):
            table = tracking.load_table(client, run.run_id, path)
        else:
            detector, _ = load_detectors(session, [run])[run.run_name]
            table = detect_split(detector, images)
            tracking.log_table(client, run.run_id, path, table)
        metrics = evaluate(truth, table, threshold)
        named = {f"test/{name}": value for name, value in metrics.items() if name != "threshold"}
        tracking.log_values(client, run.run_id, named)
        opened[run.run_name] = (table, threshold)
    return opened


def measure_starting_model(session: Session, campaign: Campaign, selection: Selection) -> Untrained:
    """The starting model at the candidate's image size, on val and on test."""
    imgsz = int(campaign.run(selection.candidate_run).params["imgsz"])
    val, test = (
        (load_images(session, campaign, split), load_ground_truth(session, campaign, split))
        for split in EVALUATION_SPLITS
    )
    model = session.study.model
    return measure_untrained(
        f"{model.name}_e0_sz{imgsz}",
        starting_weights(model, session.home),
        imgsz,
        session.scratch,
        val,
        test,
        session.study.policy.operating_point,
    )


def load_val(session: Session, campaign: Campaign) -> dict[str, list[tuple[pd.DataFrame, float]]]:
    """Detections on val and threshold of every run, by configuration."""
    sides: dict[str, list[tuple[pd.DataFrame, float]]] = {}
    for run in campaign.runs:
        table = tracking.load_table(session.client, run.run_id, Artifact.detections("val"))
        sides.setdefault(run.configuration, []).append((table, run.metrics["threshold"]))
    return sides


def diagnose_run(
    session: Session,
    campaign: Campaign,
    opened: Mapping[str, tuple[pd.DataFrame, float]],
    run_name: str,
) -> Diagnosis:
    """How a run that was opened on test errs."""
    run_id = campaign.run(run_name).run_id
    on_val = tracking.load_table(session.client, run_id, Artifact.detections("val"))
    on_test, threshold = opened[run_name]
    return diagnose(
        (load_ground_truth(session, campaign, "val"), on_val),
        (load_ground_truth(session, campaign, "test"), on_test),
        threshold,
        session.study.policy.operating_point,
    )


def gather_evidence(
    session: Session,
    campaign: Campaign,
    selection: Selection,
    opened: Mapping[str, tuple[pd.DataFrame, float]],
    confirmation: Confirmation,
    untrained: UntrainedFacts,
    optimism: float,
    diagnoses: Mapping[str, Diagnosis],
) -> Evidence:
    """Everything that was measured, as the one value that the decision reads."""
    client = session.client
    run_id = campaign.dataset_run.info.run_id
    path = tracking.artifact(client, run_id, Artifact.MANIFEST)
    manifest = Manifest.model_validate_json(path.read_text(encoding="utf-8"))
    truth = load_ground_truth(session, campaign, "test")
    return Evidence(
        study=session.study.name,
        dataset_source=manifest.source,
        dataset_digest=manifest.digest,
        dataset_warnings=manifest.messages,
        splits={
            split: SplitFacts(images=manifest.images[split], persons=manifest.instances[split])
            for split in SPLITS
        },
        runs=campaign.runs,
        configurations=summarise(campaign.runs),
        failed=campaign.failed,
        candidate_configuration=selection.candidate,
        baseline_configuration=selection.baseline,
        candidate_run=selection.candidate_run,
        baseline_run=selection.baseline_run,
        test_metrics={name: evaluate(truth, *found) for name, found in opened.items()},
        test_intervals=intervals_on_test(
            opened[selection.candidate_run], truth, session.study.policy
        ),
        comparison=confirmation.comparison,
        draws=confirmation.draws,
        untrained=untrained,
        optimism=optimism,
        diagnoses=dict(diagnoses),
        confidence=session.study.policy.confidence,
        replicates=REPLICATES,
        energy_method="measured" if campaign.energy_methods == {"measured"} else "estimated",
        hardware=tracking.hardware(),
        code_version=tracking.code_version(),
    )


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
    errors = {
        run.info.run_name: run.data.tags.get(Tag.ERROR, text("run.interrupted"))
        for run in reversed(tracking.search(client, study.experiment, tags))
        if Tag.COMPLETE not in run.data.tags
    }
    absent = text("run.absent")
    missing = [v.run_name for v in study.variants if v.run_name not in complete]
    return [FailedVariant(run_name=name, error=errors.get(name, absent)) for name in missing]


def _dataset_run(client: MlflowClient, study: Study, digest: str) -> Run:
    tags = {Tag.ROLE: Role.DATASET, Tag.DATASET_DIGEST: digest, Tag.COMPLETE: "true"}
    found = tracking.search(client, study.experiment, tags, most=1)
    if not found:
        raise MissingRunsError(
            f"experiment {study.experiment} has no dataset run {digest[:12]}; "
            "run `promotion run` first"
        )
    return found[0]


EPOCH_METRICS = ("train/box_loss", "metrics/mAP50B")


def load_histories(session: Session, run_id: str = "") -> pd.DataFrame:
    """Training loss and val mAP of a run, as Ultralytics logged them, indexed by epoch."""
    columns = {}
    for metric in EPOCH_METRICS:
        history = session.client.get_metric_history(run_id or session.run_id, metric)
        columns[metric] = pd.Series({point.step + 1: point.value for point in history}, dtype=float)
    return pd.DataFrame(columns)


def load_all_histories(session: Session, campaign: Campaign) -> dict[str, pd.DataFrame]:
    """The histories of all runs, by run name."""
    return {run.run_name: load_histories(session, run.run_id) for run in campaign.runs}


def record_evidence(session: Session, evidence: Evidence) -> None:
    """Log the evidence with the study's policy, for the decision to read."""
    client, run_id = session.client, session.run_id
    content = evidence.model_dump_json(indent=1).encode()
    tracking.log_bytes(client, run_id, Artifact.EVIDENCE, content)
    study = session.study.model_dump_json(indent=1).encode()
    tracking.log_bytes(client, run_id, Artifact.STUDY, study)
    for comparison in evidence.comparison:
        name = comparison.metric
        values = {f"test/{name}_difference": comparison.difference}
        values[f"test/{name}_p_better"] = comparison.probability_better
        tracking.log_values(client, run_id, values)


def record_decision(
    session: Session, decision: Decision, evidence: Evidence, document: str
) -> None:
    """Log the decision, its document and the page that the landing page shows."""
    client, run_id = session.client, session.run_id
    content = decision.model_dump_json(indent=2).encode()
    tracking.log_bytes(client, run_id, Artifact.DECISION_JSON, content)
    tracking.log_bytes(client, run_id, Artifact.DECISION_MD, document.encode())
    summary = render("summary.md.j2", decision, evidence, session.study)
    tracking.log_bytes(client, run_id, Artifact.SUMMARY, summary.encode())
    evidence_json = evidence.model_dump_json(indent=1).encode()
    tracking.log_bytes(client, run_id, Artifact.EVIDENCE, evidence_json)
    tracking.set_tags(client, run_id, {Tag.VERDICT: decision.verdict, Tag.NOTE: document})


def load_decision(
    session: Session, run_id: str, role: str = Role.DECISION
) -> tuple[Decision, Evidence]:
    """Read a decision and its evidence from a run; an empty id takes the newest of this role."""
    if not run_id:
        study = session.study
        run = tracking.latest(session.client, study.experiment, study.name, role)
        run_id = run.info.run_id
    path = tracking.artifact(session.client, run_id, Artifact.DECISION_JSON)
    decision = Decision.model_validate_json(path.read_text(encoding="utf-8"))
    return decision, load_evidence(session, run_id)


def refresh_decision(session: Session) -> Decision:
    """The session's decision with the place where its version stands now, in its document too."""
    decision, evidence = load_decision(session, session.run_id)
    number = decision.model_version
    if number is None or decision.place == registry.place_of(session.client, number):
        return decision
    place = registry.place_of(session.client, number)
    decision = complete(decision.model_copy(update={"place": place}), evidence)
    document = render("decision.md.j2", decision, evidence, session.study)
    record_decision(session, decision, evidence, document)
    return decision


def check_still_true(
    session: Session, decision: Decision, evidence: Evidence, runs: Sequence[str]
) -> str:
    """Make sure that the decision rests on what is there now; say so in a sentence.

    Raises:
        RegistryError: the data, the runs or the policy changed since.
    """
    digest = prepare(session.study.dataset, session.home).manifest.digest
    found = load_campaign(session, runs).runs
    registration.check_still_true(decision, evidence, session.study.policy, digest, found)
    return text("registered.still_true").format(runs=len(found), digest=digest[:12])


def compare_with_checkpoint(
    session: Session, decision: Decision, evidence: Evidence
) -> Parity | None:
    """The registered version against its checkpoint on val; None if nothing is registered."""
    if decision.model_version is None:
        return None
    client = session.client
    run = evidence.run(decision.candidate.run_name)
    checkpoint = verify(
        tracking.artifact(client, run.run_id, Artifact.CHECKPOINT),
        client.get_run(run.run_id).data.tags[Tag.CHECKPOINT_SHA256],
    )
    campaign = load_campaign(session, [run.run_id])
    contender = registry.open_version(client, decision.model_version)
    return measure_parity(
        contender.model,
        checkpoint,
        int(run.params["imgsz"]),
        load_images(session, campaign, "val"),
        load_ground_truth(session, campaign, "val"),
        contender.threshold,
    )


def record_picture(session: Session, figure: Figure) -> None:
    """Log the picture that the landing page shows."""
    buffer = BytesIO()
    figure.savefig(buffer, dpi=110)
    tracking.log_bytes(session.client, session.run_id, Artifact.PICTURE, buffer.getvalue())


def load_evidence(session: Session, run_id: str) -> Evidence:
    """Read the evidence of a comparison run; an empty id takes the study's newest."""
    if not run_id:
        study = session.study
        run = tracking.latest(session.client, study.experiment, study.name, Role.COMPARISON)
        run_id = run.info.run_id
    path = tracking.artifact(session.client, run_id, Artifact.EVIDENCE)
    return Evidence.model_validate_json(path.read_text(encoding="utf-8"))
