"""Checks on what is concluded: on which images, against whom, and by how much more than chance."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

from scipy.stats import norm

from promotion.audit.experiment import AuditedRun, Experiment, Placement
from promotion.audit.finding import Finding, finding
from promotion.audit.grid import compared_metrics, told
from promotion.audit.names import higher_is_better, is_result, split_of
from promotion.audit.sameness import is_finite, sweep_of
from promotion.comparison import newcombe_interval, persons_needed, welch_reach
from promotion.datasets import LEAKS
from promotion.metrics import METRICS

FAIR_POWER = 0.8
# A recall that keeps less than this share of itself from val to test was not the threshold's own.
LEAST_KEPT = 0.5
# Shifted labels cost most of the strict agreement and hardly any of the loose one.
LOOSELY_KEPT = 0.8
# So many images of one scene on average are few scenes; fewer scenes than these stand for no other.
SAME_SCENE, FEWEST_GROUPS = 3, 10
# The digits in which two values are shown; those that differ beyond them are not told apart.
SHOWN_DIGITS = 3


@dataclass(frozen=True)
class _Side:
    """A configuration's values of one metric, a seed each, by their mean and spread."""

    name: str
    mean: float
    sd: float
    seeds: int


def selected_elsewhere(experiment: Experiment) -> Finding:
    """The split that the winner was chosen on is not the one that the claim is about."""
    selected, claimed = experiment.selected_on, experiment.claimed_on
    if selected is None or claimed is None:
        return finding("selection-split", "blocking", None)
    return finding(
        "selection-split", "blocking", claimed != selected, selected=selected, claimed=claimed
    )


def enough_images(experiment: Experiment) -> Finding:
    """Whether the split can tell the claimed difference from chance."""
    counts, claim = experiment.counts, experiment.claim
    if counts is not None:
        low, high = newcombe_interval(
            counts.candidate, counts.baseline, counts.persons, experiment.confidence
        )
        difference = (counts.candidate - counts.baseline) / counts.persons
        shares = counts.candidate / counts.persons, counts.baseline / counts.persons
        return finding(
            "enough-images",
            "warning",
            low > 0 or high < 0,
            difference=difference,
            interval=(low, high),
            images=counts.images,
            persons=counts.persons,
            needed=_needed(persons_needed(*shares, experiment.confidence, FAIR_POWER)),
        )
    if claim is None or experiment.splits is None or experiment.claimed_on is None:
        return finding("enough-images", "warning", None)
    first, split = claim.comparison[0], experiment.splits[experiment.claimed_on]
    # Images alone: what the seeds add is another check's affair.
    reach = float(norm.ppf((1 + experiment.confidence) / 2)) * first.image_error
    times = (reach / first.difference) ** 2 if first.difference else math.inf
    return finding(
        "enough-images",
        "warning",
        abs(first.difference) > reach,
        difference=first.difference,
        interval=(first.difference - reach, first.difference + reach),
        images=split.images,
        persons=split.persons,
        needed=_needed(times * split.persons),
    )


def _needed(persons: float) -> int | None:
    """The persons that would show a difference; None where no number would."""
    return round(persons) if math.isfinite(persons) else None


def beyond_the_seeds(experiment: Experiment) -> Finding:
    """Whether the claimed difference, or that of the two best, is more than the seeds' spread."""
    claim = experiment.claim
    if claim is not None:
        first = claim.comparison[0]
        spreads = first.candidate_seed_sd, first.baseline_seed_sd
        seeds = [_seeds_of(experiment, name) for name in (claim.candidate, claim.baseline)]
        if None in spreads or min(seeds) < 2:
            return finding("within-seeds", "warning", None)
        one = _Side(claim.candidate, first.candidate, spreads[0] or 0.0, seeds[0])
        other = _Side(claim.baseline, first.baseline, spreads[1] or 0.0, seeds[1])
        return _judged(first.metric, one, other, first.difference, experiment.confidence)
    metric = _objective(experiment)
    if metric is None:
        metrics = compared_metrics(experiment.runs)
        return finding("within-seeds", "warning", None, said="no_metric", metrics=metrics)
    ranked = _ranked(experiment.runs, metric)
    if len(ranked) < 2 or min(ranked[0].seeds, ranked[1].seeds) < 2:
        return finding("within-seeds", "warning", None)
    best, second = ranked[:2]
    return _judged(metric, best, second, best.mean - second.mean, experiment.confidence)


def _judged(metric: str, one: _Side, other: _Side, difference: float, confidence: float) -> Finding:
    """Welch's interval of a difference of means over seeds."""
    reach = welch_reach((one.sd, one.seeds), (other.sd, other.seeds), confidence)
    return finding(
        "within-seeds",
        "warning",
        abs(difference) > reach,
        metric=metric,
        one=one.name,
        other=other.name,
        difference=difference,
        reach=reach,
        seeds=min(one.seeds, other.seeds),
    )


def _seeds_of(experiment: Experiment, run_name: str) -> int:
    """How many seeds the configuration of this run has."""
    runs = experiment.runs
    of = next((run.configuration for run in runs if run.name == run_name), None)
    return len({run.seed for run in runs if run.configuration == of and run.seed is not None})


def _objective(experiment: Experiment) -> str | None:
    """The metric that others would judge by: a detector's first, else one of val or test.

    What was measured in training alone judges nothing.
    """
    shared = set.intersection(*(set(run.metrics) for run in experiment.runs))
    first = next((name for name in METRICS if name in shared), None)
    if experiment.detects and first is not None:
        return first
    judges = [
        name
        for name in shared
        if is_result(name) and split_of(name) != "train" and higher_is_better(name) is not None
    ]
    order = {"val": 0, "test": 1, "": 2}
    return min(judges, key=lambda name: (order[split_of(name)], name), default=None)


