"""Intervals cover what chance in the images, in their groups and in the seeds could have done."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from promotion import metrics
from promotion.comparison import MetricComparison, precision_bands
from promotion.comparison.bootstrap import (
    Sample,
    bootstrap_weights,
    collapsed_seeds,
    compare,
    confidence_distribution,
    effective_groups,
    groups_with_persons,
    precision_band,
)
from promotion.comparison.bounds import metric_bounds
from promotion.detection import match
from promotion.metrics import METRICS, RECALL_LEVELS, Matches, average_precision, metric_values
from tests.builders import Looked, boxes, detections, everyone, kept, random_matches
from tests.comparison.builders import blind, by_metric, looked, rng, shown_by


def width(found: MetricComparison) -> float:
    low, high = found.interval
    return high - low


def few(
    ours: Sequence[Looked], theirs: Sequence[Looked], replicates: int = 200
) -> dict[str, MetricComparison]:
    """A comparison of few replicates, by metric."""
    return by_metric(compare(ours, theirs, 0.95, rng(), replicates))


# Resampling.


def test_as_many_images_are_drawn_as_there_are_and_the_whole_split_comes_first() -> None:
    weights = bootstrap_weights(17, rng(), 100)
    assert (weights[0] == 1).all()
    assert (weights.sum(axis=1) == 17).all()


def test_images_without_groups_are_their_own() -> None:
    weights = bootstrap_weights(17, rng(), 100)
    assert np.array_equal(weights, bootstrap_weights(17, rng(), 100, np.arange(17)))


def test_groups_are_drawn_whole() -> None:
    weights = bootstrap_weights(6, rng(), 200, np.array([7, 7, 7, 2, 2, 5]))
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 3] == weights[:, 4]).all()
    assert (weights[1:, [0, 3, 5]].sum(axis=1) == 3).all()


def test_every_image_has_a_group_or_none_has() -> None:
    with pytest.raises(ValueError, match="5 groups for 6 images"):
        bootstrap_weights(6, rng(), 10, np.zeros(5, int))


def test_blocks_give_what_one_block_gives_to_the_last_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded by working block by block; no number may depend on where they end."""
    run = random_matches(1, 60)
    monkeypatch.setattr(metrics, "BLOCK_CELLS", 10**12)
    weights = bootstrap_weights(60, rng(), 333)
    whole = metric_values(run, weights, 0.4)
    for cells in (1, 7 * len(run.confidence), 100 * len(run.confidence)):
        monkeypatch.setattr(metrics, "BLOCK_CELLS", cells)
        assert np.array_equal(weights, bootstrap_weights(60, rng(), 333))
        parts = metric_values(run, weights, 0.4)
        for metric in METRICS:
            assert np.array_equal(parts[metric], whole[metric], equal_nan=True)


def test_an_image_of_weight_two_counts_twice() -> None:
    one = looked(4, 8).matches
    weights = np.ones((1, 8))
    weights[0, 3] = 2
    copies = one.image == 3
    order = np.argsort(-np.append(one.confidence, one.confidence[copies]), kind="stable")
    doubled = Matches(
        (*one.images, "copy"),
        np.append(one.persons, one.persons[3]),
        np.append(one.image, np.full(copies.sum(), 8))[order],
        np.append(one.confidence, one.confidence[copies])[order],
        np.concatenate([one.found, one.found[:, copies]], axis=1)[:, order],
        order,
        np.append(one.person, one.person[copies])[order],
    )
    twice = average_precision(doubled, np.ones((1, 9)))
    assert average_precision(one, weights) == pytest.approx(twice)


def test_unequal_groups_tell_as_much_as_fewer_equal_ones() -> None:
    assert effective_groups(np.array([3, 3, 3, 0])) == pytest.approx(3)
    assert effective_groups(np.array([2, 2, 2, 2]), np.array([0, 0, 1, 1])) == pytest.approx(2)
    assert effective_groups(np.array([100, 1, 1])) < 1.1
    assert effective_groups(np.array([0, 0])) == 0
    assert groups_with_persons(np.array([1, 0, 2, 0]), np.array([0, 0, 0, 1])) == 1


