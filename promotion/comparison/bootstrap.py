"""Compares two configurations: what chance in the images, their groups and the seeds could do.

Sources: Efron and Tibshirani, *An Introduction to the Bootstrap*, 1993; Davison and Hinkley,
*Bootstrap Methods and their Application*, 1997, section 3.8 (resampling groups); Hesterberg, *What
teachers should know about the bootstrap*, The American Statistician 2015 (Student's intervals with
the bootstrap's standard error, expanded for small samples); Welch, *The generalization of
Student's problem*, Biometrika 1947; Xie and Singh, *Confidence distribution*, International
Statistical Review 2013.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from promotion.comparison.law import WELL_KNOWN, ConfidenceDistribution, nothing_known
from promotion.facts import Fact
from promotion.metrics import (
    METRICS,
    RECALL_LEVELS,
    Array,
    Matches,
    blocks,
    interpolated_precision,
    metric_values,
)

Groups = NDArray[np.int64]
Counts = NDArray[np.uint16]
Bounds = tuple[Array, Array]

REPLICATES = 2000
# Differences of shares below this are rounding.
ROUNDING, DIGITS = 1e-12, 12
# A seed below this share of its side's median has collapsed.
COLLAPSED = 0.5


class Evaluated(Protocol):
    """A run as the statistics see it: its matches on a split and its operating threshold."""

    @property
    def matches(self) -> Matches:
        """All detections of the split, matched."""

    @property
    def threshold(self) -> float:
        """The confidence at which the run works."""

    @property
    def groups(self) -> Groups | None:
        """The group of each image, where images are not independent."""


class MetricComparison(Fact):
    """One metric on test: means over seeds, their difference, and what the true one may be.

    `image_error` is the standard error that other images give the difference, `seed_error` (None:
    one seed a side) what other seeds add to it. `collapsed` names the seeds, as (side,
    place), whose value is below half of their side's median.
    """

    metric: str
    candidate: float
    baseline: float
    difference: float
    law: ConfidenceDistribution
    interval: tuple[float, float]
    candidate_interval: tuple[float, float]
    baseline_interval: tuple[float, float]
    candidate_seed_sd: float | None
    baseline_seed_sd: float | None
    image_error: float
    seed_error: float | None
    probability_better: float
    collapsed: list[tuple[int, int]]


def bootstrap_weights(
    images: int,
    rng: np.random.Generator,
    replicates: int = REPLICATES,
    groups: Groups | None = None,
) -> Counts:
    """How often each image counts, (1 + replicates, images): the whole split, then its resamples.

    Groups are drawn with replacement, whole; without `groups` every image is its own.
    """
    labels = np.arange(images) if groups is None else np.unique(groups, return_inverse=True)[1]
    if len(labels) != images:
        raise ValueError(f"{len(labels)} groups for {images} images")
    count = int(labels.max(initial=-1)) + 1
    weights = np.ones((1 + replicates, images), np.uint16)
    share = np.full(count, 1 / max(count, 1))
    for part in blocks(replicates, images):
        weights[1:][part] = rng.multinomial(count, share, size=part.stop - part.start)[:, labels]
    return weights


class Sample(Fact):
    """How much a split can say: its persons, the groups that hold them, how many groups' worth."""

    persons: int
    groups: int
    effective: float


def sample_size(persons: NDArray[np.int64], groups: Groups | None = None) -> Sample:
    """The `Sample` of a split from its images' persons and groups, (images,) each."""
    return Sample(
        persons=int(persons.sum()),
        groups=groups_with_persons(persons, groups),
        effective=effective_groups(persons, groups),
    )


def groups_with_persons(persons: NDArray[np.int64], groups: Groups | None = None) -> int:
    """The number of groups with a person in them."""
    return int(np.count_nonzero(persons if groups is None else _group_totals(persons, groups)))


def effective_groups(persons: NDArray[np.int64], groups: Groups | None = None) -> float:
    """How many equally full groups tell as much as these (Kish, *Survey Sampling*, 1965).

    Groups without a person count for nothing; 0 without any person.
    """
    totals = np.asarray(persons if groups is None else _group_totals(persons, groups), float)
    return float(totals.sum() ** 2 / (totals**2).sum()) if totals.any() else 0.0


def small_sample_expansion(effective: float) -> float:
    """What a resampled variance is short of: n/(n − 1) for n groups' worth (Hesterberg, 2015)."""
    groups = max(effective, 2.0)
    return groups / (groups - 1)


