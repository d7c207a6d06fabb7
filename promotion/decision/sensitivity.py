"""Which other policies would have led to another verdict."""

from __future__ import annotations

from collections.abc import Sequence

from promotion.audit import Finding
from promotion.comparison import Evidence
from promotion.decision.decision import Verdict, decide
from promotion.facts import Fact
from promotion.study import GateRule, Policy

# How much a stricter policy asks for, and a looser one: of the gain, of the gates, in confidence.
STRICTER, LOOSER = 1.5, 0.5
GATE_STEP = 0.1
CONFIDENCES = {"looser": 0.9, "stricter": 0.99}


class Alternative(Fact):
    """The verdict that another policy would have led to."""

    name: str
    verdict: Verdict


def sensitivity(evidence: Evidence, policy: Policy, audit: Sequence[Finding]) -> list[Alternative]:
    """Which verdict would follow if the policy were stricter, or looser, one part at a time.

    Another confidence gives this opening of the test another level; the bounds that gates are
    judged by were measured at the policy's own.
    """
    policies = {"as_is": policy}
    for way, factor in (("looser", LOOSER), ("stricter", STRICTER)):
        sign = 1 if way == "stricter" else -1
        # Of the other objectives it says what they may lose: more of that would be looser.
        first, *kept = policy.objectives
        gained = first.model_copy(update={"smallest_gain": first.smallest_gain * factor})
        gates = [_moved(gate, sign * GATE_STEP) for gate in policy.gates]
        parts: dict[str, dict[str, object]] = {
            "gain": {"objectives": [gained, *kept]},
            "confidence": {"confidence": CONFIDENCES[way]},
            "gates": {"gates": gates},
        }
        for name, part in parts.items():
            policies[f"{name}.{way}"] = policy.model_copy(update=part)
        together = {key: value for part in parts.values() for key, value in part.items()}
        policies[f"all.{way}"] = policy.model_copy(update=together)
    return [
        Alternative(name=name, verdict=decide(evidence, changed, audit).verdict)
        for name, changed in policies.items()
    ]


def _moved(gate: GateRule, step: float) -> GateRule:
    """The gate with its limit a tenth stricter (positive step) or looser."""
    if gate.at_least is not None:
        return gate.model_copy(update={"at_least": gate.at_least * (1 + step)})
    return gate.model_copy(update={"at_most": gate.limit * (1 - step)})
