"""Stability: what must hold of a challenger beside the champion, and whether it was shown.

Stability is defined, not felt. On the canary's pictures the challenger must not lose more than a
stated margin of recall and of precision, must answer in time under load, and must behave as it did
on test. Each is a sequential test that stays valid however often one looks.

Recall is of persons and precision of boxes, over all pictures together. Pictures of one group (a
clip, or near-duplicates) count together as one picture, their mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd

from promotion.canary.sequential import (
    MOST_REPEATS,
    Bet,
    Floats,
    Integers,
    bet_on_difference_of_ratios,
    bet_on_ratio,
    bet_on_share,
    distance_between,
    distance_error,
    doublings_needed,
    group_means,
    lower_bound,
    values_to_reject,
)
from promotion.facts import Fact
from promotion.study import Canary

CanaryVerdict = Literal["go", "stop", "continue"]
State = Literal["held", "broken", "open"]

SIDES = ("challenger", "champion")
METRICS = ("recall", "precision")
# Any of these can stop the canary, so they share the risk of a false stop.
CRITERIA = (*METRICS, "latency", "drift_boxes", "drift_confidence")
PERCENTILE = 95
# A picture with more persons, or with more boxes of either side, counts as one with this many.
CROWD = 10
# The machine is busy when other programs take more than a tenth of the cores that the canary uses.
FREE = 0.9
# A block is longer than a disturbance, so that few of them touch two blocks.
BURSTS_A_BLOCK = 2


@dataclass(frozen=True)
class Promise:
    """What the challenger did on test: its precision, and its `behaviour` image by image.

    A column `group` in `behaviour` names each image's group; without it each is its own.
    """

    precision: float
    behaviour: pd.DataFrame


class Criterion(Fact):
    """One condition of stability after a look.

    `value` stands against `limit`, within `bounds`, each of which holds at all looks together: a
    difference of metrics (at least), the share of answers in time (at least), or a distance of
    distributions (at most). `evidence_for` and `evidence_against` are shares of what is required to
    hold or to break the criterion; 1 is enough. `units` are the groups or blocks that were bet on.
    """

    name: str
    value: float
    bounds: tuple[float, float]
    limit: float
    evidence_for: float
    evidence_against: float
    state: State
    units: int

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


@dataclass(frozen=True)
class SequentialTest:
    """A test of a figure: whether it exceeds `limit`, betting on one value a group or a block.

    `values` (n, c) speak for the challenger, and `mirrored` (n, c) of the opposite figure, which
    `mirror` gives; `figure` is their estimate, in [low, high].
    """

    values: Floats
    mirrored: Floats
    bet: Bet
    mirror: Callable[[float], float]
    limit: float
    low: float
    high: float
    figure: float

    def wealth_for(self) -> float:
        """The highest log wealth of betting that the figure exceeds the limit."""
        return _richest(self.values, self.bet, self.limit)

    def wealth_against(self) -> float:
        """The highest log wealth of betting that the figure falls short of the limit."""
        return _richest(self.mirrored, self.bet, self.mirror(self.limit))

    def bounds(self, risk: float) -> tuple[float, float]:
        """A lower and an upper bound of the figure, each at level `risk` at all looks together."""
        if not len(self.values):
            return self.low, self.high
        ends = sorted((self.mirror(self.low), self.mirror(self.high)))
        lower = lower_bound(self.values, self.bet, risk, self.limit, self.low, self.high)
        upper = lower_bound(self.mirrored, self.bet, risk, self.mirror(self.limit), *ends)
        return lower, self.mirror(upper)


def judge(
    observations: pd.DataFrame,
    promise: Promise,
    rules: Canary,
    confidence: float,
    look: int,
    timings: pd.DataFrame | None = None,
    ended: bool = False,
) -> Look:
    """What the observations so far say of each criterion, and the verdict that follows.

    `observations` has one row an image, in the order shown: persons, and for each side found_*,
    boxes_*, confidence_*; the images of one `group`, where that column is, follow one another.
    `timings` has one row a request: asked_at (seconds), ms_challenger, ms_champion, and free, the
    share of the machine that was left to the canary; pictures may be asked again. Without it the
    observations hold these columns. `ended` says that nothing will follow, so that the last group
    and the last block are complete.

    *go* when every criterion holds: the tests of recall, precision and latency each at the stated
    confidence (all must pass, so that needs no correction), the drifts within their limit. *stop*
    when any is broken, at a confidence that is shared among all five.
    """
    risk = 1 - confidence
    tests = named_tests(observations, promise, rules, timings, ended)
    criteria = [_tested(name, test, risk) for name, test in tests.items()]
    now = observations.rename(columns=lambda name: str(name).removesuffix("_challenger"))
    for column in ("boxes", "confidence"):
        criteria.append(_drift(column, promise.behaviour, now, rules.drift, risk, look))
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


def named_tests(
    observations: pd.DataFrame,
    promise: Promise,
    rules: Canary,
    timings: pd.DataFrame | None = None,
    ended: bool = False,
) -> dict[str, SequentialTest]:
    """The tests by name: the differences of recall and precision, and the share in time."""
    return {
        "recall": recall_test(observations, rules.margins.recall, ended),
        "precision": precision_test(
            observations, rules.margins.precision, promise.precision, ended
        ),
        "latency": latency_test(
            observations if timings is None else timings,
            rules.latency_p95_ms,
            rules.burst_s,
            ended,
        ),
    }


def recall_test(observations: pd.DataFrame, margin: float, ended: bool) -> SequentialTest:
    """Challenger − champion: the share of persons found, all persons together.

    Images without a person say nothing and are skipped. The persons of a picture count fully up to
    `CROWD` of them, and share the weight of so many beyond that.
    """
    persons = observations["persons"].to_numpy(float)
    found = [observations[f"found_{side}"].to_numpy(float) for side in SIDES]
    columns = np.column_stack([found[0] - found[1], persons])
    values = _in_groups(columns, persons, observations, ended)
    return SequentialTest(
        values=values,
        mirrored=values * [-1, 1],
        bet=bet_on_ratio,
        mirror=_negative,
        limit=-margin,
        low=-1.0,
        high=1.0,
        figure=_ratio(values[:, 0].sum(), values[:, 1].sum(), 0.0),
    )


def precision_test(
    observations: pd.DataFrame, margin: float, promised: float, ended: bool
) -> SequentialTest:
    """Challenger − champion: the share of boxes on a person, all boxes of a side together.

    Images without a box say nothing and are skipped. A picture in which either side draws more than
    `CROWD` boxes counts, for both, as if that side had drawn so many. A side that draws nothing is
    shown with the precision `promised`; nothing can be shown against or for it.
    """
    found = [observations[f"found_{side}"].to_numpy(float) for side in SIDES]
    boxes = [observations[f"boxes_{side}"].to_numpy(float) for side in SIDES]
    columns = np.column_stack([found[0], boxes[0], found[1], boxes[1]])
    values = _in_groups(columns, np.maximum(*boxes), observations, ended)
    a, b, c, d = values.sum(axis=0)
    return SequentialTest(
        values=values,
        mirrored=values[:, [2, 3, 0, 1]],
        bet=bet_on_difference_of_ratios,
        mirror=_negative,
        limit=-margin,
        low=-1.0,
        high=1.0,
        figure=_ratio(a, b, promised) - _ratio(c, d, promised),
    )


def latency_test(
    timings: pd.DataFrame, limit_ms: float, burst_s: float, ended: bool
) -> SequentialTest:
    """The challenger's chance of answering in time at a random moment of the canary.

    The unit is a block of twice `burst_s` seconds, its share of answers in time. Blocks are doubled
    while neighbours resemble each other, and a claim must stand at every width up to there. No late
    answer at all takes 65 blocks to hold.

    An answer counts as late against the challenger only where the champion, asked at the same
    moment, was in time, and where the control found the machine free: a slower challenger is late
    before the champion is when other programs slow both. So a busy machine may withhold a *go*, but
    stops nobody.
    """
    timings = timings.sort_values("asked_at", kind="stable")
    began = timings["asked_at"].to_numpy(float)
    late, champion_late = (timings[f"ms_{side}"].to_numpy(float) > limit_ms for side in SIDES)
    free = timings["free"].to_numpy(float) >= FREE
    columns = np.column_stack([~late, late & ~champion_late & free]).astype(np.float64)
    blocks = ((began - began[:1]) // (BURSTS_A_BLOCK * burst_s)).astype(np.int64)
    means = group_means(columns, blocks, np.ones(len(blocks), bool), ended)
    doublings = max((doublings_needed(column) for column in means.T), default=0)
    return SequentialTest(
        values=means[:, :1],
        mirrored=means[:, 1:],
        bet=partial(bet_on_share, doublings=doublings),
        mirror=_complement,
        limit=PERCENTILE / 100,
        low=0.0,
        high=1.0,
        figure=float(means[:, 0].mean()) if len(means) else 1.0,
    )


def images_needed(
    observations: pd.DataFrame,
    look: Look,
    promise: Promise,
    rules: Canary,
    risk: float,
    timings: pd.DataFrame | None = None,
) -> int | None:
    """About how many images in all would settle it, if what follows is like what was seen.

    It is settled when all that is open holds, or when one criterion breaks. None if no number of
    them would, by what was seen. For latency, the number that takes as long at the pace so far.
    """
    timings = observations if timings is None else timings
    holding, breaking = [], []
    # What was seen is all there is to plan from, the last group and the last block too.
    for name, test in named_tests(observations, promise, rules, timings, ended=True).items():
        if look.criterion(name).state == "open":
            asked = timings if name == "latency" else observations
            per_value = len(asked) / max(1, len(test.values))
            against = (test.mirrored, test.bet, test.mirror(test.limit), _level_against(risk))
            holds = values_to_reject(test.values, test.bet, test.limit, _level_for(risk))
            breaks = values_to_reject(*against)
            holding.append(per_value * (holds or math.inf))
            breaking.append(per_value * (breaks or math.inf))
    for criterion in look.criteria:
        if criterion.is_drift and criterion.state == "open":
            holding.append(math.inf)
            breaking.append(_images_to_break(criterion, look.images, promise, rules, risk))
    settled = min(max(holding, default=math.inf), min(breaking, default=math.inf))
    return max(math.ceil(settled), look.images + 1) if math.isfinite(settled) else None


def _images_to_break(
    drift: Criterion, images: int, promise: Promise, rules: Canary, risk: float
) -> float:
    """About how many images in all would show a drift that is as far beyond its limit as now."""
    column = drift.name.removeprefix("drift_")
    reference = _units(promise.behaviour, column)
    for more in range(images + rules.batch, MOST_REPEATS * images, rules.batch):
        units, look = drift.units * more // images, math.ceil(more / rules.batch)
        error = distance_error(reference, units, look, risk / len(CRITERIA))
        if drift.value - error > drift.limit:
            return more
    return math.inf


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


def _in_groups(columns: Floats, size: Floats, observations: pd.DataFrame, ended: bool) -> Floats:
    """The columns (n, c) as shares of a crowd, one row a group of which some image has a size."""
    weighted = columns / np.maximum(size, CROWD)[:, None]
    groups = _groups(observations)
    if groups is None:
        return np.asarray(weighted[size > 0])
    return group_means(weighted, groups, size > 0, ended)


def _units(table: pd.DataFrame, column: str) -> int:
    """How many groups have a value in this column."""
    known = table[table[column].notna()]
    ids = _groups(known)
    return len(known) if ids is None else len(np.unique(ids))


def _groups(table: pd.DataFrame) -> Integers | None:
    return np.asarray(pd.factorize(table["group"])[0]) if "group" in table else None


def _ratio(top: float, bottom: float, undefined: float) -> float:
    return float(top / bottom) if bottom > 0 else undefined


def _negative(figure: float) -> float:
    return -figure


def _complement(share: float) -> float:
    return 1 - share


def _richest(values: Floats, wealth: Bet, null: float) -> float:
    return float(wealth(values, np.array([null])).max()) if len(values) else 0.0


def _tested(name: str, test: SequentialTest, risk: float) -> Criterion:
    """What the bets for and against a test have brought, with the bounds of its figure."""
    evidence_for = max(0.0, test.wealth_for() / _level_for(risk))
    evidence_against = max(0.0, test.wealth_against() / _level_against(risk))
    state: State = "held" if evidence_for >= 1 else "open"
    if evidence_against >= 1:
        state = "broken"
    return Criterion(
        name=name,
        value=test.figure,
        # Each bound has the level of the test beside it: it passes the limit when the test does.
        bounds=test.bounds(risk),
        limit=test.limit,
        evidence_for=evidence_for,
        evidence_against=evidence_against,
        state=state,
        units=len(test.values),
    )


def _level_for(risk: float) -> float:
    return math.log(1 / risk)


def _level_against(risk: float) -> float:
    return math.log(len(CRITERIA) / risk)


def _drift(
    column: str, before: pd.DataFrame, now: pd.DataFrame, limit: float, risk: float, look: int
) -> Criterion:
    """The challenger's behaviour is no further from that on test than the limit.

    It breaks when the distance exceeds the limit by more than chance could; it holds while it is
    within the limit, which guards a *go* but proves nothing, so that it needs no test.
    """
    # A model that shows nothing has no confidences to compare; its counts tell.
    before, now = before[before[column].notna()], now[now[column].notna()]
    values = [table[column].to_numpy(float) for table in (before, now)]
    groups = [_groups(table) for table in (before, now)]
    units = [_units(table, column) for table in (before, now)]
    distance = distance_between(*values, *groups) if min(units) else 0.0
    share = risk / len(CRITERIA)
    error = distance_error(max(1, units[0]), max(1, units[1]), look, share)
    low = max(0.0, distance - error)
    state: State = "held" if distance <= limit else "open"
    if low > limit:
        state = "broken"
    return Criterion(
        name=f"drift_{column}",
        value=distance,
        bounds=(low, min(1.0, distance + error)),
        limit=limit,
        evidence_for=float(state == "held"),
        evidence_against=low / limit,
        state=state,
        units=units[1],
    )
