"""Sentences: every id that can travel has its words, and every fact its place in them."""

from __future__ import annotations

import re

import pytest

from promotion.audit import Finding, audit, experiment_of
from promotion.canary import CRITERIA
from promotion.comparison import Evidence, FailedVariant
from promotion.decision import Decision, decide, tipping_points
from promotion.facts import Note
from promotion.metrics import MEASURES
from promotion.registry import Event
from promotion.report.sentences import (
    canary_facts_sentence,
    failure_sentence,
    finding_sentence,
    gate_sentence,
    latency_limits_sentence,
    next_step_sentence,
    note_sentence,
    reason_sentence,
    settling_sentence,
    transition_sentence,
    turning_points,
    turns_sentence,
    verdict_sentence,
)
from promotion.report.words import text
from tests.builders import POLICY, canary, evidence, spread

# What French does not have: braces of a text that was not filled in, and a decimal point.
UNWORDED = re.compile(r"[{}]|\d\.\d|None|nan")


def decided(found: Evidence) -> Decision:
    return decide(found, POLICY, audit(experiment_of(found, POLICY, "weights.pt")))


def test_every_outcome_of_every_check_has_its_words() -> None:
    """A finding without a sentence would break the report that it is the worst news of."""
    found = audit(experiment_of(evidence(), POLICY, "weights.pt"))
    for one in found:
        assert text(f"audit.{one.id}.passed")
        assert text(f"audit.{one.id}.failed")
        if one.passed is not None:
            assert not UNWORDED.search(finding_sentence(one)), one


def test_a_finding_says_its_facts() -> None:
    found = Finding(
        id="operating-point",
        severity="blocking",
        passed=False,
        said="failed",
        facts={"boxes": 300.0, "most": 300, "threshold": None},
    )
    assert "300,0 boîtes par image" in finding_sentence(found)
    assert "seuil non enregistré" in finding_sentence(found)


def test_many_names_are_shortened_and_counted() -> None:
    found = Finding(
        id="parameter-effect",
        severity="blocking",
        passed=False,
        said="failed",
        facts={"parameters": ["lr0"], "names": [f"run_{number}" for number in range(9)]},
    )
    assert "run_3" in finding_sentence(found)
    assert "run_4" not in finding_sentence(found)
    assert "et 5 autres" in finding_sentence(found)


def test_pictures_that_nearly_repeat_are_named_in_the_finding_and_alone() -> None:
    note = Note(id="nearly_same", facts={"one": "test/a.jpg", "other": "train/b.jpg", "bits": 2})
    assert "test/a.jpg et train/b.jpg (2 bits" in note_sentence(note)
    found = next(
        one
        for one in audit(experiment_of(evidence(dataset_findings=[note]), POLICY, "weights.pt"))
        if one.id == "overlap"
    )
    assert note_sentence(note) in finding_sentence(found)
    seen = Note(id="nearly_seen", facts={"one": "canary/a.jpg", "other": "val/b.jpg", "bits": 3})
    assert "canary/a.jpg ressemble de près à val/b.jpg" in note_sentence(seen)


@pytest.mark.parametrize(
    ("reason", "error", "told"),
    [("failed", "out of memory", "out of memory"), ("interrupted", "", "interrompu")],
)
def test_a_variant_without_a_run_is_told_by_its_error_or_its_reason(
    reason: str, error: str, told: str
) -> None:
    facts = {"run_name": "big_s4", "reason": reason, "error": error}
    assert failure_sentence(FailedVariant.model_validate(facts)) == told


def event(why: str, because: Note | None) -> Event:
    return Event(
        action="stage",
        version="3",
        who="me@here",
        when="2026-01-01T00:00:00.000000Z",
        why=why,
        because=because,
        before={},
        after={"staging": "3"},
    )


def test_a_person_s_reason_is_kept_word_by_word_and_a_machine_s_is_worded() -> None:
    assert reason_sentence(event("plaintes répétées", None)) == "plaintes répétées"
    decided_on = Note(id="decided", facts={"run": "big_s3"})
    assert reason_sentence(event("decided", decided_on)) == "promotion décidée de big_s3"


@pytest.mark.parametrize("identity", ["banana", "canary_banana", "canary_continue", "decided"])
def test_a_reason_that_the_catalogue_cannot_tell_is_told_in_its_words(identity: str) -> None:
    """One forged event would keep the book from being built."""
    assert reason_sentence(event("a word", Note(id=identity))) == "a word"


