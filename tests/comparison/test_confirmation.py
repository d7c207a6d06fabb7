"""Test confirms, objectives first, and an open claim is told what would settle it."""

from __future__ import annotations

import pytest

from promotion.comparison import confirm, settling
from promotion.comparison.confirmation import intervals_on_test
from promotion.detection import see
from promotion.metrics import METRICS
from promotion.study import Policy
from tests.builders import POLICY, boxes, compared, detections

SEEN = see(
    boxes(("a", 0, 0, 10, 10), ("b", 0, 0, 10, 10)), detections(("a", 0, 0, 10, 10, 0.9)), 0.5
)


def test_the_policy_s_objectives_are_compared_first() -> None:
    first = {"metric": "recall", "smallest_gain": 0.1}
    policy = Policy.model_validate({"objectives": [first, {**first, "metric": "mAP50-95"}]})
    found = confirm([SEEN], [SEEN], policy, 20)
    assert [one.metric for one in found.comparison[:2]] == ["recall", "mAP50-95"]
    assert {one.metric for one in found.comparison} == set(METRICS) == set(found.draws)


def test_the_same_runs_are_confirmed_alike_whoever_asks() -> None:
    assert confirm([SEEN], [SEEN], POLICY, 50) == confirm([SEEN], [SEEN], POLICY, 50)
    assert intervals_on_test(SEEN, POLICY) == intervals_on_test(SEEN, POLICY)


def test_the_images_that_would_settle_grow_as_the_square_of_the_precision() -> None:
    alone = compared("mAP50", 0.03, 0.7).model_copy(update={"image_error": 0.01, "seed_error": 0.0})
    # The normal quantile at 95% is 1.645: the gap of 0.01 needs an error of 0.0061.
    needed = settling(alone, 0.02, 100, 3, 0.95)
    assert needed.images == pytest.approx(271, rel=0.02)
    assert needed.seeds is None
    assert settling(alone, 0.03, 100, 3, 0.95).images is None


def test_where_seeds_dominate_only_seeds_settle() -> None:
    seeds = compared("mAP50", 0.03, 0.7).model_copy(
        update={"image_error": 0.001, "seed_error": 0.01}
    )
    needed = settling(seeds, 0.02, 100, 3, 0.95)
    assert needed.images is None
    assert needed.seeds is not None
    assert needed.seeds > 3
    assert needed.both is not None
    assert needed.both[1] <= needed.seeds
