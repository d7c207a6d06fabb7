"""The canary: challenger against champion on production pictures, until the case is clear.

Stability is defined, not felt. On the canary's pictures the challenger must not lose more than a
stated margin of recall and of precision, must answer in time under load, and must behave as it did
on test. Each is a sequential test that stays valid however often one looks.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from promotion.canary.sequential import (
    Floats,
    confidence_sequence,
    distance_between,
    distance_error,
    log_wealth,
    values_to_reject,
)
from promotion.detection import match
from promotion.facts import Fact, Note
from promotion.registry import Contender
from promotion.study import Canary

CanaryVerdict = Literal["go", "stop", "continue"]
State = Literal["held", "broken", "open"]

SIDES = ("challenger", "champion")
METRICS = ("recall", "precision")
# Any of these can stop the canary, so they share the risk of a false stop.
CRITERIA = (*METRICS, "latency", "drift_boxes", "drift_confidence")
PERCENTILE = 95
WARM_UP_IMAGES = 3


@dataclass(frozen=True)
class Answer:
    """What a contender answered to one photograph, and how long it took under load."""

    boxes: pd.DataFrame
    milliseconds: float


@dataclass(frozen=True)
class Promise:
    """What the challenger did on test: its precision, and its `behaviour` image by image."""

    precision: float
    behaviour: pd.DataFrame


class Criterion(Fact):
    """One condition of stability after a look.

    `value` stands against `limit`, within `bounds`, each of which holds at all looks together: a
    difference of metrics (at least), the share of answers in time (at least), or a distance of
    distributions (at most). `evidence_for` and `evidence_against` are shares of what is required to
    hold or to break the criterion; 1 is enough.
    """

    name: str
    value: float
    bounds: tuple[float, float]
    limit: float
    evidence_for: float
    evidence_against: float
    state: State

    @property
    def is_drift(self) -> bool:
        """Whether it compares the challenger with itself on test."""
        return self.name.startswith("drift_")

    @property
    def is_difference(self) -> bool:
        """Whether it compares the challenger with the champion."""
        return self.name in METRICS


class Look(Fact):
    """What was known after a batch."""

    images: int
    persons: int
    criteria: list[Criterion]
    verdict: CanaryVerdict

    def criterion(self, name: str) -> Criterion:
        """The criterion of this name."""
        return next(one for one in self.criteria if one.name == name)


class CanaryResult(Fact):
    """How the canary went; `metrics` holds both sides' figures on the pictures that were seen."""

    verdict: CanaryVerdict
    version: str
    challenger: str
    champion: str
    champion_version: str | None
    dataset_source: str
    dataset_digest: str
    dataset_findings: list[Note]
    images_available: int
    looks: list[Look]
    images_needed: int | None
    metrics: dict[str, dict[str, float]]
    rules: Canary
    confidence: float
    hardware: str

    @property
    def last(self) -> Look:
        """The look at which the canary ended."""
        return self.looks[-1]


@dataclass(frozen=True)
class Course:
    """The canary's looks, what each model saw, one row an image, and the boxes they drew."""

    looks: list[Look]
    images_needed: int | None
    observations: pd.DataFrame
    detections: dict[str, pd.DataFrame]

    @property
    def verdict(self) -> CanaryVerdict:
        """The verdict of the last look."""
        return self.looks[-1].verdict


def behaviour(detections: pd.DataFrame, images: Sequence[str]) -> pd.DataFrame:
    """Boxes drawn in each image, and their mean confidence (missing if none): one row an image."""
    groups = detections.groupby("image")["confidence"]
    return pd.DataFrame(
        {"boxes": groups.size(), "confidence": groups.mean()}, index=list(images)
    ).fillna({"boxes": 0})


def run_canary(
    challenger: Contender,
    champion: Contender,
    images: Sequence[Path],
    ground_truth: pd.DataFrame,
    promise: Promise,
    rules: Canary,
    confidence: float,
) -> Course:
    """Show both models the pictures, batch by batch, until the challenger has passed or failed.

    The pictures are shown in the order given; every batch is sent with `rules.requests` requests at
    a time.
    """
    waiting = list(images)
    _warm_up((challenger, champion), waiting[:WARM_UP_IMAGES])
    observations = pd.DataFrame()
    looks: list[Look] = []
    boxes: dict[str, list[pd.DataFrame]] = {side: [] for side in SIDES}
    while waiting and (not looks or looks[-1].verdict == "continue"):
        batch, waiting = waiting[: rules.batch], waiting[rules.batch :]
        answers = _send(challenger, champion, batch, rules.requests)
        for side in SIDES:
            boxes[side].append(_boxes(answers[side]))
        names = [path.name for path in batch]
        truth = ground_truth[ground_truth["image"].isin(names)]
        observations = pd.concat([observations, _observe(truth, answers, names)])
        looks.append(judge(observations, promise, rules, confidence, len(looks) + 1))
    detections = {side: pd.concat(parts, ignore_index=True) for side, parts in boxes.items()}
    needed = None
    if looks[-1].verdict == "continue":
        needed = _images_needed(observations, looks[-1], promise, rules, 1 - confidence)
    return Course(looks, needed, observations, detections)


