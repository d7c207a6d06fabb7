"""Decides: `decide(evidence, policy)` applies the policy to what was measured, and nothing else."""

from __future__ import annotations

from typing import Literal

from promotion.canary import CanaryResult
from promotion.evidence import Evidence, Fact, MetricComparison, RunFacts
from promotion.parity import Parity
from promotion.study import GateRule, Policy

Verdict = Literal["promote", "reject", "inconclusive"]
Place = Literal["staging", "production", "left", "none"]
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
    """A limit of the policy and what was measured against it; unmeasured never passes."""

    name: str
    value: float | None
    limit: float
    at_least: bool
    passed: bool


class ObjectiveOutcome(Fact):
    """What the evidence says of one objective."""

    metric: str
    smallest_gain: float
    outcome: Outcome
    probability: float


class AuditFinding(Fact):
    """A check on the experiment itself; `passed` is None where what it needs is not known."""

    id: str
    severity: Literal["blocking", "warning", "note"]
    passed: bool | None
    message: str

    @property
    def failed(self) -> bool:
        """Whether a flaw was found."""
        return self.passed is False

    @property
    def page(self) -> str:
        """The section of the book that explains the check."""
        return f"audit.html#{self.id}"


class Decision(Fact):
    """The decision, as decision.json holds it; its metrics were measured on `split`.

    From registration on it also holds what came of it, and `place`: where the version stands.
    """

    study: str
    verdict: Verdict
    split: str
    images: int
    persons: int
    candidate: Side
    baseline: Side
    comparison: list[MetricComparison]
    objectives: list[ObjectiveOutcome]
    gates: list[Gate]
    audit: list[AuditFinding]
    policy: Policy
    required_probability: float
    risks: list[str]
    next_steps: list[str]
    model_version: str | None = None
    parity: Parity | None = None
    canary: CanaryResult | None = None
    place: Place = "none"

    @property
    def steps_done(self) -> list[bool]:
        """Which of a promotion's steps are done: Staging, canary, Production."""
        tested = self.canary is not None and self.canary.verdict != "continue"
        promoted = self.place in ("production", "left")
        return [self.model_version is not None, tested, promoted]


def required_probability(confidence: float, rivals: int) -> float:
    """The probability that a claim about one of several rivals needs (Bonferroni's correction).

    Test images are new to the winner, but its seeds are not: seeds that were lucky on val won it
    the selection, and are as lucky on test. `benchmarks/calibration.py` shows what it prevents.
    """
    return 1 - (1 - confidence) / rivals


def decide(evidence: Evidence, policy: Policy, audit: list[AuditFinding]) -> Decision:
    """Apply the policy to the evidence.

    *promote*: the first objective gains at least its smallest gain worth having with the policy's
    confidence (corrected for the number of rivals), no other objective is lost, every gate passes
    and no blocking check failed.
    *reject*: a gate fails, a blocking check fails, the first objective is confidently short of its
    gain, or another is confidently lost. *inconclusive*: anything else, and always when a side has
    a single seed, as what its seeds vary is then unknown.
    """
    required = required_probability(policy.confidence, evidence.rivals)
    objectives = _judge_objectives(evidence, policy, required)
    gates = [_judge_gate(rule, evidence) for rule in policy.gates]
    return Decision(
        study=evidence.study,
        verdict=_verdict(objectives, gates, audit, _seeds_are_known(evidence)),
        split=CLAIMED_ON,
        images=evidence.splits[CLAIMED_ON].images,
        persons=evidence.splits[CLAIMED_ON].persons,
        candidate=_side(evidence, evidence.candidate_run),
        baseline=_side(evidence, evidence.baseline_run),
        comparison=evidence.comparison,
        objectives=objectives,
        gates=gates,
        audit=audit,
        policy=policy,
        required_probability=required,
        risks=[],
        next_steps=[],
    )


# How much a stricter policy asks for, and a looser one: of the gain, of the gates, in confidence.
STRICTER, LOOSER = 1.5, 0.5
GATE_STEP = 0.1
CONFIDENCES = {"looser": 0.9, "stricter": 0.99}


