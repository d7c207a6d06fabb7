"""The lab's chapters: each is whole, has its check and its time, and no session is too long."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest
import yaml

from promotion.lab.exercises import EXERCISES
from promotion.lab.homework import CHAPTERS
from promotion.paths import ROOT

ROW = re.compile(r"^\| (\d) \| \[([^\]]+)\]\(lab/(\w+)\.md\) \| (\d+) \|$", re.M)
SECTIONS = ["Buts", "Il faut", "Comprendre", "À faire", "À répondre", "Vérifier"]
TABLE = ROW.findall((ROOT / "book" / "lab.md").read_text(encoding="utf-8"))


def page(chapter: str) -> str:
    return (ROOT / "book" / "lab" / f"{chapter}.md").read_text(encoding="utf-8")


def test_four_sessions_of_ninety_minutes_hold_every_chapter() -> None:
    minutes: dict[str, int] = defaultdict(int)
    for session, _, _, long in TABLE:
        minutes[session] += int(long)
    assert [chapter for _, _, chapter, _ in TABLE] == list(CHAPTERS)
    assert list(minutes) == ["1", "2", "3", "4"]
    assert max(minutes.values()) <= 90


@pytest.mark.parametrize(("session", "title", "chapter", "minutes"), TABLE)
def test_a_chapter_is_whole(session: str, title: str, chapter: str, minutes: str) -> None:
    told = page(chapter)
    assert told.startswith(f"# {title}\n\nSéance {session}, {minutes} minutes.\n")
    assert re.findall(r"^## (.+)$", told, re.M) == SECTIONS
    assert f"python -m promotion lab check {chapter}\n" in told
    assert "?" in told.partition("## À répondre")[2]


@pytest.mark.parametrize("exercise", [one.stem for one in EXERCISES.glob("*.ipynb")])
def test_an_exercise_is_of_a_chapter_that_leads_to_it(exercise: str) -> None:
    assert f"lab/{exercise}.ipynb" in page(exercise)
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    chapters = {one["file"]: one for part in contents["parts"] for one in part["chapters"]}
    below = chapters[f"book/lab/{exercise}"]["sections"]
    assert below == [{"file": f"exercises/{exercise}"}]


def test_the_workflow_for_github_classroom_is_yaml_and_checks() -> None:
    told = (ROOT / "book" / "lab.md").read_text(encoding="utf-8")
    (workflow,) = re.findall(r"```yaml\n(.*?)```", told, re.S)
    steps = yaml.safe_load(workflow)["jobs"]["lab"]["steps"]
    commands = [step["run"] for step in steps if "run" in step]
    assert "python -m promotion lab check error" in commands
    assert "python -m promotion lab check" in commands
