"""Tipping points: the verdict turns where they say, to what they say, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from promotion.comparison import ConfidenceDistribution, Evidence, MeasureBounds
from promotion.decision import Demand, TippingPoint, decide, tipping_points
from promotion.decision.decision import Decision, Verdict
from promotion.study import Policy
from tests.builders import POLICY, compared, evidence, spread
from tests.decision.builders import decided, planted, policy, seeds, watch

# How near to a turn the verdict is asked on either side of it.
NEAR = 1e-6
RULES = POLICY.model_dump(mode="json")
PRECISION = {"measure": "precision", "at_least": 0.7}


def asking(**changes: object) -> Policy:
    return Policy.model_validate({**RULES, **changes})


def moved(by: Policy, demand: Demand, limit: float) -> Policy:
    """The policy that a person would write for this limit."""
    rules = by.model_dump(mode="json")
    if demand.kind == "gate":
        for gate in rules["gates"]:
            if gate["measure"] == demand.name:
                gate["at_least" if demand.at_least else "at_most"] = limit
    elif demand.kind == "slice":
        rules["slices"][demand.name]["may_lose"] = -limit
    else:
        for objective in rules["objectives"]:
            if objective["metric"] == demand.name:
                objective["smallest_gain"] = abs(limit)
    return Policy.model_validate(rules)


def shifted(found: Evidence, demand: Demand, by: float) -> Evidence:
    """The evidence, had the candidate done so much worse against this model."""
    facts = found.model_dump()
    for one in facts[demand.kind]["comparison"]:
        for part in ("centre", "low", "high"):
            one["law"][part] -= by
    return Evidence.model_validate(facts)


def verdict_at(found: Evidence, by: Policy, demand: Demand, limit: float) -> Verdict:
    if demand.kind in ("untrained", "incumbent"):
        return decide(shifted(found, demand, limit), by, []).verdict
    return decide(found, moved(by, demand, limit), []).verdict


def check_turns(found: Evidence, by: Policy, decision: Decision, point: TippingPoint) -> None:
    """Just before each turn the verdict is the one before it, and just behind it the named one."""
    demand = point.demand
    for way in (1, -1):
        before = decision.verdict
        turns = [turn for turn in point.turns if way * (turn.at - demand.limit) > 0]
        assert turns == sorted(turns, key=lambda turn: way * turn.at)
        for turn in turns:
            step = way * NEAR
            # Where the limit itself is the tipping point, the verdict before it is its own.
            just_before = way * max(way * (turn.at - step), way * demand.limit)
            assert turn.verdict != before
            assert verdict_at(found, by, demand, just_before) == before
            assert verdict_at(found, by, demand, turn.at + step) == turn.verdict
            before = turn.verdict


def slice_of(value: str, difference: float, error: float) -> dict[str, object]:
    law = ConfidenceDistribution(centre=difference, scale=error, freedom=20, low=-1.0, high=1.0)
    return {
        "column": "size",
        "value": value,
        "images": 40,
        "persons": 90,
        "candidate": 0.5 + difference,
        "baseline": 0.5,
        "difference": difference,
        "interval": law.interval(0.95),
        "law": law,
    }


def thousandths(low: int, high: int) -> st.SearchStrategy[float]:
    """Values as a policy names them."""
    return st.integers(low, high).map(lambda value: value / 1000)


differences = thousandths(-200, 200)
errors = thousandths(2, 100)
limits = thousandths(0, 150)
shares = st.tuples(*[thousandths(0, 1000)] * 3).map(sorted)


@settings(max_examples=25, deadline=None, phases=(Phase.generate,))
@given(
    means=st.tuples(differences, differences, differences, differences, differences),
    error=errors,
    gains=st.tuples(limits, limits),
    may_lose=thousandths(10, 200),
    measured=shares,
    floor=thousandths(0, 1000),
    ceiling=st.integers(0, 100),
)
def test_a_limit_just_beyond_its_tipping_point_turns_the_verdict_and_just_before_does_not(
    means: tuple[float, ...],
    error: float,
    gains: tuple[float, float],
    may_lose: float,
    measured: list[float],
    floor: float,
    ceiling: int,
) -> None:
    def law(centre: float) -> ConfidenceDistribution:
        return ConfidenceDistribution(centre=centre, scale=error, freedom=30, low=-1.0, high=1.0)

    first, kept, untrained, incumbent, lost = means
    bare = evidence()
    low, value, high = measured
    found = evidence(
        comparison=[
            compared("mAP50", first, 0.9, law(first)),
            compared("recall", kept, 0.9, law(kept)),
        ],
        untrained=bare.untrained.model_copy(
            update={"comparison": [compared("mAP50", untrained, 0.9, law(untrained + 0.2))]}
        ),
        incumbent={
            "version": "2",
            "run_name": "earlier",
            "test_metrics": bare.test_metrics["big_s1"],
            "comparison": [compared("mAP50", incumbent, 0.9, law(incumbent + 0.1))],
        },
        slices=[slice_of("small", lost, error), slice_of("large", lost / 2, error / 2)],
        measured={
            **bare.measured,
            "precision": MeasureBounds(value=value, low=low, high=high),
        },
    )
    by = asking(
        objectives=[
            {"metric": "mAP50", "smallest_gain": gains[0]},
            {"metric": "recall", "smallest_gain": gains[1]},
        ],
        gates=[
            {"measure": "precision", "at_least": floor},
            {"measure": "latency_p95_ms", "at_most": ceiling},
        ],
        slices={"size": {"may_lose": may_lose}},
    )
    decision = decide(found, by, [])
    points = tipping_points(decision, found)
    assert [one.demand.name for one in points] == [
        "mAP50", "recall", "size", "mAP50", "mAP50", "precision", "latency_p95_ms",
    ]  # fmt: skip
    for point in points:
        check_turns(found, by, decision, point)


def points_of(found: Evidence, by: Policy = POLICY) -> dict[str, TippingPoint]:
    points = tipping_points(decide(found, by, []), found)
    return {f"{one.demand.kind} {one.demand.name}": one for one in points}


def turns_of(point: TippingPoint) -> list[tuple[float, Verdict]]:
    return [(round(turn.at, 6), turn.verdict) for turn in point.turns]


def test_a_gate_that_holds_says_how_much_stricter_it_could_have_been() -> None:
    """A step of ten per cent finds nothing where 0.672 would have turned the verdict."""
    point = points_of(evidence(), asking(gates=[PRECISION]))["gate precision"]
    assert (point.demand.measured, point.demand.bound) == (0.8, 0.75)
    assert point.demand.margin == pytest.approx(0.05)
    assert turns_of(point) == [(0.75, "inconclusive"), (0.85, "reject")]


def test_a_limit_that_alone_is_in_the_way_says_where_it_would_not_be() -> None:
    by = asking(gates=[{**PRECISION, "at_least": 0.9}])
    point = points_of(evidence(), by)["gate precision"]
    assert turns_of(point) == [(0.85, "inconclusive"), (0.75, "promote")]
    gain = points_of(spread(0.012, 0.001))["difference mAP50"]
    assert [verdict for _, verdict in turns_of(gain)] == ["inconclusive", "promote"]


def test_a_limit_that_cannot_turn_the_verdict_alone_says_what_else_is_in_the_way() -> None:
    gates = [{**PRECISION, "at_least": 0.9}, {"measure": "latency_p95_ms", "at_most": 10}]
    points = points_of(evidence(), asking(gates=gates))
    assert not any(one.turns for one in points.values())
    told = {name: [one.facts["gate"]["name"] for one in p.despite] for name, p in points.items()}
    assert told["gate precision"] == ["latency_p95_ms"]
    assert told["gate latency_p95_ms"] == ["precision"]
    assert told["difference mAP50"] == ["precision", "latency_p95_ms"]


def test_a_candidate_that_gains_nothing_is_not_promoted_by_any_demand_on_its_gain() -> None:
    point = points_of(spread(-0.1, 0.01))["difference mAP50"]
    assert point.turns == []
    assert [one.id for one in point.despite] == ["no_gain"]


def test_what_nothing_bounds_holds_at_no_limit() -> None:
    unknown = {**evidence().measured, "latency_p95_ms": MeasureBounds(value=20, low=18, high=None)}
    point = points_of(evidence(measured=unknown))["gate latency_p95_ms"]
    assert point.demand.margin is None
    assert turns_of(point) == [(18.0, "reject")]


def test_only_limits_that_a_policy_can_name_are_looked_for() -> None:
    """A gate on precision above what the operating point aims at is refused by the policy."""
    aim = {"rule": "precision_floor", "floor": 0.8}
    gates = [PRECISION, {"measure": "precision", "at_most": 0.9}]
    points = tipping_points(
        decide(evidence(), asking(gates=gates, operating_point=aim), []), evidence()
    )
    floor, ceiling = [one for one in points if one.demand.kind == "gate"]
    assert turns_of(floor) == [(0.75, "inconclusive")]
    assert turns_of(ceiling) == [(0.85, "inconclusive"), (0.75, "reject")]


def test_the_version_in_production_could_have_been_so_much_better() -> None:
    by = policy()
    found = planted(seeds(10, 0.9), seeds(20, 0.4), by, incumbent=watch(62, 0.5))
    points = tipping_points(decided(found, by), found)
    point = next(one for one in points if one.demand.kind == "incumbent")
    assert point.demand.limit == 0
    assert point.turns[0].at == pytest.approx(point.demand.bound)
    assert point.turns[0].verdict == "inconclusive"


def test_the_slice_that_comes_closest_speaks_for_its_column() -> None:
    slices = [slice_of("small", 0.0, 0.01), slice_of("large", 0.1, 0.01)]
    by = asking(slices={"size": {"may_lose": 0.05}})
    demand = points_of(evidence(slices=slices), by)["slice size"].demand
    assert (demand.value, demand.measured, demand.limit) == ("small", 0.0, -0.05)
    assert demand.margin == pytest.approx(0.05 + (demand.bound or 0.0))
