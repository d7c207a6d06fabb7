"""What goes with a decision: its risks, and what to do next, each an id and its facts."""

from __future__ import annotations

from collections.abc import Sequence

from promotion.comparison import Claim, Evidence, SpreadClaim, plan
from promotion.decision.decision import Decision, about_slice, decide
from promotion.facts import Note
from promotion.metrics import MEASURES, METRICS

# A collapse rate is ruled out when so few studies would have shown none.
RARE = 0.05


def risks_of(decision: Decision, evidence: Evidence) -> list[Note]:
    """What could go wrong with this decision, each with the number that says how badly."""
    first = evidence.comparison[0]
    ours = decision.candidate.metrics
    test = evidence.splits["test"]
    low, high = first.candidate_interval
    on_val = evidence.run(decision.candidate.run_name).metrics[first.metric]
    risks = [
        Note(
            id="misses",
            facts={
                "missed": 1 - ours["recall"],
                "false": 1 - ours["precision"],
                "threshold": ours["threshold"],
            },
        ),
        Note(
            id="sample",
            facts={
                "images": test.images,
                "persons": test.persons,
                "metric": first.metric,
                "half": (high - low) / 2,
            },
        ),
        Note(
            id="optimism" if evidence.rivals > 1 else "selection",
            facts={
                "metric": first.metric,
                "val": on_val,
                "test": ours[first.metric],
                "gap": on_val - ours[first.metric],
                "rivals": evidence.rivals,
                "optimism": evidence.optimism,
            },
        ),
    ]
    if first.candidate_seed_sd is None:
        risks.append(Note(id="one_seed"))
    else:
        seeds = len(evidence.configuration(decision.candidate.config).seeds)
        risks.append(
            Note(
                id="seeds",
                facts={
                    "sd": first.candidate_seed_sd,
                    "seeds": seeds,
                    # No collapse in so many trainings leaves rates up to this one possible.
                    "rate": 1 - RARE ** (1 / seeds),
                },
            )
        )
    lost = [one for one in evidence.slices if one.column not in decision.policy.slices]
    risks += [
        Note(id="slice", facts=about_slice(one))
        for one in lost
        if one.law.probability_above(0.0) <= (1 - evidence.confidence) / len(evidence.slices)
    ]
    if evidence.labels.suspects:
        risks += _doubted_labels(decision, evidence)
    drawn = evidence.run(decision.candidate.run_name).split_seed is not None
    risks.append(Note(id="conditions_drawn" if drawn else "conditions"))
    changes = decision.ledger.policy_changes
    if changes.times:
        risks.append(Note(id="policy_changed", facts={"changes": changes.model_dump()}))
    if evidence.incumbent is not None and evidence.incumbent.known is None:
        risks.append(Note(id="incumbent_unknown", facts={"version": evidence.incumbent.version}))
    if evidence.energy_method == "estimated":
        risks.append(Note(id="energy"))
    if evidence.dataset_source == "street_scenes":
        risks.append(Note(id="synthetic"))
    return risks


def _doubted_labels(decision: Decision, evidence: Evidence) -> list[Note]:
    """That suspected labels make the difference, or the verdict, what it is."""
    labels, first = evidence.labels, evidence.comparison[0]
    clean = evidence.model_copy(update={"comparison": labels.comparison})
    verdict = decide(clean, decision.policy, decision.audit).verdict
    if verdict == decision.verdict and not labels.turns(first.metric, first.difference):
        return []
    without = labels.comparison[0]
    facts = {
        "count": len(labels.suspects),
        "images": labels.images,
        "metric": first.metric,
        "difference": first.difference,
        "without": without.difference,
        "interval": without.interval,
        "verdict": verdict,
    }
    return [Note(id="labels", facts=facts)]


def next_steps_of(decision: Decision, evidence: Evidence) -> list[Note]:
    """What to do now, by the verdict."""
    if decision.verdict == "promote":
        return [Note(id="register"), Note(id="canary"), Note(id="production")]
    if decision.verdict == "reject":
        broken = [one for one in decision.reasons if one.id == "gate_broken"]
        steps = [Note(id="gate", facts=one.facts) for one in broken]
        return [*steps, Note(id=_what_to_keep(decision)), Note(id="new_grid")]
    steps = [Note(id=one.id, facts=one.facts) for one in decision.reasons if one.id in SAID_ALONE]
    steps += [
        Note(id="measure_again", facts={"gate": gate.model_dump()})
        for gate in decision.gates
        if gate.state == "open" and MEASURES[gate.name].kind == "cost"
    ]
    claims = _claims(decision, evidence)
    if claims:
        steps.append(_plan(decision, evidence, claims))
    return steps or [Note(id="keep_baseline")]


# What an inconclusive decision asks for that no larger study plans.
SAID_ALONE = ("one_seed", "seeds_lost", "seeds_collapsed", "incumbent_knew", "test_spent")


def _what_to_keep(decision: Decision) -> str:
    """What to go on with: the starting model where it is better, else what there is."""
    reasons = {one.id for one in decision.reasons}
    if "untrained_better" in reasons:
        return "keep_start"
    return "keep_incumbent" if "incumbent_better" in reasons else "keep_baseline"


def _claims(decision: Decision, evidence: Evidence) -> list[Claim | SpreadClaim]:
    """What is open and a larger study can settle: objectives, and gates on metrics and seeds."""
    claims: list[Claim | SpreadClaim] = []
    for one in decision.objectives:
        found = evidence.compared(one.metric)
        if one.outcome == "open":
            least = decision.policy.required_differences[one.metric]
            claims.append(
                Claim(
                    distance=found.difference - least,
                    image_error=found.image_error,
                    seed_error=found.seed_error,
                    confidence=one.required,
                )
            )
    for gate in decision.gates:
        if gate.state != "open" or gate.value is None:
            continue
        error = evidence.measured[gate.name].error
        if gate.name == "seed_spread":
            ratio = gate.value / gate.limit if gate.limit else float(MOST_RATIO)
            claims.append(SpreadClaim(ratio=ratio, confidence=decision.policy.confidence))
        elif gate.name in METRICS and error:
            claims.append(
                Claim(
                    distance=gate.value - gate.limit,
                    image_error=error,
                    seed_error=0.0,
                    confidence=decision.policy.confidence,
                )
            )
    return claims


MOST_RATIO = 100


def _plan(decision: Decision, evidence: Evidence, claims: Sequence[Claim | SpreadClaim]) -> Note:
    """The study that would settle all that is open, with what power."""
    seeds = len(evidence.configuration(decision.candidate.config).seeds)
    found = plan(claims, evidence.splits[decision.split].images, seeds)
    metrics = [one.metric for one in decision.objectives if one.outcome == "open"]
    gates = [one.name for one in decision.gates if one.state == "open"]
    return Note(id="settle", facts={"open": [*metrics, *gates], "plan": found.model_dump()})
