"""The gallery: every picture of the test, and what two models show on it at any threshold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from promotion.comparison import (
    Evidence,
    load_campaign,
    load_images,
    load_seen,
    load_slices,
)
from promotion.datasets import size_of
from promotion.detection import (
    AREAS,
    CORNERS,
    FALSE_KINDS,
    Seen,
    SuspectedLabel,
    false_alarms,
)
from promotion.metrics import Array
from promotion.outside import visible
from promotion.report.book.thumbnails import thumbnail_names
from promotion.report.document import fill
from promotion.report.words import named, sentence, slice_name, text
from promotion.store import Session

# Below this, a detector shows a box wherever it looks.
LOWEST_STOP = 0.05
STEP = 0.01
SIZES = tuple(AREAS)
# From a page of the gallery, the folder of its pictures.
THUMBNAILS = "../../pictures"
# The side of the plot of precision against recall, in its own units.
CURVE = 200

# x, y, width and height, in whole pixels of the picture.
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Person:
    """An annotated person; of each model, the last stop at which it is found, or −1."""

    box: Box
    size: str
    found: tuple[int, ...]


@dataclass(frozen=True)
class Alarm:
    """A box of a model that finds nobody, up to a stop.

    `person` is the place among the picture's persons of the one that it is on, or −1.
    """

    model: int
    box: Box
    size: str
    stop: int
    kind: str
    person: int


@dataclass(frozen=True)
class Counts:
    """What a model shows at a threshold: persons found and missed, and false alarms."""

    found: int
    missed: int
    false: int

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.found + other.found, self.missed + other.missed, self.false + other.false
        )

    @property
    def precision(self) -> float | None:
        """The share of boxes that find somebody; None without a box."""
        shown = self.found + self.false
        return self.found / shown if shown else None

    @property
    def recall(self) -> float | None:
        """The share of persons that are found; None without a person."""
        persons = self.found + self.missed
        return self.found / persons if persons else None


@dataclass(frozen=True)
class Picture:
    """A picture of the test, what is annotated on it, and every box that finds nobody."""

    path: Path
    width: int
    height: int
    slices: dict[str, str]
    persons: list[Person]
    alarms: list[Alarm]
    suspects: list[SuspectedLabel]

    def counts(self, model: int, stop: int) -> Counts:
        """What a model shows here at a stop."""
        found = sum(person.found[model] >= stop for person in self.persons)
        false = sum(one.model == model and one.stop >= stop for one in self.alarms)
        return Counts(found, len(self.persons) - found, false)


@dataclass(frozen=True)
class Gallery:
    """The pictures, those first on which the first model errs most at its own threshold.

    `stops` are the thresholds that a reader can choose, in rising order; `own` are the places among
    them of each model's own.
    """

    models: tuple[str, ...]
    stops: list[float]
    own: tuple[int, ...]
    pictures: list[Picture]

    def counts(self, model: int, stop: int) -> Counts:
        """What a model shows on all pictures at a stop."""
        return sum((one.counts(model, stop) for one in self.pictures), Counts(0, 0, 0))

    @cached_property
    def columns(self) -> dict[str, list[str]]:
        """The ways to slice that tell some pictures from others, with their slices."""
        values: dict[str, set[str]] = {}
        for picture in self.pictures:
            for column, value in picture.slices.items():
                values.setdefault(column, set()).add(value)
        return {column: sorted(found) for column, found in values.items() if len(found) > 1}

    @property
    def paths(self) -> list[Path]:
        """The files of the pictures, in the gallery's order."""
        return [one.path for one in self.pictures]


def load_gallery(session: Session, evidence: Evidence) -> Gallery:
    """The gallery of the candidate's and the baseline's run, from what MLflow holds of them."""
    campaign = load_campaign(session, [run.run_id for run in evidence.runs])
    runs = [campaign.run(name) for name in (evidence.candidate_run, evidence.baseline_run)]
    return make_gallery(
        load_images(session, campaign, "test"),
        load_seen(session, campaign, runs, "test"),
        load_slices(session, campaign, "test"),
        evidence.labels.suspects,
    )


def make_gallery(
    images: Sequence[Path],
    models: dict[str, Seen],
    slices: pd.DataFrame,
    suspects: Sequence[SuspectedLabel],
) -> Gallery:
    """The gallery of these images as the models see them, by their runs' names.

    `slices` has one row an image, indexed by its name.
    """
    seen = list(models.values())
    own = [one.threshold for one in seen]
    steps = np.arange(LOWEST_STOP, 1, STEP).round(2)
    stops = np.unique([*steps, *own])
    truth = seen[0].ground_truth
    found = np.array([_found_until(one, stops) for one in seen])
    alarms = [_alarms_until(one, stops) for one in seen]
    rows = {str(name): places for name, places in truth.groupby("image").indices.items()}
    corners = truth[CORNERS].to_numpy(float)
    pictures = []
    for path in images:
        width, height = size_of(path)
        annotated = [row for row in rows[path.name] if not np.isnan(corners[row]).any()]
        place = {row: number for number, row in enumerate(annotated)}
        pictures.append(
            Picture(
                path=path,
                width=width,
                height=height,
                slices={str(key): str(value) for key, value in slices.loc[path.name].items()},
                persons=[
                    Person(_box(corners[row]), _size(corners[row]), tuple(found[:, row].tolist()))
                    for row in annotated
                ],
                alarms=[
                    Alarm(model, _box(box), _size(box), stop, kind, place.get(person, -1))
                    for model, table in enumerate(alarms)
                    for box, stop, kind, person in table.get(path.name, [])
                ],
                suspects=[one for one in suspects if one.image == path.name],
            )
        )
    places = np.searchsorted(stops, own).tolist()
    gallery = Gallery(tuple(models), stops.tolist(), tuple(places), pictures)
    pictures.sort(key=lambda one: _errors(one.counts(0, gallery.own[0])), reverse=True)
    return gallery


