"""Each question put to a test takes its own, smaller share of the error."""

from __future__ import annotations

import pytest

from promotion.comparison import ledger_of, required_levels
from promotion.comparison.spending import opening_level, planned_fractions
from tests.builders import POLICY, opening


def test_the_first_question_may_err_more_than_those_after_it() -> None:
    asked = [opening(name) for name in ("a", "b", "c")]
    ledgers = [ledger_of(asked[: count + 1], POLICY) for count in range(3)]
    assert [one.number for one in ledgers] == [1, 2, 3]
    assert [one.level for one in ledgers] == pytest.approx(
        [opening_level(i, 0.05) for i in (1, 2, 3)]
    )


def test_a_test_is_spent_after_as_many_questions_as_the_policy_allows() -> None:
    policy = POLICY.model_copy(update={"openings": 2})
    asked = [opening(name) for name in ("a", "b", "c")]
    assert not ledger_of(asked[:2], policy).spent
    assert ledger_of(asked, policy).spent


def test_a_planned_sequence_of_seeds_is_one_opening_that_shares_its_error() -> None:
    policy = POLICY.model_copy(update={"planned_seeds": [3, 6]})
    looks = [opening("a", sequence="s", seeds=3), opening("b", sequence="s", seeds=6)]
    first, second = ledger_of(looks[:1], policy), ledger_of(looks, policy)
    assert (first.number, second.number) == (1, 1)
    whole = opening_level(1, 0.05)
    assert first.level == pytest.approx(opening_level(1, whole, planned_fractions([3, 6])))
    assert second.level == pytest.approx(opening_level(2, whole, planned_fractions([3, 6])))
    assert ledger_of([*looks, opening("c")], policy).number == 2


def test_another_policy_is_a_change_only_within_the_same_study() -> None:
    asked = [opening("a", policy="old"), opening("b", study="other", policy="x"), opening("c")]
    assert ledger_of(asked, POLICY).policy_changes.times == 1


def test_what_the_policy_asks_otherwise_is_named_with_all_that_it_asked_before() -> None:
    """A limit that is lowered step by step was once as high as it was at first."""
    now = {**POLICY.rules, "gates.precision.at_least": 0.5}
    first = {**now, "gates.precision.at_least": 0.7, "slices.size.may_lose": 0.1}
    asked = [
        opening("a", policy="first", rules=first),
        opening("b", policy="second", rules={**now, "gates.precision.at_least": 0.6}),
        opening("c", policy="forgotten"),
        opening("d", rules=now),
    ]
    changes = ledger_of(asked, POLICY).policy_changes
    assert (changes.times, changes.unknown) == (3, 1)
    assert {one.name: (one.before, one.after) for one in changes.rules} == {
        "gates.precision.at_least": ([0.7, 0.6], 0.5),
        "slices.size.may_lose": ([0.1], None),
    }


@pytest.mark.parametrize(
    "rules",
    [
        {"confidence": "<script>"},
        {"<b>": 1},
        {"confidence": {"a": 1}},
        {"planned_seeds": [[1]]},
        {"confidence": "a\nb"},
    ],
)
def test_rules_that_no_policy_has_are_unknown(rules: dict[str, object]) -> None:
    """Whoever can write into the store must not write into the report."""
    assert opening(rules=rules).rules is None
    assert opening(rules=POLICY.rules).rules == POLICY.rules


def test_only_the_first_claim_is_corrected_for_the_number_of_rivals() -> None:
    """What must merely be kept chose nothing, and all of it must be kept."""
    levels = required_levels(POLICY, 0.03, 4)
    assert levels == pytest.approx({"mAP50": 1 - 0.03 / 4, "recall": 0.97})
