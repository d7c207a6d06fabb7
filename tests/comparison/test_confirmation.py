"""Test confirms, objectives first; costs and seeds of the run to register have their bounds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from promotion.comparison import confirm
from promotion.comparison.confirmation import bounds_on_test, cost_bounds, seed_bounds
from promotion.detection import see
from promotion.metrics import COSTS, METRICS
from promotion.study import Policy
from tests.builders import POLICY, boxes, detections, run

SEEN = see(
    boxes(("a", 0, 0, 10, 10), ("b", 0, 0, 10, 10)), detections(("a", 0, 0, 10, 10, 0.9)), 0.5
)


def test_the_policy_s_objectives_are_compared_first() -> None:
    first = {"metric": "recall", "smallest_gain": 0.1}
    policy = Policy.model_validate({"objectives": [first, {**first, "metric": "mAP50-95"}]})
    found = confirm([SEEN], [SEEN], policy, 20)
    assert [one.metric for one in found[:2]] == ["recall", "mAP50-95"]
    assert {one.metric for one in found} == set(METRICS)


def test_the_same_runs_are_confirmed_alike_whoever_asks() -> None:
    assert confirm([SEEN], [SEEN], POLICY, 50) == confirm([SEEN], [SEEN], POLICY, 50)
    assert bounds_on_test(SEEN, 0.95) == bounds_on_test(SEEN, 0.95)


def test_the_bounds_of_every_metric_are_asked_at_the_confidence_of_the_opening() -> None:
    wide, narrow = (bounds_on_test(SEEN, level)["recall"] for level in (0.99, 0.8))
    assert set(bounds_on_test(SEEN, 0.95)) == set(METRICS)
    assert wide.low is not None
    assert narrow.low is not None
    assert wide.low < narrow.low


def test_every_cost_has_bounds_and_what_is_known_once_has_none_beside_itself() -> None:
    luck = np.random.default_rng(0)
    own = run("big", 1, 0.5, metrics={**run("big", 1, 0.5).metrics, "model_mb": 6.0})
    columns = ("big_s1", "small_s1", "small_s2")
    times = pd.DataFrame({name: luck.gamma(20, 1 + (name[0] == "b"), 100) for name in columns})
    found = cost_bounds(own, times, "estimated", ["small_s1", "small_s2"], 0.95)
    assert set(found) == set(COSTS)
    for name in ("latency_p50_ms", "latency_p95_ms", "latency_ratio", "energy_wh"):
        one = found[name]
        assert one.low is not None
        assert one.high is not None
        assert one.low < one.value < one.high
    assert found["latency_ratio"].value == pytest.approx(2, rel=0.1)
    assert (found["model_mb"].low, found["model_mb"].high) == (6, 6)
    measured = cost_bounds(own, times, "measured", ["small_s1"], 0.95)["energy_wh"]
    assert measured.high < found["energy_wh"].high


def test_too_few_latencies_say_how_many_a_percentile_takes() -> None:
    times = pd.DataFrame({"big_s1": np.arange(20.0) + 1, "small_s1": np.arange(20.0) + 1})
    found = cost_bounds(run("big", 1, 0.5), times, "measured", ["small_s1"], 0.95)
    assert found["latency_p95_ms"].high is None
    assert found["latency_p95_ms"].needed == 59
    assert found["latency_p50_ms"].high is not None


def test_the_spread_over_seeds_is_bounded_by_how_many_there_are() -> None:
    two, six = (
        seed_bounds({"a": 0.4, "b": 0.42}, 0.95),
        seed_bounds(dict.fromkeys("abcdef", 0.4), 0.95),
    )
    assert two.high is not None
    assert two.value is not None
    assert two.high > 10 * two.value
    assert six.high == pytest.approx(0)
