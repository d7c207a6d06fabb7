"""A policy that cannot be kept, or contradicts itself, is refused before anything is trained."""

from __future__ import annotations

import pytest

from promotion.errors import StudyError
from promotion.study import Policy, load_study
from tests.builders import POLICY, SMOKE


def fault(*overrides: str) -> str:
    with pytest.raises(StudyError) as caught:
        load_study(SMOKE, overrides)
    return str(caught.value)


def test_a_gate_has_exactly_one_limit() -> None:
    assert "exactly one limit" in fault("policy.gates=[{measure: recall}]")


@pytest.mark.parametrize(
    ("gates", "cause"),
    [
        ("[{measure: recall, at_least: 0.9}, {measure: recall, at_most: 0.5}]", "cannot be at"),
        ("[{measure: recall, at_least: 1.2}]", "cannot reach 1.2"),
        ("[{measure: energy_wh, at_most: -1}]", "cannot reach -1"),
        ("[{measure: recall, at_least: 0.1}, {measure: recall, at_least: 0.2}]", "twice"),
        ("[{measure: seed_spread, at_most: 0.1}]", "single grid.seed"),
        ("[{measure: precision, at_least: 0.8}]", "raise its floor"),
    ],
)
def test_gates_that_make_no_sense_are_refused_in_one_line(gates: str, cause: str) -> None:
    aim = "policy.operating_point={rule: precision_floor, floor: 0.7}"
    with pytest.raises(StudyError, match=cause) as refused:
        load_study(SMOKE, ["grid.seed=[1]", f"policy.gates={gates}", aim])
    assert "\n" not in str(refused.value)


def test_the_first_objective_must_gain_and_the_others_keep() -> None:
    assert POLICY.required_differences == {"mAP50": 0.02, "recall": -0.05}


def test_an_objective_named_twice_is_refused() -> None:
    twice = "[{metric: mAP50, smallest_gain: 0}, {metric: mAP50, smallest_gain: 0.1}]"
    assert "an objective is named twice" in fault(f"policy.objectives={twice}")


def test_what_is_no_metric_is_refused_with_what_is_one() -> None:
    message = fault("policy.objectives=[{metric: f1, smallest_gain: 0}]")
    assert "'f1' is not a metric (one of mAP50, mAP50-95, precision, recall)" in message
    assert "is not a measure" in fault("policy.gates=[{measure: speed, at_most: 1}]")


@pytest.mark.parametrize("point", ["{rule: f1, floor: 0.5}", "{rule: recall_floor}"])
def test_a_floor_goes_with_a_rule_that_needs_one(point: str) -> None:
    assert "floor goes with" in fault(f"policy.operating_point={point}")


def test_every_rule_of_a_policy_has_its_place_and_no_two_the_same() -> None:
    """What is no rule could be changed without a word."""
    by = Policy.model_validate(
        {
            "objectives": [{"metric": "mAP50", "smallest_gain": 0.02}],
            "gates": [
                {"measure": "precision", "at_least": 0.5},
                {"measure": "precision", "at_most": 0.9, "certainty": "point"},
            ],
            "slices": {"size": {"may_lose": 0.05}},
        }
    )
    assert {
        "objectives.mAP50": 0.02,
        "objectives.first": "mAP50",
        "gates.precision.at_least": 0.5,
        "gates.precision.at_most": 0.9,
        "gates.precision.at_most.certainty": "point",
        "slices.size.may_lose": 0.05,
        "operating_point.rule": "f1",
        "confidence": 0.95,
    }.items() <= by.rules.items()
    for name in set(Policy.model_fields) - {"constraints"}:
        assert any(rule.split(".")[0] == name for rule in by.rules), name
