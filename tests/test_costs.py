from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from promotion.datasets import PreparedDataset, images_of
from promotion.detection.detector import Detector
from promotion.detection.latency import energy_meter, latency_metrics, measure_latency
from promotion.study.schema import Model
from promotion.training.checkpoints import starting_weights
from promotion.training.trainer import export_onnx


@pytest.fixture(scope="module")
def detectors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Detector, float]]:
    folder = tmp_path_factory.mktemp("detectors")
    start = starting_weights(Model(weights="weights/street_day_yolov8n.pt"), folder)
    found = {}
    for imgsz in (96, 320):
        checkpoint = folder / f"{imgsz}.pt"
        checkpoint.write_bytes(start.read_bytes())
        onnx = export_onnx(checkpoint, imgsz).rename(folder / f"{imgsz}.onnx")
        found[str(imgsz)] = (Detector(onnx), 0.25)
    return found


def pictures(streets: PreparedDataset) -> Sequence[Path]:
    return images_of(streets.folder, "val")


def test_a_larger_picture_takes_longer(
    detectors: dict[str, tuple[Detector, float]], streets: PreparedDataset
) -> None:
    milliseconds = measure_latency(detectors, list(pictures(streets)) * 3)
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


def test_work_costs_energy_and_the_method_is_told() -> None:
    with energy_meter() as energy:
        total = sum(i * i for i in range(2_000_000))
    assert total > 0
    assert energy.seconds > 0
    assert energy.watt_hours > 0
    assert energy.method in ("measured", "estimated")
