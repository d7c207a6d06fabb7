"""Anytime-valid tests: one may look after every batch, and stop, without fooling oneself.

A test bets against its null hypothesis. Under the null no strategy makes money, so the probability
that the wealth ever exceeds 1/α is at most α (Ville's inequality), however often one looks.

The unit of a bet is whatever is drawn independently: a group of pictures, or a block of time.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# (n, c) values and (k,) nulls give (n, k) log wealths.
Bet = Callable[[Floats, Floats], Floats]

MOST_STAKE = 0.9
GRID_STEPS = 400
COARSE_STEPS = 20
CELLS = 50
CORRELATED = 0.25
FEWEST_BLOCKS = 8
MOST_REPEATS, MOST_VALUES = 50, 1000
AVERAGED = 3.1


def bet(gains: Floats, low: float | Floats, high: float | Floats) -> Floats:
    """The log wealth (n, ...) of betting that the mean of `gains` (n, ...) is positive.

    Each gain lies in [low, high], with low ≤ 0. The stake before each gain is Waudby-Smith and
    Ramdas's approximate GRAPA, from the gains before it alone, and never risks more than nine
    tenths of the wealth.

    Source: Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting,
    JRSS B 86 (2024), section 5 and appendix B.3.
    """
    seen = np.arange(1, len(gains) + 1).reshape(-1, *(1,) * (gains.ndim - 1))
    mean = np.cumsum(gains, axis=0) / (seen + 1)
    half = (np.asarray(high, np.float64) - low) / 2
    variance = (half**2 + np.cumsum((gains - mean) ** 2, axis=0)) / (seen + 1)
    with np.errstate(divide="ignore"):
        most = MOST_STAKE / np.abs(np.asarray(low, np.float64))
    stakes = np.clip(mean / (variance + mean**2), 0, most)
    # Nothing is known before the first value, so nothing is staked on it.
    stakes = np.concatenate([np.zeros_like(stakes[:1]), stakes[:-1]])
    return np.asarray(np.cumsum(np.log1p(stakes * gains), axis=0))


def log_wealth(values: Floats, null: float | Floats, low: float, high: float) -> Floats:
    """The log wealth of betting that the mean of `values` (n,), in [low, high], exceeds `null`.

    Returns (n,), or (n, k) for k nulls. A wealth of 1/α at any time rejects "the mean is at most
    `null`" at level α.
    """
    nulls = np.asarray(null, np.float64)
    gains = values.reshape(-1, *(1,) * nulls.ndim) - nulls
    return bet(gains, low - nulls, high - nulls)


def bet_on_ratio(values: Floats, nulls: Floats) -> Floats:
    """The log wealth (n, k) of betting that E[top] / E[bottom] exceeds each null (k,).

    `values` (n, 2) are top and bottom, with |top| ≤ bottom ≤ 1; nulls lie in [−1, 1]. The bet is on
    E[top − null · bottom] > 0, which is the same thing.
    """
    top, bottom = values.T
    gains = top[:, None] - nulls * bottom[:, None]
    return bet(gains, np.asarray(-1 - nulls), 1 - nulls)


def bet_on_difference_of_ratios(values: Floats, nulls: Floats) -> Floats:
    """The log wealth (n, k) of betting that E[a] / E[b] − E[c] / E[d] exceeds each null (k,).

    `values` (n, 4) are a, b, c, d, with 0 ≤ a ≤ b ≤ 1 and 0 ≤ c ≤ d ≤ 1. The second ratio p is
    unknown, so that the null is one null for each p: E[c − p d] = 0 and E[a − (p + null) b] ≤ 0.
    Each p is fought by a bet on the difference of both terms, which keeps the pairs together, with
    half of the wealth, and by two bets that the second ratio is elsewhere, with a quarter each. The
    wealth is that of the p fought worst, over cells of p in which every gain is the least.
    """
    edges = np.linspace(0, 1, CELLS + 1)
    left, right = edges[:-1], edges[1:]
    a, b, c, d = (values[:, [column]] for column in range(4))
    most = np.maximum(left * (b - d), right * (b - d))
    gains = (a - c - most)[:, None, :] - (nulls * b)[:, :, None]
    low = -np.maximum(1 + nulls[:, None], 1 - left)
    high = np.maximum(1 - nulls[:, None], right)
    paired = bet(gains, low, high) + math.log(1 / 2)
    below = bet(left * d - c, -(1 - left), left) + math.log(1 / 4)
    above = bet(c - right * d, -right, 1 - right) + math.log(1 / 4)
    elsewhere = np.logaddexp(below, above)[:, None, :]
    return np.asarray(best_so_far(np.logaddexp(paired, elsewhere)).min(axis=2))


def bet_on_share(values: Floats, nulls: Floats, doublings: int = 0) -> Floats:
    """The log wealth (n, k) of betting that the mean of block means (n, 1) exceeds each null (k,).

    The blocks are also taken by 2, 4, … 2^doublings together; the wealth is that of the width at
    which the bet goes worst, so that the bet is right if it is right at one of the widths.
    """
    worst = np.full((len(values), len(nulls)), np.inf)
    for width in 2 ** np.arange(doublings + 1):
        whole = len(values) // width
        means = values[: whole * width, 0].reshape(whole, width).mean(axis=1)
        wealth = np.concatenate(
            [np.zeros((1, len(nulls))), best_so_far(log_wealth(means, nulls, 0, 1))]
        )
        worst = np.minimum(worst, wealth[np.arange(1, len(values) + 1) // width])
    return worst


def best_so_far(wealth: Floats) -> Floats:
    """The highest log wealth up to each time, along the first axis."""
    return np.asarray(np.maximum.accumulate(wealth, axis=0))


def lower_bounds(values: Floats, alpha: float, low: float, high: float) -> Floats:
    """After each value, a lower bound on the mean; with probability 1 − α all of them hold."""
    nulls = np.linspace(low, high, GRID_STEPS + 1)[:-1]
    rejected = best_so_far(log_wealth(values, nulls, low, high)) >= math.log(1 / alpha)
    # The highest null below which all are rejected; a grid keeps the bound a step too low.
    count = np.cumprod(rejected, axis=1).sum(axis=1)
    return np.asarray(nulls[np.maximum(count - 1, 0)])


def confidence_sequence(
    values: Floats, alpha: float, low: float, high: float
) -> tuple[Floats, Floats]:
    """After each value, an interval for the mean; with probability 1 − α all of them hold."""
    lower = lower_bounds(values, alpha / 2, low, high)
    upper = -lower_bounds(-values, alpha / 2, -high, -low)
    return lower, upper


def lower_bound(
    values: Floats, wealth: Bet, alpha: float, limit: float, low: float, high: float
) -> float:
    """A lower bound on what `wealth` bets on, after the last value; valid at every look.

    Nulls are tried on a grid through `limit`, so that the bound reaches it when its test rejects;
    coarsely first, then finely where the coarse ones end.
    """
    fine = (high - low) / GRID_STEPS
    bound = low
    for step in (fine * COARSE_STEPS, fine):
        first = limit - math.floor((limit - bound) / step + 1e-9) * step
        nulls = first + step * np.arange(COARSE_STEPS + 1)
        nulls = np.clip(nulls[nulls < high - step / 2], low, high)
        if not len(nulls):
            break
        richest = wealth(values, nulls).max(axis=0)
        count = int(np.cumprod(richest >= math.log(1 / alpha)).sum())
        bound = max(bound, float(nulls[count - 1])) if count else bound
    return bound


def values_to_reject(values: Floats, wealth: Bet, null: float, level: float) -> int | None:
    """About how many values in all would bring the log wealth to `level`; an estimate.

    The future is taken to repeat the past, in its order; None when neither fifty times the past nor
    a thousand values are enough.
    """
    if not len(values):
        return None
    for repeats in (2, 10, max(MOST_REPEATS, MOST_VALUES // len(values))):
        grown = wealth(np.tile(values, (repeats, 1)), np.array([null]))[:, 0]
        if grown.max() >= level:
            return int(np.argmax(grown >= level)) + 1
    return None


def group_means(
    values: Floats, groups: Integers, counted: NDArray[np.bool_], ended: bool
) -> Floats:
    """The means (g, c) of the `counted` values (n, c) of each group, in the groups' order.

    `groups` (n,) names each value's group. A group is complete once another begins, or when the
    stream has `ended`; what comes of it later is left out. A group of which nothing counts is
    skipped.
    """
    if not len(values):
        return values
    codes = np.asarray(pd.factorize(groups)[0])
    latest = np.maximum.accumulate(codes)
    complete = codes < latest[-1] + int(ended)
    used = counted & complete & (codes == latest)
    sums = np.zeros((latest[-1] + 1, values.shape[1]))
    np.add.at(sums, codes[used], values[used])
    sizes = np.bincount(codes[used], minlength=len(sums))
    return np.asarray(sums[sizes > 0] / sizes[sizes > 0, None])


def doublings_needed(means: Floats) -> int:
    """How often blocks must be doubled until neighbours have little to do with each other.

    `means` (n,) are means of blocks; neighbours are correlated when their lag-one correlation is
    above 0.25, which disturbances shorter than a block do not reach: a rectangular pulse half as
    long gives 0.1, one as long 0.25, one twice as long 0.6. Fewer than eight blocks show nothing.
    """
    count = 0
    while len(means) >= FEWEST_BLOCKS and _correlation(means) > CORRELATED:
        means = means[: len(means) // 2 * 2].reshape(-1, 2).mean(axis=1)
        count += 1
    return count


def _correlation(means: Floats) -> float:
    centred = means - means.mean()
    total = float((centred**2).sum())
    return float((centred[1:] * centred[:-1]).sum()) / total if total > 0 else 0.0


def distance_between(
    reference: Floats,
    seen: Floats,
    reference_groups: Integers | None = None,
    seen_groups: Integers | None = None,
) -> float:
    """The Kolmogorov–Smirnov distance between two samples, in [0, 1]; all groups weigh the same."""
    points = np.concatenate([reference, seen])
    one = _shares(reference, reference_groups, points)
    other = _shares(seen, seen_groups, points)
    return float(np.abs(one - other).max())


def _shares(values: Floats, groups: Integers | None, points: Floats) -> Floats:
    """The weight of values up to each point, each group having the same weight in all."""
    codes = np.arange(len(values)) if groups is None else np.asarray(pd.factorize(groups)[0])
    weights = 1 / np.bincount(codes)[codes]
    order = np.argsort(values)
    below = np.concatenate([[0.0], np.cumsum(weights[order]) / weights.sum()])
    return np.asarray(below[np.searchsorted(values[order], points, side="right")])


def distance_error(reference: int, seen: int, look: int, alpha: float) -> float:
    """By how much the distance between samples may exceed that between their distributions.

    `reference` and `seen` count groups, `look` counts from 1. With probability 1 − α this holds at
    all looks: Massart's inequality (Annals of Probability 18, 1990), with half of α for the
    reference and the other half shared among the looks as 6 / (π look)².

    Massart's is for one value a group. The mean over the values of each group is the expectation of
    such a sample, so by Jensen's inequality no convex function of the distance has a greater
    expectation; (x − s)₊ with s = ε − 1 / (4 n ε) turns that into the same tail times
    e / (1 − 1 / (4 n ε²)) < 3.1 where the tail is below 2%.
    """
    share = alpha / 2 * 6 / (math.pi * look) ** 2
    return math.sqrt(math.log(4 * AVERAGED / alpha) / (2 * reference)) + math.sqrt(
        math.log(2 * AVERAGED / share) / (2 * seen)
    )
