"""Checks on what was measured: which metrics, in which range, of which weights, where and how."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from promotion.audit.experiment import AuditedRun, Experiment
from promotion.audit.finding import Finding, Severity, finding
from promotion.audit.grid import compared_metrics
from promotion.audit.names import is_cost, tokens
from promotion.audit.sameness import is_finite
from promotion.detection import LOWEST_THRESHOLD
from promotion.metrics import COSTS, METRICS

# An image that shows nearly as many boxes as it may shows all that the detector imagines.
NEAR_CAP = 0.95
# So many boxes for each person found: a detector that shows everything.
MOST_BOXES_A_PERSON = 20


def metrics_of_the_contract(experiment: Experiment) -> Finding:
    """Every run has the lab's four metrics, and they are shares; of others, the same metrics."""
    logged = any(run.metrics for run in experiment.runs)
    if logged and not experiment.detects:
        return _same_metrics(experiment.runs)
    nowhere = [
        name
        for name in METRICS
        if logged and all(name not in run.metrics for run in experiment.runs)
    ]
    faults = []
    for run in experiment.runs:
        absent = [name for name in METRICS if name not in run.metrics and name not in nowhere]
        beyond = [
            f"{name} = {run.metrics[name]:.6g}"
            for name in METRICS
            if is_finite(run.metrics.get(name, 0.0)) and run.metrics.get(name, 0.0) > 1
        ]
        if absent or beyond:
            faults.append(f"{run.name} ({', '.join([*absent, *beyond])})")
    if nowhere and not faults:
        return finding("metric-contract", "blocking", None, names=nowhere)
    return finding("metric-contract", "blocking", not faults, names=faults)


def _same_metrics(runs: Sequence[AuditedRun]) -> Finding:
    """Whether runs that detect nothing have the same metrics: those that at least half have."""
    counts = Counter(name for run in runs for name in run.metrics)
    usual = sorted(name for name, count in counts.items() if 2 * count >= len(runs))
    faults = []
    for run in runs:
        absent = [name for name in usual if name not in run.metrics]
        if absent:
            faults.append(f"{run.name} ({', '.join(absent)})")
    said = "uneven" if faults else "even"
    return finding("metric-contract", "warning", not faults, said=said, names=faults, metrics=usual)


def metrics_in_range(experiment: Experiment) -> Finding:
    """No metric is NaN or infinite, and no share and no cost is negative."""
    faults, blocking = [], False
    for run in experiment.runs:
        for name, value in run.metrics.items():
            known = name in METRICS or name in COSTS
            if not is_finite(value) or (value < 0 and (known or is_cost(name))):
                faults.append(f"{run.name} ({name} = {_shown(value)})")
                blocking = blocking or known
    looked = sum(len(run.metrics) for run in experiment.runs)
    if not looked:
        return finding("metric-range", "blocking", None)
    severity: Severity = "warning" if faults and not blocking else "blocking"
    return finding("metric-range", severity, not faults, names=faults, looked=looked)


