"""What the command line shows: lines, tables, and the batch as it runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

from promotion.outside import visible

if TYPE_CHECKING:
    import pandas as pd

    from promotion.audit import Finding
    from promotion.execution import Outcome
    from promotion.lab.classroom import Mark, Twin
    from promotion.lab.homework import Point
    from promotion.registry import Event, History
    from promotion.report.publication import Publication
    from promotion.report.review import Told, ToldReview

# A name such as `:skull:` is a name.
console = Console(emoji=False)
errors = Console(stderr=True, emoji=False)

PLACES = {
    "staging": "in Staging",
    "production": "in Production",
    "left": "no longer in Production",
    "none": "neither in Staging nor in Production",
}
VERDICT_COLOURS = {"promote": "green", "reject": "red", "inconclusive": "yellow"}
MARKS = {
    "done": "[green]done[/green]",
    "kept": "[cyan]kept[/cyan]",
    "failed": "[red]failed[/red]",
}


def lose_no_output() -> None:
    """Show what a stream's encoding lacks as a question mark: Windows' are narrow when piped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def say(line: str) -> None:
    """Print a line whole: a path that is broken in two cannot be copied."""
    console.print(line, highlight=False, soft_wrap=True)


def table(*names: str) -> Table:
    """An empty table whose cells are folded, never cut."""
    return Table(*(Column(name, overflow="fold") for name in names))


def plain(value: object) -> str:
    """Text from outside as it is: no markup, and no control character reaches the terminal."""
    return escape(visible(value))


def print_error(line: str) -> None:
    """Print one line about what went wrong."""
    errors.print(f"[red]error:[/red] {plain(line)}", soft_wrap=True, highlight=False)


class BatchDisplay:
    """A live line for the batch: variants done, running, failed, and the time left."""

    def __init__(self) -> None:
        self.progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            console=console,
        )
        self.task: TaskID | None = None
        self.total = self.jobs = self.kept = self.done = self.failed = 0
        self.seconds = 0.0

    @contextmanager
    def batch(self, variants: int, jobs: int) -> Iterator[None]:
        """Show the batch while it runs."""
        self.total, self.jobs = variants, jobs
        with self.progress:
            self.task = self.progress.add_task(
                "variants", total=variants, state="preparing the data"
            )
            yield
            self.task = None

    def report(self, outcome: Outcome) -> None:
        """Print how a step went and count it."""
        line = f"{MARKS[outcome.status]} {plain(outcome.name)}"
        if outcome.seconds:
            line += f" ({outcome.seconds:.0f} s)"
        if outcome.error:
            line += f": {plain(outcome.error)}"
        self.progress.console.print(line, highlight=False, soft_wrap=True)
        if self.task is None or outcome.role != "variant":
            return
        self.kept += outcome.status == "kept"
        self.done += outcome.status == "done"
        self.failed += outcome.status == "failed"
        self.seconds += outcome.seconds
        self.progress.update(self.task, advance=1, state=self._state())

    def _state(self) -> str:
        ended = self.kept + self.done + self.failed
        left = self.total - ended
        running = min(self.jobs, left)
        state = (
            f"{self.done + self.kept}/{self.total} done, {running} running, {self.failed} failed"
        )
        trained = self.done + self.failed
        if trained and left:
            remaining = self.seconds / trained * left / max(1, running)
            state += f", about {remaining / 60:.0f} min left"
        return state


def show_counts(outcomes: list[Outcome]) -> None:
    """How many variants were trained, kept and failed."""
    counts = [sum(o.status == s for o in outcomes) for s in ("done", "kept", "failed")]
    say("{} trained, {} kept from before, {} failed".format(*counts))


def show_decision(decision: Publication) -> None:
    """The verdict, and of whom."""
    say(f"verdict: [bold {VERDICT_COLOURS[decision.verdict]}]{decision.verdict}[/]")
    say(f"candidate: {plain(decision.candidate.run_name)}")
    say(f"baseline:  {plain(decision.baseline.run_name)}")


