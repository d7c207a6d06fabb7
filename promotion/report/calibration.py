"""The simulation's rows: which promise each holds, and what is done where one is not kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promotion.comparison import wilson_interval
from promotion.facts import Fact
from promotion.paths import ROOT
from promotion.report.words import has_text, listed, percent, text

RESULTS = ROOT / "book" / "calibration.json"
# The sections after the comparison, in the order of the page.
OTHERS = ("gates", "openings", "plans", "canary")
# By this the simulation's own error is judged.
CONFIDENCE = 0.95


class CalibrationRow(Fact):
    """A promise and what came of it: `found` of `studies` did what `measure` says.

    The share is promised to lie between `low` and `high`; `half_width` is the mean half-width of an
    interval, where there is one. `benchmarks/calibration.py` makes the rows.
    """

    section: str
    name: str
    measure: str
    low: float
    high: float
    found: int
    studies: int
    metric: str = ""
    half_width: float | None = None

    @property
    def share(self) -> float:
        """The observed share."""
        return self.found / self.studies

    @property
    def bounds(self) -> tuple[float, float]:
        """Wilson's interval of the share."""
        low, high = wilson_interval(self.found, self.studies, CONFIDENCE)
        return max(0.0, low), min(1.0, high)

    @property
    def kept(self) -> bool:
        """Whether the share may lie within the promise, for all that so many studies can tell."""
        low, high = self.bounds
        return low <= self.high and high >= self.low

    @property
    def prudent(self) -> bool:
        """Whether an interval covers more often than it promises."""
        return not self.kept and self.measure == "coverage" and self.share > self.high

    @property
    def promise(self) -> str:
        """The promise in words."""
        if self.low <= 0:
            return text("calibration.at_most").format(high=percent(self.high))
        if self.high >= 1:
            return text("calibration.at_least").format(low=percent(self.low))
        return text("calibration.between").format(low=percent(self.low), high=percent(self.high))

    @property
    def observed(self) -> str:
        """The observed share, with a mark where the promise is not kept."""
        mark = "" if self.kept else f" {text('calibration.not_kept_mark')}"
        return percent(self.share, 1) + mark

    @property
    def title(self) -> str:
        """What was simulated."""
        return text(f"calibration.name.{self.name}")

    @property
    def counted(self) -> str:
        """What was counted."""
        return text(f"calibration.measure.{self.measure}")


@dataclass(frozen=True)
class ComparisonLine:
    """A line of the comparison's table: one metric of one scenario, its rows by what they count."""

    title: str
    metric: str
    rows: Mapping[str, CalibrationRow]

    @property
    def kept(self) -> bool:
        """Whether every promise of the line is kept."""
        return all(row.kept for row in self.rows.values())


def calibration_rows(path: Path = RESULTS) -> list[CalibrationRow]:
    """The rows, as `benchmarks/calibration.py` left them."""
    return [CalibrationRow(**row) for row in _results(path)["rows"]]


def fitted(path: Path = RESULTS) -> dict[str, dict[str, float]]:
    """Errors of the embedded study, `real`, and of the simulation fitted to it, `simulated`."""
    return dict(_results(path)["fitted"])


def _results(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def of_section(rows: Iterable[CalibrationRow], section: str) -> list[CalibrationRow]:
    """The rows of one section."""
    return [row for row in rows if row.section == section]


def comparison_lines(rows: Iterable[CalibrationRow]) -> list[ComparisonLine]:
    """The comparison's rows, those of a scenario and a metric on one line."""
    lines: dict[tuple[str, str], dict[str, CalibrationRow]] = {}
    for row in of_section(rows, "comparison"):
        lines.setdefault((row.title, row.metric), {})[row.measure] = row
    return [ComparisonLine(*key, by_measure) for key, by_measure in lines.items()]


def answers(rows: Sequence[CalibrationRow]) -> list[str]:
    """What is not kept, and what the system does about it: a sentence a scenario."""
    broken: dict[str, list[CalibrationRow]] = {}
    for row in rows:
        if not row.kept:
            broken.setdefault(row.name, []).append(row)
    return [_answer(found) for found in broken.values()]


def _answer(broken: Sequence[CalibrationRow]) -> str:
    where = [
        text("calibration.where").format(
            counted=row.counted,
            metric=f" ({text('metric.' + row.metric)})" if row.metric else "",
            observed=percent(row.share, 1),
        )
        for row in broken
    ]
    own = f"calibration.answer.{broken[0].name}"
    kinds = [own] if has_text(own) else [f"calibration.answer.{_kind(row)}" for row in broken]
    done = " ".join(text(key) for key in dict.fromkeys(kinds))
    return text("calibration.answer").format(title=broken[0].title, where=listed(where), done=done)


def _kind(row: CalibrationRow) -> str:
    return "prudent" if row.prudent else row.measure
