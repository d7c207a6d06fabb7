"""The experiment as the audit sees it, whoever made it; what is not known is None."""

from __future__ import annotations

from collections.abc import Mapping

from promotion.audit.names import CHANCES, is_neutral
from promotion.comparison import Evidence, MetricComparison, PolicyChanges, SplitFacts
from promotion.facts import Fact, Note
from promotion.study import Policy

SELECTED_ON, CLAIMED_ON = "val", "test"


class AuditedRun(Fact):
    """A run: what was asked of it, what was applied, what was measured, and on which weights.

    Settings and metrics have the product's own names where these are known, else those that they
    were logged under. `registrable` and `measured` name the weights that can be registered and
    those that the metrics are of: a checksum, or an epoch; `stored` is the checksum of the
    registrable file as it lies in the store now. `hardware` is the machine that latencies were
    measured on. `images`, `detections` and `plots` count what the run left.
    """

    name: str
    seed: int | None
    asked: dict[str, str]
    applied: dict[str, str]
    metrics: dict[str, float]
    parameters: str | None = None
    registrable: str | None = None
    measured: str | None = None
    dataset: str | None = None
    code: str | None = None
    stored: str | None = None
    hardware: str | None = None
    images: int | None = None
    detections: int | None = None
    plots: int | None = None

    @property
    def configuration(self) -> tuple[tuple[str, str], ...]:
        """The settings that were asked for and may change the result, without the seeds."""
        return tuple(
            (key, value)
            for key, value in sorted(self.asked.items())
            if key not in CHANCES and not is_neutral(key)
        )


class OperatingFacts(Fact):
    """Where precision and recall were read: the threshold, the boxes an image, and their cap."""

    threshold: float | None
    boxes_per_image: float
    most_boxes: int


class Claim(Fact):
    """What is claimed of a candidate against a baseline."""

    candidate: str
    baseline: str
    comparison: list[MetricComparison]


class RecallCounts(Fact):
    """Persons found by candidate and baseline, of so many, on so many images."""

    candidate: int
    baseline: int
    persons: int
    images: int


class Recalls(Fact):
    """A run's recall at its threshold: on val, which chose the threshold, and on test."""

    val: float
    test: float


class Placement(Fact):
    """How a run's boxes lie on test: the shares of persons found strictly and loosely.

    `strict` is at IoU 0.5, `loose` at IoU 0.3 (or what the diagnosis tells in its place); `val` is
    the strict one on val.
    """

    strict: float
    loose: float
    val: float


class Experiment(Fact):
    """All that the audit looks at; `missing` maps variants without a run to their error.

    `planned` is the number of variants that were to be run, and `aside` are runs that only hold
    others together. `recalls` and `placements` are by run name. `policy_changes` are those since
    the test was first opened, `cut_groups` names groups of images that lie in more than one split,
    `doubled_labels` images with one box labelled twice.
    """

    name: str
    runs: list[AuditedRun]
    missing: dict[str, str]
    constraints: dict[str, str]
    planned: int | None = None
    aside: tuple[str, ...] = ()
    splits: dict[str, SplitFacts] | None = None
    selected_on: str | None = None
    claimed_on: str | None = None
    claim: Claim | None = None
    counts: RecallCounts | None = None
    operating: OperatingFacts | None = None
    untrained: MetricComparison | None = None
    overlaps: list[Note] | None = None
    known_to_the_start: bool | None = None
    recalls: dict[str, Recalls] | None = None
    placements: dict[str, Placement] | None = None
    policy_changes: PolicyChanges | None = None
    cut_groups: list[str] | None = None
    doubled_labels: list[str] | None = None
    confidence: float = 0.95

    @property
    def detects(self) -> bool:
        """Whether its runs are detectors: one of them has a mean average precision."""
        return any(name in run.metrics for run in self.runs for name in ("mAP50", "mAP50-95"))


