from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from promotion.comparison.selection import confirm
from promotion.comparison.statistics import EvaluatedRun, compare, image_weights, metric_intervals
from promotion.detection.matching import match
from promotion.metrics import (
    METRICS,
    Matches,
    average_precision,
    metric_values,
    precision_and_recall,
)
from promotion.study.policy import Policy
from tests.conftest import boxes, detections


def random_matches(seed: int, images: int = 30, skill: float = 0.6) -> Matches:
    """A detector on a random split: each person is found with probability `skill`."""
    rng = np.random.default_rng(seed)
    persons = rng.integers(0, 6, images)
    image, confidence, found = [], [], []
    for index, count in enumerate(persons):
        for _ in range(count):
            if rng.random() < skill:
                image.append(index)
                confidence.append(rng.beta(5, 2))
                found.append(True)
        for _ in range(rng.integers(0, 4)):
            image.append(index)
            confidence.append(rng.beta(2, 5))
            found.append(False)
    order = np.argsort(-np.array(confidence), kind="stable")
    hits = np.array(found, bool)[order]
    return Matches(
        tuple(f"{i:03d}" for i in range(images)),
        persons,
        np.array(image)[order],
        np.array(confidence)[order],
        np.tile(hits, (10, 1)),
    )


def everyone(matches: Matches) -> np.ndarray:
    return np.ones((1, len(matches.images)))


def test_a_perfect_detector_has_an_ap_of_one() -> None:
    truth = boxes(("a", 0, 0, 10, 10), ("b", 0, 0, 10, 10))
    found = detections(("a", 0, 0, 10, 10, 0.9), ("b", 0, 0, 10, 10, 0.8))
    matches = match(truth, found)
    assert average_precision(matches, everyone(matches)) == pytest.approx(1.0)


def test_a_detector_that_finds_nothing_has_an_ap_of_zero() -> None:
    matches = match(boxes(("a", 0, 0, 10, 10)), detections(("a", 50, 50, 60, 60, 0.9)))
    assert average_precision(matches, everyone(matches)) == pytest.approx(0.0)
    matches = match(boxes(("a", 0, 0, 10, 10)), detections())
    assert average_precision(matches, everyone(matches)) == pytest.approx(0.0)


def test_without_a_person_the_ap_is_not_a_number() -> None:
    none = boxes(("a", np.nan, np.nan, np.nan, np.nan))
    matches = match(none, detections(("a", 0, 0, 10, 10, 0.5)))
    assert np.isnan(average_precision(matches, everyone(matches))).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_an_image_of_weight_two_counts_as_two_images(seed: int, chosen: int) -> None:
    matches = random_matches(seed, images=8)
    assume(matches.persons.sum() > 0)
    double = chosen % 8
    weights = everyone(matches)
    weights[0, double] = 2
    copies = matches.image == double
    persons = np.append(matches.persons, matches.persons[double])
    image = np.append(matches.image, np.full(copies.sum(), 8))
    confidence = np.append(matches.confidence, matches.confidence[copies])
    found = np.concatenate([matches.found, matches.found[:, copies]], axis=1)
    order = np.argsort(-confidence, kind="stable")
    doubled = Matches(
        (*matches.images, "copy"), persons, image[order], confidence[order], found[:, order]
    )
    ours = average_precision(matches, weights)
    assert ours == pytest.approx(average_precision(doubled, everyone(doubled)), abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 0.99))
def test_every_metric_is_a_share(seed: int, threshold: float) -> None:
    matches = random_matches(seed)
    weights = image_weights(len(matches.images), np.random.default_rng(seed), 50)
    for values in metric_values(matches, weights, threshold).values():
        known = values[~np.isnan(values)]
        assert ((known >= 0) & (known <= 1)).all()


def test_a_detector_that_shows_nothing_has_precision_zero() -> None:
    matches = random_matches(3)
    precision, recall = precision_and_recall(matches, everyone(matches), 1.1)
    assert (precision[0], recall[0]) == (0, 0)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_recall_falls_as_the_threshold_rises(seed: int) -> None:
    matches = random_matches(seed)
    recalls = [precision_and_recall(matches, everyone(matches), t)[1][0] for t in (0.1, 0.5, 0.9)]
    assert recalls == sorted(recalls, reverse=True)


def test_weights_draw_as_many_images_as_there_are() -> None:
    weights = image_weights(17, np.random.default_rng(0), 100)
    assert (weights.sum(axis=1) == 17).all()


def test_a_model_against_itself_differs_by_nothing() -> None:
    run = EvaluatedRun(random_matches(1), 0.5)
    for found in compare([run, run], [run, run], 0.95, np.random.default_rng(0), 200):
        assert found.difference == 0
        assert found.interval(0.95) == (0, 0)


