"""What a model saw on a split: one value, made once a run and split, that every step reads."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from promotion.detection.matching import CORNERS, match
from promotion.metrics import Array, Matches, metric_values

# Why an image is shown: the candidate does best on it, does worst, or it has the most persons.
Telling = Literal["best", "worst", "fullest"]


@dataclass(frozen=True)
class Seen:
    """Detections on a split, the threshold at which the model works, and their matches.

    `ground_truth` has one row a person (image, x0, y0, x1, y1), `detections` one a box (the same
    and confidence). `groups` (images,) gives each image its group where they are not independent.
    """

    ground_truth: pd.DataFrame
    detections: pd.DataFrame
    threshold: float
    matches: Matches
    groups: NDArray[np.int64] | None = None

    @cached_property
    def shown(self) -> pd.DataFrame:
        """The detections at or above the operating threshold."""
        return self.detections[self.detections["confidence"] >= self.threshold]

    @property
    def images(self) -> int:
        """The number of images of the split."""
        return len(self.matches.images)

    def metrics(self) -> dict[str, float]:
        """Every metric on the whole split, with the threshold at which two of them hold."""
        values = metric_values(self.matches, np.ones((1, self.images)), self.threshold)
        return {name: float(value[0]) for name, value in values.items()} | {
            "threshold": self.threshold
        }

    def balance(self) -> pd.Series:
        """Persons found less false alarms at the threshold, an image each."""
        kept = self.matches.confidence >= self.threshold
        score = np.where(self.matches.found[0], 1, -1)[kept]
        sums = np.bincount(self.matches.image[kept], weights=score, minlength=self.images)
        return pd.Series(sums, index=list(self.matches.images))

    def on_picture(self, image: str) -> tuple[Array, Array, Array]:
        """The boxes (n, 4) of persons found, persons missed and false alarms in one image."""
        index = self.matches.images.index(image)
        here = (self.matches.image == index) & (self.matches.confidence >= self.threshold)
        hits = self.matches.person[here]
        truth, detected = self.ground_truth[CORNERS], self.detections[CORNERS]
        rows = np.flatnonzero(self.ground_truth["image"].to_numpy() == image)
        found = np.isin(rows, hits)
        persons = truth.iloc[rows].to_numpy(float)
        annotated = ~np.isnan(persons).any(axis=1)
        false = detected.iloc[self.matches.row[here][hits < 0]].to_numpy(float)
        return persons[found], persons[~found & annotated], false


def see(
    ground_truth: pd.DataFrame,
    detections: pd.DataFrame,
    threshold: float,
    groups: Mapping[str, str] | None = None,
) -> Seen:
    """Match a model's detections on a split, once; `groups` names the groups that images share.

    Raises:
        ValueError: detections on an image that the ground truth does not have.
    """
    matches = match(ground_truth, detections)
    named = [groups.get(image, image) for image in matches.images] if groups else None
    places = np.unique(named, return_inverse=True)[1] if named else None
    return Seen(ground_truth, detections, threshold, matches, places)


def telling_images(
    images: Iterable[Path], candidate: Seen, baseline: Seen
) -> dict[Path, list[Telling]]:
    """Three images to look at: where the candidate does best, where it does worst, the fullest.

    They come in this order, each with all that it is chosen for: one image can be two of these.
    Doing well is finding persons without false alarms, at each model's operating threshold.
    """
    gain = candidate.balance() - baseline.balance()
    persons = pd.Series(candidate.matches.persons, index=list(candidate.matches.images))
    ranked: dict[Telling, Hashable] = {
        "best": gain.idxmax(),
        "worst": gain.idxmin(),
        "fullest": persons.idxmax(),
    }
    paths = {path.name: path for path in images}
    told: dict[Path, list[Telling]] = {}
    for why, image in ranked.items():
        told.setdefault(paths[str(image)], []).append(why)
    return told