def _group_totals(counts: NDArray[np.number], groups: Groups) -> NDArray[np.number]:
    return np.bincount(np.unique(groups, return_inverse=True)[1], weights=counts)


@dataclass(frozen=True)
class ErrorParts:
    """Variances of a mean over seeds, or a difference of means, in the metric's unit squared.

    `images` is what images do to all seeds alike; `seeds` what seeds do, with Welch's `freedom`;
    `resampled` is what resampling shows, and `added` what seeds add to it (None: a side has one).
    """

    images: float
    seeds: float
    freedom: float
    resampled: float
    added: float | None


def error_parts(sides: Sequence[Array], sample: Sample) -> ErrorParts:
    """Split the variance of one mean over seeds, or of the difference of two, into its sources.

    Each side is (seeds, 1 + replicates), the whole split first, without NaN. Resampled variances
    are expanded by n/(n − 1) (Hesterberg, 2015). What images do to one seed and not to another is
    in the spread of the seeds already; the seeds' variance is never taken for less than that.
    """
    expansion = small_sample_expansion(sample.effective)
    resampled = expansion * float(_signed_mean([side[:, 1:] for side in sides]).var())
    seeded = [side for side in sides if len(side) > 1]
    own = [expansion * _seed_by_image_variance(side[:, 1:]) for side in seeded]
    shown = [float(side[:, 0].var(ddof=1)) / len(side) for side in seeded]
    seeds = sum(max(pair) for pair in zip(shown, own, strict=True))
    uncertain = sum(v**2 / (len(side) - 1) for v, side in zip(shown, seeded, strict=True))
    least = _least_error(sides, sample) ** 2
    return ErrorParts(
        images=max(0.0, resampled - sum(own), least - seeds),
        seeds=seeds,
        freedom=min(seeds**2 / uncertain, WELL_KNOWN) if uncertain else WELL_KNOWN,
        resampled=max(resampled, least),
        added=max(0.0, seeds - sum(own)) if len(seeded) == len(sides) else None,
    )


def _least_error(sides: Sequence[Array], sample: Sample) -> float:
    """The least standard error: what has not been seen may still be, but for an exact tie.

    One person more or less found; and, for a difference that all groups share, one group without.
    """
    if len(sides) == 1:
        return 1 / sample.persons
    values = _signed_mean(sides)
    if not values.any() and all(np.ptp(side[:, 0]) == 0 for side in sides):
        return 0.0
    return max(1 / sample.persons, abs(float(values[0])) / (sample.groups + 1))


def _signed_mean(sides: Sequence[Array]) -> Array:
    """The mean over seeds of one side, or of the first less that of the second."""
    means = [side.mean(axis=0) for side in sides]
    difference = means[0] if len(means) == 1 else np.round(means[0] - means[1], DIGITS)
    return np.asarray(difference)


def _seed_by_image_variance(resampled: Array) -> float:
    """Variance of a mean over seeds (seeds, replicates) from each seed's own answer to images."""
    seeds = len(resampled)
    own = resampled - resampled.mean(axis=0)
    return float(own.var(axis=1).sum()) / (seeds * (seeds - 1))


def confidence_distribution(
    sides: Sequence[Array], sample: Sample, low: float, high: float
) -> tuple[ConfidenceDistribution, ErrorParts] | None:
    """The law of a mean over seeds or of the difference of two, centred on what was observed.

    Each side is (seeds, 1 + replicates), the whole split first; replicates without a person are
    left out. The freedom is Welch's, of images and seeds. None where a value is unknown or fewer
    than two groups hold a person.
    """
    known = np.asarray(np.isfinite(np.vstack(list(sides))).all(axis=0))
    if not known[0] or sample.groups < 2 or known.sum() < 3:
        return None
    sides = [side[:, known] for side in sides]
    parts = error_parts(sides, sample)
    variance = parts.images + parts.seeds
    if variance < ROUNDING**2:
        variance = 0.0
    uncertain = parts.images**2 / max(sample.effective - 1, 1.0) + parts.seeds**2 / parts.freedom
    law = ConfidenceDistribution(
        centre=float(_signed_mean([side[:, :1] for side in sides])[0]),
        scale=math.sqrt(variance),
        freedom=min(variance**2 / uncertain, WELL_KNOWN) if variance else WELL_KNOWN,
        low=low,
        high=high,
    )
    return law, parts


