"""The simulation in small: intervals cover, and a difference of nothing is not promoted."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.calibration import REAL, WORTH, Scale, one_study, scale


@pytest.fixture(scope="module")
def measured() -> Scale:
    return scale(REAL["seed_sd"])


def shares(measured: Scale, gain: float, rivals: int, studies: int = 25) -> dict[str, float]:
    found = [one_study(measured, gain, 100, 3, rivals, number) for number in range(studies)]
    return {key: float(np.mean([one[key] for one in found])) for key in found[0]}


def test_three_seeds_are_enough_for_an_interval_that_covers(measured: Scale) -> None:
    found = shares(measured, 0.0, 1)
    assert found["covered"] >= 0.88
    assert found["promoted"] == 0


def test_the_best_of_three_is_seldom_promoted_at_the_limit(measured: Scale) -> None:
    found = shares(measured, WORTH, 3)
    assert found["promoted"] <= 0.05
    assert found["promoted"] <= found["promoted_uncorrected"]


def test_a_large_gain_is_found(measured: Scale) -> None:
    assert shares(measured, 0.15, 1, 20)["promoted"] >= 0.9
