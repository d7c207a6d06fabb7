"""Metrics come from matches by our own core; two other evaluators are its oracles."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace

import hotcoco
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from promotion.detection import match, see
from promotion.metrics import (
    COSTS,
    MEASURES,
    METRICS,
    Matches,
    average_precision,
    metric_values,
    precision_and_recall,
)
from tests.builders import boxes, detections, everyone, random_matches, random_split


def in_coco_s_format(truth: pd.DataFrame) -> tuple[dict[str, object], dict[str, int]]:
    """The ground truth as COCO's JSON, and the number of each image."""
    numbers = {name: i for i, name in enumerate(sorted(truth["image"].unique()), 1)}
    content: dict[str, object] = {
        "info": {},
        "images": [{"id": i} for i in numbers.values()],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": rows_of(truth, numbers),
    }
    return content, numbers


def rows_of(table: pd.DataFrame, numbers: dict[str, int]) -> list[dict[str, object]]:
    return [
        {
            "id": i,
            "image_id": numbers[row.image],
            "category_id": 1,
            "iscrowd": 0,
            "bbox": [row.x0, row.y0, row.x1 - row.x0, row.y1 - row.y0],
            "area": (row.x1 - row.x0) * (row.y1 - row.y0),
            "score": getattr(row, "confidence", 1.0),
        }
        for i, row in enumerate(table.dropna().itertuples(), 1)
    ]


def by_pycocotools(truth: pd.DataFrame, found: pd.DataFrame) -> np.ndarray:
    """pycocotools' AP at the ten IoU thresholds."""
    content, numbers = in_coco_s_format(truth)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = content
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(rows_of(found, numbers)), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation.eval["precision"][:, :, 0, 0, 2].mean(axis=1)


def by_hotcoco(truth: pd.DataFrame, found: pd.DataFrame) -> np.ndarray:
    """hotcoco's AP at the ten IoU thresholds."""
    content, numbers = in_coco_s_format(truth)
    coco = hotcoco.COCO(content)
    rows = [[r["image_id"], *r["bbox"], r["score"], 1] for r in rows_of(found, numbers)]
    evaluation = hotcoco.COCOeval(coco, coco.load_res(np.array(rows, float)), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    return np.asarray(evaluation.eval["precision"])[:, :, 0, 0, -1].mean(axis=1)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 100_000), st.booleans())
def test_ap_is_what_pycocotools_and_hotcoco_say(seed: int, ties: bool) -> None:
    truth, found = random_split(seed, ties)
    expected = by_pycocotools(truth, found)
    assert by_hotcoco(truth, found) == pytest.approx(expected, abs=1e-9)
    seen = see(truth, found, 0.5)
    ours = average_precision(seen.matches, everyone(seen.matches))[:, 0]
    assert ours == pytest.approx(expected, abs=1e-9)
    assert seen.metrics()["mAP50"] == pytest.approx(expected[0], abs=1e-9)
    assert seen.metrics()["mAP50-95"] == pytest.approx(expected.mean(), abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 100_000), st.floats(0.01, 0.99))
def test_precision_and_recall_are_counts_that_a_reader_can_make(seed: int, at: float) -> None:
    truth, found = random_split(seed, ties=False)
    shown = found[found["confidence"] >= at]
    hits = by_hand(truth, shown)
    metrics = see(truth, found, at).metrics()
    assert metrics["precision"] == pytest.approx(hits / len(shown) if len(shown) else 0)
    persons = len(truth.dropna())
    if persons:
        assert metrics["recall"] == pytest.approx(hits / persons)


def by_hand(truth: pd.DataFrame, shown: pd.DataFrame) -> int:
    """How many persons are found at IoU 0.5, box by box, the most confident first."""
    hits = 0
    for image, persons in truth.dropna().groupby("image"):
        free = [tuple(row[1:]) for row in persons.itertuples(index=False)]
        here = shown[shown["image"] == image].sort_values("confidence", ascending=False)
        for box in here[["x0", "y0", "x1", "y1"]].itertuples(index=False):
            ranked = sorted(free, key=lambda person, box=box: overlap(person, box))
            if ranked and overlap(ranked[-1], box) >= 0.5:
                free.remove(ranked[-1])
                hits += 1
    return hits


def overlap(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(0.0, width) * max(0.0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (sum(areas) - shared)


def test_a_perfect_detector_has_an_ap_of_one() -> None:
    truth = boxes(("a", 0, 0, 10, 10), ("b", 0, 0, 10, 10))
    found = detections(("a", 0, 0, 10, 10, 0.9), ("b", 0, 0, 10, 10, 0.8))
    matches = match(truth, found)
    assert average_precision(matches, everyone(matches)) == pytest.approx(1.0)


@pytest.mark.parametrize("found", [detections(), detections(("a", 50, 50, 60, 60, 0.9))])
def test_a_detector_that_finds_nobody_scores_zero(found: pd.DataFrame) -> None:
    metrics = see(boxes(("a", 0, 0, 10, 10)), found, 0.5).metrics()
    assert {name: metrics[name] for name in METRICS} == dict.fromkeys(METRICS, 0)


def test_without_a_person_ap_and_recall_are_not_numbers() -> None:
    none = boxes(("a", np.nan, np.nan, np.nan, np.nan))
    metrics = see(none, detections(("a", 0, 0, 10, 10, 0.5)), 0.5).metrics()
    assert np.isnan([metrics["mAP50"], metrics["mAP50-95"], metrics["recall"]]).all()
    assert metrics["precision"] == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_an_image_of_weight_two_counts_as_two_images(seed: int, chosen: int) -> None:
    matches = random_matches(seed, images=8)
    assume(matches.persons.sum() > 0)
    double = chosen % 8
    weights = everyone(matches)
    weights[0, double] = 2
    ours = metric_values(matches, weights, 0.5)
    theirs = metric_values(twice(matches, double), np.ones((1, 9)), 0.5)
    for metric in METRICS:
        assert ours[metric] == pytest.approx(theirs[metric], abs=1e-12)


def twice(matches: Matches, image: int) -> Matches:
    """The split with a copy of one image at its end."""
    copied = matches.image == image
    where = np.append(matches.image, np.full(copied.sum(), len(matches.images)))
    confidence = np.append(matches.confidence, matches.confidence[copied])
    found = np.concatenate([matches.found, matches.found[:, copied]], axis=1)
    order = np.argsort(-confidence, kind="stable")
    return replace(
        matches,
        images=(*matches.images, "copy"),
        persons=np.append(matches.persons, matches.persons[image]),
        image=where[order],
        confidence=confidence[order],
        found=found[:, order],
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 0.99))
def test_every_metric_is_a_share(seed: int, threshold: float) -> None:
    matches = random_matches(seed)
    weights = np.random.default_rng(seed).integers(0, 4, (50, len(matches.images))).astype(float)
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


def test_only_the_metrics_asked_for_are_computed() -> None:
    matches = random_matches(3)
    assert set(metric_values(matches, everyone(matches), 0.5, ["recall"])) == {"recall"}


def test_the_lab_s_metrics_and_costs_are_all_known() -> None:
    assert METRICS == ("mAP50", "mAP50-95", "precision", "recall")
    assert {"latency_p50_ms", "latency_p95_ms", "energy_wh", "train_seconds"} <= set(COSTS)
    for measure in MEASURES.values():
        assert measure.larger_is_better == (measure.kind == "metric")


def test_no_name_that_others_log_stands_for_two_measures() -> None:
    names = [name for one in MEASURES.values() for name in (one.name, *one.aliases)]
    assert len(set(names)) == len(names)