def test_a_run_without_a_detection_has_replicates_too() -> None:
    matches = match(boxes(("a", 0, 0, 9, 9), ("b", 0, 0, 9, 9)), detections())
    values = metric_values(matches, bootstrap_weights(2, rng(), 20), 0.5)
    assert all((values[metric] == 0).all() for metric in METRICS)


# Comparison.


def test_a_model_against_itself_differs_by_nothing() -> None:
    for found in compare([looked(1)] * 2, [looked(1)] * 3, 0.95, rng(), 100):
        assert found.difference == pytest.approx(0)
        assert found.interval == (0, 0)


def test_perfect_recall_on_both_sides_is_a_tie() -> None:
    sides = [
        [replace(looked(seed, 12, 1.0), threshold=0.0) for seed in seeds]
        for seeds in ((1, 2, 3), (4, 5))
    ]
    law = few(*sides)["recall"].law
    assert (law.centre, law.scale) == (0, 0)
    assert law.probability_at_least(0.0) == 1


def test_two_images_that_agree_prove_little() -> None:
    persons = np.array([4, 4])
    law = few([looked(1, 2, 1.0, persons)] * 2, [blind(persons)] * 2)["recall"].law
    assert law.scale > 0.1
    assert law.probability_above(0.0) < 0.95


def test_a_far_better_model_is_better_for_sure() -> None:
    good = [Looked(random_matches(seed, 80, 0.95), 0.3) for seed in (1, 1, 1)]
    third = np.arange(good[0].matches.found.shape[1]) % 3 == 0
    poor = [Looked(kept(run.matches, third), 0.3) for run in good]
    found = few(good, poor, 500)
    assert set(found) == set(METRICS)
    assert found["mAP50"].interval[0] > 0
    assert found["mAP50"].law.probability_above(0.1) > 0.99


def frames(seed: int, count: int) -> Looked:
    """Ten clips of so many frames, all frames of a clip alike."""
    persons = np.random.default_rng(1).integers(1, 6, 10)
    one = looked(seed, 10, 0.6, persons).matches
    return shown_by(
        np.repeat(persons, count),
        np.concatenate([one.image * count + frame for frame in range(count)]),
        np.tile(one.confidence, count),
        np.tile(one.person, count),
    )


def test_clips_widen_the_interval_to_that_of_one_frame_each() -> None:
    def error(count: int, groups: np.ndarray | None) -> float:
        sides = [
            [replace(frames(seed, count), groups=groups) for seed in seeds]
            for seeds in ((1, 2), (3, 4))
        ]
        return few(*sides)["recall"].image_error

    clips = np.repeat(np.arange(10), 5)
    assert error(5, clips) == pytest.approx(error(1, None), rel=0.02)
    assert error(5, None) < 0.6 * error(5, clips)


def test_one_seed_a_side_leaves_what_seeds_do_unknown() -> None:
    one, many = [looked(1)], [looked(seed) for seed in range(2, 8)]
    for found in compare(one, many, 0.95, rng(), 100):
        assert found.seed_error is None
        assert found.candidate_seed_sd is None
        assert found.baseline_seed_sd is not None
    assert all(f.seed_error is not None for f in compare(many[:2], many[2:], 0.95, rng(), 100))


def test_seeds_that_differ_widen_the_interval() -> None:
    base = random_matches(3)
    same = [Looked(base, 0.5)] * 3
    luck = np.random.default_rng(0)
    scattered = [
        Looked(kept(base, luck.random(base.found.shape[1]) < share), 0.5)
        for share in (0.5, 0.75, 1.0)
    ]
    images_only = few(scattered[:1], same[:1])["mAP50"]
    assert width(few(scattered, same)["mAP50"]) > 1.5 * width(images_only)


def luck(seed: int, share: float) -> Looked:
    """Twelve images, the same for all; which of their persons are found is each seed's own luck."""
    base = random_matches(5, 12, 1.0)
    return Looked(kept(base, np.random.default_rng(seed).random(base.found.shape[1]) < share), 0.5)