def show_place(decision: Publication, model: str) -> None:
    """Where the decision's version stands, and why."""
    if decision.model_version is None:
        say(f"nothing registered: the verdict is {decision.verdict}")
        return
    name = f"{model} version {decision.model_version}"
    canary = decision.canary
    if canary is None:
        say(f"{name}: {PLACES[decision.place]}; no canary yet")
        return
    seen = f"canary {canary.verdict} after {canary.last.images} images"
    say(f"{name}: {PLACES[decision.place]}; {seen}, against {plain(canary.champion)}")


def show_event(event: Event) -> None:
    """A transition that was just made."""
    say(f"{event.action}: version {plain(event.version)}")
    say(f"in Production: version {plain(event.after.get('production', 'none'))}")
    say("`python -m promotion book` shows it in the book")


def show_findings(findings: list[tuple[Finding, str]]) -> None:
    """What the audit finds, a row a check, each with its sentence."""
    shown = table("check", "severity", "outcome", "finding")
    for one, message in findings:
        mark = {True: "[green]passed[/]", False: "[red]failed[/]", None: "unknown"}[one.passed]
        shown.add_row(one.id, one.severity, mark, plain(message))
    console.print(shown)


def show_points(points: list[tuple[Point, str, str]]) -> None:
    """What a student's work holds, a row a point: its state in words, and a hint."""
    colours = {"held": "green", "wrong": "red", "missing": "yellow"}
    shown = table("point", "state", "hint")
    for one, state, hint in points:
        shown.add_row(one.id, f"[{colours[one.state]}]{plain(state)}[/]", plain(hint))
    console.print(shown)
    say(f"{sum(one.state == 'held' for one, *_ in points)} of {len(points)} points hold")


def show_marks(marks: Sequence[Mark], same: Mapping[str, Sequence[Twin]]) -> None:
    """A class at a glance, a row a student: chapters passed, flaws, claims, and who is alike."""
    shown = table("student", "handed in", "chapters passed", "flaws", "claims", "like", "unread")
    for one in marks:
        shown.add_row(
            one.student,
            "yes" if one.handed_in else "no",
            str(one.passed),
            _count(one.findings),
            _count(one.remarks),
            ", ".join(twin.other for twin in same.get(one.student, ())),
            ", ".join(one.unread),
        )
    console.print(shown)


def _count(found: Sequence[object] | None) -> str:
    return "-" if found is None else str(len(found))


def show_review(review: ToldReview) -> None:
    """The document line by line, with each remark below the block that it is about."""
    say(plain(review.summary))
    for one in review.of_the_whole:
        _show_remark(one)
    for number, line in enumerate(review.review.document.source.splitlines(), 1):
        say(f"[dim]{number:4}[/] {plain(line)}")
        for one in review.ending_at(number):
            _show_remark(one)


def _show_remark(one: Told) -> None:
    colour = {"failed": "red", "open": "yellow", "held": "green"}[one.state]
    # Folded to the terminal's width, under the line it is about.
    text = Text.from_markup(f"[{colour}]{one.mark}.[/] {plain(one.message)}")
    console.print(Padding(text, (0, 0, 0, 5)), highlight=False)


def show_table(found: pd.DataFrame) -> None:
    """A table of the report, without its Markdown."""
    shown = table(str(found.index.name or ""), *map(str, found.columns))
    for row in found.itertuples():
        shown.add_row(*(plain(str(value).replace("*", "").replace("`", "")) for value in row))
    console.print(shown)


def show_doubts(history: History) -> None:
    """What is wrong with the registry's record, a line each; nothing where nothing is."""
    for alias, number in history.by_hand.items():
        stands = f"version {number}" if number else "no version"
        say(f"[yellow]changed by hand:[/] {alias} is {plain(stands)}, which no event made so")
    if history.broken:
        say(f"[yellow]history:[/] {history.broken} events do not follow the one before them")
    if history.damaged:
        say(f"[yellow]history:[/] {history.damaged} records cannot be read")
