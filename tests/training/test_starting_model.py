"""A starting model that cannot be trained from is told in one line before any variant starts."""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path

import pytest
import torch

from promotion.checksums import sha256_of
from promotion.comparison.untrained import measure_untrained
from promotion.datasets import PreparedDataset, ground_truth, images_of
from promotion.detection import Detector, evaluate
from promotion.errors import ChecksumError, PromotionError
from promotion.flow import check_start
from promotion.paths import ROOT
from promotion.study import Model, OperatingPoint
from promotion.training import checkpoints, expected_sum, person_class, starting_weights
from promotion.training.yolo import open_checkpoint
from tests.builders import SCENES, STARTER, invoke
from tests.training.builders import two_classes, untrained

pytestmark = pytest.mark.slow

OTHERS = {
    "yolov8n-seg.yaml": "is a segmentation model",
    "yolov8n-cls.yaml": "is an image classifier",
    "yolov8n-pose.yaml": "is a pose model",
    "yolov8n-obb.yaml": "is a detector of oriented boxes",
    "yolov8s-world.yaml": r"is a model of another kind \(WorldModel\)",
}


@pytest.mark.parametrize("config", OTHERS)
def test_a_checkpoint_of_another_kind_is_named(config: str, tmp_path: Path) -> None:
    path = untrained(config, tmp_path / "other.pt")
    with pytest.raises(PromotionError, match=OTHERS[config]) as caught:
        check_start(path)
    assert "name a detection checkpoint" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_torch_saved_but_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.pt"
    torch.save({"weights": torch.zeros(3)}, path)
    with pytest.raises(PromotionError, match="is not a checkpoint of Ultralytics") as caught:
        open_checkpoint(path)
    assert "\n" not in str(caught.value)


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "letter.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("letter.txt", "dear reader")
    with pytest.raises(PromotionError, match="is not a checkpoint of Ultralytics") as caught:
        check_start(path)
    assert "\n" not in str(caught.value)


def test_another_file_ending_is_refused(tmp_path: Path) -> None:
    """Ultralytics would take it for a model in another format."""
    path = tmp_path / "own.ckpt"
    shutil.copy(ROOT / STARTER, path)
    with pytest.raises(PromotionError, match=r"name a \.pt file"):
        starting_weights(Model(weights=str(path)), tmp_path)


def test_another_file_with_a_published_name_is_found_out(tmp_path: Path) -> None:
    path = tmp_path / "yolov8n.pt"
    shutil.copy(ROOT / STARTER, path)
    with pytest.raises(ChecksumError, match="rename yours") as caught:
        starting_weights(Model(weights=str(path)), tmp_path)
    assert "\n" not in str(caught.value)
    meant = Model(weights=str(path), sha256=sha256_of(path))
    assert starting_weights(meant, tmp_path) == path


def test_the_command_line_tells_it_before_any_variant(scenes_home: Path, tmp_path: Path) -> None:
    path = untrained("yolov8n-seg.yaml", tmp_path / "own.pt")
    done = invoke("run", *SCENES, "--set", f"model.weights={path}", home=scenes_home)
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert f"{path} is a segmentation model" in done.stderr
    # Its own sum is said, for the study to name.
    assert re.search(rf"no model\.sha256 was given for \S+; it is {sha256_of(path)}", done.stdout)
    assert not list(scenes_home.glob("notebooks/*/*"))


def test_the_sum_that_a_checkpoint_must_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(checkpoints.PUBLISHED, "yolov8n.pt", ("", "1" * 64))
    assert expected_sum(Model(weights="yolov8n.pt")) == "1" * 64
    assert expected_sum(Model(weights=STARTER)) == sha256_of(ROOT / STARTER)
    assert expected_sum(Model(weights="/data/own.pt")) is None
    assert expected_sum(Model(weights="/data/own.pt", sha256="2" * 64)) == "2" * 64


def test_the_person_is_chosen_by_name() -> None:
    assert person_class({0: "car", 1: " Person"}) == 1
    assert person_class({0: "pedestrian"}) == 0
    with pytest.raises(PromotionError, match=r"6 classes is named person \(a, b, c, d, e, …\)"):
        person_class(dict(enumerate("abcdef")))


def test_classes_without_a_person_are_told_before_training(tmp_path: Path) -> None:
    names = dict(enumerate(["car", "lorry"]))
    path = two_classes(tmp_path / "own.pt", names)
    with pytest.raises(PromotionError, match=r"2 classes is named person \(car, lorry\)"):
        check_start(path)


def test_the_second_class_is_measured_if_it_is_the_person(
    streets: PreparedDataset, detectors: dict[int, Detector], tmp_path: Path
) -> None:
    val, test = (
        (images_of(streets.folder, split), ground_truth(streets.folder, split))
        for split in ("val", "test")
    )
    start = two_classes(tmp_path / "own.pt", {0: "car", 1: "Person"})
    found = measure_untrained("start", start, 320, tmp_path, val, test, OperatingPoint())
    assert found.facts([]).person_class == "Person"
    # The same network as the starter's, whose one class it is.
    expected = evaluate(detectors[320], *val, OperatingPoint()).metrics()
    assert found.val.metrics() == pytest.approx(expected, abs=1e-3)
    assert expected["mAP50"] > 0.2
