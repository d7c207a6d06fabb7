"""Compares the variants: chooses on val, then confirms on test what was chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np
import pandas as pd
from scipy.stats import t as student

from promotion.evidence import ConfigurationFacts, Fact, MetricComparison, RunFacts
from promotion.matching import match
from promotion.statistics import (
    REPLICATES,
    EvaluatedRun,
    compare,
    image_weights,
    metric_intervals,
    metric_values,
)
from promotion.study import Policy

SEED = 20240501
MOST_GROWTH = 100
DRAW_DIGITS = 6


class Settling(Fact):
    """What would settle an open claim: so many images, or seeds, or images and seeds together."""

    images: int | None
    seeds: int | None
    both: tuple[int, int] | None


@dataclass(frozen=True)
class Selection:
    """What val chose: the configurations to compare, and the run of each that stands for it."""

    candidate: str
    baseline: str
    candidate_run: str
    baseline_run: str


@dataclass(frozen=True)
class Confirmation:
    """What test says of the candidate: each metric compared, and plausible true differences."""

    comparison: list[MetricComparison]
    draws: dict[str, list[float]]


def summarise(runs: Sequence[RunFacts]) -> list[ConfigurationFacts]:
    """Mean and standard deviation over seeds of every metric, a configuration each."""
    groups: dict[str, list[RunFacts]] = {}
    for run in runs:
        groups.setdefault(run.configuration, []).append(run)
    facts = []
    for name, members in groups.items():
        metrics = [m for m in members[0].metrics if all(m in member.metrics for member in members)]
        values = {metric: [member.metrics[metric] for member in members] for metric in metrics}
        facts.append(
            ConfigurationFacts(
                name=name,
                seeds=[member.seed for member in members],
                mean={metric: fmean(column) for metric, column in values.items()},
                sd={
                    metric: stdev(column) if len(column) > 1 else None
                    for metric, column in values.items()
                },
            )
        )
    return facts


def select(runs: Sequence[RunFacts], baseline: str, policy: Policy) -> Selection:
    """Choose, on val, the candidate configuration and the run that would be registered.

    The candidate is the configuration, other than the baseline, with the highest mean over seeds
    of the policy's first objective; the run is its best one by the same metric.

    Raises:
        ValueError: no complete run of the baseline, or none of another configuration.
    """
    metric = policy.objectives[0].metric
    means = {facts.name: facts.mean[metric] for facts in summarise(runs)}
    if baseline not in means:
        raise ValueError(f"no complete run of the baseline {baseline}: nothing to compare with")
    rivals = {name: mean for name, mean in means.items() if name != baseline}
    if not rivals:
        raise ValueError("no complete run of a configuration other than the baseline")
    candidate = max(rivals, key=lambda name: rivals[name])

    def best_run(configuration: str) -> str:
        members = [run for run in runs if run.configuration == configuration]
        return max(members, key=lambda run: run.metrics[metric]).run_name

    return Selection(candidate, baseline, best_run(candidate), best_run(baseline))


def confirm(
    candidate: Sequence[tuple[pd.DataFrame, float]],
    baseline: Sequence[tuple[pd.DataFrame, float]],
    ground_truth: pd.DataFrame,
    policy: Policy,
    replicates: int = REPLICATES,
) -> Confirmation:
    """Compare two configurations on the test split; each run is its detections and threshold.

    The policy's objectives come first, in its order.
    """
    ours, theirs = (
        [EvaluatedRun(match(ground_truth, table), threshold) for table, threshold in side]
        for side in (candidate, baseline)
    )
    differences = compare(ours, theirs, policy.confidence, np.random.default_rng(SEED), replicates)
    order = list(policy.required_differences)
    differences.sort(key=lambda one: order.index(one.metric) if one.metric in order else len(order))
    comparison = [
        MetricComparison(
            metric=found.metric,
            candidate=found.candidate,
            baseline=found.baseline,
            difference=found.difference,
            interval=found.interval(policy.confidence),
            candidate_interval=found.candidate_interval,
            baseline_interval=found.baseline_interval,
            candidate_seed_sd=_number_or_none(found.candidate_seed_sd),
            baseline_seed_sd=_number_or_none(found.baseline_seed_sd),
            image_error=found.image_error,
            seed_error=_number_or_none(found.seed_error),
            probability_better=found.probability_above(0.0),
        )
        for found in differences
    ]
    draws = {found.metric: found.draws.round(DRAW_DIGITS).tolist() for found in differences}
    return Confirmation(comparison, draws)


def selection_optimism(
    configurations: Mapping[str, Sequence[EvaluatedRun]],
    metric: str,
    replicates: int = REPLICATES,
) -> float:
    """By how much the best of several configurations looks better on val than it is; an estimate.

    Each replicate draws other images and other seeds, chooses again, and compares the winner's
    value there with its value here: the bootstrap's estimate of the winner's curse (Efron and
    Tibshirani, 1993, chapter 17).
    """
    rng = np.random.default_rng(SEED)
    images = len(next(iter(configurations.values()))[0].matches.images)
    weights = np.vstack([np.ones(images), image_weights(images, rng, replicates)])
    here, drawn = [], []
    for runs in configurations.values():
        table = np.array(
            [metric_values(run.matches, weights, run.threshold)[metric] for run in runs]
        )
        here.append(float(table[:, 0].mean()))
        error = float(table[:, 0].std(ddof=1)) / math.sqrt(len(runs)) if len(runs) > 1 else 0.0
        drawn.append(table[:, 1:].mean(axis=0) + rng.normal(0, error, replicates))
    values = np.array(drawn)
    winners = values.argmax(axis=0)
    return float(np.nanmean(values.max(axis=0) - np.array(here)[winners]))


def intervals_on_test(
    candidate: tuple[pd.DataFrame, float], ground_truth: pd.DataFrame, policy: Policy
) -> dict[str, tuple[float, float]]:
    """The interval of each metric of the run that would be registered; chance in the images."""
    table, threshold = candidate
    run = EvaluatedRun(match(ground_truth, table), threshold)
    return metric_intervals(run, policy.confidence, np.random.default_rng(SEED))


def optimism_on_val(
    sides: Mapping[str, Sequence[tuple[pd.DataFrame, float]]],
    ground_truth: pd.DataFrame,
    baseline: str,
    policy: Policy,
) -> float:
    """The `selection_optimism` of the candidate; a side is its runs' detections and thresholds."""
    rivals = {
        name: [EvaluatedRun(match(ground_truth, table), threshold) for table, threshold in runs]
        for name, runs in sides.items()
        if name != baseline
    }
    return selection_optimism(rivals, policy.objectives[0].metric)


