"""Audits the experiment itself: flaws that would make its comparison worthless.

A check passes, fails, or says that what it needs is not known. Each has a section of its own in
`book/audit.md`.
"""

from __future__ import annotations

from promotion.audit import claims, grid, measures
from promotion.audit.experiment import Experiment
from promotion.audit.finding import Finding

CHECKS = (*grid.CHECKS, *measures.CHECKS, *claims.CHECKS)


def audit(experiment: Experiment) -> list[Finding]:
    """Every check on the experiment: passed, failed, or not to be told."""
    return [check(experiment) for check in CHECKS]
