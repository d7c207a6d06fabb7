"""Writes the decision up: facts in, the French document out, through Jinja2 templates."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from promotion import lab, tables, texts
from promotion.audit import audit
from promotion.canary import CanaryResult
from promotion.comparison import Settling, settling
from promotion.decision import Decision, Gate, ObjectiveOutcome, measure, sensitivity
from promotion.evidence import Evidence
from promotion.study import ROOT, Study
from promotion.texts import text

TEMPLATES = ROOT / "book" / "templates"
COSTS = ("latency_p50_ms", "energy_wh", "train_seconds")


def complete(decision: Decision, evidence: Evidence) -> Decision:
    """The decision with its risks and next steps, worded from the measured facts."""
    return decision.model_copy(
        update={
            "risks": risks_of(decision, evidence),
            "next_steps": next_steps_of(decision, evidence),
        }
    )


def risks_of(decision: Decision, evidence: Evidence) -> list[str]:
    """What could go wrong with this decision, each with the number that says how badly."""
    first = evidence.comparison[0]
    ours = decision.candidate.metrics
    test = evidence.splits["test"]
    low, high = first.candidate_interval
    on_val = evidence.run(decision.candidate.run_name).metrics[first.metric]
    risks = [
        text("risk.misses").format(
            missed=texts.percent(1 - ours["recall"], 1),
            false=texts.percent(1 - ours["precision"], 1),
            threshold=texts.number(ours["threshold"]),
        ),
        text("risk.sample").format(
            images=texts.number(test.images, 0),
            persons=texts.number(test.persons, 0),
            metric=text(f"metric.{first.metric}"),
            half=texts.number((high - low) / 2),
        ),
        text("risk.optimism" if evidence.rivals > 1 else "risk.selection").format(
            metric=text(f"metric.{first.metric}"),
            val=texts.number(on_val),
            test=texts.number(ours[first.metric]),
            gap=texts.signed(on_val - ours[first.metric]),
            rivals=evidence.rivals,
            optimism=texts.signed(evidence.optimism),
        ),
    ]
    if first.candidate_seed_sd is None:
        risks.append(text("risk.one_seed"))
    else:
        seeds = len(evidence.configuration(decision.candidate.config).seeds)
        risks.append(
            text("risk.seeds").format(sd=texts.number(first.candidate_seed_sd), seeds=seeds)
        )
    if evidence.energy_method == "estimated":
        risks.append(text("risk.energy"))
    if evidence.dataset_source == "street_scenes":
        risks.append(text("risk.synthetic"))
    risks += [check.message for check in decision.audit if check.failed]
    return risks


def next_steps_of(decision: Decision, evidence: Evidence) -> list[str]:
    """What to do now, by the verdict; for a promotion, with what came of it so far."""
    if decision.verdict == "promote":
        return [
            text("next.register") + _registered(decision),
            text("next.canary") + _tested(decision),
            text("next.production") + _in_production(decision),
        ]
    failed = [gate for gate in decision.gates if not gate.passed]
    steps = [text("next.gate").format(gate=gate_sentence(gate)) for gate in failed]
    if decision.verdict == "reject":
        return [*steps, text("next.keep_baseline"), text("next.new_grid")]
    if evidence.comparison[0].candidate_seed_sd is None:
        return [text("next.more_seeds")]
    objective = _open_objective(decision)
    needed = settling(
        evidence.compared(objective.metric),
        decision.policy.required_differences[objective.metric],
        evidence.splits[decision.split].images,
        len(evidence.configuration(decision.candidate.config).seeds),
        decision.required_probability,
    )
    return [settling_sentence(needed, objective.metric)]


def _registered(decision: Decision) -> str:
    if decision.model_version is None:
        return ""
    return text("done.version").format(version=decision.model_version)


def _tested(decision: Decision) -> str:
    return "" if decision.canary is None else text("done.canary") + canary_sentence(decision.canary)


def _in_production(decision: Decision) -> str:
    if decision.place in ("production", "left"):
        return text(f"done.{decision.place}").format(version=decision.model_version)
    if decision.canary is None or decision.canary.verdict == "continue":
        return ""
    if decision.canary.verdict == "stop":
        return text("done.stopped")
    return text("done.waits" if decision.place == "staging" else "done.displaced")


def canary_sentence(canary: CanaryResult) -> str:
    """The canary's verdict in one sentence: after how many images, and why or what is missing."""
    last = canary.last
    broken = [text(f"canary.{one.name}") for one in last.criteria if one.state == "broken"]
    open_ones = [text(f"canary.{one.name}") for one in last.criteria if one.state == "open"]
    sentence = text(f"canary.{canary.verdict}.sentence").format(
        images=texts.number(last.images, 0),
        persons=texts.number(last.persons, 0),
        champion=canary.champion,
        broken=", ".join(broken),
        open=", ".join(open_ones),
    )
    if canary.verdict != "continue":
        return sentence
    key = "canary.needed" if canary.images_needed else "canary.needed_unknown"
    return sentence + text(key).format(images=texts.number(canary.images_needed, 0))


def _open_objective(decision: Decision) -> ObjectiveOutcome:
    """The first objective that the evidence leaves open."""
    return next((o for o in decision.objectives if o.outcome == "open"), decision.objectives[0])


