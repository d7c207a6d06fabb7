"""Plots of how a model errs: precision against recall, and what its confidences are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from promotion.detection import Curve, Diagnosis, Seen, curve_of
from promotion.detection.diagnosis import Bin
from promotion.metrics import RECALL_LEVELS
from promotion.report.figures import CANDIDATE, INK, Plot
from promotion.report.plots.drawing import (
    LABEL_SIZE,
    ROLES,
    End,
    name_ends,
    new_plot,
    on_split,
    own_ticks,
    role_name,
)
from promotion.report.words import listed, number, sentence, text


def operating_point(seen: Seen, split: str) -> Plot:
    """The precision–recall curve of one model, with the point at which it works."""
    figure, axes = _precision_recall({"": seen}, {"": CANDIDATE})
    facts = _point(seen)
    label = sentence("plot.pr.point", facts)
    _name_point(axes, seen, label, CANDIDATE, above=True)
    finding = sentence("figure.point", facts)
    title = on_split("plot.pr.title", split, seen.images)
    figure.says("precision_recall", title, finding, [finding], _corners(curve_of(seen.matches)))
    return figure


def curves_with_bands(
    models: Mapping[str, Seen],
    bands: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
    colours: Mapping[str, str],
    split: str,
    confidence: float,
) -> Plot:
    """Precision–recall curves with the band of precision that other images would fill."""
    figure, axes = _precision_recall(models, colours)
    points = {name: _point(seen) for name, seen in models.items()}
    highest = max(points, key=lambda name: points[name]["precision"])
    tables = []
    for name, seen in models.items():
        low, high = bands[name]
        axes.fill_between(RECALL_LEVELS, low, high, color=colours[name], alpha=0.15, linewidth=0)
        role = role_name(colours[name])
        label = sentence("plot.pr.role", {"role": role, **points[name]})
        _name_point(axes, seen, label, colours[name], above=name == highest)
        band = pd.DataFrame({"recall": RECALL_LEVELS, "precision_low": low, "precision_high": high})
        table = pd.concat([_corners(curve_of(seen.matches)), band])
        table.insert(0, "run", name)
        table.insert(1, "role", ROLES[colours[name]])
        tables.append(table)
    images = next(iter(models.values())).images
    title = on_split("plot.pr.title", split, images)
    band_told = sentence("plot.band", {"level": confidence})
    told = [
        sentence("figure.point.role", {"role": ROLES[colours[name]], **facts})
        for name, facts in points.items()
    ]
    figure.says("precision_recall", f"{title}, {band_told}", listed(told), told, pd.concat(tables))
    return figure


def _precision_recall(models: Mapping[str, Seen], colours: Mapping[str, str]) -> tuple[Plot, Axes]:
    """The curve of each model, with the point at which it works."""
    figure, ((axes,),) = new_plot(5.6, 4.4)
    for name, seen in models.items():
        corners = _corners(curve_of(seen.matches))
        axes.plot(corners["recall"], corners["precision"], color=colours[name], alpha=0.8)
    axes.set(
        xlabel=text("metric.recall"), ylabel=text("metric.precision"), xlim=(0, 1), ylim=(0, 1.02)
    )
    own_ticks(axes)
    return figure, axes


def _corners(curve: Curve) -> pd.DataFrame:
    """A curve where it turns: between two persons found, recall stands and precision falls."""
    rises = np.flatnonzero(np.diff(curve.recall) > 0)
    last = len(curve.recall) - 1
    kept = np.unique([*rises, *rises + 1, *([0, last] if last >= 0 else [])]).astype(int)
    return pd.DataFrame(
        {
            "confidence": curve.confidence[kept],
            "recall": curve.recall[kept],
            "precision": curve.precision[kept],
        }
    )


def _point(seen: Seen) -> dict[str, float]:
    """The operating point: threshold, precision and recall."""
    found = seen.metrics()
    return {name: found[name] for name in ("threshold", "precision", "recall")}


def _name_point(axes: Axes, seen: Seen, label: str, colour: str, above: bool) -> None:
    """Mark and name a model's operating point, above its curve or below it."""
    point = _point(seen)
    at = (point["recall"], point["precision"])
    axes.plot(*at, "o", color=colour, ms=7)
    axes.annotate(
        label,
        at,
        xytext=(8, 8) if above else (-8, -8),
        textcoords="offset points",
        ha="left" if above else "right",
        va="bottom" if above else "top",
        color=colour,
        size=LABEL_SIZE,
    )


def reliability(diagnoses: Mapping[str, Diagnosis], colours: Mapping[str, str]) -> Plot:
    """The share of right boxes against their confidence; the diagonal is a calibrated model."""
    figure, ((axes,),) = new_plot(5, 4.4)
    axes.plot([0, 1], [0, 1], color=INK, linestyle="--", linewidth=1)
    axes.set(
        xlabel=text("plot.reliability.x"),
        ylabel=text("plot.reliability.y"),
        xlim=(0, 1),
        ylim=(0, 1),
        aspect="equal",
    )
    ends, tables = [], []
    for name, found in diagnoses.items():
        bins = pd.DataFrame(
            [one.model_dump() for one in found.bins], columns=["confidence", "right", "count"]
        )
        axes.plot(bins["confidence"], bins["right"], "o-", color=colours[name])
        if len(bins):
            last = float(bins["right"].iloc[-1])
            ends.append(End(last, role_name(colours[name]), colours[name]))
        bins.insert(0, "run", name)
        bins.insert(1, "role", ROLES[colours[name]])
        tables.append(bins)
    own_ticks(axes)
    name_ends(axes, ends)
    _name_diagonal(axes, [one for found in diagnoses.values() for one in found.bins])
    told = [
        _calibrated_told("figure.reliability", found, colours[name])
        for name, found in diagnoses.items()
    ]
    marks = [
        sentence("figure.bins", {"role": ROLES[colours[name]], "bins": _bins_told(found)})
        for name, found in diagnoses.items()
    ]
    figure.says(
        "reliability", text("plot.reliability.title"), listed(told), marks, pd.concat(tables)
    )
    return figure


def _name_diagonal(axes: Axes, bins: Sequence[Bin]) -> None:
    """Name the line of exact confidences on the side where there are fewer curves."""
    above = sum(one.right - one.confidence for one in bins) > 0
    axes.annotate(
        text("plot.reliability.diagonal"),
        (0.7, 0.7),
        xytext=(6, -6) if above else (-6, 6),
        textcoords="offset points",
        rotation=45,
        ha="center",
        va="center",
        size=LABEL_SIZE,
    )


def _bins_told(found: Diagnosis) -> str:
    return ", ".join(f"{number(one.confidence)} → {number(one.right)}" for one in found.bins)


def _calibrated_told(key: str, found: Diagnosis, colour: str) -> str:
    """How far confidences are from the share of right boxes, and to which side on the whole."""
    boxes = sum(one.count for one in found.bins)
    excess = sum(one.count * (one.confidence - one.right) for one in found.bins) / max(boxes, 1)
    side = "high" if excess > 0 else "low"
    return sentence(
        f"{key}.{side}", {"role": ROLES[colour], "ece": found.ece, "excess": abs(excess)}
    )
