"""Writes documents: facts in, Markdown out, through Jinja2 templates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from promotion import lab
from promotion.audit import audit
from promotion.comparison import Evidence, MeasureBounds, point_bounds
from promotion.decision import Gate, measure
from promotion.metrics import MEASURES, METRICS
from promotion.outside import as_markdown
from promotion.report import calibration, tables, words
from promotion.report.arguments import arguments_against, arguments_for
from promotion.report.language import REPORT, SOURCE, spoken
from promotion.report.sentences import (
    canary_sentence,
    gate_sentence,
    known_sentences,
    ledger_sentence,
    policy_sentence,
    question_sentence,
    reason_of_verdict,
    turning_points,
)
from promotion.report.templates import environment
from promotion.report.words import text
from promotion.study import Study

if TYPE_CHECKING:
    from promotion.report.publication import Publication

LAST_OF_A_LIST = re.compile(r" ;\n(?!- )")


def render(
    template: str, decision: Publication, evidence: Evidence, study: Study, **more: object
) -> str:
    """Render one of the templates in book/templates with all the facts, and `more` of them."""
    return fill(
        template,
        {
            **more,
            "decision": decision,
            "evidence": evidence,
            "study": study,
            "policy": study.policy,
            "text": text,
            "measured": words.measured,
            "constraint_name": words.constraint_name,
            "named": words.named,
            "listed": words.listed,
            "slice_name": words.slice_name,
            "gate_sentence": gate_sentence,
            "canary_sentence": canary_sentence,
            "turning_points": turning_points,
            "ledger_sentence": ledger_sentence,
            "policy_sentence": policy_sentence,
            "reason_of_verdict": reason_of_verdict,
            "measure": measure,
            "difference_of_runs": lambda name: _difference_of_runs(name, evidence),
            "distance_to_limit": _distance_to_limit,
            "metrics": METRICS,
            "question": question_sentence(decision, study),
            "known": known_sentences(decision),
            "pros": arguments_for(decision, evidence),
            "cons": arguments_against(decision, evidence),
            "comparison": {one.metric: one for one in evidence.comparison},
            "gates": {gate.name: gate for gate in decision.gates},
            "objectives": {one.metric: one for one in decision.objectives},
        },
    )


def _bounds(found: MeasureBounds | None, name: str) -> str:
    """The bounds of a measure, with the digits that it is shown with."""
    if found is None or found.low is None or found.high is None or found.low == found.high:
        return words.MISSING
    return words.interval((found.low, found.high), MEASURES[name].digits)


def _difference_of_runs(name: str, evidence: Evidence) -> str:
    """Candidate's run − baseline's run, with its bounds where those of both are known."""
    found = evidence.run_difference(name)
    if found is None:
        ours, theirs = measure(name, evidence), measure(name, evidence, evidence.baseline_run)
        found = point_bounds(None if ours is None or theirs is None else ours - theirs)
    return words.bounded(name, found)


def _distance_to_limit(gate: Gate) -> str:
    """How far a gate's measure is from its limit, with its bounds."""
    value, low, high = (
        None if one is None else one - gate.limit for one in (gate.value, gate.low, gate.high)
    )
    return words.bounded(gate.name, MeasureBounds(value=value, low=low, high=high))


def render_original() -> str:
    """The page that reads the lab's original decision again, from its published figures."""
    facts = {
        "again": lab.read_again(),
        "images": lab.IMAGES,
        "candidate": lab.CANDIDATE,
        "baseline": lab.BASELINE,
        "table": tables.checks(audit(lab.lab_experiment())).data,
    }
    return fill("original.md.j2", facts)


def render_calibration() -> str:
    """The page of the simulation: every promise beside what was observed."""
    rows = calibration.calibration_rows()
    sections = {name: calibration.of_section(rows, name) for name in calibration.OTHERS}
    facts = {
        "rows": rows,
        "lines": calibration.comparison_lines(rows),
        "sections": sections,
        "comparison": calibration.of_section(rows, "comparison"),
        "answers": calibration.answers,
        "fitted": calibration.fitted(),
        "text": text,
    }
    return fill("calibration.md.j2", facts)


def fill(template: str, facts: Mapping[str, Any]) -> str:
    """Render one of the templates in book/templates with these facts, in the language spoken."""
    jinja = environment(keep_trailing_newline=True, extensions=["jinja2.ext.i18n"])
    jinja.policies["ext.i18n.trimmed"] = True
    # The extension adds this method to the environment.
    jinja.install_gettext_translations(REPORT.spoken(), newstyle=True)  # type: ignore[attr-defined]
    jinja.filters |= {
        "number": words.number,
        "signed": words.signed,
        "percent": words.percent,
        "probability": words.probability,
        "relation": words.relation,
        "interval": words.interval,
        "bounds": _bounds,
        "moment": words.moment,
        "reason_of_verdict": reason_of_verdict,
        "as_markdown": as_markdown,
        "marked": lambda told, state: f"**{told}**" if state == "broken" else told,
    }
    rendered = jinja.get_template(template).render(facts)
    ended = LAST_OF_A_LIST.sub(".\n", rendered)
    return words.typeset(ended) if spoken() == SOURCE else ended.replace(" ;\n", ";\n")
