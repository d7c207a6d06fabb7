"""Confirms on test what val has chosen, and says what would settle an open claim."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import t as student

from promotion.comparison.bootstrap import (
    REPLICATES,
    Confirmation,
    Evaluated,
    MetricComparison,
    compare,
    metric_intervals,
)
from promotion.facts import Fact
from promotion.study import Policy

SEED = 20240501
MOST_GROWTH = 100


class Settling(Fact):
    """What would settle an open claim: so many images, or seeds, or images and seeds together."""

    images: int | None
    seeds: int | None
    both: tuple[int, int] | None


def confirm(
    candidate: Sequence[Evaluated],
    baseline: Sequence[Evaluated],
    policy: Policy,
    replicates: int = REPLICATES,
) -> Confirmation:
    """Compare two configurations on the test split, a run a seed.

    The policy's objectives come first, in its order.
    """
    found = compare(candidate, baseline, policy.confidence, np.random.default_rng(SEED), replicates)
    order = list(policy.required_differences)
    comparison = sorted(
        found.comparison,
        key=lambda one: order.index(one.metric) if one.metric in order else len(order),
    )
    return found.model_copy(update={"comparison": comparison})


def intervals_on_test(run: Evaluated, policy: Policy) -> dict[str, tuple[float, float]]:
    """The interval of each metric of one run on test; other images of its kind fall within."""
    return metric_intervals(run, policy.confidence, np.random.default_rng(SEED))


def settling(
    found: MetricComparison, gain: float, images: int, seeds: int, level: float
) -> Settling:
    """How many images, seeds, or both would separate the difference from `gain`; an estimate.

    The part of the error that comes from the images shrinks as 1/√images, the other as 1/√seeds,
    and the difference is taken to stay what it is. The quantile is Student's, with 2 (seeds − 1)
    degrees of freedom where seeds matter. None where nothing within a hundredfold suffices.
    """
    distance = abs(found.difference - gain)
    seed_error = found.seed_error or 0.0

    def settled(more_images: float, more_seeds: int) -> bool:
        error = math.hypot(
            found.image_error * math.sqrt(images / more_images),
            seed_error * math.sqrt(seeds / more_seeds),
        )
        freedom = 2 * (more_seeds - 1) if seed_error else math.inf
        return distance >= float(student.ppf(level, freedom)) * error

    wider = [round(images * factor) for factor in np.geomspace(1, MOST_GROWTH, 400)]
    deeper = range(seeds, seeds * MOST_GROWTH + 1)
    both = ((round(images * k / seeds), k) for k in deeper)
    return Settling(
        images=next((n for n in wider if settled(n, seeds)), None),
        seeds=next((k for k in deeper if settled(images, k)), None) if seed_error else None,
        both=next(((n, k) for n, k in both if settled(n, k)), None) if seed_error else None,
    )
