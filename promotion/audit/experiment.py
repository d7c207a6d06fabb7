"""The experiment as the audit sees it, whoever made it; what is not known is None."""

from __future__ import annotations

from collections.abc import Mapping

from promotion.comparison import Evidence, MetricComparison, SplitFacts
from promotion.facts import Fact, Note
from promotion.study import Policy

SELECTED_ON, CLAIMED_ON = "val", "test"
SWEPT = ("epochs", "imgsz", "lr0", "batch", "optimizer")


class AuditedRun(Fact):
    """A run: what was asked of it, what was applied, what was measured, and on which weights.

    `registrable` and `measured` name the weights that can be registered and those that the metrics
    are of: a checksum, or an epoch.
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

    @property
    def configuration(self) -> tuple[tuple[str, str], ...]:
        """The swept parameters that were asked for, without the seed."""
        return tuple((key, self.asked[key]) for key in SWEPT if key in self.asked)


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


class Experiment(Fact):
    """All that the audit looks at; `missing` maps variants without a run to their error."""

    name: str
    runs: list[AuditedRun]
    missing: dict[str, str]
    constraints: dict[str, str]
    splits: dict[str, SplitFacts] | None = None
    selected_on: str | None = None
    claimed_on: str | None = None
    claim: Claim | None = None
    counts: RecallCounts | None = None
    operating: OperatingFacts | None = None
    untrained: MetricComparison | None = None
    overlaps: list[Note] | None = None
    known_to_the_start: bool | None = None
    confidence: float = 0.95


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
            )
            for run in evidence.runs
        ],
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
        confidence=evidence.confidence,
    )
