"""The evidence: every number that a decision rests on, as one value that MLflow can hold."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Fact(BaseModel):
    """A value that travels through MLflow and is never changed."""

    model_config = ConfigDict(frozen=True)


class RunFacts(Fact):
    """One run: its parameters, its metrics on val, its costs."""

    run_name: str
    run_id: str
    configuration: str
    params: dict[str, str]
    metrics: dict[str, float]
    weights_sha256: str
    parameters_sha256: str

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
    """One metric on test: means over seeds, their difference, its interval and probabilities."""

    metric: str
    candidate: float
    baseline: float
    difference: float
    interval: tuple[float, float]
    candidate_interval: tuple[float, float]
    baseline_interval: tuple[float, float]
    candidate_seed_sd: float | None
    baseline_seed_sd: float | None
    probability_better: float
    probability_worth_having: float
    probability_not_lost: float


class SplitFacts(Fact):
    """How much a split can say."""

    images: int
    persons: int


class Evidence(Fact):
    """All that was measured for a decision."""

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
    confidence: float
    replicates: int
    energy_method: str
    hardware: str
    code_version: str

    def run(self, run_name: str) -> RunFacts:
        """The run of this name."""
        return next(run for run in self.runs if run.run_name == run_name)

    def configuration(self, name: str) -> ConfigurationFacts:
        """The configuration of this name."""
        return next(one for one in self.configurations if one.name == name)
