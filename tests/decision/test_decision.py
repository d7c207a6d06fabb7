"""The verdict: what the policy makes of the evidence, and when it may not promote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotion.audit import Finding
from promotion.comparison import Evidence, summarise
from promotion.decision import EXIT_CODES, decide, measure
from promotion.study import Policy
from tests.builders import POLICY, evidence, run


def verdict(found: Evidence, policy: Policy = POLICY, checks: list[Finding] | None = None) -> str:
    return decide(found, policy, checks or []).verdict


def with_gate(limit: float) -> Policy:
    gate = {"measure": "latency_p95_ms", "at_most": limit}
    return Policy.model_validate({**POLICY.model_dump(), "gates": [gate]})


def test_an_established_gain_with_every_gate_passed_is_promoted() -> None:
    assert verdict(evidence()) == "promote"


def test_a_gain_ruled_out_is_rejected() -> None:
    assert verdict(evidence(worth=0.01)) == "reject"


def test_anything_between_is_inconclusive() -> None:
    assert verdict(evidence(worth=0.7)) == "inconclusive"


def test_a_lost_second_objective_is_rejected_and_an_open_one_is_not_promoted() -> None:
    assert verdict(evidence(not_lost=0.01)) == "reject"
    assert verdict(evidence(not_lost=0.7)) == "inconclusive"


def test_a_failed_gate_rejects_whatever_the_gain() -> None:
    assert verdict(evidence(), with_gate(17.9)) == "reject"


def test_a_gate_that_chance_may_have_kept_or_broken_is_open() -> None:
    """A point just short of its limit is no proof that it is broken, nor one just within it."""
    for limit in (19.9, 20.1):
        decided = decide(evidence(), with_gate(limit), [])
        assert decided.gates[0].state == "open"
        assert decided.verdict == "inconclusive"
        assert [one.id for one in decided.reasons] == ["gate_open"]


def test_a_gate_that_nothing_measured_does_not_pass() -> None:
    """Else the one constraint that nobody measured would be the one that is always kept."""
    measured = {k: v for k, v in evidence().measured.items() if k != "latency_p95_ms"}
    decided = decide(evidence(measured=measured), POLICY, [])
    assert decided.gates[0].value is None
    assert not decided.gates[0].passed
    assert decided.verdict == "inconclusive"


def test_a_blocking_check_rejects_and_a_warning_does_not() -> None:
    def check(severity: str) -> list[Finding]:
        facts = {"id": "x", "severity": severity, "passed": False, "said": "failed"}
        return [Finding.model_validate(facts)]

    assert verdict(evidence(), checks=check("blocking")) == "reject"
    assert verdict(evidence(), checks=check("warning")) == "promote"


def test_one_seed_is_never_enough_to_promote() -> None:
    one = [c.model_copy(update={"candidate_seed_sd": None}) for c in evidence().comparison]
    assert verdict(evidence(comparison=one)) == "inconclusive"


@given(st.floats(0, 1), st.floats(0, 1))
def test_more_evidence_of_a_gain_never_turns_promotion_into_rejection(a: float, b: float) -> None:
    order = {"reject": 0, "inconclusive": 1, "promote": 2}
    low, high = sorted((a, b))
    assert order[verdict(evidence(worth=low))] <= order[verdict(evidence(worth=high))]


def test_one_of_several_rivals_needs_more_evidence() -> None:
    """Whoever tries enough configurations finds a lucky one; it must not be promoted for that."""
    runs = [run(name, s, 0.5) for name in ("small", "big", "c", "d") for s in (1, 2, 3)]
    crowded = evidence(worth=0.97, runs=runs, configurations=summarise(runs))
    assert crowded.rivals == 3
    assert verdict(crowded) == "inconclusive"
    assert verdict(evidence(worth=0.97)) == "promote"


def test_the_first_objective_must_gain_and_the_others_keep() -> None:
    assert POLICY.required_differences == {"mAP50": 0.02, "recall": -0.05}


def test_a_measure_is_that_of_the_run_that_would_be_registered() -> None:
    """Metrics are those of test, costs the run's own, and the spread that of its side."""
    found = evidence()
    assert measure("recall", found) == 0.6
    assert measure("latency_p95_ms", found) == 20.0
    assert measure("seed_spread", found) == 0.01
    assert measure("seed_spread", found, found.baseline_run) == 0.01
    assert measure("train_seconds", found) == 60.0
    assert measure("latency_ratio", found) is None


@pytest.mark.parametrize("worth", [0.99, 0.7, 0.01])
def test_the_decision_holds_what_was_decided_and_nothing_that_comes_after(worth: float) -> None:
    """Registration reads it before anything came of it: such a field would not be true yet."""
    decided = decide(evidence(worth=worth), POLICY, [])
    assert decided.candidate.run_id == "id-big-3"
    assert decided.candidate.metrics["latency_p95_ms"] == 20.0
    assert (decided.split, decided.images, decided.persons) == ("test", 100, 600)
    assert {"model_version", "parity", "canary", "place"}.isdisjoint(decided.model_dump())
    assert type(decided).model_validate_json(decided.model_dump_json()) == decided


def test_each_verdict_has_an_exit_code_of_its_own() -> None:
    """A pipeline tells them apart by the code alone; 0 is a promotion, 1 and 2 are errors."""
    assert EXIT_CODES == {"promote": 0, "reject": 3, "inconclusive": 4}
