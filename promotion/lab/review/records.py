"""What MLflow holds of the runs that a decision document speaks of."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd
from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from pydantic import ValidationError

from promotion.audit import AuditedRun, read_experiment
from promotion.audit.names import meaning, settings, split_of, tokens
from promotion.comparison import SplitFacts
from promotion.datasets import Manifest
from promotion.detection import Seen, see
from promotion.errors import DocumentError, MissingRunsError
from promotion.facts import Fact
from promotion.lab.review.lexicon import LATENCY, MAP
from promotion.store import (
    Artifact,
    Role,
    Tag,
    every_page,
    experiments,
    load_fact,
    load_table,
    newest,
    search,
)

# Costs under names of others, by the words in them.
_COST_WORDS = {
    LATENCY: {"latency", "inference", "latence"},
    "energy_wh": {"energy", "wh", "kwh", "co2", "emissions"},
    "train_seconds": {"train", "training", "duration", "fit"},
    "model_mb": {"mb", "size"},
}
_TIMES = {"time", "seconds", "sec", "duration", "s"}


class Ran(Fact):
    """A finished training run: its settings and metrics under the product's names.

    `metrics` are those of val, or of no named split; `on_test` those of test. `seconds` is how long
    MLflow saw it run. `ours` says whether this product made it, and `group` what it calls the
    configuration.
    """

    run_id: str
    name: str
    settings: dict[str, str]
    metrics: dict[str, float]
    on_test: dict[str, float]
    seconds: float | None
    parameters: str | None
    dataset: str | None
    group: str | None
    ours: bool

    @property
    def seed(self) -> str | None:
        """The seed, as it was logged."""
        return self.settings.get("seed")

    @property
    def configuration(self) -> dict[str, str]:
        """The settings that may change the result, without the seeds, as the audit reads them."""
        return dict(self.as_audited().configuration)

    def is_like(self, other: Ran) -> bool:
        """Whether they are of one configuration; with us, a seed may draw its own images."""
        if self.group is not None or other.group is not None:
            return self.group == other.group
        return (self.configuration, self.dataset) == (other.configuration, other.dataset)

    def measured(self, measure: str) -> dict[str, float]:
        """What the run says of a measure, by what it is: the metric's name, with its split."""
        names = {MAP: ("mAP50", "mAP50-95"), LATENCY: ("latency_p50_ms", "latency_p95_ms")}
        found = {}
        for name in names.get(measure, (measure,)):
            if name in self.metrics:
                found[name] = self.metrics[name]
            if name in self.on_test:
                found[f"test/{name}"] = self.on_test[name]
        if measure == "f1" and not found and {"precision", "recall"} <= self.metrics.keys():
            precision, recall = self.metrics["precision"], self.metrics["recall"]
            total = precision + recall
            return {"f1": 2 * precision * recall / total} if total else {}
        found |= {name: self.metrics[name] for name in self.metrics if _is_cost_of(name, measure)}
        if measure == "train_seconds" and not found and self.seconds is not None:
            return {"train_seconds": self.seconds}
        return found

    def as_audited(self) -> AuditedRun:
        """The run as the audit compares it with another."""
        return AuditedRun(
            name=self.name,
            seed=None,
            asked=self.settings,
            applied={},
            metrics=self.metrics,
            parameters=self.parameters,
        )


def _is_cost_of(name: str, measure: str) -> bool:
    words = set(tokens(name))
    if not words & _COST_WORDS.get(measure, set()) or meaning(name) is not None:
        return False
    return measure != "train_seconds" or bool(words & _TIMES)


@dataclass(frozen=True)
class Records:
    """The runs of one experiment, newest first, and what else the store tells of them.

    `audited` are the runs as the audit reads them, by name; `versions` are registered versions as
    `name version`, by their run's id.
    """

    client: MlflowClient
    experiment: str
    runs: list[Ran]
    audited: Mapping[str, AuditedRun] = field(default_factory=dict)
    splits: Mapping[str, SplitFacts] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    _seen: dict[tuple[str, str], Seen | None] = field(default_factory=dict, init=False)
    _truths: dict[tuple[str, str], tuple[pd.DataFrame, dict[str, str]] | None] = field(
        default_factory=dict, init=False
    )

    def run(self, name: str) -> Ran | None:
        """The newest run of this name, or the one whose id begins so."""
        found = (one for one in self.runs if one.name == name or one.run_id == name)
        by_id = (one for one in self.runs if len(name) >= 8 and one.run_id.startswith(name))
        return next(found, None) or next(by_id, None)

    def members(self, configuration: str) -> list[Ran]:
        """The newest run of each seed of a configuration, by its name."""
        named = re.compile(re.escape(configuration) + r"_s\d+")
        found: dict[str, Ran] = {}
        for one in self.runs:
            if named.fullmatch(one.name):
                found.setdefault(one.name, one)
        return list(found.values())

    def siblings(self, run: Ran) -> list[Ran]:
        """The newest run of each seed with the settings of this one."""
        found: dict[str | None, Ran] = {}
        for one in self.runs:
            if one.is_like(run):
                found.setdefault(one.seed, one)
        return list(found.values())

    def seen(self, run: Ran, split: str) -> Seen | None:
        """What a run of ours saw on a split, from the detections it left; None without them.

        A server is asked once, however many claims are about a run.
        """
        key = run.run_id, split
        if key not in self._seen:
            self._seen[key] = self._see(run, split)
        return self._seen[key]

    def _see(self, run: Ran, split: str) -> Seen | None:
        if not run.ours or run.dataset is None or "threshold" not in run.metrics:
            return None
        key = run.dataset, split
        if key not in self._truths:
            self._truths[key] = self._truth(run.dataset, split)
        truth = self._truths[key]
        if truth is None:
            return None
        try:
            found = load_table(self.client, run.run_id, Artifact.detections(split))
        except MissingRunsError:
            return None
        persons, groups = truth
        return see(persons, found, run.metrics["threshold"], groups)

    def _truth(self, digest: str, split: str) -> tuple[pd.DataFrame, dict[str, str]] | None:
        """The annotated boxes of a split, and the groups of its images."""
        tags = {Tag.ROLE: Role.DATASET, Tag.DATASET_DIGEST: digest}
        dataset = newest(self.client, self.experiment, tags)
        if dataset is None:
            return None
        try:
            persons = load_table(self.client, dataset.info.run_id, Artifact.ground_truth(split))
            manifest = load_fact(self.client, dataset.info.run_id, Artifact.MANIFEST, Manifest)
        except MissingRunsError:
            return None
        return persons, manifest.groups_in(split)


