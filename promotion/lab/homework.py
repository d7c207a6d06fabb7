"""Checks a student's work at once: what they wrote down against their own runs and files.

A check says what was found and what is missing, never the answer; `report` words it. The answers
stand in one YAML file, a section a chapter.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
import yaml
from mlflow.tracking import MlflowClient

from promotion.checksums import digest_of
from promotion.comparison import Opening
from promotion.comparison.bootstrap import bootstrap_weights
from promotion.comparison.bounds import Bounds, quantile_bounds
from promotion.comparison.ledger import read_openings
from promotion.detection import Seen
from promotion.errors import DocumentError, MissingRunsError
from promotion.facts import Note
from promotion.lab.published import RUNS, read_again
from promotion.lab.review import Records, check_claims, read_decision, read_records
from promotion.lab.review.records import Ran
from promotion.metrics import Array, Matches, metric_values
from promotion.registry import PRODUCTION, RegisteredModel, aliases, names, read_history
from promotion.store import Artifact, Role, Tag, load_table, search
from promotion.study import Study

State = Literal["held", "wrong", "missing"]

LEVEL = 0.95
SEED = 20261125
# How far a number may be from ours: as a student rounds, reads a table, or draws other resamples.
ROUNDED, RELATIVE, OF_THE_WIDTH = 0.005, 0.02, 0.1
BOXES_RELATIVE = 0.1
RANKS, DIGEST_DIGITS = 2, 8
# What another grid of thresholds may cost more than the cheapest of all.
DEARER = 0.05
QUANTILE = 0.95
NONE, ERROR = "none", "error"
ENERGIES = {
    "measured": "measured",
    "mesurée": "measured",
    "estimated": "estimated",
    "estimée": "estimated",
}


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
    yield _word(work, "run", "dataset", _is_digest, run.dataset if run else None)
    yield _word(work, "run", "model", _is_file, Artifact.MODEL if run else None)


def _word(
    work: Work, chapter: str, key: str, holds: Callable[[str, str], bool], wanted: str | None
) -> Point:
    """An answer that is a word; without one to compare with, what it is about is missing."""
    written = work.said(chapter, key)
    if not written or wanted is None:
        return _point(f"{chapter}.{key}", "missing")
    return _point(f"{chapter}.{key}", "held" if holds(written, wanted) else "wrong")


def _is_digest(written: str, wanted: str) -> bool:
    """Whether this is the digest, or its beginning as MLflow shows it."""
    return wanted == written or (
        len(written) >= DIGEST_DIGITS and wanted.startswith(written.lower())
    )


def _is_file(written: str, wanted: str) -> bool:
    return PurePosixPath(written).name == PurePosixPath(wanted).name


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
    yield from _cheapest(work, seen, chosen if inside else None)


def _cheapest(work: Work, seen: Seen | None, chosen: float | None) -> Iterator[Point]:
    """Whether what the errors are said to cost is told, and costs least at the threshold."""
    written = [work.said("threshold", key) for key in ("missed", "alarm")]
    missed, alarm = (_as_number(one) or 0.0 for one in written)
    if not all(written):
        yield _point("threshold.costs", "missing")
    else:
        yield _point("threshold.costs", "held" if min(missed, alarm) > 0 else "wrong")
    if seen is None or chosen is None or min(missed, alarm) <= 0:
        yield _point("threshold.cheapest", "missing")
        return
    costs = costs_of_errors(seen.matches, missed, alarm)
    shown = int((seen.matches.confidence >= chosen).sum())
    cheap = costs[shown] <= (1 + DEARER) * costs.min()
    yield _point("threshold.cheapest", "held" if cheap else "wrong")


def costs_of_errors(matches: Matches, missed: float, alarm: float) -> Array:
    """What the errors cost when the n surest boxes are shown, for n from 0 (1 + boxes,).

    A person that no box finds costs `missed`, a box that finds nobody `alarm`.
    """
    found = np.concatenate([[0], np.cumsum(matches.found[0])])
    shown = np.arange(len(found))
    costs: Array = missed * (matches.persons.sum() - found) + alarm * (shown - found)
    return costs


def _cost(work: Work) -> Iterator[Point]:
    run = work.run("cost")
    yield _named(work, "cost")
    times = _timed(work, run)
    found = latency_bounds(times)
    yield _number(work, "cost", "latency_p95_ms", found.value, RELATIVE * abs(found.value or 0))
    for end, bound in (("low", found.low), ("high", found.high)):
        middle, within = _ranks_about(times, bound)
        yield _number(work, "cost", end, middle, within)
    energy = _of_run(run, "energy_wh")
    yield _number(work, "cost", "energy_wh", energy, RELATIVE * abs(energy or 0))
    tags = work.client.get_run(run.run_id).data.tags if run else {}
    yield _word(work, "cost", "energy", _is_energy, tags.get(Tag.ENERGY_METHOD))


def _is_energy(written: str, method: str) -> bool:
    return ENERGIES.get(written.lower()) == method


def _timed(work: Work, run: Ran | None) -> Array:
    """The latencies that a student read, the newest by default; an array of none without any.

    A policy that is changed has them measured anew, and what was read before stays right.
    """
    found = [*latencies(work.client, work.study.experiment, run)] if run else []
    written = _as_number(work.said("cost", "latency_p95_ms")) or 0.0
    read = (one for one in found if math.isclose(written, _p95(one), rel_tol=RELATIVE))
    return next(read, found[0] if found else np.zeros(0))


def _p95(milliseconds: Array) -> float:
    return float(np.quantile(milliseconds, QUANTILE))


def latencies(client: MlflowClient, experiment: str, run: Ran) -> Iterator[Array]:
    """The milliseconds a run took, image by image, as each session measured it, newest first."""
    for one in search(client, experiment, {Tag.ROLE: Role.SELECTION}):
        with suppress(MissingRunsError):
            table = load_table(client, one.info.run_id, Artifact.LATENCIES)
            if run.name in table:
                yield table[run.name].to_numpy(float)


def latency_bounds(milliseconds: Array) -> Bounds:
    """The 95th percentile of some latencies, and its two-sided interval at 95%."""
    return quantile_bounds(milliseconds.tolist(), QUANTILE, (1 + LEVEL) / 2)


def _ranks_about(times: Array, bound: float | None) -> tuple[float | None, float]:
    """The middle and half the width of what lies within a few ranks of a bound among the times."""
    if bound is None:
        return None, 0.0
    ordered = np.sort(times)
    rank, last = int(np.searchsorted(ordered, bound)), len(ordered) - 1
    low = float(ordered[max(rank - RANKS, 0)]) * (1 - RELATIVE)
    high = float(ordered[min(rank + RANKS, last)]) * (1 + RELATIVE)
    return (low + high) / 2, (high - low) / 2


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
    # On a server that is shared, a student's own models begin with the name of their study's.
    own = (name for name in names(work.client) if name.startswith(model.name))
    histories = (read_history(RegisteredModel(work.client, name)) for name in own)
    back = any(event.action == "rollback" for one in histories for event in one.events)
    yield _point("registry.rollback", "held" if back else "missing")


CHAPTERS: Mapping[str, Callable[[Work], Iterator[Point]]] = {
    "run": _follow,
    "grid": _grid,
    ERROR: _error,
    "chance": _chance,
    "threshold": _threshold,
    "cost": _cost,
    "policy": _policy,
    "decide": _decide,
    "registry": _registry,
}
