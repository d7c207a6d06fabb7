"""Marks a student's work: chapters, flaws of the experiment, claims, and what is another's too.

What cannot be read is told and passes for nothing; it stops no other student's marking.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

from mlflow.tracking import MlflowClient

from promotion.audit import Finding, audit, read_experiment
from promotion.checksums import digest_of
from promotion.errors import MissingRunsError, PromotionError, TrackingError
from promotion.execution import StudyFile
from promotion.facts import Fact
from promotion.lab.classroom.roster import Roster
from promotion.lab.classroom.server import need_answer, signed_in, study_of
from promotion.lab.classroom.submission import Submission, collected, found_in
from promotion.lab.homework import CHAPTERS, Point, Work, check_work
from promotion.lab.review import Remark, check_claims
from promotion.lab.review.records import Ran
from promotion.store import Artifact
from promotion.study import Study

ChapterState = Literal["passed", "failed", "missing", "unknown"]
Found = TypeVar("Found")
# No two trainings take the same time to the last digit, on whatever machine.
TIMES = ("train_seconds", "latency_p50_ms", "latency_p95_ms", "energy_wh")


class Mark(Fact):
    """A student's work as it was found.

    `points` are by chapter; `findings` the flaws of the experiment, None without a run; `remarks`
    the claims that do not hold, None without a decision. `unread` says by part what could not be
    read, and why. `timed` and `untimed` are digests of the runs, with and without a measured time
    among their metrics; `wording` is that of the decision.
    """

    student: str
    handed_in: bool
    points: dict[str, list[Point]]
    findings: list[Finding] | None
    remarks: list[Remark] | None
    unread: dict[str, str]
    timed: frozenset[str] = frozenset()
    untimed: frozenset[str] = frozenset()
    wording: str | None = None

    def state(self, chapter: str) -> ChapterState:
        """Passed, if every point holds; missing, if none was worked on."""
        states = {point.state for point in self.points.get(chapter, [])}
        if not states:
            return "unknown"
        if states == {"held"}:
            return "passed"
        return "missing" if states == {"missing"} else "failed"

    @property
    def passed(self) -> int:
        """How many chapters are passed."""
        return sum(self.state(chapter) == "passed" for chapter in CHAPTERS)


class Twin(Fact):
    """What two students share: so many runs, timed or not, and whether the decision's text."""

    other: str
    timed: int
    untimed: int
    wording: bool


def mark(
    client: MlflowClient, study: Study, student: str, submission: Callable[[], Submission | None]
) -> Mark:
    """Mark the work that a student's own account sees; `submission` reads what was handed in."""
    unread: dict[str, str] = {}

    def tried(part: str, read: Callable[[], Found]) -> Found | None:
        try:
            return read()
        except PromotionError as error:
            unread[part] = str(error)
        # Whatever a student logged, the others are marked too.
        except Exception as error:
            unread[part] = f"{type(error).__name__}: {error}"
        return None

    handed_in = tried("submission", submission)
    with tempfile.TemporaryDirectory() as scratch:
        work = _work(client, study, handed_in, Path(scratch))
        points = {name: tried(name, partial(check_work, work, name)) for name in CHAPTERS}
        records = tried("runs", lambda: work.records)
    decision = handed_in.decision if handed_in else None
    review = tried("decision", partial(check_claims, decision, records)) if decision else None
    runs = records.runs if records else []
    return Mark(
        student=student,
        handed_in=handed_in is not None,
        points={name: found for name, found in points.items() if found},
        findings=tried("audit", lambda: _flaws(client, study)),
        remarks=[one for one in review.remarks if one.failed] if review else None,
        unread=unread,
        timed=frozenset(_digest(run) for run in runs if _is_timed(run)),
        untimed=frozenset(_digest(run) for run in runs if not _is_timed(run)),
        wording=digest_of({"text": decision.casefold().split()}) if decision else None,
    )


def mark_class(home: Path, roster: Roster, file: StudyFile, folder: Path | None) -> Iterator[Mark]:
    """Mark one student after the other, from their folder here, or from what was handed in.

    Each is seen as by their own account, so that nothing of another's counts as theirs.

    Raises:
        ClassError: the class's server does not answer.
        StudyError: with a student's before it, a name of the study is none.
    """
    need_answer(roster.address)
    for name, password in roster.students.items():
        study = study_of(file, name)
        try:
            with signed_in(home, roster.address, name, password) as client:
                read = (
                    partial(found_in, folder / name)
                    if folder
                    else partial(collected, client, study)
                )
                found = mark(client, study, name, read)
        except TrackingError as error:
            unread = {"account": str(error)}
            found = Mark(
                student=name, handed_in=False, points={}, findings=None, remarks=None, unread=unread
            )
        yield found


def twins(marks: Sequence[Mark]) -> dict[str, list[Twin]]:
    """By student, who has the same runs to the last digit, or the same decision word for word."""
    found: dict[str, list[Twin]] = defaultdict(list)
    for one in marks:
        for other in marks:
            twin = Twin(
                other=other.student,
                timed=len(one.timed & other.timed),
                untimed=len(one.untimed & other.untimed),
                wording=one.wording is not None and one.wording == other.wording,
            )
            if one is not other and (twin.timed or twin.untimed or twin.wording):
                found[one.student].append(twin)
    return found


def _work(client: MlflowClient, study: Study, handed_in: Submission | None, folder: Path) -> Work:
    """The work as `lab check` sees it, with the decision in a folder of its own."""
    answers = dict(handed_in.answers) if handed_in else {}
    if handed_in and handed_in.decision is not None:
        (folder / Artifact.DECISION_MD).write_text(handed_in.decision, encoding="utf-8")
    answers["decide"] = {"document": Artifact.DECISION_MD}
    return Work(study, client, answers, folder)


def _flaws(client: MlflowClient, study: Study) -> list[Finding] | None:
    try:
        experiment = read_experiment(client, study.experiment)
    except MissingRunsError:
        return None
    return [one for one in audit(experiment) if one.failed]


def _digest(run: Ran) -> str:
    return digest_of(run.metrics)


def _is_timed(run: Ran) -> bool:
    return any(run.metrics.get(name) for name in TIMES)
