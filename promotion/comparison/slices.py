"""Slices: where the candidate gains and loses, by size of persons, crowding, light, weather.

A gain on average may hide a loss in one place. Each slice has its own difference of recall, with
its interval; the worst comes first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from promotion.comparison.bootstrap import REPLICATES, bootstrap_weights, difference, sample_size
from promotion.comparison.law import ConfidenceDistribution
from promotion.detection import AREAS, CORNERS, Seen
from promotion.facts import Fact
from promotion.metrics import Array

SEED = 20240501
SIZE = "size"
# Of fewer persons nothing can be said.
FEWEST_PERSONS = 10


class SliceComparison(Fact):
    """Recall on one slice of test: both means over seeds, and what the true difference may be."""

    column: str
    value: str
    images: int
    persons: int
    candidate: float
    baseline: float
    difference: float
    interval: tuple[float, float]
    law: ConfidenceDistribution


def compare_slices(
    candidate: Sequence[Seen],
    baseline: Sequence[Seen],
    columns: pd.DataFrame,
    confidence: float,
    replicates: int = REPLICATES,
) -> list[SliceComparison]:
    """Compare two configurations, a run a seed, on every slice of the test; the worst first.

    `columns` has one row an image, indexed by its name, and one column a way of slicing; sizes of
    persons are always among the slices. Slices with fewer than ten persons are left out.
    """
    first = candidate[0]
    rng = np.random.default_rng(SEED)
    weights = bootstrap_weights(first.images, rng, replicates, first.groups).astype(float)
    found = []
    for (column, value), chosen in _slices(first, columns).items():
        counts = _per_image(first, chosen.astype(float))
        persons, images = int(counts.sum()), int((counts > 0).sum())
        if persons < FEWEST_PERSONS:
            continue
        ours, theirs = (
            np.array([_recall(run, chosen, counts, weights) for run in runs])
            for runs in (candidate, baseline)
        )
        sample = sample_size(counts.astype(np.int64), first.groups)
        one = difference("recall", ours, theirs, sample, confidence)
        found.append(
            SliceComparison(
                column=column,
                value=value,
                images=images,
                persons=persons,
                candidate=one.candidate,
                baseline=one.baseline,
                difference=one.difference,
                interval=one.interval,
                law=one.law,
            )
        )
    return sorted(found, key=lambda one: one.difference)


def _slices(seen: Seen, columns: pd.DataFrame) -> Mapping[tuple[str, str], np.ndarray]:
    """Which annotated persons (rows of the ground truth) belong to each slice."""
    truth = seen.ground_truth
    corners = truth[CORNERS].to_numpy(float)
    annotated = ~np.isnan(corners).any(axis=1)
    area = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    chosen = {
        (SIZE, name): annotated & (area >= low) & (area < high)
        for name, (low, high) in AREAS.items()
    }
    for column in columns:
        values = columns[column].reindex(truth["image"]).astype("string")
        for value in sorted(values.dropna().unique()):
            chosen[str(column), str(value)] = annotated & (values == value).to_numpy(bool)
    return chosen


def _per_image(seen: Seen, of_persons: Array) -> Array:
    """The sum over each image's persons (rows of the ground truth) of a value of theirs."""
    place = pd.Index(seen.matches.images).get_indexer(pd.Index(seen.ground_truth["image"]))
    return np.bincount(place, weights=of_persons, minlength=seen.images).astype(np.float64)


def _recall(run: Seen, chosen: np.ndarray, counts: Array, weights: Array) -> Array:
    """Recall on the chosen persons at the run's threshold, for each row of image weights."""
    kept = (run.matches.confidence >= run.threshold) & (run.matches.person >= 0)
    found = np.zeros(len(run.ground_truth))
    found[run.matches.person[kept]] = 1
    hits = _per_image(run, found * chosen)
    persons = weights @ counts
    known = np.full(len(weights), np.nan)
    return np.asarray(np.divide(weights @ hits, persons, out=known, where=persons > 0))
