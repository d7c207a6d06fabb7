"""What a share of few persons is worth: intervals that cover, sample sizes that suffice."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotion.comparison import (
    fisher_p,
    newcombe_interval,
    persons_needed,
    wilson_interval,
)

persons = st.integers(1, 400)


@given(persons, st.data())
def test_an_interval_holds_its_share_and_stays_within_zero_and_one(
    many: int, data: st.DataObject
) -> None:
    found = data.draw(st.integers(0, many))
    low, high = wilson_interval(found, many, 0.95)
    assert -1e-12 <= low <= found / many + 1e-12
    assert found / many - 1e-12 <= high <= 1 + 1e-12


@given(persons, st.data())
def test_the_difference_s_interval_turns_with_its_sides(many: int, data: st.DataObject) -> None:
    one, other = (data.draw(st.integers(0, many)) for _ in range(2))
    low, high = newcombe_interval(one, other, many, 0.95)
    assert (-high, -low) == pytest.approx(newcombe_interval(other, one, many, 0.95))
    assert low <= (one - other) / many + 1e-12
    assert high >= (one - other) / many - 1e-12


def test_wilson_covers_what_it_says() -> None:
    rng = np.random.default_rng(0)
    bounds = {found: wilson_interval(found, 31, 0.95) for found in range(32)}
    covered = [
        bounds[found][0] <= 0.75 <= bounds[found][1] for found in rng.binomial(31, 0.75, 4000)
    ]
    assert 0.93 <= np.mean(covered) <= 0.98


def test_a_difference_of_nothing_is_never_shown() -> None:
    assert persons_needed(0.5, 0.5, 0.95, 0.8) == math.inf
    assert fisher_p(10, 10, 20) == pytest.approx(1)


def test_the_sample_size_has_the_power_it_promises() -> None:
    many = math.ceil(persons_needed(0.7, 0.5, 0.95, 0.8))
    rng = np.random.default_rng(1)
    shown = [
        newcombe_interval(one, other, many, 0.95)[0] > 0
        for one, other in zip(
            rng.binomial(many, 0.7, 2000), rng.binomial(many, 0.5, 2000), strict=True
        )
    ]
    assert 0.76 <= np.mean(shown) <= 0.86
