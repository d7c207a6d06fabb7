"""What a share of a small number of persons is worth: intervals, tests, and sample sizes."""

from __future__ import annotations

import math

from scipy.stats import fisher_exact, norm

Bounds = tuple[float, float]


def wilson_interval(found: int, persons: int, confidence: float) -> Bounds:
    """The interval of a share (Wilson, JASA 22, 1927)."""
    z = float(norm.ppf((1 + confidence) / 2))
    share = found / persons
    centre = share + z**2 / (2 * persons)
    half = z * math.sqrt(share * (1 - share) / persons + z**2 / (4 * persons**2))
    scale = 1 + z**2 / persons
    return (centre - half) / scale, (centre + half) / scale


def newcombe_interval(one: int, other: int, persons: int, confidence: float) -> Bounds:
    """The interval of the difference of two shares of as many persons, taken as independent.

    Source: Newcombe, Statistics in Medicine 17 (1998), method 10.
    """
    first, second = one / persons, other / persons
    low_one, high_one = wilson_interval(one, persons, confidence)
    low_other, high_other = wilson_interval(other, persons, confidence)
    difference = first - second
    low = difference - math.hypot(first - low_one, high_other - second)
    high = difference + math.hypot(high_one - first, second - low_other)
    return low, high


def fisher_p(one: int, other: int, persons: int) -> float:
    """The two-sided p-value of Fisher's exact test of two shares of as many persons."""
    table = [[one, persons - one], [other, persons - other]]
    return float(fisher_exact(table).pvalue)


def persons_needed(one: float, other: float, confidence: float, power: float) -> float:
    """How many persons a side would show this difference of shares with this power, unpaired.

    The normal approximation with pooled variance under the null (Fleiss, *Statistical Methods for
    Rates and Proportions*, 1981, section 3.2); infinite when the shares are equal.
    """
    if one == other:
        return math.inf
    mean = (one + other) / 2
    alpha, beta = norm.ppf((1 + confidence) / 2), norm.ppf(power)
    spread = alpha * math.sqrt(2 * mean * (1 - mean))
    spread += beta * math.sqrt(one * (1 - one) + other * (1 - other))
    return float((spread / (one - other)) ** 2)
