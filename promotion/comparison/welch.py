"""What two samples of different spread can tell of the difference of their means."""

from __future__ import annotations

import math

from scipy.stats import t

Spread = tuple[float, int]


def welch_reach(one: Spread, other: Spread, confidence: float) -> float:
    """Half the width of the interval of a difference of means (Welch, Biometrika 34, 1947).

    Each side is its standard deviation and its size, 2 or more; the reach is in their unit.
    """
    parts = [sd**2 / size for sd, size in (one, other)]
    error = math.sqrt(sum(parts))
    freedom = one[1] + other[1] - 2.0
    if error:
        shares = sum(
            part**2 / (size - 1) for part, (_, size) in zip(parts, (one, other), strict=True)
        )
        freedom = sum(parts) ** 2 / shares
    return float(t.ppf((1 + confidence) / 2, freedom)) * error
