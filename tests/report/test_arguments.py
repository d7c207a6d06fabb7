"""What speaks for and against a candidate, and what a reviewer must know whatever the verdict."""

from __future__ import annotations

from promotion.comparison import MeasureBounds, SliceComparison
from promotion.decision import decide
from promotion.report.arguments import arguments_against, arguments_for
from promotion.report.publication import publish, write_summary
from promotion.study import Policy
from tests.builders import POLICY, STUDY, canary, compared, evidence, law_above
from tests.report.builders import published, registration


def slice_of(value: str, difference: float) -> SliceComparison:
    """Recall by night or by day, with an interval of ± 0.02."""
    return SliceComparison(
        column="light",
        value=value,
        images=20,
        persons=100,
        candidate=0.5 + difference,
        baseline=0.5,
        difference=difference,
        interval=(difference - 0.02, difference + 0.02),
        law=law_above(0.0, 0.5),
    )


def places(arguments: list[str], *beginnings: str) -> list[int]:
    return [
        next(place for place, one in enumerate(arguments) if one.startswith(beginning))
        for beginning in beginnings
    ]


def test_a_lower_precision_of_the_run_to_be_registered_speaks_against_it() -> None:
    """Means over seeds may gain where the one run that would serve loses."""
    found = evidence()
    metrics = {name: dict(values) for name, values in found.test_metrics.items()}
    theirs = metrics[found.baseline_run]["precision"]
    assert not any("run retenu" in one for one in arguments_against(published(found), found))
    metrics[found.candidate_run]["precision"] = theirs - 0.1
    found = evidence(test_metrics=metrics)
    against = arguments_against(published(found), found)
    assert any(one.startswith("précision du run retenu") for one in against)


def test_what_decides_comes_before_what_is_only_measured() -> None:
    """Who reads two arguments a side reads the two that weigh most, wherever they come from."""
    found = evidence(
        worth=0.7,
        slices=[slice_of("night", -0.01), slice_of("day", 0.03)],
        comparison=[
            compared("mAP50", 0.05, 0.7, law_above(0.02, 0.7)),
            compared("mAP50-95", -0.06, 0.001),
            compared("precision", -0.01, 0.4),
            compared("recall", 0.01, 0.6, law_above(-0.05, 0.99)),
        ],
    )
    against = arguments_against(published(found, registration(), canary("stop")), found)
    order = places(
        against,
        "canari, différence de rappel",
        "mAP@50\u00a0: non tranché",
        "mAP@50-95",
        "rappel plus bas sur 1 tranche sur 2, la pire",
    )
    assert order == sorted(order)
    assert order[:3] == [0, 1, 2]
    # The first objective must gain, decided or not.
    assert against[1].endswith("pour +0,020 exigé")


def test_at_one_rank_the_furthest_from_saying_nothing_comes_first() -> None:
    gates = [{"measure": name, "at_most": limit} for name, limit in GATES.items()]
    policy = Policy.model_validate({**POLICY.model_dump(), "gates": gates})
    found = evidence()
    against = arguments_against(publish(decide(found, policy, []), found), found)
    assert places(against, "latence p95", "énergie") == [0, 1]


GATES = {"energy_wh": 0.05, "latency_p95_ms": 5.0}


def test_a_limit_that_is_kept_stands_behind_a_gain() -> None:
    told = arguments_for(published(evidence()), evidence())
    order = places(told, "mAP@50\u00a0:", "rappel\u00a0: maintenu", "latence p95 (ms) ≤ 50,0")
    assert order[0] == 0 < min(order[1:])


def test_a_faster_candidate_speaks_for_itself_and_a_slower_one_against() -> None:
    for ratio, bounds in ((0.5, (0.4, 0.6)), (2.0, (1.9, 2.1))):
        runs = [
            one.model_copy(update={"metrics": {**one.metrics, "latency_p50_ms": 10 * ratio}})
            if one.configuration == "big"
            else one
            for one in evidence().runs
        ]
        low, high = bounds
        measured = {"latency_ratio": MeasureBounds(value=ratio, low=low, high=high)}
        found = evidence(runs=runs, measured={**evidence().measured, **measured})
        shown = published(found)
        sides = arguments_for(shown, found), arguments_against(shown, found)
        told = [any("fois le temps" in one for one in side) for side in sides]
        assert told == [ratio < 1, ratio > 1]


def test_the_landing_page_tells_the_question_and_what_a_reviewer_must_know() -> None:
    """Whatever speaks against it stands there, if only in a line: no page behind it surprises."""
    runs = [
        one.model_copy(update={"metrics": {**one.metrics, "latency_p50_ms": 22.0}})
        if one.configuration == "big"
        else one
        for one in evidence().runs
    ]
    found = evidence(runs=runs, slices=[slice_of("night", -0.01)])
    shown = published(found, registration(), canary("go"), "production")
    summary = write_summary(shown, found, STUDY)
    told = ("384 px au lieu de 256 px, de nuit", "sont manquées", "2,20 fois le temps", "dessinées")
    for one in (*told, *arguments_against(shown, found)):
        assert one in summary


def test_the_bounds_of_a_measure_have_its_own_digits() -> None:
    gate = {"measure": "latency_p50_ms", "at_most": 50}
    policy = Policy.model_validate({**POLICY.model_dump(), "gates": [gate]})
    study = STUDY.model_copy(update={"policy": policy})
    found = evidence()
    assert "[9,0\u202f;\u00a011,0]" in write_summary(
        publish(decide(found, policy, []), found), found, study
    )