@pytest.mark.parametrize("verdict", ["go", "stop", "continue"])
def test_each_end_of_a_canary_is_told_with_what_it_rests_on(verdict: str) -> None:
    facts = {
        "images": 1200,
        "persons": 3400,
        "champion": "v2",
        "broken": list(CRITERIA[:1]),
        "open": list(CRITERIA),
        "needed": 5000,
    }
    told = canary_facts_sentence(verdict, facts)
    assert "1\u202f200 images et 3\u202f400 personnes" in told
    assert ("rappel" in told) == (verdict != "go")
    assert ("5\u202f000" in told) == (verdict == "continue")
    because = Note(id=f"canary_{verdict}", facts=facts)
    assert reason_sentence(event("canary", because)) == told
    if verdict == "continue":
        assert "ne permet pas" in canary_facts_sentence(verdict, {**facts, "needed": None})


def test_the_document_says_at_which_limits_the_verdict_would_have_turned() -> None:
    """A verdict that hangs on one limit of the policy must say so, in the reader's words."""
    found = spread(0.032, 0.005)
    turning, others = turning_points(decided(found), found)
    told = "; ".join(turning)
    assert "mAP@50, différence ≥\u00a0+0,020, mesuré +0,032" in told
    assert "«\u00a0non concluant\u00a0» au-delà de +0,02" in told
    assert "latence p95 (ms) ≤\u00a050,0, mesuré 20,0" in told
    assert others == ""
    worse = spread(-0.2, 0.005)
    turning, others = turning_points(decided(worse), worse)
    assert turning == []
    assert others.startswith(
        "Aucune limite, déplacée seule, n’y changerait rien (mAP@50, différence"
    )
    points = tipping_points(decided(worse), worse)
    assert "gain écarté" in turns_sentence(points[0])


def test_what_would_settle_names_each_way_or_that_there_is_none() -> None:
    sizes = {"images": (1200, 3), "seeds": (200, 7), "both": (400, 5)}
    plan = {
        way: {"images": images, "seeds": seeds, "power": 0.8}
        for way, (images, seeds) in sizes.items()
    }
    told = settling_sentence({"open": ["recall"], "plan": plan})
    assert "rappel" in told
    assert "puissance 80\u00a0%" in told
    assert "1\u202f200 images" in told
    assert "7 graines" in told
    assert "400 images et 5 graines" in told
    assert told.count(", ou ") == 2
    none = settling_sentence({"open": ["recall"], "plan": dict.fromkeys(plan)})
    assert "trop près" in none


def test_the_steps_of_a_promotion_say_what_came_of_them() -> None:
    def told(step: str, number: str | None, place: str) -> str:
        return next_step_sentence(Note(id=step), number, None, place)  # type: ignore[arg-type]

    assert told("register", None, "none") == text("next.register")
    assert told("register", "3", "staging").endswith("fait\u00a0: version 3")
    assert told("production", "3", "production").endswith("fait\u00a0: version 3")
    assert "n’y est plus" in told("production", "3", "left")
    assert told("production", "3", "staging") == text("next.production")


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_can_be_a_gate_that_is_told(name: str) -> None:
    """A policy may gate on any measure; the report must not be what refuses it."""
    policy = POLICY.model_validate(
        {**POLICY.model_dump(), "gates": [{"measure": name, "at_most": 1}]}
    )
    gate = decide(evidence(), policy, []).gates[0]
    assert text(f"metric.{name}") in gate_sentence(gate)
    assert text(f"protects.{name}")


@pytest.mark.parametrize(
    ("verdict", "place", "told"),
    [
        ("go", "production", "en Production"),
        ("go", "left", "n’est plus en Production"),
        ("go", "staging", "attente d’approbation"),
        ("stop", "none", "retirée de Staging"),
        ("continue", "staging", "reste en Staging"),
    ],
)
def test_what_the_canary_did_to_the_version_is_told(verdict: str, place: str, told: str) -> None:
    assert told in transition_sentence(verdict, "3", place)  # type: ignore[arg-type]


@pytest.mark.parametrize("worth", [0.99, 0.7, 0.01])
def test_each_verdict_has_its_word(worth: float) -> None:
    found = evidence(worth=worth)
    assert verdict_sentence(decided(found)) in ("promouvoir", "rejeter", "non concluant")


def test_the_limit_under_load_is_told_beside_that_of_a_single_request() -> None:
    """Two limits of one word, without a reason, look like a mistake."""
    decision = decided(evidence())
    told = latency_limits_sentence(canary("go"), decision)
    assert not UNWORDED.search(told)
    for part in ("4 requêtes", "1\u202f000 ms", "10,0 ms en médiane", "latence p95 (ms) ≤ 50,0"):
        assert part in told
