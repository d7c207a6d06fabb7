"""Every plot of the report, one function a plot; each takes values and returns a figure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Literal

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator, ScalarFormatter
from numpy.typing import NDArray

from promotion.canary import CRITERIA, FREE, METRICS, PERCENTILE, SIDES, Look
from promotion.comparison import (
    MetricComparison,
    RunFacts,
    Selection,
    pareto_front,
)
from promotion.datasets import images_of, labels_of, read_image, read_labels
from promotion.detection import Curve, Diagnosis, Seen, Telling, curve_of
from promotion.metrics import RECALL_LEVELS
from promotion.report.calibration import CalibrationRow, of_section
from promotion.report.figures import (
    BASELINE,
    CANDIDATE,
    CRITERION,
    FAINT,
    HELD,
    INK,
    OTHER,
    PAPER,
    tell,
)
from promotion.report.words import number, percent, sentence, text

# On pictures, colours of Okabe and Ito that differ in lightness too, each with a line of its own.
FOUND, MISSED, FALSE_ALARM = "#56B4E9", "#F0E442", "#D55E00"
LINES: dict[str, Literal["-", ":", "--"]] = {FOUND: "-", MISSED: ":", FALSE_ALARM: "--"}
# How many letters a line below a picture has room for.
PICTURE_WIDTH = 48
# What the calibration's plot shows, within which limits; each metric's colour and place on a line.
CALIBRATED = {"coverage": (0.85, 1.0), "promoted": (0.0, 0.12), "rejected": (0.0, 0.12)}
METRIC_MARKS = {"mAP50": (CANDIDATE, -0.27), "precision": (BASELINE, 0.0), "recall": (OTHER, 0.27)}
# Beyond twice what is required, more evidence changes nothing.
MOST_EVIDENCE = 2.0


def use_style() -> None:
    """The report's style: a light grid, and the colours that the page makes its own."""
    colours = {
        **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
        **dict.fromkeys(("axes.edgecolor", "grid.color", "legend.edgecolor"), FAINT),
        **dict.fromkeys(("figure.facecolor", "axes.facecolor", "legend.facecolor"), PAPER),
    }
    rest = {
        "figure.dpi": 110,
        "savefig.bbox": "tight",
        "axes.titleweight": "bold",
        # A dollar in a name is no formula.
        "text.parse_math": False,
    }
    sns.set_theme("notebook", "whitegrid", font_scale=0.9, rc={**colours, **rest})


def _figure(
    width: float, height: float, rows: int = 1, columns: int = 1
) -> tuple[Figure, NDArray[np.object_]]:
    use_style()
    figure, axes = plt.subplots(rows, columns, figsize=(width, height), squeeze=False)
    # The notebook shows the figure as a cell's result; pyplot must not show it again.
    plt.close(figure)
    return figure, axes


class Ticks(ScalarFormatter):
    """Ticks with as many digits as tell them apart, written as the language writes numbers."""

    def __init__(self) -> None:
        super().__init__(useOffset=False)
        self.set_scientific(False)

    def __call__(self, x: float, pos: int | None = None) -> str:
        """The label of a tick at `x`."""
        return number(x, len(str(super().__call__(x, pos)).partition(".")[2]))


def _own_ticks(axes: Axes) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        if isinstance(axis.get_major_formatter(), ScalarFormatter):
            axis.set_major_formatter(Ticks())


def _on_split(title: str, split: str, images: int) -> str:
    """A title that says on what a figure was measured."""
    return text(title).format(split=text(f"split.{split}"), images=number(images, 0))


def _colour(configuration: str, selection: Selection) -> str:
    roles = {selection.candidate: CANDIDATE, selection.baseline: BASELINE}
    return roles.get(configuration, OTHER)


def box_sizes(heights: Mapping[str, Sequence[float]]) -> Figure:
    """The distribution of the persons' heights in pixels, one curve a split."""
    figure, ((axes,),) = _figure(7, 3.2)
    for colour, (split, values) in zip((OTHER, CANDIDATE, BASELINE), heights.items(), strict=False):
        label = text(f"split.{split}")
        if len(set(values)) > 1:
            sns.kdeplot(x=np.asarray(values), ax=axes, label=label, color=colour, cut=0)
    axes.set(
        title=text("plot.sizes.title"), xlabel=text("plot.sizes.x"), ylabel=text("plot.sizes.y")
    )
    _own_ticks(axes)
    axes.legend()
    return figure


