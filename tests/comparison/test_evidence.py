"""The evidence travels through MLflow unchanged, and knows its runs by their names."""

from __future__ import annotations

from promotion.comparison import Evidence, FailedVariant
from tests.builders import evidence


def test_evidence_comes_back_from_json_as_it_was() -> None:
    assert Evidence.model_validate_json(evidence().model_dump_json()) == evidence()


def test_the_baseline_is_no_rival() -> None:
    assert evidence().rivals == 1


def test_a_run_a_configuration_and_a_metric_are_found_by_name() -> None:
    found = evidence()
    assert found.run("big_s3").seed == 3
    assert found.configuration("small").seeds == [1, 2, 3]
    assert found.compared("recall").metric == "recall"


def test_only_seeds_of_the_two_sides_count_as_lost() -> None:
    """A name that merely begins like theirs is another configuration's."""
    names = ("big_s4", "small_s5", "bigger_s1", "other_s1")
    failed = [FailedVariant(run_name=name, reason="absent") for name in names]
    assert evidence(failed=failed).lost_seeds == ["big_s4", "small_s5"]


def test_collapsed_seeds_are_known_by_their_runs() -> None:
    first, *others = evidence().comparison
    first = first.model_copy(update={"collapsed": [(0, 1), (1, 2)]})
    assert evidence(comparison=[first, *others]).collapsed == ["big_s2", "small_s3"]
