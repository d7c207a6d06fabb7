"""A training's energy and duration are metered, and the method is told."""

from __future__ import annotations

import pytest

from promotion.training import energy_meter


def test_work_costs_energy_and_the_method_is_told() -> None:
    with energy_meter() as energy:
        total = sum(i * i for i in range(2_000_000))
    assert total > 0
    assert energy.seconds > 0
    assert energy.watt_hours > 0
    assert energy.method in ("measured", "estimated")


def test_a_training_that_fails_has_its_error_told_and_not_the_meter_s() -> None:
    with pytest.raises(RuntimeError, match="out of memory"), energy_meter() as energy:
        raise RuntimeError("out of memory")
    assert energy.seconds > 0
