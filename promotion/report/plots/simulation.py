"""The plot of the simulated studies: whether promises are kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from promotion.report.calibration import CONFIDENCE, CalibrationRow, of_section
from promotion.report.figures import BASELINE, CANDIDATE, HELD, OTHER, Plot
from promotion.report.plots.drawing import new_plot
from promotion.report.words import listed, percent, sentence, text

# What the plot shows, within which limits; each metric's colour and place on a line.
CALIBRATED = {"coverage": (0.85, 1.0), "promoted": (0.0, 0.12), "rejected": (0.0, 0.12)}
METRIC_MARKS = {"mAP50": (CANDIDATE, -0.27), "precision": (BASELINE, 0.0), "recall": (OTHER, 0.27)}


def calibration(rows: Sequence[CalibrationRow]) -> Plot:
    """The simulated comparisons: coverage and wrong verdicts, a line a scenario, a point a metric.

    Bars are Wilson's intervals over the simulated studies; what lies outside stands at the edge,
    with its value. The promise is green.
    """
    compared = of_section(rows, "comparison")
    names = list(dict.fromkeys(row.name for row in compared))
    figure, (panels,) = new_plot(15, 1 + 0.36 * len(names), 1, len(CALIBRATED))
    plotted = [row for row in compared if row.measure in CALIBRATED]
    titles = {row.name: row.title for row in compared}
    for axes, (measure, limits) in zip(panels, CALIBRATED.items(), strict=True):
        shown = [row for row in plotted if row.measure == measure]
        axes.axvspan(shown[0].low, shown[0].high, color=HELD, alpha=0.15)
        axes.set(title=text(f"plot.calibration.{measure}"), xlim=limits)
        axes.set_xticks(np.arange(*limits, 0.05))
        axes.set_yticks(range(len(names)), [titles[name] for name in names])
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value)))
        for row in shown:
            _draw_calibrated(axes, row, names.index(row.name), limits)
        _label_metrics(axes, [row for row in shown if row.name == names[0]], limits)
    figure.tight_layout()
    told = [_kept_told(measure, plotted) for measure in CALIBRATED]
    figure.says(
        "calibration",
        text("plot.calibration.title"),
        sentence("figure.calibration.finding", {"kept": listed(told), "level": CONFIDENCE}),
        [_row_told(row) for row in plotted if not row.kept] or told,
        pd.DataFrame([_row(row) for row in plotted]),
    )
    return figure


def _kept_told(measure: str, plotted: Sequence[CalibrationRow]) -> str:
    """How many of a measure's promises are kept."""
    found = [row for row in plotted if row.measure == measure]
    facts = {"kept": sum(row.kept for row in found), "all": len(found)}
    return sentence("figure.kept", {"measure": text(f"plot.calibration.{measure}"), **facts})


def _row_told(row: CalibrationRow) -> str:
    return sentence(
        "figure.not_kept",
        {
            "title": row.title,
            "metric": row.metric,
            "counted": row.counted,
            "share": row.share,
            "promise": row.promise,
        },
    )


def _row(row: CalibrationRow) -> dict[str, object]:
    low, high = row.bounds
    return {
        "scenario": row.name,
        "metric": row.metric,
        "measure": row.measure,
        "share": row.share,
        "low": low,
        "high": high,
        "promised_low": row.low,
        "promised_high": row.high,
        "studies": row.studies,
        "kept": row.kept,
    }


def _label_metrics(
    axes: Axes, first: Sequence[CalibrationRow], limits: tuple[float, float]
) -> None:
    """Name the metrics beside their bars on a panel's first line."""
    for row in first:
        colour, offset = METRIC_MARKS[row.metric]
        at = min(row.bounds[1], limits[1]) + 0.002
        axes.text(at, offset, text(f"metric.{row.metric}"), color=colour, va="center", size=8)


def _draw_calibrated(
    axes: Axes, row: CalibrationRow, place: int, limits: tuple[float, float]
) -> None:
    colour, offset = METRIC_MARKS[row.metric]
    at = place + offset
    if limits[0] <= row.share <= limits[1]:
        axes.plot(row.bounds, [at, at], color=colour, linewidth=1.5)
        axes.plot(row.share, at, "o", color=colour, ms=3.5, clip_on=False)
        return
    below = row.share < limits[0]
    edge, side = (limits[0], "left") if below else (limits[1], "right")
    axes.plot(edge, at, "<" if below else ">", color=colour, ms=4, clip_on=False)
    shift = 0.02 * (limits[1] - limits[0]) * (1 if below else -1)
    shown = percent(row.share)
    axes.text(edge + shift, at, shown, color=colour, ha=side, va="center", size=7)
