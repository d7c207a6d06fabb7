"""How much error each opening of one test may take, so that all together take what was promised."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy import stats
from scipy.optimize import brentq

# The grid of a sequence's recursion, in standard deviations of its last look.
FARTHEST, GRID = 8.0, 1001


def opening_level(opening: int, alpha: float, planned: Sequence[float] | None = None) -> float:
    """The error that the i-th opening (from 1) of a test may take; together at most `alpha`.

    Unplanned: alpha · 6/(π² i²), which sums to alpha over any number of openings, whatever their
    dependence (alpha-spending: Foster and Stine, *α-investing*, JRSS B 2008). Planned: see
    `planned_levels`; beyond the plan the level is 0.
    """
    if opening < 1:
        raise ValueError("openings count from 1")
    if planned is None:
        return alpha * 6 / (math.pi * opening) ** 2
    return planned_levels(tuple(planned), alpha)[opening - 1] if opening <= len(planned) else 0.0


@lru_cache
def planned_levels(fractions: tuple[float, ...], alpha: float) -> list[float]:
    """Nominal one-sided levels of declared looks at one comparison as its seeds are added.

    Lan and DeMets' boundary (Biometrika 1983) with O'Brien and Fleming's spending, for information
    `fractions` that rise to 1, by Armitage, McPherson and Rowe's recursion (JRSS A 1969) on a grid.
    Looks on the same images depend more on each other than it assumes, so it errs less (Slepian).
    """
    critical = stats.norm.ppf(1 - alpha / 2)
    spent = 2 * stats.norm.sf(critical / np.sqrt(fractions))
    values, density = np.zeros(1), np.ones(1)
    levels: list[float] = []
    for step, gain in zip(np.diff(fractions, prepend=0), np.diff(spent, prepend=0), strict=True):
        width = math.sqrt(step)

        def excess(bound: float) -> float:
            return float(density @ stats.norm.sf((bound - values) / width) - gain)  # noqa: B023

        bound = float(brentq(excess, -FARTHEST, 3 * FARTHEST))
        kept = np.linspace(-FARTHEST, bound, GRID)
        reached = stats.norm.pdf((kept[:, None] - values) / width) / width @ density
        share = np.full(GRID, kept[1] - kept[0])
        share[[0, -1]] /= 2
        values, density = kept, reached * share
        levels.append(float(stats.norm.sf(bound / math.sqrt(fractions[len(levels)]))))
    return levels


def planned_fractions(seeds: Sequence[int]) -> list[float]:
    """Information fractions of looks at rising numbers of seeds a side."""
    return [count / seeds[-1] for count in seeds]