def judge(
    observations: pd.DataFrame,
    promise: Promise,
    rules: Canary,
    confidence: float,
    look: int,
) -> Look:
    """What the observations so far say of each criterion, and the verdict that follows.

    *go* when every criterion holds: the tests of recall, precision and latency each at the stated
    confidence (all must pass, so that needs no correction), the drifts within their limit. *stop*
    when any is broken, at a confidence that is shared among all five.
    """
    risk = 1 - confidence
    criteria = [
        _tested(name, test, risk) for name, test in _tests(observations, promise, rules).items()
    ]
    for column in ("boxes", "confidence"):
        now = observations[f"{column}_challenger"]
        before = promise.behaviour[column]
        criteria.append(_drift(f"drift_{column}", before, now, rules.drift, risk, look))
    states = {criterion.state for criterion in criteria}
    verdict: CanaryVerdict = "go" if states == {"held"} else "continue"
    if "broken" in states:
        verdict = "stop"
    return Look(
        images=len(observations),
        persons=int(observations["persons"].sum()),
        criteria=criteria,
        verdict=verdict,
    )


def side_metrics(observations: pd.DataFrame, side: str) -> dict[str, float]:
    """Recall and precision over all persons and boxes seen, and the latency under load."""
    found = float(observations[f"found_{side}"].sum())
    late = observations[f"ms_{side}"]
    return {
        "recall": found / max(1.0, float(observations["persons"].sum())),
        "precision": found / max(1.0, float(observations[f"boxes_{side}"].sum())),
        "latency_p50_ms": float(np.percentile(late, 50)),
        "latency_p95_ms": float(np.percentile(late, PERCENTILE)),
    }


def _warm_up(contenders: Sequence[Contender], images: Sequence[Path]) -> None:
    for path in images:
        for contender in contenders:
            contender.see(path.read_bytes())


def _send(
    challenger: Contender, champion: Contender, batch: Sequence[Path], requests: int
) -> dict[str, list[Answer]]:
    """Each side's answers to a batch, `requests` at a time.

    A request asks one model and then the other, in an order that turns, so that both meet the same
    load.
    """
    sides = list(zip(SIDES, (challenger, champion), strict=True))

    def request(number: int, path: Path) -> dict[str, Answer]:
        photograph = path.read_bytes()
        answers = {}
        for side, contender in sides if number % 2 else reversed(sides):
            began = time.perf_counter_ns()
            boxes = contender.see(photograph)
            milliseconds = (time.perf_counter_ns() - began) / 1e6
            answers[side] = Answer(boxes.assign(image=path.name), milliseconds)
        return answers

    with ThreadPoolExecutor(requests) as pool:
        answers = list(pool.map(request, range(len(batch)), batch))
    return {side: [answer[side] for answer in answers] for side in SIDES}


def _observe(
    truth: pd.DataFrame, answers: Mapping[str, Sequence[Answer]], names: Sequence[str]
) -> pd.DataFrame:
    """One row an image: persons, and for each side boxes, persons found, confidence, time."""
    table = pd.DataFrame(index=list(names))
    for side in SIDES:
        boxes = _boxes(answers[side])
        matches = match(truth, boxes)
        images = list(matches.images)
        found = np.bincount(matches.image[matches.found[0]], minlength=len(images))
        table["persons"] = pd.Series(matches.persons, index=images)
        table[f"found_{side}"] = pd.Series(found, index=images)
        drawn = behaviour(boxes, names)
        table[f"boxes_{side}"] = drawn["boxes"]
        table[f"confidence_{side}"] = drawn["confidence"]
        table[f"ms_{side}"] = [answer.milliseconds for answer in answers[side]]
    return table


def _boxes(answers: Sequence[Answer]) -> pd.DataFrame:
    return pd.concat([answer.boxes for answer in answers], ignore_index=True)


