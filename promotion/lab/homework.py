"""Checks a student's work at once: what they wrote down against their own runs and files.

A check says what was found and what is missing, never the answer; `report` words it. The answers
stand in one YAML file, a section a chapter.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import yaml
from mlflow.tracking import MlflowClient

from promotion.checksums import digest_of
from promotion.comparison import Opening
from promotion.comparison.bootstrap import bootstrap_weights
from promotion.comparison.ledger import read_openings
from promotion.detection import Seen
from promotion.errors import DocumentError
from promotion.facts import Note
from promotion.lab.published import RUNS, read_again
from promotion.lab.review import Records, check_claims, read_decision, read_records
from promotion.lab.review.records import Ran
from promotion.metrics import metric_values
from promotion.registry import PRODUCTION, RegisteredModel, aliases, read_history
from promotion.store import Role, Tag, search
from promotion.study import Study

State = Literal["held", "wrong", "missing"]

LEVEL = 0.95
SEED = 20261125
# How far a number may be from ours: as a student rounds, reads a table, or draws other resamples.
ROUNDED, RELATIVE, OF_THE_WIDTH = 0.005, 0.02, 0.1
BOXES_RELATIVE = 0.1
NONE = "none"


class Point(Note):
    """One thing that a chapter asks for: whether it holds, does not, or is not there yet."""

    state: State


@dataclass(frozen=True)
class Work:
    """A student's study, store and written answers; `folder` is where their files are."""

    study: Study
    client: MlflowClient
    answers: Mapping[str, Mapping[str, object]]
    folder: Path

    @cached_property
    def records(self) -> Records | None:
        """The runs of the study's experiment; None before there is one."""
        try:
            return read_records(self.client, "", self.study.experiment)
        except DocumentError:
            return None

    def said(self, chapter: str, key: str) -> str:
        """An answer as it was written; empty where there is none."""
        value = self.answers.get(chapter, {}).get(key)
        return "" if value is None else str(value).strip()

    def run(self, chapter: str, key: str = "run") -> Ran | None:
        """The run that an answer names."""
        name = self.said(chapter, key)
        return self.records.run(name) if self.records and name else None

    def seen(self, run: Ran | None) -> Seen | None:
        """What a run saw on val."""
        return self.records.seen(run, "val") if self.records and run else None


