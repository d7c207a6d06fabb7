"""Who is in a class: the accounts on its server, and the passwords that were made for them."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from promotion.errors import ClassError
from promotion.facts import Fact
from promotion.whole import write_whole

ROSTER = "roster.json"
# They are typed from a sheet of paper: nothing that looks like something else, 5 bits a letter.
LETTERS, LENGTH = "abcdefghijkmnpqrstuvwxyz23456789", 16
# What a registered model's name takes.
Account = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,30}$")]
MOST_STUDENTS = 200


class Roster(Fact):
    """The students' passwords by account, the teacher's, and the key that signs the server's forms.

    `address` is where the server answers.
    """

    address: str
    teacher: str
    key: str
    students: dict[Account, str]


def read_roster(folder: Path) -> Roster:
    """The roster of the class in this folder.

    Raises:
        ClassError: there is none, or it cannot be read.
    """
    place = folder / ROSTER
    try:
        return Roster.model_validate_json(place.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ClassError(
            f"no class in {folder}; `python -m promotion lab start --students 30` makes one"
        ) from None
    except (OSError, UnicodeDecodeError, ValidationError):
        raise ClassError(
            f"{place} is no roster; put a copy back, or delete it for a new one"
        ) from None


def with_students(folder: Path, students: int, address: str) -> Roster:
    """The class in this folder with so many students at least; whoever has a password keeps it.

    Raises:
        ClassError: there is a roster, but it cannot be read.
    """
    there = (folder / ROSTER).exists()
    known = (
        read_roster(folder)
        if there
        else Roster(address="", teacher=_password(), key=_password(), students={})
    )
    wanted = [f"student{number:02}" for number in range(1, students + 1)]
    new = {name: _password() for name in wanted if name not in known.students}
    return known.model_copy(update={"address": address, "students": {**known.students, **new}})


def keep_roster(folder: Path, roster: Roster) -> Path:
    """Write the roster for its owner alone, in a folder that git ignores; return its place."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_whole(folder / ".gitignore", "*\n")
    write_whole(folder / ROSTER, roster.model_dump_json(indent=1), mode=0o600)
    return folder / ROSTER


def _password() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