def test_few_images_leave_an_error_even_where_each_seed_answers_in_its_own_way() -> None:
    ours, theirs = (
        [luck(seed, share) for seed in seeds] for share, seeds in ((0.9, (1, 2)), (0.7, (3, 4)))
    )
    found = few(ours, theirs, 500)["mAP50"]
    weights = bootstrap_weights(12, rng(), 500)[1:]
    drawn = [[metric_values(r.matches, weights, 0.5)["mAP50"] for r in s] for s in (ours, theirs)]
    expected = np.std(np.mean(drawn[0], axis=0) - np.mean(drawn[1], axis=0))
    assert found.image_error == pytest.approx(expected, rel=0.15)
    assert found.image_error > 0.03
    assert found.seed_error is not None
    assert found.seed_error >= 0


@pytest.mark.parametrize("images", [1, 2, 60])
@pytest.mark.parametrize("positives", [0, 1, 2])
@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("sees", [True, False])
@pytest.mark.filterwarnings("error")
def test_every_small_study_is_answered(images: int, positives: int, seeds: int, sees: bool) -> None:
    """Whatever is unknown, every number is finite and JSON can hold it."""
    persons = np.zeros(images, int)
    persons[:positives] = 3
    side = [looked(seed, images, 0.7, persons) if sees else blind(persons) for seed in range(seeds)]
    found = compare(side, side[::-1], 0.95, rng(), 50)
    text = json.dumps([one.model_dump() for one in found], allow_nan=False)
    assert len(json.loads(text)) == len(METRICS)
    if positives == 0:
        assert by_metric(found)["mAP50"].interval == (-1, 1)
        assert by_metric(found)["recall"].candidate == 0
    bounds = metric_bounds(side[0], 0.95, rng(), 50)
    json.dumps({metric: one.model_dump() for metric, one in bounds.items()}, allow_nan=False)


def test_two_images_with_persons_among_sixty_have_an_interval() -> None:
    persons = np.zeros(60, int)
    persons[:2] = 4
    sides = [[looked(s, 60, skill, persons) for s in (1, 2, 3)] for skill in (0.9, 0.4)]
    interval = few(*sides)["mAP50"].interval
    assert all(map(math.isfinite, interval))
    assert interval[1] - interval[0] > 0.2


def test_plausible_differences_are_differences_of_shares() -> None:
    sides = [[Looked(random_matches(s, 8, skill), 0.3) for s in (1, 2)] for skill in (0.95, 0.1)]
    for one in few(*sides).values():
        assert -1 <= one.interval[0] <= one.interval[1] <= 1
        for low, high in (one.candidate_interval, one.baseline_interval):
            assert 0 <= low <= high <= 1


def test_runs_on_other_images_and_empty_sides_are_refused() -> None:
    with pytest.raises(ValueError, match="same images"):
        compare([looked(1)], [looked(1, 20)], 0.95, rng())
    with pytest.raises(ValueError, match="without a run"):
        compare([looked(1)], [], 0.95, rng())


def test_a_seed_below_half_of_its_side_s_median_has_collapsed() -> None:
    assert collapsed_seeds([[0.43, 0.1, 0.44], [0.35, 0.36]]) == [(0, 1)]
    assert collapsed_seeds([[0.43], []]) == []


# An independent derivation: images and seeds as crossed random effects.