# What COCO holds, a checkpoint that was trained on COCO has seen. Nobody else has drawn our scenes,
# and the shipped weights have seen nothing but scenes by day.
COCO_CHECKPOINTS, SEEN_BY_COCO_CHECKPOINTS = "yolo", ("coco128_persons",)
DRAWN_CHECKPOINTS, DRAWN = "weights/", "street_scenes"


def applied_settings(parameters: Mapping[str, str]) -> dict[str, str]:
    """The settings that were read back after a training, from a run's parameters."""
    prefix = "applied_"
    return {
        key.removeprefix(prefix): value
        for key, value in parameters.items()
        if key.startswith(prefix)
    }


def known_to_the_start(dataset_source: str, weights: str) -> bool | None:
    """Whether a starting checkpoint was pretrained on a dataset's images; None if none can tell."""
    if weights.startswith(COCO_CHECKPOINTS) and dataset_source in SEEN_BY_COCO_CHECKPOINTS:
        return True
    if weights.startswith(DRAWN_CHECKPOINTS) or dataset_source == DRAWN:
        return False
    return None


def experiment_of(evidence: Evidence, policy: Policy, weights: str) -> Experiment:
    """The experiment behind a study's evidence; `weights` is the checkpoint it starts from."""
    diagnosis = evidence.diagnoses[evidence.candidate_run]
    return Experiment(
        name=evidence.study,
        runs=[
            AuditedRun(
                name=run.run_name,
                seed=run.seed,
                asked=run.params,
                applied=applied_settings(run.params),
                metrics=run.metrics,
                parameters=run.parameters_sha256,
                registrable=run.weights_sha256,
                measured=run.measured_sha256,
                dataset=run.dataset_digest,
                code=run.training_code,
                # The latencies of all runs are measured in turn, in one session.
                hardware=evidence.hardware,
                images=evidence.splits[SELECTED_ON].images,
                detections=_shown(evidence, run.run_name),
            )
            for run in evidence.runs
        ],
        planned=len(evidence.runs) + len(evidence.failed),
        missing={failed.run_name: failed.error or failed.reason for failed in evidence.failed},
        splits=evidence.splits,
        selected_on=SELECTED_ON,
        claimed_on=CLAIMED_ON,
        claim=Claim(
            candidate=evidence.candidate_run,
            baseline=evidence.baseline_run,
            comparison=evidence.comparison,
        ),
        operating=OperatingFacts(
            threshold=evidence.run(evidence.candidate_run).metrics["threshold"],
            boxes_per_image=diagnosis.boxes_per_image,
            most_boxes=diagnosis.most_boxes,
        ),
        untrained=evidence.untrained.difference(policy.objectives[0].metric),
        overlaps=evidence.dataset_findings,
        known_to_the_start=known_to_the_start(evidence.dataset_source, weights),
        constraints=dict(policy.constraints),
        policy_changes=evidence.ledger.policy_changes,
        # A dataset with one of these is refused before anything is trained on it.
        cut_groups=[],
        doubled_labels=[],
        recalls={
            name: Recalls(val=evidence.run(name).metrics["recall"], test=metrics["recall"])
            for name, metrics in evidence.test_metrics.items()
        },
        placements={name: _placement(evidence, name) for name in evidence.diagnoses},
        confidence=evidence.confidence,
    )


def _shown(evidence: Evidence, run_name: str) -> int | None:
    """How many boxes a run shows on test; None where it was not diagnosed."""
    found = evidence.diagnoses.get(run_name)
    images = evidence.splits[CLAIMED_ON].images
    return None if found is None else round(found.boxes_per_image * images)


def _placement(evidence: Evidence, run_name: str) -> Placement:
    """How boxes lie; loosely found is what overlaps by an IoU of 0.1, as the diagnosis has it."""
    errors = {one.name: one.count for one in evidence.diagnoses[run_name].errors}
    strict = evidence.test_metrics[run_name]["recall"]
    near = errors.get("Loc", 0) / max(evidence.splits[CLAIMED_ON].persons, 1)
    val = evidence.run(run_name).metrics["recall"]
    return Placement(strict=strict, loose=min(strict + near, 1.0), val=val)
