"""The canary's mathematics: one may look after every picture without being fooled by chance."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promotion.canary.sequential import (
    confidence_sequence,
    distance_between,
    distance_error,
    log_wealth,
)


@given(share=st.floats(0.05, 0.95), length=st.integers(1, 9))
@settings(max_examples=25, deadline=None)
def test_under_the_null_the_expected_wealth_stays_one(share: float, length: int) -> None:
    """Exactly: every sequence of two values, weighted by its probability."""
    total = 0.0
    for outcome in itertools.product((0.0, 1.0), repeat=length):
        chance = math.prod(share if value else 1 - share for value in outcome)
        total += chance * math.exp(log_wealth(np.array(outcome), share, 0, 1)[-1])
    assert total == pytest.approx(1, abs=1e-9)


@given(
    values=st.lists(st.floats(-1, 1), min_size=1, max_size=40),
    null=st.floats(-0.9, 0.9),
)
@settings(max_examples=100, deadline=None)
def test_the_wealth_stays_positive_and_knows_no_future(values: list[float], null: float) -> None:
    found = log_wealth(np.array(values), null, -1, 1)
    assert np.isfinite(found).all()
    shorter = log_wealth(np.array([*values[:-1], 1.0]), null, -1, 1)
    assert found[:-1] == pytest.approx(shorter[:-1])


def test_looking_after_every_value_rejects_a_true_null_rarely() -> None:
    rng = np.random.default_rng(0)
    rejected = 0
    for _ in range(1000):
        values = rng.choice([-1.0, 0.0, 0.0, 0.5], 300)
        rejected += log_wealth(values, float(np.mean([-1, 0, 0, 0.5])), -1, 1).max() >= np.log(20)
    assert rejected / 1000 <= 0.05


def test_all_intervals_of_a_sequence_cover_together() -> None:
    rng = np.random.default_rng(1)
    missed = 0
    for _ in range(150):
        lower, upper = confidence_sequence(rng.beta(2, 5, 200), 0.05, 0, 1)
        missed += bool((lower > 2 / 7).any() or (upper < 2 / 7).any())
    assert missed / 150 <= 0.05


def test_intervals_only_shrink_and_hold_the_mean_of_a_long_sample() -> None:
    values = np.random.default_rng(2).uniform(-0.2, 0.4, 3000)
    lower, upper = confidence_sequence(values, 0.05, -1, 1)
    assert (np.diff(lower) >= 0).all()
    assert (np.diff(upper) <= 0).all()
    assert lower[-1] < 0.1 < upper[-1]
    assert upper[-1] - lower[-1] < 0.05


def test_a_rare_fault_below_its_limit_is_shown_within_a_hundred_values() -> None:
    wealth = log_wealth(np.zeros(100), -0.05, -1, 0)
    assert wealth.max() > np.log(20)


def test_the_distance_is_that_of_scipy() -> None:
    from scipy.stats import ks_2samp

    rng = np.random.default_rng(4)
    one, other = rng.integers(0, 6, 70).astype(float), rng.integers(1, 8, 40).astype(float)
    assert distance_between(one, other) == pytest.approx(ks_2samp(one, other).statistic)


def test_the_distance_of_equal_distributions_stays_within_its_error_at_every_look() -> None:
    rng = np.random.default_rng(5)
    exceeded = 0
    for _ in range(300):
        reference, seen = rng.poisson(3, 150).astype(float), rng.poisson(3, 200).astype(float)
        exceeded += any(
            distance_between(reference, seen[: 20 * look])
            > distance_error(150, 20 * look, look, 0.05)
            for look in range(1, 11)
        )
    assert exceeded / 300 <= 0.05
