"""The decision: the policy applied to the evidence, and nothing that comes after it."""

from promotion.decision.advice import next_steps_of, risks_of
from promotion.decision.decision import (
    EXIT_CODES,
    Decision,
    Gate,
    ObjectiveOutcome,
    Side,
    Verdict,
    decide,
    measure,
)
from promotion.decision.sensitivity import Alternative, sensitivity

__all__ = [
    "EXIT_CODES",
    "Alternative",
    "Decision",
    "Gate",
    "ObjectiveOutcome",
    "Side",
    "Verdict",
    "decide",
    "measure",
    "next_steps_of",
    "risks_of",
    "sensitivity",
]
