"""A class: one MLflow server with an account a student, and the marking of what they did there."""

from promotion.lab.classroom.marking import Mark, Twin, mark, mark_class, twins
from promotion.lab.classroom.roster import Roster, keep_roster, read_roster, with_students
from promotion.lab.classroom.server import (
    TEACHER,
    address_of,
    enrol,
    need_port,
    server_arguments,
    server_environment,
    settings_of,
    signed_in,
    study_of,
    wait_until_up,
)
from promotion.lab.classroom.submission import Submission, collected, found_in, hand_in

__all__ = [
    "TEACHER",
    "Mark",
    "Roster",
    "Submission",
    "Twin",
    "address_of",
    "collected",
    "enrol",
    "found_in",
    "hand_in",
    "keep_roster",
    "mark",
    "mark_class",
    "need_port",
    "read_roster",
    "server_arguments",
    "server_environment",
    "settings_of",
    "signed_in",
    "study_of",
    "twins",
    "wait_until_up",
    "with_students",
]