def sample_pictures(folder: Path, split: str, most: int = 6) -> Figure:
    """Pictures of a split, spread over it, with their annotated boxes."""
    paths = images_of(folder, split)
    chosen = [paths[i] for i in np.linspace(0, len(paths) - 1, min(most, len(paths))).astype(int)]
    columns = min(3, len(chosen))
    rows = math.ceil(len(chosen) / columns)
    figure, axes = _figure(10, 3.2 * rows, rows, columns)
    for axis in axes.ravel():
        axis.axis("off")
    for axis, path in zip(axes.ravel(), chosen, strict=False):
        image = read_image(path)
        height, width = image.shape[:2]
        axis.imshow(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        for _, x, y, w, h in read_labels(labels_of(path)):
            corner = ((x - w / 2) * width, (y - h / 2) * height)
            axis.add_patch(
                Rectangle(corner, w * width, h * height, fill=False, edgecolor=FOUND, linewidth=1.3)
            )
    figure.suptitle(text("plot.samples.title").format(split=text(f"split.{split}")))
    figure.tight_layout()
    return figure


def training_curves(
    histories: Mapping[str, pd.DataFrame], colours: Mapping[str, str] | None = None
) -> Figure:
    """Training loss and val mAP by epoch, one line a run; columns of a history are the two."""
    figure, ((left, right),) = _figure(10, 3.4, 1, 2)
    for name, history in histories.items():
        style = {
            "color": (colours or {}).get(name, CANDIDATE),
            "alpha": 0.8,
            "marker": "o",
            "ms": 3,
        }
        for axes, column in zip((left, right), history.columns, strict=True):
            axes.plot(history.index, history[column], **style)
    left.set_ylabel(text("plot.curves.loss"))
    right.set_ylabel(text("plot.curves.map"))
    for axes in (left, right):
        axes.set_xlabel(text("plot.curves.epoch"))
        axes.xaxis.get_major_locator().set_params(integer=True)
        _own_ticks(axes)
    if colours:
        right.legend(handles=_roles(set(colours.values())))
    figure.suptitle(text("plot.curves.title"))
    figure.tight_layout()
    return figure


def run_colours(runs: Sequence[RunFacts], selection: Selection) -> dict[str, str]:
    """The colour of each run: candidate, baseline or another configuration."""
    return {run.run_name: _colour(run.configuration, selection) for run in runs}


def _roles(colours: set[str]) -> list[Line2D]:
    """What the colours that are shown mean, for a legend."""
    roles = {CANDIDATE: "role.candidate", BASELINE: "role.baseline", OTHER: "role.other"}
    return [
        Line2D([], [], color=colour, marker="o", label=text(key))
        for colour, key in roles.items()
        if colour in colours
    ]


def operating_point(seen: Seen, split: str) -> Figure:
    """The precision–recall curve of one model, with the point at which it works."""
    curve = (curve_of(seen.matches), seen.threshold, OTHER)
    return precision_recall({"": curve}, split, seen.images)


def precision_recall(
    curves: Mapping[str, tuple[Curve, float, str]], split: str, images: int
) -> Figure:
    """Precision–recall curves; each value is a curve, its operating threshold and its colour."""
    figure, ((axes,),) = _figure(6, 4.6)
    for curve, threshold, colour in curves.values():
        axes.plot(curve.recall, curve.precision, color=colour, alpha=0.8)
        at = np.flatnonzero(curve.confidence >= threshold)
        if len(at):
            axes.plot(curve.recall[at[-1]], curve.precision[at[-1]], "o", color=colour, ms=7)
    axes.set(
        title=_on_split("plot.pr.title", split, images),
        xlabel=text("metric.recall"),
        ylabel=text("metric.precision"),
        xlim=(0, 1),
        ylim=(0, 1.02),
    )
    _own_ticks(axes)
    shown = {colour for _, _, colour in curves.values()}
    point = Line2D([], [], linestyle="", marker="o", color=INK, label=text("plot.pr.point"))
    roles = _roles(shown) if len(shown) > 1 else []
    axes.legend(handles=[*roles, point], loc="upper right")
    return figure


def seed_strips(
    runs: Sequence[RunFacts],
    metrics: Sequence[str],
    selection: Selection,
    split: str,
    images: int,
) -> Figure:
    """One point a run, one strip a configuration, one panel a metric; a bar marks the mean."""
    configurations = list(dict.fromkeys(run.configuration for run in runs))
    height = 1.2 + 0.45 * len(configurations)
    figure, (row,) = _figure(4.2 * len(metrics) + 1, height, 1, len(metrics))
    for axes, metric in zip(row, metrics, strict=True):
        for place, configuration in enumerate(configurations):
            values = [run.metrics[metric] for run in runs if run.configuration == configuration]
            colour = _colour(configuration, selection)
            axes.plot(values, [place] * len(values), "o", color=colour, alpha=0.75)
            axes.plot(
                [np.mean(values)] * 2, [place - 0.3, place + 0.3], color=colour, linewidth=2.5
            )
        axes.set_xlabel(text(f"metric.{metric}"))
        axes.set_yticks(range(len(configurations)), configurations if axes is row[0] else [])
        axes.set_ylim(-0.6, len(configurations) - 0.4)
        axes.invert_yaxis()
        axes.xaxis.set_major_formatter(Ticks())
    figure.suptitle(_on_split("plot.seeds.title", split, images))
    figure.tight_layout()
    return figure


def gain_against_costs(
    runs: Sequence[RunFacts],
    costs: Sequence[str],
    gain: str,
    selection: Selection,
    split: str,
) -> Figure:
    """A metric against each cost, one point a run, with the Pareto front of the runs."""
    figure, (row,) = _figure(5.2 * len(costs), 4, 1, len(costs))
    for axes, cost in zip(row, costs, strict=True):
        points = {run.run_name: (run.metrics[cost], run.metrics[gain]) for run in runs}
        for run in runs:
            colour = _colour(run.configuration, selection)
            axes.plot(*points[run.run_name], "o", color=colour, alpha=0.8)
        front = sorted(points[name] for name in pareto_front(points))
        axes.step(
            [x for x, _ in front],
            [y for _, y in front],
            where="post",
            color=INK,
            linestyle="--",
            linewidth=1,
        )
        axes.set(xlabel=text(f"metric.{cost}"), ylabel=text(f"metric.{gain}"))
        _own_ticks(axes)
        axes.xaxis.set_major_locator(MaxNLocator(6))
    front_line = Line2D([], [], color=INK, linestyle="--", label=text("plot.pareto.front"))
    shown = {_colour(run.configuration, selection) for run in runs}
    row[-1].legend(handles=[*_roles(shown), front_line], loc="lower right")
    figure.suptitle(text("plot.pareto.title").format(split=text(f"split.{split}")))
    figure.tight_layout()
    return figure


def latencies(milliseconds: pd.DataFrame, colours: Mapping[str, str]) -> Figure:
    """The latency of each run on each image, as boxes from the 5th to the 95th percentile."""
    figure, ((axes,),) = _figure(8, 1 + 0.33 * milliseconds.shape[1])
    boxes = axes.boxplot(
        [milliseconds[name] for name in milliseconds],
        orientation="horizontal",
        whis=(5, 95),
        showfliers=False,
        patch_artist=True,
        medianprops={"color": INK},
        widths=0.6,
    )
    for patch, name in zip(boxes["boxes"], milliseconds, strict=True):
        patch.set(facecolor=colours[str(name)], alpha=0.6)
    axes.set_yticks(range(1, milliseconds.shape[1] + 1), list(milliseconds))
    axes.invert_yaxis()
    axes.set(title=text("plot.latency.title"), xlabel=text("plot.latency.x"))
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter(Ticks())
    told = []
    for name in milliseconds:
        low, median, high = np.percentile(milliseconds[name], (5, 50, 95))
        facts = {"name": name, "low": low, "median": median, "high": high}
        told.append(sentence("figure.latency", facts))
    tell(figure, told)
    return figure


def differences(
    comparison: Sequence[MetricComparison],
    required: Mapping[str, float],
    levels: Mapping[str, float],
    images: int,
    persons: int,
) -> Figure:
    """Candidate − baseline for each metric, with its interval and what the policy requires.

    A thin line goes on to the one-sided bound of the rule, at the confidence in `levels`.
    """
    figure, ((axes,),) = _figure(7, 1.2 + 0.5 * len(comparison))
    for place, found in enumerate(comparison):
        low, high = found.interval
        axes.plot([low, high], [place, place], color=CANDIDATE, linewidth=2.5)
        axes.plot(found.difference, place, "o", color=CANDIDATE)
        if found.metric in levels:
            bound = found.law.exceeded(levels[found.metric])
            axes.plot([bound, low], [place, place], color=CANDIDATE, linewidth=1)
        if found.metric in required:
            axes.plot(required[found.metric], place, "|", color=INK, ms=18, mew=1.5)
    axes.axvline(0, color=INK, linewidth=0.8)
    names = [text(f"metric.{found.metric}") for found in comparison]
    axes.set_yticks(range(len(comparison)), names)
    axes.invert_yaxis()
    title = text("plot.difference.title").format(
        images=number(images, 0), persons=number(persons, 0)
    )
    axes.set(title=title, xlabel=text("plot.difference.x"))
    axes.xaxis.set_major_formatter(Ticks())
    mark = Line2D(
        [],
        [],
        linestyle="",
        marker="|",
        ms=12,
        color=INK,
        label=text("plot.difference.required"),
    )
    axes.legend(handles=[mark], loc="best")
    tell(figure, [_difference_told(found, required, levels) for found in comparison])
    return figure


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


def side_by_side(pictures: Mapping[Path, Sequence[Telling]], models: Mapping[str, Seen]) -> Figure:
    """The same images as each model sees them at its operating threshold, one row a model.

    `pictures` maps an image to why it is shown; `models` a title to what the model saw, of which
    the first has the last row. Persons found, persons missed and false alarms have a colour each,
    and are counted below each image.
    """
    figure, axes = _figure(4 * len(pictures), 3.9 * len(models) + 0.4, len(models), len(pictures))
    # Unlike a tight layout, it leaves room for the legend.
    figure.set_layout_engine("constrained", h_pad=0.15)
    rows = list(models.items())[::-1]
    told = []
    for row, (title, seen) in zip(axes, rows, strict=True):
        row[0].set_title(title, fontsize=14, loc="left")
        for axis, (path, reasons) in zip(row, pictures.items(), strict=True):
            axis.imshow(cv2.cvtColor(read_image(path), cv2.COLOR_BGR2RGB))
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            _draw_verdicts(axis, seen, path.name)
            why = ", ".join(text(f"plot.telling.{reason}") for reason in reasons)
            counts = _counted(seen, path.name)
            _write_below(axis, (why, path.name, counts))
            told.append(f"{title}, {why}, {path.name}, {counts}")
    tell(figure, told)
    handles = [
        Line2D([], [], color=colour, linestyle=LINES[colour], label=text(f"plot.detections.{said}"))
        for colour, said in ((FOUND, "found"), (MISSED, "missed"), (FALSE_ALARM, "false"))
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=14)
    return figure


def _counted(seen: Seen, image: str) -> str:
    """How many persons were found and missed in an image, and how many alarms were false."""
    found, missed, false = (len(boxes) for boxes in seen.on_picture(image))
    return sentence("plot.detections.counts", {"found": found, "missed": missed, "false": false})


def _write_below(axis: Axes, lines: Sequence[str]) -> None:
    """Write lines below an image, a long one over several."""
    wrapped = [part for line in lines for part in wrap(line, PICTURE_WIDTH)]
    axis.set_xlabel("\n".join(wrapped), loc="left", fontsize=9)


def _draw_verdicts(axis: Axes, seen: Seen, image: str) -> None:
    found, missed, false = seen.on_picture(image)
    for boxes, colour in ((found, FOUND), (missed, MISSED), (false, FALSE_ALARM)):
        for x0, y0, x1, y1 in boxes:
            frame = Rectangle(
                (x0, y0),
                x1 - x0,
                y1 - y0,
                fill=False,
                edgecolor=colour,
                linestyle=LINES[colour],
                linewidth=1.6,
            )
            axis.add_patch(frame)


def curves_with_bands(
    models: Mapping[str, Seen],
    bands: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
    colours: Mapping[str, str],
    split: str,
    confidence: float,
) -> Figure:
    """Precision–recall curves with the band of precision that other images would fill."""
    curves = {
        name: (curve_of(seen.matches), seen.threshold, colours[name])
        for name, seen in models.items()
    }
    images = next(iter(models.values())).images
    figure = precision_recall(curves, split, images)
    axes = figure.axes[0]
    for name, (low, high) in bands.items():
        axes.fill_between(RECALL_LEVELS, low, high, color=colours[name], alpha=0.15, linewidth=0)
    axes.set_title(
        f"{axes.get_title()}\n" + text("plot.band").format(level=percent(confidence)), fontsize=10
    )
    return figure


def reliability(diagnoses: Mapping[str, Diagnosis], colours: Mapping[str, str]) -> Figure:
    """The share of right boxes against their confidence; the diagonal is a calibrated model."""
    figure, ((axes,),) = _figure(5, 4.4)
    axes.plot([0, 1], [0, 1], color=INK, linestyle="--", linewidth=1)
    for name, found in diagnoses.items():
        label = text("plot.reliability.label").format(name=name, ece=number(found.ece))
        places = [one.confidence for one in found.bins]
        right = [one.right for one in found.bins]
        axes.plot(places, right, "o-", color=colours[name], label=label)
    axes.set(
        title=text("plot.reliability.title"),
        xlabel=text("plot.reliability.x"),
        ylabel=text("plot.reliability.y"),
        xlim=(0, 1),
        ylim=(0, 1),
    )
    _own_ticks(axes)
    axes.legend(loc="upper left", fontsize=8)
    return figure


def variance_split(comparison: Sequence[MetricComparison]) -> Figure:
    """The standard error of each difference, by its source: the images, the seeds."""
    figure, ((axes,),) = _figure(7, 1 + 0.5 * len(comparison))
    for place, one in enumerate(comparison):
        for offset, (value, colour) in enumerate(
            ((one.image_error, CANDIDATE), (one.seed_error or 0.0, BASELINE))
        ):
            axes.barh(place + 0.36 * offset - 0.18, value, 0.34, color=colour)
    axes.set_yticks(range(len(comparison)), [text(f"metric.{one.metric}") for one in comparison])
    axes.invert_yaxis()
    axes.set(title=text("plot.variance.title"), xlabel=text("plot.variance.x"))
    axes.xaxis.set_major_formatter(Ticks())
    sources = {"plot.variance.images": CANDIDATE, "plot.variance.seeds": BASELINE}
    handles = [Rectangle((0, 0), 1, 1, color=c, label=text(key)) for key, c in sources.items()]
    axes.legend(handles=handles, loc="best")
    tell(figure, [sentence("figure.errors", dict(one)) for one in comparison])
    return figure


def calibration(rows: Sequence[CalibrationRow]) -> Figure:
    """The simulated comparisons: coverage and wrong verdicts, a line a scenario, a point a metric.

    Bars are Wilson's intervals over the simulated studies; what lies outside stands at the edge,
    with its value. The promise is green.
    """
    compared = of_section(rows, "comparison")
    names = list(dict.fromkeys(row.name for row in compared))
    figure, (panels,) = _figure(11, 1 + 0.36 * len(names), 1, len(CALIBRATED))
    for axes, (measure, limits) in zip(panels, CALIBRATED.items(), strict=True):
        shown = [row for row in compared if row.measure == measure]
        axes.axvspan(shown[0].low, shown[0].high, color=HELD, alpha=0.15)
        axes.set(title=text(f"plot.calibration.{measure}"), xlim=limits)
        axes.set_xticks(np.arange(*limits, 0.05))
        axes.set_yticks(range(len(names)), [])
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value)))
        for row in shown:
            _draw_calibrated(axes, row, names.index(row.name), limits)
    titles = {row.name: row.title for row in compared}
    panels[0].set_yticklabels([titles[name] for name in names])
    _label_metrics(panels[-1], [row for row in compared if row.name == names[0]])
    figure.tight_layout()
    return figure


