"""Writes what a teacher hands out and looks at: the students' sheets, and the class's marks."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO

from promotion.audit import Finding
from promotion.lab.classroom import Mark, Roster, Twin, settings_of
from promotion.lab.homework import CHAPTERS
from promotion.lab.review import Remark
from promotion.outside import visible
from promotion.report.language import spoken
from promotion.report.review import remark_sentence
from promotion.report.sentences import finding_sentence, hint_sentence, point_state
from promotion.report.templates import environment
from promotion.report.words import sentence, text
from promotion.study import Study

Twins = Mapping[str, Sequence[Twin]]
KINDS = ("timed", "untimed", "wording")


def sheets_html(roster: Roster, study: Study) -> str:
    """A page for each student of the class: the account, and what to set in sh and PowerShell."""
    sheets = [
        {
            "student": student,
            "password": password,
            "variables": {
                "MLFLOW_TRACKING_URI": roster.address,
                "MLFLOW_TRACKING_USERNAME": student,
                "MLFLOW_TRACKING_PASSWORD": password,
                "PROMOTION_SET": ";".join(settings_of(study, student)),
            },
        }
        for student, password in roster.students.items()
    ]
    return _page("sheets.html.j2", sheets=sheets, address=roster.address)


def marks_csv(marks: Sequence[Mark], same: Twins) -> str:
    """A row a student, for a spreadsheet.

    It holds our own words, names and numbers alone: nothing that a student wrote can act in it.
    """
    table = StringIO()
    writer = csv.writer(table)
    writer.writerow(
        [
            text("class.student"),
            text("class.handed_in"),
            *(text(f"lab.chapter.{name}") for name in CHAPTERS),
            text("class.passed"),
            text("class.flaws"),
            text("class.claims"),
            *(text(f"class.same.{kind}") for kind in KINDS),
            text("class.unread"),
        ]
    )
    for one in marks:
        twins = same.get(one.student, ())
        writer.writerow(
            [
                one.student,
                text(f"class.yes.{one.handed_in}"),
                *(text(f"class.state.{one.state(name)}") for name in CHAPTERS),
                one.passed,
                _ids(one.findings),
                _ids(one.remarks),
                *(" ".join(twin.other for twin in twins if getattr(twin, kind)) for kind in KINDS),
                " ".join(one.unread),
            ]
        )
    return table.getvalue()


def _ids(found: Sequence[Finding] | None) -> str:
    """What was found, each check once; what could not be looked for is told apart from nothing."""
    if found is None:
        return text("class.state.unknown")
    return " ".join(dict.fromkeys(one.id for one in found))


def marks_html(marks: Sequence[Mark], same: Twins) -> str:
    """The class's marks with what was found of each student's work; nothing in it runs or loads."""
    students = [
        {
            "mark": one,
            "states": [
                (one.state(name), text(f"class.state.{one.state(name)}")) for name in CHAPTERS
            ],
            "summary": sentence("class.summary", {"passed": one.passed, "chapters": len(CHAPTERS)}),
            "parts": [(title, lines) for title, lines in _parts(one, same) if lines],
        }
        for one in marks
    ]
    chapters = [text(f"lab.chapter.{name}") for name in CHAPTERS]
    return _page("marks.html.j2", students=students, chapters=chapters)


def _parts(one: Mark, same: Twins) -> Iterator[tuple[str, list[str]]]:
    """What there is to say of a student's work, in plain text on one line each."""
    for chapter in CHAPTERS:
        open_ones = [point for point in one.points.get(chapter, []) if point.state != "held"]
        told = [f"{point.id} : {point_state(point)}. {hint_sentence(point)}" for point in open_ones]
        yield text(f"lab.chapter.{chapter}"), [visible(line) for line in told]
    flaws = [f"{found.id} : {finding_sentence(found)}" for found in one.findings or []]
    yield text("class.flaws"), [visible(line) for line in flaws]
    claims = [_claim(found) for found in one.remarks or []]
    yield text("class.claims"), [visible(line) for line in claims]
    yield text("class.same"), [line for twin in same.get(one.student, ()) for line in _told(twin)]
    unread = [f"{part} : {reason}" for part, reason in one.unread.items()]
    yield text("class.unread"), [visible(line) for line in unread]


def _claim(found: Remark) -> str:
    said = remark_sentence(found)
    return (
        said if found.line is None else sentence("class.line", {"line": found.line, "said": said})
    )


def _told(twin: Twin) -> Iterator[str]:
    if twin.timed:
        yield sentence("class.twin.timed", {"runs": twin.timed, "other": twin.other})
    if twin.untimed:
        yield sentence("class.twin.untimed", {"runs": twin.untimed, "other": twin.other})
    if twin.wording:
        yield sentence("class.twin.wording", {"other": twin.other})


def _page(template: str, **facts: object) -> str:
    page = environment(autoescape=True).get_template(template)
    return page.render(text=text, language=spoken(), **facts)
