"""The canary's five criteria where pictures, answers and boxes depend on each other.

A criterion is held wrongly when the loss is as large as the margin, and stops wrongly when it is no
larger. One looks after every value, or after so many batches.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.simulation.rows import ALPHA, Row, at_least, at_most
from promotion.canary.sequential import best_so_far, distance_between, distance_error
from promotion.canary.stability import (
    CRITERIA,
    CROWD,
    SequentialTest,
    latency_test,
    precision_test,
    recall_test,
)
from promotion.metrics import Array

STOP = ALPHA / len(CRITERIA)
FOR, AGAINST = math.log(1 / ALPHA), math.log(1 / STOP)
# Most equal challengers should be let through.
POWER = 0.8
RECALL, RECALL_MARGIN = 0.7, 0.05
PRECISION, PRECISION_MARGIN = 0.78, 0.1
# False boxes a picture that cost 0.1 of precision: with persons everywhere, and with 70 % empty.
INVENTIONS, INVENTIONS_EMPTY = 0.532, 0.399
PACE_S, BURST_S, LIMIT_MS, SLOW_MS, FAST_MS = 0.05, 2.5, 200.0, 500.0, 50.0
# Answers for which both sides are late together.
BUSY = 30
DRIFT_GROUPS, DRIFT_LOOKS = 60, 20


@dataclass(frozen=True)
class Pictures:
    """What two sides see: persons a picture, how they are spread, and what the challenger loses.

    `kept` is the share of persons on whom both sides agree, `crowds` that of pictures with ten
    times the persons, `empty` that without any, `inventions` more false boxes of the challenger. In
    a `clip` all images are the same but for one person in fifty.
    """

    images: int
    empty: float = 0.0
    persons: float = 4.0
    crowds: float = 0.0
    loss: float = 0.0
    crowd_loss: float | None = None
    kept: float = 0.7
    false: float = 0.8
    inventions: float = 0.0
    clip: int = 1

    def draw(self, rng: np.random.Generator) -> pd.DataFrame:
        """Two sides' observations, one row an image."""
        scenes = math.ceil(self.images / self.clip)
        count = np.maximum(rng.poisson(self.persons, scenes), 1)
        crowd = rng.random(scenes) < self.crowds
        count[crowd] *= 10
        count[rng.random(scenes) < self.empty] = 0
        crowd_loss = self.loss if self.crowd_loss is None else self.crowd_loss
        lost = np.where(crowd, crowd_loss, self.loss) / RECALL
        both = rng.binomial(count, self.kept)
        base = rng.binomial(both, RECALL)
        champion = base + rng.binomial(count - both, RECALL)
        challenger = base + rng.binomial(count - both, RECALL)
        challenger = rng.binomial(challenger, 1 - lost)
        shared = rng.poisson(self.false / 2, scenes)
        table = pd.DataFrame({"persons": count})
        for side, found, more in (
            ("challenger", challenger, self.inventions),
            ("champion", champion, 0.0),
        ):
            table[f"found_{side}"] = found
            table[f"boxes_{side}"] = found + shared + rng.poisson(self.false / 2 + more, scenes)
        return self._as_clips(table, rng) if self.clip > 1 else table

    def _as_clips(self, scenes: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        """Each scene as often as its clip has images, with a person missed here and there."""
        places = np.repeat(scenes.index, self.clip)[: self.images]
        table = scenes.loc[places].assign(group=places).reset_index(drop=True)
        for side in ("challenger", "champion"):
            drop = (rng.random(self.images) < 0.02) & (table[f"found_{side}"] > 0)
            table[f"found_{side}"] -= drop
            table[f"boxes_{side}"] -= drop
        return table


@dataclass(frozen=True)
class Answers:
    """How late the challenger is: which share, in bursts of how many; `common` late for both."""

    count: int
    late: float
    burst: tuple[int, int] = (1, 1)
    common: float = 0.0

    def draw(self, rng: np.random.Generator) -> pd.DataFrame:
        """Times of both sides."""
        slow = self._slow(rng)
        busy = np.repeat(rng.random(self.count // BUSY + 1) < self.common, BUSY)[: self.count]
        frame = pd.DataFrame({"asked_at": np.arange(self.count) * PACE_S, "free": 1.0})
        frame["ms_challenger"] = np.where(slow | busy, SLOW_MS, FAST_MS)
        frame["ms_champion"] = np.where(busy, SLOW_MS, FAST_MS)
        return frame

    def _slow(self, rng: np.random.Generator) -> np.ndarray:
        """Bursts begin at random, so that gaps between them have no memory."""
        slow = np.zeros(self.count + self.burst[1], bool)
        start = self.late / (sum(self.burst) / 2 * (1 - self.late))
        inside = bool(self.late) and rng.random() < self.late
        place = -int(rng.integers(0, self.burst[1])) if inside else 0
        while self.late:
            place += int(rng.geometric(start)) if place >= 0 else 0
            if place >= self.count:
                break
            length = int(rng.integers(self.burst[0], self.burst[1] + 1))
            slow[max(0, place) : max(0, place + length)] = True
            place = max(0, place + length)
        return slow[: self.count]


def recall_of(pictures: Pictures) -> Callable[[np.random.Generator], SequentialTest]:
    """The test of recall on such pictures."""
    return lambda rng: recall_test(pictures.draw(rng), RECALL_MARGIN, True)


def precision_of(pictures: Pictures) -> Callable[[np.random.Generator], SequentialTest]:
    """The test of precision on such pictures."""
    return lambda rng: precision_test(pictures.draw(rng), PRECISION_MARGIN, PRECISION, True)


def ended(
    make: Callable[[np.random.Generator], SequentialTest], studies: int
) -> tuple[list[bool], list[bool]]:
    """Of each canary, looking after every value: whether the test holds, whether it stops."""
    held, stopped = [], []
    for number in range(studies):
        test = make(np.random.default_rng(number))
        wealth = best_so_far(test.bet(test.values, np.array([test.limit]))[:, 0])
        held.append(bool(wealth[-1] >= FOR))
        stopped.append(test.wealth_against() >= AGAINST)
    return held, stopped


def looked_at(answers: Answers, looks: int, studies: int) -> tuple[list[bool], list[bool]]:
    """The same of latency, whose blocks are chosen anew at each look."""
    held, stopped = [], []
    for number in range(studies):
        timings = answers.draw(np.random.default_rng(number))
        sizes = [len(timings) * look // looks for look in range(1, looks + 1)]
        tests = [latency_test(timings[:size], LIMIT_MS, BURST_S, False) for size in sizes]
        tests = [test for test in tests if len(test.values)]
        held.append(any(test.wealth_for() >= FOR for test in tests))
        stopped.append(any(test.wealth_against() >= AGAINST for test in tests))
    return held, stopped


def drifted(draw: Callable[[np.random.Generator], Array], clip: int, studies: int) -> list[bool]:
    """Of each canary without a drift: whether one is seen, at a limit of 0."""
    stopped = []
    ids = np.arange(DRIFT_GROUPS).repeat(clip)
    sizes = range(3, DRIFT_GROUPS + 1, DRIFT_GROUPS // DRIFT_LOOKS)
    for number in range(studies):
        rng = np.random.default_rng(number)
        before, now = (draw(rng).repeat(clip) for _ in range(2))
        stopped.append(
            any(
                distance_between(before, now[: n * clip], ids, ids[: n * clip])
                > distance_error(DRIFT_GROUPS, n, look, STOP)
                for look, n in enumerate(sizes, 1)
            )
        )
    return stopped


def canary_rows(studies: int) -> list[Row]:
    """Every criterion's promises."""
    return [*_metric_rows(studies), *_latency_rows(max(1, studies // 2)), *_drift_rows(studies)]


def _row(name: str, promise: str, held: list[bool], stopped: list[bool]) -> Row:
    if promise == "let_through":
        return at_least("canary", name, promise, held, POWER)
    if promise == "gate_held":
        return at_most("canary", name, promise, held, ALPHA)
    return at_most("canary", name, promise, stopped, STOP)


def _metric_rows(studies: int) -> list[Row]:
    at_margin = Pictures(2000, loss=RECALL_MARGIN)
    # All of the loss in the twentieth of the pictures that have 40 persons: each counts as ten in
    # the canary's figure, as 40 in the plain share of persons.
    few, many = 0.95 * 4, 0.05 * 40
    counted = RECALL_MARGIN * (few + 0.05 * CROWD) / (0.05 * CROWD)
    plain = RECALL_MARGIN * (few + many) / many
    recall, precision = recall_of, precision_of
    cases: list[tuple[str, str, Callable[[np.random.Generator], SequentialTest]]] = [
        ("recall", "gate_held", recall(at_margin)),
        ("recall_independent", "gate_held", recall(Pictures(2000, loss=RECALL_MARGIN, kept=0))),
        ("recall_empty", "gate_held", recall(Pictures(2000, loss=RECALL_MARGIN, empty=0.7))),
        (
            "recall_crowds",
            "gate_held",
            recall(Pictures(2000, crowds=0.05, crowd_loss=counted, kept=1)),
        ),
        (
            "recall_crowds_plain",
            "gate_held",
            recall(Pictures(2000, crowds=0.05, crowd_loss=plain, kept=1)),
        ),
        ("recall_clips", "gate_held", recall(Pictures(6000, loss=RECALL_MARGIN, clip=10))),
        ("recall_independent", "stopped", recall(Pictures(2000, loss=RECALL_MARGIN, kept=0))),
        ("recall_clips", "stopped", recall(Pictures(6000, clip=10, kept=0))),
        ("recall_equal", "let_through", recall(Pictures(1000))),
        ("recall_equal_clips", "let_through", recall(Pictures(3000, clip=10))),
        ("precision", "gate_held", precision(Pictures(1000, inventions=INVENTIONS))),
        (
            "precision_empty",
            "gate_held",
            precision(Pictures(1500, inventions=INVENTIONS_EMPTY, empty=0.7)),
        ),
        ("precision_clips", "gate_held", precision(Pictures(3000, inventions=INVENTIONS, clip=10))),
        ("precision", "stopped", precision(Pictures(1000, inventions=INVENTIONS))),
        ("precision_equal", "let_through", precision(Pictures(600))),
        ("precision_equal_clips", "let_through", precision(Pictures(2000, clip=10))),
    ]
    return [_row(name, promise, *ended(make, studies)) for name, promise, make in cases]


def _latency_rows(studies: int) -> list[Row]:
    cases = [
        ("latency_600", "gate_held", Answers(600, 0.08, (20, 50)), 12),
        ("latency_8", "gate_held", Answers(10_000, 0.08, (20, 50)), 25),
        ("latency_single", "gate_held", Answers(20_000, 0.05), 20),
        ("latency_50", "gate_held", Answers(20_000, 0.05, (50, 50)), 20),
        ("latency_100", "gate_held", Answers(20_000, 0.05, (100, 100)), 20),
        ("latency_200", "gate_held", Answers(10_000, 0.08, (200, 200)), 25),
        ("latency_50", "stopped", Answers(20_000, 0.05, (50, 50)), 20),
        ("latency_both", "stopped", Answers(10_000, 0.01, (20, 50), 0.3), 25),
        ("latency_1", "let_through", Answers(15_000, 0.01, (20, 50)), 15),
    ]
    return [
        _row(name, promise, *looked_at(answers, looks, studies))
        for name, promise, answers, looks in cases
    ]


def _drift_rows(studies: int) -> list[Row]:
    def boxes(rng: np.random.Generator) -> Array:
        return rng.poisson(4, DRIFT_GROUPS).astype(np.float64)

    def confidence(rng: np.random.Generator) -> Array:
        return np.asarray(rng.beta(4, 2, DRIFT_GROUPS))

    return [
        _row(f"drift_{name}{suffix}", "stopped", [], drifted(draw, clip, studies))
        for name, draw in (("boxes", boxes), ("confidence", confidence))
        for suffix, clip in (("", 1), ("_clips", 10))
    ]
