"""However often a test is opened, all errors together are what was promised."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from promotion.comparison.spending import opening_level, planned_fractions, planned_levels


def test_the_levels_of_all_openings_sum_to_the_error() -> None:
    spent = sum(opening_level(i, 0.05) for i in range(1, 5000))
    assert spent == pytest.approx(0.05, abs=1e-4)
    assert spent < 0.05


def test_a_plan_spends_most_at_its_end_and_nothing_beyond() -> None:
    looks = planned_fractions([2, 3, 4, 5, 6])
    planned = [opening_level(i, 0.05, looks) for i in range(1, 7)]
    assert planned[:5] == sorted(planned[:5])
    assert planned[4] > 0.03
    assert planned[5] == 0


def test_openings_count_from_one() -> None:
    with pytest.raises(ValueError, match="from 1"):
        opening_level(0, 0.05)


def test_planned_levels_are_those_of_group_sequential_tables() -> None:
    """O'Brien-Fleming-like spending, 0.025 one-sided, 5 equal looks (gsDesign, sfLDOF)."""
    critical = stats.norm.isf(planned_levels((0.2, 0.4, 0.6, 0.8, 1.0), 0.025))
    assert critical == pytest.approx([4.8769, 3.3569, 2.6803, 2.2898, 2.0310], abs=0.002)


def test_one_planned_look_takes_the_whole_error() -> None:
    assert planned_levels((1.0,), 0.05) == pytest.approx([0.05])


def test_planned_looks_err_together_as_often_as_one_may() -> None:
    """A simulated sequence of growing means without a difference, looked at as planned."""
    seeds = [3, 6, 9]
    levels = planned_levels(tuple(planned_fractions(seeds)), 0.05)
    drawn = np.random.default_rng(0).normal(0, 1, (200_000, seeds[-1]))
    sums = np.cumsum(drawn, axis=1)[:, [n - 1 for n in seeds]] / np.sqrt(seeds)
    assert (sums > stats.norm.isf(levels)).any(axis=1).mean() == pytest.approx(0.05, abs=0.002)