def settling_sentence(found: Settling, metric: str) -> str:
    """What would settle the open claim on a metric, in words."""
    ways = []
    if found.images is not None:
        ways.append(text("settle.images").format(images=texts.number(found.images, 0)))
    if found.seeds is not None:
        ways.append(text("settle.seeds").format(seeds=found.seeds))
    if found.both is not None:
        images, seeds = found.both
        both = text("settle.both").format(images=texts.number(images, 0), seeds=seeds)
        ways.append(both)
    shown = f"metric.{metric}"
    if not ways:
        return text("settle.unknown").format(metric=text(shown))
    either = text("settle.or").join(ways)
    return text("next.settle").format(ways=either, metric=text(shown))


def turning_sentence(decision: Decision, evidence: Evidence) -> str:
    """What gain is established, and which other policies would have led to another verdict."""
    first = decision.objectives[0]
    established = text("turning.gain").format(
        metric=text(f"metric.{first.metric}"),
        gain=texts.signed(evidence.exceeded(first.metric, decision.required_probability)),
        worth=texts.number(first.smallest_gain),
    )
    tried = sensitivity(evidence, decision.policy, decision.audit)[1:]
    turned = [
        text("turning.one").format(
            policy=text(f"policy.{one.name}"), verdict=text(f"verdict.{one.verdict}")
        )
        for one in tried
        if one.verdict != decision.verdict
    ]
    if not turned:
        return established + text("turning.none").format(policies=len(tried))
    return established + text("turning.some").format(policies=len(tried), turned=", ".join(turned))


def gate_sentence(gate: Gate) -> str:
    """A gate in words: measure, limit and what was found."""
    return text("gate.sentence").format(
        name=text(f"metric.{gate.name}"),
        sign="≥" if gate.at_least else "≤",
        limit=texts.measured(gate.name, gate.limit),
        value=texts.measured(gate.name, gate.value),
    )


def render(template: str, decision: Decision, evidence: Evidence, study: Study) -> str:
    """Render one of the templates in book/templates with all the facts."""
    return _render(
        template,
        {
            "decision": decision,
            "evidence": evidence,
            "study": study,
            "policy": study.policy,
            "text": text,
            "measured": texts.measured,
            "gate_sentence": gate_sentence,
            "canary_sentence": canary_sentence,
            "turning_sentence": turning_sentence,
            "measure": measure,
            "dearer": [name for name in COSTS if _is_dearer(name, evidence)],
            "comparison": {one.metric: one for one in evidence.comparison},
            "gates": {gate.name: gate for gate in decision.gates},
            "objectives": {one.metric: one for one in decision.objectives},
        },
    )


def _is_dearer(cost: str, evidence: Evidence) -> bool:
    """Whether the candidate costs more than the baseline, by the digits that are shown."""
    ours, theirs = measure(cost, evidence), measure(cost, evidence, evidence.baseline_run)
    if ours is None or theirs is None or texts.measured(cost, ours) == texts.measured(cost, theirs):
        return False
    return ours > theirs


def render_original() -> str:
    """The page that reads the lab's original decision again, from its published figures."""
    facts = {
        "again": lab.read_again(),
        "images": lab.IMAGES,
        "candidate": lab.CANDIDATE,
        "baseline": lab.BASELINE,
        "table": tables.checks(audit(lab.lab_experiment())).data,
    }
    return _render("original.md.j2", facts)


def calibration_rows() -> list[dict[str, Any]]:
    """The simulation's scenarios, as `benchmarks/calibration.py` left them."""
    rows = json.loads((ROOT / "book" / "calibration.json").read_text(encoding="utf-8"))
    return list(rows)


def render_calibration() -> str:
    """The page with the table of the simulation."""
    return _render("calibration.md.j2", {"rows": calibration_rows()})


def _render(template: str, facts: Mapping[str, Any]) -> str:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "number": texts.number,
        "signed": texts.signed,
        "percent": texts.percent,
        "probability": texts.probability,
        "relation": texts.relation,
        "interval": texts.interval,
    }
    rendered = environment.get_template(template).render(facts)
    last_of_a_list = re.compile(r" ;\n(?!- )")
    return texts.typeset(last_of_a_list.sub(".\n", rendered))


def transition_sentence(decision: Decision) -> str:
    """What the canary's verdict did to the version."""
    assert decision.canary is not None
    key = {"production": "production", "left": "left"}.get(decision.place)
    if key is None:
        key = {"stop": "stopped", "continue": "continues", "go": "waits"}[decision.canary.verdict]
    return text(f"transition.{key}").format(version=decision.model_version)


def registration_sentence(decision: Decision) -> str:
    """What registration did, and on which verdict."""
    if decision.model_version:
        return text("registered.yes").format(version=decision.model_version)
    return text("registered.no").format(verdict=text(f"verdict.{decision.verdict}"))


def write_home(home: Path, decision: Decision, document: str) -> None:
    """Put decision.md and decision.json where the user looks for them."""
    (home / "decision.md").write_text(document, encoding="utf-8")
    (home / "decision.json").write_text(decision.model_dump_json(indent=2), encoding="utf-8")
