"""Anytime-valid tests: one may look after every batch, and stop, without fooling oneself.

A test bets against its null hypothesis. Under the null no strategy makes money, so the probability
that the wealth ever exceeds 1/α is at most α (Ville's inequality), however often one looks.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_STAKE = 0.75
GRID_STEPS = 400


def log_wealth(values: Floats, null: float | Floats, low: float, high: float) -> Floats:
    """The log wealth of betting that the mean of `values` (n,), in [low, high], exceeds `null`.

    Returns (n,), or (n, k) for k nulls. A wealth of 1/α at any time rejects "the mean is at most
    `null`" at level α. The stake before each value is Waudby-Smith and Ramdas's approximate GRAPA,
    from the values before it alone, and never risks more than three quarters of the wealth.

    Source: Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting,
    JRSS B 86 (2024), section 5 and appendix B.3.
    """
    nulls = np.asarray(null, np.float64)
    gains = values.reshape(-1, *(1,) * nulls.ndim) - nulls
    seen = np.arange(1, len(values) + 1).reshape(-1, *(1,) * nulls.ndim)
    mean = np.cumsum(gains, axis=0) / (seen + 1)
    spread = ((high - low) / 2) ** 2 + np.cumsum((gains - mean) ** 2, axis=0)
    variance = spread / (seen + 1)
    with np.errstate(divide="ignore"):
        most = MOST_STAKE / (nulls - low)
    stakes = np.clip(mean / (variance + mean**2), 0, most)
    # Nothing is known before the first value, so nothing is staked on it.
    stakes = np.concatenate([np.zeros_like(stakes[:1]), stakes[:-1]])
    return np.asarray(np.cumsum(np.log1p(stakes * gains), axis=0))


def lower_bounds(values: Floats, alpha: float, low: float, high: float) -> Floats:
    """After each value, a lower bound on the mean; with probability 1 − α all of them hold."""
    nulls = np.linspace(low, high, GRID_STEPS + 1)[:-1]
    richest = np.maximum.accumulate(log_wealth(values, nulls, low, high), axis=0)
    rejected = richest >= math.log(1 / alpha)
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


def values_to_reject(wealth: Floats, level: float) -> int | None:
    """About how many values in all would bring the log wealth (n,) to `level`; an estimate.

    The wealth is taken to grow as it did on average so far; None when it does not grow.
    """
    growth = float(wealth[-1]) / len(wealth)
    return math.ceil(level / growth) if growth > 0 else None


def distance_between(reference: Floats, seen: Floats) -> float:
    """The Kolmogorov–Smirnov distance between two samples, in [0, 1]."""
    points = np.concatenate([reference, seen])
    one = np.searchsorted(np.sort(reference), points, side="right") / len(reference)
    other = np.searchsorted(np.sort(seen), points, side="right") / len(seen)
    return float(np.abs(one - other).max())


def distance_error(reference: int, seen: int, look: int, alpha: float) -> float:
    """By how much the distance between samples may exceed that between their distributions.

    `reference` and `seen` are sample sizes, `look` counts from 1. With probability 1 − α this holds
    at all looks: Massart's inequality (Annals of Probability 18, 1990), with half of α for the
    reference and the other half shared among the looks as 6 / (π look)².
    """
    share = alpha / 2 * 6 / (math.pi * look) ** 2
    return math.sqrt(math.log(4 / alpha) / (2 * reference)) + math.sqrt(
        math.log(2 / share) / (2 * seen)
    )
