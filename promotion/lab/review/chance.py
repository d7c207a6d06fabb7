"""Which differences chance alone could make: by images, by persons counted, or by seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import mean, stdev
from typing import Literal

import numpy as np
from scipy.stats import t

from promotion.comparison import (
    Bounds,
    fisher_p,
    newcombe_interval,
    persons_needed,
    welch_reach,
)
from promotion.comparison.bootstrap import compare
from promotion.comparison.confirmation import SEED
from promotion.detection import Seen
from promotion.facts import Fact

CONFIDENCE, POWER = 0.95, 0.8
# Of a split that a document does not describe, no more persons than these are guessed.
MOST_PERSONS = 400


class Counted(Fact):
    """The persons of a split, its images where they are known, and how they are: told, the lab's
    own (which all recalls fit), or guessed."""

    persons: int
    images: int | None = None
    way: Literal["count", "lab", "guess"] = "count"


class Chance(Fact):
    """A difference and its interval at 95%, by the `way` in which it is known (None: unknown).

    `found` are the persons that either side finds, of `persons`; `seeds` is the fewer of either
    side's. The ways: `images`, `count`, `lab` (a count of the lab's own split), `guess` (one of the
    fewest persons that the recalls written allow), `seeds`.
    """

    measure: str
    difference: float
    way: str | None = None
    interval: Bounds | None = None
    found: tuple[int, int] | None = None
    persons: int | None = None
    images: int | None = None
    seeds: int | None = None
    p_value: float | None = None
    needed: int | None = None

    @property
    def within(self) -> bool | None:
        """Whether chance could have made it; None where that is unknown, or guessed.

        Seeds alone can show that chance suffices, never that it does not: images have theirs.
        """
        if self.interval is None or self.way == "guess":
            return None
        inside = self.interval[0] <= 0 <= self.interval[1]
        return None if self.way == "seeds" and not inside else inside


def by_images(measure: str, one: Sequence[Seen], other: Sequence[Seen]) -> Chance | None:
    """The paired bootstrap over images, and seeds where either side has more than one."""
    if any(seen.matches.images != one[0].matches.images for seen in (*one, *other)):
        return None
    compared = compare(one, other, CONFIDENCE, np.random.default_rng(SEED))
    found = next((each for each in compared if each.metric == measure), None)
    if found is None:
        return None
    return Chance(
        measure=measure,
        difference=found.difference,
        way="images",
        interval=found.interval,
        images=one[0].images,
        persons=int(one[0].matches.persons.sum()),
        seeds=min(len(one), len(other)),
    )


def by_count(one: float, other: float, split: Counted) -> Chance:
    """Two recalls as counts of the same persons (Newcombe; Fisher), taken unpaired."""
    persons = split.persons
    found = round(one * persons), round(other * persons)
    shares = found[0] / persons, found[1] / persons
    needed = persons_needed(*shares, CONFIDENCE, POWER)
    return Chance(
        measure="recall",
        difference=shares[0] - shares[1],
        way=split.way,
        interval=newcombe_interval(*found, persons, CONFIDENCE),
        found=found,
        persons=persons,
        images=split.images,
        p_value=fisher_p(*found, persons),
        needed=round(needed) if math.isfinite(needed) else None,
    )


def by_seeds(measure: str, one: Sequence[float], other: Sequence[float]) -> Chance | None:
    """Welch's interval of two means over seeds; None with one on a side, or without any spread."""
    if min(len(one), len(other)) < 2 or len(set(one)) == len(set(other)) == 1:
        return None
    difference = mean(one) - mean(other)
    reach = welch_reach((stdev(one), len(one)), (stdev(other), len(other)), CONFIDENCE)
    return Chance(
        measure=measure,
        difference=difference,
        way="seeds",
        interval=(difference - reach, difference + reach),
        seeds=min(len(one), len(other)),
    )


def paired_reach(gaps: Sequence[float]) -> float:
    """Half the width of Student's interval of the mean of two or more paired differences."""
    quantile = float(t.ppf((1 + CONFIDENCE) / 2, len(gaps) - 1))
    return quantile * stdev(gaps) / math.sqrt(len(gaps))


def persons_behind(recalls: Iterable[tuple[float, float]]) -> int | None:
    """The fewest persons of which all these recalls, each with its last digit's unit, are shares.

    None where they are too few or too round to tell: two different ones of three digits at least.
    """
    told = {(value, step) for value, step in recalls if step <= 0.001 and 0 < value < 1}
    if len({value for value, _ in told}) < 2:
        return None
    return next(
        (
            persons
            for persons in range(2, MOST_PERSONS)
            if all(
                abs(round(value * persons) / persons - value) <= step / 2 * (1 + 1e-9)
                for value, step in told
            )
        ),
        None,
    )
