"""Audits the experiment itself: flaws that would make its comparison worthless.

A check passes, fails, or says that what it needs is not known. Each has a section of its own in
`book/audit.md`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence

from scipy.stats import norm

from promotion.audit.experiment import AuditedRun, Experiment
from promotion.audit.finding import Finding, Severity
from promotion.comparison import newcombe_interval, persons_needed
from promotion.datasets import LEAKS
from promotion.detection import LOWEST_THRESHOLD
from promotion.metrics import METRICS

FEWEST_SEEDS = 3
# Nearer than this, two runs are one: training has no such luck.
SAME_METRIC = 1e-9
# An image that shows nearly as many boxes as it may shows all that the detector imagines.
NEAR_CAP = 0.95
FAIR_POWER = 0.8
# So many boxes for each person found: a detector that shows everything.
MOST_BOXES_A_PERSON = 20


def audit(experiment: Experiment) -> list[Finding]:
    """Every check on the experiment: passed, failed, or not to be told."""
    return [check(experiment) for check in CHECKS]


def _finding(
    identity: str, severity: Severity, passed: bool | None, said: str = "", **facts: object
) -> Finding:
    outcome = {True: "passed", False: "failed", None: "unknown"}[passed]
    return Finding(id=identity, severity=severity, passed=passed, said=said or outcome, facts=facts)


def _joined(groups: Sequence[Sequence[str]]) -> list[str]:
    return [" = ".join(group) for group in groups]


def _complete_grid(experiment: Experiment) -> Finding:
    names = list(experiment.missing)
    total = len(experiment.runs) + len(experiment.missing)
    return _finding("complete-grid", "warning", not names, names=names, total=total)


def _twins(
    runs: Sequence[AuditedRun], alike: Callable[[AuditedRun, AuditedRun], bool]
) -> list[list[str]]:
    """Groups of runs with the same weights, or where these are not known the same metrics."""
    groups: list[list[AuditedRun]] = []
    for run in runs:
        home = next((g for g in groups if _same(g[0], run) and alike(g[0], run)), None)
        if home is None:
            groups.append([run])
        else:
            home.append(run)
    return [[run.name for run in group] for group in groups if len(group) > 1]


def _same(one: AuditedRun, other: AuditedRun) -> bool:
    if one.parameters is not None and other.parameters is not None:
        return one.parameters == other.parameters
    shared = [name for name in METRICS if name in one.metrics and name in other.metrics]
    return bool(shared) and all(
        abs(one.metrics[name] - other.metrics[name]) < SAME_METRIC for name in shared
    )


def _parameters_have_an_effect(experiment: Experiment) -> Finding:
    """Runs of different configurations that are one and the same."""
    if len({run.configuration for run in experiment.runs}) < 2:
        return _finding("parameter-effect", "blocking", None)
    twins = _twins(experiment.runs, lambda a, b: a.configuration != b.configuration)
    return _finding(
        "parameter-effect", "blocking", not twins, names=[" = ".join(group) for group in twins]
    )


def _applied_as_requested(experiment: Experiment) -> Finding:
    differences, known = [], False
    for run in experiment.runs:
        for key, applied in run.applied.items():
            asked = run.asked.get(key)
            if asked is None or (key, asked) == ("optimizer", "auto"):
                continue
            known = True
            if not _equal(asked, applied):
                differences.append(f"{run.name} ({key} {asked} → {applied})")
        # Ultralytics chooses the learning rate itself when it chooses the optimizer.
        if not run.applied and run.asked.get("optimizer") == "auto" and "lr0" in run.asked:
            known = True
            differences.append(f"{run.name} (lr0 {run.asked['lr0']}, optimizer auto)")
    passed = None if not known else not differences
    return _finding("applied-as-requested", "blocking", passed, names=differences)


def _equal(asked: str, applied: str) -> bool:
    try:
        return float(asked) == float(applied)
    except ValueError:
        return asked.lower() == applied.lower()


def _measured_on_the_artifact(experiment: Experiment) -> Finding:
    known = [run for run in experiment.runs if run.registrable and run.measured]
    others = [run for run in known if run.registrable != run.measured]
    names = [f"{run.name} ({run.measured} ≠ {run.registrable})" for run in others]
    passed = not others if known else None
    return _finding("measured-artifact", "blocking", passed, names=names)


def _operating_point(experiment: Experiment) -> Finding:
    found = experiment.operating
    full = found is not None and found.boxes_per_image >= NEAR_CAP * found.most_boxes
    if found is None or (found.threshold is None and not full):
        return _boxes_a_person(experiment)
    low = found.threshold is not None and found.threshold < LOWEST_THRESHOLD
    return _finding(
        "operating-point",
        "blocking",
        not (full or low),
        boxes=found.boxes_per_image,
        most=found.most_boxes,
        threshold=found.threshold,
    )


def _boxes_a_person(experiment: Experiment) -> Finding:
    """Without the threshold, the precision still tells how many boxes go with a person found."""
    shares = [run.metrics["precision"] for run in experiment.runs if "precision" in run.metrics]
    if not shares:
        return _finding("operating-point", "blocking", None)
    most = 1 / max(min(shares), 1e-9)
    return _finding(
        "operating-point",
        "blocking",
        most < MOST_BOXES_A_PERSON,
        said="precision",
        precision=min(shares),
        boxes=most,
    )


def _enough_images(experiment: Experiment) -> Finding:
    """Whether the split can tell the claimed difference from chance."""
    counts, claim = experiment.counts, experiment.claim
    if counts is not None:
        low, high = newcombe_interval(
            counts.candidate, counts.baseline, counts.persons, experiment.confidence
        )
        difference = (counts.candidate - counts.baseline) / counts.persons
        shares = counts.candidate / counts.persons, counts.baseline / counts.persons
        return _finding(
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
        return _finding("enough-images", "warning", None)
    first, split = claim.comparison[0], experiment.splits[experiment.claimed_on]
    # Images alone: what the seeds add is another check's affair.
    reach = float(norm.ppf((1 + experiment.confidence) / 2)) * first.image_error
    times = (reach / first.difference) ** 2 if first.difference else math.inf
    return _finding(
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
    return None if math.isinf(persons) else round(persons)


def _untrained_was_compared(experiment: Experiment) -> Finding:
    """The starting model is among the alternatives, and does not beat the candidate."""
    found = experiment.untrained
    if found is None:
        return _finding("untrained", "warning", False, said="absent")
    beaten = found.probability_better <= 1 - experiment.confidence
    return _finding(
        "untrained",
        "blocking",
        not beaten,
        metric=found.metric,
        candidate=found.candidate,
        untrained=found.baseline,
        interval=found.interval,
    )


def _no_overlap(experiment: Experiment) -> Finding:
    if experiment.overlaps is None:
        return _finding("overlap", "warning", None)
    # A picture that a split holds twice is another matter.
    found = [note.model_dump() for note in experiment.overlaps if note.id in LEAKS]
    return _finding("overlap", "warning", not found, notes=found)


def _new_to_the_start(experiment: Experiment) -> Finding:
    known = experiment.known_to_the_start
    return _finding("pretraining", "warning", None if known is None else not known)


def _enough_seeds(experiment: Experiment) -> Finding:
    claim = experiment.claim
    seeds: dict[tuple[tuple[str, str], ...], set[int]] = defaultdict(set)
    compared = set()
    for run in experiment.runs:
        if run.seed is not None:
            seeds[run.configuration].add(run.seed)
        if claim is None or run.name in (claim.candidate, claim.baseline):
            compared.add(run.configuration)
    fewest = min((len(seeds[one]) for one in compared if one in seeds), default=None)
    passed = None if fewest is None else fewest >= FEWEST_SEEDS
    return _finding("enough-seeds", "warning", passed, fewest=fewest)


def _seeds_differ(experiment: Experiment) -> Finding:
    """Seeds of one configuration that give the same run tell nothing of its stability."""
    if len({run.seed for run in experiment.runs}) < 2:
        return _finding("seed-effect", "blocking", None)
    twins = _twins(
        experiment.runs, lambda a, b: a.configuration == b.configuration and a.seed != b.seed
    )
    return _finding(
        "seed-effect", "blocking", not twins, names=[" = ".join(group) for group in twins]
    )


def _metrics_of_the_contract(experiment: Experiment) -> Finding:
    """Every run has the lab's four metrics, and they are shares."""
    faults = []
    for run in experiment.runs:
        absent = [name for name in METRICS if name not in run.metrics]
        beyond = [
            f"{name} = {run.metrics[name]:.3f}"
            for name in METRICS
            if name in run.metrics and not 0 <= run.metrics[name] <= 1
        ]
        if absent or beyond:
            faults.append(f"{run.name} ({', '.join([*absent, *beyond])})")
    return _finding("metric-contract", "blocking", not faults, names=faults)


