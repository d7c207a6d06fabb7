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
from promotion.decision.tipping import Demand, TippingPoint, Turn, tipping_points

__all__ = [
    "EXIT_CODES",
    "Decision",
    "Demand",
    "Gate",
    "ObjectiveOutcome",
    "Side",
    "TippingPoint",
    "Turn",
    "Verdict",
    "decide",
    "measure",
    "next_steps_of",
    "risks_of",
    "tipping_points",
]
