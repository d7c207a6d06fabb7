"""Val chooses; how good the chosen one looks there is told with how much of it is luck."""

from __future__ import annotations

import numpy as np
import pytest

from promotion.comparison import RunFacts, pareto_front, select, selection_optimism, summarise
from promotion.metrics import Matches
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


def test_a_run_is_not_chosen_for_its_easy_val() -> None:
    def drawn(name: str, seed: int, value: float) -> RunFacts:
        known = run(name, seed, value)
        return known.model_copy(update={"params": {**known.params, "split_seed": str(10 + seed)}})

    # The second val is easy for all: there the candidate is below the others.
    runs = [drawn("a", 1, 0.5), drawn("a", 2, 0.6), drawn("b", 1, 0.3), drawn("b", 2, 0.65)]
    chosen = select([*runs, drawn("base", 1, 0.2), drawn("base", 2, 0.7)], "base", POLICY)
    assert (chosen.candidate, chosen.candidate_run) == ("a", "a_s1")


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


def part(whole: Looked, images: range) -> Looked:
    """What the run saw on some of its images."""
    matches = whole.matches
    kept = np.isin(matches.image, images)
    cut = Matches(
        tuple(matches.images[place] for place in images),
        matches.persons[list(images)],
        matches.image[kept] - images.start,
        matches.confidence[kept],
        matches.found[:, kept],
        matches.row[kept],
        matches.person[kept],
    )
    return Looked(cut, whole.threshold)


def test_runs_with_a_val_of_their_own_are_drawn_from_all_images() -> None:
    parts = (range(0, 30), range(10, 40), range(5, 35))
    own = {
        name: [part(run, images) for run, images in zip(runs, parts, strict=True)]
        for name, runs in rivals().items()
    }
    assert 0 < selection_optimism(own, "none", "mAP50", 200) < 0.2
