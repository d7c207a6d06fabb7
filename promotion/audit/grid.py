"""Checks on what was run: the grid, its parameters, its seeds, and runs that repeat another."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

from promotion.audit.experiment import AuditedRun, Experiment
from promotion.audit.finding import Finding, finding
from promotion.audit.names import is_result
from promotion.audit.sameness import (
    Group,
    Likeness,
    copies,
    likeness,
    pairs_by_parameter,
    pairs_by_seed,
    sweep_of,
)

FEWEST_SEEDS = 3
# A grid with fewer than half of its places taken was never meant as a grid.
LEAST_FILLED = 0.5


def complete_grid(experiment: Experiment) -> Finding:
    """Whether every variant has a run: as planned, or as the grid of the runs' own settings."""
    names = list(experiment.missing)
    total = experiment.planned or len(experiment.runs) + len(names)
    facts: dict[str, Any] = {"total": total, "aside": len(experiment.aside)}
    holes = _holes(experiment.runs) if experiment.planned is None else []
    if holes is not None and len(holes) > len(names):
        names += holes
    if names:
        return finding("complete-grid", "warning", False, names=names, **facts)
    if holes is None:
        return finding("complete-grid", "warning", None, **facts)
    said = "passed" if experiment.planned is not None else "inferred"
    return finding("complete-grid", "warning", True, said=said, **facts)


def _holes(runs: Sequence[AuditedRun]) -> list[str] | None:
    """The places of the grid of all values that no run takes; None where the runs make no grid."""
    sweep = sweep_of(runs)
    names, rows = list(sweep.names), [list(values) for values in sweep.values]
    if all(run.seed is not None for run in runs):
        names.append("seed")
        for row, run in zip(rows, runs, strict=True):
            row.append(str(run.seed))
    taken = {tuple(row) for row in rows}
    values = [list(dict.fromkeys(column)) for column in zip(*rows, strict=True)]
    places = math.prod(len(one) for one in values)
    # What varies in one thing alone fills its line, whatever is missing.
    if len(names) < 2 or len(taken) < LEAST_FILLED * places:
        return None
    return [told(names, place) for place in product(*values) if place not in taken]


def told(names: Sequence[str], values: Sequence[str]) -> str:
    """A configuration in a line: each swept setting with its value."""
    return ", ".join(f"{name}={value}" for name, value in zip(names, values, strict=True))


def parameters_have_an_effect(experiment: Experiment) -> Finding:
    """Runs that differ in one swept parameter alone, and are one and the same."""
    runs = experiment.runs
    sweep = sweep_of(runs)
    metrics = compared_metrics(runs)
    if not sweep.names:
        looked = len({key for run in runs for key in run.asked})
        return finding("parameter-effect", "blocking", None, runs=len(runs), parameters=looked)
    found = {
        name: likeness(pairs_by_parameter(runs, sweep, index))
        for index, name in enumerate(sweep.names)
    }
    idle = [name for name, one in found.items() if one.twins]
    twins = sorted({group for one in found.values() for group in one.twins} | _same_weights(runs))
    if twins:
        whole = idle and not any(found[name].differing for name in idle)
        said = "failed" if whole else "partial"
        return finding(
            "parameter-effect",
            "blocking",
            False,
            said=said,
            parameters=idle or list(sweep.names),
            names=joined(twins),
        )
    effective = [name for name, one in found.items() if one.differing]
    others = [name for name in found if name not in effective]
    facts: dict[str, Any] = {"effective": effective, "others": others, "metrics": metrics}
    if not others:
        return finding("parameter-effect", "blocking", True, **facts)
    said = _why_open([found[name] for name in others], metrics)
    if effective:
        said = "partly"
    alike = joined([group for name in others for group in found[name].coarse])
    return finding("parameter-effect", "blocking", None, said=said, names=alike, **facts)


def _same_weights(runs: Sequence[AuditedRun]) -> set[Group]:
    """Runs of different settings with one and the same weights, whatever else they differ in."""
    groups: dict[str, dict[object, str]] = defaultdict(dict)
    for run in runs:
        if run.parameters is not None:
            groups[run.parameters].setdefault(run.configuration, run.name)
    return {tuple(sorted(one.values())) for one in groups.values() if len(one) > 1}


