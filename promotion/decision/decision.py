"""Decides: `decide(evidence, policy)` applies the policy to what was measured, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from promotion.audit import Finding
from promotion.comparison import Evidence, MetricComparison
from promotion.facts import Fact
from promotion.metrics import COSTS, MEASURES
from promotion.study import GateRule, Policy

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


class Decision(Fact):
    """What was decided, of whom, by which policy; the metrics were measured on `split`."""

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
    audit: list[Finding]
    policy: Policy
    required_probability: float


def required_probability(confidence: float, rivals: int) -> float:
    """The probability that a claim about one of several rivals needs (Bonferroni's correction).

    Test images are new to the winner, but its seeds are not: seeds that were lucky on val won it
    the selection, and are as lucky on test. `benchmarks/calibration.py` shows what it prevents.
    """
    return 1 - (1 - confidence) / rivals


def decide(evidence: Evidence, policy: Policy, audit: Sequence[Finding]) -> Decision:
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
        audit=list(audit),
        policy=policy,
        required_probability=required,
    )


def _verdict(
    objectives: list[ObjectiveOutcome],
    gates: list[Gate],
    audit: Sequence[Finding],
    seeds_known: bool,
) -> Verdict:
    first, *others = objectives
    refused = not all(gate.passed for gate in gates) or any(check.blocks for check in audit)
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
