"""Intervals for detection metrics: what chance in the images and in the seeds could have done.

Detections are matched once; a replicate is a vector of image weights, so that thousands of
replicates are array operations. Methods: Efron and Tibshirani, *An Introduction to the Bootstrap*,
1993 (paired bootstrap over images); Bouthillier et al., *Accounting for variance in machine
learning benchmarks*, MLSys 2021 (seeds as a source of variance of their own); Agarwal et al., *Deep
reinforcement learning at the edge of the statistical precipice*, NeurIPS 2021 (intervals where runs
are few).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from promotion.matching import Matches, precision_and_recall

Array = NDArray[np.float64]

REPLICATES = 2000
# With so many degrees of freedom Student's t is the normal law.
WELL_KNOWN = 1e6
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


def precision_band(
    matches: Matches, confidence: float, rng: np.random.Generator, replicates: int = 400
) -> tuple[Array, Array]:
    """Bounds of the interpolated precision at IoU 0.5, at each of COCO's 101 recall levels.

    Other images of the same kind would give a curve within them, level by level.
    """
    weights = image_weights(len(matches.images), rng, replicates)
    at = np.flatnonzero(matches.found[0])
    if not len(at):
        return np.zeros(len(RECALL_LEVELS)), np.zeros(len(RECALL_LEVELS))
    hits = np.cumsum(weights[:, matches.image[at]], axis=1)
    seen = np.cumsum(weights[:, matches.image], axis=1)[:, at]
    envelope, recall = _envelope(hits, seen, weights @ matches.persons)
    padded = np.concatenate([envelope, np.zeros((replicates, 1))], axis=1)
    curves = [
        precision[np.searchsorted(reached, RECALL_LEVELS)]
        for precision, reached in zip(padded, recall, strict=True)
    ]
    low, high = np.quantile(curves, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return low, high


def _envelope(hits: Array, seen: Array, persons: Array) -> tuple[Array, Array]:
    """COCO's interpolated precision, and the recall, where each person is found."""
    precision = np.divide(hits, seen, out=np.zeros_like(hits), where=seen > 0)
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    return envelope, hits / np.maximum(persons, 1)[:, None]


def _interpolated_area(hits: Array, seen: Array, persons: Array) -> Array:
    envelope, recall = _envelope(hits, seen, persons)
    reached = np.searchsorted(RECALL_LEVELS, recall, side="right")
    new_levels = np.diff(reached, axis=1, prepend=0)
    return np.asarray((envelope * new_levels).sum(axis=1) / len(RECALL_LEVELS))


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

    `draws` are plausible values of the true difference candidate − baseline, over other images and
    other seeds. `image_error` is the standard error that other images give the difference, and
    `seed_error` what seeds add to it; the latter is NaN when a side has one seed.
    """

    metric: str
    candidate: float
    baseline: float
    candidate_interval: tuple[float, float]
    baseline_interval: tuple[float, float]
    candidate_seed_sd: float
    baseline_seed_sd: float
    image_error: float
    seed_error: float
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

    Two sources of chance are added up. *Images* are resampled jointly for all runs. *Seeds*: the
    mean over k seeds varies as s/√k; as s is known from k values only, its noise has Student's t
    with Welch's degrees of freedom. Resampling three seeds instead would show two thirds of their
    variance. What images do to one seed and not to another is part of s already, and s is never
    taken for less: the resampled differences are shrunk by it, or it would count twice.
    `benchmarks/calibration.py` shows that the intervals cover what they say. With one seed a side
    the seeds' part is unknown and is not in the interval.

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
        draws, image_error, seed_error = _draws([ours, theirs], rng)
        # Metrics are shares; the seeds' noise knows nothing of that.
        differences.append(
            Difference(
                metric=metric,
                candidate=float(ours[:, 0].mean()),
                baseline=float(theirs[:, 0].mean()),
                candidate_interval=_interval(np.clip(_draws([ours], rng)[0], 0, 1), confidence),
                baseline_interval=_interval(np.clip(_draws([theirs], rng)[0], 0, 1), confidence),
                candidate_seed_sd=_seed_sd(ours[:, 0]),
                baseline_seed_sd=_seed_sd(theirs[:, 0]),
                image_error=image_error,
                seed_error=seed_error,
                draws=np.clip(draws, -1, 1),
            )
        )
    return differences


def _draws(sides: Sequence[Array], rng: np.random.Generator) -> tuple[Array, float, float]:
    """Plausible values of a side's mean over seeds, or of the difference of two sides' means.

    Each side is (seeds, 1 + replicates), the whole split first. Also the standard error that the
    images give, and what the seeds add to it.
    """
    signs = (1.0, -1.0)[: len(sides)]
    resampled = sum(
        sign * side[:, 1:].mean(axis=0) for sign, side in zip(signs, sides, strict=True)
    )
    assert isinstance(resampled, np.ndarray)
    seeded = [side for side in sides if len(side) > 1]
    own = [_seed_by_image_variance(side[:, 1:]) for side in seeded]
    own_variance = sum(own)
    variance = float(np.nanvar(resampled))
    shared = max(0.0, variance - own_variance)
    centre = float(np.nanmean(resampled))
    shrink = np.sqrt(shared / variance) if variance > 0 else 1.0
    shown = [float(side[:, 0].var(ddof=1)) / len(side) for side in seeded]
    # Few seeds may agree by luck; they vary at least by what each does with the images.
    seed_variance = sum(max(pair) for pair in zip(shown, own, strict=True))
    freedoms = [len(side) - 1 for side in seeded]
    noise = _welch_noise(seed_variance, shown, freedoms, rng, len(resampled))
    added = float(np.sqrt(max(0.0, seed_variance - own_variance)))
    seed_error = added if len(seeded) == len(sides) else float("nan")
    return centre + shrink * (resampled - centre) + noise, float(np.sqrt(variance)), seed_error


def _seed_by_image_variance(resampled: Array) -> float:
    """What resampling images adds to the variance of a mean over seeds (seeds, replicates) because
    each seed answers to them in its own way."""
    seeds = len(resampled)
    own = resampled - resampled.mean(axis=0)
    return float(np.nanvar(own, axis=1).sum()) / (seeds * (seeds - 1))


def _seed_sd(values: Array) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else float("nan")


def _welch_noise(
    variance: float,
    shown: Sequence[float],
    freedoms: Sequence[int],
    rng: np.random.Generator,
    size: int,
) -> Array:
    """Plausible errors of a mean, or a difference of means, over seeds (Welch, 1947).

    `shown` are the squared standard errors that each side's few seeds show, with their degrees of
    freedom; what `variance` has beyond them is known from the images, and so well.
    """
    if variance == 0 or not np.isfinite(variance):
        return np.zeros(size)
    uncertain = sum(part**2 / f for part, f in zip(shown, freedoms, strict=True))
    freedom = min(variance**2 / uncertain, WELL_KNOWN) if uncertain else WELL_KNOWN
    return np.asarray(np.sqrt(variance) * rng.standard_t(freedom, size))
