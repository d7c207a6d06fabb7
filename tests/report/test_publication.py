"""What is published: decision.json as others read it, with sentences beside the ids behind them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from promotion.canary import CanaryVerdict
from promotion.comparison import FailedVariant, MeasureBounds, ledger_of
from promotion.decision import Decision
from promotion.facts import Note
from promotion.registry import Place
from promotion.report.publication import (
    Publication,
    criteria,
    write_document,
    write_home,
    write_summary,
)
from promotion.report.sentences import finding_sentence, note_sentence, risk_sentence
from tests.builders import POLICY, STUDY, canary, evidence, opening
from tests.report.builders import published, registration

# What others read; a key that is lost breaks them, a new one does not.
KEYS = {
    "study",
    "verdict",
    "split",
    "images",
    "persons",
    "candidate",
    "baseline",
    "comparison",
    "objectives",
    "gates",
    "audit",
    "policy",
    "required_probability",
    "risks",
    "next_steps",
    "risk_notes",
    "next_step_notes",
    "model_version",
    "parity",
    "canary",
    "place",
}


@pytest.mark.parametrize("worth", [0.99, 0.7, 0.01])
def test_decision_json_has_every_key_whatever_the_verdict(worth: float) -> None:
    shown = json.loads(published(evidence(worth=worth)).model_dump_json())
    assert set(shown) >= KEYS
    for side in ("candidate", "baseline"):
        assert set(shown[side]) >= {"run_name", "run_id", "config", "params", "metrics"}
    for metric in shown["comparison"]:
        assert {"metric", "candidate", "baseline", "difference", "interval"} <= set(metric)
        assert 0 <= metric["probability_better"] <= 1
    for gate in shown["gates"]:
        assert {"name", "value", "limit", "passed"} <= set(gate)
    for check in shown["audit"]:
        assert {"id", "severity", "passed", "message"} <= set(check)
    assert (shown["model_version"], shown["parity"], shown["canary"]) == (None, None, None)
    assert shown["place"] == "none"


@pytest.mark.parametrize("worth", [0.99, 0.7, 0.01])
def test_each_sentence_stands_beside_the_note_that_it_tells(worth: float) -> None:
    """A program reads the notes and a person the sentences; in another order they would part."""
    failed = [FailedVariant(run_name="big_s4", reason="failed", error="out of memory")]
    shown = published(evidence(worth=worth, failed=failed))
    assert shown.risks
    assert shown.next_steps
    assert len(shown.next_steps) == len(shown.next_step_notes)
    assert len(shown.risks) == len(shown.risk_notes)
    told = [note for note in shown.risk_notes if not note.id.startswith("audit.")]
    assert shown.risks[: len(told)] == [risk_sentence(note) for note in told]
    flaws = {f"audit.{one.id}": one.message for one in shown.audit if one.failed}
    assert flaws
    rest = dict(
        zip((n.id for n in shown.risk_notes[len(told) :]), shown.risks[len(told) :], strict=True)
    )
    assert rest == flaws


def test_a_finding_is_published_with_its_sentence_and_its_page() -> None:
    found = published(evidence()).audit[0]
    assert found.message == finding_sentence(found)
    assert found.page == f"audit.html#{found.id}"


def test_the_decision_is_read_back_from_what_was_published() -> None:
    """Registration reads decision.json: what is added for readers must not change the decision."""
    shown = published(evidence())
    decision = Decision.model_validate_json(shown.model_dump_json())
    assert decision.candidate == shown.candidate
    assert decision.policy == shown.policy
    assert [one.id for one in decision.audit] == [one.id for one in shown.audit]
    again = Publication.model_validate_json(shown.model_dump_json())
    assert again.model_dump_json() == shown.model_dump_json()


@pytest.mark.parametrize(
    ("verdict", "place", "done"),
    [
        (None, "staging", [True, False, False]),
        ("continue", "staging", [True, False, False]),
        ("go", "staging", [True, True, False]),
        ("go", "production", [True, True, True]),
        ("go", "left", [True, True, True]),
        ("stop", "none", [True, True, False]),
    ],
)
def test_a_promotion_s_steps_are_ticked_as_they_are_done(
    verdict: CanaryVerdict | None, place: Place, done: list[bool]
) -> None:
    """A box that is ticked too early tells an operator that nothing is left to be done."""
    ended = canary(verdict) if verdict else None
    found = evidence()
    shown = published(found, registration(), ended, place)
    assert shown.steps_done == done
    document = write_document(shown, found, STUDY)
    assert document.count("- [x]") == sum(done)
    assert document.count("- [ ]") == 3 - sum(done)


def test_what_came_of_a_decision_is_published_with_it() -> None:
    found = evidence()
    note = Note(id="nearly_seen", facts={"one": "canary/a.jpg", "other": "val/b.jpg", "bits": 3})
    ended = canary("stop", dataset_findings=[note])
    shown = published(found, registration(), ended, "none")
    assert shown.model_version == "3"
    assert shown.parity is not None
    assert shown.canary is not None
    assert shown.canary.dataset_warnings == [note_sentence(note)]
    assert "n’aura pas lieu" in shown.next_steps[2]
    document = write_document(shown, found, STUDY)
    assert "version 3 de `person-detector`" in document
    assert "Canari, face à person-detector v2" in document
    assert "| différence de rappel |" in document


def test_a_go_that_waits_for_a_person_says_so() -> None:
    shown = published(evidence(), registration(), canary("go"), "staging")
    assert "en attente d’approbation" in shown.next_steps[2]


def test_the_home_holds_the_document_and_the_same_facts_as_json(tmp_path: Path) -> None:
    found = evidence()
    shown = published(found)
    document = write_document(shown, found, STUDY)
    write_home(tmp_path, shown, document)
    assert (tmp_path / "decision.md").read_text(encoding="utf-8") == document
    written = (tmp_path / "decision.json").read_text(encoding="utf-8")
    assert Publication.model_validate_json(written).model_dump_json(indent=2) == written


@pytest.mark.parametrize(
    ("worth", "told"),
    [(0.99, "promouvoir"), (0.7, "Pour trancher"), (0.01, "gain écarté")],
)
def test_the_landing_page_says_the_verdict_and_what_would_change_it(
    worth: float, told: str
) -> None:
    found = evidence(worth=worth)
    summary = write_summary(published(found), found, STUDY)
    assert told in summary
    assert "Ce qui changerait cette décision" in summary
    assert "comparison.html" in summary


@pytest.mark.slow
def test_the_criteria_are_one_table_wherever_they_are_shown() -> None:
    found = evidence()
    shown = published(found)
    table = criteria(shown, found, STUDY).data
    assert table.strip() in write_document(shown, found, STUDY)
    assert table.strip() in write_summary(shown, found, STUDY)


def test_a_criterion_s_row_has_one_unit_and_every_difference_its_interval() -> None:
    """What is required and what was measured stand apart, and so does what lies between."""
    slower = MeasureBounds(value=30.0, low=28.0, high=33.0)
    found = evidence(measured={**evidence().measured, "latency_p95_ms": slower})
    rows = criteria(published(found), found, STUDY).data.splitlines()
    named = [next(r for r in rows if r.startswith(f"| {name}")) for name in ("mAP@50", "latence")]
    objective, gate = ([cell.strip() for cell in row.split("|")[1:-1]] for row in named)
    assert objective[3:5] == ["+0,050 [0,030\u202f;\u00a00,070]", "> +0,020"]
    assert gate[1:4] == ["30,0", "≤ 50,0", "−20,0 [−22,0\u202f;\u00a0−17,0]"]
    # 30 − 20, and the roots of 2² + 5² and of 3² + 2².
    assert gate[5] == "+10,0 [4,6\u202f;\u00a013,6]"


def test_evidence_of_before_has_a_difference_without_an_interval() -> None:
    found = evidence(baseline_measured={})
    row = next(r for r in criteria(published(found), found, STUDY).data.splitlines() if "p95" in r)
    assert row.split("|")[6].strip() == "0,0"


def test_what_changed_in_the_policy_since_the_test_was_opened_is_on_the_first_page() -> None:
    """A limit that was lowered once the result was known is what a reviewer asks for first."""
    before = {**POLICY.rules, "gates.latency_p95_ms.at_most": 40.0, "openings": 5}
    asked = [opening("a", policy="old", rules=before), opening("b", rules=POLICY.rules)]
    found = evidence(ledger=ledger_of(asked, POLICY))
    shown = published(found)
    told = "gates.latency_p95_ms.at_most 40 → 50"
    for page in (write_summary(shown, found, STUDY), write_document(shown, found, STUDY)):
        assert told in page
        assert "openings 5 → 10" in page
    warning = next(one for one in shown.audit if one.id == "policy-frozen")
    assert told in warning.message
    unkept = evidence(ledger=ledger_of([opening("a", policy="old"), *asked[1:]], POLICY))
    assert "n’a pas été gardé (1 fois)" in write_summary(published(unkept), unkept, STUDY)
