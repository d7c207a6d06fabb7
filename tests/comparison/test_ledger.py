"""The ledger counts the questions that a test was asked, whoever asked and whatever was deleted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, tzinfo
from pathlib import Path

import pytest

from promotion.comparison import Campaign, Ledger, Selection, open_ledger
from promotion.comparison.ledger import read_openings
from promotion.datasets import Manifest
from promotion.store import (
    Artifact,
    Role,
    Session,
    Tag,
    close_session,
    environment,
    log_fact,
    open_session,
)
from tests.builders import SMOKE, run

pytestmark = pytest.mark.slow

TEST = {"images/test/a.jpg": "1" * 64, "labels/test/a.txt": "2" * 64}
MANIFEST = Manifest(source="folder", files=TEST, images={"test": 1}, instances={"test": 1})
BIG = Selection(candidate="big", baseline="small", candidate_run="big_s1", baseline_run="small_s1")
OTHER = BIG.model_copy(update={"candidate": "other", "candidate_run": "other_s1"})


@pytest.fixture
def dataset(home: Path) -> Iterator[Session]:
    """A store with a dataset's run."""
    opened = open_session(str(SMOKE), [], "", Role.DATASET)
    log_fact(opened.client, opened.run_id, Artifact.MANIFEST, MANIFEST)
    yield opened
    close_session(opened)


def campaign(dataset: Session, seeds: int = 2) -> Campaign:
    """Runs of three configurations on the dataset, so many seeds of each."""
    names = ("big", "other", "small")
    runs = [run(name, seed, 0.5) for name in names for seed in range(1, seeds + 1)]
    return Campaign(runs, [], dataset.client.get_run(dataset.run_id), {"estimated"})


def ask(
    dataset: Session, selection: Selection, *overrides: str, seeds: int = 2
) -> tuple[Session, Ledger]:
    """Open the test for a question, as the notebook that confirms does."""
    session = open_session(str(SMOKE), list(overrides), "", Role.COMPARISON)
    return session, open_ledger(session, campaign(dataset, seeds), selection)


STRICTER = "policy.confidence=0.9"


def test_three_different_questions_count_one_two_and_three(dataset: Session) -> None:
    """Other configurations, or another policy, are another question."""
    found = [ask(dataset, *question)[1] for question in ((BIG,), (OTHER,), (BIG, STRICTER))]
    assert [one.number for one in found] == [1, 2, 3]
    assert [len(one.openings) for one in found] == [1, 2, 3]
    assert found[0].level > found[1].level


def test_the_same_question_again_keeps_its_number(dataset: Session) -> None:
    first = ask(dataset, BIG)[1]
    ask(dataset, OTHER)
    again = ask(dataset, BIG)[1]
    assert again == first
    assert ask(dataset, OTHER)[1].number == 2


def test_questions_of_one_second_are_counted_in_their_order(dataset: Session) -> None:
    """Their names sort at random, and must not decide which of them came first."""
    asked = [f"policy.confidence=0.{number}" for number in range(60, 65)]
    assert [ask(dataset, BIG, one)[1].number for one in asked] == [1, 2, 3, 4, 5]


def test_a_clock_that_is_behind_opens_no_test_before_those_who_opened_it(
    dataset: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Behind(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime(2001, 1, 1, tzinfo=tz)

    ask(dataset, BIG)
    monkeypatch.setattr(environment, "datetime", Behind)
    assert ask(dataset, OTHER)[1].number == 2
    assert ask(dataset, OTHER)[1].number == 2


@pytest.mark.parametrize("lost", ["dataset", "comparison"])
def test_deleting_the_tags_of_one_run_hides_no_opening(dataset: Session, lost: str) -> None:
    comparing = ask(dataset, BIG)[0]
    run_id = dataset.run_id if lost == "dataset" else comparing.run_id
    for key in dataset.client.get_run(run_id).data.tags:
        if Tag.is_opening(key) or key == Tag.TEST_DIGEST:
            dataset.client.delete_tag(run_id, key)
    assert ask(dataset, OTHER)[1].number == 2


def test_deleting_the_comparison_s_run_hides_no_opening(dataset: Session) -> None:
    comparing = ask(dataset, BIG)[0]
    close_session(comparing)
    dataset.client.delete_run(comparing.run_id)
    assert ask(dataset, OTHER)[1].number == 2


def test_the_openings_of_another_test_do_not_count(dataset: Session) -> None:
    ask(dataset, BIG)
    assert read_openings(dataset.client, "another test") == []
    assert len(read_openings(dataset.client, MANIFEST.split_digest("test"))) == 1


def test_a_planned_sequence_of_seeds_counts_as_one_opening(dataset: Session) -> None:
    planned = "policy.planned_seeds=[2, 4]"
    first, second = (ask(dataset, BIG, planned, seeds=seeds)[1] for seeds in (2, 4))
    assert (first.number, second.number) == (1, 1)
    assert len(second.openings) == 2
    assert first.level < second.level
    assert ask(dataset, BIG, planned, seeds=3)[1].number == 2


def test_only_a_policy_of_the_same_study_is_a_changed_one(dataset: Session) -> None:
    ask(dataset, BIG, STRICTER, "name=another")
    assert ask(dataset, BIG)[1].policy_changes.times == 0
    changed = ask(dataset, BIG, "policy.confidence=0.8")[1]
    assert [one.name for one in changed.policy_changes.rules] == ["confidence"]
    assert changed.policy_changes.times == 1
    assert changed.number == 3


def test_an_opening_of_which_nobody_kept_the_policy_is_said_to_differ_unknown(
    dataset: Session,
) -> None:
    """Such is one that was made before policies were kept, or by one too long for a tag."""
    ask(dataset, BIG, STRICTER)
    tags = dataset.client.get_run(dataset.run_id).data.tags
    old = {key: json.loads(value) for key, value in tags.items() if Tag.is_opening(key)}
    experiment = dataset.client.get_run(dataset.run_id).info.experiment_id
    for found in dataset.client.search_runs([experiment]):
        for key, entry in old.items():
            entry.pop("rules", None)
            if key in found.data.tags:
                dataset.client.set_tag(found.info.run_id, key, json.dumps(entry))
    changes = ask(dataset, BIG)[1].policy_changes
    assert (changes.times, changes.unknown, changes.rules) == (1, 1, [])
    again = ask(dataset, BIG, STRICTER)[1]
    assert again.this.rules


def test_a_policy_too_long_for_a_tag_opens_its_test_all_the_same(dataset: Session) -> None:
    """MLflow cuts what is too long, and half an opening could not be read any more."""
    named = {f"constraint {number:03d} {'x' * 60}": "latency_p95_ms" for number in range(100)}
    asked = ask(dataset, BIG, f"policy.constraints={json.dumps(named)}")[1]
    assert asked.number == 1
    assert ask(dataset, BIG)[1].policy_changes.unknown == 1


def test_an_opening_says_who_asked_what_and_when(dataset: Session) -> None:
    this = ask(dataset, BIG)[1].this
    assert (this.candidate, this.baseline, this.seeds, this.study) == ("big", "small", 2, "smoke")
    assert "@" in this.who
    assert this.when.endswith("Z")