def _one_dataset_and_code(experiment: Experiment) -> Finding:
    datasets = {run.dataset for run in experiment.runs if run.dataset}
    codes = {run.code for run in experiment.runs if run.code}
    passed = None if not datasets and not codes else len(datasets) <= 1 and len(codes) <= 1
    return _finding("same-conditions", "blocking", passed, datasets=len(datasets), codes=len(codes))


def _constraints_were_measured(experiment: Experiment) -> Finding:
    """Each constraint stated in the policy has a number in every run."""
    # The spread over seeds is no run's own; that there are seeds is another check's affair.
    unmeasured = [
        constraint
        for constraint, measure in experiment.constraints.items()
        if measure != "seed_spread" and not all(measure in run.metrics for run in experiment.runs)
    ]
    passed = not unmeasured if experiment.constraints else None
    return _finding("constraints", "blocking", passed, names=unmeasured)


def _selected_elsewhere(experiment: Experiment) -> Finding:
    selected, claimed = experiment.selected_on, experiment.claimed_on
    if selected is None or claimed is None:
        return _finding("selection-split", "blocking", None)
    return _finding(
        "selection-split",
        "blocking",
        claimed != selected,
        selected=selected,
        claimed=claimed,
    )


CHECKS: tuple[Callable[[Experiment], Finding], ...] = (
    _complete_grid,
    _metrics_of_the_contract,
    _one_dataset_and_code,
    _applied_as_requested,
    _parameters_have_an_effect,
    _seeds_differ,
    _enough_seeds,
    _measured_on_the_artifact,
    _operating_point,
    _selected_elsewhere,
    _enough_images,
    _no_overlap,
    _new_to_the_start,
    _untrained_was_compared,
    _constraints_were_measured,
)
