"""Simulated canaries: pictures and answers with empty frames, clips, crowds and bursts."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from promotion.canary.sequential import best_so_far
from promotion.canary.stability import SequentialTest, latency_test, precision_test, recall_test

RISK = 0.05
FOR, AGAINST = math.log(1 / RISK), math.log(5 / RISK)
PACE_S = 0.05
BURST_S = 2.5
LIMIT_MS = 200.0
# 0.1 of precision at 4 persons, recall 0.7 and 0.8 false boxes a picture.
INVENTIONS = 0.532


def pictures(
    rng: np.random.Generator,
    images: int,
    *,
    empty: float = 0.0,
    persons: float = 4.0,
    crowds: float = 0.0,
    recall: float = 0.7,
    loss: float = 0.0,
    crowd_loss: float | None = None,
    kept: float = 0.7,
    false: float = 0.8,
    inventions: float = 0.0,
    clip: int = 1,
) -> pd.DataFrame:
    """Two sides' observations, one row an image.

    `kept` is the share of persons on whom both sides agree (or else are independent), `crowds` the
    share of pictures with ten times the persons, `inventions` more false boxes of the challenger.
    In a `clip` all images are the same but for one person in fifty.
    """
    scenes = math.ceil(images / clip)
    count = rng.poisson(persons, scenes)
    count[count == 0] = 1
    crowd = rng.random(scenes) < crowds
    count[crowd] *= 10
    count[rng.random(scenes) < empty] = 0
    lost = np.where(crowd, loss if crowd_loss is None else crowd_loss, loss) / recall
    both = rng.binomial(count, kept)
    base = rng.binomial(both, recall)
    champion = base + rng.binomial(count - both, recall)
    challenger = base + rng.binomial(count - both, recall)
    challenger = rng.binomial(challenger, 1 - lost)
    shared = rng.poisson(false / 2, scenes)
    other = [shared + rng.poisson(false / 2 + more, scenes) for more in (inventions, 0.0)]
    table = pd.DataFrame(
        {
            "persons": count,
            "found_challenger": challenger,
            "found_champion": champion,
            "boxes_challenger": challenger + other[0],
            "boxes_champion": champion + other[1],
        }
    )
    if clip > 1:
        table = table.loc[np.repeat(table.index, clip)].assign(group=np.repeat(table.index, clip))
        table = table.reset_index(drop=True)[:images]
        for side in ("challenger", "champion"):
            missed = rng.random(images) < 0.02
            drop = missed & (table[f"found_{side}"] > 0)
            table[f"found_{side}"] -= drop
            table[f"boxes_{side}"] -= drop
    return table


def answers(
    rng: np.random.Generator,
    count: int,
    late: float,
    burst: tuple[int, int] = (1, 1),
    common: float = 0.0,
) -> pd.DataFrame:
    """Times of both sides, `late` of the challenger's in bursts; a `common` share late for both."""
    mean = sum(burst) / 2
    slow = np.zeros(count + burst[1], bool)
    # Bursts begin at random, so that gaps between them have no memory.
    start = late / (mean * (1 - late)) if late else 0.0
    at = 0 if late == 0 or rng.random() >= late else -int(rng.integers(0, burst[1]))
    place = at
    while late:
        place += int(rng.geometric(start)) if place >= 0 else 0
        if place >= count:
            break
        length = int(rng.integers(burst[0], burst[1] + 1))
        slow[max(0, place) : max(0, place + length)] = True
        place = max(0, place + length)
    busy = np.repeat(rng.random(count // 30 + 1) < common, 30)[:count]
    frame = pd.DataFrame({"asked_at": np.arange(count) * PACE_S, "free": 1.0})
    frame["ms_challenger"] = np.where(slow[:count] | busy, 500.0, 50.0)
    frame["ms_champion"] = np.where(busy, 500.0, 50.0)
    return frame


@dataclass(frozen=True)
class Outcome:
    """How a test's canaries went: shares held and broken, and the median of units until held."""

    held: float
    broken: float
    median: float


def outcome(make: Callable[[np.random.Generator], SequentialTest], repeats: int) -> Outcome:
    """Run `repeats` canaries, looking after every value."""
    held, broken, first = 0, 0, []
    for seed in range(repeats):
        test = make(np.random.default_rng(seed))
        wealth = best_so_far(test.bet(test.values, np.array([test.limit]))[:, 0])
        against = test.bet(test.mirrored, np.array([test.mirror(test.limit)]))[:, 0]
        held += bool(wealth[-1] >= FOR)
        broken += bool(against.max() >= AGAINST)
        first.append(int(np.argmax(wealth >= FOR)) + 1 if wealth[-1] >= FOR else np.inf)
    return Outcome(held / repeats, broken / repeats, float(np.median(first)))


def outcome_of_looks(
    make: Callable[[np.random.Generator], pd.DataFrame], repeats: int, looks: int
) -> Outcome:
    """Run `repeats` canaries of timings, with `looks` looks that each choose their blocks anew."""
    held, broken, first = 0, 0, []
    for seed in range(repeats):
        timings = make(np.random.default_rng(seed))
        at, stopped = np.inf, False
        for look in range(1, looks + 1):
            size = len(timings) * look // looks
            test = latency_test(timings[:size], LIMIT_MS, BURST_S, False)
            if not len(test.values):
                continue
            if test.wealth_for() >= FOR:
                at = min(at, size)
            stopped |= test.wealth_against() >= AGAINST
        held += bool(np.isfinite(at))
        broken += stopped
        first.append(at)
    return Outcome(held / repeats, broken / repeats, float(np.median(first)))


def recalls(images: int, margin: float = 0.05, **how: float) -> Callable[..., SequentialTest]:
    """A recall test of such pictures."""
    return lambda rng: recall_test(pictures(rng, images, **how), margin, True)


def precisions(images: int, margin: float = 0.1, **how: float) -> Callable[..., SequentialTest]:
    """A precision test of such pictures."""
    return lambda rng: precision_test(pictures(rng, images, **how), margin, 0.78, True)


def times(
    count: int, late: float, burst: tuple[int, int] = (1, 1), common: float = 0.0
) -> Callable[[np.random.Generator], pd.DataFrame]:
    """Timings of such answers."""
    return lambda rng: answers(rng, count, late, burst, common)
