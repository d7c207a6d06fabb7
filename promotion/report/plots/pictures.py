"""Photographs of the data, and the same photographs as each model sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from promotion.datasets import images_of, labels_of, read_image, read_labels
from promotion.detection import Seen, Telling
from promotion.report.photographs import OUTCOMES, Boxes, Photograph, Pictures
from promotion.report.words import capital, listed, sentence, text

CORNERS = ["x0", "y0", "x1", "y1"]


def sample_pictures(folder: Path, split: str, most: int = 6) -> Pictures:
    """Pictures of a split, spread over it, with their annotated boxes and their names."""
    paths = images_of(folder, split)
    chosen = [paths[i] for i in np.linspace(0, len(paths) - 1, min(most, len(paths))).astype(int)]
    groups, tables = {}, []
    for path in chosen:
        image = read_image(path)
        boxes = _annotated(path, *image.shape[:2])
        told = sentence("figure.sample", {"persons": len(boxes)})
        groups[path.name] = [Photograph(image, {"found": boxes}, told)]
        tables.append(pd.DataFrame(boxes, columns=CORNERS).assign(image=path.name))
    table = pd.concat(tables)[["image", *CORNERS]]
    facts = {"shown": len(chosen), "images": len(paths), "persons": len(table)}
    return Pictures(
        f"pictures_{split}",
        sentence("plot.samples.title", {"split": split}),
        sentence("figure.samples.finding", facts),
        [f"{name}, {group[0].told}" for name, group in groups.items()],
        table,
        groups,
    )


def _annotated(path: Path, height: int, width: int) -> Boxes:
    """The annotated boxes of an image, in its pixels."""
    found = np.asarray([box for _, *box in read_labels(labels_of(path))], float).reshape(-1, 4)
    centre, size = found[:, :2], found[:, 2:]
    scale = np.asarray([width, height])
    return np.hstack([(centre - size / 2) * scale, (centre + size / 2) * scale])


def side_by_side(
    pictures: Mapping[Path, Sequence[Telling]], models: Mapping[str, Seen]
) -> Pictures:
    """The same images as each model sees them at its operating threshold.

    `pictures` maps an image to why it is shown; `models` a title to what the model saw, the one
    that is put to the test first, which comes last below each image. Persons found, persons missed
    and false alarms have a line each, and are counted.
    """
    groups, marks = {}, []
    for path, reasons in pictures.items():
        image = read_image(path)
        why = capital(", ".join(text(f"plot.telling.{reason}") for reason in reasons))
        line = f"{why}, {path.name}"
        groups[line] = [
            Photograph(
                image,
                dict(zip(OUTCOMES, seen.on_picture(path.name), strict=True)),
                f"{title}, {_counted(seen, [path.name])}",
            )
            for title, seen in reversed(list(models.items()))
        ]
        marks += [f"{line}, {one.told}" for one in groups[line]]
    names = [path.name for path in pictures]
    totals = [f"{title}, {_counted(seen, names)}" for title, seen in models.items()]
    return Pictures(
        "side_by_side",
        text("plot.detections.title"),
        sentence("figure.pictures.finding", {"images": len(names), "totals": listed(totals)}),
        marks,
        _boxes(pictures, models),
        groups,
    )


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
    return pd.DataFrame(rows, columns=["image", "shown_for", "model", "outcome", *CORNERS])
