"""Audits the experiment itself: flaws that would make its comparison worthless."""

from __future__ import annotations

from collections import defaultdict

from promotion.decision import AuditFinding
from promotion.evidence import Evidence, RunFacts
from promotion.texts import number, text

FEWEST_SEEDS = 3


def audit(evidence: Evidence) -> list[AuditFinding]:
    """Every check on the experiment, passed or not."""
    return [
        _complete_grid(evidence),
        _enough_seeds(evidence),
        _parameters_have_an_effect(evidence),
        _applied_as_requested(evidence),
    ]


def _finding(identity: str, severity: str, passed: bool, **facts: object) -> AuditFinding:
    outcome = "passed" if passed else "failed"
    message = text(f"audit.{identity}.{outcome}").format(**facts)
    return AuditFinding.model_validate(
        {"id": identity, "severity": severity, "passed": passed, "message": message}
    )


def _complete_grid(evidence: Evidence) -> AuditFinding:
    names = ", ".join(variant.run_name for variant in evidence.failed)
    total = len(evidence.runs) + len(evidence.failed)
    return _finding("complete-grid", "warning", not names, names=names, total=total)


def _enough_seeds(evidence: Evidence) -> AuditFinding:
    compared = (evidence.candidate_configuration, evidence.baseline_configuration)
    fewest = min(len(evidence.configuration(name).seeds) for name in compared)
    return _finding("enough-seeds", "warning", fewest >= FEWEST_SEEDS, fewest=fewest)


def _parameters_have_an_effect(evidence: Evidence) -> AuditFinding:
    """Runs that differ in their parameters but not in their weights."""
    groups: dict[str, list[RunFacts]] = defaultdict(list)
    for run in evidence.runs:
        groups[run.parameters_sha256].append(run)
    twins = [[run.run_name for run in runs] for runs in groups.values() if len(runs) > 1]
    names = "; ".join(" = ".join(group) for group in twins)
    return _finding("parameter-effect", "blocking", not twins, names=names)


def _applied_as_requested(evidence: Evidence) -> AuditFinding:
    differences = []
    for run in evidence.runs:
        for key in ("lr0", "imgsz", "epochs", "batch", "seed"):
            asked, applied = run.params.get(key), run.params.get(f"applied_{key}")
            if asked and applied and float(asked) != float(applied):
                shown = f"{key} {number(float(asked), 6)} → {number(float(applied), 6)}"
                differences.append(f"{run.run_name} ({shown})")
    return _finding(
        "applied-as-requested", "blocking", not differences, names="; ".join(differences)
    )
