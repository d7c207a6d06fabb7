"""Confirms on test what val has chosen; bounds of what was measured of the run to register."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from promotion.comparison.bootstrap import REPLICATES, Evaluated, MetricComparison, compare
from promotion.comparison.bounds import (
    Bounds,
    metric_bounds,
    point_bounds,
    quantile_bounds,
    spread_bounds,
    uncertain_bounds,
)
from promotion.comparison.evidence import RunFacts
from promotion.metrics import COSTS
from promotion.study import Policy

SEED = 20240501
# Of an energy: what meters are good for, and what an estimate from the processor's load is.
ENERGY_UNCERTAINTY = {"measured": 0.05, "estimated": 0.5}


def confirm(
    candidate: Sequence[Evaluated],
    baseline: Sequence[Evaluated],
    policy: Policy,
    replicates: int = REPLICATES,
) -> list[MetricComparison]:
    """Compare two configurations on the test split, a run a seed, metric by metric.

    The policy's objectives come first, in its order.
    """
    rng = np.random.default_rng(SEED)
    found = compare(candidate, baseline, policy.confidence, rng, replicates)
    order = list(policy.required_differences)
    return sorted(
        found, key=lambda one: order.index(one.metric) if one.metric in order else len(order)
    )


def bounds_on_test(run: Evaluated, confidence: float) -> dict[str, Bounds]:
    """One-sided bounds of each metric of one run on test; other images of its kind keep to them."""
    return metric_bounds(run, confidence, np.random.default_rng(SEED))


def cost_bounds(
    run: RunFacts,
    milliseconds: pd.DataFrame,
    energy_method: str,
    baseline: Sequence[str],
    confidence: float,
) -> dict[str, Bounds]:
    """One-sided bounds of each cost of a run.

    `milliseconds` are latencies, a row an image and a column a run; `baseline` names the runs that
    the latency ratio is to.
    """
    own = milliseconds[run.run_name]
    ratio = own / milliseconds[list(baseline)].median(axis=1)
    energy = uncertain_bounds(
        run.metrics["energy_wh"], ENERGY_UNCERTAINTY[energy_method], confidence
    )
    # Of what is measured once, without a stated uncertainty, the value is all there is.
    bounds = {name: point_bounds(run.metrics.get(name)) for name in COSTS}
    return bounds | {
        "latency_p50_ms": quantile_bounds(own.tolist(), 0.5, confidence),
        "latency_p95_ms": quantile_bounds(own.tolist(), 0.95, confidence),
        "latency_ratio": quantile_bounds(ratio.tolist(), 0.5, confidence),
        "energy_wh": energy,
    }


def seed_bounds(values: Mapping[str, float], confidence: float) -> Bounds:
    """Bounds of the standard deviation over seeds of a metric on test, a value a run."""
    return spread_bounds(list(values.values()), confidence)
