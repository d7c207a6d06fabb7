"""What goes with a decision: risks with their numbers, and the steps that its verdict calls for."""

from __future__ import annotations

import pytest

from promotion.comparison import Evidence, summarise
from promotion.decision import Decision, decide, next_steps_of, risks_of
from promotion.facts import Note
from promotion.report.sentences import next_step_sentence
from promotion.study import Policy
from tests.builders import POLICY, compared, evidence, law_above, run


def advised(found: Evidence, policy: Policy = POLICY) -> tuple[Decision, list[Note], list[Note]]:
    decision = decide(found, policy, [])
    return decision, risks_of(decision, found), next_steps_of(decision, found)


def ids(notes: list[Note]) -> list[str]:
    return [note.id for note in notes]


def test_a_promotion_is_followed_by_registration_canary_and_production() -> None:
    """The document ticks these three boxes one by one; in another order they would be lies."""
    assert ids(advised(evidence())[2]) == ["register", "canary", "production"]


def test_an_open_claim_says_how_much_would_settle_it() -> None:
    decision, _, steps = advised(evidence(worth=0.7))
    assert decision.verdict == "inconclusive"
    assert ids(steps) == ["settle"]
    assert steps[0].facts["open"] == ["mAP50"]
    assert set(steps[0].facts["plan"]) == {"images", "seeds", "both"}


def test_the_claim_to_settle_is_the_one_that_is_open() -> None:
    """Images gathered for an objective that is established already would be gathered in vain."""
    assert advised(evidence(not_lost=0.7))[2][0].facts["open"] == ["recall"]


def test_a_single_seed_calls_for_more_seeds_and_is_named_a_risk() -> None:
    alone = [c.model_copy(update={"candidate_seed_sd": None}) for c in evidence().comparison]
    _, risks, steps = advised(evidence(comparison=alone))
    assert "one_seed" in ids(steps)
    assert "one_seed" in ids(risks)
    assert "seeds" not in ids(risks)


def test_a_rejection_names_each_failed_gate_before_a_new_grid() -> None:
    gate = {"measure": "latency_p95_ms", "at_most": 17.9}
    strict = Policy.model_validate({**POLICY.model_dump(), "gates": [gate]})
    steps = advised(evidence(), strict)[2]
    assert ids(steps) == ["gate", "keep_baseline", "new_grid"]
    assert steps[0].facts["gate"]["value"] == 20.0


def test_a_cost_that_is_left_open_is_to_be_measured_again() -> None:
    """A busy machine answers late: no picture and no seed more would settle that."""
    gate = {"measure": "latency_p95_ms", "at_most": 22}
    busy = Policy.model_validate({**POLICY.model_dump(), "gates": [gate]})
    decision, _, steps = advised(evidence(), busy)
    assert decision.verdict == "inconclusive"
    assert ids(steps) == ["measure_again"]
    said = next_step_sentence(steps[0], None, None, "none")
    assert said.startswith("Mesurer de nouveau, sur une machine au repos")


def test_each_risk_carries_the_number_that_says_how_badly() -> None:
    risks = {note.id: note.facts for note in advised(evidence())[1]}
    assert risks["misses"]["missed"] == pytest.approx(0.4)
    assert risks["misses"]["false"] == pytest.approx(0.2)
    assert risks["sample"] == {
        "images": 100,
        "persons": 600,
        "metric": "mAP50",
        "half": pytest.approx(0.075),
    }
    # Three trainings without a collapse do not exclude that nearly two in three would.
    assert risks["seeds"] == {"sd": 0.01, "seeds": 3, "rate": pytest.approx(0.63, abs=0.005)}
    assert {"energy", "synthetic"} <= set(risks)
    measured = advised(evidence(energy_method="measured", dataset_source="folder"))[1]
    assert {"energy", "synthetic"}.isdisjoint(ids(measured))


def test_the_winner_of_several_is_said_to_be_flattered_and_an_only_rival_is_not() -> None:
    runs = [run(name, s, 0.5) for name in ("small", "big", "c") for s in (1, 2, 3)]
    crowded = evidence(runs=runs, configurations=summarise(runs))
    assert "optimism" in ids(advised(crowded)[1])
    assert "selection" in ids(advised(evidence())[1])


def test_labels_in_doubt_are_a_risk_where_the_decision_hangs_on_them() -> None:
    """A forgotten person that only the candidate finds would count against it, and conversely."""
    suspect = {
        "image": "a",
        "kind": "missing_annotation",
        "box": (0, 0, 9, 9),
        "score": 1,
        "runs": 5,
    }
    other = [compared("mAP50", -0.01, 0.0, law_above(0.02, 0.0001)), *evidence().comparison[1:]]
    same = {"suspects": [suspect], "comparison": evidence().comparison}
    assert "labels" not in ids(advised(evidence(labels=same))[1])
    turned = {"suspects": [suspect, suspect], "comparison": other}
    (risk,) = [one for one in advised(evidence(labels=turned))[1] if one.id == "labels"]
    assert (risk.facts["count"], risk.facts["images"]) == (2, 1)
    assert risk.facts["verdict"] == "reject"
