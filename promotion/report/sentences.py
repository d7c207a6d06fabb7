"""Sentences about a decision: ids and facts in, words out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from promotion.audit import Finding
from promotion.canary import PERCENTILE, CanaryResult, facts_of
from promotion.comparison import Evidence, FailedVariant, Ledger
from promotion.decision import Decision, Demand, Gate, TippingPoint, Turn, tipping_points
from promotion.detection import Seen
from promotion.facts import Note
from promotion.lab.homework import Point
from promotion.metrics import MEASURES
from promotion.outside import as_markdown
from promotion.registry import Event, Place
from promotion.report import words
from promotion.report.prose import check_title
from promotion.report.words import has_text, sentence, text
from promotion.study import Grid, Study

if TYPE_CHECKING:
    from promotion.report.publication import Publication


def finding_sentence(found: Finding) -> str:
    """What a check of the audit found."""
    return sentence(f"audit.{found.id}.{found.said}", found.facts)


def note_sentence(note: Note) -> str:
    """What the checks of a dataset warn of."""
    return sentence(f"note.{note.id}", note.facts)


def risk_sentence(risk: Note) -> str:
    """A risk, with its mitigation."""
    return sentence(f"risk.{risk.id}", risk.facts)


def failure_sentence(failed: FailedVariant) -> str:
    """Why a variant has no complete run."""
    return failed.error or text(f"run.{failed.reason}")


def reason_sentence(event: Event) -> str:
    """Why a transition was made: in a person's words, or by the facts behind it.

    Facts that the catalogue cannot tell, as those of a forged event, leave the words.
    """
    if event.because is None:
        return event.why
    identity, facts = event.because.id, event.because.facts
    try:
        if identity.startswith("canary_"):
            return canary_facts_sentence(identity.removeprefix("canary_"), facts)
        return sentence(f"because.{identity}", facts)
    except (KeyError, ValueError, TypeError):
        return event.why


def next_step_sentence(
    step: Note, number: str | None, canary: CanaryResult | None, place: Place
) -> str:
    """What to do next; for a promotion's steps, with what came of them so far."""
    if step.id == "register":
        return text("next.register") + _registered(number)
    if step.id == "canary":
        return text("next.canary") + _tested(canary)
    if step.id == "production":
        return text("next.production") + _in_production(number, canary, place)
    if step.id in ("gate", "measure_again"):
        gate = Gate.model_validate(step.facts["gate"])
        return text(f"next.{step.id}").format(gate=gate_sentence(gate))
    if step.id == "settle":
        return settling_sentence(step.facts)
    return sentence(f"next.{step.id}", step.facts)


def _registered(number: str | None) -> str:
    return "" if number is None else text("done.version").format(version=number)


def _tested(canary: CanaryResult | None) -> str:
    return "" if canary is None else text("done.canary") + canary_sentence(canary)


def _in_production(number: str | None, canary: CanaryResult | None, place: Place) -> str:
    if place in ("production", "left"):
        return text(f"done.{place}").format(version=number)
    if canary is None or canary.verdict == "continue":
        return ""
    if canary.verdict == "stop":
        return text("done.stopped")
    return text("done.waits" if place == "staging" else "done.displaced")


def canary_sentence(canary: CanaryResult) -> str:
    """The canary's verdict in one sentence: after how many images, and why or what is missing."""
    return canary_facts_sentence(canary.verdict, facts_of(canary))


def canary_facts_sentence(verdict: str, facts: Mapping[str, Any]) -> str:
    """The same, from the facts that travel with an event of the registry."""
    told = sentence(f"canary.{verdict}.sentence", facts)
    if verdict != "continue":
        return told
    key = "canary.needed" if facts["needed"] else "canary.needed_unknown"
    return told + sentence(key, {"images": facts["needed"]})


def latency_limits_sentence(result: CanaryResult, decision: Decision) -> str:
    """Why a canary's limit under load is another than the policy's limit of a single request."""
    single = decision.candidate.metrics.get("latency_p50_ms")
    alone = [] if single is None else [sentence("canary.limits.alone", {"single": single})]
    alone += [
        sentence("canary.limits.gate", {"gate": gate_sentence(gate)})
        for gate in decision.gates
        if MEASURES[gate.name].unit == "ms"
    ]
    facts = {
        "requests": result.rules.requests,
        "share": PERCENTILE / 100,
        "limit": result.rules.latency_p95_ms,
        "images": result.last.images,
        "loaded": result.metrics["challenger"]["latency_p95_ms"],
        "alone": " ".join(alone),
    }
    return sentence("canary.limits", facts)


def settling_sentence(facts: Mapping[str, Any]) -> str:
    """Which larger studies would settle what is open, and with what power."""
    ways = [
        sentence(f"settle.{way}", size) for way, size in facts["plan"].items() if size is not None
    ]
    if not ways:
        return sentence("settle.unknown", facts)
    return sentence("next.settle", {**facts, "ways": text("settle.or").join(ways)})


def reason_of_verdict(reason: Note) -> str:
    """Why the verdict is what it is."""
    facts = dict(reason.facts)
    if "gate" in facts:
        facts["gate"] = gate_sentence(Gate.model_validate(facts["gate"]))
    if "check" in facts:
        facts["check"] = check_title(facts["check"])
    return sentence(f"reason.{reason.id}", facts)


def ledger_sentence(ledger: Ledger) -> str:
    """Which opening of its test this is, of how many, and what it may cost."""
    key = "ledger.first" if ledger.number == 1 else "ledger.nth"
    return sentence(key, ledger.model_dump(include={"number", "budget", "level"}))


def policy_sentence(ledger: Ledger) -> str:
    """What the policy asked otherwise when the test was opened before; empty where nothing."""
    changes = ledger.policy_changes
    return sentence("policy.changed", {"changes": changes.model_dump()}) if changes.times else ""


