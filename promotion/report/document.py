"""Writes documents: facts in, Markdown out, through Jinja2 templates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from promotion import lab
from promotion.audit import audit
from promotion.comparison import Evidence, MeasureBounds
from promotion.decision import Decision, measure
from promotion.metrics import COSTS, MEASURES, METRICS
from promotion.outside import as_markdown
from promotion.paths import ROOT
from promotion.report import calibration, tables, words
from promotion.report.language import SOURCE, spoken, translations
from promotion.report.sentences import (
    canary_sentence,
    gate_sentence,
    ledger_sentence,
    reason_of_verdict,
    turning_sentence,
)
from promotion.report.words import text
from promotion.study import Study

TEMPLATES = ROOT / "book" / "templates"
LAST_OF_A_LIST = re.compile(r" ;\n(?!- )")


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
            "measured": words.measured,
            "named": words.named,
            "listed": words.listed,
            "gate_sentence": gate_sentence,
            "canary_sentence": canary_sentence,
            "turning_sentence": turning_sentence,
            "ledger_sentence": ledger_sentence,
            "reason_of_verdict": reason_of_verdict,
            "measure": measure,
            "metrics": METRICS,
            "dearer": [
                name for name in COSTS if MEASURES[name].told and _is_dearer(name, evidence)
            ],
            "comparison": {one.metric: one for one in evidence.comparison},
            "gates": {gate.name: gate for gate in decision.gates},
            "objectives": {one.metric: one for one in decision.objectives},
        },
    )


def _bounds(found: MeasureBounds | None) -> str:
    if found is None or found.low is None or found.high is None or found.low == found.high:
        return words.MISSING
    return words.interval((found.low, found.high))


def _is_dearer(cost: str, evidence: Evidence) -> bool:
    """Whether the candidate costs more than the baseline, by the digits that are shown."""
    ours, theirs = measure(cost, evidence), measure(cost, evidence, evidence.baseline_run)
    if ours is None or theirs is None or words.measured(cost, ours) == words.measured(cost, theirs):
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
    return _render("calibration.md.j2", facts)


def _render(template: str, facts: Mapping[str, Any]) -> str:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    # The extension adds this method to the environment.
    environment.install_gettext_translations(translations(), newstyle=True)  # type: ignore[attr-defined]
    environment.filters |= {
        "number": words.number,
        "signed": words.signed,
        "percent": words.percent,
        "probability": words.probability,
        "relation": words.relation,
        "interval": words.interval,
        "bounds": _bounds,
        "reason_of_verdict": reason_of_verdict,
        "as_markdown": as_markdown,
    }
    rendered = environment.get_template(template).render(facts)
    ended = LAST_OF_A_LIST.sub(".\n", rendered)
    return words.typeset(ended) if spoken() == SOURCE else ended.replace(" ;\n", ";\n")
