"""Tipping points: how far each limit could have been from where it is before the verdict turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from pydantic import ValidationError

from promotion.comparison import ConfidenceDistribution, Evidence, MetricComparison
from promotion.decision.decision import (
    Decision,
    Verdict,
    alternatives,
    decide,
    guarded,
)
from promotion.facts import Fact, Note
from promotion.metrics import MEASURES
from promotion.study import Policy

# How often the distance from a limit to its farthest value is halved to find a turn.
HALVINGS = 30

Decided = Callable[[float], Decision]


class Demand(Fact):
    """A limit, and what was measured against it.

    A *difference* is of `name`, a metric, in candidate − baseline; *untrained* and *incumbent* are
    of the same against these models, and a *slice* is of recall in the slice `value` of the column
    `name` that comes closest to its limit; a *gate* is on the measure `name`. `bound` is what must
    keep the limit, at the confidence that is asked.
    """

    kind: Literal["difference", "slice", "gate", "untrained", "incumbent"]
    name: str
    value: str = ""
    limit: float
    at_least: bool = True
    measured: float | None
    bound: float | None

    @property
    def margin(self) -> float | None:
        """By how much the bound keeps the limit; negative where it does not."""
        if self.bound is None:
            return None
        return self.bound - self.limit if self.at_least else self.limit - self.bound


class Turn(Fact):
    """Another verdict, and the limit beyond which it would have followed."""

    at: float
    verdict: Verdict


class TippingPoint(Fact):
    """Where the verdict turns if this limit alone is moved, the nearest first in either direction.

    Where nothing turns, `despite` are the reasons that remain at the loosest limit.
    """

    demand: Demand
    turns: list[Turn]
    despite: list[Note]

    @property
    def nearest(self) -> list[Turn]:
        """The first turn in either direction."""
        first = {turn.at > self.demand.limit: turn for turn in reversed(self.turns)}
        return list(first.values())


def tipping_points(decision: Decision, evidence: Evidence) -> list[TippingPoint]:
    """The tipping point of every limit: objectives, guarded slices, other models, gates."""
    return [
        *_of_objectives(decision, evidence),
        *_of_slices(decision, evidence),
        *_of_alternatives(decision, evidence),
        *_of_gates(decision, evidence),
    ]


def _tipping(demand: Demand, loosest: float, strictest: float, decided: Decided) -> TippingPoint:
    ends = [_farthest(decided, demand.limit, end) for end in (loosest, strictest)]
    turns = [turn for end in ends for turn in _turns(decided, demand.limit, end)]
    despite = [] if turns else decided(ends[0]).reasons
    return TippingPoint(demand=demand, turns=turns, despite=despite)


def _farthest(decided: Decided, limit: float, end: float) -> float:
    """The farthest limit on the way to this end that a policy can name, beside its others."""
    if _can_be_named(decided, end):
        return end
    near, far = limit, end
    for _ in range(HALVINGS):
        middle = (near + far) / 2
        near, far = (middle, far) if _can_be_named(decided, middle) else (near, middle)
    return near


def _can_be_named(decided: Decided, limit: float) -> bool:
    try:
        decided(limit)
    except ValidationError:
        return False
    return True


def _turns(decided: Decided, limit: float, end: float) -> list[Turn]:
    """Each turn on the way from the limit to its farthest value, with the verdict behind it."""

    def between(
        near: float, before: Verdict, far: float, behind: Verdict, halvings: int
    ) -> list[Turn]:
        # On its way a verdict only falls, or only rises, so that equal ends hide no turn.
        if before == behind:
            return []
        middle = (near + far) / 2
        if not halvings:
            return [Turn(at=middle, verdict=behind)]
        found = decided(middle).verdict
        return [
            *between(near, before, middle, found, halvings - 1),
            *between(middle, found, far, behind, halvings - 1),
        ]

    return between(limit, decided(limit).verdict, end, decided(end).verdict, HALVINGS)


def _of_objectives(decision: Decision, evidence: Evidence) -> Iterator[TippingPoint]:
    policy = decision.policy
    for place, judged in enumerate(decision.objectives):

        def decided(limit: float, place: int = place) -> Decision:
            rules = policy.model_dump()
            rules["objectives"][place]["smallest_gain"] = abs(limit)
            return decide(evidence, Policy.model_validate(rules), decision.audit)

        found = evidence.compared(judged.metric)
        limit = policy.required_differences[judged.metric]
        demand = _of_difference("difference", found, judged.required, limit)
        # Only the first objective asks for a gain; what the others may lose is no less than 0.
        ends = (-1.0, 0.0) if place else (0.0, 1.0)
        yield _tipping(demand, *ends, decided)


def _of_slices(decision: Decision, evidence: Evidence) -> Iterator[TippingPoint]:
    policy = decision.policy
    found = guarded(evidence, policy)
    confidence = 1 - decision.ledger.level
    for column, guard in policy.slices.items():
        slices = [one for one, _ in found if one.column == column]
        if not slices:
            continue

        def decided(limit: float, column: str = column) -> Decision:
            rules = policy.model_dump()
            rules["slices"][column]["may_lose"] = -limit
            return decide(evidence, Policy.model_validate(rules), decision.audit)

        nearest = min(slices, key=lambda one: one.law.exceeded(confidence))
        demand = Demand(
            kind="slice",
            name=column,
            value=nearest.value,
            limit=-guard.may_lose,
            measured=nearest.difference,
            bound=nearest.law.exceeded(confidence),
        )
        yield _tipping(demand, -1.0, 0.0, decided)


def _of_alternatives(decision: Decision, evidence: Evidence) -> Iterator[TippingPoint]:
    """Of these no policy has a limit: it is 0, and to ask for more is to have measured less."""
    for name, found in alternatives(evidence, decision.policy):

        def decided(limit: float, name: str = name) -> Decision:
            model = getattr(evidence, name)
            less = [
                one.model_copy(update={"law": _less(one.law, limit)}) for one in model.comparison
            ]
            changed = {name: model.model_copy(update={"comparison": less})}
            return decide(evidence.model_copy(update=changed), decision.policy, decision.audit)

        demand = _of_difference(name, found, decision.policy.confidence)
        yield _tipping(demand, -1.0, 1.0, decided)


def _of_gates(decision: Decision, evidence: Evidence) -> Iterator[TippingPoint]:
    policy = decision.policy
    for place, gate in enumerate(decision.gates):
        kind = "at_least" if gate.at_least else "at_most"

        def decided(limit: float, place: int = place, kind: str = kind) -> Decision:
            rules = policy.model_dump()
            rules["gates"][place][kind] = limit
            return decide(evidence, Policy.model_validate(rules), decision.audit)

        demand = Demand(
            kind="gate",
            name=gate.name,
            limit=gate.limit,
            at_least=gate.at_least,
            measured=gate.value,
            bound=gate.bound,
        )
        known = [one for one in (gate.limit, gate.value, gate.low, gate.high) if one is not None]
        most = 1.0 if MEASURES[gate.name].is_share else 2 * max(known)
        ends = (0.0, most) if gate.at_least else (most, 0.0)
        yield _tipping(demand, *ends, decided)


def _of_difference(
    kind: Literal["difference", "untrained", "incumbent"],
    found: MetricComparison,
    confidence: float,
    limit: float = 0.0,
) -> Demand:
    return Demand(
        kind=kind,
        name=found.metric,
        limit=limit,
        measured=found.difference,
        bound=found.law.exceeded(confidence),
    )


def _less(law: ConfidenceDistribution, shift: float) -> ConfidenceDistribution:
    """The law of a value less this shift."""
    return law.model_copy(update={"centre": law.centre - shift})
