"""Bounds of a measure, one-sided: what a gate is judged by, instead of the measure alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy import stats

from promotion.comparison.bootstrap import (
    REPLICATES,
    ROUNDING,
    Evaluated,
    bootstrap_weights,
    effective_groups,
    groups_with_persons,
    small_sample_expansion,
)
from promotion.facts import Fact
from promotion.metrics import Array, metric_values

State = Literal["held", "broken", "open"]


class Bounds(Fact):
    """A measure and its one-sided bounds, in its own unit; None: nothing bounds it.

    `needed` is how many measurements a bound would take, where there are too few; `error` is the
    standard error, where there is one, from which more images are planned.
    """

    value: float | None
    low: float | None
    high: float | None
    needed: int | None = None
    error: float | None = None


def gate_state(bounds: Bounds, limit: float, at_least: bool) -> State:
    """Held when the unfavourable bound meets the limit, broken when the favourable one fails it."""
    low, high = bounds.low, bounds.high
    unfavourable, favourable = (low, high) if at_least else (high, low)
    sign = 1 if at_least else -1
    if unfavourable is not None and sign * unfavourable >= sign * limit:
        return "held"
    if favourable is not None and sign * favourable < sign * limit:
        return "broken"
    return "open"


def metric_bounds(
    run: Evaluated,
    confidence: float,
    rng: np.random.Generator,
    replicates: int = REPLICATES,
) -> dict[str, Bounds]:
    """One-sided bounds of every metric of one run: what other images of the same kind may show."""
    matches, groups = run.matches, run.groups
    weights = bootstrap_weights(len(matches.images), rng, replicates, groups)
    values = metric_values(matches, weights, run.threshold)
    kept = matches.image[matches.confidence >= run.threshold]
    shown = np.bincount(kept, minlength=len(matches.images))
    bounds = {}
    for metric, column in values.items():
        units = shown if metric == "precision" else matches.persons
        # Right detections are as unevenly spread as the persons are.
        effective = min(effective_groups(one, groups) for one in (units, matches.persons))
        count = groups_with_persons(units, groups)
        bounds[metric] = share_bounds(column, int(units.sum()), count, effective, confidence)
    return bounds


def share_bounds(
    values: Array, units: int, groups: int, effective: float, confidence: float
) -> Bounds:
    """One-sided bounds of a share from its value on the split and in replicates (1 + replicates,).

    Clopper and Pearson's, for the number of independent units with the resampled variance (Korn and
    Graubard, *Survey Methodology* 1998), at most `units`; the number of groups where all agree.
    """
    value = float(values[0]) if np.isfinite(values[0]) else None
    if value is None or groups < 1:
        return Bounds(value=value, low=None, high=None)
    share = min(max(value, 0.0), 1.0)
    drawn = values[1:][np.isfinite(values[1:])]
    variance = small_sample_expansion(effective) * float(drawn.var()) if len(drawn) > 2 else 0.0
    size = float(groups)
    if variance > ROUNDING and groups > 1:
        normal = float(stats.norm.ppf(confidence))
        student = float(stats.t.ppf(confidence, max(effective - 1, 1.0)))
        size = min(share * (1 - share) / variance * (normal / student) ** 2, units)
    hits = size * share
    low = float(stats.beta.ppf(1 - confidence, hits, size - hits + 1)) if hits > 0 else 0.0
    high = float(stats.beta.ppf(confidence, hits + 1, size - hits)) if hits < size else 1.0
    error = math.sqrt(variance) if variance > ROUNDING else None
    return Bounds(value=value, low=low, high=high, error=error)


def spread_bounds(values: Sequence[float], confidence: float) -> Bounds:
    """Bounds of the standard deviation over seeds, from k of them (chi-square, normal seeds)."""
    freedom = len(values) - 1
    if freedom < 1:
        return Bounds(value=None, low=None, high=None, needed=2)
    sd = float(np.std(values, ddof=1))
    quantiles = stats.chi2.ppf([confidence, 1 - confidence], freedom)
    low, high = (math.sqrt(freedom / one) for one in quantiles)
    return Bounds(value=sd, low=sd * low, high=sd * high)


def quantile_bounds(measurements: Sequence[float], quantile: float, confidence: float) -> Bounds:
    """Distribution-free bounds of a quantile by order statistics (David and Nagaraja, 2003, 7.1).

    Measurements are independent. `needed` is set where there are too few for both bounds.
    """
    ordered = np.sort(np.asarray(measurements, float))
    count = len(ordered)
    if not count:
        needed = measurements_needed(quantile, confidence)
        return Bounds(value=None, low=None, high=None, needed=needed)
    value = float(np.quantile(ordered, quantile))
    # The r-th smallest exceeds the quantile when fewer than r measurements are below it.
    above = int(stats.binom.ppf(confidence, count, quantile)) + 1
    below = int(stats.binom.ppf(1 - confidence, count, quantile))
    below -= stats.binom.cdf(below - 1, count, quantile) > 1 - confidence
    high = float(ordered[above - 1]) if above <= count else None
    low = float(ordered[below - 1]) if below >= 1 else None
    too_few = high is None or low is None
    return Bounds(
        value=value,
        low=low,
        high=high,
        needed=measurements_needed(quantile, confidence) if too_few else None,
    )


def measurements_needed(quantile: float, confidence: float) -> int:
    """The fewest measurements whose extremes bound the quantile on both sides, one at a time."""
    rarer = max(quantile, 1 - quantile)
    return math.ceil(math.log(1 - confidence) / math.log(rarer) - 1e-12)


def uncertain_bounds(value: float, relative_uncertainty: float, confidence: float) -> Bounds:
    """Bounds of a value with a relative standard uncertainty (JCGM 100:2008, normal law)."""
    error = abs(value) * relative_uncertainty
    reach = error * float(stats.norm.ppf(confidence))
    return Bounds(value=value, low=value - reach, high=value + reach, error=error)


def difference_bounds(ours: Bounds, theirs: Bounds) -> Bounds:
    """Bounds of ours − theirs from the bounds of each (Zou and Donner, *Stat. in Medicine* 2008).

    The two are taken for independent. What shares its images or its moment differs less than that,
    so that such bounds are wider than they need be.
    """
    if ours.value is None or theirs.value is None:
        return Bounds(value=None, low=None, high=None)
    value = ours.value - theirs.value
    if ours.low is None or ours.high is None or theirs.low is None or theirs.high is None:
        return Bounds(value=value, low=None, high=None)
    below = math.hypot(ours.value - ours.low, theirs.high - theirs.value)
    above = math.hypot(ours.high - ours.value, theirs.value - theirs.low)
    return Bounds(value=value, low=value - below, high=value + above)


def point_bounds(value: float | None) -> Bounds:
    """A value without noise: its bounds are itself."""
    return Bounds(value=value, low=value, high=value)
