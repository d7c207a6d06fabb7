"""The evidence: every number that a decision rests on, as one value that MLflow can hold."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict

from promotion.study import OperatingPoint


class Fact(BaseModel):
    """A value that travels through MLflow and is never changed."""

    model_config = ConfigDict(frozen=True)


class RunFacts(Fact):
    """One run: its parameters, its metrics on val, its costs, and what it was made from.

    `weights_sha256` is of the file that can be registered, `measured_sha256` of the one that the
    metrics are of.
    """

    run_name: str
    run_id: str
    configuration: str
    params: dict[str, str]
    metrics: dict[str, float]
    weights_sha256: str
    measured_sha256: str
    parameters_sha256: str
    dataset_digest: str
    training_code: str

    @property
    def seed(self) -> int:
        """The seed of the run."""
        return int(self.params["seed"])


class FailedVariant(Fact):
    """A variant of the grid without a complete run."""

    run_name: str
    error: str


class ConfigurationFacts(Fact):
    """A configuration on val: mean over its seeds and their standard deviation (None: one seed)."""

    name: str
    seeds: list[int]
    mean: dict[str, float]
    sd: dict[str, float | None]


class MetricComparison(Fact):
    """One metric on test: means over seeds, their difference, its interval and probabilities.

    `image_error` is the standard error that other images give the difference, `seed_error` (None:
    one seed a side) what other seeds add to it.
    """

    metric: str
    candidate: float
    baseline: float
    difference: float
    interval: tuple[float, float]
    candidate_interval: tuple[float, float]
    baseline_interval: tuple[float, float]
    candidate_seed_sd: float | None
    baseline_seed_sd: float | None
    image_error: float
    seed_error: float | None
    probability_better: float


class RulePoint(Fact):
    """The operating point that a rule chooses on val, with precision and recall there."""

    rule: OperatingPoint
    threshold: float
    precision: float
    recall: float

    @property
    def out_of_reach(self) -> bool:
        """Whether no threshold reaches the rule's floor, so that this is the nearest point."""
        held = self.recall if self.rule.rule == "recall_floor" else self.precision
        return self.rule.floor is not None and held < self.rule.floor


class Bin(Fact):
    """Detections of about the same confidence: its mean, the share that is right, their number."""

    confidence: float
    right: float
    count: int


class ErrorKind(Fact):
    """One kind of error: how often it occurs, and the AP@50 that mending it would give."""

    name: str
    count: int
    cost: float


class SizeFacts(Fact):
    """Persons of one size: their number, and the mAP@50-95 on them (None: there is none)."""

    name: str
    persons: int
    ap: float | None


class Diagnosis(Fact):
    """What the numbers of a model hide, on test; `points` are on val.

    `ece` is the expected calibration error; `boxes_per_image` is at the operating threshold, and
    `most_boxes` what the detector can show at most.
    """

    points: list[RulePoint]
    ece: float
    bins: list[Bin]
    errors: list[ErrorKind]
    sizes: list[SizeFacts]
    boxes_per_image: float
    most_boxes: int


class UntrainedFacts(Fact):
    """The starting model, untouched, at the candidate's image size: is training worth it at all?

    `comparison` is the candidate configuration less the starting model, on test.
    """

    name: str
    val_metrics: dict[str, float]
    test_metrics: dict[str, float]
    comparison: list[MetricComparison]

    def difference(self, metric: str) -> MetricComparison:
        """The comparison of this metric."""
        return next(one for one in self.comparison if one.metric == metric)


class SplitFacts(Fact):
    """How much a split can say."""

    images: int
    persons: int


class Evidence(Fact):
    """All that was measured for a decision.

    `draws` are plausible values of each metric's true difference, by which any claim is judged.
    """

    study: str
    dataset_source: str
    dataset_digest: str
    dataset_warnings: list[str]
    splits: dict[str, SplitFacts]
    runs: list[RunFacts]
    configurations: list[ConfigurationFacts]
    failed: list[FailedVariant]
    candidate_configuration: str
    baseline_configuration: str
    candidate_run: str
    baseline_run: str
    test_metrics: dict[str, dict[str, float]]
    test_intervals: dict[str, tuple[float, float]]
    comparison: list[MetricComparison]
    draws: dict[str, list[float]]
    untrained: UntrainedFacts
    optimism: float
    diagnoses: dict[str, Diagnosis]
    confidence: float
    replicates: int
    energy_method: str
    hardware: str
    code_version: str

    @property
    def rivals(self) -> int:
        """How many configurations val could have chosen."""
        return len(self.configurations) - 1

    def compared(self, metric: str) -> MetricComparison:
        """The comparison of this metric with the baseline."""
        return next(one for one in self.comparison if one.metric == metric)

    def probability_above(self, metric: str, difference: float) -> float:
        """The probability that the true difference of a metric exceeds this one."""
        return float(np.mean(np.array(self.draws[metric]) > difference))

    def exceeded(self, metric: str, probability: float) -> float:
        """The largest difference of a metric that is exceeded with this probability."""
        return float(np.quantile(self.draws[metric], 1 - probability))

    def run(self, run_name: str) -> RunFacts:
        """The run of this name."""
        return next(run for run in self.runs if run.run_name == run_name)

    def configuration(self, name: str) -> ConfigurationFacts:
        """The configuration of this name."""
        return next(one for one in self.configurations if one.name == name)
