"""Every metric and cost, once: its name, unit, direction and digits, and what gives it.

A metric is a share between 0 and 1 that matches give for any weights of the images, so that a
bootstrap replicate is one more row of weights. A cost is measured beside them. The words that a
reader sees for each are in `report`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Weights = NDArray[np.number]
Kind = Literal["metric", "cost", "spread"]

RECALL_LEVELS = np.linspace(0, 1, 101)
# So many cells are worked on at once: 2 MiB an array.
BLOCK_CELLS = 1 << 18


@dataclass(frozen=True)
class Matches:
    """All detections of a split, most confident first, and whether each one finds a person.

    `images` (I,) names the images and `persons` (I,) counts the persons in each; per detection,
    `image` (D,) is an index into them, `confidence` (D,) its confidence, and `found` (10, D)
    whether it matches a person at IoU 0.50, 0.55, … 0.95. `row` (D,) is the detection's row in the
    table it came from, and `person` (D,) the row of the person that it finds at IoU 0.50 in the
    table of these, or −1.
    """

    images: tuple[str, ...]
    persons: NDArray[np.int64]
    image: NDArray[np.int64]
    confidence: Array
    found: NDArray[np.bool_]
    row: NDArray[np.int64]
    person: NDArray[np.int64]


@dataclass(frozen=True)
class Measure:
    """One metric or cost.

    `aliases` are the names under which others log it. `values` gives a metric for each row of
    image weights, from matches and the operating threshold. `told` costs are weighed one by one in
    the document; the others say the same thing in another way.
    """

    name: str
    kind: Kind
    larger_is_better: bool
    unit: str = ""
    digits: int = 3
    aliases: tuple[str, ...] = ()
    values: Callable[[Matches, Weights, float], Array] | None = None
    told: bool = True

    @property
    def is_share(self) -> bool:
        """Whether it lies between 0 and 1."""
        return not self.unit


def average_precision(matches: Matches, weights: Weights, levels: slice = slice(None)) -> Array:
    """COCO's 101-point average precision, shape (IoU thresholds, replicates).

    `weights` (replicates, images) count each image; all ones give pycocotools' own AP. `levels`
    chooses among the IoU thresholds 0.50, 0.55, … 0.95. Without a person the AP is NaN. Memory does
    not grow with the replicates: they are worked on in blocks.
    """
    found = matches.found[levels]
    result = np.zeros((len(found), len(weights)))
    for part in blocks(len(weights), len(matches.image)):
        result[:, part] = _block_average_precision(matches, found, weights[part])
    return result


def blocks(rows: int, columns: int) -> list[slice]:
    """Slices of so many rows that a block of them has a bounded number of cells."""
    size = max(1, BLOCK_CELLS // max(columns, 1))
    return [slice(at, min(at + size, rows)) for at in range(0, rows, size)]


def _block_average_precision(
    matches: Matches, levels: NDArray[np.bool_], weights: Weights
) -> Array:
    """The same for one block; replicates are the last, contiguous axis of what is worked on."""
    counts = np.ascontiguousarray(weights.T, dtype=np.float64)
    persons = matches.persons @ counts
    drawn = counts[matches.image]
    # Precision only matters where a person is found, so only those rows are worked on.
    seen = np.cumsum(drawn, axis=0)
    result = np.zeros((len(levels), len(weights)))
    for level, found in enumerate(levels):
        at = np.flatnonzero(found)
        if len(at):
            result[level] = _interpolated_area(np.cumsum(drawn[at], axis=0), seen[at], persons)
    result[:, persons == 0] = np.nan
    return result


def interpolated_precision(hits: Array, seen: Array, persons: Array) -> tuple[Array, Array]:
    """COCO's interpolated precision, and the recall, where each person is found.

    `hits` and `seen` (finds, replicates) count the persons found and the boxes shown so far.
    """
    precision = np.divide(hits, seen, out=np.zeros_like(hits), where=seen > 0)
    envelope = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    return envelope, hits / np.maximum(persons, 1)


def precision_and_recall(
    matches: Matches, weights: Weights, threshold: float
) -> tuple[Array, Array]:
    """Precision and recall at IoU 0.5 of the detections with at least `threshold` confidence.

    `weights` (replicates, images) count each image; both have shape (replicates,). A detector that
    shows nothing has precision 0; without a person recall is NaN.
    """
    kept = matches.confidence >= threshold
    images = len(matches.images)
    shown = np.bincount(matches.image[kept], minlength=images)
    hits = np.bincount(matches.image[kept & matches.found[0]], minlength=images)
    counts = np.column_stack([hits, shown, matches.persons]).astype(np.float64)
    parts = blocks(len(weights), images)
    totals = [weights[part].astype(np.float64) @ counts for part in parts]
    found, boxes, persons = np.concatenate(totals).T
    precision = np.divide(found, boxes, out=np.zeros_like(found), where=boxes > 0)
    with np.errstate(invalid="ignore"):
        return precision, found / persons


def _interpolated_area(hits: Array, seen: Array, persons: Array) -> Array:
    envelope, recall = interpolated_precision(hits, seen, persons)
    reached = np.searchsorted(RECALL_LEVELS, recall, side="right")
    envelope *= np.diff(reached, axis=0, prepend=0)
    # Summed along the contiguous axis, as for one replicate, so that no block changes a bit.
    return np.asarray(np.ascontiguousarray(envelope.T).sum(axis=1) / len(RECALL_LEVELS))


def _mean_over_levels(values: Array) -> Array:
    """The mean over IoU thresholds, added one by one: NumPy adds a lone replicate in another order,
    and so its last bit would depend on how many are computed at once."""
    total = np.zeros(values.shape[1])
    for level in values:
        total += level
    return total / len(values)


MEASURES = {
    one.name: one
    for one in (
        Measure(
            "mAP50",
            "metric",
            larger_is_better=True,
            aliases=("metrics/mAP50B", "metrics/mAP50(B)", "map50", "val/mAP50"),
            values=lambda found, weights, _: average_precision(found, weights, slice(1))[0],
        ),
        Measure(
            "mAP50-95",
            "metric",
            larger_is_better=True,
            aliases=("metrics/mAP50-95B", "metrics/mAP50-95(B)", "map", "val/mAP50-95"),
            values=lambda found, weights, _: _mean_over_levels(average_precision(found, weights)),
        ),
        Measure(
            "precision",
            "metric",
            larger_is_better=True,
            aliases=("metrics/precisionB", "metrics/precision(B)", "val/precision"),
            values=lambda *given: precision_and_recall(*given)[0],
        ),
        Measure(
            "recall",
            "metric",
            larger_is_better=True,
            aliases=("metrics/recallB", "metrics/recall(B)", "val/recall"),
            values=lambda *given: precision_and_recall(*given)[1],
        ),
        Measure("latency_p50_ms", "cost", larger_is_better=False, unit="ms", digits=1),
        Measure("latency_p95_ms", "cost", larger_is_better=False, unit="ms", digits=1, told=False),
        Measure("latency_ratio", "cost", larger_is_better=False, unit="×", digits=2, told=False),
        Measure("energy_wh", "cost", larger_is_better=False, unit="Wh", digits=2),
        Measure("train_seconds", "cost", larger_is_better=False, unit="s", digits=0),
        Measure("model_mb", "cost", larger_is_better=False, unit="MB", digits=1, told=False),
        Measure("seed_spread", "spread", larger_is_better=False),
    )
}
METRICS = tuple(one.name for one in MEASURES.values() if one.kind == "metric")
COSTS = tuple(one.name for one in MEASURES.values() if one.kind == "cost")


def metric_values(
    matches: Matches, weights: Weights, threshold: float, names: Sequence[str] = METRICS
) -> dict[str, Array]:
    """Metrics of a run for each row of image weights (replicates, images), by their names."""
    chosen = {name: MEASURES[name].values for name in names}
    return {
        name: values(matches, weights, threshold)
        for name, values in chosen.items()
        if values is not None
    }
