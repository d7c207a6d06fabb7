"""The bets against a plain loop, and what groups, blocks and ratios promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promotion.canary.sequential import (
    MOST_STAKE,
    bet_on_difference_of_ratios,
    bet_on_ratio,
    bet_on_share,
    distance_between,
    distance_error,
    doublings_needed,
    group_means,
    lower_bound,
    values_to_reject,
)


def plain_bet(gains: list[float], low: float, high: float) -> list[float]:
    """The wealth after each gain, as the paper writes it: one stake at a time."""
    wealth, found = 1.0, []
    means: list[float] = []
    for number, gain in enumerate(gains):
        stake = 0.0
        if number:
            mean = sum(gains[:number]) / (number + 1)
            spread = ((high - low) / 2) ** 2
            spread += sum((gains[i] - means[i]) ** 2 for i in range(number))
            stake = mean / (spread / (number + 1) + mean**2)
            stake = min(max(stake, 0.0), MOST_STAKE / abs(low))
        wealth *= 1 + stake * gain
        found.append(wealth)
        means.append(sum(gains[: number + 1]) / (number + 2))
    return found


def counts(seed: int, n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Columns of a ratio, and of two, as shares of a crowd."""
    rng = np.random.default_rng(seed)
    boxes = rng.integers(0, 11, (n, 2)) / 10
    found = boxes * rng.random((n, 2))
    return np.column_stack([found[:, 0] - boxes[:, 0] / 2, boxes[:, 0]]), np.column_stack(
        [found[:, 0], boxes[:, 0], found[:, 1], boxes[:, 1]]
    )


@pytest.mark.parametrize("null", [-0.3, 0.0, 0.2])
def test_the_bet_on_a_ratio_is_that_of_a_plain_loop(null: float) -> None:
    values, _ = counts(1)
    gains = [top - null * bottom for top, bottom in values]
    expected = np.log(plain_bet(gains, -(1 + null), 1 - null))
    assert bet_on_ratio(values, np.array([null]))[:, 0] == pytest.approx(expected)


@pytest.mark.parametrize("null", [-0.3, 0.1])
def test_the_bet_on_two_ratios_is_that_of_a_plain_loop(null: float) -> None:
    _, values = counts(2)
    richest = []
    for cell in range(50):
        left, right = cell / 50, (cell + 1) / 50
        pair, below, above = [], [], []
        for a, b, c, d in values:
            pair.append(min(a - c - p * (b - d) - null * b for p in (left, right)))
            below.append(left * d - c)
            above.append(c - right * d)
        parts = zip(
            plain_bet(pair, -max(1 + null, 1 - left), max(1 - null, right)),
            plain_bet(below, -(1 - left), left),
            plain_bet(above, -right, 1 - right),
            strict=True,
        )
        richest.append(np.maximum.accumulate([p / 2 + u / 4 + o / 4 for p, u, o in parts]))
    expected = np.log(np.min(richest, axis=0))
    assert bet_on_difference_of_ratios(values, np.array([null]))[:, 0] == pytest.approx(expected)


def test_the_bet_on_blocks_is_the_worst_of_its_widths() -> None:
    shares = np.random.default_rng(3).beta(9, 1, 41)
    expected = np.full(41, np.inf)
    for width in (1, 2, 4):
        means = [float(shares[i : i + width].mean()) for i in range(0, 42 - width, width)]
        means = means[: 41 // width]
        wealth = [x - 0.8 for x in means]
        richest = [1.0, *np.maximum.accumulate(plain_bet(wealth, -0.8, 0.2))]
        path = [
            max(1.0, richest[(i + 1) // width]) if width > 1 else richest[i + 1] for i in range(41)
        ]
        expected = np.minimum(expected, np.log(path))
    found = bet_on_share(shares[:, None], np.array([0.8]), doublings=2)[:, 0]
    assert found == pytest.approx(expected)


@given(
    found=st.lists(st.tuples(*[st.floats(0, 1)] * 4), min_size=1, max_size=20),
    null=st.floats(-1, 0.95),
)
@settings(max_examples=60, deadline=None)
def test_no_bet_is_ever_ruined(found: list[tuple[float, ...]], null: float) -> None:
    """Whatever comes, within what a ratio's columns may be."""
    b, d, share, other = np.array(found).T
    values = np.column_stack([share * b, b, other * d, d])
    assert np.isfinite(bet_on_difference_of_ratios(values, np.array([null]))).all()
    differences = np.column_stack([(share - other) * b, b])
    assert np.isfinite(bet_on_ratio(differences, np.array([null]))).all()


def test_a_bound_reaches_the_limit_exactly_when_its_test_rejects() -> None:
    for seed in range(60):
        rng = np.random.default_rng(seed)
        bottom = rng.integers(1, 11, 150) / 10
        values = np.column_stack([bottom * rng.uniform(-0.5, 0.55, 150), bottom])
        limit = -0.07
        rejected = bet_on_ratio(values, np.array([limit])).max() >= math.log(20)
        bound = lower_bound(values, bet_on_ratio, 0.05, limit, -1, 1)
        assert (bound >= limit - 1e-9) == rejected


def test_groups_count_once_and_only_when_complete() -> None:
    values = np.array([[1.0], [3.0], [5.0], [100.0], [7.0], [9.0]])
    groups = np.array([4, 4, 2, 4, 1, 1])
    counted = np.array([True, True, True, True, False, True])
    assert group_means(values, groups, counted, True).ravel().tolist() == [2.0, 5.0, 9.0]
    assert group_means(values, groups, counted, False).ravel().tolist() == [2.0, 5.0]
    nothing = np.zeros(6, bool)
    assert group_means(values, groups, nothing, True).shape == (0, 1)


def test_blocks_are_doubled_until_disturbances_are_shorter() -> None:
    rng = np.random.default_rng(5)
    assert doublings_needed(rng.random(400)) == 0
    assert doublings_needed(np.repeat(rng.random(100), 8)) >= 2
    assert doublings_needed(np.ones(50)) == doublings_needed(np.arange(5.0)) == 0


def test_the_distance_weighs_groups_alike_and_its_error_counts_them() -> None:
    one, other = np.array([0.0, 1, 1, 1]), np.array([0.0, 1])
    assert distance_between(one, other) == pytest.approx(0.25)
    assert distance_between(one, other, np.array([0, 1, 1, 1])) == pytest.approx(0)
    exceeded = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        before, now = (rng.normal(size=30).repeat(10) for _ in range(2))
        ids = np.arange(30).repeat(10)
        exceeded += distance_between(before, now, ids, ids) > distance_error(30, 30, 1, 0.05)
    assert exceeded / 200 <= 0.05


def test_the_estimate_of_values_needed_is_within_a_factor_of_three_mostly() -> None:
    ratios = []
    for seed in range(40):
        values = np.random.default_rng(seed).uniform(-0.5, 0.8, 800)
        columns = np.column_stack([values, np.ones(800)])
        wealth = bet_on_ratio(columns, np.array([0.0]))[:, 0]
        needed = int(np.argmax(wealth >= math.log(20))) + 1
        guess = values_to_reject(columns[: needed // 2], bet_on_ratio, 0.0, math.log(20))
        ratios.append(math.inf if guess is None else guess / needed)
    assert 1 / 3 < np.median(ratios) < 3
    assert np.mean([1 / 3 < ratio < 3 for ratio in ratios]) > 0.6
