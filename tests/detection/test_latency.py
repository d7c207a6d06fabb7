"""Latencies are comparable: measured interleaved, told by percentiles known beforehand."""

from __future__ import annotations

import pandas as pd
import pytest

from promotion.datasets import PreparedDataset, images_of
from promotion.detection import Detector, latency_metrics, measure_latency


def test_a_larger_picture_takes_longer(
    detectors: dict[int, Detector], streets: PreparedDataset
) -> None:
    named = {str(imgsz): (detector, 0.25) for imgsz, detector in detectors.items()}
    milliseconds = measure_latency(named, images_of(streets.folder, "val") * 3)
    assert list(milliseconds.columns) == ["96", "320"]
    assert len(milliseconds) == 12
    found = latency_metrics(milliseconds, ["96"])
    assert found["96"]["latency_ratio"] == pytest.approx(1)
    assert found["320"]["latency_ratio"] > 1.5


def test_percentiles_and_ratios_of_known_times() -> None:
    milliseconds = pd.DataFrame({"base": [10.0] * 100, "slow": [20.0] * 94 + [50.0] * 6})
    found = latency_metrics(milliseconds, ["base"])
    assert found["slow"]["latency_p50_ms"] == 20
    assert found["slow"]["latency_p95_ms"] == 50
    assert found["slow"]["latency_ratio"] == 2


def test_a_busy_machine_slows_both_and_changes_no_ratio() -> None:
    milliseconds = pd.DataFrame({"base": [10.0, 100.0, 10.0], "slow": [20.0, 200.0, 20.0]})
    assert latency_metrics(milliseconds, ["base"])["slow"]["latency_ratio"] == 2


def test_several_reference_runs_stand_for_the_baseline_together() -> None:
    milliseconds = pd.DataFrame({"s1": [8.0] * 4, "s2": [12.0] * 4, "big": [30.0] * 4})
    assert latency_metrics(milliseconds, ["s1", "s2"])["big"]["latency_ratio"] == 3