def compare(
    candidate: Sequence[Evaluated],
    baseline: Sequence[Evaluated],
    confidence: float,
    rng: np.random.Generator,
    replicates: int = REPLICATES,
) -> list[MetricComparison]:
    """Compare two configurations, a run a seed, on the same images, metric by metric.

    Raises:
        ValueError: the runs were not evaluated on the same images, or a side has no run.
    """
    runs = [*candidate, *baseline]
    if not candidate or not baseline:
        raise ValueError("a side without a run")
    matches, groups = runs[0].matches, runs[0].groups
    if any(run.matches.images != matches.images for run in runs):
        raise ValueError("the runs were not evaluated on the same images")
    weights = bootstrap_weights(len(matches.images), rng, replicates, groups)
    values = [metric_values(run.matches, weights, run.threshold) for run in runs]
    sample = sample_size(matches.persons, groups)
    return [
        difference(
            metric,
            np.array([value[metric] for value in values[: len(candidate)]]),
            np.array([value[metric] for value in values[len(candidate) :]]),
            sample,
            confidence,
        )
        for metric in METRICS
    ]


def difference(
    metric: str, ours: Array, theirs: Array, sample: Sample, confidence: float
) -> MetricComparison:
    """One metric compared, from its values (seeds, 1 + replicates) on either side.

    What is unknown, as without a person, is taken for 0, with a law that knows nothing.
    """
    found = confidence_distribution([ours, theirs], sample, -1.0, 1.0)
    law, parts = found or (nothing_known(-1.0, 1.0), None)
    sides = [_law_of_one(side, sample) for side in (ours, theirs)]
    means = [float(np.nan_to_num(side[:, 0].mean())) for side in (ours, theirs)]
    added = parts.added if parts else None
    return MetricComparison(
        metric=metric,
        candidate=means[0],
        baseline=means[1],
        difference=means[0] - means[1],
        law=law,
        interval=law.interval(confidence),
        candidate_interval=sides[0].interval(confidence),
        baseline_interval=sides[1].interval(confidence),
        candidate_seed_sd=_seed_sd(ours[:, 0]),
        baseline_seed_sd=_seed_sd(theirs[:, 0]),
        image_error=math.sqrt(parts.resampled) if parts else 1.0,
        seed_error=None if added is None else math.sqrt(added),
        probability_better=law.probability_above(0.0),
        collapsed=collapsed_seeds([ours[:, 0].tolist(), theirs[:, 0].tolist()]),
    )


def _law_of_one(side: Array, sample: Sample) -> ConfidenceDistribution:
    found = confidence_distribution([side], sample, 0.0, 1.0)
    return found[0] if found else nothing_known(0.0, 1.0)


def collapsed_seeds(sides: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """Seeds, as (side, index), whose value is below half their side's median: trainings lost."""
    return [
        (number, index)
        for number, side in enumerate(sides)
        for index, value in enumerate(side)
        if value < COLLAPSED * float(np.median(side))
    ]


def _seed_sd(values: Array) -> float | None:
    if len(values) < 2 or not np.isfinite(values).all():
        return None
    return float(values.std(ddof=1))


def precision_band(
    run: Evaluated, confidence: float, rng: np.random.Generator, replicates: int = 400
) -> Bounds:
    """Bounds of the interpolated precision at IoU 0.5, at each of COCO's 101 recall levels.

    Other images of the same kind would give a curve within them, level by level.
    """
    matches = run.matches
    weights = bootstrap_weights(len(matches.images), rng, replicates, run.groups)[1:]
    at = np.flatnonzero(matches.found[0])
    if not len(at):
        return np.zeros(len(RECALL_LEVELS)), np.zeros(len(RECALL_LEVELS))
    drawn = weights.T[matches.image].astype(np.float64)
    hits, seen = np.cumsum(drawn[at], axis=0), np.cumsum(drawn, axis=0)[at]
    envelope, recall = interpolated_precision(
        hits, seen, (weights @ matches.persons).astype(np.float64)
    )
    padded = np.concatenate([envelope, np.zeros((1, replicates))])
    curves = [
        precision[np.searchsorted(reached, RECALL_LEVELS)]
        for precision, reached in zip(padded.T, recall.T, strict=True)
    ]
    low, high = np.quantile(curves, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return low, high


def precision_bands(models: Mapping[str, Evaluated], confidence: float) -> dict[str, Bounds]:
    """The precision band of each model, by its name."""
    rng = np.random.default_rng(0)
    return {name: precision_band(run, confidence, rng) for name, run in models.items()}