def turning_points(decision: Decision, evidence: Evidence) -> tuple[list[str], str]:
    """At which limits, each moved alone, the verdict would first have turned, and to what.

    And a sentence on the limits at which it never would; empty if there are none.
    """
    points = tipping_points(decision, evidence)
    turning = [
        sentence(
            "turning.demand",
            {
                "name": demand_name(one.demand),
                "limit": demanded(one.demand),
                "measured": demand_value(one.demand, one.demand.measured),
                "turns": _told_turns(one.demand, one.nearest),
            },
        )
        for one in points
        if one.turns
    ]
    idle = [demand_name(one.demand) for one in points if not one.turns]
    if not idle:
        return turning, ""
    key = "turning.others" if turning else "turning.none"
    return turning, sentence(key, {"names": words.listed(idle)})


def turns_sentence(point: TippingPoint) -> str:
    """To what the verdict turns beyond which limits, or why it does not."""
    if point.turns:
        return _told_turns(point.demand, point.turns)
    reasons = words.listed([reason_of_verdict(one) for one in point.despite])
    return sentence("turning.despite" if reasons else "turning.never", {"reasons": reasons})


def _told_turns(demand: Demand, turns: Sequence[Turn]) -> str:
    told = []
    for turn in turns:
        key = "turning.above" if turn.at > demand.limit else "turning.below"
        at = demand_value(demand, turn.at)
        told.append(sentence(key, {"at": at, "verdict": turn.verdict}))
    return ", ".join(told)


def demand_name(demand: Demand) -> str:
    """What a limit is on."""
    return sentence(f"demand.{demand.kind}", demand.model_dump(include={"name", "value"}))


def demanded(demand: Demand) -> str:
    """The limit with its sign."""
    return f"{'≥' if demand.at_least else '≤'}{words.NBSP}{demand_value(demand, demand.limit)}"


def demand_value(demand: Demand, value: float | None) -> str:
    """A value in the unit of what is demanded: a measure, or a difference with its sign."""
    return words.measured(demand.name, value) if demand.kind == "gate" else words.signed(value)


def question_sentence(decision: Decision, study: Study) -> str:
    """The study's question: what the candidate's setting changes, and on which scenes."""
    ours, theirs = decision.candidate.params, decision.baseline.params
    changes = [
        text(f"question.{name}" if has_text(f"question.{name}") else "question.other").format(
            name=name, ours=as_markdown(ours[name]), theirs=as_markdown(theirs[name])
        )
        for name in Grid.model_fields
        if name in ours and name in theirs and name != "seed" and ours[name] != theirs[name]
    ]
    drawn = study.dataset.source == "street_scenes"
    where = text(f"question.{study.dataset.domain}") if drawn else ""
    return text("question").format(
        changes=text("question.apart").join(changes) or text("question.same"), where=where
    )


def known_sentences(decision: Publication) -> list[str]:
    """What a reviewer must know whatever the verdict: errors made, labels in doubt, drawings.

    And what the policy asked otherwise when the test was opened before.
    """
    told = dict(zip((one.id for one in decision.risk_notes), decision.risks, strict=True))
    return [
        told[name] for name in ("policy_changed", "misses", "labels", "synthetic") if name in told
    ]


def gate_sentence(gate: Gate) -> str:
    """A gate in words: measure, limit and what was found."""
    key = "gate.too_few" if gate.needed and gate.bound is None else "gate.sentence"
    return text(key).format(
        name=text(f"metric.{gate.name}"),
        sign="≥" if gate.at_least else "≤",
        limit=words.measured(gate.name, gate.limit),
        value=words.measured(gate.name, gate.value),
        bound=words.measured(gate.name, gate.bound),
        needed=gate.needed,
    )


def transition_sentence(verdict: str, number: str, place: Place) -> str:
    """What the canary's verdict did to the version."""
    key = {"production": "production", "left": "left"}.get(place)
    if key is None:
        key = {"stop": "stopped", "continue": "continues", "go": "waits"}[verdict]
    return text(f"transition.{key}").format(version=number)


def verdict_sentence(decision: Decision) -> str:
    """The verdict, in a word."""
    return text(f"verdict.{decision.verdict}")


def detections_sentence(seen: Seen) -> str:
    """How many boxes a model drew."""
    return text("detections.count").format(boxes=words.number(len(seen.detections), 0))


def optimism_sentence(optimism: float, metric: str) -> str:
    """By how much the best of several looks better than it is."""
    return text("optimism").format(optimism=words.signed(optimism), metric=text(f"metric.{metric}"))


def registration_sentence(number: str | None, decision: Decision) -> str:
    """What registration did, and on which verdict."""
    if number:
        return text("registered.yes").format(version=number)
    return text("registered.no").format(verdict=text(f"verdict.{decision.verdict}"))


def still_true_sentence(evidence: Evidence) -> str:
    """That the decision rests on what is there now."""
    return text("registered.still_true").format(
        runs=len(evidence.runs), digest=evidence.dataset_digest[:12]
    )


def rest_sentence(decision: Decision) -> str:
    """Where the whole document is, at the end of a version's description that is cut."""
    return text("registered.more").format(run=decision.candidate.run_name)


def session_sentence(experiment: str, run_id: str) -> str:
    """Where in MLflow a notebook's run is."""
    return text("session.run").format(experiment=experiment, run=run_id)


def point_state(point: Point) -> str:
    """Whether a point of a chapter was found, is missing, or does not hold."""
    return text(f"lab.state.{point.state}")


def hint_sentence(point: Point) -> str:
    """What helps a student with a point of a chapter; empty where it holds."""
    return "" if point.state == "held" else sentence(f"lab.hint.{point.id}", point.facts)
