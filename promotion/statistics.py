"""Intervals for detection metrics: what chance in the images and in the seeds could have done.

Detections are matched once; a replicate is a vector of image weights, so that thousands of
replicates are array operations. Methods: Efron and Tibshirani, *An Introduction to the Bootstrap*,
1993 (paired bootstrap over images); Bouthillier et al., *Accounting for variance in machine
learning benchmarks*, MLSys 2021 (seeds as a source of variance of their own).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from promotion.matching import Matches

Array = NDArray[np.float64]

REPLICATES = 2000
RECALL_LEVELS = np.linspace(0, 1, 101)
METRICS = ("mAP50", "mAP50-95", "precision", "recall")


def image_weights(images: int, rng: np.random.Generator, replicates: int = REPLICATES) -> Array:
    """Bootstrap weights (replicates, images): how often each image is drawn in a replicate."""
    return rng.multinomial(images, np.full(images, 1 / images), size=replicates).astype(float)


def average_precision(matches: Matches, weights: Array) -> Array:
    """COCO's 101-point average precision, shape (10 IoU thresholds, replicates).

    `weights` (replicates, images) count each image; all ones give pycocotools' own AP.
    Without a person the AP is NaN.
    """
    persons = weights @ matches.persons
    # Precision only matters where a person is found, so only those columns are worked on.
    seen = np.cumsum(weights[:, matches.image], axis=1)
    result = np.zeros((len(matches.found), len(weights)))
    for level, found in enumerate(matches.found):
        at = np.flatnonzero(found)
        if len(at):
            hits = np.cumsum(weights[:, matches.image[at]], axis=1)
            result[level] = _interpolated_area(hits, seen[:, at], persons)
    result[:, persons == 0] = np.nan
    return result


def _interpolated_area(hits: Array, seen: Array, persons: Array) -> Array:
    precision = np.divide(hits, seen, out=np.zeros_like(hits), where=seen > 0)
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    recall = hits / np.maximum(persons, 1)[:, None]
    reached = np.searchsorted(RECALL_LEVELS, recall, side="right")
    new_levels = np.diff(reached, axis=1, prepend=0)
    return np.asarray((envelope * new_levels).sum(axis=1) / len(RECALL_LEVELS))


def precision_and_recall(matches: Matches, weights: Array, threshold: float) -> tuple[Array, Array]:
    """Precision and recall at IoU 0.5 of the detections with at least `threshold` confidence.

    Both have shape (replicates,); without a detection precision is NaN, without a person recall is.
    """
    kept = matches.confidence >= threshold
    images = len(matches.images)
    shown = np.bincount(matches.image[kept], minlength=images)
    hits = np.bincount(matches.image[kept & matches.found[0]], minlength=images)
    with np.errstate(invalid="ignore"):
        return (weights @ hits) / (weights @ shown), (weights @ hits) / (weights @ matches.persons)


def metric_values(matches: Matches, weights: Array, threshold: float) -> dict[str, Array]:
    """Every metric of a run for each replicate, by its name."""
    ap = average_precision(matches, weights)
    precision, recall = precision_and_recall(matches, weights, threshold)
    return {"mAP50": ap[0], "mAP50-95": ap.mean(axis=0), "precision": precision, "recall": recall}


@dataclass(frozen=True)
class EvaluatedRun:
    """A run as the statistics see it: its matches on a split and its operating threshold."""

    matches: Matches
    threshold: float


@dataclass(frozen=True)
class Difference:
    """One metric of two configurations, each the mean over its seeds.

    `draws` are plausible values of the true difference candidate − baseline: the paired bootstrap
    over images, widened by what the seeds vary.
    """

    metric: str
    candidate: float
    baseline: float
    candidate_interval: tuple[float, float]
    baseline_interval: tuple[float, float]
    candidate_seed_sd: float
    baseline_seed_sd: float
    draws: Array

    @property
    def difference(self) -> float:
        """Candidate − baseline on the whole split."""
        return self.candidate - self.baseline

    def interval(self, confidence: float) -> tuple[float, float]:
        """The central interval of the difference at this confidence."""
        return _interval(self.draws, confidence)

    def probability_above(self, gain: float) -> float:
        """The share of plausible differences above `gain`."""
        return float(np.mean(self.draws > gain))


def _interval(draws: Array, confidence: float) -> tuple[float, float]:
    low, high = np.nanquantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def metric_intervals(
    run: EvaluatedRun, confidence: float, rng: np.random.Generator, replicates: int = REPLICATES
) -> dict[str, tuple[float, float]]:
    """The interval of each metric of one run: what other images of the same kind could show."""
    weights = image_weights(len(run.matches.images), rng, replicates)
    values = metric_values(run.matches, weights, run.threshold)
    return {metric: _interval(draws, confidence) for metric, draws in values.items()}


def compare(
    candidate: Sequence[EvaluatedRun],
    baseline: Sequence[EvaluatedRun],
    confidence: float,
    rng: np.random.Generator,
    replicates: int = REPLICATES,
) -> list[Difference]:
    """Compare two configurations on the same images, one `Difference` a metric.

    Images are resampled jointly for all runs. The seeds' part is added as noise of Student's t:
    with k seeds of standard deviation s the mean varies by s/√k, and the few seeds that s is known
    from widen it (Welch's degrees of freedom). Resampling three seeds instead would show only
    two thirds of their variance. With one seed a side its part is unknown and is not in the
    interval: `seed_sd` is then NaN.

    Raises:
        ValueError: the runs were not evaluated on the same images.
    """
    runs = [*candidate, *baseline]
    images = runs[0].matches.images
    if any(run.matches.images != images for run in runs):
        raise ValueError("the runs were not evaluated on the same images")
    weights = np.vstack([np.ones(len(images)), image_weights(len(images), rng, replicates)])
    values = [metric_values(run.matches, weights, run.threshold) for run in runs]
    k = len(candidate)
    differences = []
    for metric in METRICS:
        table = np.array([value[metric] for value in values])
        ours, theirs = table[:k], table[k:]
        noise_ours, sd_ours = _seed_noise(ours[:, 0], rng, replicates)
        noise_theirs, sd_theirs = _seed_noise(theirs[:, 0], rng, replicates)
        draws_ours = ours[:, 1:].mean(axis=0) + noise_ours
        draws_theirs = theirs[:, 1:].mean(axis=0) + noise_theirs
        noise = _welch_noise(ours[:, 0], theirs[:, 0], rng, replicates)
        differences.append(
            Difference(
                metric=metric,
                candidate=float(ours[:, 0].mean()),
                baseline=float(theirs[:, 0].mean()),
                candidate_interval=_interval(np.clip(draws_ours, 0, 1), confidence),
                baseline_interval=_interval(np.clip(draws_theirs, 0, 1), confidence),
                candidate_seed_sd=sd_ours,
                baseline_seed_sd=sd_theirs,
                # Metrics are shares; the seeds' noise knows nothing of that.
                draws=np.clip(ours[:, 1:].mean(axis=0) - theirs[:, 1:].mean(axis=0) + noise, -1, 1),
            )
        )
    return differences


def _seed_noise(values: Array, rng: np.random.Generator, size: int) -> tuple[Array, float]:
    """Plausible errors of a mean over seeds, and the seeds' standard deviation."""
    k = len(values)
    if k < 2:
        return np.zeros(size), float("nan")
    sd = float(values.std(ddof=1))
    return sd / np.sqrt(k) * rng.standard_t(k - 1, size), sd


def _welch_noise(one: Array, other: Array, rng: np.random.Generator, size: int) -> Array:
    """Plausible errors of a difference of two means over seeds (Welch, 1947)."""
    parts = [values.var(ddof=1) / len(values) for values in (one, other) if len(values) > 1]
    freedoms = [len(values) - 1 for values in (one, other) if len(values) > 1]
    variance = float(np.sum(parts))
    if variance == 0 or not np.isfinite(variance):
        return np.zeros(size)
    freedom = variance**2 / sum(part**2 / f for part, f in zip(parts, freedoms, strict=True))
    return np.asarray(np.sqrt(variance) * rng.standard_t(freedom, size))