def read_records(client: MlflowClient, text: str, experiment: str | None = None) -> Records | None:
    """The runs that a text speaks of: those of the experiment with most of the runs it names.

    Without such runs, those of the only experiment that has any; None where nothing tells.

    Raises:
        DocumentError: the experiment that was asked for is not there, or has no finished run.
    """
    names = experiments(client)
    if experiment is not None and experiment not in names:
        raise DocumentError(
            f"no experiment {experiment} in this store; there are: {', '.join(sorted(names))}"
        )
    found = {name: _trainings(client, name) for name in ([experiment] if experiment else names)}
    found = {name: runs for name, runs in found.items() if runs}
    if experiment is not None and not found:
        raise DocumentError(f"experiment {experiment} has no finished training run")
    spoken = {name: _spoken_of(runs, text) for name, runs in found.items()}
    best = max(spoken, key=lambda name: spoken[name], default=None)
    if best is None or (not spoken[best] and len(found) > 1):
        return None
    return Records(
        client=client,
        experiment=best,
        runs=[_ran(run) for run in found[best]],
        audited=_audited(client, best),
        splits=_splits(client, best),
        versions=_versions(client),
    )


def _trainings(client: MlflowClient, experiment: str) -> list[Run]:
    return [
        run
        for run in search(client, experiment, {}, status="FINISHED")
        if run.data.tags.get(Tag.ROLE, Role.VARIANT) == Role.VARIANT and run.data.metrics
    ]


def _spoken_of(runs: Sequence[Run], text: str) -> int:
    names = {str(run.info.run_name) for run in runs} | {run.info.run_id for run in runs}
    return sum(name in text for name in names)


def _ran(run: Run) -> Ran:
    tags, info = run.data.tags, run.info
    metrics: dict[str, float] = {}
    on_test: dict[str, float] = {}
    # A name of ours comes before those of others with the same meaning.
    for name in sorted(run.data.metrics, key=lambda name: meaning(name) != name):
        place = on_test if split_of(name) == "test" else metrics
        place.setdefault(meaning(name) or name, run.data.metrics[name])
    ended = info.end_time and info.start_time
    asked = {name: value for name, value in run.data.params.items() if "applied_" not in name}
    return Ran(
        run_id=info.run_id,
        name=str(info.run_name or info.run_id),
        settings=settings(asked),
        metrics=metrics,
        on_test=on_test,
        seconds=(info.end_time - info.start_time) / 1000 if ended else None,
        parameters=tags.get(Tag.PARAMETERS_SHA256),
        dataset=tags.get(Tag.DATASET_DIGEST),
        group=tags.get(Tag.CONFIGURATION),
        ours=Tag.FINGERPRINT in tags,
    )


def _audited(client: MlflowClient, experiment: str) -> dict[str, AuditedRun]:
    try:
        return {run.name: run for run in read_experiment(client, experiment).runs}
    except (MissingRunsError, ValidationError):
        # Nothing that could be judged, or evidence of an earlier version.
        return {}


def _splits(client: MlflowClient, experiment: str) -> dict[str, SplitFacts]:
    """How many images and persons each split has, where a dataset's run tells."""
    found = newest(client, experiment, {Tag.ROLE: Role.DATASET, Tag.COMPLETE: "true"})
    counts = found.data.metrics if found else {}
    return {
        split: SplitFacts(
            images=int(counts[f"{split}_images"]), persons=int(counts[f"{split}_persons"])
        )
        for split in ("val", "test")
        if f"{split}_images" in counts and f"{split}_persons" in counts
    }


def _versions(client: MlflowClient) -> dict[str, str]:
    found = every_page(lambda token: client.search_model_versions("", page_token=token))
    return {str(one.run_id): f"{one.name} {one.version}" for one in reversed(found) if one.run_id}