def _shown(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return f"{value:.6g}" if is_finite(value) else f"{'-' if value < 0 else ''}∞"


def runs_are_not_empty(experiment: Experiment) -> Finding:
    """A run that ended well without a metric, an image, a detection or a plot did nothing."""
    empty, counted = [], True
    for run in experiment.runs:
        counts = {"images": run.images, "detections": run.detections, "plots": run.plots}
        none = [name for name, count in counts.items() if count == 0]
        if not run.metrics:
            none.append("metrics")
        if none:
            empty.append(f"{run.name} ({', '.join(f'{name} = 0' for name in none)})")
        counted = counted and run.images is not None
    if empty:
        return finding("empty-run", "blocking", False, names=empty)
    runs = len(experiment.runs)
    return finding("empty-run", "blocking", True if counted else None, runs=runs)


def one_dataset_and_code(experiment: Experiment) -> Finding:
    """All runs saw the same data and went through the same code."""
    runs = experiment.runs
    datasets = {run.dataset for run in runs if run.dataset}
    codes = {run.code for run in runs if run.code}
    facts: dict[str, Any] = {"datasets": len(datasets), "codes": len(codes)}
    if len(datasets) > 1 or len(codes) > 1:
        return finding("same-conditions", "blocking", False, **facts)
    if not datasets and not codes:
        return finding("same-conditions", "blocking", None, **facts)
    with_data = sum(bool(run.dataset) for run in runs)
    with_code = sum(bool(run.code) for run in runs)
    if with_data == with_code == len(runs):
        return finding("same-conditions", "blocking", True, **facts)
    counts: dict[str, Any] = {"data": with_data, "code": with_code, "total": len(runs)}
    return finding("same-conditions", "blocking", None, said="partly", **counts)


def applied_as_requested(experiment: Experiment) -> Finding:
    """The settings read back after a training are those that were asked for."""
    differences, known = [], 0
    for run in experiment.runs:
        checked = {
            key: (run.asked[key], applied)
            for key, applied in run.applied.items()
            if key in run.asked and (key, run.asked[key]) != ("optimizer", "auto")
        }
        known += bool(checked)
        for key, (asked, applied) in checked.items():
            if not _equal(asked, applied):
                differences.append(f"{run.name} ({key} {asked} → {applied})")
        # Ultralytics chooses the learning rate itself when it chooses the optimizer.
        if not run.applied and run.asked.get("optimizer") == "auto" and "lr0" in run.asked:
            known += 1
            differences.append(f"{run.name} (lr0 {run.asked['lr0']}, optimizer auto)")
    return _of_those_known("applied-as-requested", experiment, differences, known)


def _equal(asked: str, applied: str) -> bool:
    try:
        return float(asked) == float(applied)
    except ValueError:
        return asked.lower() == applied.lower()


def _of_those_known(
    identity: str, experiment: Experiment, faults: Sequence[str], known: int
) -> Finding:
    """What a blocking check says that could look at `known` runs of all: one fault is enough."""
    total = len(experiment.runs)
    if faults or not known:
        return finding(identity, "blocking", False if faults else None, names=list(faults))
    if known < total:
        return finding(identity, "blocking", None, said="partly", known=known, total=total)
    return finding(identity, "blocking", True)


def measured_on_the_artifact(experiment: Experiment) -> Finding:
    """The metrics are of the weights that can be registered."""
    known = [run for run in experiment.runs if run.registrable and run.measured]
    others = [run for run in known if run.registrable != run.measured]
    names = [f"{run.name} ({run.measured} ≠ {run.registrable})" for run in others]
    return _of_those_known("measured-artifact", experiment, names, len(known))


def artifacts_are_intact(experiment: Experiment) -> Finding:
    """The registrable file is still the one whose checksum was taken when it was measured."""
    known = [run for run in experiment.runs if run.stored and _is_checksum(run.registrable)]
    others = [run for run in known if run.stored != run.registrable]
    names = [f"{run.name} ({_short(run.registrable)} → {_short(run.stored)})" for run in others]
    return _of_those_known("artifact-intact", experiment, names, len(known))


def _is_checksum(registrable: str | None) -> bool:
    """Whether the registrable weights are named by their checksum, not by their epoch."""
    return registrable is not None and not registrable.startswith("epoch ")


def _short(checksum: str | None) -> str:
    return (checksum or "")[:12]


def one_machine(experiment: Experiment) -> Finding:
    """Latencies are compared on one and the same machine."""
    timed = [run for run in experiment.runs if any(map(_is_latency, run.metrics))]
    if not timed:
        return finding("same-hardware", "warning", None, said="untimed")
    machines = sorted({run.hardware for run in timed if run.hardware})
    if len(machines) > 1:
        return finding("same-hardware", "warning", False, names=machines)
    if not machines or not all(run.hardware for run in timed):
        return finding("same-hardware", "warning", None)
    return finding("same-hardware", "warning", True, names=machines)


def _is_latency(name: str) -> bool:
    return bool({"latency", "fps", "throughput", "speed"}.intersection(tokens(name)))


def operating_point(experiment: Experiment) -> Finding:
    """Precision and recall were read at a threshold that somebody could work at."""
    found = experiment.operating
    full = found is not None and found.boxes_per_image >= NEAR_CAP * found.most_boxes
    if found is None or (found.threshold is None and not full):
        return _boxes_a_person(experiment)
    low = found.threshold is not None and found.threshold < LOWEST_THRESHOLD
    return finding(
        "operating-point",
        "blocking",
        not (full or low),
        boxes=found.boxes_per_image,
        most=found.most_boxes,
        threshold=found.threshold,
    )


def _boxes_a_person(experiment: Experiment) -> Finding:
    """Without the threshold, the precision still tells how many boxes go with a person found."""
    logged = [run.metrics["precision"] for run in experiment.runs if "precision" in run.metrics]
    # Where none was found there are no boxes a person.
    shares = [share for share in logged if is_finite(share) and share > 0]
    if not experiment.detects or not shares:
        said = "unknown" if experiment.detects else "no_detector"
        metrics = compared_metrics(experiment.runs)
        return finding("operating-point", "blocking", None, said=said, metrics=metrics)
    most = 1 / min(shares)
    return finding(
        "operating-point",
        "blocking",
        most < MOST_BOXES_A_PERSON,
        said="precision",
        precision=min(shares),
        boxes=most,
    )


def constraints_were_measured(experiment: Experiment) -> Finding:
    """Each constraint stated in the policy has a number in every run."""
    # The spread over seeds is no run's own; that there are seeds is another check's affair.
    unmeasured = [
        constraint
        for constraint, measure in experiment.constraints.items()
        if measure != "seed_spread" and not all(measure in run.metrics for run in experiment.runs)
    ]
    passed = not unmeasured if experiment.constraints else None
    return finding("constraints", "blocking", passed, names=unmeasured)


CHECKS = (
    runs_are_not_empty,
    metrics_of_the_contract,
    metrics_in_range,
    one_dataset_and_code,
    one_machine,
    applied_as_requested,
    measured_on_the_artifact,
    artifacts_are_intact,
    operating_point,
    constraints_were_measured,
)