@dataclass(frozen=True)
class _Test:
    """The values of a test, one an image, in [low, 1], and the mean that they must exceed.

    `excused` are the values held against the challenger: those that are not its own fault are 1.
    """

    values: Floats
    excused: Floats
    null: float
    low: float

    @property
    def wealth_for(self) -> Floats:
        """The log wealth of betting that the mean exceeds the null, after each value."""
        return log_wealth(self.values, self.null, self.low, 1)

    @property
    def wealth_against(self) -> Floats:
        """The log wealth of betting that it falls short."""
        return log_wealth(-self.excused, -self.null, -1, -self.low)


def _tests(observations: pd.DataFrame, promise: Promise, rules: Canary) -> dict[str, _Test]:
    """The tests by name: differences of a metric, and whether an answer came in time.

    An answer counts as late against the challenger only where the champion, asked at the same
    moment, was in time: a busy machine may withhold a *go*, but stops nobody.
    """
    recall = _differences(observations, "recall", 1.0)
    precision = _differences(observations, "precision", promise.precision)
    late, champion_late = (
        observations[f"ms_{side}"].to_numpy(float) > rules.latency_p95_ms for side in SIDES
    )
    in_time, excused = (np.asarray(kept, np.float64) for kept in (~late, ~late | champion_late))
    return {
        "recall": _Test(recall, recall, -rules.margins.recall, -1.0),
        "precision": _Test(precision, precision, -rules.margins.precision, -1.0),
        "latency": _Test(in_time, excused, PERCENTILE / 100, 0.0),
    }


def _differences(observations: pd.DataFrame, metric: str, undefined: float) -> Floats:
    """Challenger − champion of a metric in each image, in [−1, 1].

    All images weigh the same, which bounds what one crowd can do to the test. `undefined` stands
    for the recall of an image without a person, or the precision of one without a box: the latter
    is what test promised, so that neither silence nor boldness pays by itself.
    """
    values = []
    for side in SIDES:
        found = observations[f"found_{side}"].to_numpy(float)
        of = observations["persons" if metric == "recall" else f"boxes_{side}"].to_numpy(float)
        values.append(np.divide(found, of, out=np.full_like(found, undefined), where=of > 0))
    return np.asarray(values[0] - values[1])


def _tested(name: str, test: _Test, risk: float) -> Criterion:
    """What the bets for and against a test have brought, with the bounds of its mean."""
    # Each bound has the level of the test beside it: it passes the limit when the test does.
    lower, upper = confidence_sequence(test.values, 2 * risk, test.low, 1)
    evidence_for = max(0.0, float(test.wealth_for.max()) / _level_for(risk))
    evidence_against = max(0.0, float(test.wealth_against.max()) / _level_against(risk))
    state: State = "held" if evidence_for >= 1 else "open"
    if evidence_against >= 1:
        state = "broken"
    return Criterion(
        name=name,
        value=float(test.values.mean()),
        bounds=(float(lower[-1]), float(upper[-1])),
        limit=test.null,
        evidence_for=evidence_for,
        evidence_against=evidence_against,
        state=state,
    )


def _level_for(risk: float) -> float:
    return math.log(1 / risk)


def _level_against(risk: float) -> float:
    return math.log(len(CRITERIA) / risk)


def _drift(
    name: str, reference: pd.Series, seen: pd.Series, limit: float, risk: float, look: int
) -> Criterion:
    """The challenger's behaviour is no further from that on test than the limit.

    It breaks when the distance exceeds the limit by more than chance could; it holds while it is
    within the limit, which guards a *go* but proves nothing, so that it needs no test.
    """
    before, now = reference.dropna().to_numpy(float), seen.dropna().to_numpy(float)
    # A model that shows nothing has no confidences to compare; its counts tell.
    distance = distance_between(before, now) if len(before) and len(now) else 0.0
    share = risk / len(CRITERIA)
    error = distance_error(max(1, len(before)), max(1, len(now)), look, share)
    low = max(0.0, distance - error)
    state: State = "held" if distance <= limit else "open"
    if low > limit:
        state = "broken"
    return Criterion(
        name=name,
        value=distance,
        bounds=(low, min(1.0, distance + error)),
        limit=limit,
        evidence_for=float(state == "held"),
        evidence_against=low / limit,
        state=state,
    )


def _images_needed(
    observations: pd.DataFrame, look: Look, promise: Promise, rules: Canary, risk: float
) -> int | None:
    """About how many images in all the open tests need; None if none would do, by what was seen."""
    if any(criterion.state == "open" for criterion in look.criteria if criterion.is_drift):
        return None
    needed = [
        values_to_reject(test.wealth_for, _level_for(risk))
        for name, test in _tests(observations, promise, rules).items()
        if look.criterion(name).state == "open"
    ]
    known = [count for count in needed if count is not None]
    return max(known) if known and len(known) == len(needed) else None