def planted(
    luck: np.random.Generator, seeds: int, images: int, replicates: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Two sides' values of images, x + u_image + v_seed + w, the images' effects shared by seeds.

    Returns the means (seeds, images) of each side.
    """
    difficulty = luck.normal(0, 0.10, images)
    sides = []
    for _ in range(2):
        own = luck.normal(0, 0.15, images)  # what the images do to this configuration
        trained = luck.normal(0, 0.03, (seeds, 1))
        noise = luck.normal(0, 0.20, (seeds, images))
        sides.append(0.5 + difficulty + own + trained + noise)
    return sides[0], sides[1]


def test_the_error_is_that_of_crossed_images_and_seeds() -> None:
    """Var(difference) = 2 σ²_own/n + 2 (σ²_trained + σ²_noise/n)/k, by hand and by simulation.

    The resampling sees neither formula nor effects; its scale must agree with both, on average.
    """
    seeds, images = 4, 60
    formula = 2 * 0.15**2 / images + 2 * (0.03**2 + 0.20**2 / images) / seeds
    luck, true, estimated, covered = rng(3), [], [], 0
    sample = Sample(persons=10_000, groups=images, effective=float(images))
    weights = bootstrap_weights(images, rng(1), 300) / images
    for _ in range(400):
        ours, theirs = planted(luck, seeds, images)
        law, _parts = confidence_distribution([ours @ weights.T, theirs @ weights.T], sample, -1, 1)
        true.append(law.centre)
        estimated.append(law.scale**2)
        low, high = law.interval(0.95)
        covered += low <= 0 <= high
    assert np.var(true) == pytest.approx(formula, rel=0.2)
    assert np.mean(estimated) == pytest.approx(formula, rel=0.1)
    assert covered / 400 >= 0.93


def test_the_comparison_s_recall_has_the_error_of_crossed_images_and_seeds() -> None:
    """The analysis of variance of a balanced layout, image by image, beside `compare`."""
    images, each, seeds = 60, 4, 3
    persons = np.full(images, each)
    luck = rng(8)
    hard = luck.normal(0, 0.15, images)
    shares, sides = [], []
    for level in (0.7, 0.6):
        rows, runs = [], []
        for _ in range(seeds):
            chance = np.clip(level + hard + luck.normal(0, 0.05), 0, 1)
            hit = luck.random((images, each)) < chance[:, None]
            at = np.flatnonzero(hit)
            runs.append(shown_by(persons, at // each, luck.uniform(0.5, 1, len(at)), at))
            rows.append(hit.mean(axis=1))
        shares.append(np.array(rows))
        sides.append(runs)
    # Mean squares of the layout, side by side: images common to seeds, and seeds.
    difference = shares[0].mean(axis=0) - shares[1].mean(axis=0)
    resampled = difference.var(ddof=1) / images
    between = sum(side.mean(axis=1).var(ddof=1) / seeds for side in shares)
    own = sum((side - side.mean(axis=0)).var(axis=1, ddof=1).sum() for side in shares)
    own /= images * seeds * (seeds - 1)
    expected = max(0.0, resampled - own) + max(between, own)
    found = few(*sides, 1500)["recall"]
    assert found.law.centre == pytest.approx(difference.mean())
    assert found.law.scale == pytest.approx(math.sqrt(expected), rel=0.05)
    assert found.image_error == pytest.approx(math.sqrt(resampled), rel=0.05)


# Bands.


def test_the_band_holds_the_curve_and_narrows_with_more_images() -> None:
    luck = np.random.default_rng(0)

    def band(images: int) -> float:
        truth = boxes(*((str(n), 0, 0, 50, 50) for n in range(images)))
        shifts = np.random.default_rng(1).random(images) < 0.4
        found = detections(
            *(
                (str(n), 200 * s, 0, 50 + 200 * s, 50, c)
                for n, s, c in zip(range(images), shifts, luck.random(images), strict=True)
            )
        )
        low, high = precision_band(Looked(match(truth, found), 0.5), 0.95, luck, 200)
        assert low.shape == high.shape == RECALL_LEVELS.shape
        assert (low <= high).all()
        return float((high - low).mean())

    assert band(400) < band(40)


def test_clips_widen_the_band_to_that_of_one_frame_each() -> None:
    def band(count: int, groups: np.ndarray | None) -> float:
        low, high = precision_band(replace(frames(1, count), groups=groups), 0.95, rng(), 200)
        return float((high - low).mean())

    assert band(5, np.repeat(np.arange(10), 5)) == pytest.approx(band(1, None), rel=0.05)
    assert band(5, None) < band(5, np.repeat(np.arange(10), 5))


def test_a_model_that_finds_nobody_has_a_band_at_zero() -> None:
    blind = Looked(match(boxes(("a", 0, 0, 9, 9)), detections()), 0.5)
    low, high = precision_bands({"blind": blind}, 0.95)["blind"]
    assert (low == 0).all()
    assert (high == 0).all()


def test_a_run_s_own_values_are_those_of_the_whole_split() -> None:
    run = looked(2)
    found = few([run], [looked(3)])
    whole = metric_values(run.matches, everyone(run.matches), run.threshold)
    for metric, one in found.items():
        assert one.candidate == pytest.approx(whole[metric][0])
