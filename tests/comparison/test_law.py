"""What the true value may be: five numbers that answer every question about it alike."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotion.comparison import ConfidenceDistribution
from promotion.comparison.bootstrap import compare
from promotion.comparison.law import nothing_known
from tests.comparison.builders import by_metric, looked, rng

LAW = ConfidenceDistribution(centre=0.03, scale=0.01, freedom=7.0, low=-1.0, high=1.0)


def test_a_law_answers_the_same_after_json() -> None:
    sides = [looked(1), looked(2)], [looked(3), looked(4)]
    law = by_metric(compare(*sides, 0.95, rng(), 200))["mAP50"].law
    again = ConfidenceDistribution.model_validate_json(law.model_dump_json())
    assert again == law
    assert again.interval(0.95) == law.interval(0.95)


@given(st.floats(-0.1, 0.1), st.floats(0.001, 0.05), st.floats(0.01, 0.99))
def test_what_is_exceeded_with_a_probability_is_exceeded_with_it(
    centre: float, scale: float, probability: float
) -> None:
    law = LAW.model_copy(update={"centre": centre, "scale": scale})
    assert law.probability_above(law.exceeded(probability)) == pytest.approx(probability)


def test_an_interval_lies_between_what_is_exceeded_on_either_side() -> None:
    assert LAW.interval(0.9) == pytest.approx((LAW.exceeded(0.95), LAW.exceeded(0.05)))


def test_a_law_is_student_s() -> None:
    drawn = 0.03 + 0.01 * np.random.default_rng(0).standard_t(7, 200_000)
    assert LAW.exceeded(0.025) == pytest.approx(np.quantile(drawn, 0.975), rel=0.01)


def test_a_law_stays_within_its_range() -> None:
    law = LAW.model_copy(update={"centre": 0.99, "scale": 0.1})
    assert law.interval(0.99)[1] == 1
    assert law.probability_above(1.0) == 0
    assert law.probability_above(-1.5) == 1


def test_worse_equivalent_and_better_are_all_there_is() -> None:
    worse, equivalent, better = LAW.worse_equivalent_better(0.02)
    assert worse + equivalent + better == pytest.approx(1)
    assert better > equivalent > worse


def test_a_tie_is_kept_and_is_no_gain() -> None:
    law = LAW.model_copy(update={"centre": 0.0, "scale": 0.0})
    assert law.probability_at_least(0.0) == 1
    assert law.probability_at_least(-0.01) == 1
    assert law.probability_above(0.0) == 0
    assert law.worse_equivalent_better(0.0) == (0, 1, 0)
    assert law.interval(0.95) == (0, 0)


def test_who_knows_nothing_has_the_whole_range_and_can_be_stored() -> None:
    law = nothing_known(-1.0, 1.0)
    low, high = law.interval(0.95)
    assert (low, high) == (-1, 1)
    assert law.probability_above(0.0) == pytest.approx(0.5)
    assert all(map(math.isfinite, law.model_dump().values()))
