"""Execution: notebooks run by papermill, some at once, nothing twice."""

from promotion.execution.backends import Backend, check_backend
from promotion.execution.batch import default_jobs, only_one, run_variants, variant_steps
from promotion.execution.fingerprint import fingerprint, showing_code
from promotion.execution.lifetime import end_children
from promotion.execution.step import (
    Outcome,
    Step,
    StudyFile,
    close_interrupted,
    raise_if_failed,
    run_step,
)

__all__ = [
    "Backend",
    "Outcome",
    "Step",
    "StudyFile",
    "check_backend",
    "close_interrupted",
    "default_jobs",
    "end_children",
    "fingerprint",
    "only_one",
    "raise_if_failed",
    "run_step",
    "run_variants",
    "showing_code",
    "variant_steps",
]
