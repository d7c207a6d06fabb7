"""A row of the calibration: a promise, and how often simulated studies kept to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

ALPHA = 0.05


@dataclass(frozen=True)
class Row:
    """So many of the simulated studies, `found` of `studies`, did what `measure` says.

    Their share is promised to lie between `low` and `high`. `half_width` is the mean half-width of
    an interval, where there is one.
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

    def record(self) -> dict[str, object]:
        """The row as JSON holds it, without what it does not have."""
        return {key: value for key, value in asdict(self).items() if value not in ("", None)}


def at_most(section: str, name: str, measure: str, errors: Iterable[bool], most: float) -> Row:
    """A row of errors, of which there should be no more than `most`."""
    return _row(section, name, measure, errors, 0.0, most)


def at_least(section: str, name: str, measure: str, hits: Iterable[bool], least: float) -> Row:
    """A row of successes, of which there should be no fewer than `least`."""
    return _row(section, name, measure, hits, least, 1.0)


def _row(
    section: str, name: str, measure: str, seen: Iterable[bool], low: float, high: float
) -> Row:
    marks = [bool(one) for one in seen]
    return Row(section, name, measure, low, high, sum(marks), len(marks))
