"""Audits the experiment itself: flaws that would make its comparison worthless.

A check passes, fails, or says that what it needs is not known. Each has a section of its own in
`book/audit.md`.
"""

from __future__ import annotations

from collections.abc import Callable

from promotion.audit import claims, grid, measures
from promotion.audit.experiment import Experiment
from promotion.audit.finding import Finding

CHECKS: tuple[Callable[[Experiment], Finding], ...] = (
    grid.complete_grid,
    measures.runs_are_not_empty,
    measures.metrics_of_the_contract,
    measures.metrics_in_range,
    grid.metrics_are_their_own,
    measures.one_dataset_and_code,
    measures.one_machine,
    measures.applied_as_requested,
    grid.parameters_have_an_effect,
    grid.seeds_differ,
    grid.enough_seeds,
    grid.seeds_are_balanced,
    measures.measured_on_the_artifact,
    measures.artifacts_are_intact,
    measures.operating_point,
    claims.threshold_transfers,
    claims.selected_elsewhere,
    claims.policy_was_kept,
    claims.enough_images,
    claims.beyond_the_seeds,
    claims.no_overlap,
    claims.images_are_independent,
    claims.groups_are_whole,
    claims.labels_are_single,
    claims.labels_are_in_place,
    claims.new_to_the_start,
    claims.untrained_was_compared,
    measures.constraints_were_measured,
)


def audit(experiment: Experiment) -> list[Finding]:
    """Every check on the experiment: passed, failed, or not to be told."""
    return [check(experiment) for check in CHECKS]
