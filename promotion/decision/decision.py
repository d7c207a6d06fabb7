"""Decides: `decide(evidence, policy)` applies the policy to what was measured, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from promotion.audit import Finding
from promotion.checksums import digest_of
from promotion.comparison import (
    Evidence,
    Ledger,
    MeasureBounds,
    MetricComparison,
    SliceComparison,
    State,
    gate_state,
    ledger_of,
    point_bounds,
    required_levels,
)
from promotion.facts import Fact, Note
from promotion.metrics import COSTS, MEASURES
from promotion.study import GateRule, Policy, SliceGuard

Verdict = Literal["promote", "reject", "inconclusive"]
Outcome = Literal["gain", "no_gain", "kept", "lost", "open"]

CLAIMED_ON = "test"
EXIT_CODES: dict[Verdict, int] = {"promote": 0, "reject": 3, "inconclusive": 4}


class Side(Fact):
    """The candidate or the baseline: the run that stands for it, with its metrics on test."""

    run_name: str
    run_id: str
    config: str
    params: dict[str, str]
    metrics: dict[str, float]


class Gate(Fact):
    """A limit of the policy and what was measured against it, with its bound at the confidence.

    *held* when the unfavourable bound keeps the limit, *broken* when even the favourable one does
    not, else *open*; what is unmeasured is open. `needed` is how many measurements a bound takes.
    """

    name: str
    value: float | None
    limit: float
    at_least: bool
    passed: bool
    state: State
    low: float | None
    high: float | None
    needed: int | None

    @property
    def bound(self) -> float | None:
        """The unfavourable bound, which must keep the limit."""
        return self.low if self.at_least else self.high


class ObjectiveOutcome(Fact):
    """What the evidence says of one objective, and the probability that its claim needs."""

    metric: str
    smallest_gain: float
    outcome: Outcome
    probability: float
    required: float


class Origin(Fact):
    """What a decision was made from: code, data and policy by their digests, machine and moment.

    `when` (UTC) is when its question was put to the test.
    """

    when: str
    code: str
    dataset: str
    policy: str
    hardware: str


class Decision(Fact):
    """What was decided, of whom, by which policy, and why; metrics were measured on `split`.

    `reasons` are what made the verdict what it is: nothing for a promotion.
    """

    study: str
    origin: Origin
    verdict: Verdict
    split: str
    images: int
    persons: int
    candidate: Side
    baseline: Side
    comparison: list[MetricComparison]
    objectives: list[ObjectiveOutcome]
    gates: list[Gate]
    audit: list[Finding]
    policy: Policy
    required_probability: float
    ledger: Ledger
    reasons: list[Note]


def decide(evidence: Evidence, policy: Policy, audit: Sequence[Finding]) -> Decision:
    """Apply the policy to the evidence.

    *reject*: the audit blocks, a gate is broken, the first objective is confidently short of its
    gain, another is confidently lost, or the untrained model or the version in Production is
    confidently better. *promote*: nothing of this, and nothing is left open. *inconclusive*:
    anything else, as where a gate is open, a seed failed or collapsed, or a side has a single seed,
    or the test has been opened too often.
    """
    # The levels are this policy's own, which need not be the one that the ledger was read for.
    ledger = ledger_of(evidence.ledger.openings, policy)
    evidence = evidence.model_copy(update={"ledger": ledger})
    required = required_levels(policy, ledger.level, evidence.rivals)
    objectives = _judge_objectives(evidence, policy, required)
    gates = [_judge_gate(rule, evidence) for rule in policy.gates]
    against = _against(evidence, policy, objectives, gates, audit)
    unsettled = _unsettled(evidence, policy, objectives, gates)
    verdict: Verdict = "reject" if against else "inconclusive" if unsettled else "promote"
    return Decision(
        study=evidence.study,
        origin=_origin(evidence, policy),
        verdict=verdict,
        split=CLAIMED_ON,
        images=evidence.splits[CLAIMED_ON].images,
        persons=evidence.splits[CLAIMED_ON].persons,
        candidate=_side(evidence, evidence.candidate_run),
        baseline=_side(evidence, evidence.baseline_run),
        comparison=evidence.comparison,
        objectives=objectives,
        gates=gates,
        audit=list(audit),
        policy=policy,
        required_probability=required[policy.objectives[0].metric],
        ledger=evidence.ledger,
        reasons=against or unsettled,
    )


def _origin(evidence: Evidence, policy: Policy) -> Origin:
    return Origin(
        when=evidence.ledger.this.when,
        code=evidence.code_version,
        dataset=evidence.dataset_digest,
        policy=digest_of(policy.model_dump(mode="json")),
        hardware=evidence.hardware,
    )


def _against(
    evidence: Evidence,
    policy: Policy,
    objectives: Sequence[ObjectiveOutcome],
    gates: Sequence[Gate],
    audit: Sequence[Finding],
) -> list[Note]:
    """What speaks against a promotion for certain."""
    reasons = [Note(id="blocked", facts={"check": one.id}) for one in audit if one.blocks]
    reasons += [_about_gate("gate_broken", gate) for gate in gates if gate.state == "broken"]
    lost = [one for one in objectives if one.outcome in ("no_gain", "lost")]
    if _seeds_are_known(evidence):
        reasons += [Note(id=one.outcome, facts={"metric": one.metric}) for one in lost]
    for one, guard in guarded(evidence, policy):
        # One of several slices may look lost by chance.
        below = 1 - one.law.probability_at_least(-guard.may_lose)
        if below >= 1 - evidence.ledger.level / len(evidence.slices):
            reasons.append(Note(id="slice_lost", facts=about_slice(one)))
    for name, found in alternatives(evidence, policy):
        if name == "incumbent" and not _incumbent_is_fair(evidence):
            continue
        # A candidate that is the version in Production ties with it, and is not worse.
        if found.law.probability_at_least(0.0) <= 1 - policy.confidence:
            reasons.append(Note(id=f"{name}_better", facts=_about(found)))
    return reasons


def _unsettled(
    evidence: Evidence,
    policy: Policy,
    objectives: Sequence[ObjectiveOutcome],
    gates: Sequence[Gate],
) -> list[Note]:
    """What a promotion would need, and the evidence does not say."""
    reasons = [
        Note(id="objective_open", facts={"metric": one.metric})
        for one in objectives
        if one.outcome == "open"
    ]
    reasons += [_about_gate("gate_open", gate) for gate in gates if gate.state == "open"]
    if not _seeds_are_known(evidence):
        reasons.append(Note(id="one_seed"))
    rule = evidence.diagnoses[evidence.candidate_run].points[:1]
    if any(point.out_of_reach for point in rule):
        facts = {"floor": rule[0].rule.floor, "threshold": rule[0].threshold}
        reasons.append(Note(id=f"{rule[0].rule.rule}_unmet", facts=facts))
    if evidence.lost_seeds:
        reasons.append(Note(id="seeds_lost", facts={"runs": evidence.lost_seeds}))
    if evidence.collapsed:
        reasons.append(Note(id="seeds_collapsed", facts={"runs": evidence.collapsed}))
    for name, found in alternatives(evidence, policy):
        if found.law.probability_at_least(0.0) < policy.confidence:
            reasons.append(_open(name, found, evidence))
    for one, guard in guarded(evidence, policy):
        # All of them must be kept, so that none needs a correction.
        if one.law.probability_at_least(-guard.may_lose) < 1 - evidence.ledger.level:
            reasons.append(Note(id="slice_open", facts=about_slice(one)))
    missing = [name for name in policy.slices if name not in {s.column for s in evidence.slices}]
    if missing:
        reasons.append(Note(id="slices_unknown", facts={"columns": missing}))
    ledger = evidence.ledger
    if ledger.spent:
        facts = {"number": ledger.number, "budget": ledger.budget}
        reasons.append(Note(id="test_spent", facts=facts))
    return reasons


def alternatives(
    evidence: Evidence, policy: Policy
) -> list[tuple[Literal["untrained", "incumbent"], MetricComparison]]:
    """What the candidate must not be worse than, by the first objective, beside the baseline."""
    first = policy.objectives[0].metric
    found: list[tuple[Literal["untrained", "incumbent"], MetricComparison]] = [
        ("untrained", evidence.untrained.difference(first))
    ]
    if evidence.incumbent is not None:
        compared = next(one for one in evidence.incumbent.comparison if one.metric == first)
        found.append(("incumbent", compared))
    return found


def _open(name: str, found: MetricComparison, evidence: Evidence) -> Note:
    incumbent = evidence.incumbent
    if name == "incumbent" and incumbent is not None and not incumbent.is_fair:
        return Note(id="incumbent_knew", facts={**_about(found), "share": incumbent.known})
    return Note(id=f"{name}_open", facts=_about(found))


def _incumbent_is_fair(evidence: Evidence) -> bool:
    return evidence.incumbent is None or evidence.incumbent.is_fair


def guarded(evidence: Evidence, policy: Policy) -> list[tuple[SliceComparison, SliceGuard]]:
    """The slices that the policy guards, each with what it may lose."""
    return [
        (one, policy.slices[one.column]) for one in evidence.slices if one.column in policy.slices
    ]


def about_slice(one: SliceComparison) -> dict[str, object]:
    """The facts that a sentence about a slice needs."""
    return one.model_dump(include={"column", "value", "persons", "difference", "interval"})


def _about(found: MetricComparison) -> dict[str, object]:
    return {
        "metric": found.metric,
        "candidate": found.candidate,
        "other": found.baseline,
        "interval": found.interval,
    }


def _about_gate(identity: str, gate: Gate) -> Note:
    return Note(id=identity, facts={"gate": gate.model_dump()})


def _seeds_are_known(evidence: Evidence) -> bool:
    first = evidence.comparison[0]
    return first.candidate_seed_sd is not None and first.baseline_seed_sd is not None


def _judge_objectives(
    evidence: Evidence, policy: Policy, required: Mapping[str, float]
) -> list[ObjectiveOutcome]:
    outcomes = []
    for number, objective in enumerate(policy.objectives):
        law = evidence.compared(objective.metric).law
        least = policy.required_differences[objective.metric]
        # A gain must exceed what it is worth; what must be kept may tie.
        probability = law.probability_at_least(least) if number else law.probability_above(least)
        needed = required[objective.metric]
        words: tuple[Outcome, Outcome] = ("kept", "lost") if number else ("gain", "no_gain")
        outcome: Outcome = "open"
        if probability >= needed:
            outcome = words[0]
        elif probability <= 1 - needed:
            outcome = words[1]
        outcomes.append(
            ObjectiveOutcome(
                metric=objective.metric,
                smallest_gain=objective.smallest_gain,
                outcome=outcome,
                probability=probability,
                required=needed,
            )
        )
    return outcomes


def _judge_gate(rule: GateRule, evidence: Evidence) -> Gate:
    at_least = rule.at_least is not None
    unknown = MeasureBounds(value=None, low=None, high=None)
    bounds = evidence.measured.get(rule.measure, unknown)
    if rule.certainty == "point":
        bounds = point_bounds(bounds.value)
    state = gate_state(bounds, rule.limit, at_least)
    return Gate(
        name=rule.measure,
        value=bounds.value,
        limit=rule.limit,
        at_least=at_least,
        passed=state == "held",
        state=state,
        low=bounds.low,
        high=bounds.high,
        needed=bounds.needed,
    )


def measure(name: str, evidence: Evidence, run_name: str | None = None) -> float | None:
    """A measure of the run that would be registered (or of `run_name`); None if unmeasured.

    Metrics are those on test; costs are the run's own; `seed_spread` is the standard deviation
    over seeds of the first compared metric, on test.
    """
    run_name = run_name or evidence.candidate_run
    run = evidence.run(run_name)
    if MEASURES[name].kind == "spread":
        first = evidence.comparison[0]
        ours = run.configuration == evidence.candidate_configuration
        return first.candidate_seed_sd if ours else first.baseline_seed_sd
    if MEASURES[name].kind == "cost":
        return run.metrics.get(name)
    return evidence.test_metrics.get(run_name, {}).get(name)


def _side(evidence: Evidence, run_name: str) -> Side:
    run = evidence.run(run_name)
    costs = {name: run.metrics[name] for name in COSTS if name in run.metrics}
    return Side(
        run_name=run.run_name,
        run_id=run.run_id,
        config=run.configuration,
        params=run.params,
        metrics={**evidence.test_metrics[run_name], **costs},
    )
