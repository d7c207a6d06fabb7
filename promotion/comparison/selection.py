"""Chooses on val: the candidate configuration, the run that stands for it, and its optimism."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, stdev

import numpy as np

from promotion.comparison.bootstrap import REPLICATES, Evaluated, Groups, bootstrap_weights
from promotion.comparison.evidence import ConfigurationFacts, RunFacts, by_configuration
from promotion.facts import Fact
from promotion.metrics import Array, metric_values
from promotion.study import Policy

SEED = 20240501


class Selection(Fact):
    """What val chose: the configurations to compare, and the run of each that stands for it."""

    candidate: str
    baseline: str
    candidate_run: str
    baseline_run: str


def summarise(runs: Sequence[RunFacts]) -> list[ConfigurationFacts]:
    """Mean and standard deviation over seeds of every metric, a configuration each."""
    facts = []
    for name, members in by_configuration(runs).items():
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
    of the policy's first objective; the run is its best one by the same metric. Where each seed has
    a val of its own, a run is compared with the others on its val, which may be an easy one.

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
    usual = {
        one.split_seed: fmean(
            run.metrics[metric] for run in runs if run.split_seed == one.split_seed
        )
        for one in runs
    }

    def best_run(configuration: str) -> str:
        members = by_configuration(runs)[configuration]
        return max(members, key=lambda run: run.metrics[metric] - usual[run.split_seed]).run_name

    return Selection(
        candidate=candidate,
        baseline=baseline,
        candidate_run=best_run(candidate),
        baseline_run=best_run(baseline),
    )


def selection_optimism(
    configurations: Mapping[str, Sequence[Evaluated]],
    baseline: str,
    metric: str,
    replicates: int = REPLICATES,
) -> float:
    """By how much the best of several configurations looks better on val than it is; an estimate.

    `configurations` holds the runs of each; the baseline is no rival. Each replicate draws other
    images and other seeds, chooses again, and compares the winner's value there with its value
    here: the bootstrap's estimate of the winner's curse (Efron and Tibshirani, 1993, chapter 17).
    Runs with a val of their own take their part of the images that all of them saw.
    """
    rng = np.random.default_rng(SEED)
    rivals = [runs for name, runs in configurations.items() if name != baseline]
    columns, groups = _all_images(run for runs in rivals for run in runs)
    weights = bootstrap_weights(len(columns), rng, replicates, groups)

    def drawn_for(run: Evaluated) -> Array:
        own = weights[:, [columns[image] for image in run.matches.images]]
        return metric_values(run.matches, own, run.threshold, [metric])[metric]

    here, drawn = [], []
    for runs in rivals:
        table = np.array([drawn_for(run) for run in runs])
        here.append(float(table[:, 0].mean()))
        error = float(table[:, 0].std(ddof=1)) / math.sqrt(len(runs)) if len(runs) > 1 else 0.0
        drawn.append(table[:, 1:].mean(axis=0) + rng.normal(0, error, replicates))
    values = np.array(drawn)
    winners = values.argmax(axis=0)
    return float(np.nanmean(values.max(axis=0) - np.array(here)[winners]))


def _all_images(runs: Iterable[Evaluated]) -> tuple[dict[str, int], Groups]:
    """The place of each image that one of the runs saw, and the group of each place.

    A group is known by its first image: no split cuts one.
    """
    first: dict[str, str] = {}
    for run in runs:
        images = run.matches.images
        leaders: dict[int, str] = {}
        labels = range(len(images)) if run.groups is None else run.groups.tolist()
        for image, label in zip(images, labels, strict=True):
            first[image] = leaders.setdefault(label, image)
    places = {image: place for place, image in enumerate(first)}
    return places, np.array([places[leader] for leader in first.values()], np.int64)


def pareto_front(points: Mapping[str, tuple[float, float]]) -> list[str]:
    """The names that no other beats: `points` are (cost, gain), less and more being better."""
    return [
        name
        for name, (cost, gain) in points.items()
        if not any((c <= cost and g >= gain) and (c < cost or g > gain) for c, g in points.values())
    ]
