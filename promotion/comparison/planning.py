"""Plans: how much larger a study must be to settle what this one leaves open, with what power."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

from promotion.comparison.law import WELL_KNOWN
from promotion.facts import Fact

POWER = 0.8
MOST_GROWTH = 100
# A claim is planned for at this share of its observed distance from what is required.
SHRINKAGE = 0.5


class Claim(Fact):
    """Something open: its `distance` from what is required, and the errors of today's study.

    In the metric's unit; `seed_error` is 0 where seeds play no part, None where it is unknown.
    """

    distance: float
    image_error: float
    seed_error: float | None
    confidence: float


class SpreadClaim(Fact):
    """An open gate on the standard deviation over seeds: what was measured over its limit."""

    ratio: float
    confidence: float


class Size(Fact):
    """A size of a study and the probability that it settles every open claim."""

    images: int
    seeds: int
    power: float


class Plan(Fact):
    """The smallest sizes with the wanted power, by what grows; None: no size within reach."""

    images: Size | None
    seeds: Size | None
    both: Size | None


def power(
    claim: Claim | SpreadClaim, images: int, seeds: int, more_images: int, more_seeds: int
) -> float:
    """The probability that a study of more images and seeds settles a claim as it now points.

    The distance is shrunk halfway to none: the posterior mean under a sceptical prior about the
    required difference that weighs as much as the study (Spiegelhalter, Freedman and Parmar, 1994).
    """
    if isinstance(claim, SpreadClaim):
        return _spread_power(claim, more_seeds)
    if claim.seed_error is None:
        return 0.0
    image = (claim.image_error**2) * images / more_images
    seed = (claim.seed_error**2) * seeds / more_seeds
    if image + seed == 0:
        return float(claim.distance != 0)
    uncertain = image**2 / max(more_images - 1, 1) + seed**2 / max(2 * (more_seeds - 1), 1)
    freedom = min((image + seed) ** 2 / uncertain, WELL_KNOWN)
    shift = SHRINKAGE * abs(claim.distance) / math.sqrt(image + seed)
    return float(stats.norm.cdf(shift - stats.t.ppf(claim.confidence, freedom)))


def _spread_power(claim: SpreadClaim, seeds: int) -> float:
    """Power of the chi-square bound, the logarithm of the ratio shrunk halfway to none."""
    if seeds < 2 or claim.ratio <= 0:
        return float(seeds >= 2)
    freedom, ratio = seeds - 1, claim.ratio ** (2 * SHRINKAGE)
    if ratio < 1:
        return float(stats.chi2.cdf(stats.chi2.ppf(1 - claim.confidence, freedom) / ratio, freedom))
    return float(stats.chi2.sf(stats.chi2.ppf(claim.confidence, freedom) / ratio, freedom))


def joint_power(
    claims: Sequence[Claim | SpreadClaim],
    images: int,
    seeds: int,
    more_images: int,
    more_seeds: int,
) -> float:
    """A lower bound of the probability that every claim is settled (Bonferroni's inequality)."""
    missed = sum(1 - power(one, images, seeds, more_images, more_seeds) for one in claims)
    return max(0.0, 1 - missed)


def plan(
    claims: Sequence[Claim | SpreadClaim], images: int, seeds: int, wanted: float = POWER
) -> Plan:
    """The smallest studies, beyond the present one, that settle all open claims with this power."""
    factors = np.geomspace(1, MOST_GROWTH, 400)[1:]

    def smallest(sizes: Sequence[tuple[int, int]]) -> Size | None:
        found = _first(sizes, lambda size: joint_power(claims, images, seeds, *size) >= wanted)
        if found is None:
            return None
        reached = joint_power(claims, images, seeds, *found)
        return Size(images=found[0], seeds=found[1], power=reached)

    if not claims:
        return Plan(images=None, seeds=None, both=None)
    wider = sorted({math.ceil(images * factor) for factor in factors} - {images})
    deeper = range(seeds + 1, seeds * MOST_GROWTH + 1)
    return Plan(
        images=smallest([(more, seeds) for more in wider]),
        seeds=smallest([(images, more) for more in deeper]),
        both=smallest([(math.ceil(images * more / seeds), more) for more in deeper]),
    )


def _first(
    sizes: Sequence[tuple[int, int]], settles: Callable[[tuple[int, int]], bool]
) -> tuple[int, int] | None:
    """The first size that settles, where all larger ones do too (bisection)."""
    low, high = 0, len(sizes)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if settles(sizes[middle]) else (middle + 1, high)
    return sizes[low] if low < len(sizes) else None