def _why_open(found: Sequence[Likeness], metrics: Sequence[str]) -> str:
    """Why nothing can be said: no metric to compare, runs too far apart, or digits too few."""
    if any(one.coarse for one in found):
        return "coarse"
    return "apart" if metrics else "unreadable"


def compared_metrics(runs: Iterable[AuditedRun]) -> list[str]:
    """The results by which runs can be compared, of all runs."""
    return sorted({name for run in runs for name in run.metrics if is_result(name)})


def joined(groups: Iterable[Group]) -> list[str]:
    """Runs that are one, in a line each."""
    return [" = ".join(group) for group in dict.fromkeys(groups)]


def seeds_differ(experiment: Experiment) -> Finding:
    """Seeds of one configuration that give the same run tell nothing of its stability."""
    groups = list(pairs_by_seed(experiment.runs, sweep_of(experiment.runs)))
    metrics = compared_metrics(experiment.runs)
    if not groups:
        return finding("seed-effect", "blocking", None)
    found = likeness(groups)
    if found.twins:
        return finding("seed-effect", "blocking", False, names=joined(found.twins))
    if found.coarse or not found.compared:
        said = _why_open([found], metrics)
        said = "unreadable" if said == "apart" else said
        return finding("seed-effect", "blocking", None, said=said, names=joined(found.coarse))
    return finding("seed-effect", "blocking", True, metrics=metrics)


def enough_seeds(experiment: Experiment) -> Finding:
    """At least three seeds for each configuration that is compared."""
    seeds = _seeds_by_configuration(experiment)
    known = {one: found for one, found in seeds.items() if found}
    fewest = min(map(len, known.values()), default=None)
    passed = None if fewest is None else fewest >= FEWEST_SEEDS
    if passed and len(known) < len(seeds):
        return finding(
            "enough-seeds", "warning", None, said="partly", known=len(known), total=len(seeds)
        )
    return finding("enough-seeds", "warning", passed, fewest=fewest)


def seeds_are_balanced(experiment: Experiment) -> Finding:
    """The compared configurations have the same seeds, so that none had a luckier draw."""
    seeds = {one: found for one, found in _seeds_by_configuration(experiment).items() if found}
    if len(seeds) < 2:
        return finding("seed-balance", "warning", None)
    every = set().union(*seeds.values())
    if len(every) > 1 and not set.intersection(*seeds.values()):
        return finding("seed-balance", "warning", None, said="disjoint", seeds=len(every))
    short = [
        f"{one} ({', '.join(map(str, sorted(every - found)))})"
        for one, found in seeds.items()
        if found != every
    ]
    return finding("seed-balance", "warning", not short, names=short, seeds=len(every))


def _seeds_by_configuration(experiment: Experiment) -> Mapping[str, set[int]]:
    """The known seeds of each configuration that is compared; of all without a claim."""
    claim, sweep = experiment.claim, sweep_of(experiment.runs)
    rows = list(zip(experiment.runs, sweep.values, strict=True))
    sides = claim and (claim.candidate, claim.baseline)
    compared = {values for run, values in rows if sides is None or run.name in sides}
    seeds: dict[str, set[int]] = {told(sweep.names, values): set() for values in compared}
    for run, values in rows:
        if values in compared and run.seed is not None:
            seeds[told(sweep.names, values)].add(run.seed)
    return dict(sorted(seeds.items()))


def metrics_are_their_own(experiment: Experiment) -> Finding:
    """A run whose every number is another's was never measured."""
    runs = experiment.runs
    if len(runs) < 2 or not any(run.metrics for run in runs):
        return finding("copied-metrics", "blocking", None)
    names = joined(copies(runs, sweep_of(runs)))
    return finding("copied-metrics", "blocking", not names, names=names, runs=len(runs))


CHECKS = (
    complete_grid,
    metrics_are_their_own,
    parameters_have_an_effect,
    seeds_differ,
    enough_seeds,
    seeds_are_balanced,
)
