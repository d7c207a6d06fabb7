"""What goes with a decision: its risks, and what to do next, each an id and its facts."""

from __future__ import annotations

from promotion.comparison import Evidence, settling
from promotion.decision.decision import Decision, ObjectiveOutcome
from promotion.facts import Note


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
        risks.append(Note(id="seeds", facts={"sd": first.candidate_seed_sd, "seeds": seeds}))
    if evidence.energy_method == "estimated":
        risks.append(Note(id="energy"))
    if evidence.dataset_source == "street_scenes":
        risks.append(Note(id="synthetic"))
    return risks


def next_steps_of(decision: Decision, evidence: Evidence) -> list[Note]:
    """What to do now, by the verdict."""
    if decision.verdict == "promote":
        return [Note(id="register"), Note(id="canary"), Note(id="production")]
    failed = [gate for gate in decision.gates if not gate.passed]
    steps = [Note(id="gate", facts={"gate": gate.model_dump()}) for gate in failed]
    if decision.verdict == "reject":
        return [*steps, Note(id="keep_baseline"), Note(id="new_grid")]
    if evidence.comparison[0].candidate_seed_sd is None:
        return [Note(id="more_seeds")]
    objective = _open_objective(decision)
    needed = settling(
        evidence.compared(objective.metric),
        decision.policy.required_differences[objective.metric],
        evidence.splits[decision.split].images,
        len(evidence.configuration(decision.candidate.config).seeds),
        decision.required_probability,
    )
    return [Note(id="settle", facts={"metric": objective.metric, "needed": needed.model_dump()})]


def _open_objective(decision: Decision) -> ObjectiveOutcome:
    """The first objective that the evidence leaves open."""
    return next((o for o in decision.objectives if o.outcome == "open"), decision.objectives[0])
