"""The comparison's time and memory: beside the version before, and beside evaluating anew.

One comparison of 12 runs on 200 images with 2,000 replicates, by `compare` as it is and as it was
before (`BEFORE`, taken from git); evaluations by hotcoco, of which a few are timed and the rest is
estimated; and the peak memory of a large test split and of many runs.

    python benchmarks/bootstrap.py
"""

from __future__ import annotations

import importlib
import resource
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import hotcoco
import numpy as np
import pandas as pd

from promotion.comparison.bootstrap import REPLICATES, bootstrap_weights, compare
from promotion.detection.evaluation import coco_evaluation
from promotion.detection.seen import Seen, see
from promotion.metrics import METRICS, Matches
from promotion.paths import ROOT

BEFORE = "a94dd36"
SIDE, IMAGES, EVALUATIONS, ROUNDS = 6, 200, 12, 2
LARGE, CONFIGURATIONS, SEEDS, FEW = 5000, 50, 5, 200
CONFIDENCE, THRESHOLD = 0.95, 0.5
MIB = 2**20


def main() -> None:
    """Print the times, the memory and the ratios."""
    runs = [see(*made_up(seed), THRESHOLD) for seed in range(1, 2 * SIDE + 1)]
    beside_before(runs)
    beside_evaluations(runs)
    large_split()
    many_runs()
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"resident memory of all this, at most: {resident:.0f} MiB")


def beside_before(runs: list[Seen]) -> None:
    """One comparison, now and before, in turns."""
    print(f"compare: {len(runs)} runs, {IMAGES} images, {REPLICATES} replicates")
    now = _compare(compare, runs)
    before = _compare(_before().compare, [_Former(run) for run in runs])
    # Tracing slows down what allocates often, so that nothing is traced while it is timed.
    seconds = np.array([[timed(now), timed(before)] for _ in range(ROUNDS)]).min(axis=0)
    print(f"  now {seconds[0]:.2f} s, at most {measured(now)[1]:.0f} MiB")
    print(f"  before ({BEFORE}) {seconds[1]:.2f} s, at most {measured(before)[1]:.0f} MiB")
    print(f"  ratio now/before: {seconds[0] / seconds[1]:.2f}", flush=True)


class _Former:
    """A run as the version before expects it."""

    def __init__(self, run: Seen) -> None:
        self.matches, self.threshold = run.matches, run.threshold


def _compare(function: Any, runs: list[Any]) -> Callable[[], object]:
    ours, theirs = runs[:SIDE], runs[SIDE:]
    return lambda: function(ours, theirs, CONFIDENCE, np.random.default_rng(0), REPLICATES)


def _before() -> ModuleType:
    """The statistics of the version before, under names of their own."""
    folder = Path(tempfile.mkdtemp())
    for name in ("statistics", "matching"):
        shown = ["git", "-C", str(ROOT), "show", f"{BEFORE}:promotion/{name}.py"]
        source = subprocess.run(shown, check=True, capture_output=True, text=True).stdout
        source = source.replace("promotion.matching", "before_matching")
        (folder / f"before_{name}.py").write_text(source, encoding="utf-8")
    sys.path.insert(0, str(folder))
    return importlib.import_module("before_statistics")


def beside_evaluations(runs: list[Seen]) -> None:
    """The same replicates by evaluating again each time; one pair by hotcoco's own bootstrap."""
    rng = np.random.default_rng(0)
    weights = bootstrap_weights(IMAGES, rng, EVALUATIONS)[1:]
    tables = [made_up(seed) for seed in range(1, 3)]
    again = [resampled(*tables[k % 2], weights[k]) for k in range(EVALUATIONS)]
    one = timed(lambda: [coco_evaluation(*pair) for pair in again]) / EVALUATIONS
    pair = [coco_evaluation(*table) for table in tables]
    builtin = timed(lambda: hotcoco.compare(*pair, n_bootstrap=REPLICATES))
    ours = timed(lambda: compare(runs[:1], runs[1:2], CONFIDENCE, rng, REPLICATES))
    theirs = 2 * one * REPLICATES
    print(f"one pair: {ours:.2f} s, hotcoco.compare {builtin:.2f} s")
    print(f"  evaluated anew: {one * 1e3:.0f} ms each, {theirs:.0f} s (estimated)")
    print(f"  ratios: {builtin / ours:.2f} and {theirs / ours:.0f}")


def large_split() -> None:
    """Two runs on a large test split."""
    pair = [random_run(LARGE, seed) for seed in (1, 2)]
    rng = np.random.default_rng(0)
    seconds, most = measured(lambda: compare(pair[:1], pair[1:], CONFIDENCE, rng, REPLICATES))
    print(
        f"{LARGE} images, 2 runs, {REPLICATES} replicates: {seconds:.0f} s, {most:.0f} MiB",
        flush=True,
    )


def many_runs() -> None:
    """All runs of many configurations in one comparison, which keeps the values of all of them."""
    count = CONFIGURATIONS * SEEDS
    runs = [random_run(IMAGES, seed) for seed in range(count)]
    seconds, most = measured(
        lambda: compare(runs[:SEEDS], runs[SEEDS:], CONFIDENCE, np.random.default_rng(0), FEW)
    )
    print(f"{CONFIGURATIONS} x {SEEDS} runs, {IMAGES} images, {FEW} replicates (not {REPLICATES},")
    print(f"  which would take too long): {seconds:.0f} s, {most:.0f} MiB")
    kept = len(METRICS) * count * (1 + REPLICATES) * 8 / MIB
    print(f"  values of all runs with {REPLICATES} replicates: {kept:.0f} MiB of at most 1024")


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


def random_run(images: int, seed: int) -> Seen:
    """A run of twelve boxes an image, half of them right at some IoU, without their coordinates."""
    rng = np.random.default_rng(seed)
    count = 12 * images
    confidence = np.sort(rng.random(count))[::-1]
    quality = np.where(rng.random(count) < confidence, rng.random(count), -1.0)
    persons = np.random.default_rng(0).poisson(6.5, images)
    matches = Matches(
        images=tuple(map(str, range(images))),
        persons=persons,
        image=rng.integers(0, images, count),
        confidence=confidence,
        found=quality[None] > np.linspace(0, 0.9, 10)[:, None],
        row=np.arange(count),
        person=np.full(count, -1),
    )
    return Seen(pd.DataFrame(), pd.DataFrame(), THRESHOLD, matches)


def timed(work: Callable[[], object]) -> float:
    """Seconds of a call, of the processor: other work on the machine does not count."""
    began = time.process_time()
    work()
    return time.process_time() - began


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of a call, and the most memory that it allocates, in MiB."""
    tracemalloc.start()
    seconds = timed(work)
    most = tracemalloc.get_traced_memory()[1] / MIB
    tracemalloc.stop()
    return seconds, most


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


if __name__ == "__main__":
    main()
