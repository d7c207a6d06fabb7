"""The bootstrap of COCO AP as array operations, beside doing it by evaluating again and again.

2,000 replicates over 12 runs of 120 images, as `promotion.statistics` does it; the same number of
evaluations by hotcoco (a few are timed, the rest is estimated); and `hotcoco.compare` on one pair.

    python benchmarks/bootstrap.py
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable

import hotcoco
import numpy as np
import pandas as pd

from promotion.comparison.bootstrap import (
    REPLICATES,
    compare,
    image_weights,
    replicate_values,
)
from promotion.detection import see
from promotion.detection.evaluation import coco_evaluation

RUNS, IMAGES, EVALUATIONS = 12, 120, 12


def made_up(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A split of as many persons and boxes an image as the embedded study has; equal for a seed."""
    truth_rng, rng = np.random.default_rng(0), np.random.default_rng(seed)
    truth, found = [], []
    for number in range(IMAGES):
        name = f"{number:03d}.jpg"
        corners = truth_rng.uniform(0, 500, (6, 2))
        boxes = np.concatenate([corners, corners + truth_rng.uniform(20, 120, (6, 2))], axis=1)
        truth += [(name, *box) for box in boxes]
        seen = boxes + rng.normal(0, 6, boxes.shape)
        false = rng.uniform(0, 500, (12, 2))
        false = np.concatenate([false, false + 60], axis=1)
        scores = [*rng.beta(4, 2, 6), *rng.beta(1, 6, 12)]
        rows = zip([*seen, *false], scores, strict=True)
        found += [(name, *box, score) for box, score in rows]
    columns = ["image", "x0", "y0", "x1", "y1"]
    return pd.DataFrame(truth, columns=columns), pd.DataFrame(
        found, columns=[*columns, "confidence"]
    )


def timed(work: Callable[[], object]) -> float:
    """Seconds of a call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def resampled(
    truth: pd.DataFrame, found: pd.DataFrame, weights: np.ndarray
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables of one replicate, each image as often as it was drawn, under its own name."""
    names = sorted(truth["image"].unique())
    tables = []
    for table in (truth, found):
        parts = dict(list(table.groupby("image")))
        drawn = [
            parts[name].assign(image=f"{name}-{copy}")
            for name, weight in zip(names, weights, strict=True)
            for copy in range(int(weight))
            if name in parts
        ]
        tables.append(pd.concat(drawn, ignore_index=True))
    return tables[0], tables[1]


def main() -> None:
    """Print the times, the memory and the ratios."""
    tables = [made_up(seed) for seed in range(1, RUNS + 1)]
    runs = [see(*table, 0.5) for table in tables]
    rng = np.random.default_rng(0)
    weights = image_weights(IMAGES, rng, REPLICATES)

    def ours() -> None:
        for run in runs:
            replicate_values(run, weights)

    seconds = timed(ours)
    tracemalloc.start()
    ours()
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    again = [resampled(*tables[k % RUNS], weights[k]) for k in range(EVALUATIONS)]
    one = timed(lambda: [coco_evaluation(*pair) for pair in again]) / EVALUATIONS
    theirs = one * RUNS * REPLICATES
    pair = [coco_evaluation(*table) for table in tables[:2]]
    builtin = timed(lambda: hotcoco.compare(*pair, n_bootstrap=REPLICATES))
    ours_pair = timed(lambda: compare(runs[:1], runs[1:2], 0.95, rng, REPLICATES))

    print(f"{REPLICATES} replicates, {RUNS} runs, {IMAGES} images")
    print(f"promotion.statistics: {seconds:.1f} s, at most {peak:.0f} MiB")
    print(f"hotcoco again each time: {one * 1e3:.1f} ms an evaluation, {theirs:.0f} s (estimated)")
    print(f"ratio: {theirs / seconds:.0f}")
    print(f"one pair: promotion {ours_pair:.2f} s, hotcoco.compare {builtin:.2f} s")
    print(f"ratio: {builtin / ours_pair:.2f}")


if __name__ == "__main__":
    main()