class Alternative(Fact):
    """The verdict that another policy would have led to."""

    name: str
    verdict: Verdict


def sensitivity(evidence: Evidence, policy: Policy, audit: list[AuditFinding]) -> list[Alternative]:
    """Which verdict would follow if the policy were stricter, or looser, one part at a time."""
    policies = {"as_is": policy}
    for way, factor in (("looser", LOOSER), ("stricter", STRICTER)):
        sign = 1 if way == "stricter" else -1
        objectives = [
            one.model_copy(update={"smallest_gain": one.smallest_gain * factor})
            for one in policy.objectives
        ]
        gates = [_moved(gate, sign * GATE_STEP) for gate in policy.gates]
        parts: dict[str, dict[str, object]] = {
            "gain": {"objectives": objectives},
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


def _verdict(
    objectives: list[ObjectiveOutcome],
    gates: list[Gate],
    audit: list[AuditFinding],
    seeds_known: bool,
) -> Verdict:
    first, *others = objectives
    blocked = any(check.failed and check.severity == "blocking" for check in audit)
    refused = not all(gate.passed for gate in gates) or blocked
    if refused:
        return "reject"
    if not seeds_known:
        return "inconclusive"
    if first.outcome == "no_gain" or any(o.outcome == "lost" for o in others):
        return "reject"
    if first.outcome == "gain" and all(o.outcome == "kept" for o in others):
        return "promote"
    return "inconclusive"


def _seeds_are_known(evidence: Evidence) -> bool:
    first = evidence.comparison[0]
    return first.candidate_seed_sd is not None and first.baseline_seed_sd is not None


def _judge_objectives(
    evidence: Evidence, policy: Policy, required: float
) -> list[ObjectiveOutcome]:
    differences = policy.required_differences
    outcomes = []
    for number, objective in enumerate(policy.objectives):
        probability = evidence.probability_above(objective.metric, differences[objective.metric])
        words: tuple[Outcome, Outcome] = ("kept", "lost") if number else ("gain", "no_gain")
        outcome: Outcome = "open"
        if probability >= required:
            outcome = words[0]
        elif probability <= 1 - required:
            outcome = words[1]
        outcomes.append(
            ObjectiveOutcome(
                metric=objective.metric,
                smallest_gain=objective.smallest_gain,
                outcome=outcome,
                probability=probability,
            )
        )
    return outcomes


def _judge_gate(rule: GateRule, evidence: Evidence) -> Gate:
    at_least = rule.at_least is not None
    value = measure(rule.measure, evidence)
    passed = value is not None and (value >= rule.limit if at_least else value <= rule.limit)
    return Gate(name=rule.measure, value=value, limit=rule.limit, at_least=at_least, passed=passed)


def measure(name: str, evidence: Evidence, run_name: str | None = None) -> float | None:
    """A measure of the run that would be registered (or of `run_name`); None if unmeasured.

    Metrics are those on test; costs are the run's own; `seed_spread` is the standard deviation
    over seeds of the first compared metric, on test.
    """
    run_name = run_name or evidence.candidate_run
    run = evidence.run(run_name)
    if name == "seed_spread":
        first = evidence.comparison[0]
        ours = run.configuration == evidence.candidate_configuration
        return first.candidate_seed_sd if ours else first.baseline_seed_sd
    known = {**_costs(run), **evidence.test_metrics.get(run_name, {})}
    return known.get(name)


def _costs(run: RunFacts) -> dict[str, float]:
    names = ("latency_p50_ms", "latency_p95_ms", "latency_ratio", "energy_wh", "train_seconds")
    return {name: run.metrics[name] for name in names if name in run.metrics}


def _side(evidence: Evidence, run_name: str) -> Side:
    run = evidence.run(run_name)
    return Side(
        run_name=run.run_name,
        run_id=run.run_id,
        config=run.configuration,
        params=run.params,
        metrics={**evidence.test_metrics[run_name], **_costs(run)},
    )