def _label_metrics(axes: Axes, first: Sequence[CalibrationRow]) -> None:
    """Name the metrics beside their bars on the first line of the panel of rejections."""
    for row in first:
        if row.measure == "rejected":
            colour, offset = METRIC_MARKS[row.metric]
            at = min(row.bounds[1], CALIBRATED["rejected"][1]) + 0.002
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


def canary_differences(looks: Sequence[Look]) -> Figure:
    """Challenger − champion after each batch, with the bounds that hold at all batches together."""
    figure, (row,) = _figure(10, 3.6, 1, len(METRICS))
    images = [look.images for look in looks]
    for axes, metric in zip(row, METRICS, strict=True):
        found = [look.criterion(metric) for look in looks]
        low, high = zip(*(one.bounds for one in found), strict=True)
        axes.fill_between(images, low, high, color=CANDIDATE, alpha=0.2)
        axes.plot(images, [one.value for one in found], "o-", color=CANDIDATE, ms=4)
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.axhline(found[0].limit, color=BASELINE, linestyle="--", label=text("plot.margin"))
        axes.set(xlabel=text("plot.canary.x"), ylabel=text(f"canary.{metric}"))
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        _own_ticks(axes)
        axes.legend(loc="upper right")
    figure.suptitle(text("plot.canary.differences"))
    figure.tight_layout()
    return figure


