"""The evidence: every number that a decision rests on, as one value that MLflow can hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from promotion.comparison.bootstrap import MetricComparison
from promotion.comparison.bounds import Bounds, difference_bounds
from promotion.comparison.openings import Ledger
from promotion.comparison.slices import SliceComparison
from promotion.datasets import MOST_LEAKED
from promotion.detection import Diagnosis, SuspectedLabel
from promotion.facts import Fact, Note


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

    @property
    def split_seed(self) -> str | None:
        """The seed that drew its own train and val; None where they are the dataset's."""
        return self.params.get("split_seed")


def by_configuration(runs: Sequence[RunFacts]) -> dict[str, list[RunFacts]]:
    """The runs of each configuration, in the order in which they are met."""
    groups: dict[str, list[RunFacts]] = {}
    for run in runs:
        groups.setdefault(run.configuration, []).append(run)
    return groups


class FailedVariant(Fact):
    """A variant of the grid without a complete run, and why it has none.

    `error` is what a failed one said; one that is absent was not run on the current data and code.
    """

    run_name: str
    reason: Literal["failed", "interrupted", "absent"]
    error: str = ""


class ConfigurationFacts(Fact):
    """A configuration on val: mean over its seeds and their standard deviation (None: one seed)."""

    name: str
    seeds: list[int]
    mean: dict[str, float]
    sd: dict[str, float | None]


class UntrainedFacts(Fact):
    """The starting model, untouched, at the candidate's image size: is training worth it at all?

    `person_class` names the class of its own that stood for a person. `comparison` is the candidate
    configuration less the starting model, on test.
    """

    name: str
    person_class: str
    val_metrics: dict[str, float]
    test_metrics: dict[str, float]
    comparison: list[MetricComparison]

    def difference(self, metric: str) -> MetricComparison:
        """The comparison of this metric."""
        return next(one for one in self.comparison if one.metric == metric)


class SplitFacts(Fact):
    """How much a split can say; `groups` counts its independent groups of images."""

    images: int
    persons: int
    groups: int | None = None


class LabelFacts(Fact):
    """The labels of test that are suspected to be wrong, and the comparison without them."""

    suspects: list[SuspectedLabel]
    comparison: list[MetricComparison]

    @property
    def images(self) -> int:
        """How many images have a suspected label."""
        return len({one.image for one in self.suspects})

    def turns(self, metric: str, difference: float) -> bool:
        """Whether this metric's difference has another sign without them."""
        without = next(one.difference for one in self.comparison if one.metric == metric)
        return without * difference < 0


class IncumbentFacts(Fact):
    """The version in Production on the same test, and the run to register less it (images only).

    `known` is the share of the test's pictures that it was trained or chosen on, or that resemble
    one of these; None where nobody can tell.
    """

    version: str
    run_name: str
    test_metrics: dict[str, float]
    comparison: list[MetricComparison]
    known: float | None = None

    @property
    def is_fair(self) -> bool:
        """Whether it may be held against a candidate: it is not known to have had the answers."""
        return (self.known or 0) <= MOST_LEAKED


class Evidence(Fact):
    """All that was measured for a decision.

    `measured` are the bounds of every measure of the run that would be registered, and
    `baseline_measured` those of the baseline's run, which evidence of before may lack.
    """

    study: str
    dataset_source: str
    dataset_digest: str
    dataset_findings: list[Note]
    splits: dict[str, SplitFacts]
    runs: list[RunFacts]
    configurations: list[ConfigurationFacts]
    failed: list[FailedVariant]
    candidate_configuration: str
    baseline_configuration: str
    candidate_run: str
    baseline_run: str
    test_metrics: dict[str, dict[str, float]]
    measured: dict[str, Bounds]
    baseline_measured: dict[str, Bounds] = Field(default_factory=dict)
    comparison: list[MetricComparison]
    slices: list[SliceComparison]
    ledger: Ledger
    untrained: UntrainedFacts
    incumbent: IncumbentFacts | None
    optimism: float
    diagnoses: dict[str, Diagnosis]
    labels: LabelFacts
    confidence: float
    replicates: int
    energy_method: str
    hardware: str
    code_version: str

    @property
    def rivals(self) -> int:
        """How many configurations val could have chosen."""
        return len(self.configurations) - 1

    @property
    def lost_seeds(self) -> list[str]:
        """The runs of the candidate and of the baseline that failed, or were never run."""
        sides = (self.candidate_configuration, self.baseline_configuration)
        names = tuple(f"{side}_s" for side in sides)
        return [one.run_name for one in self.failed if one.run_name.startswith(names)]

    @property
    def collapsed(self) -> list[str]:
        """The runs of either side that fell below half of its median in the first metric."""
        sides = (self.candidate_configuration, self.baseline_configuration)
        groups = by_configuration(self.runs)
        members = [groups[side] for side in sides]
        return [members[side][place].run_name for side, place in self.comparison[0].collapsed]

    def compared(self, metric: str) -> MetricComparison:
        """The comparison of this metric with the baseline."""
        return next(one for one in self.comparison if one.metric == metric)

    def run_difference(self, name: str) -> Bounds | None:
        """A measure of the run to register less the baseline's run; None where one is unknown."""
        if name not in self.measured or name not in self.baseline_measured:
            return None
        return difference_bounds(self.measured[name], self.baseline_measured[name])

    def run(self, run_name: str) -> RunFacts:
        """The run of this name."""
        return next(run for run in self.runs if run.run_name == run_name)

    def configuration(self, name: str) -> ConfigurationFacts:
        """The configuration of this name."""
        return next(one for one in self.configurations if one.name == name)
