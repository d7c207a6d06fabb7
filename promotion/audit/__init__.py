"""The audit: flaws that would make an experiment's comparison worthless, whoever made it."""

from promotion.audit.checks import audit
from promotion.audit.experiment import (
    AuditedRun,
    Experiment,
    OperatingFacts,
    RecallCounts,
    experiment_of,
    known_to_the_start,
)
from promotion.audit.finding import Finding
from promotion.audit.foreign import read_experiment

__all__ = [
    "AuditedRun",
    "Experiment",
    "Finding",
    "OperatingFacts",
    "RecallCounts",
    "audit",
    "experiment_of",
    "known_to_the_start",
    "read_experiment",
]