def canary_evidence(looks: Sequence[Look]) -> Figure:
    """How far each criterion is from being held, and from being broken, after each batch."""
    figure, (row,) = _figure(10, 3.6, 1, 2)
    images = [look.images for look in looks]
    # A curve below another one shows at its edges.
    widths = np.linspace(6, 1.5, len(CRITERIA))
    for axes, side in zip(row, ("for", "against"), strict=True):
        for colour, width, name in zip(CRITERION, widths, CRITERIA, strict=True):
            values = np.minimum(
                [getattr(look.criterion(name), f"evidence_{side}") for look in looks], MOST_EVIDENCE
            )
            label = text(f"canary.{name}")
            axes.plot(images, values, "o-", ms=width + 2, lw=width, color=colour, label=label)
        axes.axhline(1, color=INK, linestyle="--", linewidth=1)
        axes.set(xlabel=text("plot.canary.x"), title=text(f"plot.evidence.{side}"))
        axes.set_ylim(-0.05, MOST_EVIDENCE + 0.05)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        _own_ticks(axes)
    row[0].set_ylabel(text("plot.evidence.y"))
    handles = [
        Line2D([], [], color=colour, marker="o", ms=4, label=text(f"canary.{name}"))
        for colour, name in zip(CRITERION, CRITERIA, strict=True)
    ]
    figure.legend(handles=handles, loc="lower center", ncols=3, fontsize=8)
    figure.tight_layout(rect=(0, 0.14, 1, 1))
    return figure


