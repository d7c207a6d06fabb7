"""Gates on what is measured beside the metrics: latencies, and the spread over seeds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from scipy import stats

from benchmarks.simulation.rows import ALPHA, Row, at_most
from promotion.comparison.bounds import Bounds, gate_state, quantile_bounds, spread_bounds
from promotion.metrics import Array

# Of the latencies' logarithm; the images of val on which they are measured.
LATENCY_SD, IMAGES = 0.3, 100
# How much a measurement resembles the one before, on a machine that warms up or is busy at times.
RESEMBLANCE = 0.9
BESIDE = 1e-9
Measurements = Callable[[np.random.Generator], Array]


def gate_rows(studies: int) -> list[Row]:
    """How often a gate at most at the truth is held, or broken, wrongly."""
    normal = partial(_normal, count=IMAGES)
    p95 = partial(quantile_bounds, quantile=0.95, confidence=1 - ALPHA)
    p50 = partial(quantile_bounds, quantile=0.5, confidence=1 - ALPHA)
    spread = partial(spread_bounds, confidence=1 - ALPHA)
    upper = float(np.exp(LATENCY_SD * stats.norm.ppf(0.95)))
    cases: list[tuple[str, Measurements, Callable[[Array], Bounds], float]] = [
        ("latency_p50", lambda rng: np.exp(LATENCY_SD * normal(rng)), p50, 1.0),
        ("latency_p95", lambda rng: np.exp(LATENCY_SD * normal(rng)), p95, upper),
        ("latency_alike", lambda rng: np.exp(LATENCY_SD * _alike(rng)), p95, upper),
        ("spread_3", partial(_normal, count=3), spread, 1.0),
        ("spread_10", partial(_normal, count=10), spread, 1.0),
    ]
    return [row for case in cases for row in _rows(*case, studies)]


def _rows(
    name: str,
    measure: Measurements,
    bounds_of: Callable[[Array], Bounds],
    true: float,
    studies: int,
) -> list[Row]:
    rng = np.random.default_rng(3)
    bounds = [bounds_of(measure(rng)) for _ in range(studies)]
    held = (gate_state(one, true - BESIDE, False) == "held" for one in bounds)
    broken = (gate_state(one, true + BESIDE, False) == "broken" for one in bounds)
    return [
        at_most("gates", name, "gate_held", held, ALPHA),
        at_most("gates", name, "gate_broken", broken, ALPHA),
    ]


def _normal(rng: np.random.Generator, count: int) -> Array:
    return rng.normal(0, 1, count)


def _alike(rng: np.random.Generator) -> Array:
    """Standard normal measurements, each like the one before."""
    values = _normal(rng, IMAGES)
    for place in range(1, IMAGES):
        fresh = np.sqrt(1 - RESEMBLANCE**2) * values[place]
        values[place] = RESEMBLANCE * values[place - 1] + fresh
    return values