def _errors(counts: Counts) -> int:
    return counts.missed + counts.false


def _last_stop(confidence: Array, stops: Array) -> NDArray[np.int64]:
    """The place of the last stop at which a box of this confidence is shown, or −1."""
    return np.searchsorted(stops, confidence, side="right") - 1


def _found_until(seen: Seen, stops: Array) -> NDArray[np.int64]:
    """Of each annotation, the last stop at which it is found, or −1."""
    until = np.full(len(seen.ground_truth), -1)
    finds = seen.matches.person >= 0
    until[seen.matches.person[finds]] = _last_stop(seen.matches.confidence[finds], stops)
    return until


def _alarms_until(
    seen: Seen, stops: Array
) -> dict[str, list[tuple[NDArray[np.float64], int, str, int]]]:
    """By image, the boxes that find nobody: corners, last stop, kind, and whom they are on."""
    table = false_alarms(seen)
    last = _last_stop(table["confidence"].to_numpy(float), stops)
    found: dict[str, list[tuple[NDArray[np.float64], int, str, int]]] = {}
    for image, box, stop, kind, person in zip(
        table["image"],
        table[CORNERS].to_numpy(float),
        last.tolist(),
        table["kind"],
        table["person"].tolist(),
        strict=True,
    ):
        if stop >= 0:
            found.setdefault(image, []).append((box, stop, kind, person))
    return found


def _box(corners: Array) -> Box:
    x0, y0, x1, y1 = (round(float(one)) for one in corners)
    return x0, y0, x1 - x0, y1 - y0


def _size(corners: Array) -> str:
    area = float((corners[2] - corners[0]) * (corners[3] - corners[1]))
    return next(name for name, (low, high) in AREAS.items() if low <= area < high)


def write_gallery(gallery: Gallery) -> str:
    """The gallery as HTML within Markdown, in the language spoken.

    It is drawn for the first model at its own threshold; the figures that a script needs to draw
    another are in the data attributes.
    """
    page = fill(
        "pictures.html.j2",
        {
            "gallery": gallery,
            "model": 0,
            "total": gallery.counts(0, gallery.own[0]),
            "totals": [gallery.counts(*one) for one in enumerate(gallery.own)],
            "curves": [_curve(gallery, model) for model in range(len(gallery.models))],
            "curve": CURVE,
            "sizes": SIZES,
            "kinds": FALSE_KINDS,
            "boxes": _boxes,
            "data": _data,
            "told": _told,
            "where": _where,
            "roles": ("candidate", "baseline"),
            "places": [f"{THUMBNAILS}/{name}" for name in thumbnail_names(gallery.paths)],
            "named": named,
            "visible": visible,
            "slice_name": slice_name,
            "text": text,
            "sentence": sentence,
        },
    )
    # An empty line would end the HTML within Markdown.
    return "\n".join(line for line in page.splitlines() if line.strip())


def _curve(gallery: Gallery, model: int) -> list[tuple[float, float]]:
    """Recall and precision at each stop where both are known, in the plot's own units."""
    totals = [gallery.counts(model, stop) for stop in range(len(gallery.stops))]
    return [
        (round(CURVE * one.recall, 1), round(CURVE * (1 - one.precision), 1))
        for one in totals
        if one.recall is not None and one.precision is not None
    ]


def _boxes(picture: Picture, model: int, stop: int) -> list[tuple[str, Box]]:
    """What is drawn on a picture: a verdict and a box each."""
    persons = [
        ("found" if one.found[model] >= stop else "missed", one.box) for one in picture.persons
    ]
    false = [
        ("false", one.box) for one in picture.alarms if one.model == model and one.stop >= stop
    ]
    return [*persons, *false, *(("suspect", _box(np.array(one.box))) for one in picture.suspects)]


def _data(picture: Picture) -> dict[str, str]:
    """What a script draws a picture from, as JSON without a quotation mark where it is long."""
    persons = [[*one.box, SIZES.index(one.size), *one.found] for one in picture.persons]
    alarms = [
        [
            one.model,
            *one.box,
            SIZES.index(one.size),
            one.stop,
            FALSE_KINDS.index(one.kind),
            one.person,
        ]
        for one in picture.alarms
    ]
    suspects = [
        [*_box(np.array(one.box)), SIZES.index(_size(np.array(one.box)))]
        for one in picture.suspects
    ]
    packed = {"persons": persons, "alarms": alarms, "suspects": suspects}
    return {key: json.dumps(value, separators=(",", ":")) for key, value in packed.items()} | {
        "slices": json.dumps(picture.slices)
    }


def _told(picture: Picture) -> str:
    """What a picture shows, for those who cannot see it."""
    facts = {"image": visible(picture.path.name), "persons": len(picture.persons)}
    return f"{sentence('gallery.told', facts)}, {_where(picture)}"


def _where(picture: Picture) -> str:
    """The slices that a picture belongs to."""
    found = picture.slices.items()
    return ", ".join(named(slice_name(column), slice_name(value)) for column, value in found)
