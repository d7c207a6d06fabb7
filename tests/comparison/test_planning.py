"""A plan is the smallest larger study that settles what is open, with the power that it says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from promotion.comparison import Claim, Plan, SpreadClaim, plan
from promotion.comparison.planning import POWER, SHRINKAGE, joint_power, power

OPEN = Claim(distance=0.016, image_error=0.0111, seed_error=0.0020, confidence=0.95)
NOTHING = Plan(images=None, seeds=None, both=None)


def changed(**changes: float | None) -> Claim:
    return OPEN.model_copy(update=changes)


def test_a_plan_is_larger_than_the_study_and_has_the_power() -> None:
    found = plan([OPEN], 200, 3)
    for size in (found.images, found.both):
        assert size is not None
        assert size.power >= POWER
        assert size.images > 200
    assert found.images is not None
    assert found.images.seeds == 3
    assert joint_power([OPEN], 200, 3, int(found.images.images * 0.97), 3) < POWER


def test_the_power_is_that_of_a_simulated_study() -> None:
    """Drawn from the shrunk distance: how often the bound at the confidence is passed."""
    images, seeds, error = 800, 3, math.sqrt(0.0111**2 / 4 + 0.0020**2)
    image, seed = 0.0111**2 / 4, 0.0020**2
    freedom = (image + seed) ** 2 / (image**2 / (images - 1) + seed**2 / (2 * (seeds - 1)))
    drawn = np.random.default_rng(0).normal(SHRINKAGE * 0.016, error, 100_000)
    expected = (drawn / error > stats.t.ppf(0.95, freedom)).mean()
    assert power(OPEN, 200, 3, images, seeds) == pytest.approx(expected, abs=0.01)


def test_the_images_that_settle_grow_as_the_square_of_the_precision() -> None:
    far, near = (plan([changed(distance=d, seed_error=0.0)], 200, 3).images for d in (0.016, 0.008))
    assert far is not None
    assert near is not None
    assert near.images == pytest.approx(4 * far.images, rel=0.05)


def test_no_number_of_seeds_makes_up_for_too_few_images() -> None:
    assert plan([OPEN], 200, 3).seeds is None


def test_where_seeds_dominate_only_seeds_settle() -> None:
    found = plan([changed(distance=0.02, image_error=0.001, seed_error=0.01)], 100, 3)
    assert found.images is None
    assert found.seeds is not None
    assert found.seeds.seeds > 3
    assert found.both is not None
    assert found.both.seeds <= found.seeds.seeds


def test_a_plan_serves_every_open_claim() -> None:
    harder = changed(distance=0.014)
    alone, both = plan([harder], 200, 3).images, plan([OPEN, harder], 200, 3).images
    assert alone is not None
    assert both is not None
    assert both.images >= alone.images


def test_only_seeds_settle_a_spread_over_seeds() -> None:
    found = plan([SpreadClaim(ratio=0.5, confidence=0.95)], 200, 3)
    assert found.images is None
    assert found.seeds is not None
    assert found.seeds.seeds > 5


def test_nothing_settles_a_difference_at_the_requirement() -> None:
    assert plan([changed(distance=0.0)], 200, 3) == NOTHING
    assert plan([changed(seed_error=None)], 200, 1) == NOTHING
    assert plan([], 200, 3) == NOTHING