def test_a_far_better_model_is_better_for_sure() -> None:
    good = [EvaluatedRun(random_matches(seed, 80, 0.95), 0.3) for seed in (1, 1, 1)]
    poor = [EvaluatedRun(random_matches(seed, 80, 0.95), 0.3) for seed in (1, 1, 1)]
    blind = [
        EvaluatedRun(
            Matches(
                run.matches.images,
                run.matches.persons,
                run.matches.image,
                run.matches.confidence,
                run.matches.found & (np.arange(run.matches.found.shape[1]) % 3 == 0),
            ),
            0.3,
        )
        for run in poor
    ]
    found = {d.metric: d for d in compare(good, blind, 0.95, np.random.default_rng(0), 500)}
    assert set(found) == set(METRICS)
    assert found["mAP50"].interval(0.95)[0] > 0
    assert found["mAP50"].probability_above(0.1) > 0.99


def test_seeds_that_differ_widen_the_interval() -> None:
    rng = np.random.default_rng(0)
    same = [EvaluatedRun(random_matches(3), 0.5)] * 3
    base = random_matches(3)
    scattered = [
        EvaluatedRun(
            Matches(
                base.images,
                base.persons,
                base.image,
                base.confidence,
                base.found & (rng.random(base.found.shape[1]) < keep),
            ),
            0.5,
        )
        for keep in (0.5, 0.75, 1.0)
    ]

    def width(side: list[EvaluatedRun]) -> float:
        found = compare(side, same, 0.95, np.random.default_rng(1), 2000)[0]
        low, high = found.interval(0.95)
        return high - low

    images_only = compare(scattered[:1], same[:1], 0.95, np.random.default_rng(1), 2000)[0]
    assert np.isnan(images_only.candidate_seed_sd)
    assert width(scattered) > 1.5 * (images_only.interval(0.95)[1] - images_only.interval(0.95)[0])


def test_few_images_leave_an_error_even_where_each_seed_answers_in_its_own_way() -> None:
    ours, theirs = (
        [EvaluatedRun(scattered(seed, keep), 0.5) for seed in seeds]
        for keep, seeds in ((0.9, (1, 2)), (0.7, (3, 4)))
    )
    found = compare(ours, theirs, 0.95, np.random.default_rng(0), 500)[0]
    weights = image_weights(12, np.random.default_rng(0), 500)
    drawn = [[metric_values(r.matches, weights, 0.5)["mAP50"] for r in s] for s in (ours, theirs)]
    expected = np.std(np.mean(drawn[0], axis=0) - np.mean(drawn[1], axis=0))
    assert found.image_error == pytest.approx(expected, rel=0.15)
    assert found.image_error > 0.03
    assert found.seed_error >= 0


def scattered(seed: int, keep: float) -> Matches:
    """Twelve images, the same for all; which of their persons are found is each seed's own luck."""
    base = random_matches(5, 12, 1.0)
    luck = np.random.default_rng(seed).random(base.found.shape[1]) < keep
    return Matches(base.images, base.persons, base.image, base.confidence, base.found & luck)


def test_the_policy_s_objectives_are_compared_first() -> None:
    truth = boxes(("a", 0, 0, 10, 10), ("b", 0, 0, 10, 10))
    side = [(detections(("a", 0, 0, 10, 10, 0.9)), 0.5)]
    first = {"metric": "recall", "smallest_gain": 0.1}
    policy = Policy.model_validate({"objectives": [first, {**first, "metric": "mAP50-95"}]})
    found = confirm(side, side, truth, policy, 20)
    assert [one.metric for one in found.comparison[:2]] == ["recall", "mAP50-95"]
    assert {one.metric for one in found.comparison} == set(METRICS) == set(found.draws)


def test_runs_on_other_images_are_not_compared() -> None:
    one, other = EvaluatedRun(random_matches(1), 0.5), EvaluatedRun(random_matches(1, 20), 0.5)
    with pytest.raises(ValueError, match="same images"):
        compare([one], [other], 0.95, np.random.default_rng(0))


def test_a_run_s_intervals_hold_its_values_and_narrow_with_more_images() -> None:
    def width(images: int) -> float:
        run = EvaluatedRun(random_matches(2, images), 0.3)
        found = metric_intervals(run, 0.95, np.random.default_rng(0))
        whole = metric_values(run.matches, everyone(run.matches), run.threshold)
        for metric, (low, high) in found.items():
            assert low <= whole[metric][0] <= high
        return found["recall"][1] - found["recall"][0]

    assert width(400) < 0.5 * width(40)
