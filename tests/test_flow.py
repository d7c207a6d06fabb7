"""The flow: what stands, what is next, and that the world is asked only once."""

from __future__ import annotations

from pathlib import Path

import pytest

from promotion.execution import Outcome, Step
from promotion.flow import Standing, next_steps, plan
from promotion.paths import ROOT
from promotion.steps import CHAIN, STEPS
from promotion.store import Role, Tag
from promotion.study import Study, load_study
from tests.builders import SMOKE, CountedReport

NAMES = ("big_s1", "small_s1")
EVERY = dict.fromkeys(CHAIN, "a run")


def standing(trained: int = 2, **runs: str) -> Standing:
    """Two variants, of which so many are trained, and the runs of other roles."""
    variants = [Step(Role.VARIANT, name, Path("2_train.ipynb"), f"print {name}") for name in NAMES]
    return Standing(
        dataset="d" * 64,
        variants=variants,
        trained={name: f"run of {name}" for name in NAMES[:trained]},
        failed={},
        runs=runs,
    )


def test_in_an_empty_home_everything_is_still_to_be_done() -> None:
    assert next_steps(standing(0)) == list(STEPS)


def test_a_variant_that_is_missing_makes_all_that_follows_new() -> None:
    """A decision that was made without it compares fewer variants than the study asks for."""
    found = standing(1, dataset="data", **EVERY)
    assert next_steps(found) == [Role.VARIANT, *CHAIN]


@pytest.mark.parametrize("done", range(len(CHAIN) + 1))
def test_what_is_next_follows_the_last_step_that_stands(done: int) -> None:
    runs = dict.fromkeys(CHAIN[:done], "a run")
    assert next_steps(standing(dataset="data", **runs)) == list(CHAIN[done:])


def test_another_dataset_leaves_nothing_standing() -> None:
    assert next_steps(standing(**EVERY)) == list(STEPS)


def test_a_step_that_is_done_again_unsettles_all_that_came_of_it() -> None:
    """Else a new decision would be published with the canary of the one before it."""
    before = standing(dataset="data", **EVERY)
    after = before.after(Outcome("decision_smoke", Role.DECISION, "done", "new"), Role.DECISION)
    assert after.runs[Role.DECISION] == "new"
    assert Role.REGISTRATION not in after.runs
    assert Role.CANARY not in after.runs
    assert after.runs[Role.DIAGNOSIS] == "a run"
    assert next_steps(after) == [Role.REGISTRATION, Role.CANARY]
    assert before.runs == {"dataset": "data", **EVERY}


@pytest.mark.slow
def test_a_step_s_plan_takes_the_runs_of_what_it_needs(smoke: Study) -> None:
    found = standing(dataset="data", **{role: f"run of {role}" for role in CHAIN})
    trained = list(found.trained.values())
    assert plan(Role.SELECTION, smoke, found).parameters == {"runs": trained}
    expected = {"selection_run": "run of selection"}
    assert plan(Role.COMPARISON, smoke, found).parameters == expected
    assert plan(Role.REGISTRATION, smoke, found).parameters == {
        "decision_run": "run of decision",
        "dataset": "d" * 64,
        "runs": trained,
    }
    assert plan(Role.DATASET, smoke, found).tags[Tag.DATASET_DIGEST] == "d" * 64


def inputs(role: str, study: Study, found: Standing, **known: object) -> str:
    return plan(role, study, found, **known).tags[Tag.INPUTS]


def test_a_step_s_identity_is_its_inputs_and_no_more(smoke: Study) -> None:
    """One input that did not count would keep a decision that is not true any more."""
    found = standing(dataset="data", diagnosis="one", registration="one")
    once = inputs(Role.DECISION, smoke, found)
    assert inputs(Role.DECISION, smoke, found) == once
    other = standing(dataset="data", diagnosis="other", registration="one")
    assert inputs(Role.DECISION, smoke, other) != once
    stricter = smoke.model_copy(
        update={"policy": smoke.policy.model_copy(update={"confidence": 0.99})}
    )
    assert inputs(Role.DECISION, stricter, found) != once


def test_the_canary_s_rules_change_the_canary_alone(smoke: Study) -> None:
    """Nobody should have to decide again because the canary got more pictures."""
    found = standing(dataset="data", diagnosis="one", registration="one")
    assert smoke.canary is not None
    longer = smoke.model_copy(update={"canary": smoke.canary.model_copy(update={"batch": 5})})
    for role in (Role.DATASET, Role.SELECTION, Role.DECISION, Role.REGISTRATION):
        assert inputs(role, longer, found) == inputs(role, smoke, found)
    assert inputs(Role.CANARY, longer, found) != inputs(Role.CANARY, smoke, found)


def test_what_a_notebook_finds_by_itself_counts_but_is_no_parameter(smoke: Study) -> None:
    """Another champion is another canary, though the notebook looks the champion up itself."""
    found = standing(dataset="data", registration="one")
    one = plan(Role.CANARY, smoke, found, version="3", champion="2")
    other = plan(Role.CANARY, smoke, found, version="3", champion="1")
    assert one.fingerprint != other.fingerprint
    assert one.parameters == other.parameters == {"registration_run": "one"}


@pytest.mark.end_to_end
def test_a_whole_report_asks_the_world_once(counted_report: CountedReport) -> None:
    """A dataset of gigabytes is hashed for minutes; asked at every step, that is the report.

    What the notebooks ask counts in their own processes: each must find the world by itself.
    """
    study = load_study(SMOKE)
    done = counted_report
    assert (done.publication.verdict, done.publication.place) == ("promote", "production")
    assert next_steps(done.standing) == []
    assert done.calls[("prepare", str(study.dataset))] == 1
    assert done.calls[("connect", str(done.home))] == 1
    assert done.calls[("sha256_of", str(ROOT / study.model.weights))] == 1
