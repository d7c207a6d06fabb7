"""Intervals for detection metrics: what chance in the images and in the seeds could have done.

Detections are matched once; a replicate is a vector of image weights, so that thousands of
replicates are array operations. Methods: Efron and Tibshirani, *An Introduction to the Bootstrap*,
1993 (paired bootstrap over images); Bouthillier et al., *Accounting for variance in machine
learning benchmarks*, MLSys 2021 (seeds as a source of variance of their own); Agarwal et al., *Deep
reinforcement learning at the edge of the statistical precipice*, NeurIPS 2021 (intervals where runs
are few).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from promotion.facts import Fact
from promotion.metrics import (
    METRICS,
    RECALL_LEVELS,
    Array,
    Matches,
    interpolated_precision,
    metric_values,
)

REPLICATES = 2000
Bounds = tuple[Array, Array]
DRAW_DIGITS = 6
# So many replicates × detections are worked on at once: a few MiB an array.
MOST_CELLS = 500_000
# With so many degrees of freedom Student's t is the normal law.
WELL_KNOWN = 1e6


def image_weights(images: int, rng: np.random.Generator, replicates: int = REPLICATES) -> Array:
    """Bootstrap weights (replicates, images): how often each image is drawn in a replicate."""
    return rng.multinomial(images, np.full(images, 1 / images), size=replicates).astype(float)


def precision_band(
    matches: Matches, confidence: float, rng: np.random.Generator, replicates: int = 400
) -> Bounds:
    """Bounds of the interpolated precision at IoU 0.5, at each of COCO's 101 recall levels.

    Other images of the same kind would give a curve within them, level by level.
    """
    weights = image_weights(len(matches.images), rng, replicates)
    at = np.flatnonzero(matches.found[0])
    if not len(at):
        return np.zeros(len(RECALL_LEVELS)), np.zeros(len(RECALL_LEVELS))
    hits = np.cumsum(weights[:, matches.image[at]], axis=1)
    seen = np.cumsum(weights[:, matches.image], axis=1)[:, at]
    envelope, recall = interpolated_precision(hits, seen, weights @ matches.persons)
    padded = np.concatenate([envelope, np.zeros((replicates, 1))], axis=1)
    curves = [
        precision[np.searchsorted(reached, RECALL_LEVELS)]
        for precision, reached in zip(padded, recall, strict=True)
    ]
    low, high = np.quantile(curves, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return low, high


class Evaluated(Protocol):
    """A run as the statistics see it: its matches on a split and its operating threshold."""

    @property
    def matches(self) -> Matches:
        """All detections of the split, matched."""

    @property
    def threshold(self) -> float:
        """The confidence at which the run works."""


class MetricComparison(Fact):
    """One metric on test: means over seeds, their difference, its interval and probabilities.

    `image_error` is the standard error that other images give the difference, `seed_error` (None:
    one seed a side) what other seeds add to it.
    """

    metric: str
    candidate: float
    baseline: float
    difference: float
    interval: tuple[float, float]
    candidate_interval: tuple[float, float]
    baseline_interval: tuple[float, float]
    candidate_seed_sd: float | None
    baseline_seed_sd: float | None
    image_error: float
    seed_error: float | None
    probability_better: float


class Confirmation(Fact):
    """Two configurations compared: each metric, and plausible values of its true difference."""

    comparison: list[MetricComparison]
    draws: dict[str, list[float]]

    def probability_above(self, metric: str, difference: float) -> float:
        """The probability that the true difference of a metric exceeds this one."""
        return float(np.mean(np.array(self.draws[metric]) > difference))


def replicate_values(
    run: Evaluated, weights: Array, names: Sequence[str] = METRICS
) -> dict[str, Array]:
    """Metrics of a run for each row of image weights (replicates, images), in blocks.

    A block holds its replicates × detections at once, and no more; the values are the same.
    """
    rows = max(1, MOST_CELLS // max(1, len(run.matches.confidence)))
    blocks = [
        metric_values(run.matches, weights[start : start + rows], run.threshold, names)
        for start in range(0, len(weights), rows)
    ]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def precision_bands(models: Mapping[str, Evaluated], confidence: float) -> dict[str, Bounds]:
    """The precision band of each model, by its name."""
    rng = np.random.default_rng(0)
    return {name: precision_band(run.matches, confidence, rng) for name, run in models.items()}


def _interval(draws: Array, confidence: float) -> tuple[float, float]:
    low, high = np.nanquantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def metric_intervals(
    run: Evaluated, confidence: float, rng: np.random.Generator, replicates: int = REPLICATES
) -> dict[str, tuple[float, float]]:
    """The interval of each metric of one run: what other images of the same kind could show."""
    weights = image_weights(len(run.matches.images), rng, replicates)
    values = replicate_values(run, weights)
    return {metric: _interval(draws, confidence) for metric, draws in values.items()}


def compare(
    candidate: Sequence[Evaluated],
    baseline: Sequence[Evaluated],
    confidence: float,
    rng: np.random.Generator,
    replicates: int = REPLICATES,
) -> Confirmation:
    """Compare two configurations on the same images, metric by metric.

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
    values = [replicate_values(run, weights) for run in runs]
    k = len(candidate)
    comparison, all_draws = [], {}
    for metric in METRICS:
        table = np.array([value[metric] for value in values])
        ours, theirs = table[:k], table[k:]
        draws, image_error, seed_error = _draws([ours, theirs], rng)
        # Metrics are shares; the seeds' noise knows nothing of that.
        draws = np.clip(draws, -1, 1)
        means = float(ours[:, 0].mean()), float(theirs[:, 0].mean())
        comparison.append(
            MetricComparison(
                metric=metric,
                candidate=means[0],
                baseline=means[1],
                difference=means[0] - means[1],
                interval=_interval(draws, confidence),
                candidate_interval=_interval(np.clip(_draws([ours], rng)[0], 0, 1), confidence),
                baseline_interval=_interval(np.clip(_draws([theirs], rng)[0], 0, 1), confidence),
                candidate_seed_sd=_number_or_none(_seed_sd(ours[:, 0])),
                baseline_seed_sd=_number_or_none(_seed_sd(theirs[:, 0])),
                image_error=image_error,
                seed_error=_number_or_none(seed_error),
                probability_better=float(np.mean(draws > 0)),
            )
        )
        all_draws[metric] = draws.round(DRAW_DIGITS).tolist()
    return Confirmation(comparison=comparison, draws=all_draws)


def _number_or_none(value: float) -> float | None:
    return None if np.isnan(value) else value


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
