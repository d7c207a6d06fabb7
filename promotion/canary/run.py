"""The canary at work: challenger and champion on the same pictures, until the case is clear."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import cpu_count

from promotion.canary.control import share_free
from promotion.canary.stability import (
    BURSTS_A_BLOCK,
    SIDES,
    CanaryVerdict,
    Look,
    Promise,
    images_needed,
    judge,
)
from promotion.detection import match
from promotion.facts import Fact, Note
from promotion.registry.contender import Contender
from promotion.study import Canary

WARM_UP_IMAGES = 3
# No late answer at all takes 65 blocks to hold; whoever needs three times as many waits in vain.
MOST_BLOCKS = 200
# Pictures are asked again this many blocks long before the next look.
BLOCKS_A_LOOK = 10


@dataclass(frozen=True)
class Answer:
    """What a contender answered to one photograph, and how long it took under load."""

    boxes: pd.DataFrame
    milliseconds: float


@dataclass(frozen=True)
class Exchange:
    """A request to both contenders: when it was sent, in seconds, and their answers by side.

    `free` is the share of the machine that was free before and after its batch, the lesser one.
    """

    asked_at: float
    free: float
    answers: dict[str, Answer]


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


@dataclass
class Course:
    """The canary's looks, what each model saw, one row an image, and the boxes they drew.

    `timings` has one row a request: pictures are asked again while only the latency is open.
    """

    looks: list[Look] = field(default_factory=list)
    images_needed: int | None = None
    observations: pd.DataFrame = field(default_factory=pd.DataFrame)
    timings: pd.DataFrame = field(default_factory=pd.DataFrame)
    detections: dict[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def verdict(self) -> CanaryVerdict:
        """The verdict of the last look."""
        return self.looks[-1].verdict

    @property
    def seconds(self) -> float:
        """How long the contenders have been asked."""
        return float(self.timings["asked_at"].max())


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
    groups: Mapping[str, str],
    ground_truth: pd.DataFrame,
    promise: Promise,
    rules: Canary,
    confidence: float,
) -> Course:
    """Show both models the pictures, batch by batch, until the challenger has passed or failed.

    The pictures are shown in the order given, those of one group together (`groups` names the
    group of each); every batch is sent with `rules.requests` requests at a time, between two
    controls of how busy the machine is. When only the latency is open, pictures are asked again:
    it needs time, not labels.
    """
    contenders = (challenger, champion)
    _warm_up(contenders, images[:WARM_UP_IMAGES])
    began = time.perf_counter()
    course = Course()
    waiting = list(images)
    while waiting and (not course.looks or course.verdict == "continue"):
        batch, waiting = waiting[: rules.batch], waiting[rules.batch :]
        exchanges = _send(contenders, batch, rules.requests, began)
        _observe(course, ground_truth, groups, batch, exchanges)
        _look(course, promise, rules, confidence, ended=not waiting)
        if _only_latency_is_open(course.looks[-1]):
            break
    again = cycle(images)
    block = BURSTS_A_BLOCK * rules.burst_s
    while _only_latency_is_open(course.looks[-1]) and course.seconds < MOST_BLOCKS * block:
        until = time.perf_counter() + BLOCKS_A_LOOK * block
        while time.perf_counter() < until:
            batch = list(islice(again, rules.batch))
            _time(course, _send(contenders, batch, rules.requests, began))
        _look(course, promise, rules, confidence, ended=not waiting)
    if course.verdict == "continue":
        course.images_needed = images_needed(
            course.observations,
            course.looks[-1],
            promise,
            rules,
            1 - confidence,
            course.timings,
        )
    return course


def _only_latency_is_open(look: Look) -> bool:
    states = {one.name: one.state for one in look.criteria}
    others = {state for name, state in states.items() if name != "latency"}
    return states["latency"] == "open" and others == {"held"}


def _look(course: Course, promise: Promise, rules: Canary, confidence: float, ended: bool) -> None:
    number = len(course.looks) + 1
    course.looks.append(
        judge(course.observations, promise, rules, confidence, number, course.timings, ended)
    )


def _warm_up(contenders: Sequence[Contender], images: Sequence[Path]) -> None:
    for path in images:
        for contender in contenders:
            contender.see(path.read_bytes())


def _send(
    contenders: Sequence[Contender], batch: Sequence[Path], requests: int, began: float
) -> list[Exchange]:
    """What both contenders answer to a batch, `requests` at a time.

    A request asks one model and then the other, in an order that turns, so that both meet the same
    load.
    """
    sides = list(zip(SIDES, contenders, strict=True))

    cores = min(requests, cpu_count())

    def request(number: int, path: Path) -> tuple[float, dict[str, Answer]]:
        photograph = path.read_bytes()
        answers = {}
        asked_at = time.perf_counter() - began
        for side, contender in sides if number % 2 else reversed(sides):
            start = time.perf_counter_ns()
            boxes = contender.see(photograph)
            milliseconds = (time.perf_counter_ns() - start) / 1e6
            answers[side] = Answer(boxes.assign(image=path.name), milliseconds)
        return asked_at, answers

    before = share_free(cores)
    with ThreadPoolExecutor(requests) as pool:
        answered = list(pool.map(request, range(len(batch)), batch))
    free = min(before, share_free(cores))
    return [Exchange(asked_at, free, answers) for asked_at, answers in answered]


def _observe(
    course: Course,
    ground_truth: pd.DataFrame,
    groups: Mapping[str, str],
    batch: Sequence[Path],
    exchanges: Sequence[Exchange],
) -> None:
    """Add one row an image: its group, persons, and for each side boxes, found, confidence."""
    names = [path.name for path in batch]
    truth = ground_truth[ground_truth["image"].isin(names)]
    table = pd.DataFrame({"group": [groups.get(name, name) for name in names]}, index=names)
    for side in SIDES:
        boxes = pd.concat([one.answers[side].boxes for one in exchanges], ignore_index=True)
        matches = match(truth, boxes)
        images = list(matches.images)
        found = np.bincount(matches.image[matches.found[0]], minlength=len(images))
        table["persons"] = pd.Series(matches.persons, index=images)
        table[f"found_{side}"] = pd.Series(found, index=images)
        drawn = behaviour(boxes, names)
        table[f"boxes_{side}"] = drawn["boxes"]
        table[f"confidence_{side}"] = drawn["confidence"]
        table[f"ms_{side}"] = [one.answers[side].milliseconds for one in exchanges]
        known = course.detections.get(side)
        course.detections[side] = (
            boxes if known is None else pd.concat([known, boxes], ignore_index=True)
        )
    table["free"] = [one.free for one in exchanges]
    course.observations = pd.concat([course.observations, table])
    _time(course, exchanges)


def _time(course: Course, exchanges: Sequence[Exchange]) -> None:
    """Add one row a request."""
    rows = [
        {"asked_at": one.asked_at, "free": one.free}
        | {f"ms_{side}": one.answers[side].milliseconds for side in SIDES}
        for one in exchanges
    ]
    course.timings = pd.concat([course.timings, pd.DataFrame(rows)], ignore_index=True)
