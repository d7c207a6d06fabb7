"""What a model costs: latency, measured interleaved, and energy, measured or estimated."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from codecarbon import OfflineEmissionsTracker

from promotion.datasets.yolo import read_image
from promotion.detector import Detector

WARM_UP_ROUNDS = 3
COUNTRY = "FRA"
POWER_SAMPLE_S = 2
POWER_METERS = {"intel_rapl", "intel_power_gadget", "windows_emi"}


def measure_latency(
    detectors: Mapping[str, tuple[Detector, float]],
    images: Sequence[Path],
    progress: Callable[[int], None] | None = None,
) -> pd.DataFrame:
    """Milliseconds per image and model at batch 1: one column a model, one row an image.

    `detectors` maps a name to a detector and its operating threshold. The time runs from the
    decoded picture to its final boxes. Every model sees an image before any sees the next, in an
    order that turns with each image, so that a busy machine slows all of them alike.
    """
    names = list(detectors)
    pictures = [read_image(path) for path in images]
    for picture in pictures[:WARM_UP_ROUNDS]:
        for detector, threshold in detectors.values():
            detector.detect(picture, threshold)
    rows = []
    for number, picture in enumerate(pictures):
        shift = number % len(names)
        row = {}
        for name in names[shift:] + names[:shift]:
            detector, threshold = detectors[name]
            began = time.perf_counter_ns()
            detector.detect(picture, threshold)
            row[name] = (time.perf_counter_ns() - began) / 1e6
        rows.append(row)
        if progress:
            progress(number + 1)
    return pd.DataFrame(rows, columns=names)


def latency_metrics(
    milliseconds: pd.DataFrame, reference: Sequence[str]
) -> dict[str, dict[str, float]]:
    """p50 and p95 per model, and the median ratio to the reference models on the same image."""
    base = milliseconds[list(reference)].median(axis=1)
    return {
        str(name): {
            "latency_p50_ms": float(np.percentile(column, 50)),
            "latency_p95_ms": float(np.percentile(column, 95)),
            "latency_ratio": float((column / base).median()),
        }
        for name, column in milliseconds.items()
    }


@dataclass
class Energy:
    """Energy and duration of a piece of work; `method` says whether a meter measured it."""

    watt_hours: float = float("nan")
    method: str = ""
    seconds: float = 0.0


@contextmanager
def energy_meter() -> Iterator[Energy]:
    """Meter this process's energy, by codecarbon in offline mode.

    Without a power meter (Intel RAPL, PowerMetrics, NVML) codecarbon estimates the processor's
    power from its load and a table; the method is then `estimated`.
    See https://mlco2.github.io/codecarbon/methodology.html
    """
    energy = Energy()
    # Codecarbon logs on its way to applying the level that it is given below.
    logging.getLogger("codecarbon").setLevel(logging.CRITICAL)
    tracker = OfflineEmissionsTracker(
        country_iso_code=COUNTRY,
        measure_power_secs=POWER_SAMPLE_S,
        tracking_mode="process",
        save_to_file=False,
        allow_multiple_runs=True,
        log_level="critical",
    )
    began = time.perf_counter()
    tracker.start()
    try:
        yield energy
    finally:
        tracker.stop()
        energy.seconds = time.perf_counter() - began
        data = tracker.final_emissions_data
        energy.watt_hours = float(data.energy_consumed) * 1000
        energy.method = _method(tracker)


def _method(tracker: OfflineEmissionsTracker) -> str:
    """`measured` when the processor has a meter, else `estimated`."""
    modes = {getattr(device, "_mode", None) for device in tracker._hardware}
    return "measured" if modes & POWER_METERS else "estimated"