def _ranked(runs: Sequence[AuditedRun], metric: str) -> list[_Side]:
    """The configurations by their means over known seeds, the best first."""
    sweep = sweep_of(runs)
    values: dict[str, dict[int, float]] = defaultdict(dict)
    for run, setting in zip(runs, sweep.values, strict=True):
        if run.seed is not None and is_finite(run.metrics[metric]):
            values[told(sweep.names, setting)].setdefault(run.seed, run.metrics[metric])
    # Configurations that give the same runs are told by another check, and are one here.
    distinct = {frozenset(one.items()): name for name, one in reversed(values.items())}
    sides = [_side(name, [value for _, value in sorted(found)]) for found, name in distinct.items()]
    sign = -1 if higher_is_better(metric) is not False else 1
    return sorted(sides, key=lambda side: (sign * side.mean, side.name))


def _side(name: str, values: Sequence[float]) -> _Side:
    spread = stdev(values) if len(values) > 1 else 0.0
    return _Side(name, mean(values), spread, len(values))


def untrained_was_compared(experiment: Experiment) -> Finding:
    """The starting model is among the alternatives, and does not beat the candidate."""
    found = experiment.untrained
    if found is None and not experiment.detects:
        return finding("untrained", "warning", None)
    if found is None:
        return finding("untrained", "warning", False, said="absent")
    gap = round(found.candidate, SHOWN_DIGITS) - round(found.baseline, SHOWN_DIGITS)
    beaten = gap < 0 and found.probability_better <= 1 - experiment.confidence
    return finding(
        "untrained",
        "blocking",
        None if gap == 0 else not beaten,
        said="level" if gap == 0 else "",
        metric=found.metric,
        candidate=found.candidate,
        untrained=found.baseline,
        interval=found.interval,
    )


def threshold_transfers(experiment: Experiment) -> Finding:
    """The threshold that val chose finds about as many persons on test."""
    if experiment.recalls is None:
        return finding("threshold-transfer", "warning", None)
    lost = [
        f"{name} ({one.val:.3f} → {one.test:.3f})"
        for name, one in experiment.recalls.items()
        if one.test <= LEAST_KEPT * one.val and one.val > 0
    ]
    facts: dict[str, Any] = {"names": lost, "runs": len(experiment.recalls)}
    return finding("threshold-transfer", "warning", not lost, **facts)


def labels_are_in_place(experiment: Experiment) -> Finding:
    """Boxes that lie near the persons of test and on none of them: the labels may be shifted."""
    if not experiment.placements:
        return finding("shifted-labels", "warning", None)
    suspected = [
        f"{name} ({one.loose:.3f} / {one.strict:.3f})"
        for name, one in experiment.placements.items()
        if _is_shifted(one)
    ]
    passed = len(suspected) < len(experiment.placements)
    facts: dict[str, Any] = {"names": suspected, "runs": len(experiment.placements)}
    return finding("shifted-labels", "warning", passed, **facts)


def _is_shifted(found: Placement) -> bool:
    kept = found.loose >= LOOSELY_KEPT * found.val
    return found.val > 0 and kept and found.strict <= LEAST_KEPT * found.val


def no_overlap(experiment: Experiment) -> Finding:
    """No image of the evaluation was seen in training."""
    if experiment.overlaps is None:
        return finding("overlap", "warning", None)
    # A picture that a split holds twice is another matter.
    found = [note.model_dump() for note in experiment.overlaps if note.id in LEAKS]
    return finding("overlap", "warning", not found, notes=found)


def images_are_independent(experiment: Experiment) -> Finding:
    """The split that the claim is made on holds many independent images, not many of one scene."""
    splits, claimed = experiment.splits, experiment.claimed_on
    split = splits.get(claimed) if splits and claimed else None
    if split is None or split.groups is None:
        return finding("independent-images", "warning", None)
    alike = split.groups * SAME_SCENE < split.images
    few = split.groups < FEWEST_GROUPS
    return finding(
        "independent-images",
        "blocking" if alike and few else "warning",
        not alike,
        images=split.images,
        groups=split.groups,
    )


def groups_are_whole(experiment: Experiment) -> Finding:
    """No group of images that belong together lies in two splits."""
    cut = experiment.cut_groups
    passed = None if cut is None else not cut
    return finding("cut-group", "blocking", passed, names=cut or [])


def labels_are_single(experiment: Experiment) -> Finding:
    """No person is labelled twice: the second label can never be found."""
    doubled = experiment.doubled_labels
    passed = None if doubled is None else not doubled
    return finding("doubled-labels", "warning", passed, names=doubled or [])


def new_to_the_start(experiment: Experiment) -> Finding:
    """The starting model was not trained on these images."""
    known = experiment.known_to_the_start
    return finding("pretraining", "warning", None if known is None else not known)


def policy_was_kept(experiment: Experiment) -> Finding:
    """The policy is the one that stood before the test was opened."""
    changes = experiment.policy_changes
    if changes is None:
        return finding("policy-frozen", "warning", None)
    return finding("policy-frozen", "warning", not changes.times, changes=changes.model_dump())


CHECKS = (
    threshold_transfers,
    selected_elsewhere,
    policy_was_kept,
    enough_images,
    beyond_the_seeds,
    no_overlap,
    images_are_independent,
    groups_are_whole,
    labels_are_single,
    labels_are_in_place,
    new_to_the_start,
    untrained_was_compared,
)