def settling(
    found: MetricComparison, gain: float, images: int, seeds: int, level: float
) -> Settling:
    """How many images, seeds, or both would separate the difference from `gain`; an estimate.

    The part of the error that comes from the images shrinks as 1/√images, the other as 1/√seeds,
    and the difference is taken to stay what it is. The quantile is Student's, with 2 (seeds − 1)
    degrees of freedom where seeds matter. None where nothing within a hundredfold suffices.
    """
    distance = abs(found.difference - gain)
    seed_error = found.seed_error or 0.0

    def settled(more_images: float, more_seeds: int) -> bool:
        error = math.hypot(
            found.image_error * math.sqrt(images / more_images),
            seed_error * math.sqrt(seeds / more_seeds),
        )
        freedom = 2 * (more_seeds - 1) if seed_error else math.inf
        return distance >= float(student.ppf(level, freedom)) * error

    wider = [round(images * factor) for factor in np.geomspace(1, MOST_GROWTH, 400)]
    deeper = range(seeds, seeds * MOST_GROWTH + 1)
    both = ((round(images * k / seeds), k) for k in deeper)
    return Settling(
        images=next((n for n in wider if settled(n, seeds)), None),
        seeds=next((k for k in deeper if settled(images, k)), None) if seed_error else None,
        both=next(((n, k) for n, k in both if settled(n, k)), None) if seed_error else None,
    )


def telling_images(
    ground_truth: pd.DataFrame,
    candidate: tuple[pd.DataFrame, float],
    baseline: tuple[pd.DataFrame, float],
) -> list[str]:
    """Three images to look at: where the candidate does best, where it does worst, the fullest.

    Doing well is finding persons without false alarms, at each model's operating threshold.
    """
    gain = _balance(ground_truth, *candidate) - _balance(ground_truth, *baseline)
    persons = ground_truth.dropna().groupby("image").size().reindex(gain.index, fill_value=0)
    ranked = (gain.idxmax(), gain.idxmin(), persons.idxmax())
    return list(dict.fromkeys(str(image) for image in ranked))


def _balance(ground_truth: pd.DataFrame, detections: pd.DataFrame, threshold: float) -> pd.Series:
    """Persons found less false alarms, an image each."""
    matches = match(ground_truth, detections[detections["confidence"] >= threshold])
    score = np.where(matches.found[0], 1, -1)
    sums = np.bincount(matches.image, weights=score, minlength=len(matches.images))
    return pd.Series(sums, index=list(matches.images))


def _number_or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def pareto_front(points: Mapping[str, tuple[float, float]]) -> list[str]:
    """The names that no other beats: `points` are (cost, gain), less and more being better."""
    return [
        name
        for name, (cost, gain) in points.items()
        if not any((c <= cost and g >= gain) and (c < cost or g > gain) for c, g in points.values())
    ]
