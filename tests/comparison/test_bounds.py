"""A gate is judged by the bound of its measure, which must be right as often as it says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from promotion.comparison import MeasureBounds as Bounds
from promotion.comparison import gate_state, point_bounds
from promotion.comparison.bounds import (
    difference_bounds,
    measurements_needed,
    metric_bounds,
    quantile_bounds,
    share_bounds,
    spread_bounds,
    uncertain_bounds,
)
from promotion.metrics import metric_values
from tests.builders import everyone
from tests.comparison.builders import looked, rng, shown_by


@pytest.mark.parametrize(
    ("low", "high", "at_least", "state"),
    [
        (0.61, 0.7, True, "held"),
        (0.5, 0.7, True, "open"),
        (0.5, 0.59, True, "broken"),
        (0.5, 0.59, False, "held"),
        (0.61, 0.7, False, "broken"),
        (None, 0.7, True, "open"),
        (None, 0.5, True, "broken"),
        (None, None, False, "open"),
    ],
)
def test_a_gate_is_held_by_the_unfavourable_bound_and_broken_by_the_other(
    low: float | None, high: float | None, at_least: bool, state: str
) -> None:
    assert gate_state(Bounds(value=0.6, low=low, high=high), 0.6, at_least) == state


def test_a_limit_that_is_met_exactly_is_held() -> None:
    assert gate_state(point_bounds(0.6), 0.6, True) == "held"
    assert gate_state(point_bounds(0.6), 0.6, False) == "held"
    assert gate_state(point_bounds(None), 0.6, True) == "open"


def test_a_share_of_independent_units_has_clopper_and_pearson_s_bounds() -> None:
    drawn = rng().binomial(400, 0.3, 20_000) / 400
    found = share_bounds(np.append(0.3, drawn), 400, 400, 400.0, 0.95)
    low = stats.binomtest(120, 400, alternative="greater").proportion_ci(0.95).low
    assert found.low == pytest.approx(low, abs=0.002)


def test_what_was_always_right_may_still_fail() -> None:
    found = share_bounds(np.ones(100), 80, 12, 12.0, 0.95)
    assert found.low == pytest.approx(0.05 ** (1 / 12))
    assert found.high == 1


def test_a_run_s_bounds_hold_its_values_and_narrow_with_more_images() -> None:
    def width_of_recall(images: int) -> float:
        run = looked(2, images)
        found = metric_bounds(run, 0.95, rng(), 500)
        whole = metric_values(run.matches, everyone(run.matches), run.threshold)
        for metric, one in found.items():
            assert one.low is not None
            assert one.high is not None
            assert one.low <= whole[metric][0] <= one.high
            assert one.value == pytest.approx(whole[metric][0])
        recall = found["recall"]
        return recall.high - recall.low

    assert width_of_recall(400) < 0.5 * width_of_recall(40)


def test_precision_on_few_images_does_not_pass_by_luck() -> None:
    passed = 0
    for seed in range(100):
        luck = rng(seed)
        count = luck.poisson(4, 12) + 1
        rate = luck.beta(5.3, 4.7, 12)
        owner = np.repeat(np.arange(12), count)
        hit = luck.random(len(owner)) < rate[owner]
        run = shown_by(np.full(12, 6), owner, np.full(len(owner), 0.9), np.where(hit, 0, -1))
        bounds = metric_bounds(run, 0.95, luck, 200)["precision"]
        passed += gate_state(bounds, 0.6, True) == "held"
    assert passed <= 5


def test_the_bounds_of_a_spread_err_as_often_as_they_say() -> None:
    samples = rng().normal(0, 1, (2000, 3))
    bounds = [spread_bounds(sample.tolist(), 0.95) for sample in samples]
    below = np.mean([one.high is not None and one.high < 1 for one in bounds])
    above = np.mean([one.low is not None and one.low > 1 for one in bounds])
    assert below == pytest.approx(0.05, abs=0.015)
    assert above == pytest.approx(0.05, abs=0.015)


def test_one_seed_has_no_spread_and_says_that_two_are_needed() -> None:
    assert spread_bounds([0.4], 0.95) == Bounds(value=None, low=None, high=None, needed=2)


@pytest.mark.parametrize(("quantile", "needed"), [(0.5, 5), (0.95, 59), (0.99, 299)])
def test_a_quantile_is_bounded_from_so_many_measurements_on(quantile: float, needed: int) -> None:
    assert measurements_needed(quantile, 0.95) == needed
    enough = quantile_bounds(list(range(needed)), quantile, 0.95)
    short = quantile_bounds(list(range(needed - 1)), quantile, 0.95)
    assert enough.high == needed - 1
    assert enough.needed is None
    assert short.high is None
    assert short.needed == needed


def test_no_measurement_bounds_nothing() -> None:
    assert quantile_bounds([], 0.95, 0.95) == Bounds(value=None, low=None, high=None, needed=59)


@pytest.mark.parametrize("quantile", [0.5, 0.95])
@pytest.mark.parametrize("count", [59, 100, 237])
def test_the_bounds_of_a_quantile_err_no_more_often_than_they_say(
    quantile: float, count: int
) -> None:
    true = stats.expon.ppf(quantile)
    samples = rng().exponential(1, (2000, count))
    bounds = [quantile_bounds(sample, quantile, 0.95) for sample in samples]
    assert np.mean([one.high is not None and one.high < true for one in bounds]) <= 0.06
    assert np.mean([one.low is not None and one.low > true for one in bounds]) <= 0.06


def test_a_stated_uncertainty_bounds_a_value() -> None:
    found = uncertain_bounds(100.0, 0.1, 0.95)
    assert (found.low, found.high) == pytest.approx((83.55, 116.45), abs=0.01)


def test_the_bounds_of_a_difference_err_about_as_often_as_those_it_is_made_of() -> None:
    """Of two spreads of three seeds, whose bounds lie far to one side."""
    drawn = rng().normal(0.0, [[[2.0]], [[1.0]]], (2, 2000, 3))
    sides = [[spread_bounds(seeds, 0.95) for seeds in side.tolist()] for side in drawn]
    found = [difference_bounds(*pair) for pair in zip(*sides, strict=True)]
    above = np.mean([one.low is not None and one.low > 1.0 for one in found])
    below = np.mean([one.high is not None and one.high < 1.0 for one in found])
    assert max(above, below) < 0.06


def test_a_difference_to_what_is_unknown_is_unknown() -> None:
    known, nothing = Bounds(value=2.0, low=1.0, high=3.0), Bounds(value=None, low=None, high=None)
    assert difference_bounds(known, nothing).value is None
    half = difference_bounds(known, Bounds(value=1.0, low=None, high=2.0, needed=5))
    assert (half.value, half.low, half.high) == (1.0, None, None)