def canary_latencies(timings: pd.DataFrame, limit: float, requests: int) -> Figure:
    """The share of answers that came within a time, for both sides, under the same load.

    The title says for which share of the requests the machine was free.
    """
    figure, ((axes,),) = _figure(7, 3.4)
    for side, colour in zip(SIDES, (CANDIDATE, BASELINE), strict=True):
        label = text(f"contender.{side}")
        sns.ecdfplot(x=timings[f"ms_{side}"], ax=axes, color=colour, label=label)
    axes.axvline(limit, color=INK, linestyle="--", linewidth=1)
    axes.axhline(PERCENTILE / 100, color=INK, linestyle=":", linewidth=1)
    free = float((timings["free"] >= FREE).mean())
    title = sentence("plot.canary.latency", {"requests": requests, "free": free})
    axes.set(title=title, xlabel=text("plot.latency.x"), ylabel=text("plot.canary.share"))
    axes.set_xlim(left=0)
    _own_ticks(axes)
    axes.legend(loc="lower right")
    return figure


def canary_drift(reference: pd.DataFrame, observations: pd.DataFrame) -> Figure:
    """What the challenger draws in an image: on test, and on the canary."""
    figure, (row,) = _figure(10, 3.4, 1, 2)
    for axes, column in zip(row, ("boxes", "confidence"), strict=True):
        seen = {
            "split.test": reference[column],
            "split.canary": observations[f"{column}_challenger"],
        }
        for colour, (key, values) in zip((OTHER, CANDIDATE), seen.items(), strict=True):
            sns.ecdfplot(x=values.dropna(), ax=axes, color=colour, label=text(key))
        axes.set(xlabel=text(f"plot.drift.{column}"), ylabel=text("plot.canary.share"))
        _own_ticks(axes)
        axes.legend(loc="lower right")
    figure.suptitle(text("plot.canary.drift"))
    figure.tight_layout()
    return figure
