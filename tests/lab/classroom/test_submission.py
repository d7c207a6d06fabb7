"""What is handed in: read whole by who wrote it, and bounded by who marks it."""

from __future__ import annotations

from pathlib import Path

import pytest

from promotion.errors import DocumentError
from promotion.lab.classroom import Submission, collected, found_in, hand_in
from promotion.store import Artifact, Role, Tag, log_bytes, newest
from promotion.study import Study
from tests.builders import connect_to

ANSWERS = "run: {name: a, recall: 0.5}\ndecide: {document: mine.md}\n"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A student's folder."""
    desk = tmp_path / "desk"
    (desk / "lab").mkdir(parents=True)
    (desk / "lab" / "answers.yaml").write_text(ANSWERS)
    (desk / "lab" / "mine.md").write_text("# Décision\n")
    return desk


def test_what_is_handed_in_comes_back(home: Path, smoke: Study, desk: Path) -> None:
    client = connect_to(home, smoke.experiment)
    assert collected(client, smoke) is None
    hand_in(client, smoke, desk / "lab" / "answers.yaml")
    found = collected(client, smoke)
    assert found == found_in(desk)
    assert found
    assert found.decision == "# Décision\n"
    assert found.answers["run"] == {"name": "a", "recall": 0.5}


def test_the_last_one_counts(home: Path, smoke: Study, desk: Path) -> None:
    client = connect_to(home, smoke.experiment)
    answers = desk / "lab" / "answers.yaml"
    hand_in(client, smoke, answers)
    answers.write_text("grid: {best: b}\n")
    hand_in(client, smoke, answers)
    assert collected(client, smoke) == Submission(answers={"grid": {"best": "b"}}, decision=None)


def test_nothing_to_hand_in_says_what_writes_it(home: Path, smoke: Study) -> None:
    with pytest.raises(DocumentError, match="lab exercises"):
        hand_in(connect_to(home, smoke.experiment), smoke, home / "answers.yaml")


def test_a_folder_without_answers_is_none(tmp_path: Path) -> None:
    assert found_in(tmp_path) is None
    assert found_in(tmp_path / "absent") is None


@pytest.mark.parametrize("named", ["../secret.md", "/etc/passwd", "link.md", "\\0"])
def test_a_decision_from_elsewhere_is_not_read(desk: Path, named: str) -> None:
    (desk / "secret.md").write_text("the teacher's")
    (desk / "lab" / "link.md").symlink_to(desk / "secret.md")
    (desk / "lab" / "answers.yaml").write_text(f'decide: {{document: "{named}"}}\n')
    found = found_in(desk)
    assert found
    assert found.decision is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a: &a [1]\nrun: {name: *a}\n", "alias"),
        ("run: {name: " + "x" * (1 << 16) + "}\n", "at most"),
        ("run: [1]\n", "no section"),
        ("run: {name: \\xff\n", "YAML"),
    ],
)
def test_answers_that_would_harm_are_refused_in_one_line(
    home: Path, smoke: Study, tmp_path: Path, content: str, said: str
) -> None:
    (tmp_path / "answers.yaml").write_text(content)
    with pytest.raises(DocumentError, match=said) as refused:
        found_in(tmp_path)
    assert "\n" not in str(refused.value)
    # The same, logged by hand past `lab submit`.
    client = connect_to(home, smoke.experiment)
    experiment = client.get_experiment_by_name(smoke.experiment)
    assert experiment
    tags = {Tag.ROLE: Role.SUBMISSION, Tag.COMPLETE: "true"}
    run = client.create_run(experiment.experiment_id, tags=tags)
    log_bytes(client, run.info.run_id, Artifact.ANSWERS, content.encode())
    assert newest(client, smoke.experiment, tags)
    with pytest.raises(DocumentError, match=said):
        collected(client, smoke)
