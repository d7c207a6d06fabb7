"""Who is in a class: whoever has a password keeps it, and nobody else reads it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from promotion.errors import ClassError
from promotion.lab.classroom import keep_roster, read_roster, with_students
from promotion.lab.classroom.roster import LENGTH


def test_a_class_that_grows_keeps_its_passwords(tmp_path: Path) -> None:
    first = with_students(tmp_path, 2, "http://here")
    keep_roster(tmp_path, first)
    grown = with_students(tmp_path, 3, "http://elsewhere")
    assert list(grown.students) == ["student01", "student02", "student03"]
    assert {name: grown.students[name] for name in first.students} == first.students
    assert (grown.teacher, grown.key) == (first.teacher, first.key)
    assert grown.address == "http://elsewhere"
    # A smaller number drops nobody.
    keep_roster(tmp_path, grown)
    assert with_students(tmp_path, 1, "http://here").students == grown.students


def test_no_two_passwords_are_alike(tmp_path: Path) -> None:
    roster = with_students(tmp_path, 30, "http://here")
    passwords = {*roster.students.values(), roster.teacher, roster.key}
    assert len(passwords) == 32
    assert {len(one) for one in passwords} == {LENGTH}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_only_its_owner_reads_the_roster(tmp_path: Path) -> None:
    place = keep_roster(tmp_path / "class", with_students(tmp_path, 1, "http://here"))
    assert place.stat().st_mode & 0o777 == 0o600
    assert place.parent.stat().st_mode & 0o777 == 0o700


def test_git_ignores_the_class_wherever_its_home_is(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    place = keep_roster(tmp_path / "class", with_students(tmp_path, 1, "http://here"))
    ignored = subprocess.run(["git", "-C", str(tmp_path), "check-ignore", str(place)])
    assert ignored.returncode == 0


def test_a_class_that_is_not_there_says_how_it_is_made(tmp_path: Path) -> None:
    with pytest.raises(ClassError, match="lab start"):
        read_roster(tmp_path)


def test_a_damaged_roster_is_never_replaced_by_new_passwords(tmp_path: Path) -> None:
    keep_roster(tmp_path, with_students(tmp_path, 1, "http://here"))
    (tmp_path / "roster.json").write_text('{"students": {"../elsewhere": "x"}}')
    with pytest.raises(ClassError, match="is no roster"):
        with_students(tmp_path, 2, "http://here")
