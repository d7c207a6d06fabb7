"""Intervals cover what chance in the images and in the seeds could have done."""

from __future__ import annotations

import numpy as np
import pytest

from promotion.comparison import MetricComparison, bootstrap, precision_bands
from promotion.comparison.bootstrap import (
    compare,
    image_weights,
    metric_intervals,
    precision_band,
    replicate_values,
)
from promotion.detection import match
from promotion.metrics import METRICS, RECALL_LEVELS, metric_values
from tests.builders import Looked, boxes, detections, everyone, kept, random_matches


def width(found: MetricComparison) -> float:
    low, high = found.interval
    return high - low


def test_weights_draw_as_many_images_as_there_are() -> None:
    weights = image_weights(17, np.random.default_rng(0), 100)
    assert (weights.sum(axis=1) == 17).all()


def test_blocks_give_what_one_block_gives_to_the_last_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded by working block by block; no number may depend on where they end."""
    run = Looked(random_matches(1, 60), 0.4)
    weights = image_weights(60, np.random.default_rng(0), 333)
    monkeypatch.setattr(bootstrap, "MOST_CELLS", 10**12)
    whole = replicate_values(run, weights)
    for cells in (1, 7 * len(run.matches.confidence), 100 * len(run.matches.confidence)):
        monkeypatch.setattr(bootstrap, "MOST_CELLS", cells)
        parts = replicate_values(run, weights)
        for metric in METRICS:
            assert np.array_equal(parts[metric], whole[metric], equal_nan=True)


def test_a_run_without_a_detection_has_replicates_too() -> None:
    blind = Looked(match(boxes(("a", 0, 0, 9, 9), ("b", 0, 0, 9, 9)), detections()), 0.5)
    values = replicate_values(blind, image_weights(2, np.random.default_rng(0), 20))
    assert all((values[metric] == 0).all() for metric in METRICS)


def test_a_model_against_itself_differs_by_nothing() -> None:
    run = Looked(random_matches(1), 0.5)
    for found in compare([run, run], [run, run], 0.95, np.random.default_rng(0), 200).comparison:
        assert found.difference == 0
        assert found.interval == (0, 0)


def test_a_far_better_model_is_better_for_sure() -> None:
    good = [Looked(random_matches(seed, 80, 0.95), 0.3) for seed in (1, 1, 1)]
    third = np.arange(good[0].matches.found.shape[1]) % 3 == 0
    blind = [Looked(kept(run.matches, third), 0.3) for run in good]
    found = compare(good, blind, 0.95, np.random.default_rng(0), 500)
    by_metric = {one.metric: one for one in found.comparison}
    assert set(by_metric) == set(METRICS)
    assert by_metric["mAP50"].interval[0] > 0
    assert found.probability_above("mAP50", 0.1) > 0.99


def test_seeds_that_differ_widen_the_interval() -> None:
    rng = np.random.default_rng(0)
    base = random_matches(3)
    same = [Looked(base, 0.5)] * 3
    scattered = [
        Looked(kept(base, rng.random(base.found.shape[1]) < share), 0.5)
        for share in (0.5, 0.75, 1.0)
    ]

    def first(ours: list[Looked], theirs: list[Looked]) -> MetricComparison:
        return compare(ours, theirs, 0.95, np.random.default_rng(1), 2000).comparison[0]

    images_only = first(scattered[:1], same[:1])
    assert images_only.candidate_seed_sd is None
    assert images_only.seed_error is None
    assert width(first(scattered, same)) > 1.5 * width(images_only)


def luck(seed: int, share: float) -> Looked:
    """Twelve images, the same for all; which of their persons are found is each seed's own luck."""
    base = random_matches(5, 12, 1.0)
    return Looked(kept(base, np.random.default_rng(seed).random(base.found.shape[1]) < share), 0.5)


def test_few_images_leave_an_error_even_where_each_seed_answers_in_its_own_way() -> None:
    ours, theirs = (
        [luck(seed, share) for seed in seeds] for share, seeds in ((0.9, (1, 2)), (0.7, (3, 4)))
    )
    found = compare(ours, theirs, 0.95, np.random.default_rng(0), 500).comparison[0]
    weights = image_weights(12, np.random.default_rng(0), 500)
    drawn = [[metric_values(r.matches, weights, 0.5)["mAP50"] for r in s] for s in (ours, theirs)]
    expected = np.std(np.mean(drawn[0], axis=0) - np.mean(drawn[1], axis=0))
    assert found.image_error == pytest.approx(expected, rel=0.15)
    assert found.image_error > 0.03
    assert found.seed_error is not None
    assert found.seed_error >= 0


def test_runs_on_other_images_are_not_compared() -> None:
    one, other = Looked(random_matches(1), 0.5), Looked(random_matches(1, 20), 0.5)
    with pytest.raises(ValueError, match="same images"):
        compare([one], [other], 0.95, np.random.default_rng(0))


def test_a_run_s_intervals_hold_its_values_and_narrow_with_more_images() -> None:
    def recall_s(images: int) -> float:
        run = Looked(random_matches(2, images), 0.3)
        found = metric_intervals(run, 0.95, np.random.default_rng(0))
        whole = metric_values(run.matches, everyone(run.matches), run.threshold)
        for metric, (low, high) in found.items():
            assert low <= whole[metric][0] <= high
        return found["recall"][1] - found["recall"][0]

    assert recall_s(400) < 0.5 * recall_s(40)


def test_plausible_differences_are_differences_of_shares() -> None:
    sides = [[Looked(random_matches(s, 8, skill), 0.3) for s in (1, 2)] for skill in (0.95, 0.1)]
    found = compare(*sides, 0.95, np.random.default_rng(0), 300)
    for one in found.comparison:
        assert len(found.draws[one.metric]) == 300
        assert max(map(abs, found.draws[one.metric])) <= 1
        for low, high in (one.candidate_interval, one.baseline_interval):
            assert 0 <= low <= high <= 1


def test_the_band_holds_the_curve_and_narrows_with_more_images() -> None:
    rng = np.random.default_rng(0)

    def band(images: int) -> float:
        truth = boxes(*((str(n), 0, 0, 50, 50) for n in range(images)))
        shifts = np.random.default_rng(1).random(images) < 0.4
        found = detections(
            *(
                (str(n), 200 * s, 0, 50 + 200 * s, 50, c)
                for n, s, c in zip(range(images), shifts, rng.random(images), strict=True)
            )
        )
        low, high = precision_band(match(truth, found), 0.95, rng, 200)
        assert low.shape == high.shape == RECALL_LEVELS.shape
        assert (low <= high).all()
        return float((high - low).mean())

    assert band(400) < band(40)


def test_a_model_that_finds_nobody_has_a_band_at_zero() -> None:
    blind = Looked(match(boxes(("a", 0, 0, 9, 9)), detections()), 0.5)
    low, high = precision_bands({"blind": blind}, 0.95)["blind"]
    assert (low == 0).all()
    assert (high == 0).all()