def read_answers(place: Path) -> dict[str, dict[str, object]]:
    """The answers by chapter and key; none where the file is not there yet.

    Raises:
        DocumentError: it is not a YAML file of sections.
    """
    mend = "give each chapter a section and each answer a line, as in `run: {recall: 0.5}`"
    try:
        found = yaml.safe_load(place.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise DocumentError(f"{place} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError):
        raise DocumentError(f"{place} is not YAML in UTF-8; {mend}") from None
    sections = {} if found is None else found
    if not isinstance(sections, dict):
        raise DocumentError(f"{place} has no sections; {mend}")
    for name, section in sections.items():
        if not isinstance(section, dict | None):
            raise DocumentError(f"{place}: {name} is no section; {mend}")
    return {str(name): section or {} for name, section in sections.items()}


def check_work(work: Work, chapter: str) -> list[Point]:
    """Every point of a chapter, in its order.

    Raises:
        DocumentError: there is no such chapter.
    """
    if chapter not in CHAPTERS:
        raise DocumentError(f"no chapter {chapter}; there are: {', '.join(CHAPTERS)}")
    return list(CHAPTERS[chapter](work))


def _point(identity: str, state: State, **facts: object) -> Point:
    return Point(id=identity, state=state, facts=facts)


def _as_number(written: str) -> float | None:
    """A number as a student writes it, with a decimal point or comma."""
    try:
        value = float(written.replace(",", ".").replace("\u2212", "-"))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _number(
    work: Work, chapter: str, key: str, wanted: float | None, within: float = ROUNDED
) -> Point:
    """An answer that is a number; without a value to compare with, what it is about is missing."""
    identity, written = f"{chapter}.{key}", work.said(chapter, key)
    if not written or wanted is None:
        return _point(identity, "missing")
    value = _as_number(written)
    holds = value is not None and abs(value - wanted) <= within
    return _point(identity, "held" if holds else "wrong")


def _named(work: Work, chapter: str, key: str = "run") -> Point:
    """An answer that names a training run."""
    identity = f"{chapter}.{key}"
    if not work.said(chapter, key):
        return _point(identity, "missing")
    return _point(identity, "held" if work.run(chapter, key) else "wrong")


def _of_run(run: Ran | None, metric: str) -> float | None:
    return run.metrics.get(metric) if run else None


def _follow(work: Work) -> Iterator[Point]:
    run = work.run("run", "name")
    yield _named(work, "run", "name")
    yield _number(work, "run", "recall", _of_run(run, "recall"))
    yield _number(work, "run", "precision", _of_run(run, "precision"))


def _grid(work: Work) -> Iterator[Point]:
    asked = [variant.run_name for variant in work.study.variants]
    trained = {run.name for run in work.records.runs} if work.records else set()
    done = sum(name in trained for name in asked)
    whole = done == len(asked)
    yield _point("grid.complete", "held" if whole else "missing", done=done, asked=len(asked))
    means = _means(work)
    named = work.said("grid", "best")
    if not named or not whole:
        yield _point("grid.best", "missing")
    else:
        holds = math.isclose(means.get(named, math.nan), max(means.values(), default=math.nan))
        yield _point("grid.best", "held" if holds else "wrong")


def _means(work: Work) -> dict[str, float]:
    """The mean over seeds of the first objective on val, by configuration."""
    metric = work.study.policy.objectives[0].metric
    values: dict[str, list[float]] = {}
    for variant in work.study.variants:
        value = _of_run(work.records.run(variant.run_name) if work.records else None, metric)
        if value is not None:
            values.setdefault(variant.configuration, []).append(value)
    return {name: float(np.mean(found)) for name, found in values.items()}


def _error(work: Work) -> Iterator[Point]:
    again = read_again()
    yield _number(work, "error", "distinct", len(set(RUNS.values())), 0)
    yield _number(work, "error", "persons", again.counts.candidate - again.counts.baseline, 0)
    boxes = again.boxes_per_image
    yield _number(work, "error", "boxes_per_image", boxes, BOXES_RELATIVE * boxes)


def _chance(work: Work) -> Iterator[Point]:
    yield _named(work, "chance", "candidate")
    yield _named(work, "chance", "baseline")
    sides = [work.seen(work.run("chance", key)) for key in ("candidate", "baseline")]
    found = recall_difference(sides[0], sides[1]) if sides[0] and sides[1] else None
    difference, low, high = found or (None, None, None)
    width = 0.0 if low is None or high is None else high - low
    within = max(ROUNDED, OF_THE_WIDTH * width)
    yield _number(work, "chance", "difference", difference)
    yield _number(work, "chance", "low", low, within)
    yield _number(work, "chance", "high", high, within)


def recall_difference(candidate: Seen, baseline: Seen) -> tuple[float, float, float] | None:
    """The difference of recall of two runs on the same images, and its paired interval at 95%.

    Images are drawn with replacement, the same for both; None where the images are not the same.
    """
    if candidate.matches.images != baseline.matches.images:
        return None
    weights = bootstrap_weights(candidate.images, np.random.default_rng(SEED))
    recalls = [
        metric_values(side.matches, weights, side.threshold, ["recall"])["recall"]
        for side in (candidate, baseline)
    ]
    differences = recalls[0] - recalls[1]
    low, high = np.nanquantile(differences[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(differences[0]), float(low), float(high)


def _threshold(work: Work) -> Iterator[Point]:
    yield _named(work, "threshold")
    seen = work.seen(work.run("threshold"))
    chosen = _as_number(work.said("threshold", "threshold"))
    inside = chosen is not None and 0 < chosen < 1
    state: State = "held" if inside else "wrong"
    yield _point("threshold.threshold", state if work.said("threshold", "threshold") else "missing")
    measured: Mapping[str, float] = {}
    if seen and inside and chosen is not None:
        every = np.ones((1, seen.images))
        values = metric_values(seen.matches, every, chosen, ["precision", "recall"])
        measured = {name: float(value[0]) for name, value in values.items()}
    for metric in ("precision", "recall"):
        yield _number(work, "threshold", metric, measured.get(metric))


def _cost(work: Work) -> Iterator[Point]:
    run = work.run("cost")
    yield _named(work, "cost")
    for cost in ("latency_p95_ms", "energy_wh"):
        value = _of_run(run, cost)
        yield _number(work, "cost", cost, value, RELATIVE * abs(value or 0))


def _policy(work: Work) -> Iterator[Point]:
    policy = work.study.policy
    limited = [one.metric for one in policy.objectives] + [one.measure for one in policy.gates]
    reasons = work.answers.get("policy", {}).get("reasons")
    written = reasons if isinstance(reasons, dict) else {}
    lacking = sorted({name for name in limited if not str(written.get(name) or "").strip()})
    yield _point("policy.reasons", "missing" if lacking else "held", lacking=lacking)
    first = next(iter(_openings(work)), None)
    ours = digest_of(policy.model_dump(mode="json"))
    same = first is None or ours.startswith(first.policy)
    yield _point("policy.first", "held" if same else "wrong")


def _openings(work: Work) -> Sequence[Opening]:
    """What was asked of the study's test, the first question first."""
    found: list[Opening] = []
    for dataset in search(work.client, work.study.experiment, {Tag.ROLE: Role.DATASET}):
        test = dataset.data.tags.get(Tag.TEST_DIGEST)
        if test:
            found += read_openings(work.client, test)
    mine = (one for one in found if one.study == work.study.name)
    return sorted(mine, key=lambda one: (one.when, one.question))


def _decide(work: Work) -> Iterator[Point]:
    place = work.folder / (work.said("decide", "document") or "decision.md")
    if not place.is_file():
        yield _point("decide.document", "missing", file=place.name)
        return
    yield _point("decide.document", "held", file=place.name)
    review = check_claims(read_decision(place), work.records)
    failed = sum(one.failed for one in review.remarks)
    holds = review.holds and work.records is not None
    yield _point("decide.review", "held" if holds else "wrong", failed=failed)


def _registry(work: Work) -> Iterator[Point]:
    model = RegisteredModel(work.client, work.study.model.registered_name)
    said = work.said("registry", "production").lower()
    stands = aliases(model).get(PRODUCTION, NONE)
    state: State = "held" if said == stands else "wrong"
    yield _point("registry.production", state if said else "missing")
    yield _number(work, "registry", "events", len(read_history(model).events), 0)


CHAPTERS: Mapping[str, Callable[[Work], Iterator[Point]]] = {
    "run": _follow,
    "grid": _grid,
    "error": _error,
    "chance": _chance,
    "threshold": _threshold,
    "cost": _cost,
    "policy": _policy,
    "decide": _decide,
    "registry": _registry,
}
