"""A row of the calibration: a promise, and how often simulated studies kept to it."""

from __future__ import annotations

from collections.abc import Iterable

from promotion.report.calibration import CalibrationRow as Row

ALPHA = 0.05


def at_most(section: str, name: str, measure: str, errors: Iterable[bool], most: float) -> Row:
    """A row of errors, of which there should be no more than `most`."""
    return counted(section, name, measure, errors, (0.0, most))


def at_least(section: str, name: str, measure: str, hits: Iterable[bool], least: float) -> Row:
    """A row of successes, of which there should be no fewer than `least`."""
    return counted(section, name, measure, hits, (least, 1.0))


def counted(
    section: str,
    name: str,
    measure: str,
    seen: Iterable[bool],
    promise: tuple[float, float],
    metric: str = "",
) -> Row:
    """A row of what so many studies showed, whose share is promised to lie within `promise`."""
    marks = [bool(one) for one in seen]
    low, high = promise
    return Row(
        section=section,
        name=name,
        measure=measure,
        low=low,
        high=high,
        found=sum(marks),
        studies=len(marks),
        metric=metric,
    )
