"""Val chooses; how good the chosen one looks there is told with how much of it is luck."""

from __future__ import annotations

import pytest

from promotion.comparison import pareto_front, select, selection_optimism, summarise
from tests.builders import POLICY, Looked, random_matches, run


def test_selection_takes_the_best_mean_and_its_best_run() -> None:
    runs = [run("a", 1, 0.9), run("a", 2, 0.1), run("b", 1, 0.6), run("b", 2, 0.62)]
    chosen = select([*runs, run("base", 1, 0.95)], "base", POLICY)
    assert (chosen.candidate, chosen.candidate_run) == ("b", "b_s2")
    assert chosen.baseline_run == "base_s1"


@pytest.mark.parametrize("configurations", [("a",), ("base",)])
def test_selection_needs_a_baseline_and_a_rival(configurations: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="no complete run"):
        select([run(name, 1, 0.5) for name in configurations], "base", POLICY)


def test_the_pareto_front_holds_what_nothing_beats() -> None:
    points = {"cheap": (1.0, 0.3), "good": (3.0, 0.6), "beaten": (3.5, 0.5), "twin": (1.0, 0.3)}
    assert pareto_front(points) == ["cheap", "good", "twin"]


def test_a_configuration_is_the_mean_over_its_seeds_and_their_spread() -> None:
    facts = {
        one.name: one for one in summarise([run("a", 1, 0.4), run("a", 2, 0.6), run("b", 1, 0.5)])
    }
    assert facts["a"].seeds == [1, 2]
    assert facts["a"].mean["mAP50"] == pytest.approx(0.5)
    assert facts["a"].sd["mAP50"] == pytest.approx(0.2 / 2**0.5)
    assert facts["b"].sd["mAP50"] is None


def test_a_cost_that_one_seed_lacks_is_not_told_of_its_configuration() -> None:
    lacking = run("a", 2, 0.5)
    metrics = {name: v for name, v in lacking.metrics.items() if name != "energy_wh"}
    (facts,) = summarise([run("a", 1, 0.5), lacking.model_copy(update={"metrics": metrics})])
    assert "energy_wh" not in facts.mean
    assert "recall" in facts.mean


def rivals() -> dict[str, list[Looked]]:
    """Four configurations that are equally good; only luck tells them apart."""
    return {
        name: [Looked(random_matches(seed * 10 + k, 40), 0.5) for k in range(3)]
        for seed, name in enumerate("abcd")
    }


def test_the_best_of_equals_looks_better_than_it_is() -> None:
    assert selection_optimism(rivals(), "none", "mAP50", 200) > 0
    alone = {"a": rivals()["a"]}
    assert selection_optimism(alone, "none", "mAP50", 400) == pytest.approx(0, abs=0.02)


def test_the_baseline_is_no_rival_and_adds_no_optimism() -> None:
    known = rivals()
    without = {name: runs for name, runs in known.items() if name != "a"}
    assert selection_optimism(known, "a", "mAP50", 200) == selection_optimism(
        without, "a", "mAP50", 200
    )
