"""The same pictures as each model sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Literal

import cv2
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from promotion.datasets import read_image
from promotion.detection import Seen, Telling
from promotion.report.figures import Plot
from promotion.report.plots.drawing import new_plot
from promotion.report.words import listed, sentence, text

# On pictures, colours of Okabe and Ito that differ in lightness too, each with a line of its own.
FOUND, MISSED, FALSE_ALARM = "#56B4E9", "#F0E442", "#D55E00"
LINES: dict[str, Literal["-", ":", "--"]] = {FOUND: "-", MISSED: ":", FALSE_ALARM: "--"}
OUTCOMES = {"found": FOUND, "missed": MISSED, "false": FALSE_ALARM}
# How many letters a line below a picture has room for.
PICTURE_WIDTH = 48


def name_picture(axis: Axes, lines: Sequence[str]) -> None:
    """Write lines below a picture, a long one over several."""
    wrapped = [part for line in lines for part in wrap(line, PICTURE_WIDTH)]
    axis.text(0, -0.03, "\n".join(wrapped), ha="left", va="top", size=9, transform=axis.transAxes)


def side_by_side(pictures: Mapping[Path, Sequence[Telling]], models: Mapping[str, Seen]) -> Plot:
    """The same images as each model sees them at its operating threshold, one row a model.

    `pictures` maps an image to why it is shown; `models` a title to what the model saw, of which
    the first has the last row. Persons found, persons missed and false alarms have a colour each,
    and are counted below each image.
    """
    figure, axes = new_plot(4 * len(pictures), 3.9 * len(models) + 0.4, len(models), len(pictures))
    # Unlike a tight layout, it leaves room for the legend.
    figure.set_layout_engine("constrained", h_pad=0.15)
    marks = []
    for row, (title, seen) in zip(axes, list(models.items())[::-1], strict=True):
        row[0].set_title(title, fontsize=14, loc="left")
        for axis, (path, reasons) in zip(row, pictures.items(), strict=True):
            axis.imshow(cv2.cvtColor(read_image(path), cv2.COLOR_BGR2RGB))
            axis.axis("off")
            _draw_verdicts(axis, seen, path.name)
            why = ", ".join(text(f"plot.telling.{reason}") for reason in reasons)
            counts = _counted(seen, [path.name])
            name_picture(axis, (why, path.name, counts))
            marks.append(f"{title}, {why}, {path.name}, {counts}")
    handles = [
        Line2D([], [], color=colour, linestyle=LINES[colour], label=text(f"plot.detections.{said}"))
        for said, colour in OUTCOMES.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=14)
    names = [path.name for path in pictures]
    totals = [f"{title}, {_counted(seen, names)}" for title, seen in models.items()]
    figure.says(
        "side_by_side",
        text("plot.detections.title"),
        sentence("figure.pictures.finding", {"images": len(names), "totals": listed(totals)}),
        marks,
        _boxes(pictures, models),
    )
    return figure


def _counted(seen: Seen, images: Sequence[str]) -> str:
    """How many persons were found and missed in images, and how many alarms were false."""
    on_each = [seen.on_picture(image) for image in images]
    found, missed, false = (sum(map(len, boxes)) for boxes in zip(*on_each, strict=True))
    return sentence("plot.detections.counts", {"found": found, "missed": missed, "false": false})


def _boxes(pictures: Mapping[Path, Sequence[Telling]], models: Mapping[str, Seen]) -> pd.DataFrame:
    """Every box that is drawn: on which picture, for which model, and what it says."""
    rows = [
        (path.name, " ".join(reasons), model, outcome, *box)
        for path, reasons in pictures.items()
        for model, seen in models.items()
        for outcome, boxes in zip(OUTCOMES, seen.on_picture(path.name), strict=True)
        for box in boxes
    ]
    columns = ["image", "shown_for", "model", "outcome", "x0", "y0", "x1", "y1"]
    return pd.DataFrame(rows, columns=columns)


def _draw_verdicts(axis: Axes, seen: Seen, image: str) -> None:
    for boxes, colour in zip(seen.on_picture(image), OUTCOMES.values(), strict=True):
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
