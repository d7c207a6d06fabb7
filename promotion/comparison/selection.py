"""Chooses on val: the candidate configuration, the run that stands for it, and its optimism."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev

import numpy as np

from promotion.comparison.bootstrap import REPLICATES, Evaluated, bootstrap_weights
from promotion.comparison.evidence import ConfigurationFacts, RunFacts
from promotion.facts import Fact
from promotion.metrics import metric_values
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
    """
    rng = np.random.default_rng(SEED)
    rivals = [runs for name, runs in configurations.items() if name != baseline]
    images = len(rivals[0][0].matches.images)
    weights = bootstrap_weights(images, rng, replicates, rivals[0][0].groups)
    here, drawn = [], []
    for runs in rivals:
        table = np.array(
            [metric_values(run.matches, weights, run.threshold, [metric])[metric] for run in runs]
        )
        here.append(float(table[:, 0].mean()))
        error = float(table[:, 0].std(ddof=1)) / math.sqrt(len(runs)) if len(runs) > 1 else 0.0
        drawn.append(table[:, 1:].mean(axis=0) + rng.normal(0, error, replicates))
    values = np.array(drawn)
    winners = values.argmax(axis=0)
    return float(np.nanmean(values.max(axis=0) - np.array(here)[winners]))


def pareto_front(points: Mapping[str, tuple[float, float]]) -> list[str]:
    """The names that no other beats: `points` are (cost, gain), less and more being better."""
    return [
        name
        for name, (cost, gain) in points.items()
        if not any((c <= cost and g >= gain) and (c < cost or g > gain) for c, g in points.values())
    ]
