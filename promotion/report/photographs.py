"""Photographs as the page has them: boxes drawn over them, their words beside them, as HTML."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from promotion.report.words import text

# On photographs, colours of Okabe and Ito that differ in lightness too, each with a line of its
# own: lengths of dashes and gaps.
OUTCOMES = {
    "found": ("#56B4E9", "none"),
    "missed": ("#F0E442", "1.5 3"),
    "false": ("#D55E00", "7 4"),
}
# What more pixels would show is lost at the size that a page gives a photograph.
LONGEST_SIDE = 640
QUALITY = 82

Boxes = NDArray[np.float64]


@dataclass(frozen=True)
class Photograph:
    """An image (height, width, 3) in BGR, boxes (n, 4) by their outcome, and what they say."""

    image: NDArray[np.uint8]
    boxes: Mapping[str, Boxes]
    told: str


@dataclass(frozen=True)
class Pictures:
    """Photographs with what they say, as a `Plot` has it; `groups` stand below a line each."""

    name: str
    title: str
    finding: str
    marks: Sequence[str]
    table: pd.DataFrame
    groups: Mapping[str, Sequence[Photograph]]


def drawn(pictures: Pictures) -> str:
    """The photographs side by side as far as there is room, and what the boxes' lines mean."""
    groups = "".join(
        f"<div><p><strong>{escape(line)}</strong></p>{''.join(map(_drawn, group))}</div>"
        for line, group in pictures.groups.items()
    )
    used = {
        outcome
        for group in pictures.groups.values()
        for one in group
        for outcome, boxes in one.boxes.items()
        if len(boxes)
    }
    meant = "".join(_meaning(outcome) for outcome in OUTCOMES if outcome in used)
    key = f'<p class="key">{meant}</p>' if len(used) > 1 else ""
    return f'<div class="pictures">{groups}</div>{key}'


def _drawn(one: Photograph) -> str:
    height, width = one.image.shape[:2]
    frames = "".join(
        _frame(outcome, *box) for outcome, boxes in one.boxes.items() for box in boxes.tolist()
    )
    shown = (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(one.told)}">'
        f'<image href="{_held(one.image)}" width="{width}" height="{height}"/>{frames}</svg>'
    )
    return f"{shown}<p>{escape(one.told)}</p>"


def _frame(outcome: str, x0: float, y0: float, x1: float, y1: float) -> str:
    colour, dashes = OUTCOMES[outcome]
    return (
        f'<rect x="{x0:.1f}" y="{y0:.1f}" width="{x1 - x0:.1f}" height="{y1 - y0:.1f}" '
        f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}" '
        'vector-effect="non-scaling-stroke"/>'
    )


def _meaning(outcome: str) -> str:
    """A box's line, on dark ground as on a photograph, and what it means."""
    colour, dashes = OUTCOMES[outcome]
    line = (
        '<svg viewBox="0 0 32 12" width="32" height="12" aria-hidden="true">'
        '<rect width="32" height="12" rx="2" fill="#2b2b2b"/>'
        f'<path d="M4 6h24" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/></svg>'
    )
    return f"<span>{line} {escape(text(f'plot.detections.{outcome}'))}</span> "


def _held(image: NDArray[np.uint8]) -> str:
    """An image as an address that holds it."""
    scale = min(1.0, LONGEST_SIDE / max(image.shape[:2]))
    shown = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".webp", shown, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
    return f"data:image/webp;base64,{b64encode(encoded.tobytes()).decode()}"
