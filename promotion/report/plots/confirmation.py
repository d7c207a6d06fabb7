"""Plots of what test says: the differences, and where their uncertainty comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from promotion.comparison import MetricComparison
from promotion.report.figures import BASELINE, CANDIDATE, INK, Plot
from promotion.report.plots.drawing import LABEL_SIZE, Ticks, new_plot
from promotion.report.words import MISSING, sentence, text


def differences(
    comparison: Sequence[MetricComparison],
    required: Mapping[str, float],
    levels: Mapping[str, float],
    images: int,
    persons: int,
) -> Plot:
    """Candidate − baseline for each metric, with its interval and what the policy requires.

    A thin line goes on to the one-sided bound of the rule, at the confidence in `levels`.
    """
    figure, ((axes,),) = new_plot(6, 1.2 + 0.5 * len(comparison))
    bounds = {
        found.metric: found.law.exceeded(levels[found.metric])
        for found in comparison
        if found.metric in levels
    }
    for place, found in enumerate(comparison):
        low, high = found.interval
        axes.plot([low, high], [place, place], color=CANDIDATE, linewidth=2.5)
        axes.plot(found.difference, place, "o", color=CANDIDATE)
        if found.metric in bounds:
            axes.plot([bounds[found.metric], low], [place, place], color=CANDIDATE, linewidth=1)
        if found.metric in required:
            axes.plot(required[found.metric], place, "|", color=INK, ms=18, mew=1.5)
    axes.axvline(0, color=INK, linewidth=0.8)
    names = [text(f"metric.{found.metric}") for found in comparison]
    axes.set_yticks(range(len(comparison)), names)
    axes.set_ylim(len(comparison) - 0.5, -0.6)
    axes.set_xlabel(text("plot.difference.x"))
    axes.xaxis.set_major_formatter(Ticks())
    first = next((one.metric for one in comparison if one.metric in required), None)
    if first is not None:
        axes.annotate(
            text("plot.difference.required"),
            (required[first], 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            size=LABEL_SIZE,
        )
    facts = {"images": images, "persons": persons}
    figure.says(
        "differences",
        sentence("plot.difference.title", facts),
        _required_told(comparison, required, levels),
        [_difference_told(found, required, levels) for found in comparison],
        pd.DataFrame(
            [
                {
                    "metric": found.metric,
                    "difference": found.difference,
                    "low": found.interval[0],
                    "high": found.interval[1],
                    "bound": bounds.get(found.metric),
                    "required": required.get(found.metric),
                }
                for found in comparison
            ]
        ),
    )
    return figure


def _required_told(
    comparison: Sequence[MetricComparison],
    required: Mapping[str, float],
    levels: Mapping[str, float],
) -> str:
    """Which of the differences that the policy requires are established, and which are not."""
    judged = {
        found.metric: found.law.probability_at_least(required[found.metric]) >= levels[found.metric]
        for found in comparison
        if found.metric in required and found.metric in levels
    }
    parts = {
        key: [metric for metric, established in judged.items() if established is wanted]
        for key, wanted in (("figure.established", True), ("figure.not_established", False))
    }
    return " ".join(
        sentence(key, {"metrics": metrics}) for key, metrics in parts.items() if metrics
    )


def _difference_told(
    found: MetricComparison, required: Mapping[str, float], levels: Mapping[str, float]
) -> str:
    """One line of the plot of differences, in words."""
    told = sentence("figure.difference", dict(found))
    if found.metric in levels:
        level = levels[found.metric]
        bound = found.law.exceeded(level)
        told += sentence("figure.bound", {"level": level, "bound": bound})
    if found.metric in required:
        told += sentence("figure.required", {"required": required[found.metric]})
    return told


def variance_split(comparison: Sequence[MetricComparison]) -> Plot:
    """The standard error of each difference, by its source: the images, the seeds."""
    figure, ((axes,),) = new_plot(6, 1 + 0.6 * len(comparison))
    sources = {"plot.variance.images": CANDIDATE, "plot.variance.seeds": BASELINE}
    for place, one in enumerate(comparison):
        errors = (one.image_error, one.seed_error)
        for offset, error, (key, colour) in zip(
            (-0.18, 0.18), errors, sources.items(), strict=True
        ):
            axes.barh(place + offset, error or 0.0, 0.34, color=colour)
            if place == 0:
                name = text(key) if error is not None else f"{text(key)}{MISSING:>2}"
                axes.annotate(
                    name,
                    (error or 0.0, offset),
                    xytext=(5, 0),
                    textcoords="offset points",
                    va="center",
                    color=colour,
                    size=LABEL_SIZE,
                )
    axes.set_yticks(range(len(comparison)), [text(f"metric.{one.metric}") for one in comparison])
    axes.invert_yaxis()
    axes.set_xlabel(text("plot.variance.x"))
    axes.xaxis.set_major_formatter(Ticks())
    columns = ["metric", "image_error", "seed_error"]
    figure.says(
        "standard_errors",
        text("plot.variance.title"),
        _sources_told(comparison),
        [sentence("figure.errors", dict(one)) for one in comparison],
        pd.DataFrame([{name: dict(one)[name] for name in columns} for one in comparison]),
    )
    return figure


def _sources_told(comparison: Sequence[MetricComparison]) -> str:
    """For which metrics the images are the larger source of error, and for which the seeds."""
    known = [one for one in comparison if one.seed_error is not None]
    seeds = [one.metric for one in known if (one.seed_error or 0.0) > one.image_error]
    images = [one.metric for one in known if one.metric not in seeds]
    unknown = [one.metric for one in comparison if one.seed_error is None]
    parts = {
        "figure.errors.images": images,
        "figure.errors.seeds": seeds,
        "figure.errors.unknown": unknown,
    }
    return " ".join(
        sentence(key, {"metrics": metrics}) for key, metrics in parts.items() if metrics
    )
