"""The canary: the registered version on production pictures, and what came of it."""

from promotion.canary.run import CanaryResult, Course
from promotion.canary.stability import (
    CRITERIA,
    FREE,
    METRICS,
    PERCENTILE,
    SIDES,
    CanaryVerdict,
    Criterion,
    Look,
)
from promotion.canary.trial import (
    Trial,
    conclude,
    facts_of,
    open_trial,
    record_canary,
    run_trial,
    seen_by_both,
    telling_pictures,
)

__all__ = [
    "CRITERIA",
    "FREE",
    "METRICS",
    "PERCENTILE",
    "SIDES",
    "CanaryResult",
    "CanaryVerdict",
    "Course",
    "Criterion",
    "Look",
    "Trial",
    "conclude",
    "facts_of",
    "open_trial",
    "record_canary",
    "run_trial",
    "seen_by_both",
    "telling_pictures",
]
